//! Single steps of a walk: pages made by hand, what is claimed and what is asked for next.

mod ahead;
mod confirm;
mod cover;
mod deficit;
mod uneven;

use super::*;

pub(super) const RULES: Rules = Rules {
    limit: 20,
    limit_max: 80,
    lag: std::time::Duration::ZERO,
};

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A page of messages at these times, as an answer to what the walk asks for.
pub(super) fn page(walk: &Walk, skip: u64, count: Option<i64>, times: &[i64]) -> PageFacts {
    let Step::Ask(request) = walk.step() else {
        panic!("the walk is over: {:?}", walk.step());
    };
    PageFacts {
        skip,
        limit: request.limit,
        sent_at: at(1_000_000),
        count,
        rows: (0..)
            .zip(times)
            .map(|(place, time)| RowFacts {
                id_hash: place,
                created_at: Some(at(*time)),
            })
            .collect(),
    }
}

/// `rows` times, 10 ms apart, down from `newest`.
pub(super) fn down_from(newest: i64, rows: usize) -> Vec<i64> {
    (0..).map(|place| newest - 10 * place).take(rows).collect()
}

/// Gives the walk a page, with so many messages live afterwards; what it claims.
pub(super) fn take(walk: &mut Walk, page: &PageFacts, live: u64) -> Vec<Claim> {
    let claims = walk.accept(page);
    walk.stored(Stored { live, ranks: None });
    claims
}

pub(super) fn asks(walk: &Walk) -> Position {
    match walk.step() {
        Step::Ask(request) => request.position,
        Step::Done(verdict) => panic!("the walk is over: {verdict:?}"),
    }
}

#[test]
fn a_page_is_halved_down_to_five_rows_and_what_a_full_one_is_is_learnt_anew() {
    let known = Known {
        full_page: Some(20),
        ..Known::default()
    };
    let mut walk = Walk::new(RULES, &known);
    for limit in [10, 5] {
        assert!(walk.halve_limit());
        assert!(matches!(walk.step(), Step::Ask(request) if request.limit == limit));
        assert_eq!(walk.full_page(), None);
    }
    assert!(!walk.halve_limit(), "a gateway that cannot give five rows");
    assert!(matches!(walk.step(), Step::Ask(request) if request.limit == 5));
}

#[test]
fn what_a_full_page_is_no_shorter_page_and_no_page_of_another_limit_says() {
    let mut walk = Walk::new(RULES, &Known::default());
    assert_eq!(walk.full_page(), None);
    let head = page(&walk, 0, Some(100), &down_from(5_000, 20));
    take(&mut walk, &head, 20);
    assert_eq!((walk.full_page(), walk.pages()), (Some(20), 1));
    // More of one time than a page holds: more is asked for at once.
    assert_eq!(asks(&walk), Position::Skip(18));
    let tied = |skip: u64, above: &[i64], same: usize, below: usize| {
        let mut times = above.to_vec();
        times.extend(std::iter::repeat_n(4_800, same));
        times.extend(down_from(4_790, below));
        move |walk: &Walk| page(walk, skip, Some(100), &times)
    };
    let second = tied(18, &[4_820, 4_810], 18, 0)(&walk);
    take(&mut walk, &second, 38);
    assert_eq!(asks(&walk), Position::Skip(19));
    let third = tied(19, &[4_810], 19, 0)(&walk);
    take(&mut walk, &third, 39);
    assert!(matches!(walk.step(), Step::Ask(request) if request.limit == 40));
    let longer = tied(19, &[4_810], 30, 9)(&walk);
    take(&mut walk, &longer, 60);
    assert_eq!(walk.full_page(), Some(20));

    let known = Known {
        full_page: Some(20),
        ..Known::default()
    };
    let mut short = Walk::new(RULES, &known);
    let head = page(&short, 0, Some(5), &down_from(5_000, 5));
    take(&mut short, &head, 5);
    assert_eq!((short.full_page(), short.pages()), (Some(20), 1));
}

#[test]
fn how_the_end_was_proven_is_told() {
    let known = |unlisted| Known {
        full_page: Some(20),
        unlisted,
        ..Known::default()
    };
    let mut counted = Walk::new(RULES, &known(Some(2)));
    assert_eq!(counted.tail_proof(), None);
    let head = page(&counted, 0, Some(7), &down_from(5_000, 5));
    take(&mut counted, &head, 5);
    assert_eq!(counted.tail_proof(), Some(TailProof::Count));
    assert_eq!(counted.step(), Step::Done(Verdict::Complete));

    let mut uncounted = Walk::new(RULES, &known(None));
    let head = page(&uncounted, 0, None, &down_from(5_000, 5));
    take(&mut uncounted, &head, 5);
    let end = page(&uncounted, 5, None, &[]);
    for _ in 0..2 {
        assert_eq!(uncounted.tail_proof(), None, "it may have been cut");
        assert_eq!(take(&mut uncounted, &end, 5), [], "nothing is absent below");
        if let Step::Ask(request) = uncounted.step() {
            assert_eq!(request.position, Position::Skip(0), "the same once more");
            take(&mut uncounted, &head, 5);
        }
    }
    assert_eq!(uncounted.tail_proof(), Some(TailProof::ShortPage));
    assert_eq!(uncounted.step(), Step::Done(Verdict::Complete));

    let mut unknown = Walk::new(RULES, &known(None));
    let head = page(&unknown, 0, Some(7), &down_from(5_000, 5));
    take(&mut unknown, &head, 5);
    assert_eq!(unknown.tail_proof(), None);
    assert_eq!(asks(&unknown), Position::Skip(5));
    let end = page(&unknown, 5, Some(7), &[]);
    let claims = take(&mut unknown, &end, 5);
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].page, ClaimedPage::Previous);
    assert_eq!(unknown.tail_proof(), Some(TailProof::EmptyPage));
    assert_eq!(unknown.unlisted(), Some(2));
}

#[test]
fn the_budget_is_four_times_the_pages_thirty_more_and_two_for_each_that_is_missing() {
    let known = Known {
        full_page: Some(20),
        unlisted: Some(0),
        to_confirm: vec![at(1), at(2)],
        ..Known::default()
    };
    let mut walk = Walk::new(RULES, &known);
    assert_eq!(walk.budget(), None);
    let head = page(&walk, 0, Some(1_000), &down_from(50_000, 20));
    take(&mut walk, &head, 20);
    // Pages of 20 that share a row: 19 new ones each.
    assert_eq!(walk.budget(), Some(4 * 53 + 30 + 2 * 2));
}

/// A page whose second row is newer than its first.
fn out_of_order(walk: &Walk, skip: u64, count: i64) -> PageFacts {
    let mut times = down_from(4_850, 20);
    times.swap(0, 1);
    page(walk, skip, Some(count), &times)
}

#[test]
fn a_page_out_of_order_is_asked_for_three_times_and_the_rest_is_read_all_the_same() {
    let mut walk = Walk::new(RULES, &Known::default());
    let head = page(&walk, 0, Some(100), &down_from(5_000, 20));
    take(&mut walk, &head, 20);
    for again in 0..2 {
        assert_eq!(asks(&walk), Position::Skip(18), "{again}");
        let wrong = out_of_order(&walk, 18, 100);
        assert_eq!(take(&mut walk, &wrong, 40), []);
    }
    assert_eq!(asks(&walk), Position::Skip(18));
    let mut right = walk.clone();
    let second = page(&right, 18, Some(100), &down_from(4_820, 20));
    assert_eq!(
        take(&mut right, &second, 38).len(),
        1,
        "it was right at last"
    );
    for _ in 0..2 {
        let wrong = out_of_order(&right, 36, 100);
        take(&mut right, &wrong, 40);
        assert_eq!(asks(&right), Position::Skip(36), "counted anew");
    }

    for skip in [18, 37, 56] {
        assert_eq!(asks(&walk), Position::Skip(skip));
        let wrong = out_of_order(&walk, skip, 100);
        assert_eq!(take(&mut walk, &wrong, 40), []);
    }
    let end = page(&walk, 75, Some(100), &[]);
    take(&mut walk, &end, 40);
    let Step::Done(Verdict::Partial { class, reason }) = walk.step() else {
        panic!("{:?}", walk.step());
    };
    assert_eq!(class, FailureClass::OrderViolation);
    assert!(reason.contains("skip 18 "), "{reason}");
    assert!(reason.contains(" 3 times in a row"), "{reason}");
}

#[test]
fn a_page_out_of_order_past_the_end_has_the_page_before_it_read_again() {
    let mut walk = Walk::new(RULES, &Known::default());
    let head = page(&walk, 0, Some(25), &down_from(5_000, 20));
    take(&mut walk, &head, 20);
    let last = page(&walk, 18, Some(25), &down_from(4_820, 7));
    take(&mut walk, &last, 25);
    assert_eq!(asks(&walk), Position::Skip(25));
    let wrong = out_of_order(&walk, 25, 25);
    assert_eq!(take(&mut walk, &wrong, 27), []);
    assert_eq!(asks(&walk), Position::Skip(18));
}
