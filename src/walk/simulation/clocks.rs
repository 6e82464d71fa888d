//! Gateways and machines with wrong clocks: with the rule by which a `Date` is believed nothing
//! that is claimed breaks, and when the clocks are right again the archive becomes equal. Where
//! every `Date` is believed, the same schedules break.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    Archive, Drive, LAG_MS, QUIET, Schedule, Server,
    archive::RULES,
    drive::{self, run},
    server::UnderWay,
};
use crate::model::{Answered, GatewayClock, Timestamp};

const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 400 * 24 * HOUR_MS;
const SEEDS: u64 = 300;

/// What `Date` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// The time.
    True,
    /// Another time, so far ahead, in one run of six.
    OfOneRun(i64),
    /// Another time in half of the answers: that of one of two backends.
    OfOneBackend(i64),
    /// At most so far off in either direction, each answer otherwise.
    Random(i64),
}

/// The clocks of a world.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    pub(super) dates: Dates,
    /// How far this machine's clock is ahead.
    pub(super) machine_ms: i64,
    /// Whether every `Date` is believed.
    pub(super) is_gullible: bool,
    run: u64,
    known: GatewayClock,
}

impl Clocks {
    pub(super) fn right() -> Self {
        Self {
            dates: Dates::True,
            machine_ms: 0,
            is_gullible: false,
            run: 0,
            known: GatewayClock::new(RULES.lag),
        }
    }

    fn begin_run(&mut self) {
        self.run += 1;
        self.known = GatewayClock::new(RULES.lag);
    }
}

impl Server {
    /// T of a page, as the client takes it from the answer.
    pub(super) fn page_time(&mut self, sent: UnderWay) -> i64 {
        let off_ms = match self.clocks.dates {
            Dates::True if self.clocks.machine_ms == 0 => return sent.sent_at,
            Dates::True => 0,
            Dates::OfOneRun(ahead) => ahead * i64::from(self.clocks.run == 2),
            Dates::OfOneBackend(ahead) => ahead * i64::from(self.random.random_bool(0.5)),
            Dates::Random(most) => self.random.random_range(-most..=most),
        };
        if self.clocks.is_gullible {
            return sent.sent_at + off_ms;
        }
        let answer = Answered {
            begun: self.clocks.known.begin(sent.sent_at),
            sent_ms: sent.sent_at,
            answered_ms: self.now,
            local: Timestamp::from_millis(sent.sent_at + self.clocks.machine_ms),
            date: Some(Timestamp::from_millis(self.now + off_ms)),
        };
        self.clocks.known.answered(&answer).sent_at.as_millis()
    }
}

const BUSY: Schedule = Schedule {
    arrivals: 0.4,
    late: 0.5,
    deletions: 0.15,
    burst: 3,
    edits: 0.1,
    ..QUIET
};

/// Six runs over a list that shifts, then three over one that does not, by right clocks.
fn live_through(seed: u64, clocks: &Clocks) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut server = Server::new(seed, random.random_range(0..120), BUSY);
    server.clocks = clocks.clone();
    let mut archive = Archive::default();
    for _ in 0..6 {
        server.clocks.begin_run();
        run(&mut server, &mut archive, drive::draw(&mut random), seed);
        server.now += random.random_range(0..3 * LAG_MS);
    }
    server.schedule = QUIET;
    server.clocks = Clocks::right();
    for _ in 0..4 {
        server.now += 2 * LAG_MS;
        run(&mut server, &mut archive, Drive::PLAIN, seed);
        archive.full = true;
    }
    for message in &server.list {
        assert!(archive.is_live(message.id), "seed {seed}: {}", message.id);
    }
    assert_eq!(archive.live, server.list.len() as u64, "seed {seed}");
}

fn worlds() -> Vec<Clocks> {
    let mut worlds = Vec::new();
    for ahead in [HOUR_MS, -HOUR_MS, YEAR_MS, -YEAR_MS] {
        worlds.push((Dates::OfOneRun(ahead), 0));
        worlds.push((Dates::OfOneBackend(ahead), 0));
        worlds.push((Dates::True, ahead));
    }
    worlds.push((Dates::Random(3 * LAG_MS), 0));
    worlds.push((Dates::Random(YEAR_MS), 0));
    // A machine that is behind, and a gateway that is wrong too.
    worlds.push((Dates::OfOneBackend(HOUR_MS), -HOUR_MS));
    let world = |(dates, machine_ms)| Clocks {
        dates,
        machine_ms,
        ..Clocks::right()
    };
    worlds.into_iter().map(world).collect()
}

#[test]
fn what_is_claimed_is_true_whatever_one_wrong_clock_says() {
    for clocks in worlds() {
        for seed in 0..SEEDS {
            live_through(seed, &clocks);
        }
    }
}

#[test]
fn a_client_that_believes_every_date_claims_what_is_not_so() {
    for dates in [
        Dates::OfOneRun(YEAR_MS),
        Dates::OfOneBackend(HOUR_MS),
        Dates::Random(YEAR_MS),
    ] {
        let gullible = Clocks {
            dates,
            is_gullible: true,
            ..Clocks::right()
        };
        let breaks = |seed| catch_unwind(AssertUnwindSafe(|| live_through(seed, &gullible)));
        assert!((0..SEEDS).any(|seed| breaks(seed).is_err()), "{dates:?}");
    }
}
