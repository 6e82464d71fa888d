//! What the gateway sends, kept faithfully.
//!
//! Owns the reading of the two documented answers into pages and links, and the tolerant JSON
//! value that messages are decoded from. Knows nothing of rows or of HTTP. Both documented
//! readings of every contradiction are accepted (facts.md section 5).

mod json;
mod links;
mod page;

pub use json::{Json, JsonError, JsonOddity, OddityKind};
pub use links::{Link, Links};
pub use page::Page;

/// A 200 whose body is not the promised JSON. Says what was found, never the body's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) String);
