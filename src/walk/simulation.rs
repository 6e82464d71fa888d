//! Walks against a model of the gateway whose list shifts while it is read: what may be claimed
//! must be true, for every seed.
//!
//! The model keeps the assumptions A1 to A5 of the walk (one contiguous slice of one state,
//! equal times in any order, arrivals up to λ late) and breaks everything else: it deletes and
//! edits between any two requests, hides messages that it counts, caps the limit, and the
//! archive is killed and goes on. Beside it, on the same schedules, the bare offset walk.

mod model;
mod resumed;

use std::collections::HashSet;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{ClaimedPage, Ledger, PageFacts, Position, Request, Step, Verdict, Walk};
use crate::model::{FailureClass, Timestamp};
use model::{Archive, LAG_MS, RULES, Schedule, Server};

const WALKS: u64 = 1_500;

/// Drives one run of one conversation; `kill_after` pages the process dies.
fn run(
    server: &mut Server,
    archive: &mut Archive,
    kill_after: Option<u64>,
    seed: u64,
) -> Option<Verdict> {
    archive.run += 1;
    let mut walk = Walk::new(RULES, &archive.known());
    let mut previous = HashSet::new();
    loop {
        let request = match walk.step() {
            Step::Done(verdict) => {
                archive.bury(server, seed);
                archive.ledger = walk.ledger().pieces();
                archive.full = archive.full && walk.second_cover().is_some();
                let within = walk.pages() <= walk.budget().expect("a page was accepted");
                assert!(
                    within,
                    "seed {seed}: {} pages over the budget",
                    walk.pages()
                );
                assert_claims(&verdict, &walk, server, archive, seed);
                return Some(verdict);
            }
            Step::Ask(request) => request,
        };
        if kill_after.is_some_and(|pages| walk.pages() >= pages) {
            return None;
        }
        let page = ask(server, archive, request);
        let claims = walk.accept(&page);
        let rows: HashSet<u64> = page.rows.iter().map(|row| row.id_hash).collect();
        archive.store(&page);
        for claim in &claims {
            let rows = if claim.page == ClaimedPage::This {
                &rows
            } else {
                &previous
            };
            archive.strike(claim, rows, server, seed);
        }
        previous = rows;
        archive.ledger = walk.ledger().pieces();
        archive.full_ledger = walk.second_cover().map(Ledger::pieces).unwrap_or_default();
        archive.unlisted = walk.unlisted();
        archive.full_page = walk.full_page();
        walk.count_live(archive.live());
    }
}

fn ask(server: &mut Server, archive: &Archive, request: Request) -> PageFacts {
    let skip = match request.position {
        Position::Skip(skip) => skip,
        Position::Above(time, rows) => archive.rank(time).saturating_sub(rows),
    };
    server.page(skip, request.limit)
}

fn assert_claims(verdict: &Verdict, walk: &Walk, server: &Server, archive: &Archive, seed: u64) {
    if *verdict != Verdict::Complete {
        return;
    }
    assert!(
        walk.ledger().covers_all(),
        "seed {seed}: complete without a cover"
    );
    let horizon = walk.proof().horizon.expect("a whole cover has a horizon");
    for (id, time) in &server.list {
        let stored = archive
            .messages
            .get(id)
            .is_some_and(|message| message.is_live());
        let claimed = Timestamp::from_millis(*time) < horizon;
        assert!(
            stored || !claimed,
            "seed {seed}: message {id} of {time} is below the horizon {} and not archived",
            horizon.as_millis()
        );
    }
}

/// The walk that everybody else does: how many messages that were there throughout it loses.
fn bare_walk_losses(server: &mut Server) -> usize {
    let before: HashSet<u64> = server.list.iter().map(|(id, _)| *id).collect();
    let mut seen = HashSet::new();
    let mut skip = 0;
    loop {
        let page = server.page(skip, RULES.limit);
        seen.extend(page.rows.iter().map(|row| row.id_hash));
        if page.rows.is_empty() || skip > 100_000 {
            break;
        }
        skip += u64::from(RULES.limit).min(page.len());
    }
    server
        .list
        .iter()
        .filter(|(id, _)| before.contains(id) && !seen.contains(id))
        .count()
}

fn schedule_of(random: &mut ChaCha8Rng) -> Schedule {
    Schedule {
        arrivals: random.random_range(0.0..0.6),
        late: random.random_range(0.0..0.5),
        deletions: if random.random_bool(0.5) {
            random.random_range(0.0..0.5)
        } else {
            0.0
        },
        burst: random.random_range(1..30),
        ties: [0.0, 0.05, 0.5][random.random_range(0..3)],
        cap: random.random_bool(0.2).then(|| random.random_range(8..20)),
        hidden: if random.random_bool(0.2) {
            random.random_range(1..9)
        } else {
            0
        },
        counts: random.random_bool(0.95),
    }
}

const QUIET: Schedule = Schedule {
    arrivals: 0.0,
    late: 0.0,
    deletions: 0.0,
    burst: 1,
    ties: 0.0,
    cap: None,
    hidden: 0,
    counts: true,
};

#[test]
fn what_is_claimed_is_true_on_every_schedule() {
    let (mut complete, mut partial, mut lost_by_bare, mut requests) = (0_u32, 0_u32, 0, 0);
    for seed in 0..WALKS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let schedule = schedule_of(&mut random);
        let size = random.random_range(0..400);
        let mut server = Server::new(seed, size, schedule);
        let mut archive = Archive::default();
        for _ in 0..4 {
            let kill_after = random.random_bool(0.3).then(|| random.random_range(0..12));
            match run(&mut server, &mut archive, kill_after, seed) {
                Some(Verdict::Complete) => complete += 1,
                Some(Verdict::Partial { .. }) => partial += 1,
                None => {}
            }
            server.now += random.random_range(0..3 * LAG_MS);
        }
        requests += server.requests;
        lost_by_bare += bare_walk_losses(&mut Server::new(seed, size, schedule));
    }
    assert!(
        complete > 2_000,
        "only {complete} of the walks were complete, {partial} partial"
    );
    assert!(
        lost_by_bare > 1_000,
        "the schedules are too tame: bare walks lost {lost_by_bare}"
    );
    println!(
        "{complete} complete, {partial} partial, {requests} requests; bare lost {lost_by_bare}"
    );
}

#[test]
fn a_server_that_falls_quiet_is_archived_whole_within_three_runs() {
    let mut buried = 0;
    for seed in 0..400 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let schedule = Schedule {
            counts: true,
            ties: 0.05,
            ..schedule_of(&mut random)
        };
        let mut server = Server::new(seed, random.random_range(0..300), schedule);
        let mut archive = Archive::default();
        run(&mut server, &mut archive, None, seed);
        server.schedule = Schedule {
            cap: schedule.cap,
            hidden: schedule.hidden,
            ..QUIET
        };
        let mut verdict = None;
        for _ in 0..3 {
            server.now += 2 * LAG_MS;
            verdict = run(&mut server, &mut archive, None, seed);
        }
        assert_eq!(verdict, Some(Verdict::Complete), "seed {seed}");
        let live: HashSet<u64> = archive
            .messages
            .iter()
            .filter(|(_, m)| m.is_live())
            .map(|(id, _)| *id)
            .collect();
        let listed: HashSet<u64> = server.list.iter().map(|(id, _)| *id).collect();
        assert_eq!(live, listed, "seed {seed}");
        let pending = archive
            .messages
            .values()
            .filter(|m| m.missing.is_some() && !m.deleted);
        let waiting = pending.count();
        assert!(
            waiting == 0 || archive.braked,
            "seed {seed}: {waiting} wait for a tombstone"
        );
        buried += archive
            .messages
            .values()
            .filter(|message| message.deleted)
            .count();
    }
    assert!(
        buried > 500,
        "the schedules deleted too little: {buried} tombstones"
    );
}

#[test]
fn a_missing_message_costs_one_more_request_in_the_next_run_and_none_after_that() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    run(&mut server, &mut archive, None, 1);
    server.now += 2 * LAG_MS;
    server.list.remove(120);
    run(&mut server, &mut archive, None, 1);
    assert_eq!(archive.live(), 249, "the deficit was found and explained");
    let costs = [0, 1, 2].map(|_| {
        server.now += 2 * LAG_MS;
        let before = server.requests;
        run(&mut server, &mut archive, None, 1);
        server.requests - before
    });
    assert_eq!(costs, [2, 1, 1]);
    assert_eq!(
        archive
            .messages
            .values()
            .filter(|message| message.deleted)
            .count(),
        1
    );
}

#[test]
fn everything_gone_at_once_is_not_believed() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    run(&mut server, &mut archive, None, 1);
    server.list.clear();
    for _ in 0..3 {
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, None, 1);
    }
    assert!(archive.braked);
    assert!(archive.messages.values().all(|message| !message.deleted));
}

#[test]
fn the_first_cover_stands_until_the_second_is_whole_and_an_interrupted_one_is_finished() {
    for seed in 0..200 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let schedule = Schedule {
            deletions: 0.02,
            arrivals: 0.1,
            ..QUIET
        };
        let mut server = Server::new(seed, random.random_range(100..300), schedule);
        let mut archive = Archive::default();
        run(&mut server, &mut archive, None, seed);
        server.schedule = QUIET;
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, None, seed);
        let covers = |archive: &Archive| Ledger::from_pieces(&archive.ledger).covers_all();
        assert!(covers(&archive), "seed {seed}");
        let asked_at = Timestamp::from_millis(server.now);
        server.now += 2 * LAG_MS;
        archive.full = true;
        let mut runs = 0;
        while archive.full {
            let kill_after = random.random_bool(0.7).then(|| random.random_range(1..8));
            run(&mut server, &mut archive, kill_after, seed);
            assert!(covers(&archive), "seed {seed}: the first cover must stand");
            runs += 1;
            assert!(
                runs < 200,
                "seed {seed}: a --full that is always killed must converge"
            );
        }
        let proof = Ledger::from_pieces(&archive.ledger).proof(RULES.lag);
        assert!(
            proof.proven_at > Some(asked_at),
            "seed {seed}: proven by pages of the --full"
        );
    }
}

#[test]
fn a_walk_that_is_killed_every_few_pages_goes_on_where_it_was() {
    let whole = {
        let mut server = Server::new(1, 250, QUIET);
        run(&mut server, &mut Archive::default(), None, 1);
        server.requests
    };
    // The end takes three: the head, the last page, and an empty one past it.
    for kill_after in 3..14 {
        let mut server = Server::new(1, 250, QUIET);
        let mut archive = Archive::default();
        let mut runs = 0;
        while run(&mut server, &mut archive, Some(kill_after), 1).is_none() {
            runs += 1;
            assert!(runs < 20, "killed after {kill_after} pages it never ends");
        }
        // Each run reads the head, and once more the page that joins what is covered.
        assert!(
            server.requests <= whole + 2 * runs,
            "killed after {kill_after}: {} requests in {runs} runs",
            server.requests
        );
    }
}

#[test]
fn an_idle_run_costs_one_request() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    assert_eq!(
        run(&mut server, &mut archive, None, 1),
        Some(Verdict::Complete)
    );
    server.now += 10 * LAG_MS;
    let before = server.requests;
    assert_eq!(
        run(&mut server, &mut archive, None, 1),
        Some(Verdict::Complete)
    );
    assert_eq!(server.requests - before, 1);
}

#[test]
fn a_quiet_walk_costs_its_pages_the_end_and_the_head() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    run(&mut server, &mut archive, None, 1);
    // 250 rows at 20 a page with an overlap of 1 are 14 pages; then the end and the head.
    assert_eq!(server.requests, 14 + 2);
}

#[test]
fn an_empty_conversation_is_asked_twice_and_once_ever_after() {
    let mut server = Server::new(1, 0, QUIET);
    let mut archive = Archive::default();
    assert_eq!(
        run(&mut server, &mut archive, None, 1),
        Some(Verdict::Complete)
    );
    assert_eq!(server.requests, 2);
    assert_eq!(
        run(&mut server, &mut archive, None, 1),
        Some(Verdict::Complete)
    );
    assert_eq!(server.requests, 3);
}

#[test]
fn a_tie_group_larger_than_the_largest_page_is_a_hole_by_name() {
    let mut server = Server::new(
        1,
        30,
        Schedule {
            cap: Some(20),
            ..QUIET
        },
    );
    for _ in 0..50 {
        server.insert(999_000);
    }
    for time in 0..30 {
        server.insert(999_500 + time);
    }
    let mut archive = Archive::default();
    let verdict = run(&mut server, &mut archive, None, 1);
    assert!(
        matches!(
            verdict,
            Some(Verdict::Partial {
                class: FailureClass::TieGroupExceedsPage,
                ..
            })
        ),
        "{verdict:?}"
    );
    assert!(
        archive
            .messages
            .values()
            .any(|message| message.time < 999_000),
        "went on below"
    );
}
