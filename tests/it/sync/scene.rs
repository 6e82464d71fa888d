//! A simulated gateway, an archive on either engine, and runs between the two.

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc, time::Duration};

use convault::{
    api::{Gateway, GatewayOptions, Rate, RetryPolicy},
    clock::Clock,
    model::{ConversationCounts, ConversationId, RunOutcome, StopReason, Timestamp},
    monitor::{Counter, Monitor},
    simulator::{CorpusOptions, Faults, Simulator, SimulatorOptions},
    store::{Store, StoreOptions},
    sync::{self, Input, Shutdown, Summary, SyncOptions},
    verify::{self, VerifyOptions},
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::{migrated::Archive, postgres};

/// When every scene begins: some weeks after the last message of the corpus.
pub(super) const START: Timestamp = Timestamp::from_millis(1_790_000_000_123);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// A gateway and an archive of its own.
pub(super) struct Scene {
    pub(super) simulator: Arc<Simulator>,
    pub(super) clock: Clock,
    store: StoreOptions,
    folder: Option<TempDir>,
}

/// How a run is to be done; the default is quick and patient.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) options: SyncOptions,
    pub(super) input: Option<Input>,
    pub(super) timeout: Duration,
    pub(super) retries_max: u32,
    pub(super) requests_max: Option<u64>,
    pub(super) page_bytes_max: usize,
    pub(super) retry: RetryPolicy,
    /// Who may stop it; nobody where `None`.
    pub(super) shutdown: Option<Shutdown>,
}

/// A finished run.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) summary: Summary,
    /// Transactions that wrote.
    pub(super) transactions: u64,
}

/// A corpus of so many conversations and messages, at no latency, on a manual clock.
pub(super) fn corpus(seed: u64, conversations: u32, messages: u64) -> SimulatorOptions {
    SimulatorOptions {
        corpus: CorpusOptions {
            seed,
            conversations,
            messages,
            ..CorpusOptions::default()
        },
        faults: Faults::default(),
        clock: Clock::manual(START),
        record: true,
        ..SimulatorOptions::default()
    }
}

/// The same, each conversation of the same length.
pub(super) fn corpus_of_each(seed: u64, conversations: u32, each: u32) -> SimulatorOptions {
    let mut options = corpus(seed, conversations, 0);
    options.corpus.messages_each = Some(each);
    options
}

impl Default for Run {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            options: SyncOptions {
                holder: "sync, pid 12 on anvil".to_owned(),
                visibility_lag: Duration::from_mins(10),
                // What a sweep costs would blur what the rest does; it has tests of its own.
                audit_share: 0.0,
                ..SyncOptions::default()
            },
            input: None,
            timeout: Duration::from_secs(20),
            retries_max: 5,
            requests_max: None,
            page_bytes_max: 32 << 20,
            retry: RetryPolicy {
                backoff_base: ms(1),
                backoff_max: ms(2),
                throttle_waits: vec![ms(1), ms(2)],
                throttle_wait_max: ms(500),
                unauthorized_waits_first: vec![ms(1)],
                unauthorized_waits: vec![ms(1), ms(1)],
                recovery: ms(100),
                give_up_after: None,
            },
            shutdown: None,
        }
    }
}

impl Run {
    pub(super) fn of_page_size(page_size: u32) -> Self {
        let mut run = Self::default();
        run.options.page_size = page_size;
        run
    }

    pub(super) fn of_ids<T: AsRef<str>>(ids: &[T]) -> Self {
        let ids = ids.iter().map(|id| ConversationId::new(id.as_ref()));
        Self {
            input: Some(Input::of_ids(ids)),
            ..Self::default()
        }
    }

    pub(super) fn full(mut self) -> Self {
        self.options.full = true;
        self
    }

    pub(super) fn within_requests(mut self, requests: u64) -> Self {
        self.requests_max = Some(requests);
        self
    }
}

impl Scene {
    pub(super) async fn start(engine: Engine, options: SimulatorOptions) -> Self {
        let clock = options.clock.clone();
        let (url, schema, folder) = match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("a.db").display());
                (url, None, Some(folder))
            }
            Engine::Postgres => (postgres::url(), Some(postgres::fresh_name()), None),
        };
        Self {
            simulator: Arc::new(Simulator::start(options).await.unwrap()),
            store: StoreOptions {
                url: url.parse().unwrap(),
                schema,
                lock_wait: Duration::from_secs(5),
                holder: "sync, pid 12 on anvil".to_owned(),
                clock: clock.clone(),
            },
            clock,
            folder,
        }
    }

    pub(super) async fn sqlite(options: SimulatorOptions) -> Self {
        Self::start(Engine::Sqlite, options).await
    }

    /// One run as a process of its own would do it. However it ended, `verify` finds nothing.
    pub(super) async fn sync(&self, run: &Run) -> Done {
        let (store, _lock) = Store::open(&self.store).await.unwrap();
        let done = self.sync_into(&store, run).await;
        self.assert_sound(&store).await;
        store.close().await;
        done
    }

    /// One run into an open archive.
    pub(super) async fn sync_into(&self, store: &Store, run: &Run) -> Done {
        let monitor = Monitor::new();
        let token = SecretString::from(self.simulator.token());
        let base = self.simulator.base_url().parse().unwrap();
        let gateway = Gateway::new(GatewayOptions {
            rate: Rate {
                requests: NonZeroU32::new(100_000).unwrap(),
                per: Duration::from_secs(1),
            },
            timeout: run.timeout,
            retries_max: run.retries_max,
            requests_max: run.requests_max,
            page_bytes_max: run.page_bytes_max,
            visibility_lag: run.options.visibility_lag,
            retry: run.retry.clone(),
            clock: self.clock.clone(),
            monitor: monitor.clone(),
            ..GatewayOptions::new(base, token)
        })
        .unwrap();
        let every = || self.simulator.conversation_ids();
        let input = run
            .input
            .clone()
            .unwrap_or_else(|| Input::of_ids(every().into_iter().map(ConversationId::new)));
        let summary = sync::run(
            &gateway,
            store,
            input,
            &run.options,
            &run.shutdown.clone().unwrap_or_default(),
            &monitor,
            &self.clock,
        )
        .await;
        Done {
            summary,
            transactions: monitor.get(Counter::Transactions),
        }
    }

    /// The archive opened for writing, as a person's command does it.
    pub(super) async fn with_store<T>(&self, act: impl AsyncFnOnce(&Store) -> T) -> T {
        let (store, _lock) = Store::open(&self.store).await.unwrap();
        let result = act(&store).await;
        store.close().await;
        result
    }

    /// The rows of a query that is valid on both engines, each cell as text.
    pub(super) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let mut archive = match (&self.folder, &self.store.schema) {
            (Some(folder), _) => Archive::open_sqlite(&folder.path().join("a.db")).await,
            (None, schema) => Archive::open_postgres(schema.as_deref().unwrap()).await,
        };
        archive.query(sql).await.rows
    }

    /// The one cell of a query.
    pub(super) async fn cell(&self, sql: &str) -> String {
        let mut rows = self.rows(sql).await;
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}: {rows:?}");
        rows.remove(0).remove(0)
    }

    pub(super) async fn number(&self, sql: &str) -> u64 {
        self.cell(sql).await.parse().unwrap()
    }

    /// The state of each conversation in the archive.
    pub(super) async fn states(&self) -> BTreeMap<String, String> {
        let rows = self.rows("select id, state from v_conversations").await;
        rows.into_iter()
            .map(|mut row| (row.remove(0), row.remove(0)))
            .collect()
    }

    /// One column of one conversation.
    pub(super) async fn of(&self, id: &str, column: &str) -> String {
        let sql = format!("select {column} from v_conversations where id = '{id}'");
        self.cell(&sql).await
    }

    /// The classes of the open failures of a conversation, newest first.
    pub(super) async fn open_failures(&self, id: &str) -> Vec<String> {
        let sql = format!(
            "select class from v_failures where conversation_id = '{id}' and is_open
             order by key desc"
        );
        let rows = self.rows(&sql).await;
        rows.into_iter().map(|mut row| row.remove(0)).collect()
    }

    /// Ids and raw JSON of the live messages in the archive, sorted.
    pub(super) async fn archived(&self, id: &str) -> Vec<(String, String)> {
        let sql = format!(
            "select m.id, h.raw from v_messages m
             join v_message_history h on h.conversation_id = m.conversation_id
                 and h.message_id = m.id and h.version = m.version
             where m.conversation_id = '{id}'
                 and m.deleted_at is null and m.missing_since is null"
        );
        let rows = self.rows(&sql).await;
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|mut row| (row.remove(0), row.remove(0)))
            .collect();
        rows.sort();
        rows
    }

    /// Ids and raw JSON of what the gateway lists, sorted.
    pub(super) fn listed(&self, id: &str) -> Vec<(String, String)> {
        let listed = self.simulator.contents(id).unwrap();
        let mut rows: Vec<_> = listed.into_iter().map(|one| (one.id, one.raw)).collect();
        rows.sort();
        rows
    }

    /// Every live message in the archive is one of the gateway and the other way round.
    pub(super) async fn assert_same(&self, id: &str) {
        let (archived, listed) = (self.archived(id).await, self.listed(id));
        assert_eq!(archived.len(), listed.len(), "messages of {id}");
        assert!(archived == listed, "the messages of {id} differ");
    }

    /// The same for all conversations, at the price of one query.
    pub(super) async fn assert_all_same(&self) {
        let sql = "select m.conversation_id, m.id, h.raw from v_messages m
             join v_message_history h on h.conversation_id = m.conversation_id
                 and h.message_id = m.id and h.version = m.version
             where m.deleted_at is null and m.missing_since is null";
        let mut archived = self.rows(sql).await;
        let mut listed = Vec::new();
        for id in self.simulator.conversation_ids() {
            let messages = self.simulator.contents(&id).unwrap().into_iter();
            listed.extend(messages.map(|one| vec![id.clone(), one.id, one.raw]));
        }
        archived.sort();
        listed.sort();
        assert_eq!(archived.len(), listed.len());
        assert!(archived == listed, "archive and gateway differ");
    }

    /// Fails if the archive does not keep what it promises of itself.
    pub(super) async fn assert_sound(&self, store: &Store) {
        let options = VerifyOptions {
            findings_max: 5,
            ..VerifyOptions::default()
        };
        let report = verify::offline(store, &options, &Monitor::new())
            .await
            .unwrap();
        assert_eq!(report.findings.kept(), []);
        assert!(report.stopped.is_none(), "{:?}", report.stopped);
    }

    /// Everything that a run could have changed about messages, as text.
    pub(super) async fn dump_of_messages(&self) -> Vec<Vec<Vec<String>>> {
        let mut dump = Vec::new();
        for view in ["v_messages", "v_message_history", "v_anomalies"] {
            let mut rows = self.rows(&format!("select * from {view}")).await;
            rows.sort();
            dump.push(rows);
        }
        dump
    }

    /// The targets of the requests for messages since `from`, in the order answered.
    pub(super) fn asked(&self, from: usize) -> Vec<String> {
        let records = self.simulator.records();
        records[from..]
            .iter()
            .map(|record| record.target.clone())
            .collect()
    }
}

impl Done {
    pub(super) fn outcome(&self) -> RunOutcome {
        self.summary.report.outcome
    }

    pub(super) fn counts(&self) -> ConversationCounts {
        self.summary.report.conversations
    }

    pub(super) fn requests(&self) -> u64 {
        self.summary.report.requests.total
    }

    #[track_caller]
    pub(super) fn assert_complete(&self) {
        let failures = &self.summary.failures;
        let because = &self.summary.stopped_because;
        assert_eq!(
            self.outcome(),
            RunOutcome::Complete,
            "{because:?} {failures:?}"
        );
        assert_eq!(self.counts().complete, self.counts().listed);
    }

    #[track_caller]
    pub(super) fn assert_stopped(&self, reason: StopReason) {
        let because = &self.summary.stopped_because;
        assert_eq!(self.outcome(), RunOutcome::Stopped(reason), "{because:?}");
        assert!(because.is_some());
    }

    /// The classes of the failures that the report names, sorted, without repetition.
    pub(super) fn classes(&self) -> Vec<&str> {
        let failures = self.summary.failures.iter();
        let mut classes: Vec<_> = failures.map(|failure| failure.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }
}
