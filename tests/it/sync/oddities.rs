//! Answers that arrive whole and break a promise: order, counts, limits, ends, fields.

use convault::simulator::{CountMode, Faults, Mutation, Schedule};

use super::scene::{Done, Run, Scene, corpus_of_each};

async fn with_faults(seed: u64, each: u32, faults: Faults) -> (Scene, Vec<String>) {
    let scene = Scene::sqlite(corpus_of_each(seed, 4, each)).await;
    scene.simulator.set_faults(faults);
    let ids = scene.simulator.conversation_ids();
    (scene, ids)
}

fn assert_partial(done: &Done, class: &str) {
    assert_eq!(done.outcome().exit_code(), 3);
    assert_eq!(done.counts().partial, done.counts().listed);
    assert_eq!(done.classes(), [class]);
}

/// Every message of the gateway is in the archive, whatever is said of its proof.
async fn assert_all_stored(scene: &Scene) {
    scene.assert_all_same().await;
}

#[tokio::test]
async fn rows_that_are_repeated_or_out_of_order_for_once_are_asked_for_again() {
    for wrong in [
        Faults {
            repeat: Schedule::at(2),
            ..Faults::default()
        },
        Faults {
            disorder: Schedule::Requests(2..=3),
            ..Faults::default()
        },
    ] {
        let (scene, _) = with_faults(121, 70, wrong).await;
        scene.sync(&Run::of_page_size(20)).await.assert_complete();
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn rows_that_are_always_repeated_or_out_of_order_are_kept_and_prove_nothing() {
    for wrong in [
        Faults {
            repeat: Schedule::always(),
            ..Faults::default()
        },
        Faults {
            disorder: Schedule::always(),
            ..Faults::default()
        },
    ] {
        let (scene, ids) = with_faults(122, 70, wrong).await;
        let done = scene.sync(&Run::of_page_size(20)).await;
        assert_partial(&done, "order_violation");
        assert_all_stored(&scene).await;
        assert_eq!(scene.of(&ids[0], "proven_at").await, "null");
        scene.simulator.set_faults(Faults::default());
        scene.sync(&Run::of_page_size(20)).await.assert_complete();
        scene.assert_all_same().await;
    }
}

#[tokio::test]
async fn ids_as_numbers_nulls_everywhere_and_unknown_types_are_stored_whole() {
    for odd in [
        Faults {
            numeric_ids: 1.0,
            ..Faults::default()
        },
        Faults {
            nulls: 1.0,
            ..Faults::default()
        },
        Faults {
            unknown_type: 1.0,
            ..Faults::default()
        },
    ] {
        let (scene, _) = with_faults(123, 70, odd.clone()).await;
        let done = scene.sync(&Run::of_page_size(20)).await;
        done.assert_complete();
        scene.assert_all_same().await;
        let unrecognised = done.summary.report.messages.unrecognised;
        if odd.unknown_type > 0.0 {
            assert_eq!(unrecognised, 280);
        }
        let again = scene.sync(&Run::of_page_size(20)).await;
        again.assert_complete();
        assert_eq!(again.requests(), 4, "idle");
        assert_eq!(again.summary.report.messages.changed, 0);
    }
}

#[tokio::test]
async fn messages_without_id_and_times_are_stored_under_their_hash() {
    let bare = Faults {
        bare: 0.2,
        ..Faults::default()
    };
    let (scene, ids) = with_faults(124, 70, bare).await;
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    for id in &ids {
        let raws = |rows: Vec<(String, String)>| {
            let mut raws: Vec<_> = rows.into_iter().map(|row| row.1).collect();
            raws.sort();
            raws
        };
        assert!(raws(scene.archived(id).await) == raws(scene.listed(id)));
    }
    let hashed = "select count(*) from v_messages where id like 'sha256:%' and created_at is null";
    assert!(scene.number(hashed).await > 20);
    let again = scene.sync(&Run::of_page_size(20)).await;
    again.assert_complete();
    assert_eq!(again.requests(), 4);
}

#[tokio::test]
async fn a_conversation_in_which_no_time_can_be_read_is_stored_and_partial() {
    let bare = Faults {
        bare: 1.0,
        ..Faults::default()
    };
    let (scene, ids) = with_faults(125, 50, bare).await;
    let done = scene.sync(&Run::of_page_size(20)).await;
    assert_partial(&done, "order_violation");
    // Messages of the same words are one and the same then: nothing tells them apart.
    for id in &ids {
        let mut listed: Vec<_> = scene.listed(id).into_iter().map(|row| row.1).collect();
        listed.dedup();
        let mut archived: Vec<_> = scene
            .archived(id)
            .await
            .into_iter()
            .map(|row| row.1)
            .collect();
        archived.sort();
        assert!(archived == listed, "of {id}");
    }
}

#[tokio::test]
async fn a_limit_that_is_silently_capped_loses_nothing() {
    let capped = Faults {
        limit_cap: Some(7),
        ..Faults::default()
    };
    let (scene, _) = with_faults(126, 40, capped).await;
    scene.sync(&Run::of_page_size(100)).await.assert_complete();
    scene.assert_all_same().await;
    let again = scene.sync(&Run::of_page_size(100)).await;
    again.assert_complete();
    assert_eq!(again.requests(), 4);
}

#[tokio::test]
async fn without_a_count_a_short_page_is_the_weaker_proof_of_the_end() {
    let missing = Faults {
        count: CountMode::Missing,
        ..Faults::default()
    };
    let (scene, ids) = with_faults(127, 70, missing).await;
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.assert_all_same().await;
    for id in &ids {
        assert_eq!(scene.of(id, "tail_proof").await, "short_page");
    }
}

#[tokio::test]
async fn without_a_count_and_a_full_page_an_end_is_one_that_was_seen_twice() {
    let missing = Faults {
        count: CountMode::Missing,
        limit_cap: Some(7),
        ..Faults::default()
    };
    let (scene, _) = with_faults(128, 5, missing).await;
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    let conversations = done.counts().listed;
    assert_eq!(
        done.requests(),
        4 * conversations,
        "the page and what is past it, twice"
    );
    assert_all_stored(&scene).await;
}

#[tokio::test]
async fn a_count_that_lies_or_wobbles_loses_nothing() {
    for count in [CountMode::Lying, CountMode::Wobbling] {
        let wrong = Faults {
            count,
            ..Faults::default()
        };
        let (scene, ids) = with_faults(129, 70, wrong).await;
        for _ in 0..2 {
            let done = scene.sync(&Run::of_page_size(20)).await;
            assert_all_stored(&scene).await;
            let counts = done.counts();
            assert_eq!(counts.complete + counts.partial, 4, "{count:?}");
        }
        scene
            .simulator
            .mutate(&ids[0], &Mutation::Arrive { n: 3 })
            .unwrap();
        scene.sync(&Run::of_page_size(20)).await;
        assert_all_stored(&scene).await;
        let lost = "select count(*) from v_messages where missing_since is not null";
        assert_eq!(scene.number(lost).await, 0, "{count:?}");
    }
}

#[tokio::test]
async fn messages_that_are_counted_and_never_listed_are_no_deficit() {
    let hidden = Faults {
        hidden: 2,
        ..Faults::default()
    };
    let (scene, ids) = with_faults(130, 70, hidden).await;
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.assert_all_same().await;
    let again = scene.sync(&Run::of_page_size(20)).await;
    assert_eq!(again.requests(), 4, "what is hidden was learnt");

    // Some more are hidden: learnt again by a look at the tail.
    scene.simulator.set_faults(Faults {
        hidden: 5,
        ..Faults::default()
    });
    let done = scene.sync(&Run::of_page_size(20)).await;
    done.assert_complete();
    assert_eq!(done.requests(), 12, "head, tail and its end");
    assert_eq!(scene.sync(&Run::of_page_size(20)).await.requests(), 4);
    assert_eq!(scene.of(&ids[0], "state").await, "complete");
}

#[tokio::test]
async fn has_more_is_never_believed() {
    let more = Faults {
        more_for_ever: true,
        ..Faults::default()
    };
    let (scene, _) = with_faults(131, 70, more).await;
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.assert_all_same().await;
}

#[tokio::test]
async fn an_endless_conversation_ends_with_its_budget() {
    let endless = Faults {
        endless: true,
        ..Faults::default()
    };
    let (scene, _) = with_faults(132, 70, endless).await;
    let done = scene.sync(&Run::of_page_size(20)).await;
    assert_eq!(done.counts().partial, 4);
    assert_eq!(done.classes(), ["walk_budget_spent"]);
    assert!(done.requests() <= 4 * (4 * 4 + 30), "{}", done.requests());
    assert_all_stored(&scene).await;
}

#[tokio::test]
async fn a_group_of_equal_times_larger_than_a_page_is_read_with_a_larger_limit() {
    let (scene, ids) = with_faults(133, 40, Faults::default()).await;
    for id in &ids {
        scene
            .simulator
            .mutate(id, &Mutation::Tie { n: 50 })
            .unwrap();
        scene
            .simulator
            .mutate(id, &Mutation::Arrive { n: 3 })
            .unwrap();
    }
    scene.sync(&Run::of_page_size(20)).await.assert_complete();
    scene.assert_all_same().await;
}

#[tokio::test]
async fn a_group_of_equal_times_that_no_page_holds_is_a_hole_by_name() {
    let capped = Faults {
        limit_cap: Some(20),
        ..Faults::default()
    };
    let (scene, ids) = with_faults(134, 40, capped).await;
    for id in &ids[..2] {
        scene
            .simulator
            .mutate(id, &Mutation::Tie { n: 50 })
            .unwrap();
    }
    let done = scene.sync(&Run::of_page_size(20)).await;
    assert_eq!(done.outcome().exit_code(), 3);
    assert_eq!((done.counts().partial, done.counts().complete), (2, 2));
    assert_eq!(done.classes(), ["tie_group_exceeds_page"]);
    assert_eq!(
        scene.open_failures(&ids[0]).await,
        ["tie_group_exceeds_page"]
    );
    for id in &ids[2..] {
        scene.assert_same(id).await;
    }
    // What lies below the group is there all the same.
    let archived = scene.archived(&ids[0]).await;
    let listed = scene.simulator.contents(&ids[0]).unwrap();
    for one in &listed[50..] {
        assert!(archived.iter().any(|(id, _)| *id == one.id));
    }
}
