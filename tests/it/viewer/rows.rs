//! What a page costs does not grow with the conversation: rows are counted by the engine.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{postgres, program::Engine};

use super::{
    archive::{Place, Writing, text},
    site::{Site, link_named},
};

/// A page of 100 messages, the one that shows whether there are more, and the head with its
/// oldest and newest one.
const ROWS_MAX: i64 = 350;

async fn fill(writing: &Writing, messages: u64) {
    let key = writing.register(&["conv_1"]).await[0];
    let all: Vec<u64> = (0..messages).collect();
    for part in all.chunks(2_000) {
        let part = part
            .iter()
            .map(|number| {
                let time = Some(number / 3 * 60);
                text(&format!("m{number}"), "con_1", time, "words")
            })
            .collect();
        writing.messages(key, 1, part).await;
    }
}

/// Rows of `messages` that the server has read of this schema, when all sessions have reported.
async fn rows_read(schema: &str) -> i64 {
    let mut connection = PgConnection::connect(&postgres::url()).await.unwrap();
    let reading = "select count(*) from pg_stat_activity where query like '%messages%'
                   and application_name like 'sync, pid 12%' and state <> 'idle'";
    // A session reports when it ends; those of pages end with their page.
    let mut last = -1;
    loop {
        let busy: i64 = sqlx::query_scalar(reading)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let sql = format!(
            "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint
             from pg_stat_user_tables where schemaname = '{schema}' and relname = 'messages'"
        );
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if busy == 0 && rows == last {
            return rows;
        }
        last = rows;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn a_page_of_a_long_conversation_reads_no_more_rows_than_one_of_a_short_one() {
    let place = Place::new(Engine::Postgres);
    let schema = place.options.schema.clone().unwrap();
    let writing = place.write().await;
    fill(&writing, 20_000).await;
    writing.close().await;
    let mut connection = PgConnection::connect(&postgres::url()).await.unwrap();
    let analyze = AssertSqlSafe(format!("analyze {schema}.messages"));
    sqlx::query(analyze).execute(&mut connection).await.unwrap();
    let site = Site::over(&place).await;
    let newest = site.page("/conversation?id=conv_1").await;
    let older = link_named(&newest, "Load older").unwrap();
    let middle = "/conversation?id=conv_1&message=m10000";
    let beginning = "/conversation?id=conv_1&from=beginning";
    let day = "/conversation?id=conv_1&day=2026-07-03";
    for path in ["/conversation?id=conv_1", &older, middle, beginning, day] {
        let before = rows_read(&schema).await;
        let page = site.page(path).await;
        assert_eq!(page.matches("<article").count(), 100, "{path}");
        let read = rows_read(&schema).await - before;
        assert!(read >= 100, "the rows of {path} were counted: {read}");
        assert!(read <= ROWS_MAX, "{path} read {read} rows");
    }
    site.end().await;
}
