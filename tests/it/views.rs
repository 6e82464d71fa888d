//! Every view, and every query of the README, answers the same on both engines and in Debian's
//! `sqlite3`. What it answers is written down in `snapshots/`.

use std::{fs, path::Path, process::Command};

use convault::store::dictionary::{Object, VIEWS};
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
    (
        "v_message_gaps",
        "message_id conversation_id created_at sender_id direction previous_message_id \
         previous_created_at previous_sender_id previous_direction gap_ms",
    ),
    (
        "v_response_times",
        "conversation_id turn message_id message_count started_at ended_at answer_message_id \
         answered_by answered_by_name answered_by_bot answered_at answer_ms answer_after_last_ms \
         local_day local_hour",
    ),
    (
        "v_response_times_by_day",
        "local_day turns answered median_answer_ms slowest_answer_ms first_turns first_answered \
         median_first_answer_ms",
    ),
    (
        "v_quick_reply_funnel",
        "conversation_id message_id offered_at offered_by title text option_count is_chosen \
         choice_message_id chosen_at choice_ms chosen_position chosen_option_id chosen_title \
         chosen_payload",
    ),
    (
        "v_daily_volume",
        "local_day message_count inbound_count outbound_count",
    ),
    (
        "v_coverage",
        "conversation_id state reason state_since checked_at proven_at horizon",
    ),
    (
        "v_message_changes",
        "message_id conversation_id version path before after",
    ),
    ("v_deleted", "message_id conversation_id"),
    ("v_senders", "id kind first_seen_run name is_bot team"),
    ("v_archive", "gateway_url time_zone"),
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
        let all = format!("select * from {name}");
        assert_eq!(in_sqlite3(&file, &all).sorted(), expected, "{name}");
    }
}

/// Rows that a step has made before may be scanned, a table may not.
#[tokio::test]
async fn reading_one_conversation_scans_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::sqlite(&folder.path().join("a.db")).await;
    let mut seen = 0;
    for query in queries_of_one_conversation() {
        let plan = archive.query(&format!("explain query plan {query}")).await;
        let steps: Vec<_> = plan.rows.iter().map(|row| row[3].clone()).collect();
        let made_before = |name: &str| {
            name.starts_with('(')
                || ["CO-ROUTINE ", "MATERIALIZE "]
                    .iter()
                    .any(|made| steps.contains(&format!("{made}{name}")))
        };
        for step in &steps {
            let scanned = step
                .strip_prefix("SCAN ")
                .and_then(|rest| rest.split(' ').next());
            assert!(scanned.is_none_or(made_before), "{query}: {steps:#?}");
            seen += usize::from(step.starts_with("SEARCH "));
        }
    }
    assert!(seen > 50, "the plans were read: {seen} searches");
    archive.close().await;
}

/// Enough rows that an index is worth its while.
const MANY_ROWS: &str = "
    insert into conversations (key, id, state, first_listed_run)
        select n, 'conv_' || n, 'complete', 1 from generate_series(1000, 1999) n;
    insert into messages (key, conversation_key, id, sender_id, created_at, version, digest,
                          observed_at, first_seen_run)
        select n, n / 20, 'm_' || n, 'con_' || n, now(), 1, '', now(), 1
        from generate_series(20000, 39999) n;
    insert into message_versions (message_key, version, event, observed_at, recorded_at, run_id)
        select key, 1, 'created', now(), now(), 1 from messages where key >= 20000;
    insert into conversation_proofs (conversation_key)
        select key from conversations where key >= 1000;
    insert into coverage_pieces select key, 0, 0, null, null, now(), true
        from conversations where key >= 1000;
    insert into quick_replies select key from messages where key >= 20000;
    insert into quick_reply_options select key, 0 from messages where key >= 20000;
    insert into attachments (message_key, url, media_kind)
        select key, '', 'file' from messages where key >= 20000;
    insert into locations select key from messages where key >= 20000;
    insert into shared_contacts select key, 0 from messages where key >= 20000;
    insert into template_variables select key, 0 from messages where key >= 20000;
    insert into anomalies select key, 1, 0, '', '', '' from messages where key >= 20000;
    insert into message_changes select key, 1, 0, '' from messages where key >= 20000;
    insert into absences select key, 1, 1, now() from messages where key >= 20000;
    insert into sender_names select 'con_' || n, 'n', null, null, now()
        from generate_series(20000, 39999) n;
    insert into failures (key, run_id, conversation_key, class, reason, occurred_at)
        select key, 1, key, '', '', now() from conversations where key >= 1000;
    insert into time_zone_offsets select now() + n * interval '1 day', 0
        from generate_series(1, 200) n;
    set enable_seqscan = off;
    analyze";

/// Where it may choose, Postgres scans small tables; so it may not.
#[tokio::test]
async fn reading_one_conversation_scans_no_table_of_postgres() {
    let mut archive = Archive::postgres().await;
    archive.execute(ROWS).await;
    archive.execute(MANY_ROWS).await;
    let mut seen = 0;
    for query in queries_of_one_conversation() {
        let plan = archive.query(&format!("explain (costs off) {query}")).await;
        let steps: Vec<_> = plan.rows.iter().map(|row| row[0].trim()).collect();
        for (step, next) in steps.iter().zip(steps.iter().skip(1).chain([&""])) {
            assert!(!step.contains("Seq Scan"), "{query}: {steps:#?}");
            if step.contains("Index Scan") || step.contains("Index Only Scan") {
                assert!(next.starts_with("Index Cond"), "{query}: {steps:#?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "the plans were read: {seen} searches");
    archive.close().await;
}

fn queries_of_one_conversation() -> Vec<String> {
    let of_view = |view: &Object| {
        let filter = match view.name {
            "v_conversations" => "id",
            // These are small, or made to be read by run.
            "v_conversation_links" | "v_failures" | "v_run_conversations" => return None,
            _ => "conversation_id",
        };
        let has_it = view.columns.iter().any(|(column, _)| *column == filter);
        let name = view.name;
        has_it.then(|| format!("select * from {name} where {filter} = 'conv_busy'"))
    };
    VIEWS.iter().filter_map(of_view).collect()
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

/// What the command-line shell of the system answers, as `Answer` shows it.
pub(crate) fn in_sqlite3(file: &Path, query: &str) -> Answer {
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
        .arg(query)
        .output()
        .expect("sqlite3 is not installed: on Debian, apt-get install sqlite3");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{query}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text
        .split_terminator('\u{1e}')
        .map(|line| line.split('\u{1f}').map(str::to_owned).collect());
    Answer {
        columns: lines.next().unwrap_or_default(),
        rows: lines.collect(),
    }
}
