//! What one transaction writes.

use crate::model::{
    ConversationKey, ConversationState, CountTrust, Failure, Message, MessageCounts, MessageId,
    Piece, Proof, RunId, TailProof, Timestamp,
};

/// What one transaction writes: pages and outcomes in the order in which they happened.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The run that writes; `None` only for an empty batch.
    pub run: Option<RunId>,
    /// Pages in the order of their requests within each conversation.
    pub pages: Vec<PageWrite>,
    /// Conversations that ended in this batch; at most one for each conversation.
    pub outcomes: Vec<ConversationOutcome>,
    /// What the links endpoint said.
    pub links: Vec<LinkRow>,
}

/// What one page changes.
#[derive(Debug, Clone)]
pub struct PageWrite {
    /// Whose page it is.
    pub conversation: ConversationKey,
    /// T: when the page was requested, on the gateway's clock.
    pub observed_at: Timestamp,
    /// Messages that are new or have changed, or may have; empty where the worker has seen that
    /// the archive holds each as it is. May repeat a message of an earlier page.
    pub messages: Vec<Message>,
    /// By the place in `messages`, whether neither the archive nor an earlier page can have it, so
    /// that it is not looked for; where the list ends before, that is not known.
    pub surely_new: Vec<bool>,
    /// Live messages that this page shows absent for the first time (walk.md "Absence").
    pub absent: Vec<MessageId>,
    /// Missing messages that this page shows absent again, in a later run and at least λ later.
    pub absent_again: Vec<MessageId>,
    /// The open interval of time that the page speaks for: the evidence of the absences.
    pub interval: (Option<Timestamp>, Option<Timestamp>),
    /// Messages that were absent twice, and become tombstones as of their first absence.
    pub deleted: Vec<MessageId>,
    /// Which earlier sightings were λ and more before this page; `None`: none.
    pub apart: Option<Apart>,
    /// The state of the walk after this page; the last one of a batch counts.
    pub progress: Option<WalkProgress>,
}

/// What was seen at least λ before a page, by the gateway's clock and by this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apart {
    /// T of the page, less λ.
    pub until: Timestamp,
    /// The last run that had ended λ before.
    pub run: RunId,
}

/// What is kept of a walk, so that the next run goes on where this one stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkProgress {
    /// The whole ledger after the page; replaces the stored one.
    pub ledger: Vec<Piece>,
    /// The cover that `--full` is building; replaces the stored one.
    pub full_ledger: Vec<Piece>,
    /// The times that are passed over because more messages share them than fit a page.
    pub tie_points: Vec<Piece>,
    /// When `--full` began to build it.
    pub full_since: Option<Timestamp>,
    /// b of walk.md.
    pub unlisted: Option<i64>,
    /// How far the count is trusted.
    pub count_trust: CountTrust,
    /// Where the sweep goes on: below this time; `None`: at the top.
    pub swept_below: Option<Timestamp>,
    /// How the tail was proven.
    pub tail_proof: Option<TailProof>,
    /// What the ledger proves.
    pub proof: Proof,
}

/// How a conversation ended in this run.
#[derive(Debug, Clone)]
pub struct ConversationOutcome {
    /// Which conversation.
    pub conversation: ConversationKey,
    /// The new state.
    pub state: ConversationState,
    /// Why, in words; `None` where it is complete.
    pub reason: Option<String>,
    /// The failure to record, if any; a complete outcome resolves the open failures instead.
    pub failure: Option<Failure>,
    /// When head and count agreed with the archive, on the gateway's clock; `None` leaves the
    /// stored time as it is.
    pub checked_at: Option<Timestamp>,
    /// What was met, for `run_conversations`.
    pub messages: MessageCounts,
    /// Requests spent on it, retries not counted.
    pub requests: u64,
    /// When it ended, by this machine's clock.
    pub finished_at: Timestamp,
}

/// One answer of the links endpoint for one number; no conversation where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// The number as it was asked for.
    pub phone_number: String,
    /// The conversation, if there is one.
    pub conversation_id: Option<String>,
    /// The link as received.
    pub link: Option<String>,
    /// When the link was made, if readable.
    pub created_at: Option<Timestamp>,
}

/// What a committed batch did, decided inside the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchStats {
    /// Messages by outcome.
    pub messages: MessageCounts,
    /// Rows inserted or changed in all tables and in the index of words, and the pieces of ledgers
    /// that are gone.
    pub rows: u64,
}

impl PageWrite {
    /// A page of a conversation that changes nothing.
    pub fn of(conversation: ConversationKey, observed_at: Timestamp) -> Self {
        Self {
            conversation,
            observed_at,
            messages: Vec::new(),
            surely_new: Vec::new(),
            absent: Vec::new(),
            absent_again: Vec::new(),
            interval: (None, None),
            deleted: Vec::new(),
            apart: None,
            progress: None,
        }
    }

    /// The messages that the archive may hold already.
    pub(super) fn perhaps_known(&self) -> impl Iterator<Item = &Message> {
        let places = self.surely_new.iter().copied();
        let places = places.chain(std::iter::repeat(false));
        let known = |(message, new): (_, bool)| (!new).then_some(message);
        self.messages.iter().zip(places).filter_map(known)
    }

    /// Whether the page changes, or may change, any message.
    pub fn changes_messages(&self) -> bool {
        !(self.messages.is_empty()
            && self.absent.is_empty()
            && self.absent_again.is_empty()
            && self.deleted.is_empty())
    }
}
