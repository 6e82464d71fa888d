//! A run: its counts, its outcome, and the report that product.md fixes.

use serde::Serialize;

use super::Timestamp;

/// The number of a run in one archive, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

/// How many of the listed conversations ended in which way. `empty` counts conversations that
/// answered with no message at first sight; they are among `complete` too. `waived` ones are
/// counted there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ConversationCounts {
    /// Conversations in the list, duplicates folded.
    pub listed: u64,
    /// Proven complete.
    pub complete: u64,
    /// Read in part.
    pub partial: u64,
    /// Gone, not waived.
    pub gone: u64,
    /// Forbidden, not waived.
    pub forbidden: u64,
    /// Failed, not waived.
    pub failed: u64,
    /// Not complete, and waived by somebody.
    pub waived: u64,
    /// Empty at first sight.
    pub empty: u64,
    /// Not attempted, or not finished, before the run stopped.
    pub not_reached: u64,
}

/// How many messages were met in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MessageCounts {
    /// Seen for the first time.
    pub new: u64,
    /// Known, with different content.
    pub changed: u64,
    /// Newly tombstoned.
    pub deleted: u64,
    /// Known and equal; a message met twice in a run counts once for each page.
    pub unchanged: u64,
    /// New or changed ones of a type or shape that is not known.
    pub unrecognised: u64,
}

impl std::ops::AddAssign for MessageCounts {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.deleted += more.deleted;
        self.unchanged += more.unchanged;
        self.unrecognised += more.unrecognised;
    }
}

/// How many requests were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RequestCounts {
    /// All, retries included.
    pub total: u64,
    /// Those that repeated an earlier one.
    pub retried: u64,
    /// Those answered 429.
    pub throttled: u64,
    /// Those that the sweep spent on looking again at what was proven before.
    pub swept: u64,
    /// How many were planned before the first one; `None` where nothing could be planned.
    pub planned: Option<u64>,
}

/// Why a run stopped before its list was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// `--max-requests` was reached.
    MaxRequests,
    /// `--max-duration` was reached.
    MaxDuration,
    /// The gateway asked to wait longer than the run may, or kept saying 429.
    RateLimited,
    /// The gateway gave no answer at all for too long.
    Unreachable,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The gateway refuses the token.
    Unauthorized,
    /// Wrong usage or configuration that only the gateway could tell (a wrong URL).
    Configuration,
    /// The database failed.
    Database,
    /// Another run holds the archive.
    Held,
    /// Anything else.
    Unexpected,
}

/// How a run ended; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunOutcome {
    /// Every listed conversation is complete or waived.
    Complete,
    /// The list was worked through, some conversations are not complete.
    Incomplete,
    /// It stopped early.
    Stopped(StopReason),
}

impl RunOutcome {
    /// The word stored in `runs` and the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Stopped(reason) => match reason {
                StopReason::MaxRequests => "max_requests",
                StopReason::MaxDuration => "max_duration",
                StopReason::RateLimited => "rate_limited",
                StopReason::Unreachable => "unreachable",
                StopReason::Interrupted => "interrupted",
                StopReason::Terminated => "terminated",
                StopReason::Unauthorized => "unauthorized",
                StopReason::Configuration => "configuration",
                StopReason::Database => "database",
                StopReason::Held => "held",
                StopReason::Unexpected => "unexpected",
            },
        }
    }

    /// The place among several reasons, the gravest being 0: exit codes 2, 1, 8, 4, 6, 7,
    /// 130 or 143, 5, 3, 0 in this order (product.md "Exit codes").
    pub const fn gravity(self) -> u8 {
        Self::gravity_of(self.exit_code())
    }

    /// The place of an exit code among several; a code that nobody knows is unexpected.
    pub const fn gravity_of(exit_code: u8) -> u8 {
        match exit_code {
            2 => 0,
            8 => 2,
            4 => 3,
            6 => 4,
            7 => 5,
            130 | 143 => 6,
            5 => 7,
            3 => 8,
            0 => 9,
            _ => 1,
        }
    }

    /// The exit code of product.md.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Incomplete => 3,
            Self::Stopped(reason) => match reason {
                StopReason::MaxRequests
                | StopReason::MaxDuration
                | StopReason::RateLimited
                | StopReason::Unreachable => 5,
                StopReason::Interrupted => 130,
                StopReason::Terminated => 143,
                StopReason::Unauthorized => 4,
                StopReason::Configuration => 2,
                StopReason::Database => 8,
                StopReason::Held => 6,
                StopReason::Unexpected => 1,
            },
        }
    }
}

/// The facts of a finished run: written with `--report`, kept as a row of `runs`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The run in this archive; `None` if it ended before it had a row.
    pub run_id: Option<RunId>,
    /// How it ended: the gravest reason.
    pub outcome: RunOutcome,
    /// When it started, by this machine's clock.
    pub started_at: Timestamp,
    /// When it finished, by this machine's clock.
    pub finished_at: Timestamp,
    /// Conversations by outcome.
    pub conversations: ConversationCounts,
    /// Messages by outcome.
    pub messages: MessageCounts,
    /// Requests.
    pub requests: RequestCounts,
}
