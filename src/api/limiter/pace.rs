//! How fast the rate's clock runs: at full speed, or slower for a while after a refusal.
//!
//! The rate itself never changes. Its clock is slowed in place of it: at half the speed a request
//! is granted half as often, and the burst stays what it was. From a refusal on the speed grows
//! linearly until it is whole again. Pure: real time comes in as nanoseconds since an epoch.

use std::time::Duration;

/// After any number of refusals requests are still sent this often, in parts of the rate.
const SLOWEST: f64 = 1.0 / 32.0;
/// ... and at least as often as this, where the rate itself is not slower.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The clock of the rate, as a function of real time.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// When the last refusal was, in real time.
    slowed_ns: u64,
    /// What the clock showed then.
    shown_ns: u64,
    /// The speed from then on: 1 is full.
    share: f64,
    /// In which time the speed grows from nothing to full.
    recovery_ns: f64,
    /// How long after the refusal the speed is full again, and what the clock has gained by then.
    healed_ns: u64,
    gained_ns: u64,
    /// No speed is less.
    slowest: f64,
}

impl Pace {
    /// At full speed; `each` is the time between two requests at the whole rate.
    pub(super) fn new(each: Duration) -> Self {
        Self {
            slowed_ns: 0,
            shown_ns: 0,
            share: 1.0,
            recovery_ns: 0.0,
            healed_ns: 0,
            gained_ns: 0,
            slowest: (each.as_secs_f64() / PAUSE_MAX.as_secs_f64()).clamp(SLOWEST, 1.0),
        }
    }

    /// Halves the speed, now; it will have grown back to all of it after at most `recovery`.
    pub(super) fn halve(&mut self, now_ns: u64, recovery: Duration) {
        let shown_ns = self.shows(now_ns);
        let share = (self.share(now_ns) / 2.0).max(self.slowest);
        let recovery_ns = nanos(recovery);
        *self = Self {
            slowed_ns: now_ns,
            shown_ns,
            share,
            recovery_ns,
            healed_ns: whole((1.0 - share) * recovery_ns),
            gained_ns: whole((1.0 - share * share) / 2.0 * recovery_ns),
            slowest: self.slowest,
        };
    }

    /// Begins to grow only then, with the speed of now.
    pub(super) fn hold(&mut self, then_ns: u64, now_ns: u64) {
        let (share, recovery_ns) = (self.share(now_ns), self.recovery_ns);
        if then_ns <= self.slowed_ns || share >= 1.0 {
            return;
        }
        *self = Self {
            slowed_ns: then_ns,
            shown_ns: self.shows(then_ns),
            share,
            recovery_ns,
            healed_ns: whole((1.0 - share) * recovery_ns),
            gained_ns: whole((1.0 - share * share) / 2.0 * recovery_ns),
            slowest: self.slowest,
        };
    }

    /// The speed: 1 is full.
    pub(super) fn share(&self, now_ns: u64) -> f64 {
        let since_ns = now_ns.saturating_sub(self.slowed_ns);
        if since_ns >= self.healed_ns {
            return 1.0;
        }
        self.share + real(since_ns) / self.recovery_ns
    }

    /// What the clock shows; it never goes back.
    pub(super) fn shows(&self, now_ns: u64) -> u64 {
        let since_ns = now_ns.saturating_sub(self.slowed_ns);
        let gained_ns = if since_ns >= self.healed_ns {
            self.gained_ns.saturating_add(since_ns - self.healed_ns)
        } else {
            let since = real(since_ns);
            whole(self.share * since + since * since / (2.0 * self.recovery_ns)).min(self.gained_ns)
        };
        self.shown_ns.saturating_add(gained_ns)
    }

    /// When the clock will show a time, in real time; not before it does.
    pub(super) fn when_shown(&self, shown_ns: u64) -> u64 {
        let gain_ns = shown_ns.saturating_sub(self.shown_ns);
        let since_ns = if gain_ns >= self.gained_ns {
            self.healed_ns.saturating_add(gain_ns - self.gained_ns)
        } else {
            // The positive root of share * t + t * t / (2 * recovery) = gain.
            let root = (self.share * self.share + 2.0 * real(gain_ns) / self.recovery_ns).sqrt();
            whole(((root - self.share) * self.recovery_ns).ceil())
        };
        self.slowed_ns.saturating_add(since_ns)
    }
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[expect(
    clippy::cast_precision_loss,
    reason = "up to a hundred days a nanosecond is exact"
)]
const fn real(ns: u64) -> f64 {
    ns as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and held at the largest"
)]
const fn whole(ns: f64) -> u64 {
    ns as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn pace() -> Pace {
        Pace::new(Duration::from_millis(10))
    }

    fn is_near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-6
    }

    #[test]
    fn at_full_speed_the_clock_is_the_real_one() {
        let pace = pace();
        for now_ns in [0, 1, SECOND, u64::MAX] {
            assert_eq!(pace.shows(now_ns), now_ns);
            assert_eq!(pace.when_shown(now_ns), now_ns);
            assert!(is_near(pace.share(now_ns), 1.0));
        }
    }

    #[test]
    fn a_refusal_halves_and_the_speed_grows_linearly() {
        let mut pace = pace();
        pace.halve(10 * SECOND, Duration::from_secs(100));
        for (at_s, share) in [(10, 0.5), (35, 0.75), (60, 1.0), (600, 1.0)] {
            assert!(is_near(pace.share(at_s * SECOND), share), "{at_s}");
        }
        // Three quarters of the real time on the way back, all of it afterwards.
        assert_eq!(pace.shows(60 * SECOND), (10 * SECOND) + 37_500_000_000);
        assert_eq!(pace.shows(70 * SECOND), (20 * SECOND) + 37_500_000_000);
        pace.halve(35 * SECOND, Duration::from_secs(100));
        assert!(is_near(pace.share(35 * SECOND), 0.375));
    }

    #[test]
    fn it_is_never_slower_than_a_32nd_nor_than_a_request_each_ten_seconds() {
        for (each, slowest) in [
            (Duration::from_millis(10), SLOWEST),
            (Duration::from_secs(1), 0.1),
            (Duration::from_secs(18), 1.0),
        ] {
            let mut pace = Pace::new(each);
            for _ in 0..20 {
                pace.halve(SECOND, Duration::from_secs(100));
            }
            assert!(is_near(pace.share(SECOND), slowest), "{each:?}");
        }
    }

    proptest! {
        #[test]
        fn the_clock_never_goes_back_and_a_wait_is_never_too_short(
            refusals in proptest::collection::vec((0..200 * SECOND, 1_u64..400), 0..8),
            steps in proptest::collection::vec(0..30 * SECOND, 1..40),
        ) {
            let mut refusals = refusals;
            refusals.sort_unstable();
            let (mut pace, mut now_ns, mut shown_ns) = (pace(), 0, 0);
            for step_ns in steps {
                now_ns += step_ns;
                while refusals.first().is_some_and(|(at_ns, _)| *at_ns <= now_ns) {
                    let (at_ns, recovery_s) = refusals.remove(0);
                    pace.halve(at_ns.max(now_ns - step_ns), Duration::from_secs(recovery_s));
                }
                let shows_ns = pace.shows(now_ns);
                prop_assert!(shows_ns >= shown_ns);
                prop_assert!(shows_ns - shown_ns <= step_ns + 2);
                shown_ns = shows_ns;
                let wanted_ns = shown_ns + step_ns / 3 + 1;
                let then_ns = pace.when_shown(wanted_ns);
                prop_assert!(then_ns > now_ns || wanted_ns <= shown_ns);
                prop_assert!(pace.shows(then_ns + 2) >= wanted_ns);
                prop_assert!(pace.shows(then_ns.saturating_sub(1_000)) <= wanted_ns);
            }
        }
    }
}
