//! The one writer of a run: pages and outcomes come in over a bounded queue and go out in
//! batches, one transaction each.
//!
//! A batch closes at 8,000 rows, 4 MiB of raw JSON or 100 ms after its first page that changes
//! a row, whichever comes first; pages that change nothing ride with the next batch, or close
//! one at 6,000 pages or 10 s. While one is being written the next is filled, to the same
//! bounds and no further, and decided as far as can be once it is full. So a kill costs at most these two (16,000 rows and 8 MiB together), the
//! queue, and what is in flight. A database that fails ends the writer; every later send says so.
//! How a conversation ended is counted here, once it is committed: what never was is not reported.

use std::{future, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::{JoinHandle, spawn_blocking},
    time::{Instant, timeout_at},
};

use super::tally::{Ended, Tally};
use crate::{
    model::{MessageCounts, RunId},
    monitor::{Counter, Monitor},
    store::{Batch, BatchStats, ConversationOutcome, LinkRow, PageWrite, Store, StoreError},
};

/// Pages that may wait for the writer.
const QUEUE_PAGES_MAX: usize = 8;
/// Half of what a kill may cost, since two batches are on their way.
const BATCH_ROWS_MAX: usize = 8_000;
const BATCH_RAW_BYTES_MAX: usize = 4 << 20;
const BATCH_AGE_MAX: Duration = Duration::from_millis(100);
const QUIET_PAGES_MAX: usize = 6_000;
const QUIET_AGE_MAX: Duration = Duration::from_secs(10);

/// The writer is gone, because the database failed; [`Writer::finish`] says how.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriterGone;

enum Item {
    Page(Box<PageWrite>),
    Outcome(Box<ConversationOutcome>, Option<Ended>),
    Links(Vec<LinkRow>),
    Flush(oneshot::Sender<()>),
}

/// A handle on the queue. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Queue(mpsc::Sender<Item>);

impl Queue {
    pub(super) async fn page(&self, page: PageWrite) -> Result<(), WriterGone> {
        self.send(Item::Page(Box::new(page))).await
    }

    /// `ended` is how the conversation is counted once this is committed, if it is to be.
    pub(super) async fn outcome(
        &self,
        outcome: ConversationOutcome,
        ended: Option<Ended>,
    ) -> Result<(), WriterGone> {
        self.send(Item::Outcome(Box::new(outcome), ended)).await
    }

    pub(super) async fn links(&self, links: Vec<LinkRow>) -> Result<(), WriterGone> {
        self.send(Item::Links(links)).await
    }

    /// Waits until everything sent before is committed.
    pub(super) async fn flush(&self) -> Result<(), WriterGone> {
        let (done, committed) = oneshot::channel();
        self.send(Item::Flush(done)).await?;
        committed.await.map_err(|_| WriterGone)
    }

    async fn send(&self, item: Item) -> Result<(), WriterGone> {
        self.0.send(item).await.map_err(|_| WriterGone)
    }
}

/// The thread that writes.
#[derive(Debug)]
pub(super) struct Writer(JoinHandle<(MessageCounts, Result<(), StoreError>)>);

impl Writer {
    pub(super) fn start(
        store: Store,
        run: RunId,
        monitor: Monitor,
        tally: Arc<Tally>,
    ) -> (Queue, Self) {
        let (sender, receiver) = mpsc::channel(QUEUE_PAGES_MAX);
        let task = Task {
            store,
            monitor,
            tally,
            batch: OpenBatch::new(run),
            under_way: None,
            next: None,
            written: MessageCounts::default(),
        };
        // On a thread of its own: the others parse pages, and each step between this one and the
        // database would wait for them.
        let runtime = Handle::current();
        let run = move || runtime.block_on(task.run(receiver));
        (Queue(sender), Self(spawn_blocking(run)))
    }

    /// Waits for the last batch; every handle on the queue must have been dropped before.
    /// Gives what was committed, also where the database failed in the end.
    pub(super) async fn finish(self) -> (MessageCounts, Result<(), StoreError>) {
        match self.0.await {
            Ok(end) => end,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

struct Task {
    store: Store,
    monitor: Monitor,
    tally: Arc<Tally>,
    /// Is filled.
    batch: OpenBatch,
    /// Is being written.
    under_way: Option<Writing>,
    /// Was full before the other one was written, and is decided meanwhile.
    next: Option<Writing>,
    written: MessageCounts,
}

/// A batch on its way to the database.
struct Writing {
    /// Ends when it is committed.
    result: BoxFuture<'static, Result<BatchStats, StoreError>>,
    /// Nothing of it is written before this is told.
    turn: Option<oneshot::Sender<()>>,
    then: Then,
}

/// What follows once a batch is committed.
#[derive(Default)]
struct Then {
    /// The conversations that count from then on.
    ended: Vec<Ended>,
    /// Who waits until it is committed.
    awaited_by: Vec<oneshot::Sender<()>>,
}

impl Writing {
    /// Lets it be written.
    fn in_turn(mut self) -> Self {
        if let Some(turn) = self.turn.take() {
            // It is there to hear of it: this is its only handle.
            let _ = turn.send(());
        }
        self
    }
}

/// What the task is to do next.
enum Next {
    Item(Option<Item>),
    /// The batch that was being written is.
    Written(Result<BatchStats, StoreError>),
    /// The batch that is filled has waited long enough.
    Due,
}

impl Task {
    async fn run(
        mut self,
        mut queue: mpsc::Receiver<Item>,
    ) -> (MessageCounts, Result<(), StoreError>) {
        let result = self.write_all(&mut queue).await;
        (self.written, result)
    }

    async fn write_all(&mut self, queue: &mut mpsc::Receiver<Item>) -> Result<(), StoreError> {
        loop {
            match self.next(queue).await {
                Next::Written(result) => self.written(result?),
                Next::Due => self.begin(),
                Next::Item(Some(item)) => self.batch.add(item),
                Next::Item(None) => return self.commit_all().await,
            }
            let may_begin = match (&self.under_way, &self.next) {
                (None, _) => self.batch.is_full() || self.batch.is_awaited(),
                (Some(_), None) => self.batch.is_full(),
                (Some(_), Some(_)) => false,
            };
            if may_begin {
                self.begin();
            }
        }
    }

    async fn next(&mut self, queue: &mut mpsc::Receiver<Item>) -> Next {
        let Some(writing) = &mut self.under_way else {
            return match self.batch.deadline() {
                None => Next::Item(queue.recv().await),
                Some(deadline) => timeout_at(deadline, queue.recv())
                    .await
                    .map_or(Next::Due, Next::Item),
            };
        };
        let Some(next) = &mut self.next else {
            return tokio::select! {
                biased;
                written = &mut writing.result => Next::Written(written),
                item = queue.recv() => Next::Item(item),
            };
        };
        // The next one waits for its turn, which comes when this one is written.
        tokio::select! {
            biased;
            written = &mut writing.result => Next::Written(written),
            _ = &mut next.result => unreachable!("a batch is not written before its turn"),
        }
    }

    /// Begins to write the batch that was filled, or to decide it where another is being written.
    fn begin(&mut self) {
        let (batch, then) = self.batch.take();
        if batch.pages.is_empty() && batch.outcomes.is_empty() && batch.links.is_empty() {
            tell(then.awaited_by);
            return;
        }
        let store = self.store.clone();
        let (turn, its_turn) = oneshot::channel();
        let write = async move {
            let its_turn = async {
                // Where the one before was not written, this one never is.
                if its_turn.await.is_err() {
                    future::pending::<()>().await;
                }
            };
            let written = store.write_next(&batch, its_turn).await;
            // Thousands of messages are let go of while the next batch is begun.
            drop(spawn_blocking(|| drop(batch)));
            written
        };
        let writing = Writing {
            result: write.boxed(),
            turn: Some(turn),
            then,
        };
        if self.under_way.is_some() {
            self.next = Some(writing);
        } else {
            self.under_way = Some(writing.in_turn());
        }
    }

    /// Commits everything that has come.
    async fn commit_all(&mut self) -> Result<(), StoreError> {
        self.finish_writing().await?;
        self.begin();
        self.finish_writing().await
    }

    async fn finish_writing(&mut self) -> Result<(), StoreError> {
        while let Some(writing) = &mut self.under_way {
            let stats = (&mut writing.result).await?;
            self.written(stats);
        }
        Ok(())
    }

    /// What was under way is committed; it is the next one's turn.
    fn written(&mut self, stats: BatchStats) {
        if let Some(Writing { then, .. }) = self.under_way.take() {
            let ended = then.ended.len() as u64;
            self.monitor.add(Counter::ConversationsDone, ended);
            then.ended
                .into_iter()
                .for_each(|ended| self.tally.ended(ended));
            tell(then.awaited_by);
        }
        self.under_way = self.next.take().map(Writing::in_turn);
        let messages = stats.messages;
        self.written += messages;
        self.monitor.count(Counter::Transactions);
        self.monitor.add(Counter::MessagesNew, messages.new);
        self.monitor.add(Counter::MessagesChanged, messages.changed);
    }
}

/// Tells those who wait.
fn tell(awaited_by: Vec<oneshot::Sender<()>>) {
    for done in awaited_by {
        // The worker that asked may be gone: then nobody needs to know.
        let _ = done.send(());
    }
}

/// The batch that is being filled.
struct OpenBatch {
    batch: Batch,
    rows: usize,
    raw_bytes: usize,
    opened_at: Option<Instant>,
    changing_since: Option<Instant>,
    then: Then,
}

impl OpenBatch {
    fn new(run: RunId) -> Self {
        Self {
            batch: Batch {
                run: Some(run),
                ..Batch::default()
            },
            rows: 0,
            raw_bytes: 0,
            opened_at: None,
            changing_since: None,
            then: Then::default(),
        }
    }

    fn add(&mut self, item: Item) {
        let now = Instant::now();
        self.opened_at.get_or_insert(now);
        let changes = match &item {
            Item::Page(page) => page.changes_messages(),
            Item::Outcome(outcome, _) => outcome.failure.is_some(),
            Item::Links(_) => true,
            Item::Flush(_) => false,
        };
        if changes {
            self.changing_since.get_or_insert(now);
        }
        match item {
            Item::Page(page) => {
                // A message is a row, and its version another.
                self.rows += 2 * page.messages.len() + page.absent.len() + page.deleted.len();
                self.raw_bytes += page
                    .messages
                    .iter()
                    .map(|message| message.raw.len())
                    .sum::<usize>();
                self.batch.pages.push(*page);
            }
            Item::Outcome(outcome, ended) => {
                self.batch.outcomes.push(*outcome);
                self.then.ended.extend(ended);
            }
            Item::Links(links) => {
                self.rows += links.len();
                self.batch.links.extend(links);
            }
            Item::Flush(done) => self.then.awaited_by.push(done),
        }
    }

    fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS_MAX
            || self.raw_bytes >= BATCH_RAW_BYTES_MAX
            || self.batch.pages.len() >= QUIET_PAGES_MAX
            || self.batch.outcomes.len() >= QUIET_PAGES_MAX
    }

    fn deadline(&self) -> Option<Instant> {
        let changing = self.changing_since.map(|since| since + BATCH_AGE_MAX);
        let quiet = self.opened_at.map(|since| since + QUIET_AGE_MAX);
        changing.or(quiet)
    }

    fn is_awaited(&self) -> bool {
        !self.then.awaited_by.is_empty()
    }

    fn take(&mut self) -> (Batch, Then) {
        let fresh = Self::new(self.batch.run.unwrap_or(RunId(0)));
        let taken = std::mem::replace(self, fresh);
        (taken.batch, taken.then)
    }
}
