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
fn no_page_ahead_is_asked_for_that_may_bring_nothing_too_often() {
    let mut walk = begun(1_000, &Known::default());
    let budget = walk.budget().unwrap();
    // A page of the last row's time alone makes the walk step back, until the head links again.
    while asks(&walk) != Position::Skip(18) || walk.progress.idle_left() > 9 {
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
    let left = usize::try_from(walk.progress.idle_left()).unwrap();
    assert!(left > 2 && walk.pages_ahead() > 9, "{left}");
    assert!(walk.pages() < budget);
    // As many as may bring nothing; one that brings something allows three more.
    assert!(walk.ask_ahead().is_some());
    let answer = at_rank(&walk, 18, 1_000, 20);
    walk.accept_ahead(&answer);
    walk.stored(Stored {
        live: 40,
        ranks: None,
    });
    assert_eq!(asked_ahead(&mut walk).len(), left + 3);
}

#[test]
fn no_page_ahead_is_asked_for_beyond_the_budget() {
    let mut walk = begun(1_000, &Known::default());
    walk.budget = Some(9);
    // One that is answered counts once.
    assert!(walk.ask_ahead().is_some());
    let answer = at_rank(&walk, 18, 1_000, 20);
    walk.accept_ahead(&answer);
    assert_eq!(asked_ahead(&mut walk).len(), 9 - 2);
    let answer = at_rank(&walk, 36, 1_000, 20);
    walk.accept_ahead(&answer);
    assert_eq!(walk.ask_ahead(), None);
}

#[test]
fn a_round_of_pages_ahead_that_left_holes_is_not_asked_for_again() {
    let mut walk = begun(100, &Known::default());
    for skip in asked_ahead(&mut walk) {
        // All of one time: none of them covers anything.
        let tied = page(&walk, skip, Some(100), &[49_000; 20]);
        walk.accept_ahead(&tied);
    }
    walk.end_ahead();
    assert_eq!(asks(&walk), Position::Above(at(49_810), 1));
    let again = at_rank(&walk, 18, 100, 20);
    take(&mut walk, &again, 38);
    assert_eq!(walk.pages_ahead(), 0);
    assert_eq!(asks(&walk), Position::Skip(36));
}

#[test]
fn a_walk_that_might_ask_ahead_and_does_not_ends_where_nothing_comes_too() {
    let mut walk = begun(1_026, &Known::default());
    let budget = walk.budget().unwrap();
    while let Step::Ask(request) = walk.step() {
        let (skip, times) = match request.position {
            Position::Skip(0) => (0, down_from(50_000, 20)),
            Position::Skip(skip) => (skip, vec![49_810; 20]),
            above @ Position::Above(..) => panic!("{above:?}"),
        };
        let moved = page(&walk, skip, Some(1_026), &times);
        take(&mut walk, &moved, 20);
        assert!(walk.pages() <= budget);
    }
    // The first page brought something; those that may bring nothing are 30 and three for it.
    assert_eq!(walk.pages(), 1 + 30 + 3);
}

#[test]
fn a_page_ahead_that_is_out_of_order_proves_nothing() {
    let mut walk = begun(200, &Known::default());
    walk.ask_ahead();
    let mut wrong = at_rank(&walk, 18, 200, 20);
    wrong.rows.swap(3, 4);
    assert_eq!(walk.accept_ahead(&wrong), []);
}

#[test]
fn where_pages_ahead_come_to_the_end_the_head_is_read_again() {
    let mut walk = begun(100, &Known::default());
    assert_eq!(asked_ahead(&mut walk).len(), 4);
    shrink_to_50(&mut walk, 50);
    for skip in [54, 72] {
        let past = page(&walk, skip, Some(50), &[]);
        walk.accept_ahead(&past);
    }
    walk.end_ahead();
    assert_eq!(asks(&walk), Position::Skip(0));
}

/// Answers two pages ahead of a list that has now 50 messages: the second one is its end.
fn shrink_to_50(walk: &mut Walk, live: u64) {
    walk.tail.learn_unlisted(50, 50);
    for (skip, rows) in [(18, 20), (36, 14)] {
        let answer = at_rank(walk, skip, 50, rows);
        assert_eq!(walk.accept_ahead(&answer).len(), 1);
        walk.stored(Stored { live, ranks: None });
    }
}

#[test]
fn a_walk_does_not_conclude_while_pages_ahead_are_under_way() {
    // The second time over a list, after which nothing is read again.
    let mut walk = begun(100, &Known::default());
    walk.walk_again();
    // Six pages of 100, and two of the 20 that are live.
    assert_eq!(walk.budget(), Some((4 * 6 + 30) + (4 * 2 + 30)));
    let head = at_rank(&walk, 0, 50, 20);
    let head = PageFacts {
        count: Some(100),
        ..head
    };
    take(&mut walk, &head, 100);
    assert_eq!(asked_ahead(&mut walk).len(), 4);
    walk.head = Some(Head {
        count: Some(50),
        end: 20,
    });
    let step = walk.step();
    shrink_to_50(&mut walk, 51);
    assert_eq!(walk.step(), step, "51 are live, 50 are listed");
    walk.stored(Stored {
        live: 50,
        ranks: None,
    });
    walk.end_ahead();
    assert_eq!(walk.step(), Step::Done(Verdict::Complete));
}
