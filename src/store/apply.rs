//! What a batch changes, decided as a pure function: the batch, the rows that it meets and the
//! next keys go in, rows for each table come out. No I/O, no clock, no engine.
//!
//! Invariants: a known message whose parsed JSON is the same makes no row; `messages` holds the
//! newest state and points at its version; `live_count` moves by exactly the messages that
//! became or ceased to be live; no row is there twice.

mod conversations;
mod links;
mod messages;

use std::collections::HashMap;

use super::{
    Batch, BatchStats, StoreError,
    table::{Rows, Table},
    value::Value,
};
use crate::model::{ConversationKey, ConversationState, CountTrust, Piece, RunId, Timestamp};

pub(super) use messages::{MessageRows, Stretch, Texts, disputed, put_derived, wanted};

/// The next keys to give. Held in memory: one process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextKeys {
    pub(super) message: i64,
    pub(super) conversation: i64,
    pub(super) failure: i64,
    pub(super) link: i64,
    pub(super) run: i64,
}

/// Gives a key and moves on.
pub(super) fn take(next: &mut i64) -> i64 {
    let key = *next;
    *next += 1;
    key
}

/// A message as it is stored, as far as a batch is compared with it.
#[derive(Debug, Clone)]
pub(super) struct StoredMessage {
    pub(super) key: i64,
    pub(super) version: i64,
    pub(super) digest: [u8; 16],
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) observed_at: Timestamp,
    /// The run of that observation; not known of what an older program wrote.
    pub(super) observed_run: Option<i64>,
    pub(super) missing_since: Option<Timestamp>,
    pub(super) missing_run: Option<i64>,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) older: Option<OlderState>,
}

/// A state with an older `updated_at` than the current one, which the gateway showed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OlderState {
    pub(super) digest: [u8; 16],
    /// When the first of the pages was requested that showed it and nothing newer since.
    pub(super) since: Timestamp,
    /// The run of that page.
    pub(super) run: i64,
}

/// Messages by conversation, and there by id.
pub(super) type StoredMessages = HashMap<i64, HashMap<String, StoredMessage>>;

/// The versions of one message.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredVersions {
    /// The largest number.
    pub(super) last: i64,
    /// The hashes of all.
    pub(super) hashes: Vec<[u8; 32]>,
    /// The raw JSON of the current one.
    pub(super) raw: Option<String>,
}

/// A conversation as it is stored, with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredConversation {
    pub(super) organization_id: Option<String>,
    pub(super) business_unit_id: Option<String>,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) state_since: Option<Timestamp>,
    pub(super) last_run: Option<i64>,
    pub(super) live_count: i64,
    pub(super) unlisted: Option<i64>,
    pub(super) count_trust: CountTrust,
    pub(super) swept_below: Option<Timestamp>,
    pub(super) tail_proof: Option<String>,
    pub(super) full_since: Option<Timestamp>,
    pub(super) checked_at: Option<Timestamp>,
    pub(super) proven_at: Option<Timestamp>,
    pub(super) horizon: Option<Timestamp>,
}

/// A conversation as a batch leaves it.
#[derive(Debug, Clone)]
pub(super) struct LeftConversation {
    pub(super) stored: StoredConversation,
    /// By layer; `None` where no page of it was walked, and the ledgers were not looked at.
    pub(super) ledgers: Option<[Vec<Piece>; LAYERS]>,
    /// Whether its failures may be others.
    pub(super) ended: bool,
}

/// Conversations that are kept as a batch leaves them; idle ones come in thousands.
const LEFT_MAX: usize = 500;

/// The ledgers of a conversation: in force, that of `--full`, times that are passed over.
pub(super) const LAYERS: usize = 3;

/// A failure that nothing has resolved yet.
#[derive(Debug, Clone)]
pub(super) struct OpenFailure {
    pub(super) key: i64,
    pub(super) conversation: ConversationKey,
    pub(super) class: String,
    pub(super) waived: bool,
    pub(super) unlisted: Option<i64>,
}

/// A link that is stored: its key and the run that first saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredLink {
    pub(super) key: i64,
    pub(super) first_seen_run: i64,
}

/// The rows that a batch meets, looked up inside its transaction.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// By conversation, and there by id.
    pub(super) messages: StoredMessages,
    /// By key of the message, for those that [`disputed`] names.
    pub(super) versions: HashMap<i64, StoredVersions>,
    /// By key.
    pub(super) conversations: HashMap<ConversationKey, StoredConversation>,
    /// By conversation and layer.
    pub(super) ledgers: HashMap<(ConversationKey, i64), Vec<Piece>>,
    /// Of the conversations that end in the batch.
    pub(super) failures: Vec<OpenFailure>,
    /// By phone number and conversation (empty for none).
    pub(super) links: HashMap<(String, String), StoredLink>,
}

/// What to write, in this order: deletes, the rows of messages ([`MessageRows`]), then tables.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Messages whose rows in the tables around them are replaced.
    pub(super) cleared: Vec<i64>,
    /// Messages that are back: the evidence of their absence goes.
    pub(super) back: Vec<i64>,
    /// Rows by table, parents before children, but for those of messages.
    pub(super) rows: Vec<Rows>,
    /// The conversations that the batch touches, as it leaves them; `None` where they are too many
    /// to be kept.
    pub(super) leaves: Option<HashMap<ConversationKey, LeftConversation>>,
    /// What the batch did; `rows` of it is counted while writing.
    pub(super) stats: BatchStats,
}

impl Plan {
    fn put(&mut self, table: &'static Table, row: impl IntoIterator<Item = Value>) {
        let place = self.place_of(table).unwrap_or_else(|| {
            self.rows.push(Rows::none(table));
            self.rows.len() - 1
        });
        self.rows[place].push(row);
    }

    /// The rows of one table, if any are planned.
    pub(super) fn rows_of(&self, table: &'static Table) -> Option<&Rows> {
        self.place_of(table).map(|place| &self.rows[place])
    }

    /// The rows of one table, if any are planned.
    pub(super) fn rows_of_mut(&mut self, table: &'static Table) -> Option<&mut Rows> {
        self.place_of(table).map(|place| &mut self.rows[place])
    }

    fn place_of(&self, table: &'static Table) -> Option<usize> {
        let is_its = |rows: &Rows| std::ptr::eq(rows.table, table);
        self.rows.iter().position(is_its)
    }
}

/// What is the same for every row of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    /// The run that writes.
    pub(super) run: RunId,
    /// The time at which the batch is decided; its messages are recorded as of the beginning of their
    /// transaction ([`MessageRows::record_at`]).
    pub(super) recorded_at: Timestamp,
}

/// Whether a conversation in this state needs no explanation.
fn is_complete(state: ConversationState) -> bool {
    state == ConversationState::Complete
}

/// What the batch changes; the rows of its messages are made as they are written.
pub(super) fn apply<'b>(
    batch: &'b Batch,
    met: &'b Met,
    stamp: Stamp,
    keys: &mut NextKeys,
) -> Result<(Plan, MessageRows<'b>), StoreError> {
    let mut plan = Plan::default();
    let (rows, growth) = messages::apply(batch, met, stamp, keys, &mut plan);
    conversations::apply(batch, met, stamp, &growth, keys, &mut plan)?;
    links::apply(batch, met, stamp, keys, &mut plan);
    Ok((plan, rows))
}
