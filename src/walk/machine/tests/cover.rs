//! Filling holes: steps back, and what an empty page comes to.

use super::*;

const WIDE: Rules = Rules {
    limit: 100,
    limit_max: 400,
    ..RULES
};

#[test]
fn what_does_not_link_is_met_by_steps_back_that_double() {
    let mut walk = Walk::new(WIDE, &Known::default());
    let head = page(&walk, 0, Some(1_000), &down_from(50_000, 100));
    take(&mut walk, &head, 100);
    // Four rows are shared at 100 a page; twice as many is the first step.
    for skip in [96, 96 - 8, 88 - 16, 72 - 32] {
        assert_eq!(asks(&walk), Position::Skip(skip));
        let unlinked = page(&walk, skip, Some(1_000), &down_from(49_010, 100));
        take(&mut walk, &unlinked, 100);
    }
    assert_eq!(asks(&walk), Position::Skip(0));
}

#[test]
fn an_empty_page_makes_the_walk_go_on_half_a_page_above_where_the_list_is_said_to_end() {
    let hidden = Known {
        unlisted: Some(10),
        ..Known::default()
    };
    let mut walk = Walk::new(RULES, &hidden);
    let head = page(&walk, 0, Some(1_010), &down_from(50_000, 20));
    take(&mut walk, &head, 20);
    let mut empty = |skip, count| {
        let page = page(&walk, skip, count, &[]);
        assert_eq!(take(&mut walk, &page, 20), []);
        asks(&walk)
    };
    assert_eq!(empty(500, Some(410)), Position::Skip(400 - 10));
    assert_eq!(empty(390, Some(410)), Position::Skip(390 - 20));
    assert_eq!(empty(370, None), Position::Skip(370 - 40));
}

/// A page of messages that all have one time; with one above it, where it is to link.
fn tied(walk: &Walk, skip: u64, time: i64, rows: usize) -> PageFacts {
    let mut times = vec![time; rows];
    times[0] += i64::from(skip > 0) * 10;
    page(walk, skip, Some(1_000), &times)
}

fn limit(walk: &Walk) -> u32 {
    match walk.step() {
        Step::Ask(request) => request.limit,
        Step::Done(verdict) => panic!("{verdict:?}"),
    }
}

#[test]
fn a_group_of_equal_times_is_asked_for_in_longer_pages_and_then_passed_over() {
    let mut walk = Walk::new(RULES, &Known::default());
    for rows in [20, 40, 80] {
        assert_eq!((asks(&walk), limit(&walk)), (Position::Skip(0), rows));
        let same = tied(&walk, 0, 50_000, rows as usize);
        take(&mut walk, &same, u64::from(rows));
    }
    // The last of them, and below it.
    assert_eq!((asks(&walk), limit(&walk)), (Position::Skip(79), 20));
    let below = page(&walk, 79, Some(1_000), &down_from(50_000, 20));
    take(&mut walk, &below, 100);
    assert_eq!(asks(&walk), Position::Skip(79 + 18));
    // A second group, of which the gateway gives no more than 20.
    let edge = tied(&walk, 97, 49_810, 20);
    take(&mut walk, &edge, 117);
    assert_eq!(asks(&walk), Position::Skip(97), "more than 20 of one time");
    let capped = tied(&walk, 97, 49_810, 20);
    assert_eq!(capped.limit, 40);
    take(&mut walk, &capped, 117);
    // Whether what follows the newer row is the whole group.
    assert_eq!((asks(&walk), limit(&walk)), (Position::Skip(98), 20));
    let rest = page(&walk, 98, Some(1_000), &[49_810; 20]);
    take(&mut walk, &rest, 118);
    assert_eq!((asks(&walk), limit(&walk)), (Position::Skip(117), 20));

    let times: Vec<_> = walk.tie_points().iter().map(|point| point.after).collect();
    assert_eq!(times, [Some(at(49_999)), Some(at(49_809))]);
    let again = tied(&walk, 97, 49_810, 20);
    walk.pass_tie_group(&again);
    assert_eq!(walk.tie_points().len(), 2, "each is told once");
    let (class, reason) = walk.trouble.clone().unwrap();
    assert_eq!(class, FailureClass::TieGroupExceedsPage);
    let time = at(50_000).to_string();
    assert!(
        reason.contains(&format!(" the time {time} than")),
        "{reason}"
    );
}

#[test]
fn a_group_that_a_page_has_proven_since_is_passed_over_no_more() {
    let point = |time: i64| Piece {
        after: Some(at(time - 1)),
        before: Some(at(time + 1)),
        sent_at: at(60_000),
        settled: true,
    };
    let proven_to = |before| Piece {
        after: None,
        before,
        sent_at: at(70_000),
        settled: true,
    };
    for (ledger, left) in [
        (proven_to(None), vec![]),
        (proven_to(Some(at(50_000))), vec![point(50_000)]),
    ] {
        let known = Known {
            ledger: vec![ledger],
            tie_points: vec![point(40_000), point(50_000)],
            ..Known::default()
        };
        let walk = Walk::new(RULES, &known);
        assert_eq!(walk.tie_points(), left);
        assert_eq!(walk.trouble.is_some(), !left.is_empty());
    }
}

#[test]
fn a_gateway_that_gives_one_row_at_a_time_is_read_on_all_the_same() {
    let single = Known {
        full_page: Some(1),
        ..Known::default()
    };
    let mut walk = Walk::new(RULES, &single);
    let head = page(&walk, 0, Some(3), &[50_000]);
    take(&mut walk, &head, 1);
    assert_eq!(asks(&walk), Position::Skip(1));
}

/// A walk whose first page had five rows, so that the end is looked at; seven are counted.
fn five_of_seven() -> Walk {
    let mut walk = Walk::new(RULES, &Known::default());
    let head = page(&walk, 0, Some(7), &down_from(5_000, 5));
    take(&mut walk, &head, 5);
    assert_eq!(asks(&walk), Position::Skip(5));
    walk
}

#[test]
fn an_end_that_the_count_denies_is_proven_by_the_second_look() {
    let mut walk = five_of_seven();
    let empty = page(&walk, 5, Some(7), &[]);
    assert_eq!(take(&mut walk, &empty, 5), []);
    assert_eq!(asks(&walk), Position::Skip(0), "the page above it again");
    let head = page(&walk, 0, Some(7), &down_from(5_000, 5));
    take(&mut walk, &head, 5);
    let empty = page(&walk, 5, Some(7), &[]);
    assert_eq!(take(&mut walk, &empty, 5).len(), 1);
    assert_eq!(walk.tail_proof(), Some(TailProof::EmptyPage));
    assert_eq!(walk.unlisted(), Some(2));
}

#[test]
fn a_page_with_rows_or_with_another_count_proves_no_end() {
    let mut walk = five_of_seven();
    let other = page(&walk, 5, Some(8), &[]);
    assert_eq!(take(&mut walk, &other, 5), []);
    assert_eq!(walk.tail_proof(), None);
    assert_eq!(asks(&walk), Position::Skip(0));

    let mut walk = five_of_seven();
    let more = page(&walk, 5, Some(7), &[4_950, 4_940]);
    let claims = take(&mut walk, &more, 7);
    assert_eq!(claims[0].page, ClaimedPage::This);
    assert_eq!(claims[0].interval.after, Some(at(4_940)));
    assert_eq!(walk.full_page(), Some(5), "so five rows were a full page");
}

#[test]
fn arrivals_at_the_end_check_are_no_reason_to_distrust_the_count() {
    let mut walk = five_of_seven();
    let mut newest = 4_970;
    for arrived in 1..=9 {
        let Position::Skip(skip) = asks(&walk) else {
            panic!("{:?}", walk.step());
        };
        // Two came in at the head: the page begins two rows higher, and so it links.
        let moved = page(&walk, skip, Some(7 + 2 * arrived), &down_from(newest, 5));
        take(&mut walk, &moved, 5);
        newest -= 30;
    }
    assert!(!walk.count_trust().is_unreliable());
}

#[test]
fn a_full_page_is_learnt_where_more_follows_with_the_count_unchanged() {
    let mut walk = five_of_seven();
    let moved = page(&walk, 5, Some(8), &[4_950, 4_940]);
    take(&mut walk, &moved, 7);
    assert_eq!(walk.full_page(), None, "one may have come in at the head");
}

#[test]
fn where_the_count_is_distrusted_it_is_measured_at_an_end_with_the_same_count() {
    let distrusted = Known {
        unlisted: Some(2),
        count_trust: CountTrust {
            moves: 0,
            steady_runs: Some(0),
        },
        ..Known::default()
    };
    for (count, unlisted) in [(9, 4), (10, 2)] {
        let mut walk = Walk::new(RULES, &distrusted);
        while let Step::Ask(request) = walk.step() {
            let answer = match request.position {
                Position::Skip(5) => page(&walk, 5, Some(count), &[]),
                _ => page(&walk, 0, Some(9), &down_from(5_000, 5)),
            };
            take(&mut walk, &answer, 5);
        }
        assert_eq!(walk.unlisted(), Some(unlisted), "{count}");
        assert_eq!(walk.step(), Step::Done(Verdict::Complete));
        assert_eq!(walk.tail_proof(), Some(TailProof::ShortPage), "seen twice");
    }
}

#[test]
fn an_empty_list_is_believed_after_two_pages_with_one_count() {
    for (counts, pages) in [(&[0, 0][..], 2), (&[3, 3, 3, 3], 4), (&[3, 4, 4, 4, 4], 5)] {
        let mut walk = Walk::new(RULES, &Known::default());
        for count in counts {
            assert_eq!(asks(&walk), Position::Skip(0), "{counts:?}");
            let empty = page(&walk, 0, Some(*count), &[]);
            take(&mut walk, &empty, 0);
        }
        assert_eq!(walk.step(), Step::Done(Verdict::Complete), "{counts:?}");
        assert_eq!(walk.pages(), pages);
    }
}
