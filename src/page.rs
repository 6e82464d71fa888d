//! How an exported page looks: its style sheet, and the bubble of a message. The viewer has its own.
//!
//! Everything is escaped by the library that builds the markup; nothing remote is named, and there
//! is no script. Texts have `dir="auto"`, so that each stands in its own direction.

mod bubble;

pub use bubble::{Bubble, Contact, Earlier, File, Offer, Place, Side};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

/// The style sheet: light and dark, screen and paper.
pub const STYLE: &str = include_str!("page/style.css");

/// A content security policy that allows this style sheet, inline, and nothing else.
pub fn content_security_policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}
