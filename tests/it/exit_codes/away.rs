//! A gateway that goes away in the middle of a run: a blip costs no conversation and ends no run,
//! and what is longer than `--give-up-after` is code 5.

use std::time::Duration;

use convault::simulator::{Fault, Faults, Schedule, Simulator, SimulatorOptions};
use rustix::process::Signal;
use tokio::process::Child;

use crate::program::{Engine, Stage, claims_on_both_engines, ended, latency, says, signal, small};

claims_on_both_engines! {
    a_gateway_that_restarts_ends_no_run_and_fails_no_conversation
    a_gateway_whose_proxy_says_that_nobody_is_there_ends_no_run
    a_backend_that_restarts_behind_its_gateway_fails_no_conversation
    a_gateway_that_stays_away_is_code_5_and_no_conversation_failed
    who_stops_a_run_that_waits_for_its_gateway_waits_no_longer
    max_requests_counts_what_is_spent_on_seeing_whether_the_gateway_answers
}

const WAITS: &str = "the gateway does not answer";

fn slow() -> SimulatorOptions {
    SimulatorOptions {
        faults: latency(20),
        ..small(20, 100)
    }
}

fn down(fault: Fault) -> Faults {
    Faults {
        down: Some(fault),
        ..Faults::default()
    }
}

/// A run that has begun, at the default concurrency, with no retry for a fault of one request
/// unless the arguments say otherwise.
async fn begun(stage: &Stage, arguments: &[&str]) -> Child {
    let once: &[&str] = match arguments {
        ["--max-retries", ..] => &[],
        _ => &["--max-retries", "0"],
    };
    let fixed = [once, &["--page-size", "20"]].concat();
    let before = stage.simulator.stats().requests;
    let mut command = stage.sync_command(&[&fixed[..], arguments].concat());
    let child = command.spawn().unwrap();
    stage.requests_reach(before + 30).await;
    child
}

async fn a_gateway_that_restarts_ends_no_run_and_fails_no_conversation(engine: Engine) {
    let mut stage = Stage::new(engine, slow()).await;
    let port = stage
        .simulator
        .base_url()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut child = begun(&stage, &[]).await;
    let other = Simulator::start(slow()).await.unwrap();
    std::mem::replace(&mut stage.simulator, other).stop().await;
    // Nobody listens on the port until the run says so.
    says(&mut child, WAITS).await;
    let options = SimulatorOptions { port, ..slow() };
    stage.simulator = Simulator::start(options).await.unwrap();
    let ended = ended(child).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("answers again"), "{}", ended.stderr);
    let report = stage.report(0);
    assert_eq!(report["conversations"]["complete"], 20);
    stage.assert_whole().await;
}

async fn a_gateway_whose_proxy_says_that_nobody_is_there_ends_no_run(engine: Engine) {
    let stage = Stage::new(engine, slow()).await;
    for fault in [Fault::BadGateway, Fault::GatewayTimeout, Fault::Reset] {
        let mut child = begun(&stage, &["--full"]).await;
        stage.simulator.set_faults(down(fault));
        says(&mut child, WAITS).await;
        stage.simulator.set_faults(latency(20));
        let ended = ended(child).await;
        assert_eq!(ended.code, 0, "{fault:?}: {}", ended.stderr);
        stage.assert_whole().await;
    }
}

/// The gateway itself answers, and says of each conversation that its backend does not.
async fn a_backend_that_restarts_behind_its_gateway_fails_no_conversation(engine: Engine) {
    let stage = Stage::new(engine, slow()).await;
    for fault in [Fault::GatewayTimeout, Fault::ServerError] {
        let child = begun(&stage, &["--max-retries", "1", "--full"]).await;
        let away = Faults::default().with(fault, Schedule::always());
        stage.simulator.set_faults(away);
        // More than twice for each conversation that is worked on.
        let before = stage.simulator.stats().of_route("messages");
        while stage.simulator.stats().of_route("messages") < before + 16 + 40 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stage.simulator.set_faults(latency(20));
        let ended = ended(child).await;
        assert_eq!(ended.code, 0, "{fault:?}: {}", ended.stderr);
        stage.assert_whole().await;
    }
}

async fn a_gateway_that_stays_away_is_code_5_and_no_conversation_failed(engine: Engine) {
    let stage = Stage::new(engine, slow()).await;
    let child = begun(&stage, &["--give-up-after", "700ms"]).await;
    stage.simulator.set_faults(down(Fault::BadGateway));
    let ended = ended(child).await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let report = stage.report(5);
    assert_eq!(report["outcome"], "unreachable");
    assert_eq!(report["failures"], serde_json::json!([]));
    assert_eq!(report["conversations"]["failed"], 0);
    let reason = report["reason"].as_str().unwrap();
    for said in ["no answer since", "--give-up-after", "502"] {
        assert!(reason.contains(said), "{said:?} is not in {reason}");
    }
    assert_eq!(stage.number("select count(*) from v_failures").await, 0);
    stage.simulator.set_faults(Faults::default());
    let (ended, _) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

async fn who_stops_a_run_that_waits_for_its_gateway_waits_no_longer(engine: Engine) {
    let stage = Stage::new(engine, slow()).await;
    let mut child = begun(&stage, &[]).await;
    stage.simulator.set_faults(down(Fault::Reset));
    says(&mut child, WAITS).await;
    signal(&child, Signal::TERM);
    assert_eq!(ended(child).await.code, 143);
    assert_eq!(stage.report(143)["conversations"]["failed"], 0);

    let arguments = ["--max-duration", "1s", "--page-size", "20"];
    let (ended, report) = stage.sync(&arguments).await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "max_duration");
    assert_eq!(report["conversations"]["not_reached"], 20);
    assert!(ended.stderr.contains("--gateway-url"), "{}", ended.stderr);
}

async fn max_requests_counts_what_is_spent_on_seeing_whether_the_gateway_answers(engine: Engine) {
    let stage = Stage::new(engine, slow()).await;
    stage.simulator.set_faults(down(Fault::BadGateway));
    let (ended, report) = stage.sync(&["--max-requests", "5"]).await;
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert_eq!(report["outcome"], "max_requests");
    assert_eq!(report["requests"]["total"], 5);
    assert_eq!(stage.simulator.stats().requests, 5);
}
