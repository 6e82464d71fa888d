//! The second look at what is missing.

use super::*;

/// A walk over 100 messages that are proven down to the beginning, the ones at these times missing.
fn missing(times: &[i64], full_page: Option<u32>) -> Walk {
    let known = Known {
        ledger: vec![Piece {
            after: None,
            before: Some(at(4_951)),
            sent_at: at(900_000),
            settled: true,
        }],
        live: 100,
        unlisted: Some(0),
        full_page,
        to_confirm: times.iter().map(|time| at(*time)).collect(),
        ..Known::default()
    };
    Walk::new(RULES, &known)
}

fn head(walk: &mut Walk) {
    let head = page(walk, 0, Some(100), &down_from(5_000, 20));
    take(walk, &head, 100);
}

#[test]
fn each_missing_message_is_looked_for_a_quarter_page_above_its_place() {
    let mut walk = missing(&[4_005, 4_905, 4_205], Some(20));
    head(&mut walk);
    assert_eq!(asks(&walk), Position::Above(at(4_205), 5));
    let at_place = page(&walk, 74, Some(100), &down_from(4_260, 20));
    let claims = take(&mut walk, &at_place, 100);
    assert_eq!(claims.len(), 1);
    // Once more, since another backend may answer.
    assert_eq!(asks(&walk), Position::Above(at(4_205), 5));
    take(&mut walk, &at_place, 100);
    assert_eq!(
        claims[0].interval,
        Interval {
            after: Some(at(4_070)),
            before: Some(at(4_260)),
        }
    );
    // The head has spoken for 4,905 once.
    assert_eq!(asks(&walk), Position::Above(at(4_905), 5));
    let above = page(&walk, 2, Some(100), &down_from(4_980, 20));
    take(&mut walk, &above, 100);
    assert_eq!(asks(&walk), Position::Above(at(4_005), 5));
    let elsewhere = page(&walk, 50, Some(100), &down_from(4_500, 20));
    take(&mut walk, &elsewhere, 100);
    assert_eq!(asks(&walk), Position::Above(at(4_005), 5));
    take(&mut walk, &elsewhere, 100);
    assert_eq!(walk.step(), Step::Done(Verdict::Complete), "twice only");
}

#[test]
fn where_the_oldest_message_is_missing_the_end_is_looked_at() {
    // A short page whose last row is no older than the place, and no count that fits.
    let answer = |walk: &mut Walk, oldest: i64, rows: usize| {
        let newest = oldest + 10 * i64::try_from(rows - 1).unwrap();
        let short = page(walk, 90, Some(120), &down_from(newest, rows));
        take(walk, &short, 100);
    };
    for (place, checked) in [(4_005, true), (4_010, true), (4_011, false)] {
        let mut walk = missing(&[place], Some(20));
        head(&mut walk);
        answer(&mut walk, 4_010, 10);
        let step = walk.step();
        let end = matches!(step, Step::Ask(request) if request.position == Position::Skip(100));
        assert_eq!(end, checked, "{place}: {step:?}");
    }
    let mut full = missing(&[4_005], Some(20));
    head(&mut full);
    answer(&mut full, 4_010, 20);
    answer(&mut full, 4_010, 20);
    assert_eq!(full.step(), Step::Done(Verdict::Complete));

    let mut counted = missing(&[4_005], Some(20));
    head(&mut counted);
    let tail = page(&counted, 90, Some(100), &down_from(4_100, 10));
    let claims = take(&mut counted, &tail, 100);
    take(&mut counted, &tail, 100);
    assert_eq!(claims[0].interval.after, None);
    assert_eq!(counted.step(), Step::Done(Verdict::Complete));
}
