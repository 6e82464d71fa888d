//! From what went wrong to an exit code and a sentence that helps.
//!
//! The codes are those of product.md; cron lines and alerts are built on them.

use std::io;

use crate::{
    api::{ApiError, ApiErrorKind},
    config::ConfigError,
    model::{RunOutcome, StopReason},
    store::StoreError,
    sync::input::InputError,
};

/// How a command that worked ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Code 0.
    Done,
    /// Another code, already told to the person.
    Code(u8),
}

impl Exit {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Code(code) => code,
        }
    }
}

/// Why a command ended, with its code and what the person can do next.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) error: anyhow::Error,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
            hint: None,
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, anyhow::Error::msg(message.into()))
    }

    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(1, anyhow::Error::msg(message.into()))
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The whole chain in one line.
    pub(super) fn message(&self) -> String {
        format!("{:#}", self.error)
    }

    /// Why the run of this failure stopped, in the words of its report.
    pub(super) const fn stop_reason(&self) -> StopReason {
        match self.code {
            2 => StopReason::Configuration,
            4 => StopReason::Unauthorized,
            5 => StopReason::Unreachable,
            6 => StopReason::Held,
            8 => StopReason::Database,
            130 => StopReason::Interrupted,
            143 => StopReason::Terminated,
            _ => StopReason::Unexpected,
        }
    }

    /// Whether the reader of standard output has gone, as `head` does: nothing to complain of.
    pub(super) fn is_closed_output(&self) -> bool {
        self.error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<ConfigError> for Failure {
    fn from(mut error: ConfigError) -> Self {
        let hint = error.hint.take();
        let mut failure = Self::new(2, error);
        failure.hint = hint;
        failure
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let hint = match &error {
            InputError::BadLines(_) => Some("mend them, or go on without with --skip-bad-lines"),
            InputError::Empty => Some("if that is as it should be, say --allow-empty"),
            InputError::Unreadable { .. } | InputError::NoColumn { .. } => None,
        };
        let mut failure = Self::new(2, error);
        failure.hint = hint.map(ToOwned::to_owned);
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = error.exit_code();
        let hint = match code {
            6 => Some("if this one was scheduled, nothing needs doing: the next one catches up"),
            8 => Some("`convault doctor` looks at the database and says more"),
            _ => None,
        };
        let mut failure = Self::new(code, error);
        failure.hint = hint.map(ToOwned::to_owned);
        failure
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::new(code_of(error.kind), error)
    }
}

/// Standard output could not be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(1, error)
    }
}

/// The code that a failed request alone would end a command with.
pub(super) const fn code_of(kind: ApiErrorKind) -> u8 {
    match kind {
        ApiErrorKind::Unauthorized => 4,
        ApiErrorKind::Configuration | ApiErrorKind::Systemic => 2,
        ApiErrorKind::RateLimited
        | ApiErrorKind::Unreachable
        | ApiErrorKind::BudgetSpent
        | ApiErrorKind::Server
        | ApiErrorKind::Timeout
        | ApiErrorKind::Transport => 5,
        ApiErrorKind::Gone
        | ApiErrorKind::Forbidden
        | ApiErrorKind::Rejected
        | ApiErrorKind::Malformed
        | ApiErrorKind::TooLarge => 3,
    }
}

/// The code that wins where there are several reasons; 0 where there are none.
pub(super) fn gravest(codes: impl IntoIterator<Item = u8>) -> u8 {
    codes
        .into_iter()
        .min_by_key(|code| RunOutcome::gravity_of(*code))
        .unwrap_or(0)
}

/// The code of a run with all its reasons.
pub(super) fn code_of_run(outcome: RunOutcome, also: &[RunOutcome]) -> u8 {
    gravest(
        also.iter()
            .chain(std::iter::once(&outcome))
            .map(|reason| reason.exit_code()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_reason_wins_whatever_the_order() {
        assert_eq!(gravest([]), 0);
        assert_eq!(gravest([0, 3]), 3);
        assert_eq!(gravest([3, 5, 0]), 5);
        assert_eq!(gravest([5, 130]), 130);
        assert_eq!(gravest([143, 4]), 4);
        assert_eq!(gravest([6, 7, 8]), 8);
        assert_eq!(gravest([8, 1]), 1);
        assert_eq!(gravest([1, 2, 8, 4]), 2);
    }

    #[test]
    fn every_reason_to_stop_keeps_its_code_through_a_failure() {
        for code in [1, 2, 4, 5, 6, 8, 130, 143] {
            let failure = Failure::new(code, anyhow::anyhow!("x"));
            assert_eq!(RunOutcome::Stopped(failure.stop_reason()).exit_code(), code);
        }
    }

    #[test]
    fn a_run_with_several_reasons_ends_with_the_gravest() {
        assert_eq!(
            code_of_run(
                RunOutcome::Incomplete,
                &[RunOutcome::Stopped(StopReason::MaxDuration)]
            ),
            5
        );
    }

    #[test]
    fn a_closed_output_is_recognised_and_another_error_is_not() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(closed.is_closed_output());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).is_closed_output());
    }
}
