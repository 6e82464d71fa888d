//! The order of work, as the gateway sees it.

use convault::simulator::Answer;

use super::scene::{Run, Scene, corpus_of_each};

fn one_at_a_time(ids: &[&str]) -> Run {
    let mut run = Run::of_ids(ids);
    run.options.concurrency = 1;
    run
}

/// The conversations that were asked for since `from`, each at its first request.
fn visited(scene: &Scene, from: usize) -> Vec<String> {
    let mut visited: Vec<String> = Vec::new();
    for target in scene.asked(from) {
        let id = target.split('/').nth(3).unwrap().to_owned();
        if !visited.contains(&id) {
            visited.push(id);
        }
    }
    visited
}

#[tokio::test]
async fn never_finished_first_then_failed_then_the_oldest_proof() {
    let scene = Scene::sqlite(corpus_of_each(31, 6, 40)).await;
    let ids = scene.simulator.conversation_ids();
    let id = |n: usize| ids[n].as_str();
    let hour = std::time::Duration::from_hours(1);

    for proven in [2, 0, 1] {
        scene
            .sync(&one_at_a_time(&[id(proven)]))
            .await
            .assert_complete();
        scene.clock.advance(hour);
    }
    scene.simulator.set_answer(id(3), Some(Answer::Forbidden));
    scene.sync(&one_at_a_time(&[id(3)])).await;
    // Its first page is committed, then the budget is spent.
    let stopped = one_at_a_time(&[id(4)]).within_requests(1);
    scene.sync(&stopped).await;

    let from = scene.asked(0).len();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    scene.sync(&one_at_a_time(&all)).await;
    // 4 was begun and 5 is new; 3 has failed; 2, 0 and 1 were proven in this order.
    let expected = [4, 5, 3, 2, 0, 1].map(|n| id(n).to_owned());
    assert_eq!(visited(&scene, from), expected);
}

#[tokio::test]
async fn a_run_that_always_dies_early_still_reaches_every_conversation() {
    let scene = Scene::sqlite(corpus_of_each(32, 6, 90)).await;
    let mut run = Run::of_page_size(50).within_requests(8);
    run.options.concurrency = 3;
    let mut runs = 0;
    loop {
        scene.sync(&run).await;
        runs += 1;
        let states = scene.states().await;
        if states.values().all(|state| state == "complete") {
            break;
        }
        assert!(runs < 20, "{states:?}");
    }
    scene.assert_all_same().await;
}
