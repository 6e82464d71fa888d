//! How long to wait before a request is repeated, and when not to.
//!
//! Owns the numbers and the arithmetic, pure but for the jitter; the waiting is done by
//! [`super::limiter`], the reading of answers by [`super::answer`].

use std::time::Duration;

/// The waits between attempts. The default is what production uses; tests shorten it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The n-th back-off is a random time up to this, doubled n times (full jitter).
    pub backoff_base: Duration,
    /// No back-off is longer than this.
    pub backoff_max: Duration,
    /// How long everybody waits after the n-th 429 in a row that has no `Retry-After`; the last
    /// one repeats. The gateway's own limiter sends none, over a window of 30 min (facts.md 4.3).
    pub throttle_waits: Vec<Duration>,
    /// How long one request may wait in all because of 429s.
    pub throttle_wait_max: Duration,
    /// The pauses after a 401 while nothing has succeeded yet: the gateway answers 401 also when
    /// its own look-up of the token fails (facts.md 4.1).
    pub unauthorized_waits_first: Vec<Duration>,
    /// The pauses after a 401 once the token has worked.
    pub unauthorized_waits: Vec<Duration>,
    /// Each 429 and 503 halves the rate; it grows back linearly, from nothing to all of it in this
    /// time, so from the half in half of it.
    pub recovery: Duration,
    /// How long the gateway may give no answer at all before it is unreachable; until then a
    /// request that got none is sent again, whatever the number of its retries. `None`: each
    /// request stands for itself, and no silence is the gateway's.
    pub give_up_after: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let seconds = |all: &[u64]| all.iter().copied().map(Duration::from_secs).collect();
        Self {
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            throttle_waits: seconds(&[60, 120, 240, 480, 900]),
            throttle_wait_max: Duration::from_mins(35),
            unauthorized_waits_first: seconds(&[1, 1]),
            unauthorized_waits: seconds(&[2, 5, 10, 20]),
            recovery: Duration::from_mins(5),
            give_up_after: Some(Duration::from_mins(5)),
        }
    }
}

impl RetryPolicy {
    /// The longest the `n`-th back-off (from 0) can be.
    fn backoff_ceiling(&self, n: usize) -> Duration {
        let doubled = u32::try_from(n).ok().and_then(|n| 2_u32.checked_pow(n));
        self.backoff_base
            .saturating_mul(doubled.unwrap_or(u32::MAX))
            .min(self.backoff_max)
    }

    /// The `n`-th back-off, from 0: anything up to its ceiling.
    pub(super) fn backoff(&self, n: usize) -> Duration {
        rand::random_range(Duration::ZERO..=self.backoff_ceiling(n))
    }

    /// How long everybody waits after the gateway was asked in vain for the `n`-th time, from 0;
    /// `asked` is what a proxy before it asks for.
    pub(super) fn silence_wait(&self, n: usize, asked: Option<Duration>) -> Duration {
        self.backoff_ceiling(n).max(asked.unwrap_or_default())
    }

    /// How long to wait after the `n`-th 429 in a row, from 0, which asked for `asked`, if the
    /// request may still wait for `patience`; `None` if it may not wait that long.
    ///
    /// A gateway that asks for no time at all, again and again, gets the back-off's ceiling.
    pub(super) fn throttle_wait(
        &self,
        n: usize,
        asked: Option<Duration>,
        patience: Duration,
    ) -> Option<Duration> {
        if let Some(asked) = asked {
            return Some(asked.max(self.backoff_ceiling(n))).filter(|wait| *wait <= patience);
        }
        let wait = self
            .throttle_waits
            .get(n)
            .or(self.throttle_waits.last())
            .copied();
        let wait = wait.unwrap_or(self.backoff_max).min(patience);
        Some(wait).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn back_off_doubles_up_to_its_cap_and_jitter_stays_below() {
        let policy = RetryPolicy::default();
        let ceilings: Vec<_> = (0..8)
            .map(|n| policy.backoff_ceiling(n).as_millis())
            .collect();
        assert_eq!(
            ceilings,
            [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
        assert_eq!(policy.backoff_ceiling(usize::MAX), secs(30));
        for n in 0..200 {
            assert!(policy.backoff(n) <= policy.backoff_ceiling(n));
        }
    }

    #[test]
    fn waits_for_a_429_without_retry_after_sum_up_to_35_minutes_and_no_more() {
        let policy = RetryPolicy::default();
        let mut patience = policy.throttle_wait_max;
        let mut waits = Vec::new();
        while let Some(wait) = policy.throttle_wait(waits.len(), None, patience) {
            patience -= wait;
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 300]);
        assert_eq!(patience, Duration::ZERO);
    }

    #[test]
    fn retry_after_is_kept_unless_it_is_longer_than_the_patience() {
        let policy = RetryPolicy::default();
        let wait = |n, asked, patience| policy.throttle_wait(n, Some(secs(asked)), secs(patience));
        assert_eq!(wait(0, 90, 2_100), Some(secs(90)));
        assert_eq!(wait(0, 2_100, 2_100), Some(secs(2_100)));
        assert_eq!(wait(0, 2_101, 2_100), None);
        assert_eq!(wait(0, u64::MAX, 2_100), None);
        assert_eq!(
            wait(9, 0, 2_100),
            Some(secs(30)),
            "asking for nothing is no way to spin"
        );
    }
}
