//! `convault renormalize`: what was damaged by hand or by a kill is as it was before.

use convault::simulator::SimulatorOptions;
use rustix::process::Signal;

use super::place::{Copy, Lived};
use crate::program::{Engine, Stage, ended, signal, small};

/// Everything that follows from raw JSON, damaged in each way.
const DAMAGE: &str = "
    update messages set text = 'canary', type = 'canary', media_kind = 'canary', title = 'canary',
           created_at = null, updated_at = null, is_mail = null, sender_id = 'canary',
           digest = blob'00112233445566778899aabbccddeeff'
    where key <= 300 and key not in (select message_key from absences);
    update messages set organization_id = null, business_unit_id = null, stream_sequence = 7
    where key > 200;
    delete from quick_replies;
    update quick_reply_options set title = 'canary' where position = 0;
    delete from quick_reply_options where position = 1;
    insert into quick_reply_options (message_key, position) values (1, 77);
    update attachments set url = 'canary', host = null;
    insert into locations (message_key, latitude) values (1, 22.5);
    insert into shared_contacts (message_key, position, name) values (2, 0, 'canary');
    delete from template_variables;
    delete from anomalies where kind <> 'created_at_changed';
    insert into anomalies (message_key, version, position, kind, path, detail)
    values (3, 1, 0, 'too_deep', '', 'canary');
    delete from senders where kind = 'contact';
    update senders set kind = 'unknown';
    update message_changes set path = 'canary', after = null where position = 0;
    delete from message_changes where position > 0;
    update conversations set live_count = live_count + 3";

/// Every row of the tables that may change.
const TABLES: [&str; 13] = [
    "message_changes",
    "messages",
    "message_versions",
    "quick_replies",
    "quick_reply_options",
    "attachments",
    "locations",
    "shared_contacts",
    "template_variables",
    "anomalies",
    "senders",
    "conversations",
    "absences",
];

async fn dump(copy: &Copy<'_>) -> Vec<Vec<String>> {
    let mut dump = Vec::new();
    for table in TABLES {
        dump.push(copy.rows_of(table).await);
    }
    dump
}

pub(super) async fn what_was_damaged_is_as_it_was_before(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    let before = dump(&copy).await;
    let requests = lived.stage.simulator.stats().requests;

    let idle = copy.run(&["renormalize"]).await;
    assert_eq!(idle.code, 0, "{}", idle.stderr);
    assert!(
        idle.stderr.contains("0 changed (0 rows written)"),
        "{}",
        idle.stderr
    );
    assert!(dump(&copy).await == before, "nothing was to be written");

    copy.execute(DAMAGE).await;
    assert!(dump(&copy).await != before);
    let (json, code) = copy.verify().await;
    assert_eq!(code, 7, "{json}");
    let ended = copy.run(&["renormalize"]).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("counted again"), "{}", ended.stderr);
    let after = dump(&copy).await;
    for ((table, before), after) in TABLES.iter().zip(&before).zip(&after) {
        assert!(before == after, "{table} differs");
    }
    let (json, code) = copy.verify().await;
    assert_eq!(code, 0, "{json}");
    assert_eq!(
        lived.stage.simulator.stats().requests,
        requests,
        "no request"
    );
    let runs = copy
        .texts("select outcome from runs where command = 'renormalize' order by id")
        .await;
    assert_eq!(runs, ["complete", "complete"]);
    copy.drop().await;
}

/// Derived rows of damaged raw JSON stay, and the person is told.
pub(super) async fn damaged_raw_is_left_alone_and_told(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    copy.execute(
        "update message_versions set raw = '{}' where message_key = 1;
         update messages set text = 'canary' where key in (1, 2)",
    )
    .await;
    let ended = copy.run(&["renormalize"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("1 version left as they are"),
        "{}",
        ended.stderr
    );
    let left = "select cast(key as text) from messages where text = 'canary'";
    assert_eq!(copy.texts(left).await, ["1"]);
    let (json, code) = copy.verify().await;
    assert_eq!(
        (code, &json["findings_by_check"]["raw_hash"]),
        (7, &1.into()),
        "{json}"
    );
    copy.drop().await;
}

/// What an earlier convault did not recognise is recognised now: its oddity goes, its rows come.
pub(super) async fn what_was_not_recognised_then_is_recognised_now(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    let options = "select count(*) from quick_reply_options";
    let before = copy
        .texts(&format!("select cast(({options}) as text)"))
        .await;
    copy.execute(
        "insert into anomalies (message_key, version, position, kind, path, detail)
         select key, 1, 50, 'unknown_type', 'type', 'not known' from messages
         where type = 'response';
         delete from quick_reply_options",
    )
    .await;
    assert_eq!(copy.verify().await.1, 7);
    let ended = copy.run(&["renormalize"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        copy.texts(&format!("select cast(({options}) as text)"))
            .await,
        before
    );
    let unknown = "select kind from anomalies where kind = 'unknown_type' and position = 50";
    assert_eq!(copy.texts(unknown).await, Vec::<String>::new());
    assert_eq!(copy.verify().await.1, 0);
    copy.drop().await;
}

fn many() -> SimulatorOptions {
    small(12, 500)
}

const RENORMALIZED_TO: &str = "select coalesce(renormalized_to, 0) from archive";

/// Waits until some batches are committed.
async fn some_batches(stage: &Stage, child: &mut tokio::process::Child, beyond: i64) {
    while stage.number(RENORMALIZED_TO).await <= beyond {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

pub(super) async fn one_that_was_killed_or_told_to_stop_goes_on_where_it_was(engine: Engine) {
    let stage = Stage::new(engine, many()).await;
    let (synced, _) = stage.sync(&[]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    let before = stage
        .texts("select coalesce(text, '') from messages order by key")
        .await;
    stage.execute("update messages set text = 'canary'").await;

    let mut child = stage.command(&["renormalize"]).spawn().unwrap();
    some_batches(&stage, &mut child, 0).await;
    signal(&child, Signal::STOP);
    let second = stage.run(&["renormalize"]).await;
    assert_eq!(second.code, 6, "{}", second.stderr);
    signal(&child, Signal::KILL);
    child.wait().await.unwrap();
    let reached = stage.number(RENORMALIZED_TO).await;
    assert!(reached > 0, "the mark outlives the kill");
    let wrong = "select count(*) from messages where text = 'canary' and key <= ";
    assert_eq!(stage.number(&format!("{wrong}{reached}")).await, 0);

    let mut child = stage.command(&["renormalize"]).spawn().unwrap();
    some_batches(&stage, &mut child, reached).await;
    signal(&child, Signal::TERM);
    let stopped = ended(child).await;
    assert_eq!(stopped.code, 143, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("The next one goes on there"),
        "{}",
        stopped.stderr
    );
    assert!(stage.number(RENORMALIZED_TO).await > reached);

    let last = stage.run(&["renormalize"]).await;
    assert_eq!(last.code, 0, "{}", last.stderr);
    assert!(
        last.stderr.contains("Went on where the last one"),
        "{}",
        last.stderr
    );
    let after = stage
        .texts("select coalesce(text, '') from messages order by key")
        .await;
    assert!(after == before, "the words are back");
    assert_eq!(stage.number(RENORMALIZED_TO).await, 0);
    assert_eq!(stage.run(&["verify"]).await.code, 0);
    let outcomes = "select coalesce(outcome, 'killed') from runs where command = 'renormalize'";
    assert_eq!(
        stage.texts(&format!("{outcomes} order by id")).await,
        ["killed", "terminated", "complete"]
    );
}

/// `--restart` begins anew; so does another version of the program.
pub(super) async fn an_interrupted_one_is_begun_anew_where_that_is_asked_for(engine: Engine) {
    let lived = Lived::ended(engine).await;
    let copy = lived.copy().await;
    copy.keep().await;
    for (arguments, version, resumes) in [
        (&["renormalize"][..], env!("CARGO_PKG_VERSION"), true),
        (
            &["renormalize", "--restart"],
            env!("CARGO_PKG_VERSION"),
            false,
        ),
        (&["renormalize"], "0.0.1", false),
    ] {
        copy.restore().await;
        copy.execute(&format!(
            "update messages set text = 'canary' where key = 1;
             update archive set renormalized_to = 100;
             insert into runs (id, command, program_version, holder, started_at)
             values (90, 'renormalize', '{version}', 'x', '2025-01-01T00:00:00.000Z')"
        ))
        .await;
        let ended = copy.run(arguments).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let damaged = copy
            .texts("select text from messages where text = 'canary'")
            .await;
        assert_eq!(
            damaged.len(),
            usize::from(resumes),
            "{arguments:?} {version}"
        );
        assert_eq!(
            ended.stderr.contains("Went on"),
            resumes,
            "{}",
            ended.stderr
        );
    }
    copy.drop().await;
}
