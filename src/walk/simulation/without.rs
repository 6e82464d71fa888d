//! Each rule turned off, and a schedule on which a claim then breaks: a rule that nothing breaks
//! without would not be there. With the rule the same schedules hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Archive, Counts, Drive, LAG_MS, QUIET, Schedule, Server, Sum, run, simulate};
use crate::walk::{
    Verdict,
    switch::{Rule, without},
};

const SEEDS: u64 = 4_000;

/// The first seed on which an assertion fails without the rule, where none fails with it.
fn breaks(rule: Rule, simulate: impl Fn(u64)) -> u64 {
    let fails = |seed: &u64| catch_unwind(AssertUnwindSafe(|| simulate(*seed))).is_err();
    let seed = without(rule, || (0..SEEDS).find(fails))
        .unwrap_or_else(|| panic!("nothing breaks without {rule:?}"));
    for seed in 0..=seed {
        simulate(seed);
    }
    println!("without {rule:?}: seed {seed}");
    seed
}

/// Runs of one conversation under a schedule, at most `gap_ms` apart.
fn under(schedule: Schedule, sizes: std::ops::Range<usize>, gap_ms: i64) -> impl Fn(u64) {
    move |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut server = Server::new(seed, random.random_range(sizes.clone()), schedule);
        let mut archive = Archive::default();
        for _ in 0..6 {
            let drive = super::drive::draw(&mut random);
            run(&mut server, &mut archive, drive, seed);
            server.now += random.random_range(0..gap_ms);
        }
    }
}

#[test]
fn pages_link_only_by_a_strictly_newer_row() {
    let tied = Schedule {
        deletions: 0.5,
        burst: 4,
        ties: 0.8,
        ..QUIET
    };
    breaks(Rule::StrictLink, under(tied, 30..200, 3 * LAG_MS));
}

#[test]
fn a_full_page_is_no_tail() {
    let wobbling = Schedule {
        counts: Counts::Wobbling,
        ..QUIET
    };
    breaks(Rule::FullPage, under(wobbling, 20..60, 3 * LAG_MS));
}

#[test]
fn an_empty_page_proves_the_tail_by_the_same_count_only() {
    let capped = Schedule {
        deletions: 0.6,
        burst: 15,
        cap: Some(8),
        ..QUIET
    };
    breaks(Rule::SameCount, |seed| {
        let mut server = Server::new(seed, 12, capped);
        let mut archive = Archive::default();
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        assert!(
            archive.unlisted.is_none_or(|unlisted| unlisted == 0),
            "b is what is counted and not listed, which is nothing here"
        );
    });
}

#[test]
fn what_earlier_runs_covered_is_cut_back_to_what_is_final() {
    breaks(Rule::Settling, |seed| simulate(seed, &mut Sum::default()));
}

#[test]
fn merged_pieces_keep_the_smallest_t() {
    breaks(Rule::SmallestT, |seed| simulate(seed, &mut Sum::default()));
}

#[test]
fn a_page_out_of_order_claims_nothing() {
    let disorderly = Schedule {
        arrivals: 0.2,
        disorder: 0.3,
        ..QUIET
    };
    breaks(Rule::Order, under(disorderly, 30..200, 3 * LAG_MS));
}

#[test]
fn an_absence_counts_only_in_a_page_that_was_sent_after_the_message_was_seen() {
    let busy = Schedule {
        arrivals: 0.9,
        late: 0.9,
        ..QUIET
    };
    breaks(Rule::SentAfterSeen, |seed| {
        let mut server = Server::new(seed, 200, busy);
        let mut archive = Archive::default();
        let parallel = Drive {
            window: 8,
            ..Drive::PLAIN
        };
        for _ in 0..4 {
            archive.full = !archive.ledger.is_empty();
            run(&mut server, &mut archive, parallel, seed);
        }
    });
}

fn lagging() -> impl Fn(u64) {
    let lagging = Schedule {
        arrivals: 0.6,
        late: 0.9,
        lagging: 0.5,
        ..QUIET
    };
    under(lagging, 0..60, 20)
}

#[test]
fn a_second_absence_counts_only_after_the_lag() {
    breaks(Rule::StrikeLag, lagging());
}

#[test]
fn a_tombstone_needs_a_second_absence() {
    breaks(Rule::SecondStrike, lagging());
}

#[test]
fn the_head_is_read_again_after_a_walk_of_several_pages() {
    let arriving = Schedule {
        arrivals: 0.3,
        ..QUIET
    };
    breaks(Rule::ClosingRead, |seed| {
        let mut server = Server::new(seed, 150, arriving);
        let mut archive = Archive::default();
        let verdict = run(&mut server, &mut archive, Drive::PLAIN, seed);
        let checked = archive.last_head_at;
        let unread = server
            .list
            .iter()
            .filter(|message| message.time < checked && !archive.is_live(message.id));
        assert!(
            verdict != Some(Verdict::Complete) || (checked > 1_000_100 && unread.count() == 0),
            "what arrived during the walk is in the archive"
        );
    });
}

#[test]
fn the_live_messages_must_agree_with_the_count() {
    breaks(Rule::Deficit, |seed| {
        let mut server = Server::new(seed, 200, QUIET);
        let mut archive = Archive::default();
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        server.delete(100, 101);
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        assert_eq!(archive.live, 199, "a deletion is noticed in one run");
    });
}

#[test]
fn what_is_counted_and_not_listed_is_hidden_only_where_it_is_little() {
    let windowed = Schedule {
        arrivals: 0.1,
        window: Some(60),
        ..QUIET
    };
    breaks(Rule::BoundedUnlisted, under(windowed, 80..200, 3 * LAG_MS));
}

#[test]
fn without_a_count_a_short_page_is_the_end_only_if_the_page_past_it_is_empty() {
    let cut = Schedule {
        counts: Counts::Missing,
        cut: 0.1,
        ..QUIET
    };
    breaks(Rule::EmptyPastShort, under(cut, 60..200, 3 * LAG_MS));
}

/// A list in whose middle more messages than fit a page have one time, always in one order; read
/// by several pages at once.
fn tied(seed: u64) -> (u64, u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let schedule = Schedule {
        block: random.random_range(100..500),
        steady_ties: true,
        cap: Some(100),
        ..QUIET
    };
    let mut server = Server::new(seed, random.random_range(20..500), schedule);
    let mut archive = Archive {
        limit: Some(100),
        ..Archive::default()
    };
    let parallel = Drive {
        window: 8,
        ..Drive::PLAIN
    };
    run(&mut server, &mut archive, parallel, seed);
    assert_eq!(
        archive.live,
        server.list.len() as u64,
        "seed {seed}: what a bare loop reads is archived"
    );
    (server.requests, server.list.len() as u64)
}

#[test]
fn a_place_is_asked_for_ahead_once() {
    breaks(Rule::AheadOnce, |seed| {
        let (requests, listed) = tied(seed);
        let bare = listed.div_ceil(100) + 1;
        assert!(
            requests <= 3 * bare + 10,
            "seed {seed}: {requests} requests for {listed} messages"
        );
    });
}

#[test]
fn a_walk_ends_where_pages_bring_nothing_any_more() {
    let deaf = Schedule {
        hidden: 200_000,
        deaf: true,
        ..QUIET
    };
    breaks(Rule::Progress, |seed| {
        let mut server = Server::new(seed, 100, deaf);
        run(&mut server, &mut Archive::default(), Drive::PLAIN, seed);
        assert!(server.requests < 50, "{} for one page", server.requests);
    });
}

/// Two backends that answer at random, one of which lacks messages that the other has. Who meets
/// only one of them for two runs cannot tell: the rules make that rarer, and say so otherwise.
fn by_chance(seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let lacking = Schedule {
        lacks_one_in: Some(random.random_range(3..8)),
        ..QUIET
    };
    let mut server = Server::new(seed, random.random_range(20..150), lacking);
    let mut archive = Archive::default();
    for _ in 0..6 {
        // Tombstones are checked against the longer list.
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        server.now += 2 * LAG_MS;
    }
}

#[test]
fn what_is_missing_is_looked_for_on_both_backends() {
    let fails = |seed: &u64| catch_unwind(AssertUnwindSafe(|| by_chance(*seed))).is_err();
    let without_rule = without(Rule::ConfirmTwice, || (0..200).filter(fails).count());
    let with_rule = (0..200).filter(fails).count();
    assert!(
        2 * with_rule < without_rule + 5,
        "{with_rule} of {without_rule}"
    );
}

#[test]
fn where_answers_cannot_be_states_of_one_list_nothing_is_deleted() {
    let fails = |seed: &u64| catch_unwind(AssertUnwindSafe(|| by_chance(*seed))).is_err();
    let without_rule = without(Rule::OneList, || (0..200).filter(fails).count());
    let with_rule = (0..200).filter(fails).count();
    assert!(
        4 * with_rule < without_rule,
        "{with_rule} of {without_rule}"
    );
}

#[test]
fn masses_of_deletions_are_held_back() {
    breaks(Rule::Brake, |seed| {
        let mut server = Server::new(seed, 100, QUIET);
        let mut archive = Archive::default();
        for _ in 0..3 {
            run(&mut server, &mut archive, Drive::PLAIN, seed);
            server.delete(0, server.list.len());
            server.now += 2 * LAG_MS;
        }
        let mut buried = archive
            .stored_messages()
            .filter(|(_, message)| message.deleted);
        assert_eq!(buried.next().map(|(id, _)| id), None);
    });
}
