//! Conversations that change while they are read: what is claimed is true, and over a quiet
//! gateway the archive becomes equal to it.

use std::{collections::HashMap, time::Duration};

use convault::{
    model::Timestamp,
    simulator::{Faults, Mutation, Mutations, SimulatorOptions},
    store::Store,
};

use super::scene::{Engine, Run, Scene, corpus_of_each};

const LAG: Duration = Duration::from_secs(20);

/// What may happen in a scene, one of these by seed.
const SCHEDULES: [&str; 8] = [
    "arrive=0.5,lag=20s",
    "arrive=0.3,late=0.3,lag=20s",
    "delete=0.5,arrive=0.2,lag=20s",
    "burst=0.2,arrive=0.2,late=0.1,lag=20s",
    "tie=0.4,arrive=0.2,delete=0.2,lag=20s",
    "edit=0.5,arrive=0.2,delete=0.1,lag=20s",
    "wipe=@6,arrive=0.5,lag=20s",
    "arrive=0.2,late=0.1,tie=0.1,delete=0.2,burst=0.1,edit=0.3,lag=20s",
];

/// One conversation of 150 messages at 20 a page, where each request is a second later.
fn shifting(seed: u64) -> SimulatorOptions {
    let schedule = usize::try_from(seed).unwrap() % SCHEDULES.len();
    SimulatorOptions {
        mutations: Mutations::parse(SCHEDULES[schedule]).unwrap(),
        faults: Faults {
            shuffle_ties: seed.is_multiple_of(3),
            limit_cap: (seed.is_multiple_of(5)).then_some(13),
            hidden: u32::from(seed.is_multiple_of(7)) * 4,
            ..Faults::default()
        },
        tick: Duration::from_secs(1),
        ..corpus_of_each(1_000 + seed, 1, 150)
    }
}

fn run_of(full: bool) -> Run {
    let mut run = Run::of_page_size(20);
    run.options.visibility_lag = LAG;
    run.options.full = full;
    // Bursts are part of the schedules; the brake has a claim of its own below.
    run.options.accept_deletions = true;
    run
}

/// Everything that the gateway lists below the horizon is in the archive and live.
async fn assert_claims(scene: &Scene, id: &str, seed: u64) {
    let horizon = scene.of(id, "horizon").await;
    assert_ne!(horizon, "null", "seed {seed}: complete without a horizon");
    let horizon: Timestamp = horizon.parse().unwrap();
    let archived: HashMap<_, _> = scene.archived(id).await.into_iter().collect();
    for listed in scene.simulator.contents(id).unwrap() {
        assert!(
            listed.created_at >= horizon || archived.contains_key(&listed.id),
            "seed {seed}: {} of {} is below the horizon {horizon} and not live in the archive",
            listed.id,
            listed.created_at
        );
    }
}

/// The number of runs over a quiet gateway until the archive was equal to it.
async fn runs_until_equal(scene: &Scene, store: &Store, id: &str, seed: u64) -> u32 {
    scene.simulator.set_mutations(Mutations::default());
    for runs in 1..=3 {
        scene.clock.advance(2 * LAG);
        let done = scene.sync_into(store, &run_of(false)).await;
        if done.counts().complete == 1 {
            assert_claims(scene, id, seed).await;
            let ids = |rows: Vec<(String, String)>| rows.into_iter().map(|row| row.0);
            let archived: Vec<_> = ids(scene.archived(id).await).collect();
            let listed: Vec<_> = ids(scene.listed(id)).collect();
            if archived == listed {
                return runs;
            }
        }
    }
    let failures = scene.open_failures(id).await;
    panic!("seed {seed}: not equal after three quiet runs, {failures:?}");
}

async fn one_scene(engine: Engine, seed: u64) -> u32 {
    let scene = Scene::start(engine, shifting(seed)).await;
    scene
        .with_store(async |store| read_while_it_moves(&scene, store, seed).await)
        .await
}

/// The number of quiet runs until archive and gateway were equal.
async fn read_while_it_moves(scene: &Scene, store: &Store, seed: u64) -> u32 {
    let id = scene.simulator.conversation_ids().remove(0);
    for _ in 0..2 {
        let done = scene.sync_into(store, &run_of(false)).await;
        let budget = 4 * 150_u64.div_ceil(12) + 30;
        assert!(done.requests() <= 2 * budget, "seed {seed}");
        if done.counts().complete == 1 {
            assert_claims(scene, &id, seed).await;
        }
        scene.assert_sound(store).await;
        scene.clock.advance(Duration::from_secs(5));
    }
    let runs = runs_until_equal(scene, store, &id, seed).await;
    // A whole reading finds the edits that lie deep; then state and raw are equal, too.
    scene.clock.advance(2 * LAG);
    let done = scene.sync_into(store, &run_of(true)).await;
    assert_eq!(done.counts().complete, 1, "seed {seed}");
    scene.assert_sound(store).await;
    assert!(
        scene.archived(&id).await == scene.listed(&id),
        "seed {seed}: the archive differs after a whole reading"
    );
    // Nothing is there twice, and no message that vanished was dropped.
    let twice =
        "select count(*) from (select id from v_messages group by id having count(*) > 1) d";
    assert_eq!(scene.number(twice).await, 0, "seed {seed}");
    runs
}

pub(super) async fn what_is_claimed_while_messages_move_is_true(engine: Engine) {
    let seeds = match engine {
        Engine::Sqlite => 0..24,
        Engine::Postgres => 24..28,
    };
    let scenes = seeds.end - seeds.start;
    let mut runs = 0;
    for seed in seeds {
        runs += u64::from(one_scene(engine, seed).await);
    }
    assert!(runs <= 2 * scenes, "{runs} runs for {scenes} scenes");
}

pub(super) async fn an_edit_found_by_a_full_run_keeps_both_states(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(81, 1, 90)).await;
    let id = scene.simulator.conversation_ids().remove(0);
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    let before = scene.simulator.contents(&id).unwrap();
    scene.clock.advance(Duration::from_hours(1));
    let positions = vec![1, 70];
    scene
        .simulator
        .mutate(&id, &Mutation::Edit { positions })
        .unwrap();
    let after = scene.simulator.contents(&id).unwrap();

    // The head's edit is met by any run, the deep one by a whole reading.
    let done = scene.sync(&Run::of_page_size(20)).await;
    assert_eq!(
        (done.requests(), done.summary.report.messages.changed),
        (1, 1)
    );
    let done = scene.sync(&Run::of_page_size(20).full()).await;
    done.assert_complete();
    assert_eq!(done.summary.report.messages.changed, 1);
    scene.assert_same(&id).await;
    for place in [1, 70] {
        assert_ne!(before[place].raw, after[place].raw);
        let sql = format!(
            "select version, event, raw from v_message_history
             where conversation_id = '{id}' and message_id = '{}' order by version",
            before[place].id
        );
        let rows = scene.rows(&sql).await;
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!(
            (rows[0][0].as_str(), &rows[0][2]),
            ("1", &before[place].raw)
        );
        assert_eq!((rows[1][0].as_str(), &rows[1][2]), ("2", &after[place].raw));
    }
    assert_eq!(
        scene.number("select count(*) from v_message_history").await,
        92
    );
}

pub(super) async fn messages_that_vanish_are_marked_and_stay(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(82, 2, 90)).await;
    let ids = scene.simulator.conversation_ids();
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    let before = scene.simulator.contents(&ids[0]).unwrap();
    scene.clock.advance(Duration::from_hours(1));
    let positions = vec![3, 40, 41, 42, 89];
    let delete = Mutation::Delete {
        positions: positions.clone(),
    };
    scene.simulator.mutate(&ids[0], &delete).unwrap();
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    scene.assert_all_same().await;
    let sql = "select id from v_messages where missing_since is not null";
    let mut missing: Vec<_> = scene.rows(sql).await.concat();
    missing.sort();
    let mut deleted: Vec<_> = positions.iter().map(|&at| before[at].id.clone()).collect();
    deleted.sort();
    assert_eq!(missing, deleted);
    assert_eq!(scene.number("select count(*) from v_messages").await, 180);
    // Their last state is still there.
    assert_eq!(
        scene.number("select count(*) from v_message_history").await,
        180
    );

    scene.clock.advance(Duration::from_hours(1));
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    assert_eq!(
        done.requests(),
        7,
        "a head for each, and each of three places is looked at twice, one of them by the head"
    );
    let sql = "select id from v_messages where deleted_at = missing_since";
    let mut tombstones: Vec<_> = scene.rows(sql).await.concat();
    tombstones.sort();
    assert_eq!(tombstones, deleted);
    let sql = "select count(*) from v_message_history where event = 'deleted' and raw is null";
    assert_eq!(scene.number(sql).await, 5);
    let sql = "select count(*) from v_deleted d join v_message_history h
               on h.message_id = d.message_id and h.event = 'deleted'
               where d.recorded_at = h.recorded_at";
    assert_eq!(scene.number(sql).await, 5);
    let sql = "select count(*) from absences";
    assert_eq!(
        scene.number(sql).await,
        10,
        "two pages of evidence for each"
    );
    let sql = "select messages_deleted from v_run_conversations where messages_deleted > 0";
    assert_eq!(scene.number(sql).await, 5, "the run's record tells them");
    scene.clock.advance(Duration::from_hours(1));
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    assert_eq!(done.requests(), 2, "confirmed once, idle ever after");
}

pub(super) async fn all_of_a_conversation_that_answers_empty_is_held_back_however_short_it_is(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus_of_each(85, 2, 10)).await;
    let ids = scene.simulator.conversation_ids();
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    let delete = Mutation::Delete {
        positions: (0..10).collect(),
    };
    scene.simulator.mutate(&ids[0], &delete).unwrap();
    let deleted = "select count(*) from v_messages where deleted_at is not null";
    for _ in 0..3 {
        scene.clock.advance(Duration::from_hours(1));
        scene.sync(&Run::of_page_size(20)).await;
        assert_eq!(scene.number(deleted).await, 0);
    }
    assert!(
        scene
            .open_failures(&ids[0])
            .await
            .contains(&"mass_deletion".to_owned())
    );
    let mut accepting = Run::of_page_size(20);
    accepting.options.accept_deletions = true;
    scene.clock.advance(Duration::from_hours(1));
    scene.sync(&accepting).await.assert_complete();
    assert_eq!(scene.number(deleted).await, 10);
}

pub(super) async fn what_the_brake_lets_through_is_a_share_of_all_that_was_there(engine: Engine) {
    let scene = Scene::start(engine, corpus_of_each(84, 1, 500)).await;
    let ids = scene.simulator.conversation_ids();
    let run = Run::of_page_size(100);
    scene.sync(&run).await.assert_complete();
    // More than 20, but not more than 5 % of 500: the missing ones count among these.
    let delete = Mutation::Delete {
        positions: (10..34).collect(),
    };
    scene.simulator.mutate(&ids[0], &delete).unwrap();
    for _ in 0..2 {
        scene.clock.advance(Duration::from_hours(1));
        scene.sync(&run).await.assert_complete();
    }
    let deleted = "select count(*) from v_messages where deleted_at is not null";
    assert_eq!(scene.number(deleted).await, 24);
}

pub(super) async fn too_many_at_once_are_held_back_until_somebody_says_that_they_are_true(
    engine: Engine,
) {
    let scene = Scene::start(engine, corpus_of_each(83, 2, 90)).await;
    let ids = scene.simulator.conversation_ids();
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    let delete = Mutation::Delete {
        positions: (10..40).collect(),
    };
    scene.simulator.mutate(&ids[0], &delete).unwrap();
    let deleted = "select count(*) from v_messages where deleted_at is not null";
    for _ in 0..3 {
        scene.clock.advance(Duration::from_hours(1));
        scene.sync(&Run::of_page_size(20)).await;
        assert_eq!(scene.number(deleted).await, 0);
    }
    assert_eq!(scene.open_failures(&ids[0]).await, ["mass_deletion"; 2]);
    let missing = "select count(*) from v_messages where missing_since is not null";
    assert_eq!(scene.number(missing).await, 30);
    let mut accepting = Run::of_page_size(20);
    accepting.options.accept_deletions = true;
    scene.clock.advance(Duration::from_hours(1));
    scene.sync(&accepting).await.assert_complete();
    assert_eq!(scene.number(deleted).await, 30);
    assert!(scene.open_failures(&ids[0]).await.is_empty());
}
