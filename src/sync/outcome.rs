//! What a failed request means: for its conversation, or for the whole run.

use super::{tally::Stop, worker::Context};
use crate::{
    api::{ApiError, ApiErrorKind},
    model::{ConversationState, Failure, FailureClass, StopReason, Timestamp},
};

/// Why a conversation is not complete.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) class: FailureClass,
    pub(super) reason: String,
    /// How many messages are counted and not listed, where that is the trouble.
    pub(super) unlisted: Option<i64>,
}

impl Trouble {
    pub(super) fn at(&self, occurred_at: Timestamp) -> Failure {
        Failure {
            class: self.class,
            reason: self.reason.clone(),
            occurred_at,
            unlisted: self.unlisted,
        }
    }
}

/// What the error says of its conversation; `None` where it ends the run.
pub(super) fn of_conversation(
    error: &ApiError,
    context: &Context,
) -> Option<(ConversationState, Trouble)> {
    context.note_failure(error);
    let (state, class) = match error.kind {
        ApiErrorKind::Gone => (ConversationState::Gone, FailureClass::Gone),
        ApiErrorKind::Forbidden => (ConversationState::Forbidden, FailureClass::Forbidden),
        // A wrong URL or a licence stops the run at its start; later it is one conversation's.
        ApiErrorKind::Systemic if !context.has_succeeded() => return None,
        kind => (ConversationState::Failed, class_of(kind)?),
    };
    if matches!(
        state,
        ConversationState::Gone | ConversationState::Forbidden
    ) {
        context.note_success();
    }
    Some((
        state,
        Trouble {
            class,
            reason: error.message.clone(),
            unlisted: None,
        },
    ))
}

/// The class of a failure that is not the whole run's.
pub(super) fn class_of(kind: ApiErrorKind) -> Option<FailureClass> {
    match kind {
        ApiErrorKind::Gone => Some(FailureClass::Gone),
        ApiErrorKind::Forbidden => Some(FailureClass::Forbidden),
        ApiErrorKind::Systemic => Some(FailureClass::Systemic),
        ApiErrorKind::Rejected => Some(FailureClass::Rejected),
        ApiErrorKind::Server => Some(FailureClass::Server),
        ApiErrorKind::Timeout => Some(FailureClass::Timeout),
        ApiErrorKind::Transport => Some(FailureClass::Transport),
        ApiErrorKind::Malformed => Some(FailureClass::Malformed),
        ApiErrorKind::TooLarge => Some(FailureClass::TooLarge),
        ApiErrorKind::Unauthorized
        | ApiErrorKind::RateLimited
        | ApiErrorKind::Unreachable
        | ApiErrorKind::BudgetSpent
        | ApiErrorKind::Configuration => None,
    }
}

/// Why a run in which the gateway never answered is more than a list of failures: nothing is
/// known of any conversation, and running again may help.
pub(super) fn stop_of_silence(silence: &str) -> Stop {
    Stop {
        reason: StopReason::Unreachable,
        message: format!(
            "the gateway answered no request for a conversation in this run; check its address (--gateway-url), the \
             network and any proxy, and --timeout; `convault doctor` tries them: {silence}"
        ),
    }
}

/// Why an error ends the run.
pub(super) fn stop_of(error: &ApiError) -> Stop {
    let reason = match error.kind {
        ApiErrorKind::Unauthorized => StopReason::Unauthorized,
        ApiErrorKind::RateLimited => StopReason::RateLimited,
        ApiErrorKind::Unreachable => StopReason::Unreachable,
        ApiErrorKind::BudgetSpent => StopReason::MaxRequests,
        ApiErrorKind::Systemic | ApiErrorKind::Configuration => StopReason::Configuration,
        _ => StopReason::Unexpected,
    };
    Stop {
        reason,
        message: error.message.clone(),
    }
}
