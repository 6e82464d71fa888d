//! What the workers of a run share, and the loop that each of them goes round.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::{
    Shutdown, SyncOptions,
    conversation::{Broken, Visit, Visited},
    earlier::EarlierRuns,
    hiding::SeenHiding,
    outcome,
    sweep::Candidates,
    tally::{Ended, Stop, Tally},
    writer::Queue,
};
use crate::{
    api::{ApiError, ApiErrorKind, Gateway},
    clock::Clock,
    model::{ConversationRecord, StopReason, Timestamp},
    monitor::Monitor,
    store::{Apart, FailureFilter, MissingMessage, Store, StoreError, Target},
};

/// Conversations whose records are read at once.
const RECORDS_AT_ONCE: usize = 256;

/// The place of a worker that has nothing left to do, taken by another one's page.
pub(super) type Spare = OwnedSemaphorePermit;

/// What the workers of one run share.
pub(super) struct Context {
    pub(super) gateway: Gateway,
    pub(super) store: Store,
    pub(super) options: SyncOptions,
    pub(super) shutdown: Shutdown,
    pub(super) monitor: Monitor,
    pub(super) clock: Clock,
    pub(super) queue: Queue,
    pub(super) tally: Arc<Tally>,
    pub(super) candidates: Candidates,
    pub(super) earlier: EarlierRuns,
    pub(super) hiding: SeenHiding,
    spare: Arc<Semaphore>,
    full_page: AtomicU32,
    succeeded: AtomicBool,
    answered: AtomicBool,
    silence: OnceLock<String>,
}

impl Context {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing that the run was given"
    )]
    pub(super) fn new(
        gateway: &Gateway,
        store: &Store,
        options: &SyncOptions,
        shutdown: &Shutdown,
        monitor: &Monitor,
        clock: &Clock,
        queue: Queue,
        tally: Arc<Tally>,
        earlier: EarlierRuns,
    ) -> Self {
        Self {
            gateway: gateway.clone(),
            store: store.clone(),
            options: options.clone(),
            shutdown: shutdown.clone(),
            monitor: monitor.clone(),
            clock: clock.clone(),
            queue,
            tally,
            candidates: Candidates::default(),
            earlier,
            hiding: SeenHiding::default(),
            spare: Arc::new(Semaphore::new(0)),
            full_page: AtomicU32::new(0),
            succeeded: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            silence: OnceLock::new(),
        }
    }

    /// What lies λ before a page of this run that was sent at `sent_at`.
    pub(super) fn apart(&self, sent_at: Timestamp) -> Apart {
        let lag = self.options.visibility_lag;
        Apart {
            until: sent_at.minus(lag),
            run: self.earlier.apart(self.clock.now(), lag),
        }
    }

    /// The place of a worker that has nothing left to do, if there is one.
    pub(super) fn spare(&self) -> Option<Spare> {
        Arc::clone(&self.spare).try_acquire_owned().ok()
    }

    /// Whether a worker has nothing left to do.
    pub(super) fn has_spare(&self) -> bool {
        self.spare.available_permits() > 0
    }

    /// The largest page that this gateway was shown to return for the configured limit.
    pub(super) fn full_page(&self) -> Option<u32> {
        Some(self.full_page.load(Ordering::Relaxed)).filter(|&rows| rows > 0)
    }

    pub(super) fn learn_full_page(&self, limit: u32, rows: u32) {
        if limit == self.options.page_size {
            self.full_page.fetch_max(rows, Ordering::Relaxed);
        }
    }

    /// The gateway has answered about a conversation at least once.
    pub(super) fn note_success(&self) {
        self.succeeded.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// What became of a request after all its attempts: whether the gateway said anything.
    pub(super) fn note_failure(&self, error: &ApiError) {
        match error.kind {
            // The first one stands for all.
            ApiErrorKind::Timeout | ApiErrorKind::Transport => {
                let _ = self.silence.set(error.message.clone());
            }
            ApiErrorKind::Unreachable | ApiErrorKind::BudgetSpent => {}
            _ => self.answered.store(true, Ordering::Relaxed),
        }
    }

    /// What a request failed of, if the gateway has not answered any of the run's. Whether a
    /// silence is one conversation's or the gateway's is known only when all were asked.
    pub(super) fn silence(&self) -> Option<&str> {
        let silence = self.silence.get().filter(|_| !self.is_heard());
        silence.map(String::as_str)
    }

    /// Whether any request of the run was answered.
    fn is_heard(&self) -> bool {
        self.has_succeeded() || self.answered.load(Ordering::Relaxed)
    }

    /// Ends the run because of what the gateway or its limits say. Where only asking has come to
    /// an end, what was asked already is paid for and still read: every later request fails by
    /// itself, so each worker stops after the answer it waits for.
    pub(super) fn stop_asking(&self, error: &ApiError) {
        let stop = match error.kind {
            ApiErrorKind::Unreachable if !self.is_heard() => {
                outcome::stop_of_silence(&error.message)
            }
            _ => outcome::stop_of(error),
        };
        match error.kind {
            ApiErrorKind::BudgetSpent | ApiErrorKind::RateLimited => self.tally.stop(stop),
            _ => self.stop(stop),
        }
    }

    /// Ends the run: nobody begins anything new, what was read is still written.
    pub(super) fn stop(&self, stop: Stop) {
        self.shutdown.request(stop.reason);
        self.tally.stop(stop);
    }
}

/// The conversations still to be visited, in the order of work.
pub(super) struct Feed(Mutex<Inner>);

struct Inner {
    targets: std::vec::IntoIter<Target>,
    ready: VecDeque<(Target, ConversationRecord)>,
}

impl Feed {
    pub(super) fn new(targets: Vec<Target>) -> Self {
        Self(Mutex::new(Inner {
            targets: targets.into_iter(),
            ready: VecDeque::new(),
        }))
    }

    async fn next(
        &self,
        store: &Store,
    ) -> Result<Option<(Target, ConversationRecord)>, StoreError> {
        let mut inner = self.0.lock().await;
        if inner.ready.is_empty() {
            let chunk: Vec<Target> = inner.targets.by_ref().take(RECORDS_AT_ONCE).collect();
            if !chunk.is_empty() {
                let keys: Vec<_> = chunk.iter().map(|target| target.key).collect();
                let records = store.read_records(&keys).await?;
                inner.ready.extend(chunk.into_iter().zip(records));
            }
        }
        Ok(inner.ready.pop_front())
    }
}

/// Visits conversations until there are none left or the run is to stop.
pub(super) async fn work(context: Arc<Context>, feed: Arc<Feed>) {
    while context.shutdown.requested().is_none() {
        let next = match feed.next(&context.store).await {
            Ok(Some(next)) => next,
            Ok(None) => return context.spare.add_permits(1),
            Err(error) => return context.stop(stop_of_store(&error)),
        };
        let (target, record) = next;
        let missing = match read_missing(&context, &record).await {
            Ok(missing) => missing,
            Err(error) => return context.stop(stop_of_store(&error)),
        };
        match visit(&context, target, &record, &missing).await {
            Ok(()) => {}
            Err(Broken::Stopped | Broken::WriterGone) => return,
            Err(Broken::Store(error)) => return context.stop(stop_of_store(&error)),
            Err(Broken::Api(error)) => return context.stop_asking(&error),
        }
    }
}

/// Visits one conversation and hands its outcome to the writer, who counts it once it is committed.
async fn visit(
    context: &Context,
    target: Target,
    record: &ConversationRecord,
    missing: &[MissingMessage],
) -> Result<(), Broken> {
    let visited = Visit::new(context, record, missing).run().await?;
    let waived = is_waived(context, target, record, &visited).await?;
    context.candidates.note(record.key, &visited);
    let outcome = visited.outcome;
    let ended = Ended {
        conversation_id: record.id.to_string(),
        state: outcome.state,
        failure: outcome
            .failure
            .as_ref()
            .map(|failure| (failure.class, failure.reason.clone())),
        waived,
        empty: visited.empty,
        unchanged: outcome.messages.unchanged,
    };
    Ok(context.queue.outcome(outcome, Some(ended)).await?)
}

/// Whether somebody has waived just this trouble: an old story is not told again, and does not
/// hide a new one of another class.
async fn is_waived(
    context: &Context,
    target: Target,
    record: &ConversationRecord,
    visited: &Visited,
) -> Result<bool, StoreError> {
    let Some(failure) = visited.outcome.failure.as_ref().filter(|_| target.waived) else {
        return Ok(false);
    };
    let filter = FailureFilter {
        all: true,
        conversations: vec![record.id.to_string()],
        class: Some(failure.class.as_str().to_owned()),
    };
    let told = context.store.read_failures(&filter).await?;
    Ok(told.iter().any(|known| {
        known.waived_at.is_some()
            && known.resolved_run.is_none()
            && failure.is_within(known.unlisted)
    }))
}

/// The missing messages of a conversation that has any.
async fn read_missing(
    context: &Context,
    record: &ConversationRecord,
) -> Result<Vec<MissingMessage>, StoreError> {
    if record.missing_count == 0 {
        return Ok(Vec::new());
    }
    context.store.read_missing(record.key).await
}

/// A database that fails ends the run.
pub(super) fn stop_of_store(error: &StoreError) -> Stop {
    Stop {
        reason: StopReason::Database,
        message: error.to_string(),
    }
}
