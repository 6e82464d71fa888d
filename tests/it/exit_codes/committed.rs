//! A run reports what its database has committed, never what was meant to be: code 8, and counts
//! that the archive holds.

use convault::simulator::SimulatorOptions;
use serde_json::Value;

use crate::program::{Ended, Engine, Stage, claims_on_both_engines, latency, small};

claims_on_both_engines! {
    what_the_database_refuses_is_not_reached
    what_was_committed_before_a_refusal_is_counted_and_nothing_else
    a_database_that_fails_beside_a_report_that_cannot_be_written_finishes_its_run
}

const CONVERSATIONS: u32 = 20;
const EACH: u32 = 5;

/// An archive that knows nothing yet, and whose database refuses one message of this conversation.
async fn refusing(engine: Engine, options: SimulatorOptions, conversation: usize) -> Stage {
    let stage = Stage::new(engine, options).await;
    let empty = stage.run(&["sync", "--allow-empty"]).await;
    assert_eq!(empty.code, 0, "{}", empty.stderr);
    let id = &stage.simulator.conversation_ids()[conversation];
    let message = stage.simulator.contents(id).unwrap().remove(0).id;
    refuse(&stage, &message, "raise exception 'refused'").await;
    stage
}

/// Has the database do this (in PL/pgSQL) or raise an error (SQLite) where it is to take a message.
async fn refuse(stage: &Stage, message: &str, act: &str) {
    let when = format!("when (new.id = '{message}')");
    match stage.engine() {
        Engine::Sqlite => {
            let trigger = format!(
                "create trigger refuse before insert on messages {when}
                 begin select raise(abort, 'refused'); end"
            );
            stage.execute(&trigger).await;
        }
        Engine::Postgres => {
            let function = format!(
                "create function refuse() returns trigger language plpgsql
                 as $$ begin {act}; return new; end $$"
            );
            stage.execute(&function).await;
            let trigger = format!(
                "create trigger refuse before insert on messages
                 for each row {when} execute function refuse()"
            );
            stage.execute(&trigger).await;
        }
    }
}

/// What the run says is what the archive holds, which held nothing before; and the row of the run
/// has an end that says the same.
async fn assert_says_what_is_there(stage: &Stage, ended: &Ended, report: &Value) {
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert_eq!(report["outcome"], "database", "{report}");
    let counts = &report["conversations"];
    let complete = "select count(*) from v_conversations where state = 'complete'";
    let complete = stage.number(complete).await;
    assert_eq!(counts["complete"], complete, "{report}");
    let listed = i64::from(CONVERSATIONS);
    assert_eq!(counts["not_reached"], listed - complete, "{report}");
    let messages = stage.number("select count(*) from v_messages").await;
    assert_eq!(report["messages"]["new"], messages, "{report}");
    let of_run = "select count(*) from v_run_conversations where run_id = 2";
    assert_eq!(stage.number(of_run).await, complete);
    let said = format!("{complete} of {listed} conversations complete");
    assert!(ended.stderr.contains(&said), "{said}: {}", ended.stderr);
    assert_row_says(stage, report).await;
}

async fn assert_row_says(stage: &Stage, report: &Value) {
    let row = "select outcome || ' ' || exit_code || ' ' || conversations_complete || ' '
               || conversations_not_reached || ' ' || messages_new
               from v_runs where id = 2 and finished_at is not null";
    let counts = &report["conversations"];
    let said = format!(
        "database 8 {} {} {}",
        counts["complete"], counts["not_reached"], report["messages"]["new"]
    );
    assert_eq!(stage.texts(row).await, [said]);
}

async fn what_the_database_refuses_is_not_reached(engine: Engine) {
    let stage = refusing(engine, small(CONVERSATIONS, EACH), 7).await;
    let (ended, report) = stage.sync(&["--concurrency", "20"]).await;
    assert_says_what_is_there(&stage, &ended, &report).await;
    stage.execute(&without(&stage)).await;
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
    stage.end().await;
}

fn without(stage: &Stage) -> String {
    let on = match stage.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => " on messages",
    };
    format!("drop trigger refuse{on}")
}

async fn what_was_committed_before_a_refusal_is_counted_and_nothing_else(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(40),
        ..small(CONVERSATIONS, EACH)
    };
    let stage = refusing(engine, options, CONVERSATIONS as usize - 1).await;
    let (ended, report) = stage.sync(&["--concurrency", "1"]).await;
    assert_says_what_is_there(&stage, &ended, &report).await;
    let complete = report["conversations"]["complete"].as_u64().unwrap();
    assert!(
        (1..u64::from(CONVERSATIONS)).contains(&complete),
        "{report}"
    );
    stage.end().await;
}

async fn a_database_that_fails_beside_a_report_that_cannot_be_written_finishes_its_run(
    engine: Engine,
) {
    let stage = refusing(engine, small(CONVERSATIONS, EACH), 0).await;
    let ids = stage.simulator.conversation_ids();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let arguments = [&["sync", "--report", "missing/report.json"], ids.as_slice()].concat();
    let ended = stage.run(&arguments).await;
    // Both are said; by the order of product.md the unexpected one is the graver.
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    for said in ["missing/report.json", "the database failed"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let row = "select outcome || ' ' || exit_code from v_runs
               where id = 2 and finished_at is not null";
    assert_eq!(stage.texts(row).await, ["database 8"]);
    let status = stage.run(&["status"]).await;
    assert!(
        !status.stdout.contains("running or killed"),
        "{}",
        status.stdout
    );
    stage.end().await;
}

/// The server ends the connection whenever a certain message comes, and the run's second attempt too.
#[tokio::test]
async fn a_connection_that_is_lost_for_good_is_code_8_and_its_run_is_finished() {
    let stage = Stage::new(Engine::Postgres, small(CONVERSATIONS, EACH)).await;
    let empty = stage.run(&["sync", "--allow-empty"]).await;
    assert_eq!(empty.code, 0, "{}", empty.stderr);
    let id = &stage.simulator.conversation_ids()[3];
    let message = stage.simulator.contents(id).unwrap().remove(0).id;
    let end = "perform pg_terminate_backend(pg_backend_pid())";
    refuse(&stage, &message, end).await;
    let (ended, report) = stage.sync(&["--concurrency", "20"]).await;
    assert_says_what_is_there(&stage, &ended, &report).await;
    stage.end().await;
}

/// The database has another encoding, and some text of the corpus does not go into it.
#[tokio::test]
async fn text_that_the_database_cannot_encode_is_code_8_and_not_counted() {
    let mut stage = Stage::new(Engine::Postgres, small(CONVERSATIONS, EACH)).await;
    let (server, name) = stage.database_url.rsplit_once('/').unwrap();
    let server = server.to_owned();
    let other = format!("{name}_windows");
    stage
        .execute(&format!(
            "create database {other} encoding 'WIN1252' locale 'C' template template0"
        ))
        .await;
    stage.database_url = format!("{server}/{other}");
    let empty = stage.run(&["sync", "--allow-empty"]).await;
    assert_eq!(empty.code, 0, "{}", empty.stderr);
    let (ended, report) = stage.sync(&["--concurrency", "20"]).await;
    assert_says_what_is_there(&stage, &ended, &report).await;
    stage.end().await;
}
