//! A whole corpus of every type: what is archived is what was there.

use std::collections::BTreeSet;

use convault::{
    simulator::{Answer, Faults, SimulatorOptions},
    store::dictionary::VIEWS,
};

use super::scene::{Engine, Run, Scene, corpus};

/// 3,000 messages of all types in 40 conversations, some of them odd.
fn everything() -> SimulatorOptions {
    SimulatorOptions {
        faults: Faults {
            numeric_ids: 0.05,
            nulls: 0.02,
            unknown_type: 0.02,
            ..Faults::default()
        },
        ..corpus(11, 40, 3_000)
    }
}

pub(super) async fn the_archive_is_the_gateway_s_contents_to_the_byte(engine: Engine) {
    let scene = Scene::start(engine, everything()).await;
    let done = scene.sync(&Run::default()).await;
    done.assert_complete();
    assert_eq!(done.counts().listed, 40);
    assert_eq!(done.summary.report.messages.new, 3_000);
    scene.assert_all_same().await;
    assert_eq!(scene.number("select count(*) from v_messages").await, 3_000);
    assert_eq!(
        scene.number("select count(*) from v_message_history").await,
        3_000
    );
    let types = scene.rows("select distinct type from v_messages").await;
    assert!(types.len() >= 13, "{types:?}");
    assert!(done.summary.report.messages.unrecognised > 0);
}

pub(super) async fn an_empty_conversation_is_complete_and_counted(engine: Engine) {
    let scene = Scene::start(engine, corpus(12, 3, 90)).await;
    scene
        .simulator
        .set_answer("conv_foreign", Some(Answer::Empty));
    let mut ids = scene.simulator.conversation_ids();
    ids.push("conv_foreign".to_owned());
    let done = scene.sync(&Run::of_ids(&ids)).await;
    done.assert_complete();
    assert_eq!((done.counts().empty, done.counts().complete), (1, 4));
    assert_eq!(scene.of("conv_foreign", "state").await, "complete");
    let again = scene.sync(&Run::of_ids(&ids)).await;
    again.assert_complete();
    assert_eq!(again.counts().empty, 0, "only at first sight");
    assert_eq!(again.requests(), 4);
}

/// Times of requests hang on this machine's pace; everything else must be equal.
const PACED: [&str; 5] = [
    "observed_at",
    "recorded_at",
    "checked_at",
    "proven_at",
    "horizon",
];

#[tokio::test]
async fn every_view_of_a_corpus_answers_the_same_on_both_engines() {
    let mut answers = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let scene = Scene::start(engine, everything()).await;
        let mut run = Run::default();
        run.options.concurrency = 1;
        scene.sync(&run).await.assert_complete();
        let mut of_engine = Vec::new();
        for view in VIEWS {
            let columns = view.columns.iter().map(|(column, _)| *column);
            let columns: Vec<_> = columns.filter(|column| !PACED.contains(column)).collect();
            let sql = format!("select {} from {}", columns.join(", "), view.name);
            let mut rows = scene.rows(&sql).await;
            rows.sort();
            of_engine.push((view.name, rows));
        }
        answers.push(of_engine);
    }
    let postgres = answers.pop().unwrap();
    let mut with_rows = BTreeSet::new();
    for ((name, ours), (_, theirs)) in answers.pop().unwrap().into_iter().zip(postgres) {
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (our, their) in ours.iter().zip(&theirs) {
            assert_eq!(our, their, "{name}");
        }
        if !ours.is_empty() {
            with_rows.insert(name);
        }
    }
    assert!(with_rows.len() >= 11, "{with_rows:?}");
}
