//! A write or a sync is answered with EIO, once or from then on.

use super::{WRITES as CALLS, assert_told, files, places, run, spread};
use crate::{
    effort,
    program::{Engine, Stage, small},
    scenario::{Scenario, Story},
    strace::{self, Call, Made, Traced},
};

/// Places of each story where a write is refused.
const WRITES: usize = 13;

fn refuse(call: &Call, for_good: bool) -> String {
    let on = if for_good { "+" } else { "" };
    format!("inject={}:error=EIO:when={}{on}", call.name, call.nth)
}

/// Nothing more reaches a file whose sync failed: the next sync would be told that all is well.
/// But for a new archive that is rolled back to nothing, before there is a log.
fn assert_not_tried_again(made: &[Made], place: &str) {
    for (number, call) in made.iter().enumerate() {
        if call.name != "fsync" || !call.text.contains("(INJECTED)") {
            continue;
        }
        let file = call.file().expect("a sync is of a file");
        let again: Vec<_> = made[number + 1..]
            .iter()
            .filter(|later| later.file() == Some(file))
            .collect();
        if let [emptied, synced] = again.as_slice()
            && emptied.text.starts_with("ftruncate(")
            && emptied.text.contains(">, 0)")
            && synced.name == "fsync"
        {
            continue;
        }
        assert!(
            again.is_empty(),
            "{place}: {file} was touched again: {again:#?}"
        );
    }
}

/// The transaction that is written beside it may still go into the log; nothing syncs it, so that
/// nobody is told that all is well.
fn assert_not_synced_again(made: &[Made], place: &str) {
    let syncs: Vec<_> = made.iter().filter(|call| call.name == "fsync").collect();
    let refused = syncs
        .iter()
        .position(|call| call.text.contains("(INJECTED)"))
        .expect("a sync was refused");
    let file = syncs[refused].file().expect("a sync is of a file");
    let again = syncs[refused + 1..]
        .iter()
        .filter(|later| later.file() == Some(file));
    assert_eq!(again.count(), 0, "{place}: {file} was synced again");
}

/// Whether the run came so far: how many writes it makes hangs on how pages fell into batches.
async fn refuse_at(scenario: &mut Scenario, call: &Call, for_good: bool) -> bool {
    let place = format!("{call:?}, for good: {for_good}");
    let paths = files(&scenario.stage);
    let (ended, made) = run(scenario, &paths, &[refuse(call, for_good)]).await;
    if !made.iter().any(|made| made.text.contains("(INJECTED)")) {
        assert!([0, 3].contains(&ended.code), "{place}: {}", ended.stderr);
        return false;
    }
    assert_told(&scenario.stage, &ended, "disk", &place);
    assert_not_tried_again(&made, &place);
    scenario.assert_that_it_goes_on(&place).await;
    true
}

async fn refuse_each(name: &str, limit: Option<usize>) -> usize {
    strace::assert_permitted().await;
    let mut count = 0;
    for story in [Story::NewArchive, Story::Changes] {
        let mut scenario = Scenario::new(Engine::Sqlite, story).await;
        let calls = places(&mut scenario, name).await;
        let chosen = limit.map_or(calls.clone(), |limit| spread(&calls, limit));
        for (number, call) in chosen.iter().enumerate() {
            let ways = match limit {
                Some(_) => vec![number % 2 == 0],
                None => vec![false, true],
            };
            for for_good in ways {
                let mut call = call.clone();
                while !refuse_at(&mut scenario, &call, for_good).await {
                    call.nth -= 1;
                }
                count += 1;
            }
        }
    }
    println!("{name}: {count} places");
    count
}

#[tokio::test]
async fn a_write_that_is_refused_ends_the_run_and_costs_nothing_that_was_claimed() {
    let places = effort::count("CONVAULT_TEST_PLACES", WRITES);
    assert!(refuse_each("pwrite64", Some(places)).await >= 25);
}

#[tokio::test]
async fn a_sync_that_is_refused_is_never_tried_again_and_never_called_success() {
    assert!(refuse_each("fsync", None).await >= 20);
}

/// The log is carried over in the middle of a run, beside what is being written, once it is some
/// 16 MiB long; an error there counts as one of a commit does.
#[tokio::test]
async fn a_sync_that_is_refused_in_the_middle_of_a_run_ends_it() {
    strace::assert_permitted().await;
    let stage = Stage::new(Engine::Sqlite, small(150, 240)).await;
    let arguments = ["--concurrency", "1", "--page-size", "40"];
    let first = stage.simulator.conversation_ids().remove(0);
    let ended = stage.run(&["sync", &first]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let log = stage.path("calls.log");
    let file = stage.archive_path().display().to_string();
    let beginning = std::fs::read(&file).unwrap();
    // Of the log, the first sync is that of its head.
    for (path, nth) in [(format!("{file}-wal"), 2), (file, 1)] {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", stage.archive_path().display()));
        }
        std::fs::write(stage.archive_path(), &beginning).unwrap();
        let inject = format!("inject=fsync:error=EIO:when={nth}");
        let command = stage.sync_command(&arguments);
        let traced = Traced::spawn(
            &command,
            &log,
            &CALLS,
            std::slice::from_ref(&path),
            &[inject],
        );
        let (ended, made) = traced.ended().await;
        assert_told(&stage, &ended, "disk", &path);
        assert_not_synced_again(&made, &path);
        let complete = "select count(*) from v_conversations where state = 'complete'";
        let complete = stage.number(complete).await;
        // How far it came by then hangs on when the disk was asked; at the latest it is told at the end.
        assert!((2..=150).contains(&complete), "{path}: {complete} by then");
    }
    let (ended, _) = stage.sync(&arguments).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

/// SQLite looks away when the folder of a new archive cannot be synced.
#[tokio::test]
async fn a_new_archive_whose_name_is_not_durable_is_not_called_success() {
    strace::assert_permitted().await;
    let stage = Stage::new(Engine::Sqlite, small(1, 3)).await;
    let folder = stage.folder.path().display().to_string();
    let log = stage.path("calls.log");
    let inject = "inject=fsync:error=EIO:when=1".to_owned();
    let command = stage.sync_command(&[]);
    let traced = Traced::spawn(&command, &log, &CALLS, &[folder], &[inject]);
    let (ended, _) = traced.ended().await;
    assert_told(&stage, &ended, "disk", "the folder");
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}
