//! Test support: the real program in a folder of its own, against a simulated gateway, with an
//! archive of its own on either engine.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use convault::simulator::{CorpusOptions, Faults, Simulator, SimulatorOptions};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::postgres;

/// Which database the archive is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Expands each claim into a test on each engine.
macro_rules! claims_on_both_engines {
    ($($claim:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::program::Engine::Sqlite).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $claim() {
                super::$claim(crate::program::Engine::Postgres).await;
            })*
        }
    };
}
pub(crate) use claims_on_both_engines;

/// A program, its gateway and its archive. The simulator and all children end with it.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) simulator: Simulator,
    pub(crate) database_url: String,
    engine: Engine,
}

/// What a program that has ended left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A gateway at full speed with this many conversations of this many messages each.
pub(crate) fn small(conversations: u32, messages_each: u32) -> SimulatorOptions {
    SimulatorOptions {
        corpus: CorpusOptions {
            seed: 7,
            conversations,
            messages_each: Some(messages_each),
            ..CorpusOptions::default()
        },
        faults: Faults::default(),
        ..SimulatorOptions::default()
    }
}

/// Faults of which latency is the only one.
pub(crate) fn latency(millis: u64) -> Faults {
    Faults {
        latency: Duration::from_millis(millis),
        ..Faults::default()
    }
}

impl Stage {
    pub(crate) async fn new(engine: Engine, options: SimulatorOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = match engine {
            Engine::Sqlite => format!("sqlite:{}", folder.path().join("archive.db").display()),
            Engine::Postgres => postgres::create_database().await,
        };
        Self {
            simulator: Simulator::start(options).await.unwrap(),
            folder,
            database_url,
            engine,
        }
    }

    /// Ends with its archive, of which there may be thousands.
    pub(crate) async fn end(self) {
        if self.engine == Engine::Postgres {
            postgres::drop_database(&self.database_url).await;
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with its settings in the environment and nothing else from outside.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convault"));
        command
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", &self.database_url)
            .env("IMBRACE_GATEWAY_URL", self.simulator.base_url())
            .env("IMBRACE_ACCESS_TOKEN", self.simulator.token())
            .env("CONVAULT_RATE", "100000/s")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `sync` of all conversations of the gateway, with a report.
    pub(crate) fn sync_command(&self, arguments: &[&str]) -> Command {
        let ids = self.simulator.conversation_ids().join("\n");
        let path = self.path("ids.txt");
        // Another run may be reading it.
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&ids) {
            std::fs::write(&path, ids).unwrap();
        }
        let fixed = ["sync", "--ids-from", "ids.txt", "--report", "report.json"];
        let _ = std::fs::remove_file(self.path("report.json"));
        self.command(&[&fixed, arguments].concat())
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        end(&mut self.command(arguments)).await
    }

    /// Syncs all conversations of the gateway; gives the checked report too.
    pub(crate) async fn sync(&self, arguments: &[&str]) -> (Ended, Value) {
        self.checked(&mut self.sync_command(arguments)).await
    }

    /// Runs a command that writes `report.json`, and checks what holds of every report.
    pub(crate) async fn checked(&self, command: &mut Command) -> (Ended, Value) {
        let ended = end(command).await;
        let report = self.report(ended.code);
        (ended, report)
    }

    /// The report of a run that ended with this code: its counts add up, and the row of the run
    /// in the archive says the same.
    pub(crate) fn report(&self, code: i32) -> Value {
        let report = read_json(&self.path("report.json"));
        assert_eq!(report["schema_version"], 1);
        assert_eq!(report["exit_code"], code, "{report}");
        let counts = &report["conversations"];
        let sum: u64 = [
            "complete",
            "partial",
            "gone",
            "forbidden",
            "failed",
            "waived",
            "not_reached",
        ]
        .iter()
        .map(|name| counts[name].as_u64().unwrap())
        .sum();
        assert_eq!(counts["listed"], sum, "the counts do not add up: {report}");
        report
    }

    /// Waits until the gateway has answered so many requests since it was started.
    pub(crate) async fn requests_reach(&self, requests: u64) {
        while self.simulator.stats().requests < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The rows of a query, each column as text.
    pub(crate) async fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
            + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
            + Send
            + Unpin,
    {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.engine {
            Engine::Sqlite => {
                let mut connection = self.sqlite().await;
                let rows = sqlx::query_as(sql).fetch_all(&mut connection).await;
                // One that is dropped closes later, and takes the log of the next run with it where
                // that of this one was removed.
                connection.close().await.unwrap();
                rows
            }
            Engine::Postgres => {
                let mut connection = self.postgres().await;
                sqlx::query_as(sql).fetch_all(&mut connection).await
            }
        }
        .unwrap()
    }

    /// The first column of a query.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows: Vec<(Option<String>,)> = self.rows(sql).await;
        rows.into_iter()
            .map(|(text,)| text.unwrap_or_default())
            .collect()
    }

    /// Changes the archive behind the program's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.engine {
            Engine::Sqlite => {
                let mut connection = self.sqlite().await;
                sqlx::query(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Engine::Postgres => {
                let mut connection = self.postgres().await;
                sqlx::query(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// What the row of the last run says of its outcome.
    pub(crate) async fn last_outcome(&self) -> String {
        let sql = "select outcome from v_runs order by id desc limit 1";
        self.texts(sql).await.remove(0)
    }

    /// The file of an archive in SQLite.
    pub(crate) fn archive_path(&self) -> &Path {
        Path::new(self.database_url.strip_prefix("sqlite:").unwrap())
    }

    pub(crate) async fn sqlite(&self) -> SqliteConnection {
        let path = self.archive_path().to_str().unwrap();
        SqliteConnection::connect(path).await.unwrap()
    }

    pub(crate) async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.database_url).await.unwrap()
    }

    pub(crate) const fn engine(&self) -> Engine {
        self.engine
    }

    /// Fails unless the archive is the gateway's truth: every message once, in one version, to
    /// the byte, and every conversation complete.
    pub(crate) async fn assert_whole(&self) {
        let mut truth = Vec::new();
        for id in self.simulator.conversation_ids() {
            let listed = self.simulator.contents(&id).unwrap();
            truth.extend(listed.into_iter().map(|m| (id.clone(), m.id, m.raw)));
        }
        truth.sort();
        let history = "select conversation_id, message_id, raw from v_message_history";
        let mut archived: Vec<(String, String, String)> = self.rows(history).await;
        archived.sort();
        assert_eq!(archived.len(), truth.len(), "versions in the archive");
        for (ours, theirs) in archived.iter().zip(&truth) {
            assert_eq!(ours, theirs);
        }
        let messages = "select conversation_id, id, cast(version as text) from v_messages";
        let mut messages: Vec<(String, String, String)> = self.rows(messages).await;
        messages.sort();
        assert_eq!(messages.len(), truth.len(), "messages in the archive");
        for (ours, theirs) in messages.iter().zip(&truth) {
            assert_eq!((&ours.0, &ours.1, "1"), (&theirs.0, &theirs.1, &*ours.2));
        }
        let states = self.texts("select state from v_conversations").await;
        assert_eq!(states.len(), self.simulator.conversation_ids().len());
        assert!(states.iter().all(|state| state == "complete"), "{states:?}");
        let open = "select count(*) from v_conversations where proven_at is null";
        assert_eq!(self.number(open).await, 0);
    }

    /// The one number that a query gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let text = self
            .texts(&format!("select cast(({sql}) as text)"))
            .await
            .remove(0);
        text.parse().unwrap()
    }
}

/// Runs a command to its end. The streams are text, and the end is not a signal's.
pub(crate) async fn end(command: &mut Command) -> Ended {
    ended(command.spawn().unwrap()).await
}

/// Waits for the end of a child.
pub(crate) async fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ended {
        code: code(output.status, &stderr),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr,
    }
}

fn code(status: ExitStatus, stderr: &str) -> i32 {
    status
        .code()
        .unwrap_or_else(|| panic!("it was killed: {status}: {stderr}"))
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = child.id().expect("it has not been waited for");
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Reads standard error until a line holds this text.
pub(crate) async fn says(child: &mut Child, text: &str) {
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(text) {
            return;
        }
    }
    panic!("it never said {text:?}");
}

pub(crate) fn read_json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap()
}
