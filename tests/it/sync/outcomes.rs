//! What a refusal says of a conversation, and what it says of the run.

use convault::{
    model::StopReason,
    simulator::{Answer, Fault, Faults, Schedule},
    store::FailureFilter,
};

use super::scene::{Engine, Run, Scene, corpus_of_each};

async fn waive(scene: &Scene, id: &str) -> u64 {
    let filter = FailureFilter {
        conversations: vec![id.to_owned()],
        ..FailureFilter::default()
    };
    let waive = async |store: &convault::store::Store| {
        store.waive_failures(&filter, "moved away").await.unwrap()
    };
    scene.with_store(waive).await
}

pub(super) async fn gone_and_forbidden_are_told_until_they_are_waived(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(51, 4, 60)).await;
    let ids = scene.simulator.conversation_ids();
    scene.sync(&Run::default()).await.assert_complete();
    let answer = |n: usize, answer| scene.simulator.set_answer(&ids[n], answer);
    answer(0, Some(Answer::NotFound));
    answer(1, Some(Answer::Forbidden));
    for _ in 0..2 {
        let done = scene.sync(&Run::default()).await;
        assert_eq!(done.outcome().exit_code(), 3, "told until it is waived");
        let counts = done.counts();
        assert_eq!((counts.gone, counts.forbidden, counts.complete), (1, 1, 2));
        assert_eq!(done.classes(), ["forbidden", "gone"]);
    }
    assert_eq!(scene.of(&ids[0], "state").await, "gone");
    assert_eq!(scene.of(&ids[1], "state").await, "forbidden");
    // Neither says anything about messages.
    let lost = "select count(*) from v_messages
                where missing_since is not null or deleted_at is not null";
    assert_eq!(scene.number(lost).await, 0);

    assert!(waive(&scene, &ids[0]).await > 0);
    assert!(waive(&scene, &ids[1]).await > 0);
    let done = scene.sync(&Run::default()).await;
    assert_eq!(done.outcome().exit_code(), 0, "{:?}", done.summary);
    assert_eq!((done.counts().waived, done.counts().complete), (2, 2));

    // A new story is told, and a later 200 ends it.
    answer(0, Some(Answer::Forbidden));
    answer(1, None);
    let done = scene.sync(&Run::default()).await;
    assert_eq!(done.outcome().exit_code(), 3);
    let counts = done.counts();
    assert_eq!(
        (counts.forbidden, counts.waived, counts.complete),
        (1, 0, 3)
    );
    answer(0, None);
    scene.sync(&Run::default()).await.assert_complete();
    assert_eq!(scene.open_failures(&ids[0]).await, Vec::<String>::new());
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_waiver_is_for_one_class_and_hides_no_other_in_the_same_state() {
    let scene = Scene::sqlite(corpus_of_each(53, 2, 20)).await;
    let ids = scene.simulator.conversation_ids();
    scene.sync(&Run::default()).await.assert_complete();
    scene
        .simulator
        .set_answer(&ids[0], Some(Answer::BadRequest));
    let done = scene.sync(&Run::default()).await;
    assert_eq!(
        (done.counts().failed, done.classes()),
        (1, vec!["rejected"])
    );
    assert!(waive(&scene, &ids[0]).await > 0);
    let done = scene.sync(&Run::default()).await;
    assert_eq!((done.outcome().exit_code(), done.counts().waived), (0, 1));

    // Still failed, for another reason, like every other one.
    scene.simulator.set_answer(&ids[0], None);
    let html = Faults::default().with(Fault::Html, Schedule::always());
    scene.simulator.set_faults(html);
    let done = scene.sync(&Run::default()).await;
    assert_eq!((done.counts().failed, done.counts().waived), (2, 0));
    assert_eq!(done.classes(), ["malformed"]);
    assert_eq!(scene.open_failures(&ids[0]).await, ["malformed"]);
}

#[tokio::test]
async fn a_refusal_of_the_whole_gateway_stops_a_run_that_has_not_succeeded_yet() {
    for answer in [Answer::NoRoute, Answer::Unlicensed] {
        let scene = Scene::sqlite(corpus_of_each(52, 3, 20)).await;
        for id in scene.simulator.conversation_ids() {
            scene.simulator.set_answer(&id, Some(answer));
        }
        let done = scene.sync(&Run::default()).await;
        done.assert_stopped(StopReason::Configuration);
        assert_eq!(done.outcome().exit_code(), 2);
        assert_eq!(done.counts().not_reached, 3, "{answer:?}");
        assert_eq!(done.counts().gone + done.counts().forbidden, 0);
    }
}

#[tokio::test]
async fn the_same_refusal_after_a_success_is_one_conversation_s() {
    for answer in [Answer::NoRoute, Answer::Unlicensed] {
        let scene = Scene::sqlite(corpus_of_each(53, 4, 20)).await;
        let ids = scene.simulator.conversation_ids();
        scene.simulator.set_answer(&ids[2], Some(answer));
        let mut run = Run::default();
        run.options.concurrency = 1;
        let done = scene.sync(&run).await;
        assert_eq!(done.outcome().exit_code(), 3, "{answer:?}");
        assert_eq!((done.counts().failed, done.counts().complete), (1, 3));
        assert_eq!(done.classes(), ["systemic"]);
        assert_eq!(scene.of(&ids[2], "state").await, "failed");
    }
}

#[tokio::test]
async fn a_400_is_one_conversation_s_failure() {
    let scene = Scene::sqlite(corpus_of_each(54, 3, 20)).await;
    let ids = scene.simulator.conversation_ids();
    scene
        .simulator
        .set_answer(&ids[0], Some(Answer::BadRequest));
    let done = scene.sync(&Run::default()).await;
    assert_eq!(done.outcome().exit_code(), 3);
    assert_eq!((done.counts().failed, done.counts().complete), (1, 2));
    assert_eq!(scene.open_failures(&ids[0]).await, ["rejected"]);
    scene.simulator.set_answer(&ids[0], None);
    scene.sync(&Run::default()).await.assert_complete();
    assert_eq!(scene.open_failures(&ids[0]).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_token_stops_the_run_with_code_4() {
    let scene = Scene::sqlite(corpus_of_each(55, 3, 20)).await;
    let token = scene.simulator.token();
    for id in scene.simulator.conversation_ids() {
        scene.simulator.set_answer(&id, Some(Answer::Unauthorized));
    }
    let done = scene.sync(&Run::default()).await;
    done.assert_stopped(StopReason::Unauthorized);
    assert_eq!(done.outcome().exit_code(), 4);
    assert_eq!(done.counts().not_reached, 3);
    assert!(!format!("{:?}", done.summary).contains(&token));
}
