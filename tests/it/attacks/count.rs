//! A `count` that says more than can be listed, or another thing each time.

use convault::simulator::{CountMode, Faults, Mutation};

use super::{assert_all_stored, assert_nothing_missing, sync, world};
use crate::program::{Engine, claims_on_both_engines};

claims_on_both_engines! {
    a_count_that_wobbles_by_some_loses_nothing_and_is_mostly_complete
    rows_that_are_hidden_everywhere_are_the_gateways_habit_and_no_deficit
    hidden_rows_that_grow_with_the_conversation_are_no_deficit_later
}

async fn a_count_that_wobbles_by_some_loses_nothing_and_is_mostly_complete(engine: Engine) {
    drifting(engine, CountMode::Wobbling).await;
}

async fn drifting(engine: Engine, count: CountMode) {
    let wrong = Faults {
        count,
        drift: 5,
        ..Faults::default()
    };
    let stage = world(engine, &[15, 70, 130, 210], wrong).await;
    let ids = stage.simulator.conversation_ids();
    let mut complete = 0;
    for _ in 0..10 {
        let run = sync(&stage).await;
        assert_all_stored(&stage).await;
        assert_nothing_missing(&stage).await;
        complete += u32::from(run.ended.code == 0);
    }
    assert!(complete >= 5, "{complete} of 10");
    // A message that arrives is found all the same.
    for id in &ids {
        let arrival = Mutation::Arrive { n: 2 };
        stage.simulator.mutate(id, &arrival).unwrap();
    }
    sync(&stage).await;
    assert_all_stored(&stage).await;
    // One that is deleted is noticed, and nothing else is.
    let deletion = Mutation::Delete { positions: vec![3] };
    stage.simulator.mutate(&ids[3], &deletion).unwrap();
    for _ in 0..3 {
        sync(&stage).await;
    }
    let deleted = "select count(*) from v_messages where deleted_at is not null";
    assert_eq!(stage.number(deleted).await, 1);
}

fn habit() -> Faults {
    Faults {
        hidden_share: 0.03,
        ..Faults::default()
    }
}

async fn rows_that_are_hidden_everywhere_are_the_gateways_habit_and_no_deficit(engine: Engine) {
    let lengths: Vec<u32> = (0..20).map(|n| 60 + 37 * n).collect();
    let stage = world(engine, &lengths, habit()).await;
    sync(&stage).await;
    let run = sync(&stage).await;
    run.assert_complete();
    assert_all_stored(&stage).await;
    assert_eq!(sync(&stage).await.requests, 20, "an idle run");
}

async fn hidden_rows_that_grow_with_the_conversation_are_no_deficit_later(engine: Engine) {
    let lengths: Vec<u32> = (0..10).map(|n| 100 + 37 * n).collect();
    let stage = world(engine, &lengths, habit()).await;
    sync(&stage).await;
    for _ in 0..3 {
        for id in stage.simulator.conversation_ids() {
            let arrival = Mutation::Arrive { n: 30 };
            stage.simulator.mutate(&id, &arrival).unwrap();
        }
        sync(&stage).await.assert_complete();
        assert_all_stored(&stage).await;
        assert_nothing_missing(&stage).await;
    }
}
