//! What is read from an archive, as values.

use serde::Serialize;

use crate::model::{
    ConversationKey, ConversationRecord, ConversationState, MessageId, RunId, Timestamp,
};

/// What a new run says of itself.
#[derive(Debug, Clone)]
pub struct RunStart {
    /// The command, such as `sync`.
    pub command: String,
    /// The program's version.
    pub program_version: String,
    /// Who runs it: pid and host.
    pub holder: String,
    /// When it started, by this machine's clock.
    pub started_at: Timestamp,
}

/// What the order of work is decided from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Which conversation.
    pub key: ConversationKey,
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// How old its proof is; `None` if it was never whole.
    pub proven_at: Option<Timestamp>,
    /// Whether a second cover is under way.
    pub full_under_way: bool,
    /// Whether its open failures are all waived, and there is at least one.
    pub waived: bool,
}

/// Which messages of a conversation to read.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    /// Messages by id.
    pub ids: &'a [MessageId],
    /// The open lower end of the interval; `None` is minus infinity.
    pub after: Option<Timestamp>,
    /// The open upper end; `None` is plus infinity.
    pub before: Option<Timestamp>,
    /// Whether the interval counts at all; `false` reads by id alone.
    pub with_interval: bool,
}

/// The current state of one archived message, as far as a page is compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentMessage {
    /// The message.
    pub id: MessageId,
    /// The first 16 bytes of the SHA-256 of the current raw JSON.
    pub digest: [u8; 16],
    /// Its created time.
    pub created_at: Option<Timestamp>,
    /// Since when it is missing.
    pub missing_since: Option<Timestamp>,
    /// The run that missed it first.
    pub missing_run: Option<RunId>,
    /// Since when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether a later page has shown an older state of it.
    pub has_older: bool,
}

/// When a run was, by this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunTimes {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it finished; `None` if it was killed or still runs.
    pub finished_at: Option<Timestamp>,
}

/// A message that is missing and not yet deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMessage {
    /// The message.
    pub id: MessageId,
    /// Its created time, where it is readable.
    pub created_at: Option<Timestamp>,
    /// When it was first absent.
    pub missing_since: Timestamp,
    /// Whether a second page has confirmed it.
    pub confirmed: bool,
}

/// The overview of an archive.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The gateway it is bound to.
    pub gateway_url: Option<String>,
    /// Conversations by state, every state named.
    pub conversations: Vec<(String, u64)>,
    /// Conversations whose open failures are all waived.
    pub waived: u64,
    /// Messages that are not deleted.
    pub messages: u64,
    /// Messages that are missing and not yet deleted.
    pub missing: u64,
    /// Oddities recorded.
    pub anomalies: u64,
    /// Open failures that nobody waived, by class.
    pub failures: Vec<(String, u64)>,
    /// The oldest proof among complete conversations.
    pub oldest_proof: Option<String>,
    /// The newest message archived.
    pub newest_message: Option<String>,
    /// The last runs, newest first, at most ten.
    pub runs: Vec<RunRow>,
}

/// One row of `runs`, as `status` shows it. Times are ISO-8601 UTC.
#[derive(Debug, Clone, Serialize)]
pub struct RunRow {
    /// The run.
    pub id: RunId,
    /// The command.
    pub command: String,
    /// When it started.
    pub started_at: String,
    /// When it finished; `None` if it was killed or still runs.
    pub finished_at: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i64>,
    /// Conversations listed.
    pub listed: u64,
    /// Conversations complete.
    pub complete: u64,
    /// New messages.
    pub new_messages: u64,
    /// Requests.
    pub requests: u64,
    /// How many were planned before the first one; `None` where nothing could be planned.
    pub planned: Option<u64>,
    /// Those that the sweep spent.
    pub swept: u64,
}

/// Everything known of one conversation.
#[derive(Debug, Clone)]
pub struct ConversationDetail {
    /// The record.
    pub record: ConversationRecord,
    /// Why it is in its state.
    pub reason: Option<String>,
    /// Since when it is in its state.
    pub state_since: Option<Timestamp>,
    /// The last run whose head and count agreed.
    pub checked_at: Option<Timestamp>,
    /// How old the oldest page of its proof is.
    pub proven_at: Option<Timestamp>,
    /// Below it everything is proven.
    pub horizon: Option<Timestamp>,
    /// Archived messages in all, deleted ones included.
    pub messages: u64,
    /// Messages that are missing.
    pub missing: u64,
    /// Messages that are deleted.
    pub deleted: u64,
    /// The oldest and the newest message.
    pub first_message_at: Option<Timestamp>,
    /// The newest message.
    pub last_message_at: Option<Timestamp>,
    /// Oddities among its messages, by kind.
    pub anomalies: Vec<(String, u64)>,
    /// Its failures, newest first, at most 20.
    pub failures: Vec<FailureRow>,
    /// The last runs that changed it or failed on it: run, state, reason; newest first.
    pub runs: Vec<(RunId, ConversationState, Option<String>)>,
}

/// Which failures.
#[derive(Debug, Clone, Default)]
pub struct FailureFilter {
    /// Resolved and waived ones too.
    pub all: bool,
    /// Only of these conversations; empty means of any.
    pub conversations: Vec<String>,
    /// Only of this class.
    pub class: Option<String>,
}

/// One row of `failures`. Times are ISO-8601 UTC.
#[derive(Debug, Clone, Serialize)]
pub struct FailureRow {
    /// The number of the failure.
    pub key: i64,
    /// The run that met it.
    pub run_id: RunId,
    /// The conversation, if it was one's.
    pub conversation_id: Option<String>,
    /// The class.
    pub class: String,
    /// The reason.
    pub reason: String,
    /// When.
    pub occurred_at: String,
    /// The run that resolved it.
    pub resolved_run: Option<RunId>,
    /// When it was waived.
    pub waived_at: Option<String>,
    /// Why it was waived.
    pub waived_reason: Option<String>,
    /// How many messages were counted and not listed then, for a `count_deficit`.
    pub unlisted: Option<i64>,
}
