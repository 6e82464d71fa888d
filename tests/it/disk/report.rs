//! The report cannot be written. What the run did stays, and nothing half is under its name.

use tokio::process::Command;

use crate::{
    program::{Ended, Engine, Stage, small},
    strace::{self, Made, Traced},
};

const CALLS: [&str; 3] = ["write", "fsync", "rename"];

fn is_of_the_report(made: &Made) -> bool {
    made.text.contains(".report.json.")
}

/// Runs with the first call of this name about the report refused.
async fn refuse(stage: &Stage, command: &Command, name: &str) -> Ended {
    let log = stage.path("calls.log");
    let report = stage.path("report.json");
    let traced = Traced::spawn(command, &log, &CALLS, &[], &[]);
    let (_, made) = traced.ended().await;
    let named = strace::named(&made, |made| made.name == name && is_of_the_report(made));
    let nth = named.first().expect("a report was written").nth;

    std::fs::write(&report, "the last one").unwrap();
    let inject = format!("inject={name}:error=ENOSPC:when={nth}");
    let traced = Traced::spawn(command, &log, &CALLS, &[], &[inject]);
    let (ended, made) = traced.ended().await;
    let refused: Vec<_> = made
        .iter()
        .filter(|made| made.text.contains("(INJECTED)"))
        .collect();
    assert!(
        matches!(refused.as_slice(), [one] if is_of_the_report(one)),
        "{name}: {refused:?}"
    );
    let told = "writing the report report.json: No space left on device";
    assert!(ended.stderr.contains(told), "{name}: {}", ended.stderr);
    assert!(ended.stderr.contains("convault status"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&report).unwrap(), "the last one");
    let files = std::fs::read_dir(stage.folder.path()).unwrap();
    let half = files.filter(|file| {
        let file = file.as_ref().unwrap().file_name();
        file.to_string_lossy().starts_with(".report.json")
    });
    assert_eq!(half.count(), 0, "{name}: something is left beside it");
    ended
}

#[tokio::test]
async fn a_report_that_cannot_take_its_place_leaves_the_last_one_and_the_archive_alone() {
    strace::assert_permitted().await;
    let stage = Stage::new(Engine::Sqlite, small(3, 30)).await;
    let ended = refuse(&stage, &stage.sync_command(&[]), "rename").await;
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("Complete in"), "{}", ended.stderr);
    assert_eq!(stage.last_outcome().await, "complete");
    stage.assert_whole().await;
}

/// Of a run that ends before it begins, which makes the same calls each time.
#[tokio::test]
async fn a_report_that_finds_no_room_leaves_the_last_one_and_the_exit_code_alone() {
    strace::assert_permitted().await;
    let stage = Stage::new(Engine::Sqlite, small(1, 1)).await;
    let arguments = [
        "sync",
        "--ids-from",
        "no-list.txt",
        "--report",
        "report.json",
    ];
    for name in ["write", "fsync"] {
        let ended = refuse(&stage, &stage.command(&arguments), name).await;
        assert_eq!(ended.code, 2, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("no-list.txt"), "{}", ended.stderr);
    }
}
