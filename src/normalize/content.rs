//! Which type of message is read by which family: the one place that lists the types.
//!
//! Types are an open set and are compared without regard to case (facts.md 1.1). A type that is
//! not here is noted, and its obvious words are kept for search.

use crate::{
    model::{AnomalyKind, Message},
    wire::{Json, Place},
};

use super::{
    anomaly::{note, shown},
    envelope,
    fields::Fields,
    location, media, quick_reply, shared_contact, template, text,
};

/// Reads one family's content into a message.
type Read = fn(&Fields<'_>, &mut Message);

/// The family of a type in lower case; `None` if the type is not known.
fn family(kind: &str) -> Option<Read> {
    Some(match kind {
        "text" | "emoji" | "message_template" => text::read,
        "jaas.conference" => text::read_call,
        "quick_reply" => quick_reply::read,
        "response" => quick_reply::read_response,
        "image" | "audio" | "video" | "pdf" | "file" => media::read,
        "location" => location::read,
        "contact" => shared_contact::read,
        "whatsapp.template" => template::read,
        // `text/csv` and stickers of other channels are possible (facts.md 1.7).
        _ if kind.contains("csv") || kind.contains("sticker") => media::read,
        _ => return None,
    })
}

/// Reads `type` and `content` of a message.
pub(super) fn read(envelope: &Fields<'_>, message: &mut Message) {
    message.kind = envelope::kind(envelope, message);
    let lower = message.kind.as_deref().map(str::to_ascii_lowercase);
    let family = lower.as_deref().and_then(family);
    if family.is_none() {
        let detail = match &message.kind {
            Some(kind) => format!("type `{}`", shown(kind)),
            None => "no type".to_owned(),
        };
        let place = envelope.place().key("type");
        note(message, AnomalyKind::UnknownType, &place, detail);
    }
    let place = envelope.place().key("content");
    let Some(value) = envelope.get("content") else {
        envelope.note_missing("content", message);
        if family.is_some() {
            note(message, AnomalyKind::UnknownShape, &place, "no content");
        }
        return;
    };
    if let Some(content) = Fields::of(value, place) {
        read_shared(&content, message);
        family.unwrap_or(text::read_unknown)(&content, message);
        return;
    }
    match (lower.as_deref(), value) {
        (Some("contact"), Json::Array(cards)) => shared_contact::read_cards(cards, &place, message),
        _ => read_bare(value, lower.as_deref(), &place, message),
    }
}

/// What content of any type may carry.
fn read_shared(content: &Fields<'_>, message: &mut Message) {
    message.title = content.words("title", message);
    message.is_mail = content.boolean("is_mail", message);
    message.stream_id = content.id("message_id", message);
    message.stream_sequence = content.integer("sequence_number", message);
}

/// Content that is not an object: words where it is a string, else not a known shape.
fn read_bare(value: &Json<'_>, kind: Option<&str>, place: &Place<'_>, message: &mut Message) {
    let is_words = matches!(kind, Some("text" | "emoji" | "message_template"))
        && matches!(value, Json::String(_));
    let oddity = if is_words {
        AnomalyKind::WrongType
    } else {
        AnomalyKind::UnknownShape
    };
    note(message, oddity, place, value.describe());
    message.text = text::of(value, message);
}
