//! How walks end, and what they cost: quiet servers, masses of deletions, second covers, ties,
//! counts that cannot be relied on.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    Archive, Counts, Drive, LAG_MS, QUIET, Schedule, Server, drive, run, schedule_of,
    server::{Listed, is_broken},
};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{Ledger, Verdict},
};

fn class_of(verdict: Option<&Verdict>) -> Option<FailureClass> {
    match verdict {
        Some(Verdict::Partial { class, .. }) => Some(*class),
        _ => None,
    }
}

#[test]
fn a_server_that_falls_quiet_is_archived_whole_within_three_runs() {
    let mut buried = 0;
    for seed in 0..4_000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let drawn = schedule_of(&mut random);
        let counts = match drawn.counts {
            Counts::Drifting => Counts::Drifting,
            _ => Counts::True,
        };
        let schedule = Schedule {
            counts,
            // In a page that is cut down to a row or two, two equal times are too many for good.
            ties: 0.05,
            cut: 0.0,
            block: 0,
            window: None,
            deaf: false,
            broken_one_in: None,
            // Beside a deletion it would hide from the count until the sweep comes by.
            far_late: 0.0,
            ..drawn
        };
        let mut server = Server::new(seed, random.random_range(0..300), schedule);
        let mut archive = Archive::default();
        run(&mut server, &mut archive, drive::draw(&mut random), seed);
        server.schedule = Schedule {
            cap: schedule.cap,
            hidden: schedule.hidden,
            ..QUIET
        };
        let mut verdict = None;
        // Below the last row nothing is absent while the count is distrusted, for three runs more.
        let runs = 3 + 3 * u64::from(archive.count_trust.is_unreliable());
        for _ in 0..runs {
            server.now += 2 * LAG_MS;
            let whole = Drive {
                kill_after: None,
                ..drive::draw(&mut random)
            };
            verdict = run(&mut server, &mut archive, whole, seed);
        }
        assert_eq!(
            verdict,
            Some(Verdict::Complete),
            "seed {seed}: {schedule:?}"
        );
        buried += assert_archived(&server, &archive, seed);
        assert_idle(&mut server, &mut archive, seed);
    }
    assert!(
        buried > 5_000,
        "the schedules deleted too little: {buried} tombstones"
    );
}

/// The archive is equal to the server, and nothing waits for a tombstone; gives how many there are.
fn assert_archived(server: &Server, archive: &Archive, seed: u64) -> usize {
    for id in 0..u32::try_from(server.fates.len()).unwrap() {
        assert_eq!(
            archive.is_live(id),
            server.is_listed(id),
            "seed {seed}: message {id}"
        );
    }
    let missing = archive
        .stored_messages()
        .filter(|(_, message)| message.missing.is_some());
    let (deleted, waiting): (Vec<_>, Vec<_>) = missing.partition(|(_, message)| message.deleted);
    assert!(
        waiting.is_empty() || archive.braked,
        "seed {seed}: {waiting:?} wait for a tombstone"
    );
    deleted.len()
}

/// One more run costs one request and writes no message.
fn assert_idle(server: &mut Server, archive: &mut Archive, seed: u64) {
    server.now += 2 * LAG_MS;
    let (writes, requests) = (archive.writes, server.requests);
    run(server, archive, Drive::PLAIN, seed);
    assert_eq!(
        archive.writes, writes,
        "seed {seed}: an idle run writes no message"
    );
    // An unreliable count costs a look at the tail.
    let cost = 1 + u64::from(archive.count_trust.is_unreliable());
    assert!(
        server.requests <= requests + cost || archive.braked,
        "seed {seed}: an idle run cost {} requests",
        server.requests - requests
    );
}

#[test]
fn everything_gone_at_once_is_not_believed() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    run(&mut server, &mut archive, Drive::PLAIN, 1);
    server.delete(0, 250);
    for _ in 0..3 {
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, Drive::PLAIN, 1);
    }
    assert!(archive.braked);
    assert!(
        archive
            .stored_messages()
            .all(|(_, message)| !message.deleted)
    );
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
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        server.schedule = QUIET;
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        let covers = |archive: &Archive| Ledger::from_pieces(&archive.ledger).covers_all();
        assert!(covers(&archive), "seed {seed}");
        let asked_at = Timestamp::from_millis(server.now);
        server.now += 2 * LAG_MS;
        archive.full = true;
        let mut runs = 0;
        while archive.full {
            let killed = Drive {
                kill_after: random.random_bool(0.7).then(|| random.random_range(1..8)),
                window: random.random_range(1..4),
                ..Drive::PLAIN
            };
            run(&mut server, &mut archive, killed, seed);
            assert!(covers(&archive), "seed {seed}: the first cover must stand");
            runs += 1;
            assert!(
                runs < 200,
                "seed {seed}: a --full that is always killed must converge"
            );
        }
        let proof = Ledger::from_pieces(&archive.ledger).proof(super::archive::RULES.lag);
        assert!(
            proof.proven_at > Some(asked_at),
            "seed {seed}: proven by pages of the --full"
        );
    }
}

#[test]
fn an_idle_run_costs_one_request() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    let first = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(first, Some(Verdict::Complete));
    server.now += 10 * LAG_MS;
    let before = server.requests;
    let second = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(second, Some(Verdict::Complete));
    assert_eq!(server.requests - before, 1);
}

#[test]
fn a_quiet_walk_costs_its_pages_the_end_and_the_head() {
    let mut server = Server::new(1, 250, QUIET);
    run(&mut server, &mut Archive::default(), Drive::PLAIN, 1);
    // 250 rows at 20 a page with an overlap of 1 are 14 pages; then the end and the head.
    assert_eq!(server.requests, 14 + 2);
}

#[test]
fn a_walk_in_parallel_costs_and_gives_the_same() {
    let mut server = Server::new(1, 250, QUIET);
    let mut archive = Archive::default();
    let parallel = Drive {
        window: 8,
        ..Drive::PLAIN
    };
    let verdict = run(&mut server, &mut archive, parallel, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    assert_eq!(archive.live, 250);
    assert_eq!(server.requests, 14 + 2);
}

#[test]
fn an_empty_conversation_is_asked_twice_and_once_ever_after() {
    let mut server = Server::new(1, 0, QUIET);
    let mut archive = Archive::default();
    for requests in [2, 3] {
        let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
        assert_eq!(verdict, Some(Verdict::Complete));
        assert_eq!(server.requests, requests);
    }
}

#[test]
fn around_messages_that_cannot_be_had_everything_is_archived() {
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let broken = Schedule {
            broken_one_in: Some(random.random_range(20..300)),
            ..QUIET
        };
        let mut server = Server::new(seed, random.random_range(1..400), broken);
        let mut archive = Archive::default();
        let drive = Drive {
            window: random.random_range(1..9),
            ..Drive::PLAIN
        };
        let one_in = broken.broken_one_in.unwrap();
        let is_lost = |message: &&Listed| is_broken(message.id, one_in);
        let lost = server.list.iter().filter(is_lost).count();
        let verdict = run(&mut server, &mut archive, drive, seed);
        for message in &server.list {
            let held = archive.is_live(message.id);
            assert_eq!(
                held,
                !is_broken(message.id, one_in),
                "seed {seed}: {message:?}"
            );
        }
        let expected = (lost > 0).then_some(FailureClass::Server);
        assert_eq!(class_of(verdict.as_ref()), expected, "seed {seed}");
        let pages = server.list.len() as u64 / 18 + 2;
        let bound = 2 * pages + 12 * lost as u64 + 8;
        assert!(server.requests <= bound, "seed {seed}: {}", server.requests);
    }
}

fn tied_server() -> Server {
    let capped = Schedule {
        cap: Some(20),
        ..QUIET
    };
    let mut server = Server::new(1, 30, capped);
    for _ in 0..50 {
        server.insert(999_000, false);
    }
    for time in 0..30 {
        server.insert(999_500 + time, false);
    }
    server
}

#[test]
fn a_tie_group_larger_than_the_largest_page_is_a_hole_by_name_at_one_request_an_idle_run() {
    let (mut server, mut archive) = (tied_server(), Archive::default());
    let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(
        class_of(verdict.as_ref()),
        Some(FailureClass::TieGroupExceedsPage)
    );
    let below = archive
        .stored_messages()
        .filter(|(_, message)| message.time < 999_000);
    assert_eq!(below.count(), 30, "went on below");
    // What was younger than λ is read once more.
    for requests in [3, 1, 1] {
        server.now += 2 * LAG_MS;
        let before = server.requests;
        let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
        assert_eq!(
            class_of(verdict.as_ref()),
            Some(FailureClass::TieGroupExceedsPage)
        );
        assert_eq!(server.requests - before, requests);
    }
}

/// A list of groups of messages of one time each, oldest first, which a gateway gives in one order
/// always and `limit` at once at most; and what one walk makes of it.
fn read_groups(groups: &[usize], limit: u32, window: usize) -> (Server, Archive, Option<Verdict>) {
    let steady = Schedule {
        cap: Some(limit),
        steady_ties: true,
        ..QUIET
    };
    let mut server = Server::new(1, 0, steady);
    for (time, group) in (900_000..).zip(groups) {
        (0..*group).for_each(|_| server.insert(time, false));
    }
    let mut archive = Archive {
        limit: Some(limit),
        ..Archive::default()
    };
    let drive = Drive {
        window,
        ..Drive::PLAIN
    };
    let verdict = run(&mut server, &mut archive, drive, 1);
    (server, archive, verdict)
}

#[test]
fn what_a_bare_loop_reads_of_equal_times_is_archived_in_a_few_times_its_requests() {
    let ones = |number: usize| std::iter::repeat_n(1, number);
    let layouts: [(Vec<usize>, u32); 6] = [
        (std::iter::once(300).chain(ones(500)).collect(), 100),
        (ones(30).chain([220]).chain(ones(30)).collect(), 100),
        (ones(500).chain([300]).collect(), 100),
        (vec![40, 40, 40], 20),
        (vec![99, 100, 101, 1, 98, 99, 100], 100),
        (vec![100, 100, 100], 100),
    ];
    for (groups, limit) in layouts {
        for window in [1, 8] {
            let (server, archive, _) = read_groups(&groups, limit, window);
            let listed = server.list.len() as u64;
            assert_eq!(archive.live, listed, "{groups:?}, {window} at once");
            let bare = listed.div_ceil(u64::from(limit)) + 1;
            assert!(
                server.requests <= 4 * bare + 4,
                "{groups:?}, {window} at once: {} requests, a bare loop {bare}",
                server.requests
            );
        }
    }
}

#[test]
fn a_group_that_leaves_room_for_one_row_more_is_not_too_large() {
    let ones = |number: usize| std::iter::repeat_n(1, number);
    let layouts: [Vec<usize>; 5] = [
        ones(150).chain([99]).chain(ones(150)).collect(),
        ones(150).chain([98]).chain(ones(150)).collect(),
        // The oldest, and the newest.
        std::iter::once(99).chain(ones(150)).collect(),
        ones(150).chain([99]).collect(),
        ones(150).chain([99, 99, 99]).chain(ones(150)).collect(),
    ];
    for groups in layouts {
        for window in [1, 8] {
            let (_, archive, verdict) = read_groups(&groups, 100, window);
            let last = groups.last();
            assert_eq!(
                verdict,
                Some(Verdict::Complete),
                "{} groups, the newest of {last:?}, {window} at once",
                groups.len()
            );
            assert_eq!(archive.tie_points, []);
        }
    }
}

#[test]
fn a_tie_group_that_has_shrunk_is_read_by_a_full_walk() {
    let (mut server, mut archive) = (tied_server(), Archive::default());
    run(&mut server, &mut archive, Drive::PLAIN, 1);
    let first = server
        .list
        .iter()
        .position(|message| message.time == 999_000);
    server.delete(first.unwrap(), first.unwrap() + 45);
    server.now += 2 * LAG_MS;
    archive.full = true;
    let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    assert_eq!(archive.live, 65);
    assert_eq!(archive.tie_points, []);
}

#[test]
fn a_count_that_wobbles_is_relied_on_no_more_and_trusted_again_when_it_is_steady() {
    let wobbling = Schedule {
        counts: Counts::Wobbling,
        ..QUIET
    };
    let mut server = Server::new(1, 150, wobbling);
    let mut archive = Archive::default();
    let mut runs = 0;
    while !archive.count_trust.is_unreliable() {
        run(&mut server, &mut archive, Drive::PLAIN, 1);
        server.now += 2 * LAG_MS;
        runs += 1;
        assert!(runs < 10, "{:?}", archive.count_trust);
    }
    let before = server.requests;
    let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    assert_eq!(server.requests - before, 2, "the head and the tail");

    // A deletion is noticed by the tail alone.
    server.now += 2 * LAG_MS;
    server.delete(90, 92);
    let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    assert_eq!(archive.live, 148);

    server.schedule.counts = Counts::True;
    for _ in 0..5 {
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, Drive::PLAIN, 1);
    }
    assert!(!archive.count_trust.is_unreliable());
    let before = server.requests;
    server.now += 2 * LAG_MS;
    run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(server.requests - before, 1);
}

#[test]
fn an_end_that_no_count_proves_is_seen_twice_and_the_count_is_trusted_after_three_runs() {
    let wobbling = Schedule {
        counts: Counts::Wobbling,
        ..QUIET
    };
    let mut server = Server::new(1, 7, wobbling);
    let mut archive = Archive::default();
    let mut runs = 0;
    while !archive.count_trust.is_unreliable() {
        run(&mut server, &mut archive, Drive::PLAIN, 1);
        server.now += 2 * LAG_MS;
        runs += 1;
        assert!(runs < 20, "{:?}", archive.count_trust);
    }
    assert_eq!(archive.full_page, None, "shorter than a page");
    server.schedule.counts = Counts::True;
    let mut verdicts = Vec::new();
    for _ in 0..3 {
        verdicts.push(run(&mut server, &mut archive, Drive::PLAIN, 1));
        server.now += 2 * LAG_MS;
    }
    // By an end that was seen twice, and by the count from the fourth run on.
    for verdict in verdicts {
        assert_eq!(verdict, Some(Verdict::Complete));
    }
    assert!(!archive.count_trust.is_unreliable());
    assert_eq!(archive.live, 7);
    let before = server.requests;
    run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(server.requests - before, 1);
}

#[test]
fn pages_out_of_order_are_kept_and_prove_nothing() {
    let disorderly = Schedule {
        disorder: 1.0,
        ..QUIET
    };
    let mut server = Server::new(1, 150, disorderly);
    let mut archive = Archive::default();
    let verdict = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(
        class_of(verdict.as_ref()),
        Some(FailureClass::OrderViolation)
    );
    assert!(archive.live > 100, "the rows are kept");
    assert_eq!(archive.ledger, []);
}
