//! What goes wrong: each fault of safety.md as a switch.
//!
//! Three kinds. A [`Fault`] spoils one answer and is drawn from (seed, conversation, n-th request
//! of it); so are repeated and disordered rows. Standing traits hold for every answer (a capped
//! limit, a count that lies). Odd rows are drawn for a message, so that it looks the same each
//! time. The default: nothing goes wrong.

mod spec;

use std::time::Duration;

use super::{
    corpus::RowOddities,
    dice::{Dice, Purpose},
    schedule::{Occasion, Schedule},
};

/// What can go wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// 429, with `Retry-After` as [`Faults::retry_after`] says.
    TooManyRequests,
    /// 401, as when the gateway's own token look-up fails.
    Unauthorized,
    /// 500 with plain text.
    ServerError,
    /// 502 with nginx's HTML page.
    BadGateway,
    /// 503 with the backend's JSON.
    Unavailable,
    /// 504 with the proxy's plain text.
    GatewayTimeout,
    /// 200 with an HTML page.
    Html,
    /// 200 with JSON that ends in the middle; the length is right.
    Truncated,
    /// 200 with a `Content-Length` that is too large or too small.
    WrongLength,
    /// The connection is reset in the middle of the body.
    Reset,
    /// A byte of the body every [`Faults::byte_every`].
    Slow,
    /// A redirect to the same host.
    Redirect,
    /// A redirect to [`Faults::redirect_to`], another host.
    RedirectAway,
    /// 200 with a small gzip body that unfolds to [`Faults::bomb_bytes`].
    Bomb,
    /// 200 with no body at all.
    EmptyBody,
}

/// Whether and how a 429 says when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryAfter {
    /// `Retry-After: 2`
    #[default]
    Seconds,
    /// `Retry-After: Wed, 21 Oct 2026 07:28:00 GMT`
    Date,
    /// No such header, as express-rate-limit is configured at the vendor's.
    Missing,
}

/// How `count` behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CountMode {
    /// The number of messages listed, and those that are hidden.
    #[default]
    Honest,
    /// There is none.
    Missing,
    /// A number that has nothing to do with the conversation's length.
    Lying,
    /// Up to [`Faults::drift`] too many or too few in half of the answers.
    Wobbling,
    /// Up to [`Faults::drift`] too few, more in one answer than in another.
    Lagging,
}

/// Everything that goes wrong. The default: nothing, at no latency.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and any of them go together"
)]
pub struct Faults {
    /// What spoils an answer, and when; the first that strikes does.
    pub answers: Vec<(Fault, Schedule)>,
    /// What spoils every answer, that of the health route too: nobody is there.
    pub down: Option<Fault>,
    /// A row of the page is repeated.
    pub repeat: Schedule,
    /// Two rows of the page of different times are exchanged.
    pub disorder: Schedule,
    /// Rows of equal time come in an order that changes from request to request.
    pub shuffle_ties: bool,
    /// `has_more` is always true.
    pub more_for_ever: bool,
    /// Past its end the conversation begins again.
    pub endless: bool,
    /// No page has more rows, whatever `limit` asks for.
    pub limit_cap: Option<usize>,
    /// How `count` behaves.
    pub count: CountMode,
    /// How far a count that wobbles or lags is off at most.
    pub drift: u32,
    /// Messages that are counted and never listed (walk.md's b).
    pub hidden: u32,
    /// The same as a share of what is listed: half to one and a half of it in nine conversations
    /// of ten, none in the tenth.
    pub hidden_share: f64,
    /// A result window: nothing is listed from this rank on, and `count` knows no such thing.
    pub window: Option<usize>,
    /// A page ends before its body exceeds so many bytes, though not before its first row.
    pub page_bytes: Option<usize>,
    /// Every page is the first one.
    pub skip_ignored: bool,
    /// A page that holds this message of the corpus (0 is the oldest) is spoilt in this way.
    pub poison: Option<(u32, Fault)>,
    /// Share of messages that only one of two backends holds; they answer in turn.
    pub split: f64,
    /// Share of messages whose ids are numbers.
    pub numeric_ids: f64,
    /// Share of messages in which all is null but `_id`, `conversation_id` and `created_at`.
    pub nulls: f64,
    /// Share of messages without an id and without times.
    pub bare: f64,
    /// Share of messages of a type that nobody knows.
    pub unknown_type: f64,
    /// Answers whose `Date` is of another clock: always, that of one run; by chance, that of one of
    /// the backends behind a balancer.
    pub wrong_date: Schedule,
    /// How far ahead that clock is; less than 0: behind.
    pub date_off_ms: i64,
    /// How long each answer takes at least.
    pub latency: Duration,
    /// How much longer it takes at most.
    pub jitter: Duration,
    /// Whether and how a 429 says when to come again.
    pub retry_after: RetryAfter,
    /// What a drawn 429 asks to wait, in whole seconds.
    pub retry_after_secs: u64,
    /// The pace of a slow body.
    pub byte_every: Duration,
    /// Where [`Fault::RedirectAway`] sends the client, without a path.
    pub redirect_to: String,
    /// What [`Fault::Bomb`] unfolds to.
    pub bomb_bytes: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            answers: Vec::new(),
            down: None,
            repeat: Schedule::Chance(0.0),
            disorder: Schedule::Chance(0.0),
            shuffle_ties: false,
            more_for_ever: false,
            endless: false,
            limit_cap: None,
            count: CountMode::Honest,
            drift: 1,
            hidden: 0,
            hidden_share: 0.0,
            window: None,
            page_bytes: None,
            skip_ignored: false,
            poison: None,
            split: 0.0,
            numeric_ids: 0.0,
            nulls: 0.0,
            bare: 0.0,
            unknown_type: 0.0,
            wrong_date: Schedule::Chance(0.0),
            date_off_ms: 3_600_000,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            retry_after: RetryAfter::Seconds,
            retry_after_secs: 1,
            byte_every: Duration::from_secs(1),
            redirect_to: "http://gateway.invalid".to_owned(),
            bomb_bytes: 64 << 20,
        }
    }
}

impl Faults {
    /// These faults and one more.
    #[must_use]
    pub fn with(mut self, fault: Fault, schedule: Schedule) -> Self {
        self.answers.push((fault, schedule));
        self
    }

    /// What spoils the answer to this request.
    pub(super) fn strike(&self, seed: u64, at: Occasion) -> Option<Fault> {
        let struck = self
            .answers
            .iter()
            .find(|(fault, schedule)| schedule.strikes(seed, Purpose::Fault, *fault as u64, at));
        struck.map(|&(fault, _)| fault)
    }

    /// A stream for what a fault leaves open, such as where to cut.
    pub(super) fn dice(seed: u64, at: Occasion) -> Dice {
        let key = [at.conversation << 8 | 0xFF, at.request];
        Dice::new(seed, Purpose::Fault, key)
    }

    /// Repeats or exchanges rows of a page. `time` tells the time of a row.
    pub(super) fn spoil_rows<T: Copy>(
        &self,
        seed: u64,
        at: Occasion,
        limit: usize,
        rows: &mut Vec<T>,
        mut time: impl FnMut(T) -> i64,
    ) {
        let mut dice = Self::dice(seed, at);
        if !rows.is_empty() && self.repeat.strikes(seed, Purpose::Fault, 0xF0, at) {
            let place = dice.index(rows.len());
            rows.insert(place, rows[place]);
            rows.truncate(limit.max(2));
        }
        if self.disorder.strikes(seed, Purpose::Fault, 0xF1, at) {
            let first = dice.index(rows.len());
            let later = (first + 1..rows.len()).chain(0..first);
            let other = later.into_iter().find(|&other| {
                // Only rows of different times can be out of order.
                time(rows[other]) != time(rows[first])
            });
            if let Some(other) = other {
                rows.swap(first, other);
            }
        }
    }

    /// `count` of an answer about a conversation of `listed` messages; `None`: no such key.
    pub(super) fn count(&self, seed: u64, at: Occasion, listed: usize) -> Option<u64> {
        let hidden = u64::from(self.hidden) + self.hidden_share_of(seed, at.conversation, listed);
        let honest = listed as u64 + hidden;
        let drift = u64::from(self.drift);
        let key = [at.conversation, at.request];
        let mut dice = Dice::new(seed, Purpose::Count, key);
        match self.count {
            CountMode::Honest => Some(honest),
            CountMode::Missing => None,
            CountMode::Lying => Some(honest * 2 + 7),
            CountMode::Wobbling => {
                let sign = dice.below(4);
                let off = 1 + dice.below(drift);
                Some(match sign {
                    0 => honest + off,
                    1 => honest.saturating_sub(off),
                    _ => honest,
                })
            }
            CountMode::Lagging => Some(honest.saturating_sub(dice.below(drift + 1))),
        }
    }

    /// The time that `Date` tells, where it is `now_ms`.
    pub(super) fn date_ms(&self, seed: u64, at: Occasion, now_ms: i64) -> i64 {
        if self.wrong_date.strikes(seed, Purpose::Fault, 0xF2, at) {
            now_ms.saturating_add(self.date_off_ms)
        } else {
            now_ms
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length"
    )]
    fn hidden_share_of(&self, seed: u64, conversation: u64, listed: usize) -> u64 {
        let mut dice = Dice::new(seed, Purpose::Hidden, [conversation, 0]);
        if dice.percent(10) {
            return 0;
        }
        let percent = dice.between(50, 150) as f64;
        (listed as f64 * self.hidden_share * percent / 100.0) as u64
    }

    /// Whether one of two backends holds a message, `half` being the one that answers.
    pub(super) fn is_held(&self, seed: u64, conversation: u64, message: u64, half: u64) -> bool {
        let mut dice = Dice::new(seed, Purpose::Split, [conversation, message]);
        !dice.chance(self.split) || dice.below(2) == half
    }

    /// How long the answer to this request takes.
    pub(super) fn delay(&self, seed: u64, at: Occasion) -> Duration {
        let key = [at.conversation, at.request];
        let jitter_us = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX - 1);
        let drawn_us = Dice::new(seed, Purpose::Latency, key).below(jitter_us + 1);
        self.latency + Duration::from_micros(drawn_us)
    }

    pub(super) const fn row_oddities(&self) -> RowOddities {
        RowOddities {
            numeric_ids: self.numeric_ids,
            nulls: self.nulls,
            bare: self.bare,
            unknown_type: self.unknown_type,
        }
    }
}
