//! No secret and no words of a message are in anything that the program writes, whatever the
//! gateway echoes and however much is logged.
//!
//! Searched are standard output, standard error, reports, and the archive: its files to the
//! byte, or every row of every table of the database.

use std::fs;

use convault::simulator::{Fault, Faults, Schedule, SimulatorOptions};
use tokio::process::Command;

use crate::{
    fault_server::{FaultServer, Reply},
    program::{Ended, Engine, Stage, claims_on_both_engines, end, small},
};

claims_on_both_engines! {
    no_secret_and_no_words_of_a_message_are_in_what_commands_write
    no_token_is_in_anything_where_the_gateway_echoes_it
}

const TOKEN: &str = "api_canary00-8f0d-4d29-a1a7-1c5e0f9b7d23";
const PASSWORD: &str = "canary-pass-77b1e0";
const LOGS: [[&str; 4]; 2] = [
    ["-v", "-v", "--log-format", "text"],
    ["-v", "-v", "--log-format", "json"],
];

/// Everything that was written, by where it stands.
struct Written(Vec<(String, Vec<u8>)>);

impl Written {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn add_ended(&mut self, what: &str, ended: Ended) {
        self.add(format!("standard output of {what}"), ended.stdout);
        self.add(format!("standard error of {what}"), ended.stderr);
    }

    fn add_files(&mut self, stage: &Stage) {
        for entry in fs::read_dir(stage.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            self.add(path.display().to_string(), fs::read(&path).unwrap());
        }
    }

    /// The files of the stage's folder and, in Postgres, all rows.
    async fn add_stage(&mut self, stage: &Stage) {
        self.add_files(stage);
        if stage.engine() == Engine::Postgres {
            let sql = "select cast(table_name as text) from information_schema.tables
                       where table_schema = 'public' and table_type = 'BASE TABLE'";
            let tables = stage.texts(sql).await;
            assert!(tables.len() > 15, "{tables:?}");
            for table in tables {
                let sql = format!("select cast(t as text) from \"{table}\" t");
                let rows = stage.texts(&sql).await.join("\n");
                self.add(format!("table {table}"), rows);
            }
        }
    }

    fn assert_free_of(&self, secret: &str) {
        for (place, bytes) in &self.0 {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret:?} is in {place}");
        }
    }

    fn holds(&self, text: &str) -> bool {
        let found = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        self.0.iter().any(|(_, bytes)| found(bytes))
    }
}

/// The database's URL with a password, which the test server does not ask for.
fn with_password(url: &str) -> String {
    url.replacen("postgres@", &format!("postgres:{PASSWORD}@"), 1)
}

fn secret_command(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.command(arguments);
    command
        .env("IMBRACE_ACCESS_TOKEN", TOKEN)
        .env("DATABASE_URL", with_password(&stage.database_url));
    command
}

fn write_ids(stage: &Stage) {
    let mut ids = stage.simulator.conversation_ids();
    ids.push("conv_gone".to_owned());
    fs::write(stage.path("ids.txt"), ids.join("\n")).unwrap();
}

/// Runs every command that speaks, in both log formats.
async fn run_all(stage: &Stage, written: &mut Written) {
    write_ids(stage);
    let id = stage.simulator.conversation_ids().remove(0);
    let sync = ["sync", "--ids-from", "ids.txt", "--max-retries", "2"];
    let sync = [&sync[..], &["--report", "report.json"]].concat();
    let retry = ["failures", "retry", "--max-retries", "1"];
    let retry = [&retry[..], &["--report", "retry.json"]].concat();
    let plan = ["plan", "--ids-from", "ids.txt", "--probe"];
    let plan = [&plan[..], &["--max-retries", "2"]].concat();
    let commands: [&[&str]; 11] = [
        &sync,
        &plan,
        &["status"],
        &["status", "--json"],
        &["explain", &id],
        &["explain", "conv_gone"],
        &["failures", "list", "--all"],
        &["failures", "list", "--json"],
        &retry,
        &["failures", "waive", "conv_gone", "--reason", "moved"],
        &["doctor", "--conversation", &id],
    ];
    for logs in LOGS {
        for arguments in commands {
            let arguments = [arguments, &logs].concat();
            let what = arguments.join(" ");
            let ended = end(&mut secret_command(stage, &arguments)).await;
            written.add_ended(&what, ended);
        }
    }
    written.add_stage(stage).await;
}

fn trouble() -> SimulatorOptions {
    let faults = Faults::default()
        .with(Fault::BadGateway, Schedule::at(1))
        .with(Fault::Unauthorized, Schedule::at(2))
        .with(Fault::Html, Schedule::at(4))
        .with(Fault::Redirect, Schedule::at(8));
    SimulatorOptions {
        token: TOKEN.to_owned(),
        faults,
        ..small(2, 30)
    }
}

async fn no_secret_and_no_words_of_a_message_are_in_what_commands_write(engine: Engine) {
    let stage = Stage::new(engine, trouble()).await;
    let mut written = Written::new();
    run_all(&stage, &mut written).await;
    for said in ["401", "502", "conv_gone", "request"] {
        assert!(written.holds(said), "{said:?} was never written");
    }
    written.assert_free_of(TOKEN);
    written.assert_free_of(PASSWORD);
    assert_free_of_words(&stage, written).await;
}

/// Fails if words of a message are anywhere but in the archive.
async fn assert_free_of_words(stage: &Stage, mut written: Written) {
    let sql = "select distinct text from v_messages where length(text) > 11
               union select distinct title from v_messages where length(title) > 11";
    let words = stage.texts(sql).await;
    assert!(words.len() > 20, "{words:?}");
    let archive = stage.path("archive.db").display().to_string();
    written
        .0
        .retain(|(place, _)| !place.starts_with(&archive) && !place.starts_with("table "));
    assert!(written.0.len() >= 40, "streams and reports are left");
    for text in words {
        let line = text.lines().next().unwrap_or_default();
        if line.chars().count() > 11 {
            written.assert_free_of(line);
        }
    }
}

/// Answers with what it was sent, in every form that an error may take.
async fn echo() -> FaultServer {
    FaultServer::start(|n, head| {
        let head = head.to_lowercase();
        let sent = head
            .lines()
            .find_map(|line| line.strip_prefix("x-access-token: "))
            .unwrap_or("nothing")
            .trim()
            .to_owned();
        let json = format!("{{\"message\":\"bad token {sent}\",\"token\":\"{sent}\"}}");
        let padding = "x".repeat(180);
        let (status, headers, body) = match n % 8 {
            0 => (
                "500 Internal Server Error",
                String::new(),
                format!("{padding}{sent} failed"),
            ),
            1 => (
                "502 Bad Gateway",
                String::new(),
                format!("<html><b>{sent}</b></html>"),
            ),
            2 => ("200 OK", String::new(), json),
            3 => ("200 OK", String::new(), format!("<html>{sent}</html>")),
            4 => ("404 Not Found", String::new(), json),
            5 => ("403 Forbidden", String::new(), json),
            6 => (
                "302 Found",
                format!("Location: http://{sent}.example/{sent}\r\n"),
                sent,
            ),
            _ => ("401 Unauthorized", format!("X-Echo: {sent}\r\n"), json),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
        Reply::Bytes(format!("{head}{body}").into_bytes())
    })
    .await
}

async fn no_token_is_in_anything_where_the_gateway_echoes_it(engine: Engine) {
    let stage = Stage::new(engine, small(16, 1)).await;
    let server = echo().await;
    let mut written = Written::new();
    write_ids(&stage);
    for logs in LOGS {
        for command in ["sync", "doctor"] {
            let mut arguments = vec![command, "--gateway-url"];
            let url = server.url();
            arguments.push(&url);
            if command == "sync" {
                arguments.extend(["--ids-from", "ids.txt", "--report", "report.json"]);
                arguments.extend(["--max-retries", "1", "--concurrency", "1"]);
            }
            arguments.extend(logs);
            let ended = end(&mut secret_command(&stage, &arguments)).await;
            written.add_ended(&arguments.join(" "), ended);
        }
        written.add_stage(&stage).await;
    }
    assert!(
        server.requests().iter().any(|head| head.contains(TOKEN)),
        "the token was sent, so it was echoed"
    );
    assert!(
        written.holds("bad token"),
        "the gateway's words were written"
    );
    written.assert_free_of(TOKEN);
    written.assert_free_of(PASSWORD);
}

#[tokio::test]
async fn a_password_is_never_shown_where_postgres_refuses_it() {
    let stage = Stage::new(Engine::Postgres, small(1, 1)).await;
    write_ids(&stage);
    let url = with_password(&stage.database_url);
    let refused = [
        // A role that is not there is refused as a wrong password is.
        url.replacen("//postgres:", "//nobody_of_this_name:", 1),
        format!("{url}_that_is_not_there"),
        format!("{url}?sslmode=require"),
        format!("{url}?sslmode=no-such-mode"),
        format!("postgres://u:{PASSWORD}@127.0.0.1:1/d"),
        format!("mysql://u:{PASSWORD}@127.0.0.1:1/d"),
    ];
    for url in refused {
        let mut written = Written::new();
        for logs in LOGS {
            for command in [
                &["sync", "conv_1", "--report", "report.json"][..],
                &["plan", "conv_1"],
                &["status"],
                &["doctor"],
            ] {
                let arguments = [command, &logs].concat();
                let mut command = secret_command(&stage, &arguments);
                let ended = end(command.env("DATABASE_URL", &url)).await;
                assert_ne!(ended.code, 0, "{arguments:?} {}", ended.stderr);
                written.add_ended(&arguments.join(" "), ended);
            }
        }
        written.add_files(&stage);
        written.assert_free_of(PASSWORD);
        written.assert_free_of(TOKEN);
    }
}
