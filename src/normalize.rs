//! One raw item into one [`Message`]: pure, and never failing.
//!
//! Owns what a message of the gateway means in our rows. Reads no clock and does no I/O; what is
//! odd becomes an [`Anomaly`](crate::model::Anomaly) with its path, and the raw text is kept
//! whatever it is. No anomaly holds text of a message.
//!
//! # How to add a type
//!
//! 1. Put the sample into `tests/it/fixtures/` and add it to the list in `tests/it/normalize.rs`.
//! 2. Name the type in the one `match` of `normalize/content.rs`. If it is like a known one (a file, words),
//!    that is all.
//! 3. Else write `normalize/<family>.rs` with a `read(content, message)` that fills the fields of
//!    the message that it owns, and says `AnomalyKind::UnknownShape` where it finds nothing.
//! 4. Look at the new snapshot: `cargo insta review`.
//!
//! | file | fills |
//! |---|---|
//! | `envelope` | ids, sender, times: the same for every type |
//! | `text` | words: `text`, `emoji`, `message_template`, `jaas.conference`, unknown types |
//! | `quick_reply` | the choice of a `quick_reply`, the options of a `response` |
//! | `media` | whatever carries a file |
//! | `location`, `shared_contact`, `template` | one type each |

mod anomaly;
mod content;
mod envelope;
mod fields;
mod location;
mod media;
mod quick_reply;
mod shared_contact;
mod template;
mod text;

use sha2::{Digest, Sha256};

use crate::{
    model::{
        AnomalyKind, ConversationId, Direction, Message, MessageId, SenderKind, Text, Timestamp,
    },
    wire::{Json, JsonOddity, OddityKind, Place},
};
use fields::Fields;

/// Decodes one raw item of a page of `conversation`. Never fails: what is odd is in
/// [`Message::anomalies`], and the raw text is kept whatever it is.
pub fn message(raw: &str, conversation: &ConversationId) -> Message {
    message_of(&Text::from(raw), conversation)
}

/// As [`message`]; what is kept of it are parts of `raw`, which may itself be a part of a page.
pub fn message_of(raw: &Text, conversation: &ConversationId) -> Message {
    let mut message = undecoded(raw.clone());
    match Json::parse(raw) {
        Ok(document) => {
            for oddity in &document.oddities {
                note_oddity(&mut message, oddity);
            }
            if let Json::Object(members) = &document.value {
                let envelope = Fields::new(members, Place::ROOT);
                envelope::read(&envelope, conversation, &mut message);
                content::read(&envelope, &mut message);
            } else {
                let found = format!("{}, not an object", document.value.describe());
                anomaly::note(&mut message, AnomalyKind::UnknownShape, &Place::ROOT, found);
            }
        }
        Err(error) => {
            let found = format!("not JSON: {error}");
            anomaly::note(&mut message, AnomalyKind::UnknownShape, &Place::ROOT, found);
        }
    }
    if message.id.as_str().is_empty() {
        message.id = MessageId::new(hash_id(&message.sha256));
    }
    message
}

/// What tells whether a message is the archived one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// As [`Message::id`].
    pub id: MessageId,
    /// As [`Message::created_at`].
    pub created_at: Option<Timestamp>,
    /// As [`Message::sha256`].
    pub sha256: [u8; 32],
}

/// As [`message`], but nothing is decoded except for what tells whether it is the archived one.
pub fn glance(raw: &str) -> Glance {
    let raw = Text::from(raw);
    let mut message = undecoded(raw.clone());
    if let Ok(document) = Json::parse_members(&raw, envelope::GLANCED)
        && let Json::Object(members) = &document.value
    {
        envelope::glance(&Fields::new(members, Place::ROOT), &mut message);
    }
    if message.id.as_str().is_empty() {
        message.id = MessageId::new(hash_id(&message.sha256));
    }
    Glance {
        id: message.id,
        created_at: message.created_at,
        sha256: message.sha256,
    }
}

/// A message of which nothing is known but its bytes; the id is still empty.
fn undecoded(raw: Text) -> Message {
    Message {
        sha256: Sha256::digest(raw.as_bytes()).into(),
        raw,
        id: MessageId::new(""),
        organization_id: None,
        business_unit_id: None,
        sender_id: None,
        sender_kind: SenderKind::Unknown,
        direction: Direction::Unknown,
        kind: None,
        media_kind: None,
        title: None,
        text: None,
        is_mail: None,
        stream_id: None,
        stream_sequence: None,
        created_at: None,
        updated_at: None,
        quick_reply: None,
        quick_reply_options: Vec::new(),
        attachment: None,
        location: None,
        shared_contacts: Vec::new(),
        template_variables: Vec::new(),
        anomalies: Vec::new(),
    }
}

fn hash_id(sha256: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut id = String::with_capacity(7 + 64);
    id.push_str("sha256:");
    for byte in sha256 {
        id.push(char::from(DIGITS[usize::from(byte >> 4)]));
        id.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    id
}

fn note_oddity(message: &mut Message, oddity: &JsonOddity) {
    let (kind, detail) = match oddity.kind {
        OddityKind::ReplacedCharacters => (
            AnomalyKind::ReplacedCharacters,
            "U+0000 or a lone surrogate became U+FFFD",
        ),
        OddityKind::DuplicateKey => (AnomalyKind::DuplicateKey, "the last one counts"),
        OddityKind::TooDeep => (AnomalyKind::TooDeep, "over 100 levels; kept raw"),
    };
    anomaly::note(message, kind, &oddity.path, detail);
}

#[cfg(test)]
mod tests;
