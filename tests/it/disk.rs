//! The disk fails: no room, writes and syncs that are refused. The run says so, claims nothing
//! that the archive does not hold, and the next one ends in the gateway's truth.
//!
//! strace lets the calls of the real program fail, so this needs no disk of its own. It counts
//! the calls of each thread by itself; a place is a call that no other thread made before.

mod full;
mod refused;
mod report;

use crate::{
    program::{Ended, Stage, read_json},
    scenario::Scenario,
    strace::{self, Call, Made, Traced},
};

/// What reaches the archive's files.
const WRITES: [&str; 7] = [
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "unlink",
    "rename",
];

/// The files that SQLite writes.
fn files(stage: &Stage) -> Vec<String> {
    let archive = stage.archive_path().display();
    let files = ["", "-journal", "-wal", "-shm"].map(|suffix| format!("{archive}{suffix}"));
    files.to_vec()
}

/// Runs the scenario under strace with this expression.
async fn run(scenario: &mut Scenario, paths: &[String], inject: &[String]) -> (Ended, Vec<Made>) {
    scenario.begin().await;
    let log = scenario.stage.path("calls.log");
    let traced = Traced::spawn(&scenario.command(), &log, &WRITES, paths, inject);
    traced.ended().await
}

/// The calls of this name to the archive's files that a fault can be put at.
async fn places(scenario: &mut Scenario, name: &str) -> Vec<Call> {
    let paths = files(&scenario.stage);
    let (ended, made) = run(scenario, &paths, &[]).await;
    assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
    let mut named = strace::named(&made, |made| made.name == name);
    named.retain(|call| call.threads == 1);
    named
}

/// So many of them, the first and the last included; all, where there are no more.
fn spread(calls: &[Call], count: usize) -> Vec<Call> {
    let (count, last) = (count.clamp(2, calls.len()), calls.len() - 1);
    let places = (0..count).map(|place| place * last / (count - 1));
    places.map(|place| calls[place].clone()).collect()
}

/// The run ended with the database's code, in words that name the file and say what to do.
fn assert_told(stage: &Stage, ended: &Ended, advice: &str, place: &str) {
    assert_eq!(ended.code, 8, "{place}: {}", ended.stderr);
    let archive = stage.archive_path().display().to_string();
    for part in [archive.as_str(), advice] {
        assert!(
            ended.stderr.contains(part),
            "{place}: no {part:?} in {}",
            ended.stderr
        );
    }
    let report = read_json(&stage.path("report.json"));
    assert_eq!(report["outcome"], "database", "{place}: {report}");
    assert_eq!(report["exit_code"], 8, "{place}: {report}");
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains(&archive), "{place}: {reason}");
}
