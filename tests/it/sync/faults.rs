//! Each way in which one answer goes wrong: repeated where that helps, else one conversation's.

use std::{sync::Arc, time::Duration};

use convault::{
    model::StopReason,
    simulator::{Fault, Faults, RetryAfter, Schedule},
};

use super::scene::{Run, Scene, corpus_of_each};

const PASSING: [Fault; 10] = [
    Fault::ServerError,
    Fault::BadGateway,
    Fault::Unavailable,
    Fault::GatewayTimeout,
    Fault::Html,
    Fault::Truncated,
    Fault::WrongLength,
    Fault::Reset,
    Fault::EmptyBody,
    Fault::TooManyRequests,
];

fn once_in_a_while(fault: Fault, chance: f64) -> Faults {
    Faults {
        retry_after_secs: 0,
        ..Faults::default()
    }
    .with(fault, Schedule::Chance(chance))
}

#[tokio::test]
async fn a_passing_fault_is_repeated_and_nothing_is_lost() {
    for fault in PASSING {
        let scene = Scene::sqlite(corpus_of_each(101, 6, 50)).await;
        scene.simulator.set_faults(once_in_a_while(fault, 0.2));
        let mut run = Run::of_page_size(20);
        run.retries_max = 20;
        let done = scene.sync(&run).await;
        done.assert_complete();
        let requests = done.summary.report.requests;
        assert!(requests.retried > 0, "{fault:?}: {requests:?}");
        let throttled = fault == Fault::TooManyRequests;
        assert_eq!(requests.throttled > 0, throttled, "{fault:?}");
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_lasting_fault_fails_its_conversation_and_no_other() {
    for (fault, classes) in [
        (Fault::ServerError, &["server"][..]),
        (Fault::BadGateway, &["server"]),
        (Fault::Unavailable, &["server"]),
        (Fault::GatewayTimeout, &["server"]),
        (Fault::Html, &["malformed"]),
        (Fault::Truncated, &["malformed"]),
        (Fault::EmptyBody, &["malformed"]),
        (Fault::Reset, &["transport"]),
        (Fault::WrongLength, &["malformed", "transport"]),
    ] {
        let scene = Scene::sqlite(corpus_of_each(102, 20, 40)).await;
        scene.simulator.set_faults(once_in_a_while(fault, 0.25));
        let mut run = Run::of_page_size(20);
        run.retries_max = 0;
        let done = scene.sync(&run).await;
        assert_eq!(done.outcome().exit_code(), 3, "{fault:?}");
        let counts = done.counts();
        assert!(
            counts.failed + counts.partial > 3 && counts.complete > 3,
            "{fault:?} {counts:?}"
        );
        // One whose page failed once may be read around it.
        let ended = counts.failed + counts.partial + counts.complete;
        assert_eq!(ended, 20, "{fault:?}");
        let told = done.classes();
        assert!(told.iter().all(|class| classes.contains(class)), "{told:?}");
        assert_told_apart(&scene, classes).await;
        scene.simulator.set_faults(Faults::default());
        scene.sync(&run).await.assert_complete();
        scene.assert_all_same().await;
        let open = "select count(*) from v_failures where is_open";
        assert_eq!(scene.number(open).await, 0);
    }
}

/// The complete ones are whole and have no failure; each other one has one of these classes.
async fn assert_told_apart(scene: &Scene, classes: &[&str]) {
    let sql = "select c.id, c.state, f.class from v_conversations c
               left join v_failures f on f.conversation_id = c.id and f.is_open";
    let mut checked_whole = 0;
    for row in scene.rows(sql).await {
        if row[1] == "complete" {
            assert_eq!(row[2], "null", "{}", row[0]);
            // Reading each would take long; three are as good a sample as any.
            if checked_whole < 3 {
                scene.assert_same(&row[0]).await;
            }
            checked_whole += 1;
        } else {
            assert!(["failed", "partial"].contains(&row[1].as_str()), "{row:?}");
            assert!(classes.contains(&row[2].as_str()), "{row:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_fails_its_conversation_and_is_not_followed() {
    for fault in [Fault::Redirect, Fault::RedirectAway] {
        let scene = Scene::sqlite(corpus_of_each(103, 4, 70)).await;
        let other = Scene::sqlite(corpus_of_each(103, 4, 70)).await;
        let faults = Faults {
            redirect_to: other.simulator.base_url(),
            ..Faults::default()
        };
        scene
            .simulator
            .set_faults(faults.with(fault, Schedule::at(2)));
        let mut one_by_one = Run::of_page_size(20);
        one_by_one.options.concurrency = 1;
        let done = scene.sync(&one_by_one).await;
        assert_eq!(done.outcome().exit_code(), 3, "{fault:?}");
        assert_eq!(
            (done.counts().failed, done.classes()),
            (4, vec!["systemic"])
        );
        assert_eq!(other.simulator.stats().requests, 0, "never followed");
        assert_eq!(done.requests(), 8, "nor asked again");
        // The page before it is kept.
        assert_eq!(scene.number("select count(*) from v_messages").await, 80);
        scene.sync(&Run::of_page_size(20)).await.assert_complete();
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_429_is_waited_for_in_each_of_its_forms() {
    for retry_after in [RetryAfter::Seconds, RetryAfter::Date, RetryAfter::Missing] {
        let scene = Scene::sqlite(corpus_of_each(104, 3, 70)).await;
        let faults = Faults {
            retry_after,
            retry_after_secs: 0,
            ..Faults::default()
        };
        let faults = faults.with(Fault::TooManyRequests, Schedule::at(2));
        scene.simulator.set_faults(faults);
        let done = scene.sync(&Run::of_page_size(20)).await;
        done.assert_complete();
        let requests = done.summary.report.requests;
        assert_eq!((requests.throttled, requests.retried), (3, 3));
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_429_that_wants_too_long_a_wait_stops_the_run_with_code_5() {
    for retry_after in [RetryAfter::Seconds, RetryAfter::Date] {
        let scene = Scene::sqlite(corpus_of_each(105, 3, 70)).await;
        let faults = Faults {
            retry_after,
            retry_after_secs: 3_600,
            ..Faults::default()
        };
        let faults = faults.with(Fault::TooManyRequests, Schedule::at(3));
        scene.simulator.set_faults(faults);
        let mut run = Run::of_page_size(20);
        run.options.concurrency = 1;
        let done = scene.sync(&run).await;
        done.assert_stopped(StopReason::RateLimited);
        assert_eq!(done.outcome().exit_code(), 5);
        assert_eq!(done.counts().not_reached, 3);
        assert_eq!(scene.number("select count(*) from v_messages").await, 38);
        scene.simulator.set_faults(Faults::default());
        scene.sync(&run).await.assert_complete();
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_401_after_success_is_repeated_a_few_times_and_then_ends_the_run_with_code_4() {
    let scene = Scene::sqlite(corpus_of_each(106, 3, 70)).await;
    let at = |schedule| Faults::default().with(Fault::Unauthorized, schedule);
    scene.simulator.set_faults(at(Schedule::Requests(2..=3)));
    let mut run = Run::of_page_size(20);
    run.options.concurrency = 1;
    let done = scene.sync(&run).await;
    done.assert_complete();
    assert_eq!(done.summary.report.requests.retried, 6);

    let scene = Scene::sqlite(corpus_of_each(106, 3, 70)).await;
    scene
        .simulator
        .set_faults(at(Schedule::Requests(3..=u64::MAX)));
    let done = scene.sync(&run).await;
    done.assert_stopped(StopReason::Unauthorized);
    assert_eq!(done.outcome().exit_code(), 4);
    assert_eq!((done.requests(), done.counts().not_reached), (5, 3));
    assert_eq!(scene.number("select count(*) from v_messages").await, 38);
    scene.simulator.set_faults(Faults::default());
    scene.sync(&run).await.assert_complete();
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_gateway_that_is_not_there_stops_the_run_with_code_5() {
    let scene = Scene::sqlite(corpus_of_each(107, 8, 70)).await;
    let simulator = Arc::clone(&scene.simulator);
    let down = Faults {
        down: Some(Fault::Reset),
        ..Faults::default()
    };
    scene
        .simulator
        .at_request(1, move || simulator.set_faults(down));
    let mut run = Run::of_page_size(20);
    run.options.concurrency = 1;
    run.retry.give_up_after = Some(Duration::from_millis(500));
    run.retries_max = 0;
    let done = scene.sync(&run).await;
    done.assert_stopped(StopReason::Unreachable);
    assert_eq!(done.outcome().exit_code(), 5);
    assert!(done.requests() > 3, "{}", done.requests());
    assert_eq!(done.counts().not_reached, 8);
    assert_eq!(done.counts().failed, 0, "it is nobody's own failure");
    scene.simulator.set_faults(Faults::default());
    scene.sync(&run).await.assert_complete();
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_page_that_comes_too_slowly_is_asked_for_in_halves() {
    let scene = Scene::sqlite(corpus_of_each(108, 1, 70)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let slow = |schedule| {
        let faults = Faults {
            byte_every: Duration::from_millis(20),
            ..Faults::default()
        };
        faults.with(Fault::Slow, schedule)
    };
    scene.simulator.set_faults(slow(Schedule::at(1)));
    let mut run = Run::of_page_size(40);
    run.retries_max = 0;
    run.timeout = Duration::from_millis(250);
    scene.sync(&run).await.assert_complete();
    let asked = scene.asked(0);
    assert!(
        asked[0].contains("limit=40") && asked[1].contains("limit=20"),
        "{asked:?}"
    );
    scene.assert_same(&id).await;

    let scene = Scene::sqlite(corpus_of_each(108, 1, 70)).await;
    scene.simulator.set_faults(slow(Schedule::always()));
    let done = scene.sync(&run).await;
    assert_eq!((done.counts().failed, done.classes()), (1, vec!["timeout"]));
    assert_eq!(done.requests(), 3, "halved twice, no more");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_halved_until_it_fits() {
    let scene = Scene::sqlite(corpus_of_each(109, 2, 150)).await;
    let mut run = Run::of_page_size(100);
    run.page_bytes_max = 20_000;
    scene.sync(&run).await.assert_complete();
    let asked = scene.asked(0);
    assert!(
        asked.iter().any(|target| target.contains("limit=25")),
        "{asked:?}"
    );
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_compressed_bomb_fails_its_conversation_and_no_other() {
    let scene = Scene::sqlite(corpus_of_each(110, 12, 30)).await;
    let faults = Faults {
        bomb_bytes: 8 << 20,
        ..Faults::default()
    };
    let faults = faults.with(Fault::Bomb, Schedule::Requests(1..=99));
    scene.simulator.set_faults(faults);
    let ids = scene.simulator.conversation_ids();
    let mut run = Run::of_page_size(100);
    run.page_bytes_max = 1 << 20;
    run.input = Run::of_ids(&ids[..1]).input;
    let done = scene.sync(&run).await;
    assert_eq!(
        (done.counts().failed, done.classes()),
        (1, vec!["too_large"])
    );
    // Halved down to four messages, which are then asked for one by one.
    assert_eq!(done.requests(), 10);
    assert_eq!(scene.open_failures(&ids[0]).await, ["too_large"]);
    scene.simulator.set_faults(Faults::default());
    run.input = None;
    scene.sync(&run).await.assert_complete();
    scene.assert_all_same().await;
}
