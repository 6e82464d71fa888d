//! A page of one conversation, with all that its messages carry.
//!
//! The order is by created time, then by key; messages whose time is unreadable come before all
//! others. A page is one range of the index of times, whatever the length of the conversation.

use std::collections::HashMap;

use super::Browsing;
use crate::{
    model::{ConversationKey, MessageId, Timestamp},
    store::{
        StoreError,
        statement::{self, Statement, browse as sql},
        value::{AFTER_ALL, BEFORE_ALL, Row, Value, clean},
    },
};

/// A place in a conversation: of a message, or anywhere between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessagePlace {
    /// The created time; `None`, which is before every time, where it is unreadable.
    pub created_at: Option<Timestamp>,
    /// The message's key among those of one time.
    pub key: i64,
}

/// Which end of the page is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// The messages that are older than a place.
    Before(MessagePlace),
    /// The messages that are newer than a place.
    After(MessagePlace),
}

/// Some messages of a conversation, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<ShownMessage>,
    /// Whether there are older ones, as far as this page looked.
    pub older: bool,
    /// Whether there are newer ones, as far as this page looked.
    pub newer: bool,
}

/// One message, with all that it carries. Words are cut off after 10,000 characters (100,000
/// where one message alone is read), titles after 1,000; then they are one character longer.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownMessage {
    /// Where it is.
    pub place: MessagePlace,
    /// The id.
    pub id: MessageId,
    /// Who sent it.
    pub sender_id: Option<String>,
    /// The type as received.
    pub kind: Option<String>,
    /// What its file seems to be.
    pub media_kind: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The words.
    pub text: Option<String>,
    /// Whether it is an e-mail.
    pub is_mail: Option<bool>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// The number of its current version.
    pub version: i64,
    /// Since when it is missing.
    pub missing_since: Option<Timestamp>,
    /// Since when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// The option that a contact chose.
    pub choice: Option<(Option<String>, Option<String>)>,
    /// The options that it offers.
    pub options: Vec<OfferedOption>,
    /// Its file.
    pub file: Option<SharedFile>,
    /// Its place on the map.
    pub location: Option<SharedPlace>,
    /// The contact cards that it shares.
    pub cards: Vec<SharedCard>,
    /// How many oddities its current version has.
    pub anomalies: u64,
    /// Its last versions, at most five, where it has more than one; oldest first.
    pub versions: Vec<VersionMark>,
}

/// An option that was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedOption {
    /// The caption.
    pub title: Option<String>,
    /// What it sends when it is pressed.
    pub payload: Option<String>,
    /// A longer description.
    pub description: Option<String>,
    /// Whether the message itself says that it was answered with; `None` where it says nothing.
    pub answered: Option<bool>,
}

/// A file: where it is, not what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFile {
    /// The URL as received.
    pub url: String,
    /// Its host.
    pub host: Option<String>,
    /// What it seems to be.
    pub media_kind: String,
    /// The caption.
    pub caption: Option<String>,
}

/// A place that was shared.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedPlace {
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Its name.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
}

/// A contact card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCard {
    /// The person's name.
    pub name: Option<String>,
    /// The phone number.
    pub phone_number: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

/// One version of a message, without its JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMark {
    /// Its number.
    pub version: i64,
    /// What happened: `created`, `edited`, `restored`, `deleted` or `reappeared`.
    pub event: String,
    /// When the page was requested that showed it.
    pub observed_at: Timestamp,
    /// How long its JSON is, in bytes; `None` where the event brought none.
    pub raw_bytes: Option<u64>,
}

/// What a contact chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The message that says so.
    pub id: MessageId,
    /// Where it is.
    pub place: MessagePlace,
    /// The caption of the button.
    pub title: Option<String>,
    /// What the button sent.
    pub payload: Option<String>,
}

impl MessagePlace {
    /// Before every message.
    pub const FIRST: Self = Self {
        created_at: None,
        key: -1,
    };
    /// After every message.
    pub const LAST: Self = Self {
        created_at: Some(AFTER_ALL),
        key: i64::MAX,
    };

    /// Before every message of this time and later.
    pub const fn at(time: Timestamp) -> Self {
        Self {
            created_at: Some(time),
            key: -1,
        }
    }
}

impl Browsing {
    /// Up to `limit` messages next to a place, with all that they carry.
    pub async fn message_page(
        &mut self,
        conversation: ConversationKey,
        end: PageEnd,
        limit: u32,
    ) -> Result<MessagePage, StoreError> {
        let (mut messages, more) = self.page_rows(conversation, end, limit).await?;
        let (older, newer) = match end {
            PageEnd::Before(_) => {
                messages.reverse();
                (more, false)
            }
            PageEnd::After(_) => (false, more),
        };
        self.carry(&mut messages).await?;
        Ok(MessagePage {
            messages,
            older,
            newer,
        })
    }

    /// Messages in the order in which they are met from the place, and whether there are more.
    async fn page_rows(
        &mut self,
        conversation: ConversationKey,
        end: PageEnd,
        limit: u32,
    ) -> Result<(Vec<ShownMessage>, bool), StoreError> {
        let wanted = limit as usize + 1;
        let mut found = Vec::new();
        for (statement, place) in legs(end) {
            if found.len() == wanted {
                break;
            }
            let left = u32::try_from(wanted - found.len()).unwrap_or(limit);
            let mut args: Vec<Value> = vec![conversation.0.into()];
            args.extend(place.created_at.map(Value::from));
            args.extend([place.key.into(), left.into()]);
            for mut row in self.select(statement, args).await? {
                found.push(message(&mut row)?);
            }
        }
        let more = found.len() == wanted;
        found.truncate(limit as usize);
        Ok((found, more))
    }

    /// One message of a conversation, with all that it carries.
    pub async fn message(
        &mut self,
        conversation: ConversationKey,
        id: &MessageId,
    ) -> Result<Option<ShownMessage>, StoreError> {
        let args = vec![conversation.0.into(), clean(id.as_str()).as_str().into()];
        let mut rows = self.select(&sql::MESSAGE_OF, args).await?;
        let found: Option<ShownMessage> = rows.first_mut().map(message).transpose()?;
        let mut found: Vec<ShownMessage> = found.into_iter().collect();
        self.carry(&mut found).await?;
        Ok(found.pop())
    }

    /// What was chosen among the 200 messages from a time on.
    pub async fn choices(
        &mut self,
        conversation: ConversationKey,
        from: Timestamp,
    ) -> Result<Vec<Choice>, StoreError> {
        let args = vec![conversation.0.into(), from.into()];
        let rows = self.select(&sql::CHOICES, args).await?;
        rows.into_iter()
            .map(|mut row| {
                let key = row.int()?;
                Ok(Choice {
                    id: MessageId::new(row.text()?),
                    place: MessagePlace {
                        created_at: row.maybe_time()?,
                        key,
                    },
                    title: row.maybe_text()?,
                    payload: row.maybe_text()?,
                })
            })
            .collect()
    }

    /// Fills in what is in the tables around `messages`.
    async fn carry(&mut self, messages: &mut [ShownMessage]) -> Result<(), StoreError> {
        let keys: Vec<i64> = messages.iter().map(|message| message.place.key).collect();
        let mut by_key: HashMap<i64, &mut ShownMessage> = messages
            .iter_mut()
            .map(|message| (message.place.key, message))
            .collect();
        for (statement, put) in CARRIED {
            for mut row in self.select(statement, vec![keys.clone().into()]).await? {
                if let Some(message) = by_key.get_mut(&row.int()?) {
                    put(message, row)?;
                }
            }
        }
        let edited: Vec<i64> = by_key
            .values()
            .filter(|message| message.version > 1)
            .map(|message| message.place.key)
            .collect();
        if edited.is_empty() {
            return Ok(());
        }
        for mut row in self
            .select(&sql::LAST_VERSIONS, vec![edited.into()])
            .await?
        {
            if let Some(message) = by_key.get_mut(&row.int()?) {
                message.versions.push(VersionMark {
                    version: row.int()?,
                    event: row.text()?,
                    observed_at: row.time()?,
                    raw_bytes: row.maybe_int()?.and_then(|bytes| u64::try_from(bytes).ok()),
                });
            }
        }
        Ok(())
    }
}

/// The queries that together go on from a place: those with a time, and those without, which are
/// before them.
fn legs(end: PageEnd) -> Vec<(&'static Statement, MessagePlace)> {
    let no_time = |key| MessagePlace {
        created_at: None,
        key,
    };
    match end {
        PageEnd::Before(place) if place.created_at.is_some() => vec![
            (&sql::MESSAGES_BEFORE, place),
            (&sql::UNTIMED_BEFORE, no_time(i64::MAX)),
        ],
        PageEnd::Before(place) => vec![(&sql::UNTIMED_BEFORE, place)],
        PageEnd::After(place) if place.created_at.is_some() => {
            vec![(&sql::MESSAGES_AFTER, place)]
        }
        PageEnd::After(place) => vec![
            (&sql::UNTIMED_AFTER, place),
            (&sql::MESSAGES_AFTER, MessagePlace::at(BEFORE_ALL)),
        ],
    }
}

fn message(row: &mut Row) -> Result<ShownMessage, StoreError> {
    let key = row.int()?;
    let id = MessageId::new(row.text()?);
    let (sender_id, kind, media_kind) = (row.maybe_text()?, row.maybe_text()?, row.maybe_text()?);
    let (title, text, is_mail) = (row.maybe_text()?, row.maybe_text()?, row.maybe_bool()?);
    let created_at = row.maybe_time()?;
    Ok(ShownMessage {
        place: MessagePlace { created_at, key },
        id,
        sender_id,
        kind,
        media_kind,
        title,
        text,
        is_mail,
        updated_at: row.maybe_time()?,
        version: row.int()?,
        missing_since: row.maybe_time()?,
        deleted_at: row.maybe_time()?,
        choice: None,
        options: Vec::new(),
        file: None,
        location: None,
        cards: Vec::new(),
        anomalies: 0,
        versions: Vec::new(),
    })
}

type Put = fn(&mut ShownMessage, Row) -> Result<(), StoreError>;

/// What is read of the tables around `messages`, and where it goes; the key was taken.
static CARRIED: &[(&Statement, Put)] = &[
    (&statement::DERIVED_QUICK_REPLIES, |message, mut row| {
        message.choice = Some((row.maybe_text()?, row.maybe_text()?));
        Ok(())
    }),
    (&statement::DERIVED_QUICK_REPLY_OPTIONS, put_option),
    (&statement::DERIVED_ATTACHMENTS, put_file),
    (&statement::DERIVED_LOCATIONS, put_location),
    (&statement::DERIVED_SHARED_CONTACTS, |message, mut row| {
        row.int()?;
        message.cards.push(SharedCard {
            name: row.maybe_text()?,
            phone_number: row.maybe_text()?,
            email: row.maybe_text()?,
        });
        Ok(())
    }),
    (&statement::DERIVED_ANOMALIES, |message, mut row| {
        if row.int()? == message.version {
            message.anomalies += 1;
        }
        Ok(())
    }),
];

fn put_option(message: &mut ShownMessage, mut row: Row) -> Result<(), StoreError> {
    row.int()?;
    row.maybe_text()?;
    row.maybe_text()?;
    message.options.push(OfferedOption {
        title: row.maybe_text()?,
        payload: row.maybe_text()?,
        description: row.maybe_text()?,
        answered: row.maybe_bool()?,
    });
    Ok(())
}

fn put_file(message: &mut ShownMessage, mut row: Row) -> Result<(), StoreError> {
    let (url, host) = (row.text()?, row.maybe_text()?);
    row.maybe_text()?;
    message.file = Some(SharedFile {
        url,
        host,
        media_kind: row.text()?,
        caption: row.maybe_text()?,
    });
    Ok(())
}

fn put_location(message: &mut ShownMessage, row: Row) -> Result<(), StoreError> {
    let [
        Value::Real(latitude),
        Value::Real(longitude),
        Value::Text(name),
        Value::Text(address),
    ] = &row.into_values()[..]
    else {
        return Err(StoreError::broken("a location has other columns"));
    };
    message.location = Some(SharedPlace {
        latitude: *latitude,
        longitude: *longitude,
        name: name.as_ref().map(ToString::to_string),
        address: address.as_ref().map(ToString::to_string),
    });
    Ok(())
}
