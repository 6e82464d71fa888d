//! A message as one flat row: the columns of `v_messages` in their order, and what hangs on it.
//!
//! The names are those of the views. JSON lines, CSV and Parquet are all made from this.

use jiff::civil::DateTime;
use serde::{Serialize, Serializer};

use super::{
    state::{Change, Standing},
    zone::Zone,
};
use crate::{
    model::{ConversationKey, MediaKind, Message, RunId, Timestamp},
    store::{GivenName, SelectedMessage},
};

/// A message on its way out, decoded.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) selected: SelectedMessage,
    pub(super) version: i64,
    pub(super) message: Message,
    pub(super) missing_since: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) name: Option<GivenName>,
    /// What became of it, in a change feed.
    pub(super) change: Option<(Change, RunId)>,
}

impl Outgoing {
    pub(super) fn new(
        selected: SelectedMessage,
        standing: Standing,
        change: Option<(Change, RunId)>,
    ) -> Self {
        Self {
            selected,
            version: standing.version,
            message: standing.message,
            missing_since: standing.missing_since,
            deleted_at: standing.deleted_at,
            name: None,
            change,
        }
    }

    pub(super) const fn conversation(&self) -> ConversationKey {
        self.selected.conversation
    }

    /// The JSON as received.
    pub(super) fn raw(&self) -> &str {
        &self.message.raw
    }
}

/// A time as ISO-8601 UTC text with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Iso(pub(super) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The row. Fields are columns; a test compares them with those of `v_messages`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Flat<'a> {
    pub(super) id: &'a str,
    pub(super) conversation_id: &'a str,
    pub(super) organization_id: Option<&'a str>,
    pub(super) business_unit_id: Option<&'a str>,
    pub(super) sender_id: Option<&'a str>,
    pub(super) sender_kind: &'static str,
    pub(super) direction: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: Option<&'a str>,
    pub(super) media_kind: Option<&'static str>,
    pub(super) title: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    pub(super) is_mail: Option<bool>,
    pub(super) created_at: Option<Iso>,
    pub(super) updated_at: Option<Iso>,
    pub(super) version: i64,
    pub(super) first_seen_run: i64,
    pub(super) deleted_at: Option<Iso>,
    pub(super) missing_since: Option<Iso>,
    pub(super) stream_id: Option<&'a str>,
    pub(super) stream_sequence: Option<i64>,
    pub(super) created_ms: Option<i64>,
    pub(super) local_day: Option<String>,
    pub(super) local_hour: Option<i8>,
    pub(super) local_weekday: Option<i8>,
    pub(super) sender_name: Option<&'a str>,
    pub(super) sender_team: Option<&'a str>,
    pub(super) sender_is_bot: Option<bool>,
    pub(super) quick_reply: Option<QuickReplyCell<'a>>,
    pub(super) quick_reply_options: Vec<OptionCell<'a>>,
    pub(super) attachments: Vec<AttachmentCell<'a>>,
    pub(super) location: Option<LocationCell<'a>>,
    pub(super) shared_contacts: Vec<ContactCell<'a>>,
    pub(super) template_variables: Vec<VariableCell<'a>>,
    /// Only in a change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<&'static str>,
    /// Only in a change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change_run: Option<i64>,
}

/// The option that a contact chose.
#[derive(Debug, Serialize)]
pub(super) struct QuickReplyCell<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) payload: Option<&'a str>,
    pub(super) description: Option<&'a str>,
}

/// An option that was offered.
#[derive(Debug, Serialize)]
pub(super) struct OptionCell<'a> {
    position: u32,
    option_id: Option<&'a str>,
    content_type: Option<&'a str>,
    title: Option<&'a str>,
    payload: Option<&'a str>,
    description: Option<&'a str>,
    answered: Option<bool>,
}

/// A file that a message names; never the file itself.
#[derive(Debug, Serialize)]
pub(super) struct AttachmentCell<'a> {
    pub(super) url: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) declared_type: Option<&'a str>,
    pub(super) media_kind: &'static str,
    pub(super) caption: Option<&'a str>,
}

/// A place.
#[derive(Debug, Serialize)]
pub(super) struct LocationCell<'a> {
    pub(super) latitude: Option<f64>,
    pub(super) longitude: Option<f64>,
    pub(super) name: Option<&'a str>,
    pub(super) address: Option<&'a str>,
}

/// A contact card.
#[derive(Debug, Serialize)]
pub(super) struct ContactCell<'a> {
    position: u32,
    name: Option<&'a str>,
    phone_number: Option<&'a str>,
    email: Option<&'a str>,
}

/// A variable of a template.
#[derive(Debug, Serialize)]
pub(super) struct VariableCell<'a> {
    position: u32,
    value: Option<&'a str>,
}

impl<'a> Flat<'a> {
    pub(super) fn of(outgoing: &'a Outgoing, zone: &Zone) -> Self {
        let Outgoing {
            selected,
            message,
            name,
            ..
        } = outgoing;
        let local = message.created_at.and_then(|time| zone.local(time));
        Self {
            id: &selected.id,
            conversation_id: &selected.conversation_id,
            organization_id: message.organization_id.as_deref(),
            business_unit_id: message.business_unit_id.as_deref(),
            sender_id: message.sender_id.as_deref(),
            sender_kind: message.sender_kind.as_str(),
            direction: message.direction.as_str(),
            kind: message.kind.as_deref(),
            media_kind: message.media_kind.map(MediaKind::as_str),
            title: message.title.as_deref(),
            text: message.text.as_deref(),
            is_mail: message.is_mail,
            created_at: message.created_at.map(Iso),
            updated_at: message.updated_at.map(Iso),
            version: outgoing.version,
            first_seen_run: selected.first_seen_run,
            deleted_at: outgoing.deleted_at.map(Iso),
            missing_since: outgoing.missing_since.map(Iso),
            stream_id: message.stream_id.as_deref(),
            stream_sequence: message.stream_sequence,
            created_ms: message.created_at.map(Timestamp::as_millis),
            local_day: local.map(|local| local.date().to_string()),
            local_hour: local.map(DateTime::hour),
            local_weekday: local.map(|local| local.weekday().to_monday_one_offset()),
            sender_name: name.as_ref().map(|name| &*name.name),
            sender_team: name.as_ref().and_then(|name| name.team.as_deref()),
            sender_is_bot: name.as_ref().and_then(|name| name.is_bot),
            quick_reply: quick_reply(message),
            quick_reply_options: options(message),
            attachments: attachments(message),
            location: location(message),
            shared_contacts: contacts(message),
            template_variables: variables(message),
            change: outgoing.change.map(|(change, _)| change.as_str()),
            change_run: outgoing.change.map(|(_, run)| run.0),
        }
    }
}

fn quick_reply(message: &Message) -> Option<QuickReplyCell<'_>> {
    message.quick_reply.as_ref().map(|reply| QuickReplyCell {
        title: reply.title.as_deref(),
        payload: reply.payload.as_deref(),
        description: reply.description.as_deref(),
    })
}

fn options(message: &Message) -> Vec<OptionCell<'_>> {
    let cells = message.quick_reply_options.iter().map(|option| OptionCell {
        position: option.position,
        option_id: option.option_id.as_deref(),
        content_type: option.content_type.as_deref(),
        title: option.title.as_deref(),
        payload: option.payload.as_deref(),
        description: option.description.as_deref(),
        answered: option.answered,
    });
    cells.collect()
}

fn attachments(message: &Message) -> Vec<AttachmentCell<'_>> {
    let cells = message.attachment.iter().map(|attachment| AttachmentCell {
        url: &attachment.url,
        host: attachment.host.as_deref(),
        declared_type: attachment.declared_type.as_deref(),
        media_kind: attachment.media_kind.as_str(),
        caption: attachment.caption.as_deref(),
    });
    cells.collect()
}

fn location(message: &Message) -> Option<LocationCell<'_>> {
    message.location.as_ref().map(|location| LocationCell {
        latitude: location.latitude,
        longitude: location.longitude,
        name: location.name.as_deref(),
        address: location.address.as_deref(),
    })
}

fn contacts(message: &Message) -> Vec<ContactCell<'_>> {
    let cells = message.shared_contacts.iter().map(|contact| ContactCell {
        position: contact.position,
        name: contact.name.as_deref(),
        phone_number: contact.phone_number.as_deref(),
        email: contact.email.as_deref(),
    });
    cells.collect()
}

fn variables(message: &Message) -> Vec<VariableCell<'_>> {
    let cells = message
        .template_variables
        .iter()
        .map(|variable| VariableCell {
            position: variable.position,
            value: variable.value.as_deref(),
        });
    cells.collect()
}
