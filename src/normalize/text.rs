//! Words, wherever they are: a string, a nested object, a title only, a call's invitation.

use crate::{
    model::{Message, Text},
    wire::Json,
};

use super::fields::{Fields, scalar, shared};

/// Where the words of a nested value are looked for first, in this order.
const WORD_KEYS: [&str; 7] = [
    "answer", "text", "message", "content", "body", "title", "caption",
];

/// `text`, `emoji`, `message_template`: the text, or the title where there is none.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    message.text = words(content, "text", message).or_else(|| message.title.clone());
    if message.text.is_none() && content.get("text").is_none() {
        content.note_shape("no words", message);
        message.text = elsewhere(content);
    }
}

/// `jaas.conference`: its `url` is a link and no attachment (facts.md 1.10).
pub(super) fn read_call(content: &Fields<'_>, message: &mut Message) {
    message.text = words(content, "text", message)
        .or_else(|| message.title.clone())
        .or_else(|| content.words("url", message));
    if message.text.is_none() {
        content.note_shape("neither words nor a link", message);
    }
}

/// A type that is not known: obvious words are kept, nothing is odd beyond the type.
pub(super) fn read_unknown(content: &Fields<'_>, message: &mut Message) {
    let text = content.get("text").and_then(|value| of(value, message));
    message.text = text.or_else(|| message.title.clone());
}

/// The words of a string.
pub(super) fn of(value: &Json<'_>, message: &Message) -> Option<Text> {
    match value {
        Json::String(text) if !text.is_empty() => Some(shared(text, message)),
        _ => None,
    }
}

/// The words at `key`: a string, or those within an object or an array, which is noted.
pub(super) fn words(content: &Fields<'_>, key: &str, message: &mut Message) -> Option<Text> {
    let value = content.get(key)?;
    if let Json::String(_) = value {
        return of(value, message);
    }
    content.note_type(key, value, message);
    scalar(value, message).or_else(|| within(value))
}

/// The words within a nested value.
pub(super) fn within(value: &Json<'_>) -> Option<Text> {
    let mut lines = String::new();
    gather(value, &mut lines);
    filled(lines)
}

/// The text, where there is any.
pub(super) fn filled(lines: String) -> Option<Text> {
    (!lines.is_empty()).then(|| lines.into())
}

/// Adds a line of words unless it is empty or already there.
pub(super) fn push_line(lines: &mut String, line: &str) {
    if line.is_empty() || lines == line {
        return;
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines.push_str(line);
}

/// The words, and below them each line that is not all there was before.
pub(super) fn joined<const N: usize>(
    words: Option<Text>,
    more: [Option<&Text>; N],
) -> Option<Text> {
    let lines = more.into_iter().flatten().filter(|line| !line.is_empty());
    lines.fold(words, |words, line| match words {
        None => Some(line.clone()),
        Some(words) if words == *line => Some(words),
        Some(words) => Some(format!("{words}\n{line}").into()),
    })
}

/// Collects strings; of an object those at the first key that has any. Visits each value at
/// most once, as deep as the JSON was decoded.
fn gather(value: &Json<'_>, lines: &mut String) {
    match value {
        Json::String(text) => push_line(lines, text),
        Json::Array(elements) => elements.iter().for_each(|element| gather(element, lines)),
        Json::Object(members) => {
            let before = lines.len();
            for key in WORD_KEYS {
                if let Some(value) = value.get(key) {
                    gather(value, lines);
                }
                if lines.len() > before {
                    return;
                }
            }
            for (key, value) in members {
                if !WORD_KEYS.contains(&&**key) {
                    gather(value, lines);
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::TooDeep(_) => {}
    }
}

/// Words of a content that has neither text nor title, at another well-known key.
fn elsewhere(content: &Fields<'_>) -> Option<Text> {
    WORD_KEYS
        .iter()
        .find_map(|key| content.get(key).and_then(within))
}
