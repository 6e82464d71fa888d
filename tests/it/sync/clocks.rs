//! Clocks that are wrong, and states that go back: the order of observations is the archive's own.

use std::time::Duration;

use convault::simulator::{Faults, Mutation, Schedule};

use super::scene::{Done, Engine, Run, Scene, corpus_of_each};

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 400 * 24 * HOUR_MS;

/// A gateway with a clock that is so far ahead in these answers.
fn dated(off_ms: i64, when: Schedule) -> Faults {
    Faults {
        wrong_date: when,
        date_off_ms: off_ms,
        ..Faults::default()
    }
}

/// A run that ends complete, an hour after what was before.
async fn later(scene: &Scene, run: &Run) -> Done {
    scene.clock.advance(Duration::from_hours(1));
    let done = scene.sync(run).await;
    done.assert_complete();
    done
}

fn change(scene: &Scene, id: &str, mutations: &[Mutation]) {
    for mutation in mutations {
        scene.simulator.mutate(id, mutation).unwrap();
    }
}

/// Nothing that was noted lies in the future.
async fn assert_no_future(scene: &Scene) {
    // The clock of the scene stands still while a run takes its time.
    let now = scene.clock.now().plus(Duration::from_mins(1));
    for sql in [
        "select horizon from v_conversations where horizon is not null",
        "select proven_at from v_conversations where proven_at is not null",
        "select sent_at from coverage_pieces",
        "select missing_since from v_messages where missing_since is not null",
    ] {
        for time in scene.rows(sql).await.concat() {
            assert!(
                time.parse::<convault::model::Timestamp>().unwrap() <= now,
                "{sql}: {time}"
            );
        }
    }
}

const MISSING: &str = "select count(*) from v_messages
    where missing_since is not null and deleted_at is null";
const DELETED: &str = "select count(*) from v_messages where deleted_at is not null";

pub(super) async fn a_run_with_a_wrong_date_silences_nothing_that_comes_later(engine: Engine) {
    for off_ms in [YEAR_MS, -YEAR_MS, HOUR_MS, -HOUR_MS] {
        let scene = Scene::start(engine, corpus_of_each(91, 1, 90)).await;
        let id = scene.simulator.conversation_ids().remove(0);
        let run = Run::of_page_size(20);
        assert_eq!(scene.sync(&run).await.summary.wrong_dates, 0);
        scene
            .simulator
            .set_faults(dated(off_ms, Schedule::always()));
        let positions = vec![1, 30];
        let delete = Mutation::Delete {
            positions: vec![5, 6],
        };
        change(&scene, &id, &[Mutation::Edit { positions }, delete]);
        let done = later(&scene, &run.clone().full()).await;
        assert!(done.summary.wrong_dates > 0, "{off_ms}");

        scene.simulator.set_faults(Faults::default());
        let positions = vec![2, 3, 40];
        let delete = Mutation::Delete {
            positions: vec![10, 50],
        };
        let arrive = Mutation::Arrive { n: 45 };
        change(&scene, &id, &[Mutation::Edit { positions }, delete, arrive]);
        for runs in 0..4 {
            let full = if runs % 2 == 0 {
                run.clone().full()
            } else {
                run.clone()
            };
            assert_eq!(later(&scene, &full).await.summary.wrong_dates, 0);
            assert_no_future(&scene).await;
        }
        scene.assert_same(&id).await;
        assert_eq!(scene.number(DELETED).await, 4, "{off_ms}");
        assert_eq!(scene.number(MISSING).await, 0, "{off_ms}");
    }
}

pub(super) async fn one_of_two_backends_with_a_wrong_date_leaves_no_listed_message_missing(
    engine: Engine,
) {
    for off_ms in [HOUR_MS, -HOUR_MS, 5 * 60_000, -5 * 60_000] {
        let scene = Scene::start(engine, corpus_of_each(92, 1, 90)).await;
        let id = scene.simulator.conversation_ids().remove(0);
        scene
            .simulator
            .set_faults(dated(off_ms, Schedule::Chance(0.5)));
        let run = Run::of_page_size(20);
        scene.sync(&run).await.assert_complete();
        let delete = Mutation::Delete {
            positions: vec![3, 4, 70],
        };
        change(&scene, &id, &[delete]);
        later(&scene, &run).await;
        assert_eq!(scene.number(MISSING).await, 3, "{off_ms}");
        change(&scene, &id, &[Mutation::Restore { n: 2 }]);
        for _ in 0..3 {
            later(&scene, &run.clone().full()).await;
            assert_no_future(&scene).await;
        }
        scene.assert_same(&id).await;
        assert_eq!(scene.number(MISSING).await, 0, "{off_ms}");
        assert_eq!(scene.number(DELETED).await, 1, "{off_ms}");
    }
}

/// What an earlier program has noted by a `Date` 400 days ahead: of the states, of first absences,
/// of the ledger.
pub(super) async fn an_archive_that_a_wrong_date_has_poisoned_heals(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(93, 1, 90)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let run = Run::of_page_size(20);
    scene.sync(&run).await.assert_complete();
    let positions = vec![5, 6];
    change(&scene, &id, &[Mutation::Delete { positions }]);
    later(&scene, &run).await;
    assert_eq!(scene.number(MISSING).await, 2);
    let future = "'2027-12-01T00:00:00.000Z'";
    for sql in [
        format!("update messages set observed_at = {future}, observed_run = null returning key"),
        format!("update message_versions set observed_at = {future} returning message_key"),
        format!(
            "update messages set missing_since = {future} where missing_since is not null
             returning key"
        ),
        format!("update absences set sent_at = {future} returning strike"),
        format!(
            "update coverage_pieces set sent_at = {future}, before_time = {future}
             where position = (select max(position) from coverage_pieces) returning layer"
        ),
        format!(
            "update conversation_proofs set horizon = {future}, proven_at = {future}
             returning conversation_key"
        ),
    ] {
        assert!(!scene.rows(&sql).await.is_empty(), "{sql}");
    }
    let positions = vec![2, 40];
    let delete = Mutation::Delete {
        positions: vec![10, 50],
    };
    let arrive = Mutation::Arrive { n: 45 };
    change(&scene, &id, &[Mutation::Edit { positions }, delete, arrive]);
    for _ in 0..3 {
        later(&scene, &run).await;
        assert_no_future(&scene).await;
    }
    scene.assert_same(&id).await;
    assert_eq!(scene.number(DELETED).await, 4);
    assert_eq!(scene.number(MISSING).await, 0);
}

/// The second run is a minute after the first, and the gateway says an hour.
pub(super) async fn two_absences_within_the_lag_are_one_whatever_the_dates_say(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(94, 1, 90)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let run = Run::of_page_size(20);
    scene.sync(&run).await.assert_complete();
    scene.clock.advance(Duration::from_hours(1));
    let positions = vec![5];
    change(&scene, &id, &[Mutation::Delete { positions }]);
    scene
        .simulator
        .set_faults(dated(-HOUR_MS, Schedule::always()));
    scene.sync(&run).await.assert_complete();
    scene.simulator.set_faults(Faults::default());
    scene.clock.advance(Duration::from_mins(1));
    scene.sync(&run.clone().full()).await.assert_complete();
    assert_eq!(scene.number(DELETED).await, 0);
    scene.clock.advance(Duration::from_mins(10));
    scene.sync(&run).await.assert_complete();
    assert_eq!(scene.number(DELETED).await, 1);
}

pub(super) async fn an_older_state_counts_again_once_two_runs_have_seen_it(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(95, 1, 90)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    let run = Run::of_page_size(20);
    scene.sync(&run).await.assert_complete();
    let positions = vec![3, 40];
    let original = scene.listed(&id);
    let edit = Mutation::Edit {
        positions: positions.clone(),
    };
    change(&scene, &id, &[edit]);
    later(&scene, &run.clone().full()).await;
    let edited = scene.archived(&id).await;
    assert_ne!(edited, original);

    change(&scene, &id, &[Mutation::Revert { positions }]);
    later(&scene, &run.clone().full()).await;
    assert_eq!(
        scene.archived(&id).await,
        edited,
        "it may be a replica that lags"
    );
    // A minute later it may still be.
    scene.clock.advance(Duration::from_mins(1));
    scene.sync(&run.clone().full()).await.assert_complete();
    assert_eq!(scene.archived(&id).await, edited);
    later(&scene, &run.clone().full()).await;
    scene.assert_same(&id).await;
    let restored =
        "select count(*) from v_message_history where event = 'restored' and version = 3";
    assert_eq!(scene.number(restored).await, 2);
    let before = scene.dump_of_messages().await;
    later(&scene, &run.full()).await;
    assert!(before == scene.dump_of_messages().await, "once and for all");
}
