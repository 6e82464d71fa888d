//! Our own vocabulary: ids, times, messages as rows, conversations and runs.
//!
//! Owns the nouns that every other layer speaks. Imports nothing of ours, does no I/O and
//! reads no clock. What the gateway sends is in [`crate::wire`]; the same noun in two layers is
//! told apart by its path (`wire::Page`, `model::Message`).

mod conversation;
mod failure;
mod filter;
mod gateway_clock;
mod id;
mod message;
mod run;
mod time;
mod zone;

pub use conversation::{
    ConversationKey, ConversationRecord, ConversationState, CountTrust, Piece, Proof, TailProof,
};
pub use failure::{Failure, FailureClass};
pub use filter::{Deleted, MessageFilter};
pub use gateway_clock::{Answered, GatewayClock, RequestTime};
pub use id::{ConversationId, MessageId};
pub use message::{
    Anomaly, AnomalyKind, Attachment, Direction, Location, MediaKind, Message, QuickReply,
    QuickReplyOption, SenderKind, SharedContact, TemplateVariable, Text,
};
pub use run::{
    ConversationCounts, MessageCounts, RequestCounts, RunId, RunOutcome, RunReport, StopReason,
};
pub use time::{Timestamp, TimestampError};
pub use zone::{ZoneOffset, time_in_zone, zone_offsets};
