//! Why a conversation is not complete, as rows of `failures`.

use super::Timestamp;

/// What class of trouble; the reason beside it says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// 404 with a JSON message: the conversation is gone.
    Gone,
    /// 403 with a JSON message: this conversation is forbidden.
    Forbidden,
    /// 400 or another 4xx that speaks of this request.
    Rejected,
    /// 404 or 403 that is not about the conversation (a wrong URL, a licence).
    Systemic,
    /// 5xx after every retry.
    Server,
    /// No connection, a reset, a body cut short, after every retry.
    Transport,
    /// No answer in time, after every retry.
    Timeout,
    /// A 200 that is not the promised JSON, after every retry.
    Malformed,
    /// A body over the size cap.
    TooLarge,
    /// Rows inside one page are not ordered by `created_at`, or one id is there twice.
    OrderViolation,
    /// More messages share one millisecond than fit in a page.
    TieGroupExceedsPage,
    /// Live messages and `count` do not agree, and no full walk explained it.
    CountDeficit,
    /// The walk used up the number of requests fixed at its start.
    WalkBudgetSpent,
    /// The tail could not be proven.
    TailUnproven,
    /// More messages vanished at once than the brake allows.
    MassDeletion,
    /// Answers of one run cannot be states of one list.
    InconsistentGateway,
}

impl FailureClass {
    /// Every class, for parsing and documentation.
    pub const ALL: [Self; 16] = [
        Self::Gone,
        Self::Forbidden,
        Self::Rejected,
        Self::Systemic,
        Self::Server,
        Self::Transport,
        Self::Timeout,
        Self::Malformed,
        Self::TooLarge,
        Self::OrderViolation,
        Self::TieGroupExceedsPage,
        Self::CountDeficit,
        Self::WalkBudgetSpent,
        Self::TailUnproven,
        Self::MassDeletion,
        Self::InconsistentGateway,
    ];

    /// The word stored in the archive and the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Forbidden => "forbidden",
            Self::Rejected => "rejected",
            Self::Systemic => "systemic",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::OrderViolation => "order_violation",
            Self::TieGroupExceedsPage => "tie_group_exceeds_page",
            Self::CountDeficit => "count_deficit",
            Self::WalkBudgetSpent => "walk_budget_spent",
            Self::TailUnproven => "tail_unproven",
            Self::MassDeletion => "mass_deletion",
            Self::InconsistentGateway => "inconsistent_gateway",
        }
    }

    /// The class that a stored word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// One failure of one conversation in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What class of trouble.
    pub class: FailureClass,
    /// What happened, for a person; never holds a token or text of a message.
    pub reason: String,
    /// When, by this machine's clock.
    pub occurred_at: Timestamp,
    /// How many messages were counted and not listed, for a [`FailureClass::CountDeficit`].
    pub unlisted: Option<i64>,
}

impl Failure {
    /// Whether a waiver that was given when so many messages were counted and not listed is good
    /// for this failure too: a deficit that has grown is another story.
    pub fn is_within(&self, waived: Option<i64>) -> bool {
        let grown = |(now, waived): (i64, i64)| now > waived + (waived / 50).max(5);
        !self.unlisted.zip(waived).is_some_and(grown)
    }
}
