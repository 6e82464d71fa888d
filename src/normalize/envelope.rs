//! What every message has, whatever its type: ids, sender, times.
//!
//! Both spellings of ids are read: `_id` and `public_id` of the 3rd-party route, `id` of the
//! web application's (facts.md section 2). Fields that are not known are not odd.

use crate::{
    model::{
        AnomalyKind, ConversationId, Direction, Message, MessageId, SenderKind, Text, Timestamp,
    },
    wire::Json,
};

use super::{
    anomaly::note,
    fields::{Fields, scalar, shared},
};

const ID_KEYS: [&str; 3] = ["_id", "public_id", "id"];
const CREATED_AT: &str = "created_at";
/// What [`glance`] reads.
pub(super) const GLANCED: &[&str] = &[ID_KEYS[0], ID_KEYS[1], ID_KEYS[2], CREATED_AT];

/// 0001-01-01T00:00:00Z: older times fit neither database's range or order.
const MILLIS_MIN: i64 = -62_135_596_800_000;

pub(super) fn read(envelope: &Fields<'_>, asked: &ConversationId, message: &mut Message) {
    read_id(envelope, message);
    message.organization_id = envelope.expected_id("organization_id", message);
    message.business_unit_id = envelope.expected_id("business_unit_id", message);
    let conversation = envelope.expected_id("conversation_id", message);
    if conversation.is_some_and(|id| *id != *asked.as_str()) {
        note(
            message,
            AnomalyKind::ForeignConversation,
            &envelope.place().key("conversation_id"),
            "not the conversation that was asked for",
        );
    }
    message.sender_id = sender(envelope, message);
    message.sender_kind = match message.sender_id.as_deref() {
        Some(id) if id.starts_with("con_") => SenderKind::Contact,
        Some(id) if id.starts_with("u_") => SenderKind::User,
        _ => SenderKind::Unknown,
    };
    message.direction = match message.sender_kind {
        SenderKind::Contact => Direction::Inbound,
        SenderKind::User => Direction::Outbound,
        SenderKind::Unknown => Direction::Unknown,
    };
    message.created_at = created_at(envelope, message);
    if message.created_at.is_none() && is_blank(envelope, CREATED_AT) {
        envelope.note_missing(CREATED_AT, message);
    }
    message.updated_at = time(envelope, "updated_at", message);
}

/// The id and the created time alone, of an object that need hold no more than [`GLANCED`].
pub(super) fn glance(envelope: &Fields<'_>, message: &mut Message) {
    read_id(envelope, message);
    message.created_at = created_at(envelope, message);
}

fn created_at(envelope: &Fields<'_>, message: &mut Message) -> Option<Timestamp> {
    time(envelope, CREATED_AT, message)
}

/// Leaves the id empty where there is none: the caller knows the hash.
fn read_id(envelope: &Fields<'_>, message: &mut Message) {
    for key in ID_KEYS {
        if let Some(id) = envelope.id(key, message) {
            message.id = MessageId::new(id);
            return;
        }
    }
    envelope.note_missing(ID_KEYS[0], message);
}

/// `from`; where it is an object, as in comments, the id within.
fn sender(envelope: &Fields<'_>, message: &mut Message) -> Option<Text> {
    let Some(value @ Json::Object(_)) = envelope.get("from") else {
        return envelope.expected_id("from", message);
    };
    envelope.note_type("from", value, message);
    ID_KEYS
        .iter()
        .find_map(|key| scalar(value.get(key)?, message))
        .filter(|id| !id.is_empty())
}

fn is_blank(envelope: &Fields<'_>, key: &str) -> bool {
    match envelope.get(key) {
        None => true,
        Some(value) => value.as_str() == Some(""),
    }
}

/// A time; `""` is the same as none (facts.md section 2).
fn time(envelope: &Fields<'_>, key: &str, message: &mut Message) -> Option<Timestamp> {
    if is_blank(envelope, key) {
        return None;
    }
    let value = envelope.get(key)?;
    let time = value
        .as_str()
        .and_then(|text| text.parse::<Timestamp>().ok())
        .filter(|time| time.as_millis() >= MILLIS_MIN);
    if time.is_none() {
        let found = match value {
            Json::String(_) => "no RFC 3339 time from year 1",
            other => other.describe(),
        };
        note(
            message,
            AnomalyKind::UnreadableTime,
            &envelope.place().key(key),
            found,
        );
    }
    time
}

/// `type` exactly as received. What is not a string is no type.
pub(super) fn kind(envelope: &Fields<'_>, message: &mut Message) -> Option<Text> {
    match envelope.get("type") {
        None => {
            envelope.note_missing("type", message);
            None
        }
        Some(Json::String(kind)) => Some(shared(kind, message)),
        Some(other) => {
            envelope.note_type("type", other, message);
            None
        }
    }
}
