//! What can go wrong with a request, by what the run should do about it.

/// A request that did not bring what was asked for, after every retry that was worth it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What it means for the run.
    pub kind: ApiErrorKind,
    /// What was being done, to what, and what came back; no token, no text of a message.
    pub message: String,
}

impl ApiError {
    pub(super) fn new(kind: ApiErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl ApiErrorKind {
    /// Whether no further request can help: the gateway client sends none after it, and every
    /// later one fails at once with this kind.
    pub const fn ends_run(self) -> bool {
        matches!(
            self,
            Self::Unauthorized | Self::RateLimited | Self::Unreachable | Self::BudgetSpent
        )
    }
}

/// What a failed request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiErrorKind {
    /// 404 with a JSON `{"message": …}`: this conversation is gone.
    Gone,
    /// 403 with a JSON `{"message": …}` that is not about licence or organisation.
    Forbidden,
    /// 400 or another 4xx.
    Rejected,
    /// 404 or 403 of any other form, or a redirect: the URL, the licence, the organisation.
    Systemic,
    /// 401 after every retry: the run ends.
    Unauthorized,
    /// 429 for longer than the run may wait: the run ends.
    RateLimited,
    /// 5xx after every retry.
    Server,
    /// Time-out after every retry.
    Timeout,
    /// Transport after every retry.
    Transport,
    /// No answer at all for `--give-up-after`: the run ends.
    Unreachable,
    /// A 200 that is not the promised JSON, after every retry.
    Malformed,
    /// The body is over the cap.
    TooLarge,
    /// `--max-requests` is spent: the run ends.
    BudgetSpent,
    /// The client could not be set up so.
    Configuration,
}
