//! The arithmetic of intervals, to the millisecond.

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn between(after: Option<i64>, before: Option<i64>) -> Interval {
    Interval {
        after: after.map(at),
        before: before.map(at),
    }
}

#[test]
fn pages_join_only_if_the_lower_one_begins_strictly_above_the_edge() {
    let mut linked = Ledger::default();
    linked.claim(between(Some(50), None), at(1000));
    linked.claim(between(None, Some(51)), at(1001));
    assert!(linked.covers_all());

    let mut tied = Ledger::default();
    tied.claim(between(Some(50), None), at(1000));
    tied.claim(between(None, Some(50)), at(1001));
    assert!(
        !tied.covers_all(),
        "a message at 50 could be in neither page"
    );
    assert_eq!(tied.bottom_of_top(), Some(Some(at(50))));
}

#[test]
fn a_newer_page_replaces_what_it_covers_and_an_older_one_does_not() {
    let mut ledger = Ledger::default();
    ledger.claim(Interval::ALL, at(1000));
    ledger.settle(Duration::ZERO);
    ledger.claim(between(Some(10), Some(20)), at(2000));
    let parts = ledger.pieces().into_iter();
    assert_eq!(
        parts
            .map(|piece| (piece.after, piece.before, piece.sent_at))
            .collect::<Vec<_>>(),
        [
            (None, Some(at(11)), at(1000)),
            (Some(at(10)), Some(at(20)), at(2000)),
            (Some(at(19)), Some(at(1000)), at(1000)),
        ]
    );
    ledger.claim(between(Some(900), None), at(2000));
    assert_eq!(ledger.proof(Duration::ZERO).proven_at, Some(at(1000)));
    ledger.settle(Duration::ZERO);
    let sent_at = |ledger: &Ledger, after: i64| {
        let pieces = ledger.pieces().into_iter();
        let mut found = pieces.filter(|piece| piece.after == Some(at(after)));
        found.next().map(|piece| (piece.before, piece.sent_at))
    };
    // What an earlier run covered is older whatever its T says.
    ledger.claim(between(Some(5), Some(30)), at(1500));
    assert_eq!(sent_at(&ledger, 5), Some((Some(at(30)), at(1500))));
    // Within one run T decides.
    ledger.claim(between(Some(1800), None), at(3000));
    ledger.claim(between(Some(1700), None), at(2500));
    assert_eq!(sent_at(&ledger, 1800), Some((None, at(3000))));
    assert_eq!(sent_at(&ledger, 1700), Some((Some(at(1801)), at(2500))));
    assert!(ledger.covers_all());
}

#[test]
fn settling_cuts_back_to_the_horizon_once_and_for_all() {
    let mut ledger = Ledger::default();
    ledger.claim(Interval::ALL, at(10_000));
    let lag = Duration::from_millis(600);
    assert_eq!(ledger.proof(lag).horizon, Some(at(9_400)));
    ledger.settle(lag);
    ledger.settle(lag);
    assert_eq!(ledger.top_of_bottom(), Some(at(9_400)));
    ledger.claim(between(Some(9_399), None), at(20_000));
    assert!(ledger.covers_all());
    assert_eq!(ledger.proof(lag).horizon, Some(at(19_400)));
    assert_eq!(ledger.proof(lag).proven_at, Some(at(10_000)));
}

#[test]
fn the_pages_of_one_walk_are_one_piece_beside_the_head() {
    let mut ledger = Ledger::default();
    for page in 0..1000 {
        let top = 100_000 - page * 90;
        let before = (page > 0).then_some(top);
        ledger.claim(between(Some(top - 100), before), at(200_000 + page));
    }
    assert_eq!(ledger.pieces().len(), 2);
}

#[test]
fn holes_are_named_from_the_top() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.holes(), [Interval::ALL]);
    ledger.claim(between(Some(90), None), at(1000));
    ledger.claim(between(Some(10), Some(50)), at(1000));
    assert_eq!(
        ledger.holes(),
        [between(Some(49), Some(91)), between(None, Some(11))],
    );
    ledger.claim(between(None, Some(95)), at(1001));
    assert_eq!(ledger.holes(), []);
}

#[test]
fn an_interval_holds_what_lies_strictly_inside() {
    let interval = between(Some(10), Some(20));
    let inside = |interval: Interval, time| interval.contains(at(time));
    assert_eq!(
        [10, 11, 19, 20].map(|time| inside(interval, time)),
        [false, true, true, false]
    );
    assert!(inside(between(None, Some(20)), -1_000));
    assert!(inside(between(Some(10), None), 1_000));
    assert!(inside(Interval::ALL, 0));
}

#[test]
fn beyond_64_settled_pieces_those_of_the_closest_t_become_one_with_the_older() {
    let pieces = |number: i64, apart: i64| -> Vec<Piece> {
        let sent_at = |place: i64| at(1_000_000 + place * 1_000 - i64::from(place == 40) * 900);
        (0..number)
            .map(|place| Piece {
                after: Some(at(place * apart)),
                before: Some(at(place * apart + 11)),
                sent_at: sent_at(place),
                settled: true,
            })
            .collect()
    };
    let settled = |number, apart| {
        let mut ledger = Ledger::from_pieces(&pieces(number, apart));
        ledger.settle(Duration::ZERO);
        ledger.pieces()
    };
    assert_eq!(settled(64, 10), pieces(64, 10), "as many as are kept apart");
    let merged = settled(65, 10);
    assert_eq!(merged.len(), 64);
    assert_eq!(
        merged[39],
        Piece {
            before: Some(at(411)),
            ..pieces(65, 10)[39]
        },
        "the 40th and the 41st were sent 0.1 s apart, others 1 s"
    );
    assert_eq!(settled(70, 10).len(), 64);
    assert_eq!(settled(70, 20).len(), 70, "none touches another");
}

#[test]
fn what_earlier_runs_proved_is_told_from_what_this_one_has_read() {
    let mut ledger = Ledger::default();
    assert!(ledger.is_empty() && !ledger.has_settled());
    ledger.claim(between(None, Some(51)), at(1000));
    assert!(!ledger.is_empty() && !ledger.has_settled());
    ledger.settle(Duration::ZERO);
    assert!(ledger.has_settled());
    assert_eq!(ledger.topmost_settled(None), Some(at(50)));
    assert_eq!(ledger.topmost_settled(Some(at(50))), Some(at(49)));

    let mut above = Ledger::default();
    above.claim(between(Some(90), Some(100)), at(1000));
    above.settle(Duration::ZERO);
    assert_eq!(above.topmost_settled(Some(at(92))), Some(at(91)));
    assert_eq!(above.topmost_settled(Some(at(91))), None, "it begins there");
}

#[test]
fn the_line_is_open_below_the_head_until_something_else_is_covered() {
    let mut ledger = Ledger::default();
    assert!(!ledger.is_open_below(), "there is no head");
    ledger.claim(between(Some(90), None), at(1000));
    assert!(ledger.is_open_below());
    ledger.claim(between(Some(80), Some(95)), at(999));
    assert!(ledger.is_open_below(), "two pages that link");
    ledger.claim(between(Some(10), Some(50)), at(1000));
    assert!(!ledger.is_open_below());
    ledger.claim(Interval::ALL, at(1001));
    assert!(!ledger.is_open_below(), "all is covered");
}

#[test]
fn stored_pieces_come_back_as_they_were() {
    let mut ledger = Ledger::default();
    ledger.claim(between(Some(90), None), at(1000));
    ledger.claim(between(None, Some(50)), at(1001));
    assert_eq!(Ledger::from_pieces(&ledger.pieces()), ledger);
}
