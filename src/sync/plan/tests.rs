//! The planner: what each kind of conversation adds, and how it is added up.

use super::*;
use crate::{
    model::{ConversationId, ConversationKey, RunId},
    store::Extent,
};

const OPTIONS: PlanOptions = PlanOptions {
    page_size: 100,
    full: false,
    audit_share: 0.1,
    run: RunId(2),
};

const WHOLE: Extent = Extent {
    pieces: 1,
    holes: 0,
    has_tail: true,
};

/// As a run that was stopped half-way leaves it.
const TOP: Extent = Extent {
    has_tail: false,
    ..WHOLE
};

fn complete(live: u64) -> Coverage {
    Coverage {
        key: ConversationKey(1),
        id: ConversationId::new("conv_1"),
        state: ConversationState::Complete,
        live,
        to_confirm: 0,
        unlisted: Some(0),
        cover: WHOLE,
        second: None,
    }
}

fn partial(live: u64, cover: Extent) -> Coverage {
    Coverage {
        state: ConversationState::Partial,
        unlisted: None,
        cover,
        ..complete(live)
    }
}

fn plan_of(options: PlanOptions, list: &[(Coverage, Probed)]) -> Plan {
    let mut planner = Planner::new(options);
    for (coverage, probed) in list {
        planner.add(coverage, *probed);
    }
    planner.finish()
}

fn line(plan: &Plan, class: PlanClass) -> (u64, u64, bool, u64) {
    let line = plan.line(class).unwrap();
    (
        line.conversations,
        line.requests,
        line.at_least,
        line.messages,
    )
}

#[test]
fn nothing_is_planned_for_an_empty_list() {
    let plan = Planner::new(OPTIONS).finish();
    assert_eq!((plan.requests, plan.at_least), (0, false));
    assert!(plan.lines.is_empty());
}

#[test]
fn an_unknown_length_is_two_requests_at_least_and_a_known_one_is_its_pages() {
    let mut planner = Planner::new(OPTIONS);
    planner.add_unknown(Probed::Nothing);
    planner.add_unknown(Probed::Counted(50));
    planner.add_unknown(Probed::Counted(292));
    planner.add_unknown(Probed::Refused);
    let plan = planner.finish();
    assert_eq!(line(&plan, PlanClass::NeverRead), (3, 2 + 2 + 6, true, 342));
    assert_eq!(line(&plan, PlanClass::GoneOrForbidden), (1, 1, false, 0));
    assert_eq!(
        (plan.conversations, plan.requests, plan.at_least),
        (4, 11, true)
    );
    assert_eq!(plan.unsized_conversations, 1);
}

#[test]
fn a_registered_conversation_that_was_never_read_is_as_new() {
    let pending = Coverage {
        state: ConversationState::Pending,
        unlisted: None,
        cover: Extent::default(),
        ..complete(0)
    };
    let failed = Coverage {
        state: ConversationState::Failed,
        ..pending.clone()
    };
    let plan = plan_of(
        OPTIONS,
        &[(pending, Probed::Nothing), (failed, Probed::Counted(100))],
    );
    assert_eq!(line(&plan, PlanClass::NeverRead), (2, 2 + 4, true, 100));
}

#[test]
fn an_idle_conversation_is_one_request_and_two_for_each_place_to_look_at_again() {
    let confirming = Coverage {
        to_confirm: 2,
        ..complete(250)
    };
    let many = Coverage {
        to_confirm: 500,
        ..complete(250)
    };
    let short = Coverage {
        to_confirm: 2,
        ..complete(10)
    };
    let list = [complete(10), complete(250), confirming, many, short];
    let list = list.map(|coverage| (coverage, Probed::Nothing));
    let plan = plan_of(
        PlanOptions {
            audit_share: 0.0,
            ..OPTIONS
        },
        &list,
    );
    // No more places than pages.
    assert_eq!(
        line(&plan, PlanClass::Idle),
        (5, 1 + 1 + (1 + 4) + (1 + 6) + 2, false, 0)
    );
    assert!(!plan.at_least);
}

#[test]
fn the_sweep_has_its_share_of_the_rest_and_no_more_than_there_are_pages() {
    let many: Vec<_> = (0..1_000)
        .map(|_| (complete(388), Probed::Nothing))
        .collect();
    let plan = plan_of(OPTIONS, &many);
    assert_eq!(line(&plan, PlanClass::Sweep), (0, 100, false, 0));
    assert_eq!(plan.requests, 1_100);
    let few = plan_of(OPTIONS, &many[..19]);
    assert_eq!(line(&few, PlanClass::Sweep).1, 1, "a part of one is none");
    let all = PlanOptions {
        audit_share: 1.0,
        ..OPTIONS
    };
    let one_page: Vec<_> = (0..50).map(|_| (complete(101), Probed::Nothing)).collect();
    let short: Vec<_> = (0..50).map(|_| (complete(99), Probed::Nothing)).collect();
    let plan = plan_of(all, &[one_page, short].concat());
    assert_eq!(line(&plan, PlanClass::Sweep).1, 50, "as many as there are");
}

#[test]
fn an_unfinished_conversation_is_its_head_and_what_is_left() {
    let list = [
        // Head, the page that joins, the look past the end, the head.
        (partial(388, TOP), Probed::Nothing),
        // 612 left: pages at the overlap above, every 96 rows.
        (partial(388, TOP), Probed::Counted(1_000)),
        // It fits one page: nothing to join.
        (partial(40, TOP), Probed::Counted(40)),
    ];
    let plan = |n: usize| plan_of(OPTIONS, &list[n..=n]);
    assert_eq!(line(&plan(0), PlanClass::Unfinished), (1, 4, true, 0));
    assert_eq!(line(&plan(1), PlanClass::Unfinished), (1, 10, false, 612));
    assert_eq!(line(&plan(2), PlanClass::Unfinished), (1, 2, false, 0));
}

#[test]
fn holes_between_pieces_are_a_page_each() {
    let holed = Extent {
        pieces: 3,
        holes: 2,
        has_tail: true,
    };
    let plan = plan_of(OPTIONS, &[(partial(800, holed), Probed::Counted(900))]);
    assert_eq!(line(&plan, PlanClass::Unfinished), (1, 5, false, 100));
}

#[test]
fn a_partial_conversation_with_a_whole_cover_is_one_request_at_least() {
    let plan = plan_of(OPTIONS, &[(partial(800, WHOLE), Probed::Nothing)]);
    assert_eq!(line(&plan, PlanClass::Unfinished), (1, 1, true, 0));
}

#[test]
fn what_was_gone_or_forbidden_is_one_request_whatever_is_archived() {
    let list = [ConversationState::Gone, ConversationState::Forbidden].map(|state| {
        let refused = Coverage {
            state,
            ..complete(5_000)
        };
        (refused, Probed::Nothing)
    });
    let full = PlanOptions {
        full: true,
        ..OPTIONS
    };
    for options in [OPTIONS, full] {
        let plan = plan_of(options, &list);
        assert_eq!(line(&plan, PlanClass::GoneOrForbidden), (2, 2, false, 0));
    }
}

#[test]
fn a_full_run_reads_all_of_it_and_needs_no_look_past_the_end() {
    let full = PlanOptions {
        full: true,
        ..OPTIONS
    };
    let long = plan_of(full, &[(complete(292), Probed::Nothing)]);
    assert_eq!(line(&long, PlanClass::Full), (1, 5, false, 0));
    assert_eq!(long.line(PlanClass::Sweep), None, "it is all read anyway");

    let short = plan_of(full, &[(complete(20), Probed::Nothing)]);
    assert_eq!(line(&short, PlanClass::Full), (1, 2, false, 0));
    // Once a full page was seen, a short one that ends by its count is the end.
    let both = [
        (complete(20), Probed::Nothing),
        (complete(292), Probed::Nothing),
    ];
    assert_eq!(
        line(&plan_of(full, &both), PlanClass::Full),
        (2, 6, true, 0)
    );
}

#[test]
fn an_interrupted_full_run_goes_on_whatever_is_asked_for() {
    let under_way = |extent: Extent, left: u64| Coverage {
        second: Some(SecondCover { extent, left }),
        ..complete(1_000)
    };
    // Head, pages over the 300 and the overlap, head.
    let plan = plan_of(OPTIONS, &[(under_way(TOP, 300), Probed::Nothing)]);
    assert_eq!(line(&plan, PlanClass::Full), (1, 6, false, 0));
    let begun = plan_of(
        OPTIONS,
        &[(under_way(Extent::default(), 0), Probed::Nothing)],
    );
    let fresh = plan_of(
        PlanOptions {
            full: true,
            ..OPTIONS
        },
        &[(complete(1_000), Probed::Nothing)],
    );
    assert_eq!(line(&begun, PlanClass::Full), line(&fresh, PlanClass::Full));
}

#[test]
fn b_is_taken_off_what_is_counted() {
    let hidden = Coverage {
        unlisted: Some(3),
        ..partial(90, TOP)
    };
    let plan = plan_of(OPTIONS, &[(hidden, Probed::Counted(100))]);
    assert_eq!(line(&plan, PlanClass::Unfinished), (1, 2, false, 7));
    assert_eq!(listed(2, Some(5)), 0);
    assert_eq!(listed(2, Some(-1)), 3);
}

#[test]
fn phone_numbers_are_fifty_a_request() {
    let mut planner = Planner::new(OPTIONS);
    planner.add_phones(101, 0);
    let plan = planner.clone().finish();
    assert_eq!(line(&plan, PlanClass::Discovery), (0, 3, false, 0));
    planner.add_phones(0, 7);
    let plan = planner.finish();
    assert_eq!(line(&plan, PlanClass::Discovery), (0, 3, true, 0));
    assert_eq!(plan.unsized_phones, 7);
}

#[test]
fn only_where_it_matters_is_a_length_asked_for() {
    let planner = Planner::new(OPTIONS);
    let never = Coverage {
        cover: Extent::default(),
        ..partial(0, TOP)
    };
    let gone = Coverage {
        state: ConversationState::Gone,
        ..never.clone()
    };
    let asked = [complete(5), gone, partial(5, WHOLE), partial(5, TOP), never]
        .map(|coverage| planner.wants_size(&coverage));
    assert_eq!(asked, [false, false, false, true, true]);
}

#[test]
fn what_is_likely_is_what_the_archived_ones_would_cost_from_the_start() {
    let size = |messages, conversations| Size {
        messages,
        conversations,
    };
    let mut planner = Planner::new(OPTIONS);
    for _ in 0..10 {
        planner.add_unknown(Probed::Nothing);
    }
    planner.add(&complete(10), Probed::Nothing);
    let plan = planner.finish();
    assert_eq!(plan.requests, 21);
    // Three of four cost 2, one costs 6: 3 each.
    assert_eq!(
        plan.likely(&[size(10, 3), size(292, 1)]),
        Some(Likely {
            requests: 31,
            conversations: 4,
            messages_each: 81,
        })
    );
    assert_eq!(plan.likely(&[]), None);
    let known = plan_of(OPTIONS, &[(complete(10), Probed::Nothing)]);
    assert_eq!(known.likely(&[size(10, 3)]), None);
}
