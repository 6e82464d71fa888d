//! What a walk costs that goes on where another was killed.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{Archive, LAG_MS, QUIET, Schedule, Server, run};
use crate::walk::Verdict;

/// The head, the page that meets the lower end, and the closing read of the head.
const RESUMING_PAGES: u64 = 3;

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
        run(&mut whole, &mut Archive::default(), None, seed);

        let mut server = settled();
        let mut archive = Archive::default();
        // It is killed again and again, each time after few pages, and gets on all the same.
        let mut kills = 0;
        loop {
            let kill_after = (kills < 8).then(|| random.random_range(3..6));
            match run(&mut server, &mut archive, kill_after, seed) {
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
