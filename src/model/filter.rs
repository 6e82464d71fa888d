//! Which messages are meant, wherever some of the archive's are asked for: found, taken out or
//! looked at.

use super::{ConversationId, Timestamp};

/// Which messages are meant. What is left empty asks for nothing, so the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only those of these conversations; of every one where empty.
    pub conversations: Vec<ConversationId>,
    /// Only those of these senders, by id; of every one where empty.
    pub senders: Vec<String>,
    /// Only those of these types, exactly as received; of every type where empty.
    pub types: Vec<String>,
    /// Only those created at this time or later. One without a readable time is not among them.
    pub from: Option<Timestamp>,
    /// Only those created before this time. One without a readable time is not among them.
    pub to: Option<Timestamp>,
    /// What of those that were deleted.
    pub deleted: Deleted,
}

/// What is meant of messages that were deleted at the gateway and are still archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deleted {
    /// They too.
    #[default]
    Include,
    /// All but them.
    Exclude,
    /// They alone.
    Only,
}

impl MessageFilter {
    /// Whether every message is meant.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}
