//! What the workers of a run count together.

use std::sync::{Mutex, PoisonError};

use super::{ReportedFailure, plan::Plan};
use crate::model::{ConversationCounts, ConversationState, FailureClass, RunOutcome, StopReason};

/// Failures that a report names at most; more are counted.
const FAILURES_NAMED_MAX: usize = 10_000;

/// Empty conversations that a summary names at most; all are counted.
const EMPTY_NAMED_MAX: usize = 10;

/// Why the run stops before its list is done.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) reason: StopReason,
    pub(super) message: String,
}

/// How one conversation ended, as far as the report is concerned.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) conversation_id: String,
    pub(super) state: ConversationState,
    pub(super) failure: Option<(FailureClass, String)>,
    pub(super) waived: bool,
    pub(super) empty: bool,
    pub(super) unchanged: u64,
}

/// The counts of a run so far. Shared by its workers.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Inner>);

#[derive(Debug, Default, Clone)]
pub(super) struct Inner {
    pub(super) conversations: ConversationCounts,
    pub(super) unchanged: u64,
    pub(super) failures: Vec<ReportedFailure>,
    pub(super) failures_omitted: u64,
    pub(super) empty: Vec<String>,
    pub(super) stops: Vec<Stop>,
    pub(super) plan: Option<Plan>,
}

impl Tally {
    pub(super) fn planned(&self, plan: Plan) {
        self.with(|inner| inner.plan = Some(plan));
    }

    pub(super) fn listed(&self, conversations: u64) {
        self.with(|inner| inner.conversations.listed = conversations);
    }

    /// Known and equal messages that the sweep has met.
    pub(super) fn unchanged(&self, messages: u64) {
        self.with(|inner| inner.unchanged += messages);
    }

    /// Whether anything has ended the run early.
    pub(super) fn has_stopped(&self) -> bool {
        !self.read().stops.is_empty()
    }

    pub(super) fn stop(&self, stop: Stop) {
        self.with(|inner| {
            if !inner.stops.iter().any(|other| other.reason == stop.reason) {
                inner.stops.push(stop);
            }
        });
    }

    pub(super) fn failure(
        &self,
        conversation_id: Option<String>,
        class: FailureClass,
        reason: String,
    ) {
        self.with(|inner| inner.name_failure(conversation_id, class, reason));
    }

    pub(super) fn ended(&self, ended: Ended) {
        self.with(|inner| inner.count(ended));
    }

    pub(super) fn read(&self) -> Inner {
        self.with(|inner| inner.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn count(&mut self, ended: Ended) {
        self.unchanged += ended.unchanged;
        let counts = &mut self.conversations;
        counts.empty += u64::from(ended.empty);
        if ended.empty && self.empty.len() < EMPTY_NAMED_MAX {
            self.empty.push(ended.conversation_id.clone());
        }
        if ended.waived {
            counts.waived += 1;
            return;
        }
        match ended.state {
            ConversationState::Complete => counts.complete += 1,
            ConversationState::Partial => counts.partial += 1,
            ConversationState::Gone => counts.gone += 1,
            ConversationState::Forbidden => counts.forbidden += 1,
            ConversationState::Failed => counts.failed += 1,
            ConversationState::Pending => {}
        }
        if let Some((class, reason)) = ended.failure {
            self.name_failure(Some(ended.conversation_id), class, reason);
        }
    }

    fn name_failure(
        &mut self,
        conversation_id: Option<String>,
        class: FailureClass,
        reason: String,
    ) {
        if self.failures.len() < FAILURES_NAMED_MAX {
            let class = class.as_str().to_owned();
            self.failures.push(ReportedFailure {
                conversation_id,
                class,
                reason,
            });
        } else {
            self.failures_omitted += 1;
        }
    }

    /// Every reason that speaks for an outcome, the gravest first (product.md "Exit codes").
    pub(super) fn outcomes(&self) -> Vec<RunOutcome> {
        let counts = &self.conversations;
        let done = counts.complete + counts.waived;
        let ended = done + counts.partial + counts.gone + counts.forbidden + counts.failed;
        let mut outcomes: Vec<RunOutcome> = self
            .stops
            .iter()
            .map(|stop| RunOutcome::Stopped(stop.reason))
            .collect();
        let failed = !self.failures.is_empty() || ended > done;
        if failed || (outcomes.is_empty() && ended < counts.listed) {
            outcomes.push(RunOutcome::Incomplete);
        }
        if outcomes.is_empty() {
            outcomes.push(RunOutcome::Complete);
        }
        outcomes.sort_by_key(|outcome| outcome.gravity());
        outcomes
    }

    /// The counts, with what was not reached.
    pub(super) fn conversations(&self) -> ConversationCounts {
        let counts = self.conversations;
        let ended = counts.complete
            + counts.partial
            + counts.gone
            + counts.forbidden
            + counts.failed
            + counts.waived;
        ConversationCounts {
            not_reached: counts.listed.saturating_sub(ended),
            ..counts
        }
    }
}
