//! The archive: one cheap-clone handle over a small private trait, with SQLite and Postgres
//! behind it as equals.
//!
//! Owns the tables, the migrations, the lock and the fence. A [`Batch`] is what one transaction
//! writes: rows, versions, ledger, outcomes and failures together or not at all. Knows nothing
//! of the gateway or of walking.

mod batch;
pub mod dictionary;
mod read;

pub use batch::{Batch, BatchStats, ConversationOutcome, LinkRow, PageWrite, WalkProgress};
pub use read::{
    ConversationDetail, CurrentMessage, FailureFilter, FailureRow, RunRow, RunStart, Slice, Status,
    Target,
};

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use secrecy::SecretString;

use crate::{
    clock::Clock,
    model::{
        ConversationId, ConversationKey, ConversationRecord, MessageId, RunId, RunReport, Timestamp,
    },
};

/// Which database: `sqlite:PATH` or `postgres://…`. Displays without the password.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A connection URL; may hold a password and is never shown whole.
    Postgres(SecretString),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(_text: &str) -> Result<Self, Self::Err> {
        unimplemented!()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}

/// How to open an archive.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Which database.
    pub url: DatabaseUrl,
    /// The Postgres schema, `public` where `None`. Ignored by SQLite.
    pub schema: Option<String>,
    /// How long to wait for the lock of another run.
    pub lock_wait: Duration,
    /// Who takes the lock, for the message that another run shows (`sync, pid 12 on host`).
    pub holder: String,
    /// The time of day.
    pub clock: Clock,
}

/// Why an archive could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("not written yet")]
pub struct StoreError;

/// A handle on an archive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store;

/// The right to write an archive, held by at most one process; freed when it is dropped, and by
/// the kernel or the server when its holder dies.
#[derive(Debug)]
pub struct RunLock;

impl Store {
    /// Takes the lock, creates or migrates the archive, and raises its epoch, so that an earlier
    /// holder that is still alive can write no more.
    ///
    /// # Errors
    /// Held by another run (code 6); a schema newer than this program (code 8); unreachable (8).
    pub async fn open(_options: &StoreOptions) -> Result<(Self, RunLock), StoreError> {
        unimplemented!()
    }

    /// Opens an existing archive for reading alone: no lock, no migration, no write.
    ///
    /// # Errors
    /// No archive there; a schema newer or older than this program reads; unreachable.
    pub async fn open_read_only(_options: &StoreOptions) -> Result<Self, StoreError> {
        unimplemented!()
    }

    /// Binds the archive to a gateway at first use, and refuses another one after that (code 2).
    pub async fn bind_gateway(&self, _gateway_url: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The gateway the archive is bound to.
    pub async fn read_gateway(&self) -> Result<Option<String>, StoreError> {
        unimplemented!()
    }

    /// Binds the archive to `new` where it is bound to `old`; an error where it is not.
    pub async fn rename_gateway(&self, _old: &str, _new: &str) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Writes the row of a new run.
    pub async fn begin_run(&self, _start: &RunStart) -> Result<RunId, StoreError> {
        unimplemented!()
    }

    /// Writes how the run ended.
    pub async fn finish_run(&self, _run: RunId, _report: &RunReport) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Makes sure each id has a row (state `pending` if new) and gives the keys in order.
    /// Takes up to a million ids; works in chunks.
    pub async fn register_conversations(
        &self,
        _run: RunId,
        _ids: &[ConversationId],
    ) -> Result<Vec<ConversationKey>, StoreError> {
        unimplemented!()
    }

    /// The keys of every conversation that the archive knows.
    pub async fn read_conversation_keys(&self) -> Result<Vec<ConversationKey>, StoreError> {
        unimplemented!()
    }

    /// What the order of work is decided from, for each key; no id, so that a million fit.
    pub async fn read_targets(&self, _keys: &[ConversationKey]) -> Result<Vec<Target>, StoreError> {
        unimplemented!()
    }

    /// The records of a chunk of conversations (some hundreds), in the order of `keys`.
    pub async fn read_records(
        &self,
        _keys: &[ConversationKey],
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        unimplemented!()
    }

    /// The archived messages of a conversation that are among `slice.ids` or, not being deleted,
    /// lie strictly inside the slice's open interval of time. One query.
    pub async fn read_slice(
        &self,
        _conversation: ConversationKey,
        _slice: &Slice<'_>,
    ) -> Result<Vec<CurrentMessage>, StoreError> {
        unimplemented!()
    }

    /// The largest `created_at` among live messages, if any.
    pub async fn read_newest(
        &self,
        _conversation: ConversationKey,
    ) -> Result<Option<(MessageId, Timestamp)>, StoreError> {
        unimplemented!()
    }

    /// How many live messages (neither missing nor deleted) are strictly newer than a time.
    pub async fn count_live_after(
        &self,
        _conversation: ConversationKey,
        _time: Timestamp,
    ) -> Result<u64, StoreError> {
        unimplemented!()
    }

    /// Commits a batch in one transaction. Where the answer to the commit was lost, reconnects
    /// and looks whether it happened before it says so.
    pub async fn write(&self, _batch: &Batch) -> Result<BatchStats, StoreError> {
        unimplemented!()
    }

    /// The overview that `status` shows.
    pub async fn read_status(&self) -> Result<Status, StoreError> {
        unimplemented!()
    }

    /// Everything that `explain` shows of one conversation.
    pub async fn read_conversation(
        &self,
        _id: &ConversationId,
    ) -> Result<Option<ConversationDetail>, StoreError> {
        unimplemented!()
    }

    /// Failures, newest first.
    pub async fn read_failures(
        &self,
        _filter: &FailureFilter,
    ) -> Result<Vec<FailureRow>, StoreError> {
        unimplemented!()
    }

    /// Waives the open failures that the filter names and gives how many.
    pub async fn waive_failures(
        &self,
        _filter: &FailureFilter,
        _reason: &str,
    ) -> Result<u64, StoreError> {
        unimplemented!()
    }

    /// `pragma quick_check` or its like: what is wrong with the database itself, nothing if fine.
    pub async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        unimplemented!()
    }

    /// The version of the database engine, such as `SQLite 3.51.3` or `PostgreSQL 15.18`.
    pub async fn engine_version(&self) -> Result<String, StoreError> {
        unimplemented!()
    }

    /// Closes the connections after the last write has reached the disk.
    pub async fn close(&self) {
        unimplemented!()
    }
}
