//! Contact cards that were shared. Their shape is not documented (facts.md 1.11): one card or
//! several, a name as text or as `WhatsApp` has it, one number or a list.

use crate::{
    model::{AnomalyKind, Message, SharedContact, Text},
    wire::{Json, Place},
};

use super::{
    anomaly::note,
    fields::{Fields, scalar},
    text,
};

/// Reads the cards of a message: `contacts`, `contact`, or the content itself.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    match content.first(&["contacts", "contact"]) {
        Some((key, Json::Array(cards))) => {
            read_cards(cards, &content.place().key(key), message);
        }
        Some((key, card @ Json::Object(_))) => {
            let place = content.place().key(key);
            read_cards(std::slice::from_ref(card), &place, message);
        }
        _ => {
            let card = read_card(content, 0, message);
            keep(card, content.place(), message);
            message.text = words_of(&message.shared_contacts);
        }
    }
    let words = text::words(content, "text", message);
    message.text = text::joined(words, [message.text.as_ref()]);
}

/// Reads several cards.
pub(super) fn read_cards(cards: &[Json<'_>], place: &Place<'_>, message: &mut Message) {
    if cards.is_empty() {
        note(message, AnomalyKind::UnknownShape, place, "no contact");
    }
    for (position, card) in (0..).zip(cards) {
        let here = place.index(position as usize);
        let read = Fields::of(card, here).and_then(|card| read_card(&card, position, message));
        keep(read, &here, message);
    }
    message.text = words_of(&message.shared_contacts);
}

fn words_of(cards: &[SharedContact]) -> Option<Text> {
    let mut lines = String::new();
    for card in cards {
        for words in [&card.name, &card.phone_number, &card.email] {
            text::push_line(&mut lines, words.as_deref().unwrap_or_default());
        }
    }
    text::filled(lines)
}

fn keep(card: Option<SharedContact>, place: &Place<'_>, message: &mut Message) {
    let Some(card) = card else {
        let detail = "neither a name nor a number nor an address";
        note(message, AnomalyKind::UnknownShape, place, detail);
        return;
    };
    message.shared_contacts.push(card);
}

fn read_card(card: &Fields<'_>, position: u32, message: &Message) -> Option<SharedContact> {
    let read = SharedContact {
        position,
        name: name(card, message),
        phone_number: first_of(
            card,
            &["phone_number", "phone", "mobile", "phones", "phone_numbers"],
            &["phone", "phone_number", "number", "value", "wa_id"],
            message,
        ),
        email: first_of(
            card,
            &["email", "emails"],
            &["email", "address", "value"],
            message,
        ),
    };
    let is_empty = read.name.is_none() && read.phone_number.is_none() && read.email.is_none();
    (!is_empty).then_some(read)
}

/// A name as text, or in the parts that `WhatsApp` and the vendor's contacts have.
fn name(card: &Fields<'_>, message: &Message) -> Option<Text> {
    const WHOLE: [&str; 3] = ["formatted_name", "display_name", "full_name"];
    let place = card.place().key("name");
    let filled = |value: &Json<'_>| filled(value, message);
    let value = card.get("name");
    if let Some(name) = value.and_then(filled) {
        return Some(name);
    }
    let nested = value.and_then(|value| Fields::of(value, place));
    [nested.as_ref(), Some(card)]
        .into_iter()
        .flatten()
        .find_map(|fields| {
            let whole = WHOLE
                .iter()
                .find_map(|key| fields.get(key).and_then(filled));
            whole.or_else(|| {
                let [first, last] =
                    ["first_name", "last_name"].map(|key| fields.get(key).and_then(filled));
                match (first, last) {
                    (Some(first), Some(last)) => Some(format!("{first} {last}").into()),
                    (first, last) => first.or(last),
                }
            })
        })
}

/// The first filled value at one of `keys`, in a list the first one's, in an object the one at
/// one of `inner` keys.
fn first_of(card: &Fields<'_>, keys: &[&str], inner: &[&str], message: &Message) -> Option<Text> {
    let filled = |value: &Json<'_>| filled(value, message);
    let in_value = |value: &Json<'_>| {
        filled(value).or_else(|| inner.iter().find_map(|key| value.get(key).and_then(filled)))
    };
    keys.iter().find_map(|key| match card.get(key)? {
        Json::Array(values) => values.iter().find_map(in_value),
        value => in_value(value),
    })
}

/// Text or a number that is not empty.
fn filled(value: &Json<'_>, message: &Message) -> Option<Text> {
    match value {
        Json::String(_) | Json::Number(_) => scalar(value, message).filter(|text| !text.is_empty()),
        _ => None,
    }
}
