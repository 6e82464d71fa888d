//! Codes that the gateway is the reason of: 2 (a wrong address), 3, 4 and 5.

use std::time::Duration;

use convault::simulator::{Answer, Fault, Faults, Schedule, SimulatorOptions};

use crate::program::{Engine, Stage, claims_on_both_engines, latency, small};

claims_on_both_engines! {
    an_address_that_knows_no_such_route_is_code_2
    a_missing_licence_is_code_2
    an_html_404_after_a_success_is_one_conversation_s
    max_requests_is_code_5_and_the_next_run_goes_on
    max_duration_is_code_5_and_the_next_run_goes_on
    an_unreachable_gateway_is_code_5_also_for_one_conversation
    a_gateway_that_never_answers_in_time_is_code_5
    one_conversation_that_never_answers_is_code_3_and_stops_no_other
    a_429_that_asks_for_too_long_is_code_5
}

/// Waits of a refused token take most of a minute, so the engines wait beside each other.
#[tokio::test]
async fn a_refused_token_is_code_4_at_the_start_and_in_the_middle() {
    tokio::join!(
        a_wrong_token_is_code_4(Engine::Sqlite),
        a_wrong_token_is_code_4(Engine::Postgres),
        a_token_that_dies_is_code_4(Engine::Sqlite),
        a_token_that_dies_is_code_4(Engine::Postgres),
    );
}

async fn a_wrong_token_is_code_4(engine: Engine) {
    let stage = Stage::new(engine, small(30, 5)).await;
    let mut command = stage.sync_command(&[]);
    let (ended, report) = stage
        .checked(command.env("IMBRACE_ACCESS_TOKEN", "api_wrong"))
        .await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("401"), "{}", ended.stderr);
    assert_eq!(report["outcome"], "unauthorized");
    assert_eq!(report["conversations"]["not_reached"], 30);
    assert_eq!(stage.last_outcome().await, "unauthorized");
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

async fn a_token_that_dies_is_code_4(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(3),
        ..small(8, 200)
    };
    let stage = Stage::new(engine, options).await;
    let good = stage.simulator.token();
    let mut command = stage.sync_command(&["--page-size", "20", "--concurrency", "2"]);
    let child = command.spawn().unwrap();
    stage.requests_reach(30).await;
    stage.simulator.set_token("api_another");
    let ended = crate::program::ended(child).await;
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let report = stage.report(4);
    assert_eq!(report["outcome"], "unauthorized");
    assert!(
        report["messages"]["new"].as_u64().unwrap() >= 28 * 10,
        "{report}"
    );
    assert!(report["conversations"]["not_reached"].as_u64().unwrap() > 0);
    stage.simulator.set_token(&good);
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

async fn all_answer(engine: Engine, answer: Answer) -> Stage {
    let stage = Stage::new(engine, small(20, 5)).await;
    for id in stage.simulator.conversation_ids() {
        stage.simulator.set_answer(&id, Some(answer));
    }
    stage
}

async fn an_address_that_knows_no_such_route_is_code_2(engine: Engine) {
    let stage = all_answer(engine, Answer::NoRoute).await;
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(report["outcome"], "configuration");
    assert_eq!(
        report["conversations"]["gone"], 0,
        "no conversation is gone for that"
    );
    assert_eq!(report["conversations"]["not_reached"], 20);
    let gone = "select count(*) from v_conversations where state <> 'pending'";
    assert_eq!(stage.number(gone).await, 0);
}

async fn a_missing_licence_is_code_2(engine: Engine) {
    let stage = all_answer(engine, Answer::Unlicensed).await;
    let (ended, report) = stage.sync(&[]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(report["conversations"]["forbidden"], 0, "{report}");
    assert!(ended.stderr.contains("license"), "{}", ended.stderr);
}

async fn an_html_404_after_a_success_is_one_conversation_s(engine: Engine) {
    let stage = Stage::new(engine, small(4, 5)).await;
    let ids = stage.simulator.conversation_ids();
    stage.simulator.set_answer(&ids[3], Some(Answer::NoRoute));
    // One at a time, in the order of the list: the others succeed first.
    let (ended, report) = stage.sync(&["--concurrency", "1"]).await;
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(report["conversations"]["complete"], 3);
    assert_eq!(report["conversations"]["failed"], 1);
    assert_eq!(report["failures"][0]["class"], "systemic");
}

async fn max_requests_is_code_5_and_the_next_run_goes_on(engine: Engine) {
    let stage = Stage::new(engine, small(6, 100)).await;
    let (ended, report) = stage
        .sync(&["--page-size", "20", "--max-requests", "9"])
        .await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "max_requests");
    assert_eq!(report["requests"]["total"], 9);
    assert_eq!(stage.simulator.stats().requests, 9);
    assert_eq!(stage.last_outcome().await, "max_requests");
    let kept = stage.number("select count(*) from v_messages").await;
    assert_eq!(report["messages"]["new"], kept);
    assert!(
        kept >= 6 * 20,
        "every answer that the budget paid for is kept: {kept}"
    );
    let (ended, report) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["messages"]["new"], 600 - kept);
    stage.assert_whole().await;
}

async fn max_duration_is_code_5_and_the_next_run_goes_on(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(100),
        ..small(20, 100)
    };
    let stage = Stage::new(engine, options).await;
    let budget = ["--max-duration", "400ms", "--page-size", "10"];
    let (ended, report) = stage
        .sync(&[&budget[..], &["--concurrency", "2"]].concat())
        .await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "max_duration");
    assert!(ended.stderr.contains("--max-duration"), "{}", ended.stderr);
    assert_eq!(stage.last_outcome().await, "max_duration");
    stage.simulator.set_faults(Faults::default());
    let (ended, _) = stage.sync(&[]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

async fn an_unreachable_gateway_is_code_5_also_for_one_conversation(engine: Engine) {
    let stage = Stage::new(engine, small(30, 5)).await;
    // A port that was free a moment ago: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let one = stage.simulator.conversation_ids().remove(0);
    let lists: [&[&str]; 2] = [&["--ids-from", "ids.txt"], &[&one]];
    for list in lists {
        let fixed = [
            "--gateway-url",
            &nowhere,
            "--max-retries",
            "1",
            "--give-up-after",
            "600ms",
            "--report",
            "report.json",
        ];
        let arguments = [&["sync"], list, &fixed].concat();
        let ids = stage.simulator.conversation_ids().join("\n");
        std::fs::write(stage.path("ids.txt"), ids).unwrap();
        let (ended, report) = stage.checked(&mut stage.command(&arguments)).await;
        assert_eq!(ended.code, 5, "{list:?}: {}", ended.stderr);
        assert_eq!(report["outcome"], "unreachable");
        assert_eq!(report["conversations"]["complete"], 0);
        let reason = report["reason"].as_str().unwrap();
        assert!(reason.contains("gateway"), "{reason}");
        assert_eq!(stage.last_outcome().await, "unreachable");
        if list.len() == 1 {
            for checked in ["--gateway-url", "convault doctor", "no connection"] {
                assert!(reason.contains(checked), "{checked:?} is not in {reason}");
            }
        }
    }
}

async fn a_gateway_that_never_answers_in_time_is_code_5(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(60_000),
        ..small(1, 5)
    };
    let stage = Stage::new(engine, options).await;
    let (ended, report) = stage
        .sync(&["--timeout", "100ms", "--max-retries", "0"])
        .await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "unreachable");
    assert!(
        report["reason"].as_str().unwrap().contains("--timeout"),
        "{report}"
    );
}

async fn one_conversation_that_never_answers_is_code_3_and_stops_no_other(engine: Engine) {
    let stage = Stage::new(engine, small(3, 5)).await;
    let ids = stage.simulator.conversation_ids();
    // The first of the list, so that nothing has succeeded when it fails.
    let reset = latency(500).with(Fault::Reset, Schedule::always());
    stage.simulator.set_faults(reset);
    let mut command = stage.sync_command(&["--concurrency", "1", "--max-retries", "0"]);
    let child = command.spawn().unwrap();
    while stage.simulator.requests_of(&ids[0]).unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.simulator.set_faults(Faults::default());
    let ended = crate::program::ended(child).await;
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let report = stage.report(3);
    assert_eq!(report["outcome"], "incomplete");
    assert_eq!(report["failures"][0]["class"], "transport");
    assert!(
        report["conversations"]["complete"].as_u64().unwrap() >= 1,
        "{report}"
    );
}

async fn a_429_that_asks_for_too_long_is_code_5(engine: Engine) {
    let faults = Faults {
        retry_after_secs: 36 * 60,
        ..Faults::default().with(Fault::TooManyRequests, Schedule::at(3))
    };
    let options = SimulatorOptions {
        faults,
        ..small(2, 100)
    };
    let stage = Stage::new(engine, options).await;
    let (ended, report) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "rate_limited");
    assert!(
        report["requests"]["throttled"].as_u64().unwrap() >= 1,
        "{report}"
    );
    // How far the other conversation had come by then is a matter of chance.
    let counted = |group: &str, name: &str| report[group][name].as_u64().unwrap();
    let pages = counted("requests", "total") - counted("requests", "throttled");
    assert!(pages >= 2, "two of one conversation came before: {report}");
    let new = counted("messages", "new");
    assert!(
        new >= 15 * pages,
        "pages that were answered are kept: {report}"
    );
    stage.simulator.set_faults(Faults::default());
    let (ended, _) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}
