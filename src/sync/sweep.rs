//! The sweep: what is left of a run's requests for looking again at what was proven before.
//!
//! Begins when every listed conversation was visited. The youngest messages of all conversations
//! come first, then each conversation's cursor, the oldest proof first. Finds edits, deletions
//! and late arrivals that no count shows, and renews the proofs. What goes wrong here ends the
//! sweep and nothing else, but for a token that is refused or a database that fails: the
//! conversations are complete as they are.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;

use super::{
    conversation::{Broken, Visited, ask, compare::Comparison, known_of, rank_of, rules_of},
    outcome,
    worker::{Context, stop_of_store},
};
use crate::{
    api::ApiErrorKind,
    model::{ConversationKey, ConversationRecord, ConversationState, MessageCounts, RunId},
    monitor::Counter,
    store::{ConversationOutcome, PageWrite, WalkProgress},
    walk::{Ledger, Request, Stretch, Sweep},
};

/// Conversations whose records are read at once.
const RECORDS_AT_ONCE: usize = 256;

/// How many requests the sweep of a run may spend, where the run has spent `requests` on the rest.
///
/// The share is kept over the runs, not within each: what one run is too short to spend a whole
/// request of is spent by a later one. The first run has nothing to look at again.
pub(super) fn allowance(share: f64, requests: u64, run: RunId) -> u64 {
    let thousandths = u128::from(share_in_thousandths(share)) * u128::from(requests);
    let granted_by = |runs: u128| thousandths * runs / 1000;
    let before = u128::try_from(run.0 - 1).unwrap_or(0);
    let granted = granted_by(before) - granted_by(before.saturating_sub(1));
    u64::try_from(granted).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is between 0 and 1"
)]
fn share_in_thousandths(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1000.0).round() as u64
}

/// A conversation that this run has visited and earlier runs have proven.
#[derive(Debug)]
struct Candidate {
    key: ConversationKey,
    /// What its visit has changed and cost, where it has changed anything.
    visit: Option<Box<(MessageCounts, u64)>>,
}

/// The conversations that may be swept, in the order in which they were visited.
#[derive(Debug, Default)]
pub(super) struct Candidates(Mutex<Vec<Candidate>>);

impl Candidates {
    /// Notes a visit whose conversation has more to look at.
    pub(super) fn note(&self, key: ConversationKey, visited: &Visited) {
        if !visited.has_older_proof {
            return;
        }
        let (counts, requests) = (visited.outcome.messages, visited.outcome.requests);
        let changed = counts.new + counts.changed + counts.deleted > 0;
        let visit = changed.then(|| Box::new((counts, requests)));
        self.lock().push(Candidate { key, visit });
    }

    fn take(&self) -> Vec<Candidate> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Candidate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the sweeps of one run share.
struct Budget {
    left: AtomicU64,
    ended: AtomicBool,
}

impl Budget {
    fn spend(&self) -> bool {
        let spend = |left: u64| left.checked_sub(1);
        !self.is_over()
            && self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
                .is_ok()
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed) || self.left.load(Ordering::Relaxed) == 0
    }
}

/// Spends the run's allowance; ends early when `time_left` is over.
pub(super) async fn run(context: &Context, run: RunId, time_left: Option<Duration>) {
    let candidates = context.candidates.take();
    let requests = context.monitor.get(Counter::Requests);
    let budget = Budget {
        left: AtomicU64::new(allowance(context.options.audit_share, requests, run)),
        ended: AtomicBool::new(candidates.is_empty()),
    };
    let sweeping = async {
        let now = context.clock.now();
        let youngest = Stretch::DownTo(now.minus(context.options.lookback));
        for stretch in [youngest, Stretch::Cycle] {
            // What this run has changed so far must be there to be read.
            if budget.is_over() || context.queue.flush().await.is_err() {
                return;
            }
            sweep_all(context, &candidates, stretch, &budget).await;
        }
    };
    match time_left {
        None => sweeping.await,
        // Out of time: the visits have ended, and the next run sweeps on.
        Some(time_left) => drop(tokio::time::timeout(time_left, sweeping).await),
    }
}

async fn sweep_all(context: &Context, candidates: &[Candidate], stretch: Stretch, budget: &Budget) {
    for chunk in candidates.chunks(RECORDS_AT_ONCE) {
        if budget.is_over() || context.shutdown.requested().is_some() {
            return;
        }
        let keys: Vec<_> = chunk.iter().map(|candidate| candidate.key).collect();
        let records = match context.store.read_records(&keys).await {
            Ok(records) => records,
            Err(error) => return context.stop(stop_of_store(&error)),
        };
        futures::stream::iter(chunk.iter().zip(&records))
            .for_each_concurrent(context.options.concurrency.max(1), |(candidate, record)| {
                sweep_one(context, candidate, record, stretch, budget)
            })
            .await;
    }
}

async fn sweep_one(
    context: &Context,
    candidate: &Candidate,
    record: &ConversationRecord,
    stretch: Stretch,
    budget: &Budget,
) {
    let mut sweeping = Sweeping {
        context,
        record,
        sweep: Sweep::new(
            rules_of(context),
            &known_of(context, record),
            record.swept_below,
            stretch,
        ),
        compared: Comparison::new(context, record),
        requests: 0,
        has_changed: false,
    };
    let ended = match sweeping.walk(budget).await {
        Ok(()) => sweeping.tell(candidate).await,
        Err(broken) => Err(broken),
    };
    match ended {
        Ok(()) => {}
        Err(Broken::Stopped | Broken::WriterGone) => budget.end(),
        Err(Broken::Store(error)) => {
            budget.end();
            context.stop(stop_of_store(&error));
        }
        Err(Broken::Api(error)) if error.kind == ApiErrorKind::Unauthorized => {
            budget.end();
            context.stop(outcome::stop_of(&error));
        }
        Err(Broken::Api(error)) => {
            if outcome::of_conversation(&error, context).is_none() {
                budget.end();
            }
            tracing::warn!(conversation = %record.id, "{error}; what was proven before stands");
        }
    }
}

/// The sweep of one conversation.
struct Sweeping<'a> {
    context: &'a Context,
    record: &'a ConversationRecord,
    sweep: Sweep,
    compared: Comparison<'a>,
    requests: u64,
    /// The last page has changed messages, and so the ranks of those below.
    has_changed: bool,
}

impl Sweeping<'_> {
    async fn walk(&mut self, budget: &Budget) -> Result<(), Broken> {
        while self.context.shutdown.requested().is_none() {
            let Some(request) = self.sweep.request() else {
                break;
            };
            if !budget.spend() {
                break;
            }
            self.look_at(request).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, request: Request) -> Result<(), Broken> {
        if self.has_changed {
            self.context.queue.flush().await?;
        }
        let skip = rank_of(self.context, self.record, request.position).await?;
        self.requests += 1;
        self.context.monitor.count(Counter::Swept);
        let fetched = ask(self.context, self.record, skip, request.limit)
            .await?
            .map_err(Broken::Api)?;
        let sent_after = self.compared.taken();
        let asked = (skip, request.limit);
        let received = self.compared.receive(fetched, asked, sent_after);
        let claims = self.sweep.accept(&received.facts);
        let write = self.compared.take(received, &claims, sent_after).await?;
        self.has_changed = write.changes_messages();
        let write = PageWrite {
            progress: Some(self.progress()),
            ..write
        };
        Ok(self.context.queue.page(write).await?)
    }

    fn progress(&self) -> WalkProgress {
        let second = self.sweep.second_cover();
        WalkProgress {
            ledger: self.sweep.ledger().pieces(),
            full_ledger: second.map(Ledger::pieces).unwrap_or_default(),
            full_since: self.record.full_since,
            tie_points: self.record.tie_points.clone(),
            unlisted: self.record.unlisted,
            count_trust: self.record.count_trust,
            swept_below: self.sweep.cursor(),
            tail_proof: self.record.tail_proof,
            proof: self.sweep.proof(),
        }
    }

    /// Writes what the sweep has changed into the run's record of the conversation.
    async fn tell(&self, candidate: &Candidate) -> Result<(), Broken> {
        let found = self.compared.counts;
        self.context.tally.unchanged(found.unchanged);
        if found.new + found.changed == 0 {
            return Ok(());
        }
        let (visit, requests) = candidate.visit.as_deref().copied().unwrap_or_default();
        let outcome = ConversationOutcome {
            conversation: self.record.key,
            state: ConversationState::Complete,
            reason: None,
            failure: None,
            checked_at: None,
            messages: MessageCounts {
                new: visit.new + found.new,
                changed: visit.changed + found.changed,
                ..visit
            },
            requests: requests.max(1) + self.requests,
            finished_at: self.context.clock.now(),
        };
        Ok(self.context.queue.outcome(outcome, None).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_kept_over_the_runs_however_short_they_are() {
        let spent = |requests: u64| -> u64 {
            (1..=101)
                .map(|run| allowance(0.1, requests, RunId(run)))
                .sum()
        };
        assert_eq!(spent(1), 10);
        assert_eq!(spent(7), 70);
        assert_eq!(spent(1_000), 10_000);
        assert_eq!(allowance(0.1, 1_000, RunId(1)), 0);
        assert_eq!(allowance(0.1, 1_000, RunId(2)), 100);
        assert_eq!(allowance(0.1, 5, RunId(2)), 0);
        assert_eq!(allowance(0.1, 5, RunId(3)), 1);
        assert_eq!(allowance(0.0, 1_000, RunId(3)), 0);
        assert_eq!(allowance(1.0, 1_000, RunId(3)), 1_000);
    }
}
