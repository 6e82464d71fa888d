//! What arrives, changes and vanishes between two runs: within how many runs it is found, and by
//! how many requests beside a whole walk.

use super::{Archive, Drive, LAG_MS, QUIET, Server, run};
use crate::walk::Verdict;

/// A complete archive of a quiet server of `size`, λ and more after its last run.
fn settled(size: usize) -> (Server, Archive, u64) {
    let mut server = Server::new(1, size, QUIET);
    let mut archive = Archive::default();
    let first = run(&mut server, &mut archive, Drive::PLAIN, 1);
    assert_eq!(first, Some(Verdict::Complete));
    let whole = server.requests;
    server.now += 2 * LAG_MS;
    run(&mut server, &mut archive, Drive::PLAIN, 1);
    server.now += 2 * LAG_MS;
    (server, archive, whole)
}

/// The requests of one plain run, which must end complete.
fn cost(server: &mut Server, archive: &mut Archive) -> u64 {
    let before = server.requests;
    let verdict = run(server, archive, Drive::PLAIN, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    server.now += 2 * LAG_MS;
    server.requests - before
}

fn tombstones(archive: &Archive) -> usize {
    archive
        .stored_messages()
        .filter(|(_, message)| message.deleted)
        .count()
}

#[test]
fn arrivals_late_within_the_lag_are_found_in_the_next_run_by_its_head() {
    let (mut server, mut archive, _) = settled(1_000);
    server.insert(server.now - 1, false);
    server.insert(server.now - LAG_MS + 1, false);
    assert_eq!(cost(&mut server, &mut archive), 1);
    assert_eq!(archive.live, 1_002);
}

#[test]
fn a_deletion_anywhere_is_found_by_halving_and_buried_by_the_next_run() {
    for place in [0, 1, 19, 20, 21, 500, 777, 979, 980, 998, 999] {
        let (mut server, mut archive, whole) = settled(1_000);
        server.delete(place, place + 1);
        let costs: Vec<u64> = (0..3).map(|_| cost(&mut server, &mut archive)).collect();
        assert_eq!(archive.live, 999, "rank {place}");
        assert_eq!(tombstones(&archive), 1, "rank {place}");
        // Head, tail, the halving of 53 pages; a whole walk is 55.
        assert!(costs[0] <= 10, "rank {place}: {costs:?} of {whole}");
        assert!(costs[1] <= 3, "rank {place}: {costs:?}");
        assert_eq!(costs[2], 1, "rank {place}");
    }
}

#[test]
fn deletions_in_several_places_cost_less_than_a_whole_walk() {
    let (mut server, mut archive, whole) = settled(5_000);
    for place in [4_200, 2_500, 90] {
        server.delete(place, place + 2);
    }
    let found = cost(&mut server, &mut archive);
    assert_eq!(archive.live, 4_994);
    assert!(found < whole / 5, "{found} of {whole}");
    println!("three places of 5,000: {found} requests, a whole walk {whole}");
}

#[test]
fn a_burst_of_deletions_across_pages_is_found() {
    let (mut server, mut archive, whole) = settled(1_000);
    server.delete(400, 450);
    let found = cost(&mut server, &mut archive);
    assert_eq!(archive.live, 950);
    assert!(found <= whole, "{found} of {whole}");
}

#[test]
fn an_arrival_later_than_the_lag_is_found_in_the_next_run_by_the_count() {
    for place in [3, 300, 990] {
        let (mut server, mut archive, whole) = settled(1_000);
        let time = server.list[place].time + 1;
        server.insert(time, true);
        let found = cost(&mut server, &mut archive);
        assert_eq!(archive.live, 1_001, "rank {place}");
        assert!(found <= 10, "rank {place}: {found} of {whole}");
    }
}

#[test]
fn when_only_the_hidden_ones_move_the_tail_says_so() {
    let (mut server, mut archive, _) = settled(1_000);
    server.hidden = 3;
    assert_eq!(
        cost(&mut server, &mut archive),
        3,
        "head, tail, and past it"
    );
    assert_eq!(cost(&mut server, &mut archive), 1);
}

/// Sweeping two pages a run.
fn sweep(server: &mut Server, archive: &mut Archive) {
    let drive = Drive {
        sweep_pages: 2,
        ..Drive::PLAIN
    };
    let verdict = run(server, archive, drive, 1);
    assert_eq!(verdict, Some(Verdict::Complete));
    server.now += 2 * LAG_MS;
}

#[test]
fn a_deep_edit_and_a_masked_deletion_are_found_within_the_bound_of_the_sweep() {
    for place in [25, 500, 990] {
        let (mut server, mut archive, whole) = settled(1_000);
        let edited = server.list[place].id;
        server.fates[edited as usize].edition += 1;
        // A deletion that a far-late arrival hides from the count.
        let masked = server.list[600].id;
        server.delete(600, 601);
        let time = server.list[300].time + 1;
        server.insert(time, true);
        let late = u32::try_from(server.fates.len() - 1).unwrap();

        assert_eq!(cost(&mut server, &mut archive), 1, "nothing shows it");
        let bound = whole.div_ceil(2) + 1;
        let found = |archive: &Archive| {
            let of = |id: u32| archive.messages[id as usize];
            of(edited).is_some_and(|message| message.edition == 1)
                && archive.is_live(late)
                && !archive.is_live(masked)
        };
        archive.messages.resize(server.fates.len(), None);
        let mut runs = 0;
        while !found(&archive) {
            sweep(&mut server, &mut archive);
            runs += 1;
            assert!(runs <= bound, "rank {place}: not within {bound} runs");
        }
    }
}

#[test]
fn a_cycle_of_the_sweep_renews_the_whole_proof() {
    let (mut server, mut archive, whole) = settled(1_000);
    let asked_at = server.now;
    for _ in 0..=whole.div_ceil(2) {
        sweep(&mut server, &mut archive);
    }
    let proof = crate::walk::Ledger::from_pieces(&archive.ledger).proof(super::archive::RULES.lag);
    assert!(proof.proven_at.unwrap().as_millis() > asked_at);
}

#[test]
fn an_edit_within_the_look_back_is_found_in_the_next_run() {
    let (mut server, mut archive, _) = settled(1_000);
    let edited = server.list[50];
    server.fates[edited.id as usize].edition += 1;
    let drive = Drive {
        sweep_pages: 5,
        lookback_ms: server.now - edited.time + 100,
        ..Drive::PLAIN
    };
    run(&mut server, &mut archive, drive, 1);
    assert_eq!(archive.messages[edited.id as usize].unwrap().edition, 1);
}
