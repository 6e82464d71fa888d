//! The gateway's clock as far as its `Date` headers tell: a lower bound, as walk.md's T asks.
//!
//! One `Date` is a whole second, rounded down, of some moment before the headers arrived. Over
//! many answers the bound closes in on the clock to within the network's delay, so that pages
//! sent one after another have send times one after another. [`GatewayClock`] says which of them
//! is believed; this counts the moments that it goes by.
//!
//! Invariant: a send time is never later than the gateway's clock was at that moment, as long as
//! that clock runs on; one that was set back is noticed by the first `Date` that it contradicts,
//! and the bound begins again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{Answered, GatewayClock, RequestTime, Timestamp};

/// What is known of a gateway's clock, by the moments of this process.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// What local moments are counted from.
    origin: Instant,
    known: Mutex<GatewayClock>,
}

/// A request that is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    sent: Instant,
    observed_at: Option<Timestamp>,
}

impl Begun {
    /// How long ago it was sent.
    pub(super) fn elapsed(&self) -> Duration {
        self.sent.elapsed()
    }
}

impl ServerClock {
    /// A clock of which nothing is known; `lag` is λ.
    pub(super) fn new(lag: Duration) -> Self {
        Self {
            origin: Instant::now(),
            known: Mutex::new(GatewayClock::new(lag)),
        }
    }

    /// Notes that a request is sent at this moment.
    pub(super) fn begin(&self, sent: Instant) -> Begun {
        let observed_at = self.lock().begin(self.elapsed_ms(sent));
        Begun { sent, observed_at }
    }

    /// When a request was sent, given the `Date` of its answer, the moment when the headers had
    /// come, and this machine's clock when it was sent.
    pub(super) fn answered(
        &self,
        begun: Begun,
        date: Option<Timestamp>,
        answered: Instant,
        local: Timestamp,
    ) -> RequestTime {
        self.lock().answered(&Answered {
            begun: begun.observed_at,
            sent_ms: self.elapsed_ms(begun.sent),
            answered_ms: self.elapsed_ms(answered),
            local,
            date,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, GatewayClock> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self, moment: Instant) -> i64 {
        let elapsed = moment.saturating_duration_since(self.origin);
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_mins(10);

    /// When a request was sent, on a machine whose clock is right.
    fn sent_at(
        clock: &ServerClock,
        date: Timestamp,
        (sent, answered): (Instant, Instant),
        local_ms: i64,
    ) -> Timestamp {
        let begun = clock.begin(sent);
        let local = Timestamp::from_millis(local_ms);
        let time = clock.answered(begun, Some(date), answered, local);
        assert!(!time.has_wrong_date);
        time.sent_at
    }

    /// A gateway whose clock shows `true_ms` when the origin's does 0; `Date` cuts off.
    fn date(true_ms: i64) -> Timestamp {
        Timestamp::from_millis(true_ms.div_euclid(1000) * 1000)
    }

    #[test]
    fn send_times_are_never_late_and_close_in_on_the_clock() {
        let clock = ServerClock::new(LAG);
        let at = |ms: i64| clock.origin + Duration::from_millis(ms.unsigned_abs());
        let mut last = Timestamp::from_millis(0);
        for request in 0..60_i64 {
            let sent_ms = request * 37;
            let server_ms = 5_000_123 + sent_ms + 4;
            let sent_at = sent_at(
                &clock,
                date(server_ms),
                (at(sent_ms), at(sent_ms + 9)),
                5_000_123 + sent_ms,
            );
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
        let clock = ServerClock::new(LAG);
        let at = |ms: u64| clock.origin + Duration::from_millis(ms);
        sent_at(&clock, date(100_000), (at(0), at(5)), 100_000);
        let sent_at = sent_at(&clock, date(40_000), (at(100), at(110)), 100_100);
        assert!(sent_at.as_millis() <= 40_000);
    }
}
