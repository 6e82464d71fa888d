//! What a page costs on SQLite, in steps of its machine: the same for any length of conversation.
//! (On Postgres the server counts the rows that it reads: `tests/it/viewer/rows.rs`.)

use std::time::Duration;

use rusqlite::{Connection, StatementStatus, params};

use crate::{
    clock::Clock,
    model::{ConversationId, Message, Timestamp},
    normalize,
    store::{
        Batch, PageWrite, RunStart, Store, StoreOptions,
        statement::{Statement, browse as sql},
    },
};

const START: Timestamp = Timestamp::from_millis(1_782_892_800_000);

fn messages(number: u32) -> Vec<Message> {
    let conversation = ConversationId::new("conv");
    (0..number)
        .map(|number| {
            let time = START.plus(Duration::from_secs(u64::from(number / 3)));
            let raw = format!(
                r#"{{"public_id":"m{number}","type":"text","from":"con_1","content":{{"text":"words"}},"created_at":"{time}"}}"#
            );
            normalize::message(&raw, &conversation)
        })
        .collect()
}

/// Steps, rows that were looked at without an index, and sorts.
fn cost(connection: &Connection, statement: &Statement, key: i64, at: &str) -> (i32, i32, i32) {
    let mut prepared = connection
        .prepare(&statement.text.replace('$', "?"))
        .unwrap();
    let rows = prepared
        .query_map(params![key, at, i64::MAX / 2, 101], |_| Ok(()))
        .unwrap()
        .count();
    assert_eq!(rows, 101, "{}", statement.text);
    (
        prepared.get_status(StatementStatus::VmStep),
        prepared.get_status(StatementStatus::FullscanStep),
        prepared.get_status(StatementStatus::Sort),
    )
}

#[tokio::test]
async fn a_page_of_a_long_conversation_costs_what_one_of_a_short_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let options = StoreOptions {
        url: format!("sqlite:{}", path.display()).parse().unwrap(),
        schema: None,
        lock_wait: Duration::from_secs(5),
        holder: "a test".to_owned(),
        clock: Clock::manual(START),
    };
    let (store, _lock) = Store::open(&options).await.unwrap();
    let start = RunStart {
        command: "sync".to_owned(),
        program_version: "0.1.0".to_owned(),
        holder: "a test".to_owned(),
        started_at: START,
    };
    let run = store.begin_run(&start).await.unwrap();
    let ids = ["short", "long"].map(ConversationId::new);
    let keys = store.register_conversations(run, &ids).await.unwrap();
    for (key, number) in keys.iter().zip([600, 20_000]) {
        let page = PageWrite {
            messages: messages(number),
            ..PageWrite::of(*key, START)
        };
        let batch = Batch {
            run: Some(run),
            pages: vec![page],
            ..Batch::default()
        };
        store.write(&batch).await.unwrap();
    }
    store.close().await;
    let connection = Connection::open(&path).unwrap();
    for (statement, at) in [
        (&sql::MESSAGES_BEFORE, START.plus(Duration::from_secs(100))),
        (&sql::MESSAGES_BEFORE, START.plus(Duration::from_hours(90))),
        (&sql::MESSAGES_AFTER, Timestamp::from_millis(0)),
        (&sql::MESSAGES_AFTER, START.plus(Duration::from_secs(20))),
    ] {
        let [short, long] =
            [0, 1].map(|place: usize| cost(&connection, statement, keys[place].0, &at.to_string()));
        assert_eq!(
            (long.1, long.2),
            (0, 0),
            "scans and sorts of {}",
            statement.text
        );
        let is_near = (long.0 - short.0).abs() * 20 < short.0;
        assert!(is_near, "{short:?} {long:?} steps of {}", statement.text);
    }
}
