//! A run that was stopped and the one after it.

use std::{collections::BTreeMap, time::Duration};

use convault::model::StopReason;

use super::scene::{Engine, Run, Scene, corpus_of_each};

/// How often each rank was asked for. A page of `limit` rows at `skip` covers that many.
fn times_read(asked: &[String], size: usize) -> Vec<u32> {
    let mut times = vec![0; size];
    for target in asked {
        let query = target.split_once('?').unwrap().1;
        let values: BTreeMap<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let skip: usize = values["skip"].parse().unwrap();
        let limit: usize = values["limit"].parse().unwrap();
        for times in times.iter_mut().skip(skip).take(limit) {
            *times += 1;
        }
    }
    times
}

/// 130 messages at 20 a page: a page goes on at the last row that is strictly newer than its
/// oldest, so that 8 pages share two rows each; then the end and the head.
pub(super) async fn a_walk_stopped_at_any_request_goes_on_where_it_was(engine: Engine) {
    let whole = 10;
    let step = if engine == Engine::Sqlite { 1 } else { 3 };
    for stop_after in (1..whole).step_by(step) {
        let scene = Scene::start(engine, corpus_of_each(61, 1, 130)).await;
        let id = scene.simulator.conversation_ids().remove(0);
        let run = Run::of_page_size(20);
        let first = scene.sync(&run.clone().within_requests(stop_after)).await;
        first.assert_stopped(StopReason::MaxRequests);
        assert_eq!(first.outcome().exit_code(), 5);
        assert_eq!(first.requests(), stop_after);
        assert_eq!(first.counts().not_reached, 1);
        let kept = scene.archived(&id).await.len();
        assert_eq!(kept, usize::try_from(stop_after * 18 + 2).unwrap().min(130));

        let second = scene.sync(&run).await;
        second.assert_complete();
        scene.assert_same(&id).await;
        // The head of the second run and its closing read apart, no page comes twice; where two
        // pages meet they share two rows.
        let below_the_head = &times_read(&scene.asked(0), 130)[20..];
        let twice = below_the_head.iter().filter(|&&times| times > 1).count();
        assert!(
            twice <= 2 * 7,
            "stopped after {stop_after}: {below_the_head:?}"
        );
        assert!(
            second.requests() <= whole - stop_after + 3,
            "stopped after {stop_after}: {} more",
            second.requests()
        );
    }
}

#[tokio::test]
async fn a_run_that_is_stopped_at_every_request_ends_complete() {
    let scene = Scene::sqlite(corpus_of_each(62, 2, 90)).await;
    let mut run = Run::of_page_size(20).within_requests(3);
    run.options.concurrency = 1;
    let mut runs = 0;
    loop {
        let done = scene.sync(&run).await;
        runs += 1;
        let states = scene.states().await;
        if states.values().all(|state| state == "complete") {
            break;
        }
        done.assert_stopped(StopReason::MaxRequests);
        assert!(runs < 15, "{states:?}");
    }
    scene.assert_all_same().await;
}

pub(super) async fn an_interrupted_full_run_is_finished_by_the_next_and_the_first_cover_stands(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus_of_each(63, 1, 130)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let run = Run::of_page_size(20);
    scene.sync(&run).await.assert_complete();
    let first_proof = scene.of(&id, "proven_at").await;
    scene.clock.advance(Duration::from_hours(2));
    let before_full = scene.clock.now().to_string();

    let full = run.clone().full();
    for _ in 0..2 {
        let stopped = scene.sync(&full.clone().within_requests(3)).await;
        stopped.assert_stopped(StopReason::MaxRequests);
        assert_eq!(scene.of(&id, "state").await, "complete");
        assert_ne!(scene.of(&id, "proven_at").await, "null", "the first stands");
        assert_ne!(scene.of(&id, "horizon").await, "null");
        assert_eq!(scene.of(&id, "proven_at").await, first_proof);
        scene.clock.advance(Duration::from_hours(2));
    }
    // Nobody asks for --full any more: it is finished all the same.
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert!(done.requests() > 1, "{}", done.requests());
    let proof = scene.of(&id, "proven_at").await;
    assert!(seconds(&proof) >= seconds(&before_full), "{proof}");
    assert_eq!(scene.sync(&run).await.requests(), 1);
    scene.assert_same(&id).await;
}

/// A time without its milliseconds, which hang on this machine's pace.
fn seconds(time: &str) -> String {
    // T is rounded down: up to a second earlier than the gateway's clock.
    let time: convault::model::Timestamp = time.parse().unwrap();
    (time.as_millis() / 2_000).to_string()
}
