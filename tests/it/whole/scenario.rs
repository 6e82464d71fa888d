//! What a scenario is, all of it drawn from its number.
//!
//! Times stand on a grid of ten minutes: each run begins at a step of it, what happens meanwhile
//! has a time shortly after, and the visibility lag ends in the middle of a step. So it never
//! hangs on this machine's pace on which side of a horizon a message lies.

use std::time::Duration;

use convault::{
    model::Timestamp,
    simulator::{Answer, CorpusOptions, CountMode, Fault, Faults, Planned, RetryAfter, Schedule},
};
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use super::changes;

/// When every scenario begins, on the grid.
pub(super) const START: Timestamp = Timestamp::from_millis(1_790_000_400_000);
pub(super) const GRID: Duration = Duration::from_mins(10);

#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    /// How long each conversation is in the beginning.
    pub(super) lengths: Vec<u32>,
    pub(super) page_size: u32,
    pub(super) lag: Duration,
    /// What is odd about the gateway and its messages from beginning to end.
    pub(super) standing: Faults,
    pub(super) legs: Vec<Leg>,
}

/// One run and what happens meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    /// When it begins.
    pub(super) at: Timestamp,
    pub(super) full: bool,
    pub(super) accept_deletions: bool,
    pub(super) stop: Option<Stop>,
    pub(super) faults: Faults,
    /// How a conversation is answered in place of its messages.
    pub(super) answers: Vec<(usize, Answer)>,
    /// What changes, for each conversation; what has not come to pass does when the run is over.
    pub(super) changes: Vec<Vec<Planned>>,
}

/// How a run is ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// `--max-requests`
    Budget(u64),
    /// SIGTERM when the gateway has answered so many requests.
    Signal(u64),
    /// The process is gone when the gateway has answered so many requests: its connections are
    /// dropped, nothing is flushed.
    Kill(u64),
}

impl Scenario {
    pub(super) fn draw(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let page_size = *[8, 10, 12].choose(&mut dice).unwrap();
        let lengths: Vec<u32> = (0..*[1, 1, 1, 2, 3].choose(&mut dice).unwrap())
            .map(|_| length(&mut dice, page_size))
            .collect();
        let lag = Duration::from_mins(*[15, 25].choose(&mut dice).unwrap());
        let standing = standing(&mut dice, page_size);
        let mut at = START;
        let mut legs: Vec<Leg> = (0..*[2, 2, 2, 3].choose(&mut dice).unwrap())
            .map(|_| {
                let leg = Leg::draw(&mut dice, at, lag, &lengths, &standing);
                at = at.plus(GRID * dice.random_range(1..=6));
                leg
            })
            .collect();
        // Drawn apart, so that what else a scenario is does not hang on it.
        let mut clocks = ChaCha8Rng::seed_from_u64(seed ^ 0xDA7E);
        for leg in &mut legs {
            wrong_dates(&mut clocks, &mut leg.faults);
        }
        Self {
            seed,
            lengths,
            page_size,
            lag,
            standing,
            legs,
        }
    }

    pub(super) fn corpus(&self) -> CorpusOptions {
        CorpusOptions {
            seed: self.seed,
            lengths: self.lengths.clone(),
            ..CorpusOptions::default()
        }
    }

    /// When the first run over a quiet gateway begins.
    pub(super) fn quiet_from(&self) -> Timestamp {
        self.legs.last().unwrap().at.plus(6 * GRID)
    }

    /// Whether what a conversation meets is drawn from it alone: no budget or signal that one run
    /// spends on all of its conversations together, no answer that ends the run for all, and no
    /// page that is capped (what a full page is, one conversation learns from the other).
    pub(super) fn is_independent(&self) -> bool {
        let ends_all = |fault: &Fault| matches!(fault, Fault::Unauthorized | Fault::Redirect);
        let is_shared = self.legs.iter().any(|leg| {
            leg.stop.is_some() || leg.faults.answers.iter().any(|(fault, _)| ends_all(fault))
        });
        // What is committed when a process dies hangs on its pace.
        let is_killed = |leg: &Leg| matches!(leg.stop, Some(Stop::Kill(_)));
        // Which answer comes first says which `Date` another one contradicts.
        let is_dated = |leg: &Leg| leg.faults.wrong_date != Schedule::Chance(0.0);
        if self.legs.iter().any(is_dated) {
            return false;
        }
        let is_alone = self.lengths.len() == 1 && !self.legs.iter().any(is_killed);
        is_alone || !(is_shared || self.standing.limit_cap.is_some())
    }
}

impl Leg {
    fn draw(
        dice: &mut ChaCha8Rng,
        at: Timestamp,
        lag: Duration,
        lengths: &[u32],
        standing: &Faults,
    ) -> Self {
        let longest = u64::from(*lengths.iter().max().unwrap());
        let requests = 4 + longest / 6;
        Self {
            at,
            full: dice.random_bool(0.2),
            accept_deletions: dice.random_bool(0.5),
            stop: match dice.random_range(0..10) {
                0 | 1 => Some(Stop::Budget(dice.random_range(0..requests))),
                2 => Some(Stop::Signal(dice.random_range(1..=requests))),
                3 => Some(Stop::Kill(dice.random_range(1..=requests))),
                _ => None,
            },
            faults: faults(dice, standing),
            answers: answers(dice, lengths.len()),
            changes: lengths
                .iter()
                .map(|&length| changes::draw(dice, at, lag, length, standing.bare > 0.0))
                .collect(),
        }
    }
}

fn length(dice: &mut ChaCha8Rng, page_size: u32) -> u32 {
    match dice.random_range(0..20) {
        0 => 0,
        1..4 => dice.random_range(1..page_size),
        // Just about a page or two.
        4..7 => page_size * dice.random_range(1..=2) + dice.random_range(0..3) - 1,
        7..19 => dice.random_range(page_size..4 * page_size),
        _ => dice.random_range(80..200),
    }
}

fn standing(dice: &mut ChaCha8Rng, page_size: u32) -> Faults {
    let mut odd = Faults::default();
    let share = 0.15;
    match dice.random_range(0..12) {
        0 => odd.numeric_ids = share,
        1 => odd.nulls = share,
        2 => odd.unknown_type = share,
        3 => odd.bare = share / 3.0,
        _ => {}
    }
    odd.shuffle_ties = dice.random_bool(0.3);
    odd.limit_cap = dice
        .random_bool(0.2)
        .then(|| page_size as usize * 2 / 3 + dice.random_range(0..2));
    odd.hidden = if dice.random_bool(0.2) {
        dice.random_range(1..6)
    } else {
        0
    };
    odd.more_for_ever = dice.random_bool(0.1);
    odd
}

/// What goes wrong once in a while.
const PASSING: [Fault; 10] = [
    Fault::TooManyRequests,
    Fault::ServerError,
    Fault::BadGateway,
    Fault::Unavailable,
    Fault::GatewayTimeout,
    Fault::Html,
    Fault::Truncated,
    Fault::WrongLength,
    Fault::Reset,
    Fault::EmptyBody,
];

fn faults(dice: &mut ChaCha8Rng, standing: &Faults) -> Faults {
    let mut faults = standing.clone();
    faults.retry_after = *[RetryAfter::Missing, RetryAfter::Seconds, RetryAfter::Date]
        .choose(dice)
        .unwrap();
    faults.retry_after_secs = 0;
    match dice.random_range(0..10) {
        0..4 => {}
        4..8 => {
            for _ in 0..3 {
                let chance = Schedule::Chance(dice.random_range(0.01..0.1));
                let fault = *PASSING.choose(dice).unwrap();
                faults.answers.push((fault, chance));
            }
        }
        // More than is repeated: the conversation fails.
        8 => {
            let first = dice.random_range(1..30);
            let lasting = Schedule::Requests(first..=first + dice.random_range(2..12));
            faults
                .answers
                .push((*PASSING.choose(dice).unwrap(), lasting));
        }
        _ => {
            let chance = Schedule::Chance(0.05);
            let fault = *[Fault::Unauthorized, Fault::Redirect].choose(dice).unwrap();
            faults.answers.push((fault, chance));
        }
    }
    match dice.random_range(0..10) {
        0 => faults.repeat = Schedule::Chance(0.1),
        1 | 2 => faults.disorder = Schedule::Chance(0.3),
        _ => {}
    }
    match dice.random_range(0..12) {
        0 => faults.count = CountMode::Missing,
        1 => faults.count = CountMode::Lying,
        2 => faults.count = CountMode::Wobbling,
        3 => faults.hidden = dice.random_range(0..6),
        _ => {}
    }
    faults
}

/// A clock that is wrong for one run, or that of one of two backends.
fn wrong_dates(dice: &mut ChaCha8Rng, faults: &mut Faults) {
    let hour_ms = 3_600_000;
    match dice.random_range(0..10) {
        0 => faults.wrong_date = Schedule::always(),
        1 => faults.wrong_date = Schedule::Chance(0.5),
        _ => {}
    }
    faults.date_off_ms = *[hour_ms, -hour_ms, 9_600 * hour_ms, -9_600 * hour_ms]
        .choose(dice)
        .unwrap();
}

fn answers(dice: &mut ChaCha8Rng, conversations: usize) -> Vec<(usize, Answer)> {
    let mut answers = Vec::new();
    for conversation in 0..conversations {
        if dice.random_bool(0.08) {
            // Not `Answer::Empty`: nothing tells it from a conversation whose messages are gone.
            let answer = *[Answer::NotFound, Answer::Forbidden, Answer::BadRequest]
                .choose(dice)
                .unwrap();
            answers.push((conversation, answer));
        }
    }
    answers
}
