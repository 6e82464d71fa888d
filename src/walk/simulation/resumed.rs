//! What a walk costs that goes on where another was killed.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Archive, Drive, LAG_MS, QUIET, Schedule, Server, run};
use crate::walk::Verdict;

/// The head, the page that meets the lower end, and the closing read of the head.
const RESUMING_PAGES: u64 = 3;

fn killed_after(pages: Option<u64>) -> Drive {
    Drive {
        kill_after: pages,
        ..Drive::PLAIN
    }
}

#[test]
fn a_resumed_walk_does_not_read_what_is_covered_again() {
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let ties = [0.0, 0.05, 0.3][random.random_range(0..3)];
        let schedule = Schedule { ties, ..QUIET };
        let size = random.random_range(100..400);
        let settled = || {
            let mut server = Server::new(seed, size, schedule);
            server.now += 2 * LAG_MS;
            server
        };
        let mut whole = settled();
        run(&mut whole, &mut Archive::default(), Drive::PLAIN, seed);

        let mut server = settled();
        let mut archive = Archive::default();
        // It is killed again and again, each time after few pages, and gets on all the same.
        let mut kills = 0;
        loop {
            let kill_after = (kills < 8).then(|| random.random_range(3..6));
            match run(&mut server, &mut archive, killed_after(kill_after), seed) {
                None => kills += 1,
                Some(verdict) => break assert_eq!(verdict, Verdict::Complete, "seed {seed}"),
            }
            server.now += 2 * LAG_MS;
        }
        let bound = whole.requests + kills * RESUMING_PAGES;
        assert!(
            server.requests <= bound,
            "seed {seed}: {} requests with {kills} kills, {} without",
            server.requests,
            whole.requests
        );
    }
}

#[test]
fn a_walk_that_is_killed_every_few_pages_goes_on_where_it_was() {
    let whole = {
        let mut server = Server::new(1, 250, QUIET);
        run(&mut server, &mut Archive::default(), Drive::PLAIN, 1);
        server.requests
    };
    // The end takes three: the head, the last page, and an empty one past it.
    for kill_after in 3..14 {
        let mut server = Server::new(1, 250, QUIET);
        let mut archive = Archive::default();
        let mut runs = 0;
        while run(&mut server, &mut archive, killed_after(Some(kill_after)), 1).is_none() {
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
fn a_parallel_walk_that_is_killed_reads_again_what_was_under_way() {
    let parallel = |kill_after| Drive {
        kill_after,
        window: 6,
        ..Drive::PLAIN
    };
    let whole = {
        let mut server = Server::new(1, 600, QUIET);
        run(&mut server, &mut Archive::default(), parallel(None), 1);
        server.requests
    };
    for seed in 0..100 {
        let mut server = Server::new(1, 600, QUIET);
        server.random = ChaCha8Rng::seed_from_u64(seed);
        let mut archive = Archive::default();
        let killed_after = server.random.random_range(3..30);
        run(
            &mut server,
            &mut archive,
            parallel(Some(killed_after)),
            seed,
        );
        server.now += 2 * LAG_MS;
        let verdict = run(&mut server, &mut archive, parallel(None), seed);
        assert_eq!(verdict, Some(Verdict::Complete), "seed {seed}");
        // Six under way, and for each hole that they have left a page that joins.
        assert!(
            server.requests <= whole + 2 * 6 + RESUMING_PAGES,
            "seed {seed}: {} requests, {whole} without a kill",
            server.requests
        );
    }
}
