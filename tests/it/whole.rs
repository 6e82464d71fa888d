//! The whole program, but for its command line, against the simulated gateway: scenarios of some
//! runs each, drawn from one number, on both engines.
//!
//! A scenario is a few conversations that change between runs and during them, a gateway at which
//! things go wrong, and runs that are stopped in the middle, resumed, killed or told to read
//! everything again. After each run what the archive claims is held against the gateway's truth;
//! once the gateway is quiet the archive becomes equal to it; and in the end both engines, and
//! another order of work, have come to the same.
//!
//! `CONVAULT_TEST_SCENARIOS` is how many (500), from the number `CONVAULT_TEST_SEED_FROM` (0) on.
//! `CONVAULT_TEST_SEED` runs one scenario alone, and says what happens in it.

mod changes;
mod dump;
mod lane;
mod play;
mod scenario;
mod truth;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use lane::{Engine, Lane};
use play::{Ended, Manner};
use scenario::Scenario;
use tokio::runtime::Runtime;

/// How many scenarios a push plays, each on both engines.
const SCENARIOS: u64 = 500;
/// The setting that plays one scenario alone and tells what happens in it.
const ALONE: &str = "CONVAULT_TEST_SEED";
/// How many are played at once.
const LANES: u64 = 1;
/// A lane that has seen so many failures plays no more.
const FAILURES_MAX: usize = 2;

/// What the scenarios came to, so that a green run says what it has tally.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn add(&mut self, what: impl Into<String>, n: u64) {
        *self.0.entry(what.into()).or_default() += n;
    }

    fn merge(&mut self, other: Self) {
        for (what, n) in other.0 {
            self.add(what, n);
        }
    }

    fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// The archives of one scenario after the other: one on each engine, emptied in between.
struct Lanes {
    sqlite: Lane,
    postgres: Lane,
}

impl Lanes {
    async fn open() -> Self {
        Self {
            sqlite: Lane::open(Engine::Sqlite).await,
            postgres: Lane::open(Engine::Postgres).await,
        }
    }

    /// Plays the scenario on both engines in one manner, and on one of them in another.
    async fn play(&mut self, seed: u64, tally: &mut Tally) {
        let scenario = Scenario::draw(seed);
        if number(ALONE).is_some() {
            println!("{scenario:#?}");
        }
        let one_by_one = Manner::one_by_one();
        let first = play::play(&scenario, &mut self.sqlite, one_by_one, tally).await;
        let second = play::play(&scenario, &mut self.postgres, one_by_one, tally).await;
        compare(&scenario, "SQLite and Postgres", &first, &second, tally);
        if seed.is_multiple_of(4) {
            let lane = if seed.is_multiple_of(8) {
                &mut self.sqlite
            } else {
                &mut self.postgres
            };
            let third = play::play(&scenario, lane, Manner::at_once(seed), tally).await;
            compare_ends(&scenario, "one by one and at once", &first, &third);
        }
    }

    async fn close(self) {
        self.sqlite.close().await;
        self.postgres.close().await;
    }
}

/// Both have come to the same contents and states. Where several pages of one conversation are
/// under way at once, which is the n-th request of it, and so what it meets, is anybody's guess:
/// the ways there may differ.
fn compare_ends(scenario: &Scenario, which: &str, one: &Ended, other: &Ended) {
    let seed = scenario.seed;
    assert!(
        one.contents == other.contents,
        "seed {seed}: {which} end in other contents"
    );
    assert_eq!(one.states, other.states, "seed {seed}: {which}");
}

/// Both have come to the same: to the same contents, and, where what one conversation meets does
/// not hang on the others, through the same outcomes to the same rows.
fn compare(scenario: &Scenario, which: &str, one: &Ended, other: &Ended, tally: &mut Tally) {
    let seed = scenario.seed;
    compare_ends(scenario, which, one, other);
    if scenario.is_independent() && one.stays_independent && other.stays_independent {
        tally.add("compared row by row", 1);
        for (number, (one, other)) in one.runs.iter().zip(&other.runs).enumerate() {
            assert_eq!(one, other, "seed {seed}: run {} of {which}", number + 1);
        }
        assert_eq!(one.runs.len(), other.runs.len(), "seed {seed}: {which}");
        let (one, other) = (one.dump.as_ref().unwrap(), other.dump.as_ref().unwrap());
        one.assert_same(other, &format!("seed {seed}: {which}"));
    }
}

fn number(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "how much to test; config reads what the program is told"
    )]
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

/// Plays the scenarios of these seeds, some at a time; panics with the seeds that failed.
fn play_all(from: u64, count: u64) -> Tally {
    let next = Arc::new(AtomicU64::new(from));
    let lanes: Vec<_> = (0..LANES.min(count))
        .map(|_| {
            let next = Arc::clone(&next);
            thread::spawn(move || play_some(&next, from + count))
        })
        .collect();
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for lane in lanes {
        let (of_lane, failed_of_lane) = lane.join().unwrap();
        tally.merge(of_lane);
        failed.extend(failed_of_lane);
    }
    failed.sort_unstable();
    let alone = failed.first().copied().unwrap_or(0);
    assert!(
        failed.is_empty(),
        "the scenarios of these seeds failed, see above: {failed:?}\nto play one alone: \
         CONVAULT_TEST_SEED={alone} scripts/postgres run cargo test --test it whole::"
    );
    tally
}

/// Plays the next scenario until there is none left, in a runtime of its own: what is left of a
/// scenario that failed ends with that.
fn play_some(next: &AtomicU64, end: u64) -> (Tally, Vec<u64>) {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let mut open = None;
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || failed.len() > FAILURES_MAX {
            if let Some((runtime, lanes)) = open {
                let (runtime, lanes): (Runtime, Lanes) = (runtime, lanes);
                runtime.block_on(lanes.close());
            }
            return (tally, failed);
        }
        let (runtime, mut lanes) = open.take().unwrap_or_else(|| {
            let runtime = new_runtime();
            let lanes = runtime.block_on(Lanes::open());
            (runtime, lanes)
        });
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut tally = Tally::default();
            runtime.block_on(lanes.play(seed, &mut tally));
            tally
        }));
        if let Ok(of_scenario) = played {
            tally.merge(of_scenario);
            open = Some((runtime, lanes));
        } else {
            println!("the scenario of seed {seed} failed");
            failed.push(seed);
        }
    }
}

fn new_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn what_is_claimed_is_true_and_both_engines_end_in_the_gateway_s_truth() {
    let (from, count) = match number(ALONE) {
        Some(seed) => (seed, 1),
        None => (
            number("CONVAULT_TEST_SEED_FROM").unwrap_or(0),
            number("CONVAULT_TEST_SCENARIOS").unwrap_or(SCENARIOS),
        ),
    };
    let tally = play_all(from, count);
    println!("seeds {from} to {}: {:#?}", from + count - 1, tally.0);
    if count >= SCENARIOS {
        assert_not_tame(&tally);
    }
}

/// What must have happened often enough among the scenarios for a green run to mean something.
fn assert_not_tame(tally: &Tally) {
    for (what, least) in [
        ("compared row by row", 80),
        ("claims of complete", 2000),
        ("runs stopped", 100),
        ("messages buried", 200),
        ("runs with troubled conversations", 200),
    ] {
        let times = tally.of(what);
        assert!(times >= least, "too tame: {what}: {times}, not {least}");
    }
}
