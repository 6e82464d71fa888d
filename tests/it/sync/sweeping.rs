//! The sweep: what no count shows is found within a bound, and at no more than its share.

use std::time::Duration;

use convault::simulator::Mutation;

use super::scene::{Done, Engine, Run, Scene, corpus, corpus_of_each};

fn sweeping(share: f64, lookback: Duration) -> Run {
    let mut run = Run::of_page_size(20);
    run.options.audit_share = share;
    run.options.lookback = lookback;
    run
}

fn swept(done: &Done) -> u64 {
    done.summary.report.requests.swept
}

pub(super) async fn an_idle_run_over_a_thousand_costs_the_heads_and_the_share_and_writes_no_message(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus(151, 1_000, 20_000)).await;
    let run = sweeping(0.1, Duration::from_hours(7 * 24));
    let first = scene.sync(&run).await;
    first.assert_complete();
    assert_eq!(
        swept(&first),
        0,
        "what was just read is not looked at again"
    );
    let before = scene.dump_of_messages().await;

    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!((done.requests(), swept(&done)), (1_100, 100));
    assert!(done.transactions <= 5, "{}", done.transactions);
    let messages = done.summary.report.messages;
    assert_eq!(
        (messages.new, messages.changed, messages.deleted),
        (0, 0, 0)
    );
    assert!(
        before == scene.dump_of_messages().await,
        "a row was written"
    );
    let of_run = "select requests_swept from v_runs where id = 2";
    assert_eq!(scene.number(of_run).await, 100);
}

/// Where the corpus of one conversation has its message at this rank, it gets other words.
fn edit(scene: &Scene, id: &str, position: usize) {
    let edited = Mutation::Edit {
        positions: vec![position],
    };
    scene.simulator.mutate(id, &edited).unwrap();
}

pub(super) async fn a_deep_edit_is_found_within_the_bound_and_told(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(152, 2, 150)).await;
    let ids = scene.simulator.conversation_ids();
    // Two heads a run, so two pages of the sweep.
    let run = sweeping(1.0, Duration::ZERO);
    scene.sync(&run).await.assert_complete();
    edit(&scene, &ids[1], 120);
    // 8 pages below the head of each conversation.
    let bound = 2 * 8 / 2 + 1;
    let mut runs = 0;
    loop {
        let done = scene.sync(&run).await;
        done.assert_complete();
        runs += 1;
        assert_eq!((done.requests(), swept(&done)), (4, 2));
        if done.summary.report.messages.changed == 1 {
            break;
        }
        assert!(runs <= bound, "not within {bound} runs");
    }
    scene.assert_all_same().await;
    let told = scene
        .rows("select conversation_id, messages_changed from v_run_conversations where run_id > 1")
        .await;
    assert_eq!(told, [[ids[1].clone(), "1".to_owned()]]);

    // A cycle later the whole proof is younger than the edit.
    let of_first = "select count(*) from v_conversations where proven_at < (
        select min(started_at) from v_runs where id = 2)";
    scene.clock.advance(Duration::from_mins(1));
    for _ in 0..bound {
        scene.sync(&run).await.assert_complete();
    }
    assert_eq!(scene.number(of_first).await, 0);
}

pub(super) async fn the_youngest_messages_come_first(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(153, 6, 150)).await;
    let ids = scene.simulator.conversation_ids();
    // The conversation that is busiest of late: the others have less to look at within its time.
    let thirtieth = |id: &String| scene.simulator.contents(id).unwrap()[30].created_at;
    let busiest = ids.iter().max_by_key(|id| thirtieth(id)).unwrap();
    let lookback = scene.clock.now().since(thirtieth(busiest)) + Duration::from_secs(1);
    let run = sweeping(1.0, lookback);
    scene.sync(&run).await.assert_complete();
    edit(&scene, busiest, 30);
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!(done.summary.report.messages.changed, 1);
    scene.assert_all_same().await;
}

#[tokio::test]
async fn what_the_head_shows_whole_is_not_swept() {
    let scene = Scene::sqlite(corpus_of_each(154, 30, 19)).await;
    let run = sweeping(1.0, Duration::from_hours(7 * 24));
    scene.sync(&run).await.assert_complete();
    for _ in 0..3 {
        let done = scene.sync(&run).await;
        done.assert_complete();
        assert_eq!((done.requests(), swept(&done)), (30, 0));
    }
}
