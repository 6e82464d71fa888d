//! Pages that are cut, tied, spoilt for good, or of two lists.

use std::{collections::BTreeSet, time::Duration};

use convault::simulator::{CountMode, Fault, Faults, Mutation};

use super::{assert_all_stored, assert_nothing_missing, lacking, sync, sync_of_parts, world};
use crate::program::{Engine, claims_on_both_engines};

claims_on_both_engines! {
    pages_that_are_cut_by_bytes_are_read_to_the_end
    pages_that_are_cut_by_bytes_without_a_count_are_read_to_the_end
    newest_and_oldest_messages_of_one_millisecond_are_read_with_a_larger_limit
    a_tie_at_either_end_that_no_page_holds_is_a_hole_by_name_at_one_request_an_idle_run
    a_page_that_is_always_an_error_costs_its_message_and_no_other
    a_page_that_is_always_malformed_costs_its_message_and_no_other
    two_backends_that_hold_different_lists_are_called_so_and_nothing_is_deleted
    two_backends_that_part_after_a_sound_archive_delete_nothing
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

async fn pages_that_are_cut_by_bytes_without_a_count_are_read_to_the_end(engine: Engine) {
    let cut = Faults {
        page_bytes: Some(6_000),
        count: CountMode::Missing,
        ..Faults::default()
    };
    let stage = world(engine, &[5, 33, 140, 300], cut).await;
    for _ in 0..2 {
        sync(&stage).await;
        assert_all_stored(&stage).await;
        assert_nothing_missing(&stage).await;
    }
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
    // The newest are as old as a `Date`, which is in whole seconds, can tell.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stage
}

async fn newest_and_oldest_messages_of_one_millisecond_are_read_with_a_larger_limit(
    engine: Engine,
) {
    let shuffled = Faults {
        shuffle_ties: true,
        ..Faults::default()
    };
    let stage = tied(engine, shuffled).await;
    sync(&stage).await.assert_complete();
    assert_all_stored(&stage).await;
    sync(&stage).await.assert_complete();
    assert_nothing_missing(&stage).await;
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

/// One message spoils every page that it is in; those on both sides of it are archived, the
/// conversation says that there is a hole, and the others know nothing of it.
async fn spoilt(engine: Engine, fault: Fault) {
    let spoilt = Faults {
        poison: Some((60, fault)),
        ..Faults::default()
    };
    let stage = world(engine, &[50, 160], spoilt).await;
    let ids = stage.simulator.conversation_ids();
    let mut command = stage.sync_command(&["--page-size", "20", "--max-retries", "1"]);
    let (ended, report) = stage.checked(&mut command).await;
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(report["conversations"]["complete"], 1, "{report}");
    let lacking = lacking(&stage, &ids[1]).await;
    let spoilt = &stage.simulator.contents(&ids[1]).unwrap()[159 - 60].id;
    assert_eq!(lacking, [spoilt.as_str()]);
    assert_nothing_missing(&stage).await;
    stage.simulator.set_faults(Faults::default());
    sync(&stage).await;
    sync(&stage).await.assert_complete();
    assert_all_stored(&stage).await;
}

async fn a_page_that_is_always_an_error_costs_its_message_and_no_other(engine: Engine) {
    spoilt(engine, Fault::ServerError).await;
}

async fn a_page_that_is_always_malformed_costs_its_message_and_no_other(engine: Engine) {
    spoilt(engine, Fault::Truncated).await;
}

fn parted() -> Faults {
    Faults {
        split: 0.1,
        ..Faults::default()
    }
}

async fn two_backends_that_hold_different_lists_are_called_so_and_nothing_is_deleted(
    engine: Engine,
) {
    let stage = world(engine, &[120, 160], parted()).await;
    let mut told = BTreeSet::new();
    for _ in 0..5 {
        let run = sync_of_parts(&stage).await;
        let failures = run.report["failures"].as_array().unwrap().iter();
        told.extend(
            failures
                .filter(|failure| failure["class"] == "inconsistent_gateway")
                .map(|failure| failure["conversation_id"].to_string()),
        );
        // Where one backend answered nearly all, the walk finds no end that its count allows.
        let others = ["inconsistent_gateway", "walk_budget_spent", "count_deficit"];
        assert!(run.classes().iter().all(|class| others.contains(class)));
    }
    assert!(!told.is_empty(), "no run has called one so");
}

async fn two_backends_that_part_after_a_sound_archive_delete_nothing(engine: Engine) {
    let stage = world(engine, &[120, 160], Faults::default()).await;
    sync(&stage).await.assert_complete();
    stage.simulator.set_faults(parted());
    for _ in 0..6 {
        // That no tombstone is false is seen after each run.
        sync_of_parts(&stage).await;
    }
    stage.simulator.set_faults(Faults::default());
    for _ in 0..3 {
        sync(&stage).await;
    }
    sync(&stage).await.assert_complete();
    assert_nothing_missing(&stage).await;
}
