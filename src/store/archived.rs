//! What an archive holds, as it stands in its tables: what is checked and what is rebuilt from.
//!
//! Unlike [`ConversationRecord`](crate::model::ConversationRecord) nothing here is trusted: words
//! are words, numbers may be negative, and what should be there may be missing.

use crate::model::{ConversationKey, Message, MessageId, Piece, RunId, Timestamp, ZoneOffset};

/// The most raw JSON that is held at once, unless one version alone is longer.
pub(super) const RAW_BYTES_MAX: u64 = 4 << 20;

/// A conversation, its proof, its ledger, and what the other tables say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedConversation {
    /// The key.
    pub key: ConversationKey,
    /// The id.
    pub id: String,
    /// The word for its state.
    pub state: String,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// How many live messages its row says.
    pub live_count: i64,
    /// How many there are: neither missing nor deleted.
    pub live_messages: i64,
    /// How many messages the gateway counts and does not list, as far as that was learnt.
    pub unlisted: Option<i64>,
    /// The word for how its tail was proven.
    pub tail_proof: Option<String>,
    /// When `--full` began to build a second cover.
    pub full_since: Option<Timestamp>,
    /// When the page was sent at which head and count agreed last.
    pub checked_at: Option<Timestamp>,
    /// How old its proof is, as stored.
    pub proven_at: Option<Timestamp>,
    /// Below what everything is proven, as stored.
    pub horizon: Option<Timestamp>,
    /// Failures that no run has resolved, waived ones included.
    pub open_failures: i64,
    /// The run that attempted it last.
    pub last_run: Option<i64>,
    /// The word for the outcome that this run reported of it, where it reported one.
    pub last_outcome: Option<String>,
    /// Its ledger: all layers, in the order of layer and position.
    pub pieces: Vec<ArchivedPiece>,
}

/// A row of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedPiece {
    /// 0: the cover in force; 1: the one that `--full` builds; 2: times that are passed over.
    pub layer: i64,
    /// Its place in the layer, from 0.
    pub position: i64,
    /// The piece itself.
    pub piece: Piece,
    /// The oldest time of a message of the conversation at or above the lower end.
    pub message_from: Option<Timestamp>,
    /// The newest time of a message of the conversation at or below the upper end.
    pub message_to: Option<Timestamp>,
}

/// A message without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedMessage {
    /// The key.
    pub key: i64,
    /// Whose it is.
    pub conversation: ConversationKey,
    /// The id of that conversation; empty where there is none of that key.
    pub conversation_id: String,
    /// The id.
    pub id: MessageId,
    /// Which version is the current one.
    pub version: i64,
    /// Its created time.
    pub created_at: Option<Timestamp>,
    /// When the page was sent that showed its current state.
    pub observed_at: Timestamp,
    /// The run of that page; not known of what an older program wrote.
    pub observed_run: Option<i64>,
    /// The run that saw it first.
    pub first_seen_run: i64,
    /// Since when it is missing.
    pub missing_since: Option<Timestamp>,
    /// The run that missed it first.
    pub missing_run: Option<i64>,
    /// Since when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// Its versions, in order.
    pub versions: Vec<ArchivedVersion>,
    /// The evidence of its absence, in order of the strikes.
    pub absences: Vec<ArchivedAbsence>,
}

/// A state of a message that was observed, without its raw JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedVersion {
    /// Its number.
    pub version: i64,
    /// The word for what was observed.
    pub event: String,
    /// When the page was sent.
    pub observed_at: Timestamp,
    /// When it was committed, by the clock of the run's machine.
    pub recorded_at: Timestamp,
    /// Which run committed it.
    pub run_id: i64,
    /// The hash of the raw JSON.
    pub sha256: Option<Vec<u8>>,
    /// How long the raw JSON is.
    pub raw_bytes: Option<u64>,
}

/// A state of a message with its raw JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedState {
    /// Whose it is.
    pub id: MessageId,
    /// Its version.
    pub version: i64,
    /// Whether it is the current one.
    pub is_current: bool,
    /// The updated time of the current state, whichever this one is.
    pub updated_at: Option<Timestamp>,
    /// When the page was requested that the current state is from, whichever this one is.
    pub observed_at: Timestamp,
    /// The raw JSON.
    pub raw: String,
}

/// A page that did not hold a message of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchivedAbsence {
    /// 1 or 2.
    pub strike: i64,
    /// Which run asked for it.
    pub run_id: i64,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// The open interval that it speaks for.
    pub interval: (Option<Timestamp>, Option<Timestamp>),
}

/// A row of `runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedRun {
    /// The run.
    pub id: RunId,
    /// The command.
    pub command: String,
    /// When it began, by the clock of its machine.
    pub started_at: Timestamp,
    /// When it ended; `None` where it has no end.
    pub finished_at: Option<Timestamp>,
    /// The word for how it ended.
    pub outcome: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i64>,
    /// Conversations listed; complete, partial, gone, forbidden, failed, waived, not reached; and
    /// how many of the complete ones were empty.
    pub listed: i64,
    /// Conversations that were proven complete.
    pub complete: i64,
    /// Conversations that were waived.
    pub waived: i64,
    /// The sum over all other ways that a conversation ends, those not reached included.
    pub otherwise: i64,
    /// Conversations that were not reached.
    pub not_reached: i64,
    /// Complete ones that were empty.
    pub empty: i64,
    /// New, changed and deleted messages.
    pub messages: [i64; 3],
    /// Requests in all, repeated ones, and those answered 429.
    pub requests: [i64; 3],
    /// What it reported of single conversations.
    pub reported: ArchivedOutcomes,
}

/// The rows of `run_conversations` of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ArchivedOutcomes {
    /// Conversations that are not complete.
    pub incomplete: i64,
    /// Conversations whose own row says that an earlier run was the last one.
    pub disowned: i64,
    /// The first and the last time that one was done.
    pub finished: Option<(Timestamp, Timestamp)>,
}

/// The archive's zone and the rows that the views read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedZone {
    /// Its name.
    pub name: String,
    /// What is stored of it, oldest first.
    pub offsets: Vec<ZoneOffset>,
}

/// A column that refers to the key of another table, and values that no row there has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangling {
    /// The table that refers.
    pub table: &'static str,
    /// Its column.
    pub column: &'static str,
    /// The table that it refers to.
    pub parent: &'static str,
    /// The value.
    pub value: i64,
    /// How many rows have it.
    pub rows: i64,
}

/// One version of an archived message, decoded again.
#[derive(Debug)]
pub struct Redecoded<'a> {
    /// The key of the message.
    pub key: i64,
    /// The version.
    pub version: i64,
    /// Whether it is the current one, from which the rows around a message follow.
    pub is_current: bool,
    /// The run that saw the message first.
    pub first_seen_run: i64,
    /// What its raw JSON decodes to; `None` for a version without any.
    pub message: Option<&'a Message>,
}

/// A derived row that is not what decoding gives. Never holds text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key of the message.
    pub key: i64,
    /// The version, where it is an anomaly's.
    pub version: i64,
    /// The table.
    pub table: &'static str,
    /// The place in a list, where the row has one.
    pub position: Option<i64>,
    /// The column; `None` where a whole row is missing or too many.
    pub column: Option<&'static str>,
    /// What decoding gives: text by its length and the beginning of its hash.
    pub expected: String,
    /// What is stored, in the same form.
    pub found: String,
}

/// The versions of a batch, in pieces of at most 4 MiB of raw JSON, but for one version that is
/// longer by itself.
pub fn in_chunks(batch: &[ArchivedMessage]) -> Vec<Vec<(&ArchivedMessage, &ArchivedVersion)>> {
    let mut chunks = Vec::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for message in batch {
        for version in &message.versions {
            let more = version.raw_bytes.unwrap_or(0);
            if !chunk.is_empty() && bytes + more > RAW_BYTES_MAX {
                chunks.push(std::mem::take(&mut chunk));
                bytes = 0;
            }
            bytes += more;
            chunk.push((message, version));
        }
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(raw_bytes: u64) -> ArchivedMessage {
        let time = Timestamp::from_millis(1);
        ArchivedMessage {
            key: 1,
            conversation: ConversationKey(1),
            conversation_id: "conv_1".to_owned(),
            id: MessageId::new("m"),
            version: 1,
            created_at: None,
            observed_at: time,
            observed_run: None,
            first_seen_run: 1,
            missing_since: None,
            missing_run: None,
            deleted_at: None,
            versions: vec![ArchivedVersion {
                version: 1,
                event: "created".to_owned(),
                observed_at: time,
                recorded_at: time,
                run_id: 1,
                sha256: None,
                raw_bytes: Some(raw_bytes),
            }],
            absences: Vec::new(),
        }
    }

    #[test]
    fn raw_json_is_read_in_bounded_pieces() {
        let batch = [
            of(1),
            of(RAW_BYTES_MAX),
            of(RAW_BYTES_MAX * 2),
            of(1),
            of(1),
        ];
        let lengths: Vec<usize> = in_chunks(&batch).iter().map(Vec::len).collect();
        assert_eq!(lengths, [1, 1, 1, 2]);
    }
}
