//! Conversations found by phone number.

use convault::{
    model::StopReason,
    simulator::{Answer, LinksShape, SimulatorOptions},
    sync::{Input, PhoneCounts},
};

use super::scene::{Engine, Run, Scene, corpus};

fn of_phones(scene: &Scene, phones: Vec<String>) -> Run {
    let mut run = Run {
        input: Some(Input {
            phones,
            ..Input::default()
        }),
        ..Run::default()
    };
    run.options.organization_id = Some(scene.simulator.organization_id().to_owned());
    run
}

/// 120 numbers: all of the corpus, the others nobody's.
fn numbers(scene: &Scene) -> Vec<String> {
    let known = scene.simulator.phone_numbers();
    let known = known.iter().map(|phone| {
        let digits = phone.chars().filter(char::is_ascii_digit);
        digits.collect::<String>()
    });
    let strangers = (0..).map(|n| format!("999000{n:04}"));
    known.chain(strangers).take(120).collect()
}

pub(super) async fn conversations_are_discovered_in_both_shapes(engine: Engine) {
    for links_shape in [LinksShape::Array, LinksShape::Object] {
        let options = SimulatorOptions {
            links_shape,
            ..corpus(41, 60, 900)
        };
        let scene = Scene::start(engine, options).await;
        let known = scene.simulator.phone_numbers().len() as u64;
        let done = scene.sync(&of_phones(&scene, numbers(&scene))).await;
        done.assert_complete();
        let expected = PhoneCounts {
            asked: 120,
            found: known,
            not_found: 120 - known,
            failed: 0,
        };
        assert_eq!(done.summary.phones, Some(expected));
        assert_eq!(scene.simulator.stats().of_route("links"), 3, "50 a request");
        assert_eq!(done.counts().listed, 60);
        scene.assert_all_same().await;
        let without = "select count(*) from v_conversation_links where conversation_id is null";
        assert_eq!(scene.number(without).await, 120 - known);
        let with = "select count(*) from v_conversation_links where conversation_id is not null";
        assert_eq!(scene.number(with).await, 60);

        // Asked again, nothing is there twice, and the strangers are still known as such.
        scene.sync(&of_phones(&scene, numbers(&scene))).await;
        let rows = "select count(*) from v_conversation_links";
        assert_eq!(scene.number(rows).await, 60 + 120 - known);
    }
}

#[tokio::test]
async fn a_404_of_the_links_route_says_that_none_was_found() {
    let options = SimulatorOptions {
        links_not_found: true,
        ..corpus(42, 5, 50)
    };
    let scene = Scene::sqlite(options).await;
    let strangers = vec!["9990001".to_owned(), "9990002".to_owned()];
    let done = scene.sync(&of_phones(&scene, strangers)).await;
    done.assert_complete();
    let phones = done.summary.phones.unwrap();
    assert_eq!((phones.asked, phones.not_found, phones.failed), (2, 2, 0));
    assert_eq!(done.counts().listed, 0);
    let without = "select count(*) from v_conversation_links where conversation_id is null";
    assert_eq!(scene.number(without).await, 2);
}

#[tokio::test]
async fn phones_and_ids_are_one_list() {
    let scene = Scene::sqlite(corpus(43, 6, 120)).await;
    let mut run = of_phones(&scene, numbers(&scene));
    let ids = Run::of_ids(&scene.simulator.conversation_ids()).input;
    run.input.as_mut().unwrap().ids = ids.unwrap().ids;
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!(done.counts().listed, 6);
}

#[tokio::test]
async fn another_organisation_is_a_configuration_that_stops_the_run() {
    let scene = Scene::sqlite(corpus(44, 5, 50)).await;
    let mut run = of_phones(&scene, numbers(&scene));
    run.options.organization_id = Some("org_other".to_owned());
    let done = scene.sync(&run).await;
    done.assert_stopped(StopReason::Configuration);
    assert_eq!(done.outcome().exit_code(), 2);
    let because = done.summary.stopped_because.unwrap();
    assert!(because.contains("organization mismatch"), "{because}");
    assert_eq!(scene.simulator.stats().of_route("messages"), 0);
}

#[tokio::test]
async fn a_phone_s_gone_conversation_is_told_like_any_other() {
    let scene = Scene::sqlite(corpus(45, 4, 60)).await;
    let id = scene.simulator.conversation_ids().remove(1);
    scene.simulator.set_answer(&id, Some(Answer::NotFound));
    let done = scene.sync(&of_phones(&scene, numbers(&scene))).await;
    assert_eq!(done.outcome().exit_code(), 3);
    assert_eq!((done.counts().gone, done.counts().complete), (1, 3));
}
