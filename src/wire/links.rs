//! Conversation links by phone number, in both documented shapes.

use bytes::Bytes;

use super::Malformed;

/// What the links endpoint said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The links, in the order received.
    pub links: Vec<Link>,
    /// Numbers that the gateway says have no conversation.
    pub not_found: Vec<String>,
}

/// One conversation of one phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The number, as the gateway gives it.
    pub phone_number: String,
    /// The conversation's id: the field of that name, or `conv_id` of the link.
    pub conversation_id: String,
    /// The link to the web application, where one was given.
    pub link: Option<String>,
    /// When the link was made, as received.
    pub created_at: Option<String>,
}

impl Links {
    /// Reads a body in either shape (facts.md 5.2).
    ///
    /// # Errors
    /// [`Malformed`] if it is neither shape.
    pub fn parse(body: &Bytes) -> Result<Self, Malformed> {
        let _ = body;
        Err(Malformed("not read yet".to_owned()))
    }
}
