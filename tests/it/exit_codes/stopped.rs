//! Codes 130 and 143: a signal flushes what was read and ends; a second one ends at once.

use convault::simulator::{Faults, SimulatorOptions};
use rustix::process::Signal;
use sqlx::Executor as _;
use tokio::process::Child;

use crate::program::{Engine, Stage, claims_on_both_engines, ended, latency, says, signal, small};

claims_on_both_engines! {
    sigint_is_code_130_after_a_flush_and_sigterm_143
    a_signal_while_everything_waits_ends_the_wait
    a_second_signal_ends_at_once_and_harms_nothing
}

/// Slow enough that a signal comes in the middle.
async fn slow(engine: Engine) -> Stage {
    let options = SimulatorOptions {
        faults: latency(20),
        ..small(10, 200)
    };
    Stage::new(engine, options).await
}

fn start(stage: &Stage) -> Child {
    let arguments = ["--page-size", "20", "--concurrency", "2"];
    stage.sync_command(&arguments).spawn().unwrap()
}

async fn sigint_is_code_130_after_a_flush_and_sigterm_143(engine: Engine) {
    let stage = slow(engine).await;
    let mut kept = 0;
    let signals = [
        (Signal::INT, 130, "interrupted"),
        (Signal::TERM, 143, "terminated"),
    ];
    for (sent, code, outcome) in signals {
        let child = start(&stage);
        let before = stage.simulator.stats().requests;
        stage.requests_reach(before + 15).await;
        signal(&child, sent);
        let ended = ended(child).await;
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let report = stage.report(code);
        assert_eq!(report["outcome"], outcome);
        assert_eq!(stage.last_outcome().await, outcome);
        let now = stage.number("select count(*) from v_messages").await;
        assert_eq!(
            report["messages"]["new"],
            now - kept,
            "what it says is what is there"
        );
        assert!(now > kept, "it was flushed");
        kept = now;
    }
    stage.simulator.set_faults(Faults::default());
    let (ended, report) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(report["messages"]["new"], 2_000 - kept);
    stage.assert_whole().await;
}

/// No answer for a minute: the signal must not wait for it.
async fn a_signal_while_everything_waits_ends_the_wait(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(60_000),
        ..small(10, 20)
    };
    let stage = Stage::new(engine, options).await;
    let child = start(&stage);
    stage.requests_reach(1).await;
    signal(&child, Signal::TERM);
    let ended = ended(child).await;
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    let report = stage.report(143);
    assert_eq!(report["conversations"]["not_reached"], 10);
}

/// The flush is held up by a lock of the test's own, so that the second signal comes in it.
async fn a_second_signal_ends_at_once_and_harms_nothing(engine: Engine) {
    let stage = slow(engine).await;
    let mut child = start(&stage);
    while stage.requests_answered_and_archived().await == 0 {
        tokio::task::yield_now().await;
    }
    let blocked = Blocker::new(&stage).await;
    let before = stage.simulator.stats().requests;
    stage.requests_reach(before + 4).await;
    signal(&child, Signal::INT);
    says(&mut child, "once more ends at once").await;
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for the flush"
    );
    signal(&child, Signal::TERM);
    let ended = ended(child).await;
    assert_eq!(ended.code, 143, "the second one's: {}", ended.stderr);
    drop(blocked);
    assert!(
        !stage.path("report.json").exists(),
        "nobody was left to write it"
    );
    stage.simulator.set_faults(Faults::default());
    let (ended, _) = stage.sync(&["--page-size", "20"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    stage.assert_whole().await;
}

/// Keeps everybody else from writing messages.
enum Blocker {
    Sqlite(#[expect(dead_code, reason = "held for its transaction")] sqlx::SqliteConnection),
    Postgres(#[expect(dead_code, reason = "held for its transaction")] sqlx::PgConnection),
}

impl Blocker {
    async fn new(stage: &Stage) -> Self {
        match stage.engine() {
            Engine::Sqlite => {
                let mut connection = stage.sqlite().await;
                connection.execute("begin immediate").await.unwrap();
                Self::Sqlite(connection)
            }
            Engine::Postgres => {
                let mut connection = stage.postgres().await;
                connection.execute("begin").await.unwrap();
                let lock = "lock table messages in exclusive mode";
                connection.execute(lock).await.unwrap();
                Self::Postgres(connection)
            }
        }
    }
}

impl Stage {
    /// Messages in the archive, 0 while there is none.
    async fn requests_answered_and_archived(&self) -> i64 {
        if self.simulator.stats().requests < 6 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            return 0;
        }
        self.number("select count(*) from v_messages").await
    }
}
