//! Messages by their words.

use convault::model::{Attachment, MediaKind, Message, Text};

use crate::store::sample::message;

/// A message whose words are these, and whose raw JSON changes with them.
pub(super) fn saying(id: &str, created_ms: i64, text: &str) -> Message {
    with_words(id, created_ms, [None, Some(text), None])
}

/// A message with a title, a text and a caption.
pub(super) fn with_words(id: &str, created_ms: i64, words: [Option<&str>; 3]) -> Message {
    let raw = serde_json::to_string(&words).unwrap();
    let mut made = message(id, created_ms, &raw);
    let [title, text, caption] = words.map(|words| words.map(Text::from));
    made.title = title;
    made.text = text;
    made.attachment = caption.map(|caption| {
        Box::new(Attachment {
            url: "https://example.org/a.png".into(),
            host: None,
            declared_type: None,
            media_kind: MediaKind::Image,
            caption: Some(caption),
        })
    });
    made
}
