//! Walks against a model of the gateway whose list shifts while it is read: what may be claimed
//! must be true, for every seed.
//!
//! Beside them, on the same schedules, the bare offset walk. `CONVAULT_TEST_WALKS` is how many
//! walks there are (200,000 unless told), `CONVAULT_TEST_SEED` the first seed (0 unless told);
//! `docs/testing.md` has the figures.

mod archive;
mod bare;
mod changes;
mod clocks;
mod drive;
mod endings;
mod resumed;
mod server;
mod without;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Verdict;
use archive::Archive;
use drive::{Drive, run};
use server::{Counts, LAG_MS, QUIET, Schedule, Server};

/// Walks of one seed: one conversation in so many runs.
const RUNS: u64 = 4;

fn schedule_of(random: &mut ChaCha8Rng) -> Schedule {
    let drawn = draw_schedule(random);
    // Where no count can be relied on, nothing tells a window from the end.
    let counted = matches!(drawn.counts, Counts::True | Counts::Drifting);
    Schedule {
        window: drawn.window.filter(|_| counted),
        ..drawn
    }
}

fn draw_schedule(random: &mut ChaCha8Rng) -> Schedule {
    Schedule {
        arrivals: random.random_range(0.0..0.6),
        late: random.random_range(0.0..0.5),
        far_late: if random.random_bool(0.1) { 0.1 } else { 0.0 },
        deletions: if random.random_bool(0.5) {
            random.random_range(0.0..0.5)
        } else {
            0.0
        },
        burst: random.random_range(1..30),
        edits: random.random_range(0.0..0.2),
        ties: [0.0, 0.05, 0.5][random.random_range(0..3)],
        cap: random.random_bool(0.2).then(|| random.random_range(8..20)),
        hidden: if random.random_bool(0.2) {
            random.random_range(1..=5)
        } else {
            0
        },
        counts: match random.random_range(0..40) {
            0..=2 => Counts::Missing,
            3..=5 => Counts::Drifting,
            6..=8 => Counts::Wobbling,
            9..=10 => Counts::Lagging,
            _ => Counts::True,
        },
        lagging: if random.random_bool(0.05) { 0.3 } else { 0.0 },
        disorder: if random.random_bool(0.02) { 0.1 } else { 0.0 },
        block: if random.random_bool(0.05) {
            random.random_range(10..120)
        } else {
            0
        },
        steady_ties: random.random_bool(0.5),
        window: random
            .random_bool(0.03)
            .then(|| random.random_range(500..800)),
        cut: if random.random_bool(0.05) {
            random.random_range(0.0..1.0)
        } else {
            0.0
        },
        deaf: random.random_bool(0.005),
        broken_one_in: random
            .random_bool(0.03)
            .then(|| random.random_range(7..200)),
        lacks_one_in: None,
    }
}

/// What a number of seeds came to.
#[derive(Debug, Default, Clone)]
struct Sum {
    walks: u64,
    complete: u64,
    killed: u64,
    partial: BTreeMap<&'static str, u64>,
    requests: u64,
    tombstones: u64,
    bare: bare::Losses,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.walks += other.walks;
        self.complete += other.complete;
        self.killed += other.killed;
        for (class, count) in &other.partial {
            *self.partial.entry(class).or_default() += count;
        }
        self.requests += other.requests;
        self.tombstones += other.tombstones;
        self.bare.add(&other.bare);
    }

    fn note(&mut self, verdict: Option<&Verdict>) {
        self.walks += 1;
        match verdict {
            None => self.killed += 1,
            Some(Verdict::Complete) => self.complete += 1,
            Some(Verdict::Partial { class, .. }) => {
                *self.partial.entry(class.as_str()).or_default() += 1;
            }
        }
    }
}

/// The runs of one seed: one conversation, and the bare walk on the same schedule.
fn simulate(seed: u64, sum: &mut Sum) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let schedule = schedule_of(&mut random);
    let size = match schedule.window {
        Some(window) => random.random_range(window - 20..window + 100),
        None => random.random_range(0..400),
    };
    let mut server = Server::new(seed, size, schedule);
    let mut archive = Archive::default();
    for _ in 0..RUNS {
        archive.full |= random.random_bool(0.05) && !archive.ledger.is_empty();
        let drive = drive::draw(&mut random);
        sum.note(run(&mut server, &mut archive, drive, seed).as_ref());
        server.now += random.random_range(0..3 * LAG_MS);
    }
    sum.requests += server.requests;
    sum.tombstones += archive
        .stored_messages()
        .filter(|(_, message)| message.deleted)
        .count() as u64;
    sum.bare
        .add(&bare::walk(&mut Server::new(seed, size, schedule)));
}

fn number_of(variable: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the counts of a long run")]
    let told = std::env::var(variable);
    told.map_or(otherwise, |number| {
        number.parse().expect("a whole number of walks or seeds")
    })
}

#[test]
fn what_is_claimed_is_true_on_every_schedule() {
    let first = number_of("CONVAULT_TEST_SEED", 0);
    let seeds = number_of("CONVAULT_TEST_WALKS", 200_000).div_ceil(RUNS);
    let next = AtomicU64::new(first);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut sum = Sum::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut sum = Sum::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + seeds {
                            return sum;
                        }
                        simulate(seed, &mut sum);
                    }
                })
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(of_worker) => sum.add(&of_worker),
                Err(panicked) => std::panic::resume_unwind(panicked),
            }
        }
    });
    println!(
        "seeds {first} to {}: {} walks in {} requests: {} complete, {} killed, partial {:?}; \
         {} tombstones. {}",
        first + seeds - 1,
        sum.walks,
        sum.requests,
        sum.complete,
        sum.killed,
        sum.partial,
        sum.tombstones,
        sum.bare,
    );
    assert!(
        3 * sum.complete > sum.walks,
        "too few were complete: {sum:?}"
    );
    assert!(sum.tombstones > sum.walks / 20, "too tame: {sum:?}");
    assert!(sum.bare.lossy > sum.bare.walks / 10, "too tame: {sum:?}");
}
