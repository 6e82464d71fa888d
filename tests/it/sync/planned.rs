//! What is planned before the first request, against what a quiet gateway is then asked.

use std::time::Duration;

use convault::{
    model::{ConversationId, RunId},
    sync::plan::{List, Plan, PlanClass, PlanOptions, Planner, Probed, survey},
};

use super::scene::{Engine, Run, Scene, corpus, corpus_of_each};

/// The plan for every conversation of the gateway, whose lengths a probe has shown.
async fn probed(scene: &Scene, options: PlanOptions) -> Plan {
    let ids = scene.simulator.conversation_ids();
    let ids: Vec<ConversationId> = ids.into_iter().map(ConversationId::new).collect();
    scene
        .with_store(async |store| {
            let mut planner = Planner::new(options);
            let list = List::Ids(&ids);
            for one in survey(Some(store), list, &mut planner, true).await.unwrap() {
                let listed = scene.listed(one.id.as_str()).len() as u64;
                one.settle(&mut planner, Probed::Counted(listed));
            }
            planner.finish()
        })
        .await
}

/// A part of one request is none: with the share of a conversation or two there is no sweep.
fn options(page_size: u32) -> PlanOptions {
    PlanOptions {
        page_size,
        full: false,
        audit_share: 0.0,
        run: RunId(1),
    }
}

/// Without a sweep, so that what is held against the plan is the walk alone.
fn run(page_size: u32) -> Run {
    let mut run = Run::of_page_size(page_size);
    run.options.audit_share = 0.0;
    run
}

#[tokio::test]
async fn a_conversation_of_any_length_is_asked_for_as_often_as_planned() {
    for (page_size, lengths) in [
        (20, &[1_u32, 19, 20, 21, 37, 38, 39, 55, 56, 130, 400][..]),
        (100, &[99, 100, 195, 196, 197, 1_000]),
        (7, &[6, 7, 12, 50]),
        (4, &[3, 4, 17]),
    ] {
        for &length in lengths {
            let scene = Scene::sqlite(corpus_of_each(71, 1, length)).await;
            let plan = probed(&scene, options(page_size)).await;
            let done = scene.sync(&run(page_size)).await;
            done.assert_complete();
            let of = format!("{length} messages, {page_size} a page");
            assert_eq!(plan.requests, done.requests(), "{of}");
            assert!(!plan.at_least, "{of}");
            let known = done.summary.plan.unwrap();
            assert_eq!((known.requests, known.at_least), (2, true), "{of}");
        }
    }
}

pub(super) async fn a_list_is_asked_for_as_often_as_planned_and_idle_once_each(engine: Engine) {
    let scene = Scene::start(engine, corpus(72, 40, 4_000)).await;
    let plan = probed(&scene, options(100)).await;
    assert_eq!(plan.conversations, 40);
    let first = scene.sync(&run(100)).await;
    first.assert_complete();
    assert_eq!(plan.requests, first.requests());
    assert_eq!(plan.line(PlanClass::NeverRead).unwrap().messages, 4_000);

    let idle = scene.sync(&run(100)).await;
    idle.assert_complete();
    let planned = idle.summary.plan.clone().unwrap();
    assert_eq!((planned.requests, planned.at_least), (40, false));
    assert_eq!(planned.lines.len(), 1, "{planned:?}");
    assert_eq!(idle.requests(), 40);
    assert_eq!(idle.summary.report.requests.planned, Some(40));
    let kept = "select requests_planned, requests_total from runs order by id";
    let first = first.requests().to_string();
    assert_eq!(scene.rows(kept).await, [["80", &*first], ["40", "40"]]);
}

pub(super) async fn what_a_stopped_run_left_is_planned_within_one_request(engine: Engine) {
    let step = if engine == Engine::Sqlite { 1 } else { 4 };
    for stop_after in (1..10).step_by(step) {
        let scene = Scene::start(engine, corpus_of_each(61, 1, 130)).await;
        let stopped = scene.sync(&run(20).within_requests(stop_after)).await;
        assert_eq!(stopped.counts().not_reached, 1);
        scene.clock.advance(Duration::from_hours(1));
        let plan = probed(&scene, options(20)).await;
        let done = scene.sync(&run(20)).await;
        done.assert_complete();
        let of = format!("stopped after {stop_after}: {plan:?}");
        assert!(
            plan.requests.abs_diff(done.requests()) <= 1,
            "{} {of}",
            done.requests()
        );
        let unprobed = done.summary.plan.clone().unwrap();
        assert!(unprobed.requests <= done.requests(), "{unprobed:?} {of}");
        assert!(unprobed.at_least, "{unprobed:?}");
        assert_eq!(unprobed.lines[0].class, PlanClass::Unfinished);
    }
}

pub(super) async fn a_full_run_is_planned_from_the_archive_alone(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(73, 6, 130)).await;
    scene.sync(&run(20)).await.assert_complete();
    scene.clock.advance(Duration::from_hours(1));
    let full = run(20).full();
    let done = scene.sync(&full).await;
    done.assert_complete();
    let plan = done.summary.plan.clone().unwrap();
    assert_eq!((plan.requests, plan.at_least), (done.requests(), false));

    // One that is interrupted is finished by a run that nobody asked to be full.
    scene.clock.advance(Duration::from_hours(1));
    let mut stopped = full.clone().within_requests(5);
    stopped.options.concurrency = 1;
    scene.sync(&stopped).await;
    scene.clock.advance(Duration::from_hours(1));
    let done = scene.sync(&run(20)).await;
    done.assert_complete();
    let plan = done.summary.plan.clone().unwrap();
    assert_eq!(plan.line(PlanClass::Full).unwrap().conversations, 1);
    assert_eq!(plan.line(PlanClass::Idle).unwrap().conversations, 5);
    assert!(!plan.at_least, "{plan:?}");
    let (planned, actual) = (plan.requests, done.requests());
    assert!(planned.abs_diff(actual) <= 1, "{planned} {actual}");
}

#[tokio::test]
async fn what_is_gone_is_one_request_and_a_number_is_a_fiftieth() {
    let scene = Scene::sqlite(corpus_of_each(74, 3, 5)).await;
    let run = Run::of_ids(&["conv_gone", &scene.simulator.conversation_ids()[0]]);
    let first = scene.sync(&run).await;
    assert_eq!(first.summary.report.requests.planned, Some(4));
    assert_eq!(first.requests(), 3, "what is gone says so at once");
    let again = scene.sync(&run).await;
    let plan = again.summary.plan.clone().unwrap();
    assert_eq!((plan.requests, again.requests()), (2, 2));
    assert_eq!(plan.line(PlanClass::GoneOrForbidden).unwrap().requests, 1);
}
