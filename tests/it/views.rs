//! Every view, and every query of the README, answers the same on both engines and in Debian's
//! `sqlite3`. What it answers is written down in `snapshots/`.

use std::{fs, path::Path, process::Command};

use convault::store::dictionary::VIEWS;
use insta::assert_snapshot;

use crate::migrated::{Answer, Archive};

const ROWS: &str = include_str!("views.sql");

/// The columns that analysts were promised: these first, in this order, in every version.
const PROMISED: &[(&str, &str)] = &[
    (
        "v_messages",
        "id conversation_id organization_id business_unit_id sender_id sender_kind direction type \
         media_kind title text is_mail created_at updated_at version first_seen_run deleted_at",
    ),
    (
        "v_conversations",
        "id organization_id business_unit_id state reason message_count first_message_at \
         last_message_at checked_at proven_at horizon",
    ),
    (
        "v_message_history",
        "message_id conversation_id version event observed_at recorded_at run_id raw sha256",
    ),
    (
        "v_quick_reply_options",
        "message_id position option_id content_type title payload description",
    ),
    ("v_quick_replies", "message_id title payload description"),
    (
        "v_attachments",
        "message_id url host declared_type media_kind caption",
    ),
    ("v_locations", "message_id"),
    ("v_shared_contacts", "message_id"),
    (
        "v_conversation_links",
        "phone_number conversation_id link created_at",
    ),
    ("v_runs", "id"),
    ("v_run_conversations", "run_id"),
    ("v_failures", "conversation_id"),
    ("v_anomalies", "conversation_id"),
];

#[test]
fn the_promised_columns_come_first() {
    for (name, promised) in PROMISED {
        let view = VIEWS.iter().find(|view| view.name == *name).unwrap();
        let promised: Vec<_> = promised.split_whitespace().collect();
        let columns: Vec<_> = view.columns.iter().map(|(column, _)| *column).collect();
        assert!(columns.starts_with(&promised), "{name}: {columns:?}");
    }
}

#[tokio::test]
async fn every_view_answers_the_same_on_both_engines() {
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = Archive::sqlite(&folder.path().join("a.db")).await;
    let mut postgres = Archive::postgres().await;
    sqlite.execute(ROWS).await;
    postgres.execute(ROWS).await;
    for name in views_of_the_gateway() {
        let all = format!("select * from {name}");
        let on_sqlite = sqlite.query(&all).await.sorted();
        assert_eq!(on_sqlite, postgres.query(&all).await.sorted(), "{name}");
        assert_snapshot!(name, on_sqlite.to_text());
    }
    sqlite.close().await;
    postgres.close().await;
}

#[tokio::test]
async fn every_query_of_the_readme_answers_the_same_on_both_engines() {
    let queries = readme_queries();
    assert!(queries.len() >= 5, "the README shows five queries");
    let folder = tempfile::tempdir().unwrap();
    let mut sqlite = Archive::sqlite(&folder.path().join("a.db")).await;
    let mut postgres = Archive::postgres().await;
    sqlite.execute(ROWS).await;
    postgres.execute(ROWS).await;
    let mut answers = Vec::new();
    for query in queries {
        let on_sqlite = sqlite.query(&query).await;
        assert_eq!(on_sqlite, postgres.query(&query).await, "{query}");
        answers.push(format!("{query}\n\n{}", on_sqlite.to_text()));
    }
    assert_snapshot!("readme_queries", answers.join("\n\n----\n\n"));
    sqlite.close().await;
    postgres.close().await;
}

/// SQLite 3.40, no extension: what an analyst on Debian has.
#[tokio::test]
async fn every_view_answers_the_same_in_the_sqlite3_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let mut archive = Archive::sqlite(&file).await;
    archive.execute(ROWS).await;
    let mut expected = Vec::new();
    for view in VIEWS {
        let all = format!("select * from {}", view.name);
        expected.push((view.name, archive.query(&all).await.sorted()));
    }
    archive.close().await;
    for (name, expected) in expected {
        assert_eq!(in_sqlite3(&file, name).sorted(), expected, "{name}");
    }
}

#[tokio::test]
async fn reading_one_conversation_scans_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::sqlite(&folder.path().join("a.db")).await;
    for view in VIEWS {
        let filter = match view.name {
            "v_conversations" => "id",
            // These are small, or made to be read by run.
            "v_conversation_links" | "v_failures" | "v_run_conversations" => continue,
            _ if view.columns.iter().any(|c| c.0 == "conversation_id") => "conversation_id",
            _ => continue,
        };
        let plan = format!(
            "explain query plan select * from {} where {filter} = 'conv_testing_conversation1'",
            view.name
        );
        for step in archive.query(&plan).await.rows {
            assert!(!step.concat().contains("SCAN"), "{}: {step:?}", view.name);
        }
    }
    archive.close().await;
}

/// The dictionary has its own test; the others show what came from the gateway.
fn views_of_the_gateway() -> impl Iterator<Item = &'static str> {
    let names = VIEWS.iter().map(|view| view.name);
    names.filter(|name| *name != "v_data_dictionary")
}

fn readme_queries() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(readme).unwrap();
    let blocks = text.split("```sql\n").skip(1);
    blocks
        .map(|rest| rest.split_once("\n```").unwrap().0)
        .map(|block| block.trim_end_matches(';').to_owned())
        .collect()
}

/// All rows of a view, read by the command-line shell, as `Answer` shows them.
fn in_sqlite3(file: &Path, view: &str) -> Answer {
    let output = Command::new("sqlite3")
        .args([
            "-batch",
            "-bail",
            "-header",
            "-readonly",
            "-nullvalue",
            "null",
        ])
        .args(["-separator", "\u{1f}", "-newline", "\u{1e}"])
        .arg(file)
        .arg(format!("select * from {view}"))
        .output()
        .expect("sqlite3 is not installed: on Debian, apt-get install sqlite3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{view}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text
        .split_terminator('\u{1e}')
        .map(|line| line.split('\u{1f}').map(str::to_owned).collect());
    Answer {
        columns: lines.next().unwrap_or_default(),
        rows: lines.collect(),
    }
}
