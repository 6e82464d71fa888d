//! Pages that are cut, or tied.

use convault::simulator::{Faults, Mutation};

use super::{assert_all_stored, assert_nothing_missing, sync, world};
use crate::program::{Engine, claims_on_both_engines};

claims_on_both_engines! {
    pages_that_are_cut_by_bytes_are_read_to_the_end
    a_tie_at_either_end_that_no_page_holds_is_a_hole_by_name_at_one_request_an_idle_run
}

async fn pages_that_are_cut_by_bytes_are_read_to_the_end(engine: Engine) {
    let cut = Faults {
        page_bytes: Some(6_000),
        ..Faults::default()
    };
    let stage = world(engine, &[5, 33, 140, 300], cut).await;
    sync(&stage).await.assert_complete();
    assert_all_stored(&stage).await;
    assert_nothing_missing(&stage).await;
    assert_eq!(sync(&stage).await.requests, 4, "an idle run");
}

/// Twelve messages apart from groups of 50 at the newest and at the oldest end.
async fn tied(engine: Engine, faults: Faults) -> crate::program::Stage {
    let stage = world(engine, &[12, 12], faults).await;
    let ids = stage.simulator.conversation_ids();
    let tie = Mutation::Tie { n: 50 };
    stage.simulator.mutate(&ids[0], &tie).unwrap();
    for position in 11..60 {
        let with_oldest = Mutation::TieWith { position };
        stage.simulator.mutate(&ids[1], &with_oldest).unwrap();
    }
    stage
}

async fn a_tie_at_either_end_that_no_page_holds_is_a_hole_by_name_at_one_request_an_idle_run(
    engine: Engine,
) {
    let capped = Faults {
        limit_cap: Some(20),
        shuffle_ties: true,
        ..Faults::default()
    };
    let stage = tied(engine, capped).await;
    for _ in 0..3 {
        let run = sync(&stage).await;
        run.assert_partial("tie_group_exceeds_page");
        assert_nothing_missing(&stage).await;
    }
    assert_eq!(sync(&stage).await.requests, 2);
}
