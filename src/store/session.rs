//! The one connection that writes, and how a transaction on it ends.
//!
//! The first write of a transaction asserts the epoch and the last `batch_seq`, and raises that; it is
//! the mark by which a transaction whose commit was not answered is looked for, and by which an
//! archive that was put back to an earlier state is told from the one that was written. A session
//! whose transaction was cut short is thrown away, never used again.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use super::{
    Store, StoreError,
    apply::NextKeys,
    backend::{Asked, Backend, Select, Step, Writer},
    statement::{self, Statement},
    table::{Rows, Table},
    value::{Row, Value},
};
use crate::model::Timestamp;

/// How many senders are remembered: some 2 MiB.
const SENDERS_MAX: usize = 20_000;

/// A writing connection with what is known under the lock.
#[derive(Debug)]
pub(super) struct Session {
    writer: Box<dyn Writer>,
    /// The next keys; put back where a transaction fails.
    pub(super) keys: NextKeys,
    /// Senders that are known to be stored, so that they are not written with each batch;
    /// emptied where a transaction fails and where it grows beyond [`SENDERS_MAX`].
    senders: HashSet<String>,
    archive: String,
    epoch: i64,
    batch_seq: i64,
    has_written: bool,
    /// Whether what was written first is still to be told.
    awaits_fence: bool,
    stands: Standing,
    /// As the archive will stand once the transaction is committed, where anybody was told.
    will_stand: Option<Standing>,
}

/// A state of the archive, as a session found it or left it. No two have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing(u64);

impl Standing {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What one transaction does. It may be run twice: a lost connection is tried once more.
#[async_trait]
pub(super) trait Work: Sync {
    /// What it gives.
    type Outcome: Send;

    /// Does it; where it writes nothing, nothing is committed.
    async fn run(&self, session: &mut Session) -> Result<Self::Outcome, StoreError>;
}

impl Session {
    /// Connects anew. A transaction of ours that the server is still committing is waited for:
    /// it holds the row that is locked by reading the epoch.
    async fn open(backend: &dyn Backend, archive: &str, epoch: i64) -> Result<Self, StoreError> {
        Self::over(backend.connect_writer().await?, archive, epoch).await
    }

    /// Raises the epoch of an archive, which is made where there is none yet.
    pub(super) async fn first(
        mut writer: Box<dyn Writer>,
        archive: &str,
        created_at: Timestamp,
    ) -> Result<Self, StoreError> {
        match raise_epoch(writer.as_mut(), created_at).await {
            Ok(epoch) => Self::over(writer, archive, epoch).await,
            Err(error) => Err(let_go(writer, error)),
        }
    }

    /// Asserts the epoch and reads the largest keys.
    async fn over(
        mut writer: Box<dyn Writer>,
        archive: &str,
        epoch: i64,
    ) -> Result<Self, StoreError> {
        match read_keys(writer.as_mut(), archive, epoch).await {
            Ok((keys, batch_seq)) => Ok(Self {
                writer,
                keys,
                senders: HashSet::new(),
                archive: archive.to_owned(),
                epoch,
                batch_seq,
                has_written: false,
                awaits_fence: false,
                stands: Standing::new(),
                will_stand: None,
            }),
            Err(error) => Err(let_go(writer, error)),
        }
    }

    /// The number of the last transaction.
    pub(super) const fn batch_seq(&self) -> i64 {
        self.batch_seq
    }

    /// The epoch that is asserted.
    pub(super) const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Reads inside the transaction.
    pub(super) async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.writer.select(statement, args).await
    }

    /// How the archive stands before the transaction.
    pub(super) const fn stands(&self) -> Standing {
        self.stands
    }

    /// Tells how it will stand once the transaction is committed.
    pub(super) const fn will_stand(&mut self, standing: Standing) {
        self.will_stand = Some(standing);
    }

    /// Runs a statement that changes rows.
    pub(super) async fn execute(
        &mut self,
        statement: &'static Statement,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        self.write(vec![Step::Run(statement, args)]).await
    }

    /// Writes rows as their table describes.
    pub(super) async fn put(
        &mut self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        self.write(vec![Step::Put(Rows::of(table, rows))]).await
    }

    /// Does some steps in order and gives how many rows they added, changed or took away.
    pub(super) async fn write(&mut self, steps: Vec<Step>) -> Result<u64, StoreError> {
        Ok(self.write_behind(steps).await? + self.settle().await?)
    }

    /// As [`Session::write`], but they may still be under way when it returns: what it gives is
    /// of the steps before them. [`Session::settle`] gives what is of the last ones.
    pub(super) async fn write_behind(&mut self, mut steps: Vec<Step>) -> Result<u64, StoreError> {
        steps.retain(|step| !step.is_empty());
        if steps.is_empty() {
            return Ok(0);
        }
        // The first write of a transaction asserts the epoch.
        if !self.has_written {
            let (epoch, last) = (self.epoch, self.batch_seq);
            steps.insert(0, Step::Fence { epoch, last });
            self.has_written = true;
            self.awaits_fence = true;
        }
        let changed = self.writer.write_behind(steps).await?;
        self.rows_of(&changed)
    }

    /// Waits for what [`Session::write_behind`] has begun.
    pub(super) async fn settle(&mut self) -> Result<u64, StoreError> {
        let changed = self.writer.settle().await?;
        self.rows_of(&changed)
    }

    /// The rows that steps changed, in the order in which they were begun.
    fn rows_of(&mut self, changed: &[u64]) -> Result<u64, StoreError> {
        if changed.is_empty() || !std::mem::take(&mut self.awaits_fence) {
            return Ok(changed.iter().sum());
        }
        match changed.split_first() {
            Some((1.., rest)) => Ok(rest.iter().sum()),
            _ => Err(StoreError::Fenced {
                archive: self.archive.clone(),
            }),
        }
    }

    /// Whether the sender may be missing in the archive; asked once, it is taken as stored.
    pub(super) fn is_new_sender(&mut self, id: &str) -> bool {
        if self.senders.contains(id) {
            return false;
        }
        if self.senders.len() >= SENDERS_MAX {
            self.senders.clear();
        }
        self.senders.insert(id.to_owned())
    }

    /// Makes what is committed durable.
    pub(super) async fn sync(&mut self) -> Result<(), StoreError> {
        self.writer.sync().await
    }

    /// Closes the connection after the last write has reached the disk.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        self.writer.close().await
    }

    async fn attempt<W: Work>(&mut self, work: &W) -> Attempt<W::Outcome> {
        self.has_written = false;
        self.awaits_fence = false;
        self.will_stand = None;
        if let Err(error) = self.writer.begin().await {
            return Attempt::Failed(error);
        }
        let outcome = match work.run(self).await {
            Ok(outcome) => outcome,
            Err(error) => return Attempt::Failed(error),
        };
        // Nothing is committed whose end is not known.
        if let Err(error) = self.settle().await {
            return Attempt::Failed(error);
        }
        if !self.has_written {
            return match self.writer.rollback().await {
                Ok(()) => Attempt::Done(outcome),
                Err(error) => Attempt::Failed(error),
            };
        }
        match self.writer.commit().await {
            Ok(()) => {
                self.batch_seq += 1;
                self.stands = self.will_stand.take().unwrap_or_else(Standing::new);
                Attempt::Done(outcome)
            }
            Err(error) => Attempt::Unknown(error, outcome),
        }
    }
}

#[async_trait]
impl Select for Session {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.writer.select(statement, args).await
    }

    async fn select_all(&mut self, asked: Vec<Asked>) -> Result<Vec<Vec<Row>>, StoreError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.select_all(asked).await
    }
}

/// Lets go of a connection that failed; what is gone for good stays open until the process ends.
fn let_go(writer: Box<dyn Writer>, error: StoreError) -> StoreError {
    if error.is_unsynced() {
        writer.abandon();
    }
    error
}

async fn raise_epoch(writer: &mut dyn Writer, created_at: Timestamp) -> Result<i64, StoreError> {
    writer.begin().await?;
    let created_at = vec![created_at.into()];
    let create = Step::Run(&statement::CREATE_ARCHIVE, created_at);
    let raise = Step::Run(&statement::RAISE_EPOCH, Vec::new());
    writer.write_behind(vec![create, raise]).await?;
    writer.settle().await?;
    let (epoch, _) = read_epoch(writer).await?;
    writer.commit().await?;
    Ok(epoch)
}

/// The next keys and the mark of the last transaction, where the epoch is still ours.
async fn read_keys(
    writer: &mut dyn Writer,
    archive: &str,
    epoch: i64,
) -> Result<(NextKeys, i64), StoreError> {
    writer.begin().await?;
    let (found, batch_seq) = read_epoch(writer).await?;
    if found != epoch {
        return Err(StoreError::Fenced {
            archive: archive.to_owned(),
        });
    }
    let mut rows = writer.select(&statement::NEXT_KEYS, Vec::new()).await?;
    let row = rows
        .first_mut()
        .ok_or_else(|| StoreError::broken("no keys"))?;
    let keys = NextKeys {
        message: row.int()? + 1,
        conversation: row.int()? + 1,
        failure: row.int()? + 1,
        link: row.int()? + 1,
        run: row.int()? + 1,
    };
    writer.rollback().await?;
    Ok((keys, batch_seq))
}

enum Attempt<T> {
    Done(T),
    Failed(StoreError),
    Unknown(StoreError, T),
}

/// The epoch and the mark of the last transaction.
async fn read_epoch(writer: &mut dyn Writer) -> Result<(i64, i64), StoreError> {
    let mut rows = writer
        .select(&statement::ARCHIVE_LOCKED, Vec::new())
        .await?;
    let row = rows
        .first_mut()
        .ok_or_else(|| StoreError::broken("the archive's own row is missing"))?;
    Ok((row.int()?, row.int()?))
}

impl Store {
    /// Runs one transaction to its end. One at a time; waits its turn.
    pub(super) async fn transact<W: Work>(&self, work: &W) -> Result<W::Outcome, StoreError> {
        let mut slot = self.shared.session.lock().await;
        let result = self.transact_on(&mut slot, work).await;
        result.map_err(|error| self.note(error))
    }

    /// The session is taken out while it works: where this future is dropped half-way, the
    /// session goes with it and the next transaction opens another one.
    async fn transact_on<W: Work>(
        &self,
        slot: &mut Option<Session>,
        work: &W,
    ) -> Result<W::Outcome, StoreError> {
        let mut may_repeat = true;
        loop {
            let mut session = match slot.take() {
                Some(session) => session,
                None => self.open_session().await?,
            };
            let (keys, mark) = (session.keys, session.batch_seq + 1);
            let error = match session.attempt(work).await {
                Attempt::Done(outcome) => {
                    let last = session.batch_seq;
                    self.shared.batch_seq.store(last, Ordering::Relaxed);
                    *slot = Some(session);
                    return Ok(outcome);
                }
                Attempt::Failed(error) | Attempt::Unknown(error, _) if error.is_unsynced() => {
                    return Err(let_go(session.writer, error));
                }
                // Its connection is kept until the archive is closed: the log goes into the file
                // that it is of.
                Attempt::Failed(error) | Attempt::Unknown(error, _) if error.is_moved() => {
                    *slot = Some(session);
                    return Err(error);
                }
                Attempt::Failed(error) if error.is_connection_lost() => error,
                Attempt::Failed(error) => {
                    // One that cannot even be rolled back is dropped.
                    if session.writer.rollback().await.is_ok() {
                        session.keys = keys;
                        session.senders.clear();
                        *slot = Some(session);
                    }
                    return Err(error);
                }
                Attempt::Unknown(error, outcome) => {
                    drop(session);
                    tracing::warn!(%error, "a commit was not answered; looking whether it happened");
                    let fresh = self.open_session().await?;
                    let happened = fresh.batch_seq == mark;
                    *slot = Some(fresh);
                    if happened {
                        return Ok(outcome);
                    }
                    error
                }
            };
            if !may_repeat || !error.is_connection_lost() {
                return Err(error);
            }
            may_repeat = false;
        }
    }

    /// Makes everything that is committed durable.
    pub(super) async fn sync_session(&self) -> Result<(), StoreError> {
        let mut slot = self.shared.session.lock().await;
        let Some(mut session) = slot.take() else {
            return Ok(());
        };
        match session.sync().await {
            Ok(()) => {
                *slot = Some(session);
                Ok(())
            }
            Err(error) => {
                if !error.is_unsynced() {
                    *slot = Some(session);
                    return Err(self.note(error));
                }
                Err(self.note(let_go(session.writer, error)))
            }
        }
    }

    /// An error in the words of this archive. After a sync that failed nothing is written any
    /// more: what would follow would stand on what may be gone.
    pub(super) fn note(&self, error: StoreError) -> StoreError {
        if error.is_unsynced() {
            self.shared.unsynced.store(true, Ordering::Relaxed);
        }
        error.in_archive(&self.shared.archive)
    }

    async fn open_session(&self) -> Result<Session, StoreError> {
        if self.shared.unsynced.load(Ordering::Relaxed) {
            return Err(StoreError::Unsynced {
                context: "writing something before".to_owned(),
                source: None,
            });
        }
        let epoch = self.shared.epoch.ok_or_else(|| StoreError::ReadOnly {
            context: format!(
                "writing {}, which was opened for reading alone",
                self.shared.archive
            ),
            source: None,
        })?;
        let session = Session::open(self.shared.backend.as_ref(), &self.shared.archive, epoch);
        let session = session.await?;
        // One transaction may have been committed whose answer was lost.
        let known = self.shared.batch_seq.load(Ordering::Relaxed);
        if !(known..=known + 1).contains(&session.batch_seq) {
            return Err(StoreError::Fenced {
                archive: self.shared.archive.clone(),
            });
        }
        let last = session.batch_seq;
        self.shared.batch_seq.store(last, Ordering::Relaxed);
        Ok(session)
    }
}
