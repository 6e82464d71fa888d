//! What a walk is given and what it answers with.

use std::time::Duration;

use super::{Hiding, Interval};
use crate::model::{CountTrust, FailureClass, Piece, Timestamp};

/// The constants of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Rows asked for in one page.
    pub limit: u32,
    /// The most that is asked for where a group of equal times does not fit a page.
    pub limit_max: u32,
    /// λ: how long after its created time a message may become visible.
    pub lag: Duration,
}

impl Rules {
    /// Rows that a page shares with the one above it: 4 at limit 100, at most a quarter page.
    pub(super) fn overlap(self, full: u64) -> u64 {
        (u64::from(self.limit) / 25).max(1).min(full / 4)
    }
}

/// What is known before the walk begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The stored ledger in force.
    pub ledger: Vec<Piece>,
    /// The stored second cover, where a `--full` was interrupted.
    pub full_ledger: Vec<Piece>,
    /// The times, each as the interval around it, that an earlier walk passed over because more
    /// messages share them than fit a page.
    pub tie_points: Vec<Piece>,
    /// Whether a second cover is to be built (or built on).
    pub full: bool,
    /// Archived messages that are neither missing nor deleted.
    pub live: u64,
    /// b: counted and not listed, where it was learnt.
    pub unlisted: Option<i64>,
    /// How far the gateway's `count` of this conversation is trusted.
    pub count_trust: CountTrust,
    /// The created times of messages that are missing and due to be looked for a second time.
    pub to_confirm: Vec<Timestamp>,
    /// The largest page that the gateway was shown to return for this limit.
    pub full_page: Option<u32>,
    /// What the gateway's other conversations show of messages that are counted and not listed.
    pub hiding: Hiding,
    /// Whether the gateway was seen to give fewer rows than it could, as where it cuts pages by
    /// their bytes.
    pub cuts_pages: bool,
}

/// Where a page is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At this rank.
    Skip(u64),
    /// At the rank that the archive gives to this time, this many rows above it: the number of
    /// live archived messages strictly newer, less the rows.
    Above(Timestamp, u64),
}

/// A page to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Where it is to begin.
    pub position: Position,
    /// How many rows.
    pub limit: u32,
    /// Whether every page before must be committed first, because the archive is asked for ranks
    /// or for what is absent.
    pub after_commit: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for a page and hand it to [`accept`](super::Walk::accept), then tell
    /// [`stored`](super::Walk::stored).
    Ask(Request),
    /// The walk is over.
    Done(Verdict),
}

/// What storing a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Archived messages that are now neither missing nor deleted.
    pub live: u64,
    /// Where the archive has the page, if [`asks_ranks_of`](super::Walk::asks_ranks_of) asked.
    pub ranks: Option<Ranks>,
}

/// The place that a time has among the live messages of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// Live messages that are strictly newer.
    pub newer: u64,
    /// Live messages that are newer or of just that time.
    pub newer_or_same: u64,
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The cover is whole, the tail is proven, nothing is unexplained.
    Complete,
    /// Something is missing or unproven.
    Partial {
        /// What class of trouble.
        class: FailureClass,
        /// Why, for a person.
        reason: String,
    },
}

/// Which page an interval was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimedPage {
    /// The page that was just accepted.
    This,
    /// The page before it, whose end an empty page has proven.
    Previous,
}

/// An interval that a page certifies: archived messages inside it that are not in the page were
/// absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The interval.
    pub interval: Interval,
    /// Whose it is.
    pub page: ClaimedPage,
    /// T of that page.
    pub sent_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_share_one_row_in_twenty_five_but_never_more_than_a_quarter() {
        let overlap = |limit, full| {
            let rules = Rules {
                limit,
                limit_max: 1_000,
                lag: Duration::ZERO,
            };
            rules.overlap(full)
        };
        assert_eq!(overlap(100, 100), 4);
        assert_eq!(overlap(100, 12), 3, "a page that is capped");
        assert_eq!(overlap(100, 3), 0);
        assert_eq!(overlap(20, 20), 1);
        assert_eq!(overlap(1_000, 1_000), 40);
    }
}
