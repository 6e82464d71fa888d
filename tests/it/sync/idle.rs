//! A run over a gateway where nothing has happened.

use convault::simulator::Mutation;

use super::scene::{Engine, Run, Scene, corpus, corpus_of_each};

pub(super) async fn an_idle_run_asks_once_for_each_conversation_and_writes_no_message_row(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus(21, 200, 3_000)).await;
    scene.sync(&Run::default()).await.assert_complete();
    let before = scene.dump_of_messages().await;
    let asked = scene.asked(0).len();

    let done = scene.sync(&Run::default()).await;
    done.assert_complete();
    assert_eq!(done.requests(), 200);
    assert_eq!(scene.asked(asked).len(), 200);
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
    let of_run = "select count(*) from v_run_conversations where run_id = 2";
    assert_eq!(scene.number(of_run).await, 0);
}

#[tokio::test]
async fn an_idle_run_over_everything_known_needs_no_list() {
    let scene = Scene::sqlite(corpus(22, 20, 600)).await;
    scene.sync(&Run::default()).await.assert_complete();
    let run = Run {
        input: Some(convault::sync::Input::all_known()),
        ..Run::default()
    };
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!((done.counts().listed, done.requests()), (20, 20));
}

#[tokio::test]
async fn an_arrival_costs_one_request_and_one_row() {
    let scene = Scene::sqlite(corpus_of_each(23, 5, 150)).await;
    scene.sync(&Run::default()).await.assert_complete();
    let id = scene.simulator.conversation_ids().remove(3);
    scene
        .simulator
        .mutate(&id, &Mutation::Arrive { n: 1 })
        .unwrap();
    let done = scene.sync(&Run::default()).await;
    done.assert_complete();
    assert_eq!((done.requests(), done.summary.report.messages.new), (5, 1));
    scene.assert_same(&id).await;
    let of_run = "select conversation_id, messages_new from v_run_conversations where run_id = 2";
    assert_eq!(scene.rows(of_run).await, [[id, "1".to_owned()]]);
}
