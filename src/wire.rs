//! What the gateway sends, kept faithfully.
//!
//! Owns the reading of the two documented answers into pages and links, and the tolerant JSON
//! value that messages are decoded from. Knows nothing of rows or of HTTP. Both documented
//! readings of every contradiction are accepted (facts.md section 5).
//!
//! Invariants: no input makes anything here panic or use more stack than [`DEPTH_MAX`] levels
//! need; no error holds a byte of what was read; every decoded string has passed `text::decode`,
//! so that none holds U+0000.

mod cursor;
mod difference;
mod equality;
mod json;
mod links;
mod page;
mod place;
mod text;

pub use difference::{DIFFERENCES_MAX, Difference, differences};
pub use equality::same_json;
pub(crate) use json::last_member;
pub use json::{DEPTH_MAX, Document, Json, JsonError, JsonOddity, Member, OddityKind};
pub use links::{Link, Links, conversation_id_of_link};
pub use page::Page;
pub(crate) use place::Place;

/// A 200 whose body is not the promised JSON. Says what was found, never the body's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) String);

/// The text of a body, without a byte order mark.
fn body_text(body: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Malformed(format!(
            "the body is not UTF-8 from byte {}",
            error.valid_up_to()
        ))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().as_bytes().first() {
        None => Err(Malformed("the body is empty".to_owned())),
        Some(b'<') => Err(Malformed("the body is HTML or XML, not JSON".to_owned())),
        Some(_) => Ok(text),
    }
}

impl From<JsonError> for Malformed {
    fn from(error: JsonError) -> Self {
        Self(format!("the body is not JSON: {error}"))
    }
}
