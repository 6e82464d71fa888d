//! A fresh place for an archive on either engine, with a look behind the store's back.

use std::time::Duration;

use convault::{
    clock::Clock,
    model::{ConversationId, ConversationKey, MessageId, RunId, Timestamp},
    store::{Batch, BatchStats, PageWrite, RunLock, RunStart, Slice, Store, StoreOptions},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres;

pub(super) struct Place {
    pub(super) options: StoreOptions,
    /// The folder of the file; kept until the test ends.
    pub(super) folder: Option<TempDir>,
}

/// An open archive with one run.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) lock: RunLock,
    pub(super) run: RunId,
}

impl Place {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        Self::new(&url, None, Some(folder))
    }

    pub(super) fn postgres() -> Self {
        Self::new(&postgres::url(), Some(postgres::fresh_name()), None)
    }

    fn new(url: &str, schema: Option<String>, folder: Option<TempDir>) -> Self {
        let options = StoreOptions {
            url: url.parse().unwrap(),
            schema,
            lock_wait: Duration::from_secs(5),
            holder: "sync, pid 12 on anvil".to_owned(),
            clock: Clock::manual(time(1_000_000)),
        };
        Self { options, folder }
    }

    pub(super) async fn open(&self) -> Opened {
        let (store, lock) = Store::open(&self.options).await.unwrap();
        let start = RunStart {
            command: "sync".into(),
            program_version: "0.1.0".into(),
            holder: self.options.holder.clone(),
            started_at: time(1_000_000),
        };
        let run = store.begin_run(&start).await.unwrap();
        Opened { store, lock, run }
    }

    /// The first column of a query as text.
    pub(super) async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(folder) = &self.folder {
            let path = folder.path().join("a.db");
            let mut connection = SqliteConnection::connect(path.to_str().unwrap())
                .await
                .unwrap();
            sqlx::query_scalar(sql)
                .fetch_all(&mut connection)
                .await
                .unwrap()
        } else {
            let mut connection = self.session().await;
            sqlx::query_scalar(sql)
                .fetch_all(&mut connection)
                .await
                .unwrap()
        }
    }

    /// The one number that a query gives.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let found = self.texts(&format!("select cast(({sql}) as text)")).await;
        found[0].as_deref().unwrap().parse().unwrap()
    }

    pub(super) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(folder) = &self.folder {
            let path = folder.path().join("a.db");
            let mut connection = SqliteConnection::connect(path.to_str().unwrap())
                .await
                .unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = self.session().await;
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
    }

    async fn session(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&postgres::url()).await.unwrap();
        let schema = self.options.schema.as_deref().unwrap();
        sqlx::query(AssertSqlSafe(format!("set search_path to \"{schema}\"")))
            .execute(&mut connection)
            .await
            .unwrap();
        connection
    }
}

impl Opened {
    pub(super) async fn register(&self, id: &str) -> ConversationKey {
        let ids = [ConversationId::new(id)];
        self.store
            .register_conversations(self.run, &ids)
            .await
            .unwrap()[0]
    }

    pub(super) async fn write(&self, pages: Vec<PageWrite>) -> BatchStats {
        let batch = Batch {
            run: Some(self.run),
            pages,
            ..Batch::default()
        };
        self.store.write(&batch).await.unwrap()
    }

    pub(super) async fn live_count(&self, key: ConversationKey) -> u64 {
        self.store.read_records(&[key]).await.unwrap()[0].live_count
    }
}

pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) async fn versions(place: &Place) -> Vec<String> {
    let sql = "select version || ' ' || event || ' ' || run_id || ' ' || raw
               from message_versions order by message_key, version";
    place
        .texts(sql)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect()
}

pub(super) async fn read(
    opened: &Opened,
    key: ConversationKey,
    ids: &[&str],
) -> Vec<(String, [u8; 16])> {
    let with_interval = ids.is_empty();
    let ids: Vec<MessageId> = ids.iter().map(|id| MessageId::new(*id)).collect();
    let slice = Slice {
        ids: &ids,
        after: None,
        before: None,
        with_interval,
    };
    let found = opened.store.read_slice(key, &slice).await.unwrap();
    found
        .into_iter()
        .map(|current| (current.id.to_string(), current.digest))
        .collect()
}
