//! The gateway's clock as far as its `Date` headers tell: a lower bound, as walk.md's T asks.
//!
//! One `Date` is a whole second, rounded down, of some moment before the headers arrived. Over
//! many answers the bound closes in on the clock to within the network's delay, so that pages
//! sent one after another have send times one after another.
//!
//! Invariant: a send time is never later than the gateway's clock was at that moment, as long as
//! that clock runs on; one that was set back is noticed by the first `Date` that it contradicts,
//! and the bound begins anew.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::model::Timestamp;

/// What a `Date` leaves open: whole seconds.
const DATE_STEP_MS: i64 = 1000;

/// A lower bound of a gateway's clock.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// What local moments are counted from.
    origin: Instant,
    /// The gateway's clock at `origin` was no earlier than this, in milliseconds.
    at_origin_ms: Mutex<Option<i64>>,
}

impl ServerClock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            at_origin_ms: Mutex::new(None),
        }
    }

    /// When a request was sent at the latest, on the gateway's clock, given the `Date` of its
    /// answer and the moments when it was sent and when the headers had come.
    pub(super) fn sent_at(&self, date: Timestamp, sent: Instant, answered: Instant) -> Timestamp {
        let sent_ms = self.elapsed_ms(sent);
        // One more for the part of a millisecond that is cut off.
        let by_date = date.as_millis() - self.elapsed_ms(answered) - 1;
        let mut bound = self
            .at_origin_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let contradicted =
            bound.is_some_and(|bound| bound + sent_ms > date.as_millis() + DATE_STEP_MS);
        let now = match *bound {
            Some(bound) if !contradicted => bound.max(by_date),
            _ => by_date,
        };
        *bound = Some(now);
        Timestamp::from_millis(now + sent_ms)
    }

    fn elapsed_ms(&self, moment: Instant) -> i64 {
        let elapsed = moment.saturating_duration_since(self.origin);
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A gateway whose clock shows `true_ms` when the origin's does 0; `Date` cuts off.
    fn date(true_ms: i64) -> Timestamp {
        Timestamp::from_millis(true_ms.div_euclid(1000) * 1000)
    }

    #[test]
    fn send_times_are_never_late_and_close_in_on_the_clock() {
        let clock = ServerClock::new();
        let at = |ms: i64| clock.origin + Duration::from_millis(ms.unsigned_abs());
        let mut last = Timestamp::from_millis(0);
        for request in 0..60_i64 {
            let sent_ms = request * 37;
            let server_ms = 5_000_123 + sent_ms + 4;
            let sent_at = clock.sent_at(date(server_ms), at(sent_ms), at(sent_ms + 9));
            assert!(
                sent_at.as_millis() <= 5_000_123 + sent_ms,
                "request {request} is late"
            );
            assert!(
                sent_at > last,
                "request {request} is not after the one before"
            );
            last = sent_at;
        }
        let behind = 5_000_123 + 59 * 37 - last.as_millis();
        assert!(behind < 60, "{behind} ms behind after two seconds");
    }

    #[test]
    fn a_clock_that_was_set_back_is_believed_at_once() {
        let clock = ServerClock::new();
        let at = |ms: u64| clock.origin + Duration::from_millis(ms);
        clock.sent_at(date(100_000), at(0), at(5));
        let sent_at = clock.sent_at(date(40_000), at(100), at(110));
        assert!(sent_at.as_millis() <= 40_000);
    }
}
