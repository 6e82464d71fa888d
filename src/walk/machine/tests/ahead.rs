//! Pages that are asked for beside one another.

use super::*;

/// A walk whose head page was full, of a list of this count.
fn begun(count: i64, known: &Known) -> Walk {
    let mut walk = Walk::new(RULES, known);
    let head = page(&walk, 0, Some(count), &down_from(50_000, 20));
    take(&mut walk, &head, 20);
    walk
}

/// Where the pages begin that may be asked for now.
fn asked_ahead(walk: &mut Walk) -> Vec<u64> {
    std::iter::from_fn(|| walk.ask_ahead())
        .map(|request| {
            assert_eq!((request.limit, request.after_commit), (20, false));
            match request.position {
                Position::Skip(skip) => skip,
                above @ Position::Above(..) => panic!("{above:?}"),
            }
        })
        .collect()
}

/// The page of rank `skip` of a list that begins at 50,000 and has a message each 10 ms.
fn at_rank(walk: &Walk, skip: u64, count: i64, rows: usize) -> PageFacts {
    let newest = 50_000 - 10 * i64::try_from(skip).unwrap();
    page(walk, skip, Some(count), &down_from(newest, rows))
}

#[test]
fn pages_ahead_share_two_rows_and_leave_the_last_page_to_the_walk() {
    let mut walk = begun(100, &Known::default());
    assert_eq!(walk.pages_ahead(), 4);
    assert_eq!(asked_ahead(&mut walk), [18, 36, 54, 72]);
    assert_eq!((walk.pages_ahead(), walk.ask_ahead()), (0, None));

    let hidden = Known {
        unlisted: Some(10),
        ..Known::default()
    };
    let mut walk = begun(110, &hidden);
    assert_eq!(asked_ahead(&mut walk), [18, 36, 54, 72], "100 are listed");

    assert_eq!(begun(56, &Known::default()).pages_ahead(), 0);
    let mut walk = begun(57, &Known::default());
    assert_eq!(walk.pages_ahead(), 2);
    assert_eq!(asked_ahead(&mut walk), [18, 36]);
}

#[test]
fn nothing_is_asked_ahead_where_something_further_down_is_covered() {
    let covered = Known {
        ledger: vec![Piece {
            after: None,
            before: Some(at(49_000)),
            sent_at: at(900_000),
            settled: true,
        }],
        ..Known::default()
    };
    assert_eq!(begun(1_000, &covered).pages_ahead(), 0);
}

#[test]
fn an_empty_page_ahead_ends_the_list_there_and_the_walk_goes_on_at_the_hole() {
    let mut walk = begun(200, &Known::default());
    for skip in [18, 36, 54] {
        assert_eq!(
            walk.ask_ahead().map(|request| request.position),
            Some(Position::Skip(skip))
        );
    }
    let step = walk.step();
    let last = page(&walk, 54, Some(54), &[]);
    assert_eq!(walk.accept_ahead(&last), []);
    assert_eq!((walk.pages_ahead(), walk.ask_ahead()), (0, None));
    for skip in [36, 18] {
        let rows = at_rank(&walk, skip, 54, 20);
        let claims = walk.accept_ahead(&rows);
        walk.stored(Stored {
            live: 54,
            ranks: None,
        });
        let times = (rows.oldest(), rows.newest());
        assert_eq!(
            claims
                .iter()
                .map(|claim| (claim.interval.after, claim.interval.before))
                .collect::<Vec<_>>(),
            [times]
        );
        assert_eq!(walk.step(), step, "no other page while some are under way");
    }
    assert_eq!(walk.pages(), 4);
    walk.end_ahead();
    // Down to 49,450 all is covered; pages share two rows, the edge is one of them.
    assert_eq!(asks(&walk), Position::Above(at(49_450), 1));
}

#[test]
fn no_page_ahead_is_asked_for_beyond_the_budget() {
    let mut walk = begun(1_000, &Known::default());
    let budget = walk.budget().unwrap();
    // A page of the last row's time alone makes the walk step back, until the head links again.
    while asks(&walk) != Position::Skip(18) || budget - walk.pages() > 9 {
        let Position::Skip(skip) = asks(&walk) else {
            panic!("{:?}", walk.step());
        };
        let times = if skip == 0 {
            down_from(50_000, 20)
        } else {
            vec![49_810; 20]
        };
        let moved = page(&walk, skip, Some(1_000), &times);
        take(&mut walk, &moved, 20);
    }
    let left = usize::try_from(budget - walk.pages()).unwrap();
    assert!(left > 1 && walk.pages_ahead() > 9, "{left}");
    assert_eq!(asked_ahead(&mut walk).len(), left);
    let answer = at_rank(&walk, 18, 1_000, 20);
    walk.accept_ahead(&answer);
    assert_eq!(walk.ask_ahead(), None, "one more answered, one less left");
}
