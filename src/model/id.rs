//! Ids as the gateway gives them: opaque text that is never parsed beyond its prefix.

use std::fmt;

use super::Text;

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident($text:ty)) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($text);

        impl $name {
            /// Takes the text as it is; nothing is validated, ids are opaque.
            pub fn new(text: impl Into<$text>) -> Self {
                Self(text.into())
            }

            /// The text as the gateway gave it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

text_id! {
    /// The id of a conversation, usually `conv_` and a UUID, but seed organisations have
    /// readable ones (facts.md section 3), so the form is never checked.
    ConversationId(Box<str>)
}

text_id! {
    /// The id of a message. A message that came without one is stored under `sha256:` and the
    /// hex SHA-256 of its raw bytes.
    MessageId(Text)
}

impl MessageId {
    /// The text as the gateway gave it, to be shared.
    pub(crate) const fn text(&self) -> &Text {
        &self.0
    }
}
