//! The archive: one cheap-clone handle over a small private trait, with SQLite and Postgres
//! behind it as equals.
//!
//! Owns the tables, the migrations, the lock and the fence. A [`Batch`] is what one transaction
//! writes: rows, versions, ledger, outcomes and failures together or not at all. Knows nothing
//! of the gateway or of walking.

mod apply;
mod archived;
mod backend;
mod batch;
mod browse;
mod changes;
mod commit;
mod coverage;
mod derived;
pub mod dictionary;
mod error;
mod export;
mod facts;
mod filter;
mod look_up;
mod names;
mod outlook;
mod overview;
mod postgres;
mod read;
mod record;
mod reference;
mod rewrite;
mod run;
mod schema;
mod search;
mod session;
mod snapshot;
mod sqlite;
mod statement;
mod table;
mod url;
mod value;
mod zone;

pub use archived::{
    ArchivedAbsence, ArchivedConversation, ArchivedMessage, ArchivedOutcomes, ArchivedPiece,
    ArchivedRun, ArchivedState, ArchivedVersion, ArchivedZone, Dangling, Difference, Redecoded,
    in_chunks,
};
pub use batch::{Apart, Batch, BatchStats, ConversationOutcome, LinkRow, PageWrite, WalkProgress};
pub use browse::{
    AnomalyLine, AnomalyPlace, ArchiveZone, ArchivedAbsenceTime, Browsing, ChangedPlace, Choice,
    ConversationHead, ConversationLine, ConversationPlace, ConversationQuery, ConversationSort,
    DayVolume, FailureQuery, KnownName, Listed, MessagePage, MessagePlace, MessageVersion,
    NewestMessage, OfferedOption, PageEnd, RunConversation, RunFacts, SharedCard, SharedFile,
    SharedPlace, ShownMessage, VersionMark,
};
pub use coverage::{Coverage, Extent, SecondCover, Size};
pub use error::StoreError;
pub use export::{Selected, SelectedMessage, SelectedVersion, Selection};
pub use facts::{ArchiveFacts, ConversationFacts, GivenName};
pub use names::{NamedSender, NamesStats, SenderName};
pub use read::{
    ConversationDetail, CurrentMessage, FailureFilter, FailureRow, MissingMessage, RunRow,
    RunStart, RunTimes, Slice, Status, Target,
};
pub use rewrite::RewriteStats;
pub use schema::{SchemaFlaw, SchemaKind, SchemaObject};
pub use search::{IndexFlaw, SearchCursor, SearchHit, SearchPage, SearchQuery, SearchSort};
pub use snapshot::Snapshot;
pub use url::DatabaseUrl;
pub use zone::storable_offsets;

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Mutex;

use self::{
    backend::Backend,
    outlook::Outlook,
    session::Session,
    statement::Statement,
    value::{Row, Value},
};
use crate::{
    clock::Clock,
    model::{ConversationId, ConversationKey, ConversationRecord, RunId, RunReport, Timestamp},
};

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

/// A handle on an archive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    backend: Box<dyn Backend>,
    /// The archive's name for messages, without a password.
    archive: String,
    /// The epoch that this store raised the archive to; `None` where it only reads.
    epoch: Option<i64>,
    /// The number of the last transaction that this store knows of.
    batch_seq: AtomicI64,
    /// The connection that writes; absent before the first write and after one that was cut.
    session: Mutex<Option<Session>>,
    /// The archive as the batch that was written last leaves it.
    outlook: std::sync::Mutex<Option<Arc<Outlook>>>,
    /// A sync failed: nothing is written any more.
    unsynced: AtomicBool,
    /// The latest time that anything was recorded at, in milliseconds.
    recorded_ms: AtomicI64,
    clock: Clock,
}

/// The right to write an archive, held by at most one process; freed when it is dropped, and by
/// the kernel or the server when its holder dies.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "it is held, not used")] Held);

#[derive(Debug)]
#[expect(dead_code, reason = "they are held, not used")]
enum Held {
    /// A file that is locked until it is closed.
    File(std::fs::File),
    /// A session that holds an advisory lock until it ends.
    Session(Box<sqlx::PgConnection>),
}

impl Store {
    /// Takes the lock, creates or migrates the archive, and raises its epoch, so that an earlier
    /// holder that is still alive can write no more.
    ///
    /// # Errors
    /// Held by another run (code 6); a schema newer than this program (code 8); unreachable (8).
    pub async fn open(options: &StoreOptions) -> Result<(Self, RunLock), StoreError> {
        let archive = options.url.to_string();
        let opened = match &options.url {
            DatabaseUrl::Sqlite(path) => sqlite::open(path, options).await,
            DatabaseUrl::Postgres(url) => postgres::open(url, options).await,
        };
        let (backend, lock) = opened.map_err(|error| error.in_archive(&archive))?;
        let writer = backend.connect_writer().await?;
        let session = Session::first(writer, &archive, options.clock.now())
            .await
            .map_err(|error| error.in_archive(&archive))?;
        let shared = Shared {
            backend,
            archive,
            epoch: Some(session.epoch()),
            batch_seq: AtomicI64::new(session.batch_seq()),
            session: Mutex::new(Some(session)),
            outlook: std::sync::Mutex::default(),
            unsynced: AtomicBool::new(false),
            recorded_ms: AtomicI64::new(i64::MIN),
            clock: options.clock.clone(),
        };
        let store = Self {
            shared: Arc::new(shared),
        };
        Ok((store, lock))
    }

    /// Opens an existing archive for reading alone: no lock, no migration, no write.
    ///
    /// # Errors
    /// No archive there; a schema newer or older than this program reads; unreachable.
    pub async fn open_read_only(options: &StoreOptions) -> Result<Self, StoreError> {
        let backend = match &options.url {
            DatabaseUrl::Sqlite(path) => sqlite::open_read_only(path, options).await?,
            DatabaseUrl::Postgres(url) => postgres::open_read_only(url, options).await?,
        };
        let shared = Shared {
            backend,
            archive: options.url.to_string(),
            epoch: None,
            batch_seq: AtomicI64::new(0),
            session: Mutex::new(None),
            outlook: std::sync::Mutex::default(),
            unsynced: AtomicBool::new(false),
            recorded_ms: AtomicI64::new(i64::MIN),
            clock: options.clock.clone(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Binds the archive to a gateway at first use, and refuses another one (code 2) once the
    /// gateway has told something: a mistyped address does not bind for good.
    pub async fn bind_gateway(&self, gateway_url: &str) -> Result<(), StoreError> {
        let work = run::BindGateway {
            expected: None,
            gateway: gateway_url,
        };
        match self.read_gateway().await? {
            Some(archived) if archived == gateway_url => Ok(()),
            _ => self.transact(&work).await,
        }
    }

    /// Refuses a gateway that [`Store::bind_gateway`] would refuse (code 2); writes nothing.
    pub async fn check_gateway(&self, gateway_url: &str) -> Result<(), StoreError> {
        self.refuse_other_gateway(gateway_url).await
    }

    /// The gateway the archive is bound to.
    pub async fn read_gateway(&self) -> Result<Option<String>, StoreError> {
        self.gateway().await
    }

    /// Binds the archive to `new` where it is bound to `old`; an error where it is not.
    pub async fn rename_gateway(&self, old: &str, new: &str) -> Result<(), StoreError> {
        let work = run::BindGateway {
            expected: Some(old),
            gateway: new,
        };
        self.transact(&work).await
    }

    /// Writes the row of a new run.
    pub async fn begin_run(&self, start: &RunStart) -> Result<RunId, StoreError> {
        self.transact(&run::BeginRun(start)).await
    }

    /// Writes how the run ended.
    pub async fn finish_run(&self, run: RunId, report: &RunReport) -> Result<(), StoreError> {
        self.transact(&run::FinishRun { run, report }).await
    }

    /// Makes sure each id has a row (state `pending` if new) and gives the keys in order.
    /// Takes up to a million ids; works in chunks.
    pub async fn register_conversations(
        &self,
        run: RunId,
        ids: &[ConversationId],
    ) -> Result<Vec<ConversationKey>, StoreError> {
        self.register(run, ids).await
    }

    /// The keys of every conversation that the archive knows.
    pub async fn read_conversation_keys(&self) -> Result<Vec<ConversationKey>, StoreError> {
        self.conversation_keys().await
    }

    /// What the order of work is decided from, for each key; no id, so that a million fit.
    pub async fn read_targets(&self, keys: &[ConversationKey]) -> Result<Vec<Target>, StoreError> {
        self.targets(keys).await
    }

    /// The records of a chunk of conversations (some hundreds), in the order of `keys`.
    pub async fn read_records(
        &self,
        keys: &[ConversationKey],
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        self.records(keys).await
    }

    /// The archived messages of a conversation that are among `slice.ids` or, not being deleted,
    /// lie strictly inside the slice's open interval of time. One query, or two.
    pub async fn read_slice(
        &self,
        conversation: ConversationKey,
        slice: &Slice<'_>,
    ) -> Result<Vec<CurrentMessage>, StoreError> {
        self.slice(conversation, slice).await
    }

    /// The messages of a conversation that are missing and not yet deleted, oldest first.
    pub async fn read_missing(
        &self,
        conversation: ConversationKey,
    ) -> Result<Vec<MissingMessage>, StoreError> {
        self.missing(conversation).await
    }

    /// When the last runs were, newest first.
    pub async fn read_run_times(&self, runs_max: u32) -> Result<Vec<RunTimes>, StoreError> {
        self.run_times(runs_max).await
    }

    /// How many live messages (neither missing nor deleted) are strictly newer than a time.
    pub async fn count_live_after(
        &self,
        conversation: ConversationKey,
        time: Timestamp,
    ) -> Result<u64, StoreError> {
        self.live_after(conversation, time).await
    }

    /// Commits a batch in one transaction. Where the answer to the commit was lost, reconnects
    /// and looks whether it happened before it says so.
    pub async fn write(&self, batch: &Batch) -> Result<BatchStats, StoreError> {
        self.commit(batch, future::ready(())).await
    }

    /// As [`Store::write`], for a batch that follows one which is being written: what can be decided
    /// meanwhile is, and nothing is written before `turn` has come, when that other one is committed.
    pub async fn write_next(
        &self,
        batch: &Batch,
        turn: impl Future<Output = ()> + Send,
    ) -> Result<BatchStats, StoreError> {
        self.commit(batch, turn).await
    }

    /// The overview that `status` shows.
    pub async fn read_status(&self) -> Result<Status, StoreError> {
        self.status().await
    }

    /// Everything that `explain` shows of one conversation.
    pub async fn read_conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationDetail>, StoreError> {
        self.detail(id).await
    }

    /// Failures, newest first.
    pub async fn read_failures(
        &self,
        filter: &FailureFilter,
    ) -> Result<Vec<FailureRow>, StoreError> {
        self.failures(filter, i64::MAX).await
    }

    /// Waives the open failures that the filter names and gives how many.
    pub async fn waive_failures(
        &self,
        filter: &FailureFilter,
        reason: &str,
    ) -> Result<u64, StoreError> {
        let clock = &self.shared.clock;
        self.transact(&overview::Waive {
            filter,
            reason,
            clock,
        })
        .await
    }

    /// A query of `N` columns of text, for people; the demo shows its questions with it.
    pub async fn query_texts<const N: usize>(
        &self,
        sql: &'static str,
    ) -> Result<Vec<[String; N]>, StoreError> {
        self.texts(sql).await
    }

    /// `pragma quick_check` or its like: what is wrong with the database itself, nothing if fine.
    pub async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        self.shared.backend.check_integrity().await
    }

    /// The version of the database engine, such as `SQLite 3.51.3` or `PostgreSQL 15.18`.
    pub async fn engine_version(&self) -> Result<String, StoreError> {
        self.shared.backend.engine_version().await
    }

    /// Makes everything that was committed durable: a loss of power from here on costs nothing.
    ///
    /// # Errors
    /// The disk refused; then nothing more can be written through this store.
    pub async fn sync(&self) -> Result<(), StoreError> {
        self.sync_session().await
    }

    /// Closes the connections after the last write has reached the disk.
    ///
    /// # Errors
    /// The last writes may not be durable. The connections are closed all the same.
    pub async fn close_synced(&self) -> Result<(), StoreError> {
        let closed = match self.shared.session.lock().await.take() {
            Some(session) => session.close().await.map_err(|error| self.note(error)),
            None => Ok(()),
        };
        self.shared.backend.close().await;
        closed
    }

    /// [`Store::close_synced`] where nothing follows from its error but a warning.
    pub async fn close(&self) {
        if let Err(error) = self.close_synced().await {
            tracing::warn!(%error, "the archive was not closed cleanly");
        }
    }

    /// Prepares every statement that this program knows, and gives how many: whether the schema
    /// is the one that the program expects.
    pub async fn check_statements(&self) -> Result<usize, StoreError> {
        let references = reference::ALL.iter().map(|reference| &reference.dangling);
        let mut prepared = 0;
        for statement in statement::every().chain(references) {
            self.shared.backend.prepare(statement).await?;
            prepared += 1;
        }
        Ok(prepared)
    }

    /// The time to record what is written now: within a run it follows the order of the commits, also
    /// where the machine's clock is set back meanwhile.
    fn recording_time(&self) -> Timestamp {
        let now = self.shared.clock.now().as_millis();
        let before = self.shared.recorded_ms.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_millis(before.max(now))
    }

    /// Reads through the pool.
    async fn select(
        &self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let selected = self.shared.backend.select(statement, args).await;
        selected.map_err(|error| error.in_archive(&self.shared.archive))
    }
}
