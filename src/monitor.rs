//! How the library talks back while it works: counters that only grow, and what is being
//! waited for. The library counts; only `cli` shows.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// What is counted. The order is the place in the array of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Requests sent, retries included.
    Requests,
    /// Requests that repeated an earlier one.
    Retries,
    /// Answers 429.
    Throttled,
    /// Answers whose `Date` contradicts what else is known of the time by more than λ.
    WrongDates,
    /// Pages asked for by the sweep, retries not counted.
    Swept,
    /// Bytes of the bodies of answers, as they came: most are packed.
    BytesReceived,
    /// Conversations in the list.
    ConversationsListed,
    /// Conversations that were worked through, whatever the outcome.
    ConversationsDone,
    /// Messages that the listed conversations are known to hold (`count`, as it becomes known).
    MessagesExpected,
    /// Messages read, met for the first time in this run.
    MessagesRead,
    /// Messages committed that were new.
    MessagesNew,
    /// Messages committed that had changed.
    MessagesChanged,
    /// Transactions committed that wrote.
    Transactions,
}

const COUNTERS: usize = Counter::Transactions as usize + 1;

/// A handle on the counters of one run. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Monitor(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counters: [AtomicU64; COUNTERS],
    waiting_for: Mutex<Option<String>>,
}

impl Monitor {
    /// Counters at zero, waiting for nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `n`.
    pub fn add(&self, counter: Counter, n: u64) {
        self.0.counters[counter as usize].fetch_add(n, Ordering::Relaxed);
    }

    /// Adds one; says whether it is the first.
    pub fn count_first(&self, counter: Counter) -> bool {
        self.0.counters[counter as usize].fetch_add(1, Ordering::Relaxed) == 0
    }

    /// The value so far.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.counters[counter as usize].load(Ordering::Relaxed)
    }

    /// Says what the run is waiting for, in words for a person ("the gateway asked to wait
    /// 30 s (429)"), until the guard is dropped. The newest wait is the one that is shown.
    pub fn waiting_for(&self, what: impl Into<String>) -> Waiting {
        *self.lock() = Some(what.into());
        Waiting(self.clone())
    }

    /// What the run is waiting for, if for anything out of the ordinary.
    pub fn waits_for(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0
            .waiting_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this lives, the monitor says what is waited for.
#[derive(Debug)]
#[must_use]
pub struct Waiting(Monitor);

impl Drop for Waiting {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
