//! Others read what was exported: `DuckDB` and pandas the Parquet, Python's `csv` the CSV.
//!
//! `CONVAULT_TEST_PYTHON` names a Python that has what `scripts/requirements.txt` lists; `scripts/test` makes
//! one under `target/`. Without it these tests fail, they are not skipped.

use std::{path::Path, process::Command};

use convault::simulator::Mutation;
use serde_json::{Value, json};

use super::{archived, change, export, sync};
use crate::program::Engine;

#[expect(
    clippy::disallowed_methods,
    reason = "a tool of the tests, not a setting of the program"
)]
fn python() -> std::ffi::OsString {
    std::env::var_os("CONVAULT_TEST_PYTHON").expect(
        "CONVAULT_TEST_PYTHON names a Python with what scripts/requirements.txt lists; \
         scripts/test makes one and sets it",
    )
}

fn read(arguments: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/export/readers.py");
    let output = Command::new(python())
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn duckdb_and_pandas_read_the_parquet_with_the_right_types() {
    let stage = archived(Engine::Sqlite, &[400, 300, 3]).await;
    change(&stage, 0, &Mutation::Delete { positions: vec![1] });
    sync(&stage).await;
    sync(&stage).await;
    let one = export(&stage, "m.parquet", &["--format", "parquet"]).await;
    let arguments = ["--format", "parquet", "--partition", "month"];
    let parts = export(&stage, "parts", &arguments).await;
    let found = read(&["parquet", one.to_str().unwrap(), parts.to_str().unwrap()]);

    let (duckdb, pandas) = (&found["duckdb"], &found["pandas"]);
    for (column, kind) in [
        ("id", "VARCHAR"),
        ("is_mail", "BOOLEAN"),
        ("created_at", "TIMESTAMP WITH TIME ZONE"),
        ("deleted_at", "TIMESTAMP WITH TIME ZONE"),
        ("version", "BIGINT"),
        ("local_day", "DATE"),
        ("local_hour", "INTEGER"),
        (
            "quick_reply_options",
            "STRUCT(\"position\" BIGINT, option_id VARCHAR, content_type VARCHAR, title VARCHAR, \
             payload VARCHAR, description VARCHAR, answered BOOLEAN)[]",
        ),
        (
            "location",
            "STRUCT(latitude DOUBLE, longitude DOUBLE, \"name\" VARCHAR, address VARCHAR)",
        ),
    ] {
        assert_eq!(duckdb["types"][column], kind, "{column}");
    }
    for (column, kind) in [
        ("created_at", "datetime64[ms, UTC]"),
        ("deleted_at", "datetime64[ms, UTC]"),
        ("version", "int64"),
        ("created_ms", "int64"),
    ] {
        assert_eq!(pandas["types"][column], kind, "{column}");
    }
    for (name, sql) in [
        ("messages", "select count(*) from v_messages"),
        ("options", "select count(*) from v_quick_reply_options"),
        ("attachments", "select count(*) from v_attachments"),
    ] {
        assert_eq!(duckdb[name], stage.number(sql).await, "{name}");
    }
    assert_eq!(duckdb["created_ms"], 0, "times are those of created_ms");
    assert_eq!(pandas["messages"], duckdb["messages"]);
    assert_eq!(pandas["partitioned"], duckdb["messages"]);
    assert_eq!(pandas["options"], duckdb["options"]);
    let inbound = "select count(*) from v_messages where direction = 'inbound'";
    assert_eq!(pandas["inbound"], stage.number(inbound).await);
    let mut ids = stage.texts("select id from v_messages").await;
    ids.sort();
    assert_eq!(duckdb["ids"], json!(ids));
    let mut texts = stage
        .texts("select text from v_messages where text is not null")
        .await;
    texts.sort();
    assert_eq!(duckdb["texts"], json!(texts));
    let months =
        "select substr(local_day, 1, 7), cast(count(*) as text) from v_messages group by 1";
    let months: Vec<(String, String)> = stage.rows(months).await;
    for (month, count) in &months {
        assert_eq!(duckdb["months"][month].to_string(), *count, "{month}");
    }
    assert_eq!(duckdb["months"].as_object().unwrap().len(), months.len());
}

#[tokio::test]
async fn a_formula_in_a_message_is_harmless_in_a_spreadsheet() {
    const FORMULA: &str = "=HYPERLINK(\"http://evil.example\",\"x\")";
    let stage = archived(Engine::Sqlite, &[5]).await;
    let raw = json!({
        "_id": "m_evil", "type": "text", "from": "+85212345678",
        "content": { "text": FORMULA, "title": "@SUM(A1)\r\n\"b\", c" },
    });
    let raw = raw.to_string().replace('\'', "''");
    stage
        .execute(&format!(
            "update message_versions set raw = '{raw}' \
             where message_key = (select max(message_key) from message_versions)"
        ))
        .await;
    let safe = export(&stage, "safe.csv", &["--format", "csv"]).await;
    let raw = export(&stage, "raw.csv", &["--format", "csv", "--raw-cells"]).await;
    let marked = export(&stage, "marked.csv", &["--format", "csv", "--bom"]).await;
    let evil = |rows: &Value| {
        let rows = rows.as_array().unwrap();
        let mut found = rows
            .iter()
            .filter(|row| row["text"].as_str().unwrap().contains("HYPERLINK"));
        found.next().unwrap().clone()
    };
    let rows = read(&["csv", safe.to_str().unwrap()]);
    assert_eq!(rows.as_array().unwrap().len(), 5);
    let row = evil(&rows);
    assert_eq!(row["text"], format!("'{FORMULA}"));
    assert_eq!(row["title"], "'@SUM(A1)\r\n\"b\", c");
    assert_eq!(row["sender_id"], "'+85212345678");
    for row in rows.as_array().unwrap() {
        for (column, cell) in row.as_object().unwrap() {
            let begins = cell.as_str().unwrap().chars().next();
            assert!(
                !matches!(begins, Some('=' | '+' | '-' | '@' | '\t' | '\r')),
                "{column}: {cell}"
            );
        }
    }
    assert_eq!(
        evil(&read(&["csv", raw.to_str().unwrap()]))["text"],
        FORMULA
    );
    assert!(
        std::fs::read(marked)
            .unwrap()
            .starts_with(b"\xef\xbb\xbfid,")
    );
}
