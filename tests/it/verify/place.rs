//! An archive that has lived: edits, deletions, a gone conversation, an interrupted `--full`; and
//! copies of it to damage.

use std::time::Duration;

use convault::{
    clock::Clock,
    model::Timestamp,
    simulator::{Answer, Faults, Mutation, Schedule, SimulatorOptions},
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::{
    postgres,
    program::{Ended, Engine, Stage, end, small},
};

/// Long past, so that the program's own clock is later whenever the tests run.
const CORPUS_END: Timestamp = Timestamp::from_millis(1_735_689_600_000);
const START: Timestamp = Timestamp::from_millis(1_738_368_000_000);

/// The archive, its gateway, and the gateway's clock.
pub(super) struct Lived {
    pub(super) stage: Stage,
    pub(super) clock: Clock,
}

/// A copy of an archive, to be damaged.
pub(super) struct Copy<'a> {
    stage: &'a Stage,
    url: String,
}

impl Lived {
    /// A gateway of some conversations, and nothing archived.
    pub(super) async fn begin(engine: Engine) -> Self {
        let clock = Clock::manual(START);
        let mut options = SimulatorOptions {
            clock: clock.clone(),
            ..small(6, 60)
        };
        options.corpus.end = CORPUS_END;
        Self {
            stage: Stage::new(engine, options).await,
            clock,
        }
    }

    /// After all that has happened to it.
    pub(super) async fn ended(engine: Engine) -> Self {
        let lived = Self::begin(engine).await;
        for step in 0..STEPS {
            lived.step(step).await;
        }
        lived
    }

    pub(super) fn id(&self, place: usize) -> String {
        self.stage.simulator.conversation_ids()[place].clone()
    }

    pub(super) async fn sync(&self, arguments: &[&str], code: i32) {
        let fixed = ["--page-size", "20", "--concurrency", "1"];
        let (ended, _) = self.stage.sync(&[&fixed, arguments].concat()).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
    }

    /// A run over one conversation.
    pub(super) async fn sync_one(&self, place: usize, arguments: &[&str], code: i32) {
        let id = self.id(place);
        let fixed = ["sync", &id, "--page-size", "20"];
        let ended = self.stage.run(&[&fixed, arguments].concat()).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
    }

    pub(super) fn mutate(&self, place: usize, mutation: &Mutation) {
        self.stage
            .simulator
            .mutate(&self.id(place), mutation)
            .unwrap();
    }

    /// One thing after the other.
    pub(super) async fn step(&self, number: usize) {
        self.clock.advance(Duration::from_hours(1));
        if number > 0 {
            self.let_runs_grow_old().await;
        }
        match number {
            // First everything; at 2 the deletions are confirmed.
            0 | 2 => self.sync(&[], 0).await,
            1 => {
                let positions = vec![1, 5];
                self.mutate(0, &Mutation::Edit { positions });
                let positions = vec![3, 30, 59];
                self.mutate(1, &Mutation::Delete { positions });
                self.mutate(3, &Mutation::Arrive { n: 3 });
                self.sync(&[], 0).await;
            }
            3 => {
                let answer = Some(Answer::NotFound);
                self.stage.simulator.set_answer(&self.id(2), answer);
                let positions = vec![7];
                self.mutate(4, &Mutation::Delete { positions });
                self.sync(&[], 3).await;
            }
            4 => {
                let arguments = ["--full", "--max-requests", "2"];
                self.sync_one(5, &arguments, 5).await;
            }
            // A first page does not link; the run is cut short.
            5 => {
                self.mutate(3, &Mutation::Arrive { n: 50 });
                self.sync_one(3, &["--max-requests", "1"], 5).await;
            }
            6 => {
                self.stage.simulator.set_faults(Faults {
                    disorder: Schedule::always(),
                    ..Faults::default()
                });
                self.sync_one(4, &[], 3).await;
                self.stage.simulator.set_faults(Faults::default());
            }
            _ => unreachable!("there are {STEPS} steps"),
        }
    }

    /// Sets the gateway's clock back: by going on once around all the times that there are.
    pub(super) fn set_back(&self, by: Duration) {
        let once = u64::try_from(i64::MAX).unwrap();
        let by = u64::try_from(by.as_millis()).unwrap();
        self.clock.advance(Duration::from_millis(once));
        self.clock.advance(Duration::from_millis(once - by + 2));
    }

    /// A run over everything, an hour later by both clocks.
    pub(super) async fn sync_later(&self) {
        self.clock.advance(Duration::from_hours(1));
        self.let_runs_grow_old().await;
        self.sync(&["--full"], 0).await;
    }

    /// The gateway's clock jumps and this machine's does not, by which the runs are noted: second
    /// absences wait for both.
    pub(super) async fn let_runs_grow_old(&self) {
        // Less than a day, which `verify` allows a clock to be set by.
        let ago = Clock::system().now().minus(Duration::from_hours(12));
        let sql = format!(
            "update runs set started_at = '{ago}', finished_at = '{ago}' where finished_at is not null"
        );
        self.stage.execute(&sql).await;
    }

    /// Checks the archive itself.
    pub(super) async fn verify(&self, arguments: &[&str]) -> Ended {
        self.stage.run(&[&["verify"], arguments].concat()).await
    }

    /// A copy; nothing is open on the original.
    pub(super) async fn copy(&self) -> Copy<'_> {
        let stage = &self.stage;
        let url = match stage.engine() {
            Engine::Sqlite => {
                let path = stage.path(&format!("{}.db", postgres::fresh_name()));
                std::fs::copy(stage.archive_path(), &path).unwrap();
                format!("sqlite:{}", path.display())
            }
            Engine::Postgres => {
                let (server, original) = stage.database_url.rsplit_once('/').unwrap();
                let name = postgres::fresh_name();
                let create = format!("create database {name} template {original}");
                on_server(&create).await;
                format!("{server}/{name}")
            }
        };
        Copy { stage, url }
    }
}

pub(super) const STEPS: usize = 7;

/// Every table that a damage is done to.
const TABLES: [&str; 23] = [
    "archive",
    "runs",
    "conversations",
    "conversation_proofs",
    "coverage_pieces",
    "messages",
    "message_versions",
    "quick_replies",
    "quick_reply_options",
    "attachments",
    "locations",
    "shared_contacts",
    "template_variables",
    "senders",
    "absences",
    "anomalies",
    "failures",
    "run_conversations",
    "search_long_messages",
    "message_changes",
    "time_zone_offsets",
    "data_dictionary",
    "_sqlx_migrations",
];

async fn on_server(sql: &str) {
    let mut connection = PgConnection::connect(&postgres::url()).await.unwrap();
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

impl Copy<'_> {
    /// Changes it behind the program's back, against every foreign key. Valid on both engines, but
    /// for bytes: `blob'00ff'`.
    pub(super) async fn execute(&self, sql: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let mut connection = SqliteConnection::connect(path).await.unwrap();
            let sql = format!("pragma foreign_keys = off; {}", sql.replace("blob'", "x'"));
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let sql = sql.replace("blob'", "'\\x");
            let sql = format!("set session_replication_role = replica; {sql}");
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
            done.await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Every row of a table as text, sorted.
    pub(super) async fn rows_of(&self, table: &str) -> Vec<String> {
        let mut rows = if self.url.starts_with("sqlite:") {
            let columns = format!("select name from pragma_table_info('{table}')");
            let columns = self.texts(&columns).await;
            let shown = columns.iter().map(|name| format!("quote({name})"));
            let shown = shown.collect::<Vec<_>>().join(" || ' ' || ");
            self.texts(&format!("select {shown} from {table}")).await
        } else {
            self.texts(&format!("select cast(t as text) from {table} t"))
                .await
        };
        rows.sort();
        rows
    }

    /// The first column of a query, text.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let mut connection = SqliteConnection::connect(path).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut connection).await
        }
        .unwrap()
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.stage.command(arguments);
        end(command.env("DATABASE_URL", &self.url)).await
    }

    /// The findings as JSON, and the exit code.
    pub(super) async fn verify(&self) -> (Value, i32) {
        let ended = self.run(&["verify", "--json"]).await;
        let json = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", ended.stdout, ended.stderr));
        (json, ended.code)
    }

    /// Keeps what is there, for [`Copy::restore`].
    pub(super) async fn keep(&self) {
        if self.url.starts_with("postgres:") {
            let tables = TABLES.iter();
            let keep = tables.map(|name| format!("create table kept.{name} as table {name};"));
            let keep: String = keep.collect();
            self.execute(&format!("create schema kept; {keep}")).await;
        }
    }

    /// The rows as they were kept.
    pub(super) async fn restore(&self) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            for end in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{path}{end}"));
            }
            std::fs::copy(self.stage.archive_path(), path).unwrap();
        } else {
            let tables = TABLES.iter();
            let restore = tables
                .map(|name| format!("delete from {name}; insert into {name} table kept.{name};"));
            let restore: String = restore.collect();
            self.execute(&format!("begin; {restore} commit")).await;
        }
    }

    pub(super) async fn drop(self) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            std::fs::remove_file(path).unwrap();
        } else {
            let name = self.url.rsplit_once('/').unwrap().1;
            on_server(&format!("drop database {name}")).await;
        }
    }
}
