//! Runs that end before their list does.

use std::time::Duration;

use convault::{
    model::StopReason,
    simulator::{Faults, Mutation, SimulatorOptions},
    sync::Shutdown,
};

use super::scene::{Done, Engine, Run, Scene, corpus_of_each};

/// Answers that take long enough for a run to be stopped among them.
fn slowly(options: SimulatorOptions) -> SimulatorOptions {
    SimulatorOptions {
        faults: Faults {
            latency: Duration::from_millis(20),
            ..Faults::default()
        },
        ..options
    }
}

pub(super) async fn a_first_attempt_that_was_interrupted_is_partial_and_not_reached(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus_of_each(71, 3, 100)).await;
    let ids = scene.simulator.conversation_ids();
    let mut run = Run::of_page_size(20).within_requests(3);
    run.options.concurrency = 1;
    let done = scene.sync(&run).await;
    done.assert_stopped(StopReason::MaxRequests);
    let counts = done.counts();
    assert_eq!((counts.listed, counts.not_reached), (3, 3));
    assert_eq!((counts.partial, done.summary.failures.len()), (0, 0));
    assert_eq!(scene.of(&ids[0], "state").await, "partial");
    let reason = scene.of(&ids[0], "reason").await;
    assert!(reason.contains("the next run goes on"), "{reason}");
    assert_eq!(scene.of(&ids[1], "state").await, "pending");
    assert_eq!(scene.of(&ids[1], "reason").await, "null");
    assert_eq!(scene.number("select count(*) from v_failures").await, 0);

    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    assert_eq!(scene.of(&ids[0], "reason").await, "null");
    scene.assert_all_same().await;
}

#[tokio::test]
async fn an_interruption_changes_nothing_about_a_conversation_that_was_complete() {
    let scene = Scene::sqlite(corpus_of_each(72, 1, 100)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    let full = Run::of_page_size(20).full().within_requests(2);
    let done = scene.sync(&full).await;
    done.assert_stopped(StopReason::MaxRequests);
    assert_eq!(done.counts().not_reached, 1);
    assert_eq!(scene.of(&id, "state").await, "complete");
    assert_eq!(scene.of(&id, "reason").await, "null");
}

#[tokio::test]
async fn a_conversation_that_has_grown_is_not_called_complete_while_there_is_a_hole() {
    let scene = Scene::sqlite(corpus_of_each(78, 1, 60)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.clock.advance(Duration::from_hours(1));
    scene
        .simulator
        .mutate(&id, &Mutation::Arrive { n: 50 })
        .unwrap();
    let cut_short = Run::of_page_size(20).within_requests(1);
    let done = scene.sync(&cut_short).await;
    done.assert_stopped(StopReason::MaxRequests);
    assert_eq!(scene.of(&id, "proven_at").await, "null");
    assert_eq!(scene.of(&id, "state").await, "partial");
    let reason = scene.of(&id, "reason").await;
    assert!(reason.contains("the next run goes on"), "{reason}");

    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    assert_eq!(scene.of(&id, "reason").await, "null");
    scene.assert_all_same().await;
}

#[tokio::test]
async fn an_empty_conversation_is_named_by_the_run_that_finishes_it() {
    let scene = Scene::sqlite(corpus_of_each(77, 1, 10)).await;
    let empty = convault::simulator::Answer::Empty;
    scene.simulator.set_answer("conv_empty", Some(empty));
    let run = Run::of_ids(&["conv_empty"]);
    let stopped = scene.sync(&run.clone().within_requests(1)).await;
    stopped.assert_stopped(StopReason::MaxRequests);
    assert_eq!(scene.of("conv_empty", "state").await, "partial");
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!(done.counts().empty, 1);
}

#[tokio::test]
async fn an_interrupted_retry_keeps_the_story_of_the_last_run() {
    let scene = Scene::sqlite(corpus_of_each(73, 1, 100)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let gone = convault::simulator::Answer::NotFound;
    scene.simulator.set_answer(&id, Some(gone));
    scene.sync(&Run::default()).await;
    scene.simulator.set_answer(&id, None);
    scene
        .sync(&Run::of_page_size(20).within_requests(2))
        .await
        .assert_stopped(StopReason::MaxRequests);
    assert_eq!(scene.of(&id, "state").await, "gone");
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
}

fn assert_stopped_in_the_middle(done: &Done, reason: StopReason, code: u8) {
    done.assert_stopped(reason);
    assert_eq!(done.outcome().exit_code(), code);
    let counts = done.counts();
    assert!(counts.not_reached > 0, "{counts:?}");
    assert_eq!(counts.listed, counts.not_reached + counts.complete);
    assert!(done.summary.failures.is_empty());
}

#[tokio::test]
async fn max_duration_ends_a_run_which_the_next_goes_on_with() {
    let scene = Scene::sqlite(slowly(corpus_of_each(74, 30, 60))).await;
    let mut run = Run::of_page_size(20);
    run.options.concurrency = 2;
    run.options.max_duration = Some(Duration::from_millis(300));
    let done = scene.sync(&run).await;
    assert_stopped_in_the_middle(&done, StopReason::MaxDuration, 5);
    let archived = scene.number("select count(*) from v_messages").await;
    assert!(archived > 0, "what was read is kept");
    scene.simulator.set_faults(Faults::default());
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_signal_ends_a_run_within_its_request_and_keeps_what_was_read() {
    for (reason, code) in [
        (StopReason::Interrupted, 130),
        (StopReason::Terminated, 143),
    ] {
        let scene = Scene::sqlite(slowly(corpus_of_each(75, 30, 60))).await;
        let mut run = Run::of_page_size(20);
        run.options.concurrency = 2;
        let shutdown = Shutdown::new();
        run.shutdown = Some(shutdown.clone());
        let (done, ()) = tokio::join!(scene.sync(&run), async {
            while scene.simulator.stats().rows < 300 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            shutdown.request(reason);
        });
        assert_stopped_in_the_middle(&done, reason, code);
        assert!(scene.number("select count(*) from v_messages").await >= 200);
        let again = Run::of_page_size(20);
        scene.simulator.set_faults(Faults::default());
        scene.sync(&again).await.assert_complete();
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_at_once_asks_for_nothing() {
    let scene = Scene::sqlite(corpus_of_each(76, 3, 60)).await;
    let shutdown = Shutdown::new();
    shutdown.request(StopReason::Terminated);
    let run = Run {
        shutdown: Some(shutdown),
        ..Run::default()
    };
    let done = scene.sync(&run).await;
    done.assert_stopped(StopReason::Terminated);
    assert_eq!((done.requests(), done.counts().not_reached), (0, 3));
    let states = scene.states().await;
    assert!(states.values().all(|state| state == "pending"));
}
