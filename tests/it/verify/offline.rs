//! What holds of an archive that nobody has damaged.

use super::{
    place::{Lived, STEPS},
    rare::WORLDS,
};
use crate::program::{Engine, Stage, small};

/// What is there after the steps of a life, so that each thing that is checked is.
const LIVED: &[(&str, &str)] = &[
    (
        "edits",
        "select count(*) from message_versions where event = 'edited'",
    ),
    (
        "tombstones",
        "select count(*) from messages where deleted_at is not null",
    ),
    (
        "missing",
        "select count(*) from messages where missing_since is not null and deleted_at is null",
    ),
    (
        "gone",
        "select count(*) from conversations where state = 'gone'",
    ),
    (
        "partial",
        "select count(*) from conversations where state = 'partial'",
    ),
    (
        "second covers",
        "select count(*) from coverage_pieces where layer = 1",
    ),
    (
        "settled pieces",
        "select count(*) from coverage_pieces where settled",
    ),
    (
        "runs cut short",
        "select count(*) from runs where exit_code = 5",
    ),
];

/// What is there after the rare worlds.
const MET: &[(&str, &str)] = &[
    (
        "killed",
        "select count(*) from runs where finished_at is null",
    ),
    ("refused", "select count(*) from runs where exit_code = 4"),
    (
        "waived",
        "select count(*) from runs where conversations_waived > 0",
    ),
    (
        "reappeared",
        "select count(*) from message_versions where event = 'reappeared'",
    ),
    (
        "without a time",
        "select count(*) from messages where created_at is null",
    ),
    (
        "the gateway's clock ahead",
        "select count(*) from messages
                 where created_at > (select max(finished_at) from runs)",
    ),
];

pub(super) async fn an_archive_has_no_finding_after_anything_that_a_run_does(engine: Engine) {
    let lived = Lived::begin(engine).await;
    for step in 0..STEPS {
        lived.step(step).await;
        let ended = lived.verify(&["--visibility-lag", "10m"]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (0, ""),
            "after step {step}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("nothing is wrong"),
            "{}",
            ended.stderr
        );
    }
    assert_there(&lived, LIVED).await;
    let ended = lived.verify(&["--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["findings_total"], 0);
    assert_eq!(json["checked"]["conversations"], 6);
    assert_eq!(json["checked"]["runs"], STEPS);
    let messages = lived.stage.number("select count(*) from messages").await;
    assert_eq!(json["checked"]["messages"], messages);
    let versions = "select count(*) from message_versions";
    assert_eq!(
        json["checked"]["versions"],
        lived.stage.number(versions).await
    );
    for (number, world) in WORLDS.iter().enumerate() {
        lived.rare(number).await;
        let ended = lived.verify(&[]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (0, ""),
            "{world}: {}",
            ended.stderr
        );
    }
    assert_there(&lived, MET).await;
}

/// The scene is what it is meant to be: each thing that is checked is there.
async fn assert_there(lived: &Lived, things: &[(&str, &str)]) {
    for (what, sql) in things {
        assert!(lived.stage.number(sql).await > 0, "no {what}");
    }
}

pub(super) async fn chosen_conversations_alone_are_checked(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    let damaged = lived.id(0);
    copy.execute(&format!(
        "update conversations set live_count = live_count + 1 where id = '{damaged}'"
    ))
    .await;
    let other = lived.id(1);
    let ended = copy.run(&["verify", &other]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("Checked 1 conversation,"),
        "{}",
        ended.stderr
    );
    let list = lived.stage.path("some.txt");
    std::fs::write(&list, format!("# two of them\n{other}\n{damaged}\n")).unwrap();
    let ended = copy.run(&["verify", "--ids-from", "some.txt"]).await;
    assert_eq!(ended.code, 7, "{}", ended.stderr);
    assert!(ended.stdout.starts_with("live_count"), "{}", ended.stdout);
    assert!(ended.stdout.contains(&damaged), "{}", ended.stdout);
    let ended = copy.run(&["verify", "conv_unknown"]).await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("does not know conv_unknown"),
        "{}",
        ended.stderr
    );
    copy.drop().await;
}

/// A run holds the archive and writes; the check needs no lock, and sees one state.
pub(super) async fn a_run_beside_it_and_the_archive_are_left_alone(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let before = digest(&lived.stage).await;
    let ended = lived.verify(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(before == digest(&lived.stage).await, "verify has written");

    let options = convault::simulator::SimulatorOptions {
        faults: crate::program::latency(10),
        ..small(8, 200)
    };
    let stage = Stage::new(engine, options).await;
    let mut run = stage
        .sync_command(&["--page-size", "20", "--concurrency", "3"])
        .spawn()
        .unwrap();
    stage.requests_reach(10).await;
    let mut checks = 0;
    while run.try_wait().unwrap().is_none() {
        let ended = stage.run(&["verify"]).await;
        assert_eq!(ended.code, 0, "{} {}", ended.stdout, ended.stderr);
        checks += 1;
    }
    assert!(checks > 0);
    assert_eq!(crate::program::ended(run).await.code, 0);
    stage.assert_whole().await;
}

/// Every byte of the file, or every row that a write of the program would touch.
pub(super) async fn digest(stage: &Stage) -> Vec<u8> {
    match stage.engine() {
        Engine::Sqlite => std::fs::read(stage.archive_path()).unwrap(),
        Engine::Postgres => {
            // What any write of the program raises, and how many rows were ever written.
            let sql = "select epoch || ' ' || batch_seq from archive";
            stage.texts(sql).await.join(" ").into_bytes()
        }
    }
}
