//! Gateways that break one assumption of the walk each, for good: the real program on both
//! engines, and what must be true whatever it is met with.

mod count;
mod pages;

use std::collections::BTreeMap;

use convault::simulator::{CorpusOptions, Faults, SimulatorOptions};
use serde_json::Value;

use crate::program::{Ended, Engine, Stage};

/// Far more than any of these worlds is worth, and an end where a walk has none.
const REQUESTS_MAX: u64 = 4_000;

/// A gateway with conversations of these lengths.
async fn world(engine: Engine, lengths: &[u32], faults: Faults) -> Stage {
    let options = SimulatorOptions {
        corpus: CorpusOptions {
            seed: 9,
            lengths: lengths.to_vec(),
            ..CorpusOptions::default()
        },
        faults,
        ..SimulatorOptions::default()
    };
    Stage::new(engine, options).await
}

/// What a run came to.
#[derive(Debug)]
struct Run {
    ended: Ended,
    report: Value,
    requests: u64,
    states: BTreeMap<String, String>,
}

/// One run over everything, 20 messages a page. Whatever the gateway does: what is called
/// complete is all there, nothing is deleted that was not, and the run comes to an end.
async fn sync(stage: &Stage) -> Run {
    let run = sync_of_parts(stage).await;
    for id in stage.simulator.conversation_ids() {
        if run.state(&id) == "complete" {
            let lacking = lacking(stage, &id).await;
            assert!(
                lacking.is_empty(),
                "{id} is called complete and lacks {lacking:?}"
            );
        }
    }
    run
}

/// The same, where not everything that is listed can be read: what a waiver leaves out, or what
/// only one of two backends holds.
async fn sync_of_parts(stage: &Stage) -> Run {
    let before = stage.simulator.stats().requests;
    let budget = REQUESTS_MAX.to_string();
    let arguments = [
        "--page-size",
        "20",
        "--audit-share",
        "0",
        "--visibility-lag",
        "0s",
        "--max-requests",
        &budget,
    ];
    let (ended, report) = stage.sync(&arguments).await;
    let requests = stage.simulator.stats().requests - before;
    assert!(requests < REQUESTS_MAX, "it has no end: {}", ended.stderr);
    let states = "select id, state from v_conversations";
    let states: Vec<(String, String)> = stage.rows(states).await;
    let run = Run {
        ended,
        report,
        requests,
        states: states.into_iter().collect(),
    };
    for id in stage.simulator.conversation_ids() {
        assert_no_false_tombstone(stage, &id).await;
    }
    run
}

/// Listed messages that the archive lacks.
async fn lacking(stage: &Stage, id: &str) -> Vec<String> {
    let sql =
        format!("select id from v_messages where conversation_id = '{id}' and deleted_at is null");
    let archived = stage.texts(&sql).await;
    let listed = stage.simulator.contents(id).unwrap().into_iter();
    let listed = listed.map(|message| message.id);
    listed.filter(|id| !archived.contains(id)).collect()
}

async fn assert_no_false_tombstone(stage: &Stage, id: &str) {
    let sql = format!(
        "select id from v_messages where conversation_id = '{id}' and deleted_at is not null"
    );
    let ever_deleted = stage.simulator.ever_deleted(id).unwrap();
    for deleted in stage.texts(&sql).await {
        assert!(
            ever_deleted.contains(&deleted),
            "{deleted} of {id} was never deleted"
        );
    }
}

/// Every listed message of every conversation is in the archive.
async fn assert_all_stored(stage: &Stage) {
    for id in stage.simulator.conversation_ids() {
        let lacking = lacking(stage, &id).await;
        assert!(lacking.is_empty(), "of {id}: {lacking:?}");
    }
}

/// Nothing is deleted, nor waits for a second absence.
async fn assert_nothing_missing(stage: &Stage) {
    let sql = "select count(*) from v_messages
               where deleted_at is not null or missing_since is not null";
    assert_eq!(stage.number(sql).await, 0);
}

impl Run {
    fn state(&self, id: &str) -> &str {
        self.states.get(id).map_or("pending", String::as_str)
    }

    /// The classes of failure that the report names, sorted, without repetition.
    fn classes(&self) -> Vec<&str> {
        let failures = self.report["failures"].as_array().unwrap().iter();
        let mut classes: Vec<_> = failures
            .map(|failure| failure["class"].as_str().unwrap())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    #[track_caller]
    fn assert_complete(&self) {
        assert_eq!(self.ended.code, 0, "{}", self.ended.stderr);
    }

    /// Each conversation is partial for this reason.
    #[track_caller]
    fn assert_partial(&self, class: &str) {
        assert_eq!(self.ended.code, 3, "{}", self.ended.stderr);
        assert_eq!(self.classes(), [class], "{}", self.report);
        let counts = &self.report["conversations"];
        assert_eq!(counts["partial"], counts["listed"], "{}", self.report);
    }
}
