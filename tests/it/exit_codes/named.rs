//! An archive in SQLite is a file and not a name: two names of one file never make two runs, and a
//! run whose file is moved, replaced or removed ends with code 8 and counts nothing that is lost.

use std::{fs, os::unix::fs::symlink, path::Path};

use convault::simulator::{Faults, SimulatorOptions};
use sqlx::{Connection as _, SqliteConnection};
use tokio::process::Child;

use crate::program::{Ended, Engine, Stage, ended, latency, small};

const CONVERSATIONS: u32 = 20;
const EACH: u32 = 100;

/// A run that is in its middle when this returns: something is committed, more is to come.
async fn in_the_middle() -> (Stage, Child) {
    let options = SimulatorOptions {
        faults: latency(20),
        ..small(CONVERSATIONS, EACH)
    };
    let stage = Stage::new(Engine::Sqlite, options).await;
    let arguments = ["--page-size", "20", "--concurrency", "2"];
    let child = stage.sync_command(&arguments).spawn().unwrap();
    stage.requests_reach(20).await;
    while stage.number("select count(*) from v_messages").await == 0 {
        tokio::task::yield_now().await;
    }
    (stage, child)
}

/// Lets it run on at full speed.
async fn at_its_end(stage: &Stage, child: Child) -> Ended {
    stage.simulator.set_faults(Faults::default());
    ended(child).await
}

/// Code 8, in words that name the file and what became of it.
fn assert_told(stage: &Stage, ended: &Ended, how: &str) {
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let told = format!("{} {how}", stage.archive_path().display());
    assert!(ended.stderr.contains(&told), "{told}: {}", ended.stderr);
}

/// How many messages a file holds, by its own name and its own log.
async fn messages_in(path: &Path) -> i64 {
    let mut connection = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let sound: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(sound, "ok");
    sqlx::query_scalar("select count(*) from v_messages")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// The next run ends in the gateway's truth.
async fn assert_goes_on(stage: &Stage) {
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
    assert!(messages_in(stage.archive_path()).await > 0);
}

#[tokio::test]
async fn a_file_with_a_second_name_is_not_written_by_either() {
    let stage = Stage::new(Engine::Sqlite, small(2, 5)).await;
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let second = stage.path("second.db");
    fs::hard_link(stage.archive_path(), &second).unwrap();
    let before = stage.simulator.stats().requests;
    let url = format!("sqlite:{}", second.display());
    for arguments in [&[][..], &["--db", &url]] {
        let (ended, report) = stage.sync(arguments).await;
        assert_eq!(ended.code, 8, "{}", ended.stderr);
        assert!(ended.stderr.contains("2 names"), "{}", ended.stderr);
        assert_eq!(report["outcome"], "database");
    }
    assert_eq!(stage.simulator.stats().requests, before);
    let status = stage.run(&["status"]).await;
    assert_eq!(status.code, 0, "looking is free: {}", status.stderr);
    fs::remove_file(second).unwrap();
    assert_goes_on(&stage).await;
}

#[tokio::test]
async fn links_to_the_file_and_to_its_folder_meet_the_same_lock() {
    let (stage, child) = in_the_middle().await;
    // It does not end before the others have tried.
    stage.simulator.set_faults(latency(10_000));
    symlink(stage.archive_path(), stage.path("link.db")).unwrap();
    symlink(stage.folder.path(), stage.path("folder")).unwrap();
    for name in ["link.db", "folder/archive.db", "folder/link.db"] {
        let url = format!("sqlite:{}", stage.path(name).display());
        let second = stage.run(&["sync", "conv_1", "--db", &url]).await;
        assert_eq!(second.code, 6, "{name}: {}", second.stderr);
    }
    let ended = at_its_end(&stage, child).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

#[tokio::test]
async fn a_file_that_is_replaced_in_mid_run_ends_it_and_both_files_are_sound() {
    let (stage, child) = in_the_middle().await;
    let away = stage.path("away.db");
    let other = Stage::new(Engine::Sqlite, small(1, 7)).await;
    let (made, _) = other.sync(&[]).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let new = stage.path("new.db");
    fs::copy(other.archive_path(), &new).unwrap();
    // The old one keeps another name, so that it can be looked at.
    fs::rename(stage.archive_path(), &away).unwrap();
    fs::rename(&new, stage.archive_path()).unwrap();
    let ended = at_its_end(&stage, child).await;
    // It may have seen the name between the two.
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let told = ["was replaced by another file", "was removed"];
    assert!(
        told.iter().any(|how| ended.stderr.contains(how)),
        "{}",
        ended.stderr
    );
    let report = stage.report(8);
    let kept = messages_in(&away).await;
    let last = report["messages"]["new"].as_i64().unwrap();
    // A transaction whose end found the name gone is there, and not counted.
    assert!((1..=kept).contains(&last), "{last} of {kept}");
    assert!(kept < i64::from(CONVERSATIONS * EACH), "{kept}");
    assert_eq!(
        messages_in(stage.archive_path()).await,
        7,
        "it is as it was put"
    );
}

#[tokio::test]
async fn a_file_that_is_overwritten_by_a_rename_in_mid_run_ends_it() {
    let (stage, child) = in_the_middle().await;
    fs::write(stage.path("empty.db"), "").unwrap();
    fs::rename(stage.path("empty.db"), stage.archive_path()).unwrap();
    let ended = at_its_end(&stage, child).await;
    assert_told(&stage, &ended, "was replaced by another file");
    assert_eq!(stage.report(8)["outcome"], "database");
    assert_goes_on(&stage).await;
}

#[tokio::test]
async fn a_file_that_is_removed_in_mid_run_ends_it() {
    let (stage, child) = in_the_middle().await;
    fs::remove_file(stage.archive_path()).unwrap();
    let ended = at_its_end(&stage, child).await;
    assert_told(&stage, &ended, "was removed");
    let report = stage.report(8);
    assert!(report["conversations"]["not_reached"].as_u64().unwrap() > 0);
    assert_goes_on(&stage).await;
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_in_mid_run_ends_it() {
    let options = SimulatorOptions {
        faults: latency(20),
        ..small(CONVERSATIONS, EACH)
    };
    let mut stage = Stage::new(Engine::Sqlite, options).await;
    let (first, link) = (stage.archive_path().to_owned(), stage.path("current.db"));
    symlink(&first, &link).unwrap();
    fs::write(&first, "").unwrap();
    stage.database_url = format!("sqlite:{}", link.display());
    let arguments = ["--page-size", "20", "--concurrency", "2"];
    let child = stage.sync_command(&arguments).spawn().unwrap();
    stage.requests_reach(20).await;
    fs::write(stage.path("next.db"), "").unwrap();
    symlink(stage.path("next.db"), stage.path("other")).unwrap();
    fs::rename(stage.path("other"), &link).unwrap();
    let ended = at_its_end(&stage, child).await;
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let told = "archive.db was replaced by another file";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_goes_on(&stage).await;
}

#[tokio::test]
async fn a_log_or_shared_memory_that_is_removed_in_mid_run_ends_it_and_nothing_is_lost() {
    for suffix in ["-wal", "-shm"] {
        let (stage, child) = in_the_middle().await;
        let beside = format!("{}{suffix}", stage.archive_path().display());
        fs::remove_file(beside).unwrap();
        let ended = at_its_end(&stage, child).await;
        assert_told(
            &stage,
            &ended,
            "lost its log (-wal) or shared memory (-shm)",
        );
        let report = stage.report(8);
        let kept = messages_in(stage.archive_path()).await;
        let told = report["messages"]["new"].as_i64().unwrap();
        assert!((1..=kept).contains(&told), "{suffix}: {told} of {kept}");
        assert_goes_on(&stage).await;
    }
}
