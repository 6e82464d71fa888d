//! Codes that the archive is the reason of: 2 (another gateway's), 6 (held) and 8.

use convault::simulator::{Faults, Simulator, SimulatorOptions};

use crate::program::{Engine, Stage, claims_on_both_engines, ended, latency, small};

claims_on_both_engines! {
    an_archive_of_another_gateway_is_code_2_until_it_is_renamed
    a_held_archive_is_code_6_and_names_its_holder_and_age
    a_newer_schema_is_code_8_for_every_command
    an_archive_that_is_put_back_to_an_earlier_state_in_mid_run_ends_it
}

async fn an_archive_of_another_gateway_is_code_2_until_it_is_renamed(engine: Engine) {
    let stage = Stage::new(engine, small(2, 5)).await;
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let other = Simulator::start(small(2, 5)).await.unwrap();
    let (ours, theirs) = (stage.simulator.base_url(), other.base_url());
    let elsewhere = ["--gateway-url", &theirs];
    let (ended, report) = stage.sync(&elsewhere).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&ours) && ended.stderr.contains(&theirs),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("rename-gateway"), "{}", ended.stderr);
    assert_eq!(report["outcome"], "configuration");
    assert_eq!(other.stats().requests, 0, "it was not asked");

    let renamed = stage.run(&["rename-gateway", &ours, &theirs]).await;
    assert_eq!(renamed.code, 0, "{}", renamed.stderr);
    let (ended, _) = stage.sync(&elsewhere).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
}

async fn a_held_archive_is_code_6_and_names_its_holder_and_age(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(300),
        ..small(100, 5)
    };
    let stage = Stage::new(engine, options).await;
    let mut first = stage.sync_command(&["--concurrency", "1"]);
    let first = first.spawn().unwrap();
    stage.requests_reach(1).await;
    let arguments = ["sync", "conv_1", "--report", "second.json"];
    let second = stage.run(&arguments).await;
    assert_eq!(second.code, 6, "{}", second.stderr);
    let holder = format!("held by sync, pid {} on ", first.id().unwrap());
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    let age = second.stderr.split(", for ").nth(1).unwrap();
    let (seconds, _) = age.split_once(" s;").expect("seconds");
    assert!(seconds.parse::<u64>().is_ok(), "{}", second.stderr);
    let report = crate::program::read_json(&stage.path("second.json"));
    assert_eq!(report["exit_code"], 6);
    assert_eq!(report["outcome"], "held");
    // Looking is free.
    let status = stage.run(&["status"]).await;
    assert_eq!(status.code, 0, "{}", status.stderr);
    stage.simulator.set_faults(Faults::default());
    let first = ended(first).await;
    assert_eq!(first.code, 0, "{}", first.stderr);
    stage.report(0);
    stage.assert_whole().await;
}

async fn a_newer_schema_is_code_8_for_every_command(engine: Engine) {
    let stage = Stage::new(engine, small(1, 5)).await;
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage
        .execute(
            "insert into _sqlx_migrations
             (version, description, success, checksum, execution_time)
             select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
    let before = stage.simulator.stats().requests;
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert!(ended.stderr.contains("schema 9999"), "{}", ended.stderr);
    assert_eq!(report["outcome"], "database");
    assert_eq!(stage.simulator.stats().requests, before);
    for arguments in [
        &["status"][..],
        &["explain", "conv_1"],
        &["failures", "list"],
        &["failures", "waive", "conv_1", "--reason", "x"],
        &["doctor"],
    ] {
        let ended = stage.run(arguments).await;
        assert_eq!(ended.code, 8, "{arguments:?}: {}", ended.stderr);
    }
}

/// What a dump restored in mid-run does: what the run counts on is not there.
async fn an_archive_that_is_put_back_to_an_earlier_state_in_mid_run_ends_it(engine: Engine) {
    let mut ways = vec!["update archive set batch_seq = batch_seq - 3"];
    if engine == Engine::Postgres {
        ways.push(
            "with earlier as (update archive set batch_seq = batch_seq - 3 returning 1)
             select pg_terminate_backend(pid) from pg_stat_activity, earlier
             where datname = current_database() and pid <> pg_backend_pid()
               and query not like '%advisory%'",
        );
    }
    for way in ways {
        let options = SimulatorOptions {
            faults: latency(20),
            ..small(20, 100)
        };
        let stage = Stage::new(engine, options).await;
        let arguments = ["--page-size", "20", "--concurrency", "2"];
        let child = stage.sync_command(&arguments).spawn().unwrap();
        stage.requests_reach(20).await;
        stage.execute(way).await;
        stage.simulator.set_faults(Faults::default());
        let ended = ended(child).await;
        assert_eq!(ended.code, 8, "{way}: {}", ended.stderr);
        let told = "put back to an earlier state";
        assert!(ended.stderr.contains(told), "{way}: {}", ended.stderr);
        let report = stage.report(8);
        let complete = "select count(*) from v_conversations where state = 'complete'";
        let complete = stage.number(complete).await;
        assert_eq!(report["conversations"]["complete"], complete, "{way}");
        stage.end().await;
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_code_8_and_left_alone() {
    let stage = Stage::new(Engine::Sqlite, small(1, 5)).await;
    let text = "Dear diary, this is not a database. ".repeat(200);
    std::fs::write(stage.path("archive.db"), &text).unwrap();
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert!(ended.stderr.contains("archive.db"), "{}", ended.stderr);
    assert_eq!(report["outcome"], "database");
    assert_eq!(
        std::fs::read_to_string(stage.path("archive.db")).unwrap(),
        text
    );
    assert_eq!(stage.simulator.stats().requests, 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_code_8() {
    let stage = Stage::new(Engine::Sqlite, small(1, 5)).await;
    let (ended, report) = stage.sync(&["--db", "sqlite:no/such/archive.db"]).await;
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no/such/archive.db"),
        "{}",
        ended.stderr
    );
    assert_eq!(report["exit_code"], 8);
}

#[tokio::test]
async fn a_postgres_that_is_not_there_is_code_8() {
    let stage = Stage::new(Engine::Postgres, small(1, 5)).await;
    let (server, _) = stage.database_url.rsplit_once('/').unwrap();
    let databases = [
        // Port 1 of this machine: nothing listens there.
        "postgres://someone@127.0.0.1:1/nothing".to_owned(),
        format!("{server}/no_such_database"),
    ];
    for url in databases {
        let mut command = stage.sync_command(&[]);
        let (ended, report) = stage.checked(command.env("DATABASE_URL", &url)).await;
        assert_eq!(ended.code, 8, "{url}: {}", ended.stderr);
        assert_eq!(report["outcome"], "database");
        assert!(ended.stderr.contains("database"), "{}", ended.stderr);
    }
    assert_eq!(stage.simulator.stats().requests, 0);
}
