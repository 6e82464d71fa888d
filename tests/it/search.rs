//! `convault search` as a person meets it: what is found, on both engines alike, how it is shown,
//! what a damaged index comes to, and whether other programs can read an archive that has one.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use convault::simulator::Mutation;
use serde_json::Value;
use tokio::process::Command;

use crate::program::{Ended, Engine, Stage, claims_on_both_engines, small};

claims_on_both_engines! {
    what_the_gateway_was_told_is_found
    what_is_changed_or_deleted_there_is_found_as_it_is_now
    a_damaged_index_is_told_and_made_anew
    nothing_to_look_for_is_a_mistake_of_usage
}

const WORDS: [&str; 9] = [
    "退款",
    "退",
    "款",
    "refund",
    "\"working days\"",
    "order -refund",
    "refun*",
    "เงิน",
    "👍",
];

async fn archived(engine: Engine) -> Stage {
    let stage = Stage::new(engine, small(8, 150)).await;
    let (synced, _) = stage.sync(&[]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    stage
}

async fn search(stage: &Stage, words: &str, more: &[&str]) -> Vec<Value> {
    let arguments = [&["search", words, "--json", "--limit", "10000"], more].concat();
    let ended = stage.run(&arguments).await;
    assert_eq!(ended.code, 0, "{words}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

fn ids(hits: &[Value]) -> BTreeSet<String> {
    let id = |hit: &Value| hit["message_id"].as_str().unwrap().to_owned();
    hits.iter().map(id).collect()
}

async fn what_the_gateway_was_told_is_found(engine: Engine) {
    let stage = archived(engine).await;
    for part in ["退款", "退", "我", "เงิน"] {
        let sql = format!(
            "select m.id from v_messages m where m.text like '%{part}%' or m.title like '%{part}%'"
        );
        let expected: BTreeSet<String> = stage.texts(&sql).await.into_iter().collect();
        assert_eq!(ids(&search(&stage, part, &[]).await), expected, "{part}");
    }
    let found = search(&stage, "refund", &[]).await;
    assert!(found.len() > 5, "{found:?}");
    let of_one = found[0]["conversation_id"].as_str().unwrap();
    let narrowed = search(
        &stage,
        "refund",
        &["--conversation", of_one, "--type", "text"],
    )
    .await;
    assert!(!narrowed.is_empty() && narrowed.len() < found.len());
    assert!(
        narrowed
            .iter()
            .all(|hit| hit["conversation_id"] == of_one && hit["type"] == "text")
    );

    let shown = stage.run(&["search", "refund", "--limit", "3"]).await;
    assert_eq!(
        shown
            .stdout
            .lines()
            .filter(|line| line.starts_with("    "))
            .count(),
        3
    );
    assert!(shown.stdout.contains("[refund]") || shown.stdout.contains("[Refund]"));
    let told = format!("{} hits; the newest 3 are shown (--limit).", found.len());
    assert!(shown.stderr.contains(&told), "{}", shown.stderr);
    let none = stage.run(&["search", "nosuchword"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
    assert!(none.stderr.contains("No hits."), "{}", none.stderr);
    stage.end().await;
}

async fn what_is_changed_or_deleted_there_is_found_as_it_is_now(engine: Engine) {
    let stage = archived(engine).await;
    let before = search(&stage, "退款", &[]).await;
    let id = stage.simulator.conversation_ids().remove(0);
    stage
        .simulator
        .mutate(
            &id,
            &Mutation::Edit {
                positions: (0..140).collect(),
            },
        )
        .unwrap();
    stage
        .simulator
        .mutate(
            &id,
            &Mutation::Delete {
                positions: vec![3, 4, 5],
            },
        )
        .unwrap();
    // The second look is later by the gateway's clock, which tells whole seconds.
    let sql = "select id from v_messages where deleted_at is not null";
    let mut deleted = BTreeSet::new();
    for _ in 0..10 {
        let lag = ["--full", "--visibility-lag", "0s", "--accept-deletions"];
        let (synced, _) = stage.sync(&lag).await;
        assert!([0, 3].contains(&synced.code), "{}", synced.stderr);
        deleted.extend(stage.texts(sql).await);
        if deleted.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(deleted.len(), 3);
    let sql = "select m.id from v_messages m where m.text like '%退款%' or m.title like '%退款%'";
    let expected: BTreeSet<String> = stage.texts(sql).await.into_iter().collect();
    let after = search(&stage, "退款", &[]).await;
    assert_eq!(ids(&after), expected);
    assert!(before.len() > 2 && after.len() > 2);
    for hit in &after {
        let is_deleted = deleted.contains(hit["message_id"].as_str().unwrap());
        assert_eq!(!hit["deleted_at"].is_null(), is_deleted, "{hit}");
    }
    let living = search(&stage, "退款", &["--deleted", "exclude"]).await;
    assert_eq!(
        ids(&living),
        expected.difference(&deleted).cloned().collect()
    );
    let checked = stage.run(&["verify"]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
    stage.end().await;
}

async fn a_damaged_index_is_told_and_made_anew(engine: Engine) {
    let stage = archived(engine).await;
    let before = search(&stage, "refund", &[]).await;
    let damage = match engine {
        Engine::Sqlite => "insert into search_index (search_index) values ('delete-all')",
        Engine::Postgres => "delete from search_index",
    };
    stage.execute(damage).await;
    assert!(search(&stage, "refund", &[]).await.is_empty());
    let checked = stage.run(&["verify", "--json"]).await;
    assert_eq!(checked.code, 7, "{}", checked.stderr);
    let checked: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(
        checked["findings_by_check"],
        serde_json::json!({ "search_index": 1 })
    );
    assert!(
        checked["findings"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("renormalize")
    );
    let rebuilt = stage.run(&["renormalize"]).await;
    assert_eq!(rebuilt.code, 0, "{}", rebuilt.stderr);
    assert_eq!(stage.run(&["verify"]).await.code, 0);
    assert_eq!(search(&stage, "refund", &[]).await, before);
    stage.end().await;
}

async fn nothing_to_look_for_is_a_mistake_of_usage(engine: Engine) {
    let stage = archived(engine).await;
    let asked = |words: &'static [&'static str]| stage.run(words);
    let refused = |ended: Ended| {
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        ended.stderr
    };
    assert!(refused(asked(&["search", "!?"]).await).contains("there is no word to look for"));
    assert!(refused(asked(&["search", "--", "-refund"]).await).contains("hint"));
    refused(asked(&["search"]).await);
    refused(asked(&["search", "a", "--limit", "0"]).await);
    refused(asked(&["search", "a", "--conversation", "conv_unknown"]).await);
    stage.end().await;
}

#[tokio::test]
async fn both_engines_find_the_same_and_rank_it_the_same() {
    let (sqlite, postgres) = (
        archived(Engine::Sqlite).await,
        archived(Engine::Postgres).await,
    );
    for words in WORDS {
        for sort in ["newest", "rank"] {
            let mut ours = search(&sqlite, words, &["--sort", sort]).await;
            let mut theirs = search(&postgres, words, &["--sort", sort]).await;
            // Of the same time and rank, the one that was archived later is first.
            for hits in [&mut ours, &mut theirs] {
                let order = |hit: &Value| match sort {
                    "rank" => (hit["rank"].to_string(), hit["created_at"].to_string()),
                    _ => (hit["created_at"].to_string(), String::new()),
                };
                assert!(
                    hits.is_sorted_by(|one, next| order(one) >= order(next)),
                    "{words}"
                );
                hits.sort_by_key(|hit| (order(hit), hit["message_id"].to_string()));
            }
            assert!(!ours.is_empty(), "{words}");
            assert_eq!(ours, theirs, "{words} by {sort}");
        }
    }
    sqlite.end().await;
    postgres.end().await;
}

#[tokio::test]
async fn the_sqlite3_of_the_system_reads_dumps_and_checks_an_archive_with_an_index() {
    let stage = archived(Engine::Sqlite).await;
    let (archive, copy) = (stage.archive_path().to_owned(), stage.path("copy.db"));
    let sqlite3 = async |file: &std::path::Path, script: &str| -> String {
        let mut command = Command::new("sqlite3");
        command
            .arg("-bail")
            .arg(file)
            .arg(script)
            .stdin(Stdio::null());
        let output = command
            .output()
            .await
            .expect("scripts/test installs sqlite3");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success() && said.is_empty(),
            "{script}: {said}"
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let questions = "select count(*) from search_index('refund');
                     select count(*), sum(doc) from search_index_vocabulary;
                     select count(*) from v_messages; pragma quick_check";
    let told = sqlite3(&archive, questions).await;
    assert!(
        told.ends_with("1200\nok\n") && !told.starts_with("0\n"),
        "{told}"
    );
    assert!(
        sqlite3(&archive, ".schema")
            .await
            .contains("search_index using fts5")
    );
    let dump = sqlite3(&archive, ".dump").await;
    let mut restore = Command::new("sqlite3");
    let mut restore = restore
        .arg("-bail")
        .arg(&copy)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = restore.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, dump.as_bytes())
        .await
        .unwrap();
    drop(input);
    assert!(restore.wait().await.unwrap().success());
    assert_eq!(sqlite3(&copy, questions).await, told);
    stage.end().await;
}
