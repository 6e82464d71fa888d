//! The archive as it was, and what became of it since.

use std::{collections::BTreeMap, time::Duration};

use convault::{clock::Clock, model::Timestamp, simulator::Mutation};
use serde_json::{Value, json};

use super::{archived, change, rows, sync};
use crate::program::{Engine, Stage, claims_on_both_engines};

claims_on_both_engines! {
    as_of_a_time_follows_the_order_of_commits_where_the_clock_was_set_back
    what_an_export_of_the_past_hands_on_loses_no_change
    a_feed_that_would_hide_deletions_is_refused
}

/// An archive, and after each run what an export gave and when that was.
struct Story {
    stage: Stage,
    then: Vec<(Timestamp, Vec<Value>)>,
}

impl Story {
    /// Run 1 reads all, 2 sees edits and new messages, 3 a deletion, 4 that it was taken back.
    async fn new(engine: Engine) -> Self {
        let stage = archived(engine, &[40, 40, 700]).await;
        let mut story = Self {
            stage,
            then: Vec::new(),
        };
        story.look().await;
        let stage = &story.stage;
        change(
            stage,
            0,
            &Mutation::Edit {
                positions: vec![0, 1, 9],
            },
        );
        change(stage, 1, &Mutation::Delete { positions: vec![3] });
        change(stage, 2, &Mutation::Arrive { n: 2 });
        sync(stage).await;
        story.look().await;
        sync(&story.stage).await;
        story.look().await;
        change(&story.stage, 1, &Mutation::Restore { n: 1 });
        sync(&story.stage).await;
        story.look().await;
        story
    }

    async fn look(&mut self) {
        let found = rows(&self.stage, &[]).await;
        self.then.push((Clock::system().now(), found));
        // The next run records at another millisecond.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A first absence leaves no version, so the past does not know it.
fn without_absences(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row["missing_since"] = Value::Null;
    }
    rows
}

pub(super) async fn as_of_a_time_is_what_an_export_at_that_time_gave(engine: Engine) {
    let story = Story::new(engine).await;
    for (time, then) in &story.then {
        let now = rows(&story.stage, &["--as-of", &time.to_string()]).await;
        let then = without_absences(then);
        assert_eq!(now.len(), then.len(), "as of {time}");
        for (now, then) in now.iter().zip(&then) {
            assert_eq!(now, then, "as of {time}");
        }
    }
    let deleted = |rows: &[Value]| {
        rows.iter()
            .filter(|row| !row["deleted_at"].is_null())
            .count()
    };
    let told: Vec<usize> = story.then.iter().map(|(_, rows)| deleted(rows)).collect();
    assert_eq!(
        told,
        [0, 0, 1, 0],
        "the story has a deletion that was taken back"
    );
    let before = rows(&story.stage, &["--as-of", "2001-01-01"]).await;
    assert_eq!(before, Vec::<Value>::new());

    // The filter is asked of the state of then.
    let then = story.then[2].0.to_string();
    let only = rows(&story.stage, &["--as-of", &then, "--deleted", "only"]).await;
    assert_eq!(only.len(), 1);
    story.stage.end().await;
}

pub(super) async fn a_change_feed_has_exactly_what_became_of_messages(engine: Engine) {
    let story = Story::new(engine).await;
    let by_id = |rows: &[Value]| -> BTreeMap<String, Value> {
        let rows = without_absences(rows).into_iter();
        rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row))
            .collect()
    };
    let last = by_id(&story.then[3].1);
    for (since, (_, then)) in story.then.iter().enumerate() {
        let since = since + 1;
        let then = by_id(then);
        let mut expected: BTreeMap<String, Value> = last
            .iter()
            .filter(|(id, row)| then.get(*id) != Some(row))
            .map(|(id, row)| (id.clone(), row.clone()))
            .collect();
        for (id, row) in &mut expected {
            let change = match then.get(id) {
                None => "new",
                Some(_) if row["version"] == 3 => "reappeared",
                Some(_) => "changed",
            };
            row["change"] = json!(change);
            row["change_run"] = json!(if change == "reappeared" { 4 } else { 2 });
        }
        let feed = rows(&story.stage, &["--since-run", &since.to_string()]).await;
        assert_eq!(by_id(&feed), expected, "since run {since}");
        assert_eq!(feed.len(), [6, 1, 1, 0][since - 1], "since run {since}");
    }
    let all = rows(&story.stage, &["--since-run", "0"]).await;
    assert_eq!(all.len(), last.len());
    assert!(all.iter().all(|row| row["change"] == "new"));
    story.stage.end().await;
}

/// Lets runs have recorded some time earlier than they did, as with a clock that was set back.
async fn set_back(stage: &Stage, days: u32, which: &str) {
    let earlier = match stage.engine() {
        Engine::Sqlite => {
            format!("strftime('%Y-%m-%dT%H:%M:%fZ', recorded_at, '-{days} days')")
        }
        Engine::Postgres => format!("recorded_at - interval '{days} days'"),
    };
    let update = format!("update message_versions set recorded_at = {earlier} where {which}");
    stage.execute(&update).await;
}

async fn as_of_a_time_follows_the_order_of_commits_where_the_clock_was_set_back(engine: Engine) {
    let story = Story::new(engine).await;
    let stage = &story.stage;
    set_back(stage, 1, "run_id in (2, 3)").await;
    // From the time of run 1 on, all three count: none of them is later than that.
    let expected = [
        &story.then[2],
        &story.then[2],
        &story.then[2],
        &story.then[3],
    ];
    for ((time, _), (_, then)) in story.then.iter().zip(expected) {
        let past = rows(stage, &["--as-of", &time.to_string()]).await;
        assert_eq!(past, without_absences(then), "as of {time}");
    }
    // Before that, nothing: what the clock calls earlier came after it.
    let day_before = story.then[3].0.minus(Duration::from_hours(24));
    let past = rows(stage, &["--as-of", &day_before.to_string()]).await;
    assert_eq!(past, Vec::<Value>::new());
    story.stage.end().await;
}

/// The cursor that the manifest of an export as of a time gives, with what it exported.
async fn as_of(stage: &Stage, time: Timestamp) -> (i64, Vec<Value>) {
    let output = super::export(stage, "then.jsonl", &["--as-of", &time.to_string()]).await;
    let manifest = crate::program::read_json(&stage.path("then.jsonl.manifest.json"));
    let next = manifest["next_since_run"].as_i64().unwrap();
    (
        next,
        super::lines(&std::fs::read_to_string(output).unwrap()),
    )
}

/// What the feed since then makes of an export is the state of now.
async fn assert_nothing_is_lost(stage: &Stage, (next, then): (i64, Vec<Value>), now: &[Value]) {
    let id = |row: &Value| (row["conversation_id"].to_string(), row["id"].to_string());
    let mut merged: BTreeMap<_, Value> = then.into_iter().map(|row| (id(&row), row)).collect();
    for mut row in rows(stage, &["--since-run", &next.to_string()]).await {
        let fields = row.as_object_mut().unwrap();
        fields.remove("change");
        fields.remove("change_run");
        merged.insert(id(&row), row);
    }
    let now = without_absences(now).into_iter();
    let now: BTreeMap<_, Value> = now.map(|row| (id(&row), row)).collect();
    assert_eq!(merged, now, "since run {next}");
}

async fn what_an_export_of_the_past_hands_on_loses_no_change(engine: Engine) {
    let story = Story::new(engine).await;
    let stage = &story.stage;
    let now = &story.then[3].1;
    for (run, (time, _)) in (1..).zip(&story.then) {
        let past = as_of(stage, *time).await;
        assert_eq!(past.0, run, "as of {time}");
        assert_nothing_is_lost(stage, past, now).await;
    }
    let before = as_of(stage, Timestamp::from_millis(0)).await;
    assert_eq!(before, (0, Vec::new()));
    // In the middle of run 2, which must be told again as a whole.
    set_back(stage, 2, "run_id = 1").await;
    set_back(stage, 1, "run_id = 2 and version > 1").await;
    let hour_before = story.then[0].0.minus(Duration::from_hours(1));
    let past = as_of(stage, hour_before).await;
    let edited = past.1.iter().filter(|row| row["version"] == 2).count();
    assert_eq!((past.0, past.1.len(), edited), (1, 780, 3));
    assert_nothing_is_lost(stage, past, now).await;
    // A run without an end may write more, by a clock that was set back too.
    let last = story.then[3].0;
    stage
        .execute("update runs set finished_at = null where id = 4")
        .await;
    assert_eq!(as_of(stage, last).await.0, 3);
    story.stage.end().await;
}

async fn a_feed_that_would_hide_deletions_is_refused(engine: Engine) {
    let story = Story::new(engine).await;
    let feed = ["--deleted", "exclude", "--since-run"];
    let all = rows(&story.stage, &[&feed[..], &["0"]].concat()).await;
    assert_eq!(
        all.len(),
        782,
        "from the beginning there is nothing to hide"
    );
    let ended = super::try_export(&story.stage, "feed.jsonl", &[&feed[..], &["2"]].concat()).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("--deleted exclude"),
        "{}",
        ended.stderr
    );
    story.stage.end().await;
}

/// Before it is taken back, a deletion is told as one; the manifest counts it and says what next.
#[tokio::test]
async fn a_deletion_is_told_once() {
    let stage = archived(Engine::Sqlite, &[40]).await;
    change(&stage, 0, &Mutation::Delete { positions: vec![3] });
    sync(&stage).await;
    sync(&stage).await;
    let feed = super::export(&stage, "feed.jsonl", &["--since-run", "1"]).await;
    let feed = super::lines(&std::fs::read_to_string(feed).unwrap());
    assert_eq!(feed.len(), 1);
    assert_eq!(
        (&feed[0]["change"], &feed[0]["change_run"]),
        (&json!("deleted"), &json!(3))
    );
    let manifest = crate::program::read_json(&stage.path("feed.jsonl.manifest.json"));
    assert_eq!(
        manifest["changes"],
        json!({ "new": 0, "changed": 0, "deleted": 1, "reappeared": 0 })
    );
    assert_eq!(
        (&manifest["since_run"], &manifest["next_since_run"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(
        rows(&stage, &["--since-run", "3"]).await,
        Vec::<Value>::new()
    );
    // A run without an end may have more to write.
    stage
        .execute("update runs set finished_at = null where id = 3")
        .await;
    super::export(&stage, "feed.jsonl", &["--since-run", "3"]).await;
    let manifest = crate::program::read_json(&stage.path("feed.jsonl.manifest.json"));
    assert_eq!(manifest["next_since_run"], 2);
}
