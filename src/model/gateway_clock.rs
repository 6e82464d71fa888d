//! The gateway's clock as far as its `Date` headers tell, and the order of a run's requests.
//!
//! Pure arithmetic on milliseconds, so that the client and the walk's simulation share it. Three
//! witnesses speak of the time of a request: the `Date` of its answer, those of the answers before
//! it, and this machine's clock. A `Date` that contradicts both others by more than λ decides
//! nothing.
//!
//! Invariants: a send time is later neither than this machine's clock nor than the gateway's, as
//! far as the believed `Date`s tell; `observed_at` never goes back from one request to the next,
//! whatever a `Date` says; a send time is never later than `observed_at`.

use std::time::Duration;

use super::Timestamp;

/// What a `Date` leaves open: whole seconds, rounded down.
const DATE_STEP_MS: i64 = 1000;

/// What a run knows of a gateway's clock. Moments count from one origin, on a clock of this
/// machine that nobody sets.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_field_names,
    reason = "each is a number of milliseconds, and says so"
)]
pub struct GatewayClock {
    /// By how much two clocks may differ: λ, and what a `Date` leaves open.
    tolerance_ms: i64,
    /// The gateway's clock at the origin was no earlier than this.
    bound_ms: Option<i64>,
    /// The time of a request in the order of requests, less its moment. Never lowered.
    order_ms: Option<i64>,
}

/// An answer, as far as its time goes.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// What [`GatewayClock::begin`] gave when the request was sent.
    pub begun: Option<Timestamp>,
    /// The moment when it was sent.
    pub sent_ms: i64,
    /// The moment when its headers had come.
    pub answered_ms: i64,
    /// This machine's clock when it was sent.
    pub local: Timestamp,
    /// Its `Date`.
    pub date: Option<Timestamp>,
}

/// When a page was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTime {
    /// T of walk.md: no later than the request was sent, on the gateway's clock.
    pub sent_at: Timestamp,
    /// The time of the request in the order of requests.
    pub observed_at: Timestamp,
    /// Whether its `Date` contradicts this machine's clock and that of the answers before it.
    pub has_wrong_date: bool,
}

impl RequestTime {
    /// This time, by every clock.
    pub const fn at(time: Timestamp) -> Self {
        Self {
            sent_at: time,
            observed_at: time,
            has_wrong_date: false,
        }
    }
}

impl GatewayClock {
    /// A clock of which nothing is known; `lag` is λ.
    pub fn new(lag: Duration) -> Self {
        let lag_ms = i64::try_from(lag.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            tolerance_ms: lag_ms.min(i64::MAX / 4) + DATE_STEP_MS,
            bound_ms: None,
            order_ms: None,
        }
    }

    /// The time of a request that is sent now, in the order of requests; `None` before the first
    /// answer.
    pub fn begin(&self, sent_ms: i64) -> Option<Timestamp> {
        self.order_ms
            .map(|order| Timestamp::from_millis(order + sent_ms))
    }

    /// Takes note of an answer; gives when its request was sent.
    pub fn answered(&mut self, answer: &Answered) -> RequestTime {
        let local_ms = answer.local.as_millis();
        let mut sent_at_ms = local_ms;
        let mut has_wrong_date = false;
        if let Some(date_ms) = answer.date.map(Timestamp::as_millis) {
            has_wrong_date = !self.believes(answer, date_ms);
            // One more for the part of a millisecond that is cut off.
            let by_date_ms = date_ms - answer.answered_ms - 1;
            if !has_wrong_date {
                self.learn(answer, date_ms, by_date_ms);
            }
            // Where nothing decides between the two, the earlier one claims less.
            let bound_ms = self.bound_ms.unwrap_or(by_date_ms);
            sent_at_ms = local_ms.min(bound_ms + answer.sent_ms);
        }
        let order_ms = sent_at_ms - answer.sent_ms;
        self.order_ms = Some(self.order_ms.map_or(order_ms, |order| order.max(order_ms)));
        let sent_at = Timestamp::from_millis(sent_at_ms);
        let observed_at = answer.begun.unwrap_or(sent_at);
        RequestTime {
            sent_at: sent_at.min(observed_at),
            observed_at,
            has_wrong_date,
        }
    }

    /// Whether another witness says the same as a `Date`.
    fn believes(&self, answer: &Answered, date_ms: i64) -> bool {
        let agrees = |at_sending_ms: i64| {
            let expected_ms = at_sending_ms + answer.answered_ms - answer.sent_ms;
            date_ms.saturating_sub(expected_ms).saturating_abs() <= self.tolerance_ms
        };
        agrees(answer.local.as_millis())
            || self
                .bound_ms
                .is_some_and(|bound| agrees(bound + answer.sent_ms))
    }

    /// Closes in on the clock. One that was set back is noticed by the first `Date` that the bound
    /// contradicts, and the bound begins again.
    fn learn(&mut self, answer: &Answered, date_ms: i64, by_date_ms: i64) {
        let is_later = |bound: &i64| bound + answer.sent_ms > date_ms + DATE_STEP_MS;
        let bound = self.bound_ms.filter(|bound| !is_later(bound));
        self.bound_ms = Some(bound.map_or(by_date_ms, |bound| bound.max(by_date_ms)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_mins(10);
    const HOUR_MS: i64 = 3_600_000;
    const TRUE_MS: i64 = 5_000_000_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A request that is answered at once, by a backend and on a machine that are so far ahead.
    fn ask(
        clock: &mut GatewayClock,
        moment: i64,
        date_ahead: i64,
        local_ahead: i64,
    ) -> RequestTime {
        let now = TRUE_MS + moment;
        clock.answered(&Answered {
            begun: clock.begin(moment),
            sent_ms: moment,
            answered_ms: moment,
            local: at(now + local_ahead),
            date: Some(at((now + date_ahead).div_euclid(1000) * 1000)),
        })
    }

    #[test]
    fn a_date_that_both_other_clocks_contradict_decides_nothing() {
        for wrong in [HOUR_MS, -HOUR_MS, 400 * 24 * HOUR_MS, -400 * 24 * HOUR_MS] {
            let mut clock = GatewayClock::new(LAG);
            assert!(!ask(&mut clock, 0, 0, 0).has_wrong_date);
            let time = ask(&mut clock, 1_500, wrong, 0);
            assert!(time.has_wrong_date, "{wrong}");
            let off = time.sent_at.as_millis() - (TRUE_MS + 1_500);
            assert!((-2_000..=0).contains(&off), "{wrong}: {off}");
            assert!(!ask(&mut clock, 3_000, 0, 0).has_wrong_date);
        }
    }

    #[test]
    fn without_a_third_witness_the_earlier_clock_counts() {
        for (date, local) in [(HOUR_MS, 0), (0, HOUR_MS), (-HOUR_MS, 0), (0, -HOUR_MS)] {
            let mut clock = GatewayClock::new(LAG);
            for moment in [0, 700, 1_400] {
                let time = ask(&mut clock, moment, date, local);
                assert!(time.has_wrong_date);
                let off = time.sent_at.as_millis() - (TRUE_MS + moment) - date.min(local);
                assert!((-2_000..=0).contains(&off), "{date} {local}: {off}");
            }
        }
    }

    #[test]
    fn the_order_of_requests_is_that_in_which_they_were_sent_whatever_the_dates() {
        let minutes = |number: i64| number * 60_000;
        for dates in [[0, 5, 0, 5, 0], [60, 0, 60, 0, 0], [0, -5, 5, -60, 5]] {
            let mut clock = GatewayClock::new(LAG);
            let mut last = at(0);
            for (number, ahead) in (0..).zip(dates) {
                let time = ask(&mut clock, number * 100, minutes(ahead), minutes(3));
                assert!(time.observed_at >= last, "{dates:?}, request {number}");
                assert!(time.sent_at <= time.observed_at);
                last = time.observed_at;
            }
        }
    }

    #[test]
    fn a_machine_whose_clock_is_set_in_the_middle_of_a_run_changes_nothing() {
        let mut clock = GatewayClock::new(LAG);
        ask(&mut clock, 0, 0, 0);
        let time = ask(&mut clock, 1_200, 0, HOUR_MS);
        assert!(!time.has_wrong_date);
        assert!(time.sent_at <= at(TRUE_MS + 1_200));
    }
}
