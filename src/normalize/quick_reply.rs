//! Offers and choices: the options of a `response`, and the one that a contact pressed.
//!
//! What a button says and sends is kept exactly as received, `""` included: `payload` joins the
//! two tables (facts.md 1.4).

use crate::{
    model::{AnomalyKind, Message, QuickReply, QuickReplyOption},
    wire::{Json, Place},
};

use super::{
    anomaly::note,
    fields::{Fields, scalar},
    text,
};

/// `quick_reply`: its title is what the contact said.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    // The title was read with what all types share, and what was odd about it noted then.
    let title = content
        .get("title")
        .and_then(|title| scalar(title, message));
    let quick_reply = QuickReply {
        payload: content.text("payload", message),
        description: content.text("description", message),
        title,
    };
    message.text = message
        .title
        .clone()
        .or_else(|| text::words(content, "text", message));
    if quick_reply.title.is_none() && quick_reply.payload.is_none() {
        content.note_shape("neither a title nor a payload", message);
    }
    if quick_reply != QuickReply::default() {
        message.quick_reply = Some(Box::new(quick_reply));
    }
}

/// `response`: words, and options in order.
pub(super) fn read_response(content: &Fields<'_>, message: &mut Message) {
    message.text = text::words(content, "text", message).or_else(|| message.title.clone());
    match content.get("quick_replies") {
        None => content.note_missing("quick_replies", message),
        Some(Json::Array(options)) => {
            let place = content.place().key("quick_replies");
            for (position, option) in (0..).zip(options) {
                let here = place.index(position as usize);
                let read = read_option(position, option, here, message);
                message.quick_reply_options.extend(read);
            }
        }
        Some(other) => content.note_type("quick_replies", other, message),
    }
    let answered = content.id("answered", message);
    if let Some(answered) = answered {
        for option in &mut message.quick_reply_options {
            option.answered = Some(option.option_id.as_ref() == Some(&answered));
        }
    }
    if message.text.is_none() && message.quick_reply_options.is_empty() {
        content.note_shape("neither words nor options", message);
    }
}

fn read_option(
    position: u32,
    option: &Json<'_>,
    place: Place<'_>,
    message: &mut Message,
) -> Option<QuickReplyOption> {
    let mut read = QuickReplyOption {
        position,
        ..QuickReplyOption::default()
    };
    if let Some(fields) = Fields::of(option, place) {
        read.option_id = fields.id("id", message);
        read.content_type = fields.text("content_type", message);
        read.title = fields.text("title", message);
        read.payload = fields.text("payload", message);
        read.description = fields.text("description", message);
        return Some(read);
    }
    note(message, AnomalyKind::WrongType, &place, option.describe());
    read.title = Some(scalar(option, message)?);
    Some(read)
}
