//! Several pages of one conversation at once, where workers have nothing else to do.

use std::time::Duration;

use convault::simulator::{Fault, Faults, Schedule};

use super::scene::{Engine, Run, Scene, corpus_of_each};

fn run(concurrency: usize) -> Run {
    let mut run = Run::of_page_size(20);
    run.options.concurrency = concurrency;
    run
}

pub(super) async fn one_long_conversation_uses_every_worker_s_place_and_ends_the_same(
    engine: Engine,
) {
    let mut options = corpus_of_each(141, 1, 900);
    options.faults.latency = Duration::from_millis(10);
    let scene = Scene::start(engine, options).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let done = scene.sync(&run(6)).await;
    done.assert_complete();
    scene.assert_same(&id).await;
    assert_eq!(
        scene.simulator.stats().at_once,
        6,
        "as many as --concurrency"
    );
    // 50 pages of which two share two rows, their end, and the head again.
    assert_eq!(done.requests(), 50 + 2);

    let again = scene.sync(&run(6)).await;
    again.assert_complete();
    assert_eq!(again.requests(), 1);

    let full = scene.sync(&run(6).full()).await;
    full.assert_complete();
    assert_eq!(full.summary.report.messages.changed, 0);
    scene.assert_same(&id).await;
}

#[tokio::test]
async fn conversations_of_one_page_use_every_place_too() {
    let mut options = corpus_of_each(144, 30, 8);
    options.faults.latency = Duration::from_millis(50);
    let scene = Scene::sqlite(options).await;
    scene.sync(&run(6)).await.assert_complete();
    assert_eq!(scene.simulator.stats().at_once, 6);
    scene.assert_all_same().await;
}

#[tokio::test]
async fn one_worker_asks_page_by_page() {
    let mut options = corpus_of_each(142, 1, 300);
    options.faults.latency = Duration::from_millis(5);
    let scene = Scene::sqlite(options).await;
    scene.sync(&run(1)).await.assert_complete();
    assert_eq!(scene.simulator.stats().at_once, 1);
}

pub(super) async fn pages_that_fail_ahead_are_asked_for_again_one_by_one(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(143, 1, 400)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    // The fourth request never ends in time, nor does its repetition: then half a page is asked.
    let faults = Faults::default().with(Fault::Slow, Schedule::at(4));
    scene.simulator.set_faults(faults);
    let mut slow = run(4);
    slow.timeout = Duration::from_millis(300);
    slow.retries_max = 0;
    let done = scene.sync(&slow).await;
    done.assert_complete();
    scene.assert_same(&id).await;
}
