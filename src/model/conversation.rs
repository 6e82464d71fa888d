//! A conversation as the archive knows it: its state, its proof, its ledger.

use super::{ConversationId, Timestamp};

/// The archive's local integer key of a conversation; means nothing outside one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationKey(pub i64);

/// The outcome of the last run that attempted the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConversationState {
    /// Never attempted.
    Pending,
    /// Proven: the intervals cover the line, the tail is proven, no deficit is unexplained.
    Complete,
    /// Read in part; the reason and the holes say what is missing.
    Partial,
    /// The gateway said 404 with a JSON message.
    Gone,
    /// The gateway said 403 with a JSON message about this conversation.
    Forbidden,
    /// It could not be read for another reason; the failure says why.
    Failed,
}

impl ConversationState {
    /// Every state, for parsing and for tables.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Complete,
        Self::Partial,
        Self::Gone,
        Self::Forbidden,
        Self::Failed,
    ];

    /// The word stored in the archive and shown to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Gone => "gone",
            Self::Forbidden => "forbidden",
            Self::Failed => "failed",
        }
    }

    /// The state that a stored word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One piece of the covered line of time, an open interval `(after, before)`.
///
/// Times are whole milliseconds, so two pieces join without a hole exactly if the upper one's
/// `after` is smaller than the lower one's `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The open lower end; `None` is minus infinity (the tail is proven).
    pub after: Option<Timestamp>,
    /// The open upper end; `None` is plus infinity (read from the head).
    pub before: Option<Timestamp>,
    /// The oldest send time, on the gateway's clock, of a page that this piece rests on.
    pub sent_at: Timestamp,
    /// Whether the piece has been cut back to what is final (below its T - λ) already; a later
    /// run does that to the pieces of the runs before it.
    pub settled: bool,
}

/// How the tail of a conversation was proven (walk.md "The tail").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TailProof {
    /// A short page that ends where `count` says the list ends.
    Count,
    /// An empty page with the same count just past the last row.
    EmptyPage,
    /// A short linked page alone, `count` being unreliable: the weaker certificate.
    ShortPage,
}

impl TailProof {
    /// The word stored in the archive.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::EmptyPage => "empty_page",
            Self::ShortPage => "short_page",
        }
    }

    /// The proof that a stored word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Count, Self::EmptyPage, Self::ShortPage]
            .into_iter()
            .find(|proof| proof.as_str() == word)
    }
}

/// What a conversation's ledger proves, derived from its pieces (walk.md "The ledger").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// How old the oldest page is that the proof rests on; `None` while the line is not covered.
    pub proven_at: Option<Timestamp>,
    /// Everything below it is proven; `None` while the tail is not.
    pub horizon: Option<Timestamp>,
}

/// What is remembered of how far a conversation's `count` can be trusted (walk.md "The tail").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountTrust {
    /// Runs in a row in which b came out different from the run before.
    pub moves: u32,
    /// `None`: the count is trusted. Else it was declared unreliable, and this many runs in a row
    /// have seen one and the same difference since.
    pub steady_runs: Option<u32>,
}

impl CountTrust {
    /// Whether the count proves nothing for now.
    pub const fn is_unreliable(self) -> bool {
        self.steady_runs.is_some()
    }
}

/// What the archive knows of a conversation before a run touches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRecord {
    /// The local key.
    pub key: ConversationKey,
    /// The id, as it was listed.
    pub id: ConversationId,
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// Messages archived that are neither missing nor deleted.
    pub live_count: u64,
    /// Messages that are missing and not yet deleted.
    pub missing_count: u64,
    /// b of walk.md: counted by the gateway and not listed; `None` until it is learnt.
    pub unlisted: Option<i64>,
    /// How far its `count` is trusted.
    pub count_trust: CountTrust,
    /// How the tail was last proven; `None` if never.
    pub tail_proof: Option<TailProof>,
    /// Where the sweep goes on: below this time; `None`: at the top.
    pub swept_below: Option<Timestamp>,
    /// The covered pieces of the line of time, oldest first, disjoint.
    pub ledger: Vec<Piece>,
    /// The pieces of a second cover that `--full` is building; empty when none is under way.
    pub full_ledger: Vec<Piece>,
    /// Times, each as the open interval around it, that are passed over because more messages
    /// share them than fit a page: nothing is proven of them.
    pub tie_points: Vec<Piece>,
    /// When `--full` began to build a second cover that is not whole yet.
    pub full_since: Option<Timestamp>,
}
