//! `convault plan` and the bound that `status` prints, by the real program on both engines.

use convault::simulator::{Faults, Simulator, SimulatorOptions};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::{
    postgres,
    program::{Ended, Engine, Stage, claims_on_both_engines, end, ended, latency, signal, small},
};

claims_on_both_engines! {
    a_probed_plan_is_what_sync_then_sends_and_nothing_is_written
    an_idle_plan_is_one_request_each_and_needs_no_token
    an_archive_that_a_run_holds_can_be_planned
    a_list_that_is_new_to_an_archive_is_told_apart
    what_stops_a_plan_has_the_code_that_it_has_elsewhere
    status_says_within_how_many_runs_everything_is_found
}

/// Conversations of many lengths.
fn mixed() -> SimulatorOptions {
    let mut options = small(12, 0);
    options.corpus.messages_each = None;
    options.corpus.messages = 1_500;
    options
}

fn list_everything(stage: &Stage) {
    let ids = stage.simulator.conversation_ids().join("\n");
    std::fs::write(stage.path("ids.txt"), ids).unwrap();
}

async fn plan(stage: &Stage, arguments: &[&str]) -> Value {
    let ended = stage.run(&[&["plan", "--json"], arguments].concat()).await;
    json_of(&ended)
}

#[track_caller]
fn json_of(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// How often the archive was ever written; nothing where there is none.
async fn writes(stage: &Stage) -> Option<i64> {
    match stage.engine() {
        Engine::Sqlite if !stage.archive_path().exists() => return None,
        Engine::Sqlite => {}
        Engine::Postgres => {
            let tables = "select count(*) from pg_tables where schemaname = 'public'";
            if stage.number(tables).await == 0 {
                return None;
            }
        }
    }
    Some(stage.number("select batch_seq from archive").await)
}

/// The bytes of the archive's file.
fn bytes(stage: &Stage) -> Option<Vec<u8>> {
    match stage.engine() {
        Engine::Sqlite => Some(std::fs::read(stage.archive_path()).unwrap()),
        Engine::Postgres => None,
    }
}

/// The archive's URL for somebody who may only read; in SQLite that is how `plan` opens it.
async fn read_only_url(stage: &Stage) -> String {
    if stage.engine() == Engine::Sqlite {
        return stage.database_url.clone();
    }
    let role = postgres::fresh_name();
    let mut connection = PgConnection::connect(&stage.database_url).await.unwrap();
    for statement in [
        format!("create role {role} login"),
        format!("grant select on all tables in schema public to {role}"),
    ] {
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let mut url = url::Url::parse(&stage.database_url).unwrap();
    url.set_username(&role).unwrap();
    url.to_string()
}

async fn a_probed_plan_is_what_sync_then_sends_and_nothing_is_written(engine: Engine) {
    let stage = Stage::new(engine, mixed()).await;
    list_everything(&stage);
    // The walks alone are held against the plan.
    let walks = ["--audit-share", "0"];
    let list = ["--ids-from", "ids.txt", "--probe"];
    let probed = plan(&stage, &[&list[..], &walks].concat()).await;
    assert_eq!(stage.simulator.stats().requests, 12, "one small one each");
    assert_eq!(probed["probed"]["asked"], 12);
    assert_eq!(probed["at_least"], false, "{probed}");
    assert_eq!(probed["classes"][0]["class"], "never_read");
    assert_eq!(probed["classes"][0]["messages"], 1_500);
    assert_eq!(writes(&stage).await, None, "no archive was made");
    if engine == Engine::Sqlite {
        let left: Vec<_> = std::fs::read_dir(stage.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["ids.txt"], "nothing beside it either");
    }

    let (ended, report) = stage.sync(&walks).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["requests"]["total"], probed["requests"], "{probed}");
    // Without a probe the lengths were not known.
    assert_eq!(report["requests"]["planned"], 24);
    assert_eq!(report["plan"]["planned"], 24);
    assert_eq!(report["plan"]["actual"], report["requests"]["total"]);
    assert_eq!(report["plan"]["at_least"], true);
    assert_eq!(report["plan"]["classes"][0]["class"], "never_read");
    assert!(
        ended.stderr.contains("planned were at least 24"),
        "{}",
        ended.stderr
    );
}

async fn an_idle_plan_is_one_request_each_and_needs_no_token(engine: Engine) {
    let stage = Stage::new(engine, small(7, 45)).await;
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let before = (writes(&stage).await, bytes(&stage));
    let asked = stage.simulator.stats().requests;

    let mut command = stage.command(&["plan", "--json"]);
    command
        .env("DATABASE_URL", read_only_url(&stage).await)
        .env_remove("IMBRACE_ACCESS_TOKEN");
    let idle = json_of(&end(&mut command).await);
    assert_eq!(
        (&idle["requests"], &idle["at_least"]),
        (&7.into(), &false.into())
    );
    assert_eq!(idle["classes"][0]["class"], "idle");
    // The lengths of complete conversations are known: there is nothing to ask for.
    let probed = plan(&stage, &["--probe"]).await;
    assert_eq!(
        (&probed["requests"], &probed["probed"]["asked"]),
        (&7.into(), &0.into())
    );
    let text = stage.run(&["plan", "--rate", "100/30m"]).await;
    for said in ["complete: what is new", "time at 100/30m: 1 min 48 s"] {
        assert!(text.stdout.contains(said), "{said}: {}", text.stdout);
    }
    assert_eq!(stage.simulator.stats().requests, asked, "nothing was asked");
    assert!(
        (writes(&stage).await, bytes(&stage)) == before,
        "the archive was written"
    );

    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        (&report["requests"]["planned"], &report["requests"]["total"]),
        (&7.into(), &7.into())
    );
    assert!(
        ended.stderr.contains("7 requests; planned were 7"),
        "{}",
        ended.stderr
    );
    let kept = "select cast(requests_planned as text) from v_runs order by id desc limit 1";
    assert_eq!(stage.texts(kept).await, ["7"]);
}

async fn an_archive_that_a_run_holds_can_be_planned(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(200),
        ..small(60, 5)
    };
    let stage = Stage::new(engine, options).await;
    let mut command = stage.sync_command(&["--concurrency", "1"]);
    let run = command.spawn().unwrap();
    stage.requests_reach(1).await;
    let planned = plan(&stage, &["--ids-from", "ids.txt"]).await;
    assert_eq!(planned["conversations"], 60);
    stage.simulator.set_faults(Faults::default());
    let run = ended(run).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    stage.assert_whole().await;
}

async fn a_list_that_is_new_to_an_archive_is_told_apart(engine: Engine) {
    let stage = Stage::new(engine, small(4, 130)).await;
    let ids = stage.simulator.conversation_ids();
    let synced = stage.run(&["sync", &ids[0], &ids[1], "conv_gone"]).await;
    assert_eq!(synced.code, 3, "{}", synced.stderr);
    let before = writes(&stage).await;
    let list = [&*ids[0], &ids[1], &ids[2], "conv_gone", "conv_new"];
    let known = plan(&stage, &list).await;
    let classes = known["classes"].as_array().unwrap().iter();
    let classes: Vec<_> = classes
        .map(|line| (line["class"].as_str().unwrap(), line["requests"].as_u64()))
        .collect();
    assert_eq!(
        classes,
        [
            ("never_read", Some(4)),
            ("idle", Some(2)),
            ("gone_or_forbidden", Some(1)),
        ]
    );
    assert_eq!(known["unsized_conversations"], 2);
    // Two of 130 messages take 4 requests each, those never read are taken to be like them; and
    // of eleven the sweep has one.
    assert_eq!(known["likely"]["requests"], 2 + 1 + 2 * 4 + 1);
    assert_eq!(known["likely"]["messages_each"], 130);

    let arguments = [&list[..], &["--probe", "--max-requests", "3"]].concat();
    let probed = plan(&stage, &arguments).await;
    // The one is gone, as the probe has shown; the other has its pages.
    assert_eq!(
        (&probed["requests"], &probed["at_least"]),
        (&(2 + 2 + 4).into(), &false.into()),
        "{probed}"
    );
    assert_eq!(probed["stops_early"]["option"], "--max-requests");
    assert_eq!(probed["stops_early"]["runs"], 3);
    assert_eq!(writes(&stage).await, before);
}

async fn what_stops_a_plan_has_the_code_that_it_has_elsewhere(engine: Engine) {
    let stage = Stage::new(engine, small(2, 5)).await;
    list_everything(&stage);
    let list = ["--ids-from", "ids.txt"];
    let code = async |arguments: &[&str], said: &str| {
        let ended = stage.run(&[&["plan"], arguments].concat()).await;
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "a plan that is none is not printed");
        ended.code
    };
    assert_eq!(code(&[], "--ids-from").await, 2, "neither list nor archive");
    assert_eq!(code(&["a b"], "spaces inside").await, 2);
    assert_eq!(code(&["conv_1", "--rate", "fast"], "100/30m").await, 2);

    let probe = [&list[..], &["--probe"]].concat();
    let mut wrong = stage.command(&[&["plan"][..], &probe].concat());
    wrong.env("IMBRACE_ACCESS_TOKEN", "api_not-the-token");
    let refused = end(&mut wrong).await;
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("renew the token"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("api_not-the-token"));
    let mut wrong = stage.command(&[&["plan"][..], &probe].concat());
    wrong.env_remove("IMBRACE_ACCESS_TOKEN");
    assert_eq!(end(&mut wrong).await.code, 2);
    // Port 1 of this machine: nothing listens there.
    let nowhere = [
        "--gateway-url",
        "http://127.0.0.1:1",
        "--give-up-after",
        "100ms",
    ];
    let nobody = [&probe[..], &nowhere].concat();
    assert_eq!(code(&nobody, "--probe").await, 5);

    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let other = Simulator::start(small(2, 5)).await.unwrap();
    let elsewhere = ["--gateway-url", &other.base_url()];
    assert_eq!(code(&elsewhere, "rename-gateway").await, 2);
    assert_eq!(other.stats().requests, 0);
    stage
        .execute(
            "insert into _sqlx_migrations
             (version, description, success, checksum, execution_time)
             select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
    assert_eq!(code(&list, "schema 9999").await, 8);
    let no_database = ["--db", "postgres://nobody@127.0.0.1:1/none"];
    assert_eq!(
        code(&[&list[..], &no_database].concat(), "cannot be reached").await,
        8
    );
}

async fn status_says_within_how_many_runs_everything_is_found(engine: Engine) {
    let stage = Stage::new(engine, small(5, 250)).await;
    let bound = async || {
        let status = stage.run(&["status", "--json"]).await;
        json_of(&status)["deep_edits"].take()
    };
    for _ in 0..3 {
        let (ended, _) = stage.sync(&["--audit-share", "0"]).await;
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    // 150 messages below the head of each, 96 a page.
    let none = bound().await;
    assert_eq!(
        (&none["pages"], &none["page_size"]),
        (&10.into(), &100.into())
    );
    assert_eq!(none["within_runs"], Value::Null);
    let said = stage.run(&["status"]).await.stdout;
    assert!(said.contains("no run has swept yet"), "{said}");

    // As three runs would leave it, six hours apart.
    for (run, swept, hour) in [(1, 0, "00"), (2, 2, "06"), (3, 1, "12")] {
        let times = format!("'2026-01-01T{hour}:00:00.000Z'");
        let sql = format!(
            "update runs set requests_swept = {swept}, started_at = {times},
             finished_at = {times} where id = {run}"
        );
        stage.execute(&sql).await;
    }
    let found = bound().await;
    assert_eq!(
        (&found["swept"], &found["swept_by_runs"]),
        (&3.into(), &3.into())
    );
    assert_eq!(found["within_runs"], 10);
    assert_eq!(found["within_seconds"], 10 * 6 * 3_600);
    let said = stage.run(&["status"]).await.stdout;
    let sentence = "Every edit and deletion is found within 10 runs (about 2 d 12 h at the last \
                    runs' pace): 10 pages of 100 to sweep, 3 swept by the last 3 runs.";
    assert!(said.contains(sentence), "{said}");
}

#[tokio::test]
async fn a_probe_that_is_interrupted_is_code_130_and_prints_no_plan() {
    let options = SimulatorOptions {
        faults: latency(200),
        ..small(100, 5)
    };
    let stage = Stage::new(Engine::Sqlite, options).await;
    list_everything(&stage);
    let arguments = ["plan", "--ids-from", "ids.txt", "--probe"];
    let mut command = stage.command(&[&arguments[..], &["--concurrency", "1"]].concat());
    let child = command.spawn().unwrap();
    stage.requests_reach(1).await;
    signal(&child, Signal::INT);
    let ended = ended(child).await;
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("nothing was written"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn phone_numbers_are_counted_by_fifties_and_looked_up_with_a_probe() {
    let stage = Stage::new(Engine::Sqlite, small(3, 5)).await;
    let phones: Vec<String> = (0..60).map(|n| format!("+85290000{n:03}")).collect();
    std::fs::write(stage.path("phones.txt"), phones.join("\n")).unwrap();
    let list = [
        "--phones-from",
        "phones.txt",
        "--organization-id",
        "org_demo",
    ];
    let planned = plan(&stage, &list).await;
    assert_eq!(planned["classes"][0]["class"], "discovery");
    assert_eq!(
        (&planned["requests"], &planned["at_least"]),
        (&2.into(), &true.into())
    );
    assert_eq!(planned["unsized_phones"], 60);
    assert_eq!(stage.simulator.stats().requests, 0);

    let probed = plan(&stage, &[&list[..], &["--probe"]].concat()).await;
    assert_eq!(
        stage.simulator.stats().requests,
        2,
        "nobody has these numbers"
    );
    assert_eq!(
        (&probed["requests"], &probed["at_least"]),
        (&2.into(), &false.into())
    );

    let real = stage.simulator.phone_numbers().join("\n");
    std::fs::write(stage.path("phones.txt"), real).unwrap();
    let probed = plan(&stage, &[&list[..], &["--probe"]].concat()).await;
    assert_eq!(probed["conversations"], 3, "{probed}");
    assert!(!stage.archive_path().exists());
    let sync = [&["sync", "--report", "report.json"][..], &list].concat();
    let (ended, report) = stage.checked(&mut stage.command(&sync)).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["requests"]["total"], probed["requests"]);
    // What was looked up once is known to the archive.
    let known = plan(&stage, &list).await;
    assert_eq!(
        (&known["requests"], &known["at_least"]),
        (&(1 + 3).into(), &false.into())
    );
}
