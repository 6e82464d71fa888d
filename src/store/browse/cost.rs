//! What a page costs on SQLite, in steps of its machine: the same for any length of conversation.
//! (On Postgres the server counts the rows that it reads: `tests/it/viewer/rows.rs`.)

use std::time::Duration;

use rusqlite::{Connection, StatementStatus, params};

use crate::{
    clock::Clock,
    model::{ConversationId, Timestamp},
    store::{
        RunStart, Store, StoreOptions,
        statement::{Statement, browse as sql},
    },
};

const START: Timestamp = Timestamp::from_millis(1_782_892_800_000);

/// Messages of a conversation: three at a time, a second apart.
fn fill(connection: &Connection, conversation: i64, number: u32) {
    let rows = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?2 - 1)
        insert into messages (conversation_key, id, type, text, created_at, version, digest,
                              observed_at, first_seen_run)
        select ?1, 'm' || i, 'text', 'words',
               strftime('%Y-%m-%dT%H:%M:%fZ', 1782892800 + i / 3, 'unixepoch'), 1, x'00',
               '2026-07-01T08:00:00.000Z', 1 from n";
    connection
        .execute(rows, params![conversation, number])
        .unwrap();
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
    store.close().await;
    let connection = Connection::open(&path).unwrap();
    fill(&connection, keys[0].0, 600);
    fill(&connection, keys[1].0, 20_000);
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
