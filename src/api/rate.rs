//! The limit of requests over time as a person writes it: `5/s`, `100/30m`.
//!
//! Owns the form alone; [`super::limiter`] keeps to it.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// How many requests in how much time: `5/s`, `100/30m`, `2.5/s` is refused (say `5/2s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in each [`Rate::per`].
    pub requests: NonZeroU32,
    /// The time they are spread over.
    pub per: Duration,
}

const FORM: &str = "a rate is REQUESTS/TIME, such as 5/s, 5/2s, 100/30m, 6000/min or 10/500ms";

/// A rate slower than this is more likely a slip of the pen.
const PER_MAX: Duration = Duration::from_hours(24);

/// The unit names that are read, and their length in milliseconds; the first that divides is
/// the one written.
const UNITS: [(&str, u64); 5] = [
    ("h", 3_600_000),
    ("m", 60_000),
    ("min", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: &str| format!("{:?}: {why}; {FORM}", text.trim());
        let (requests, per) = text
            .split_once('/')
            .ok_or_else(|| refused("there is no `/`"))?;
        let requests =
            whole(requests).ok_or_else(|| refused("the requests are not a whole number"))?;
        let requests = u32::try_from(requests)
            .ok()
            .and_then(NonZeroU32::new)
            .ok_or_else(|| refused("the requests must be from 1 to 4294967295"))?;
        let per = per.trim();
        let unit_at = per.find(|c: char| !c.is_ascii_digit()).unwrap_or(per.len());
        let (count, unit) = per.split_at(unit_at);
        let count = if count.is_empty() {
            Some(1)
        } else {
            whole(count)
        };
        let count = count
            .filter(|&count| count > 0)
            .ok_or_else(|| refused("the time is not a whole number above 0"))?;
        let (_, unit_ms) = UNITS
            .into_iter()
            .find(|(name, _)| *name == unit.trim())
            .ok_or_else(|| refused("the unit of time is one of ms, s, m, min, h"))?;
        let per = count
            .checked_mul(unit_ms)
            .map(Duration::from_millis)
            .filter(|per| *per <= PER_MAX)
            .ok_or_else(|| refused("the time is at most 24h"))?;
        Ok(Self { requests, per })
    }
}

/// The burst is what the rate gives in this time, at least 1.
const BURST_WINDOW: Duration = Duration::from_millis(20);

impl Rate {
    /// The time between two requests, in whole nanoseconds, rounded up; at least one.
    pub(super) fn each(self) -> Duration {
        let each_ns = self.per.as_nanos().div_ceil(self.requests.get().into());
        Duration::from_nanos(u64::try_from(each_ns.max(1)).unwrap_or(u64::MAX))
    }

    /// How many requests may be sent at once after a pause.
    pub(super) fn burst(self) -> NonZeroU32 {
        let burst = BURST_WINDOW.as_nanos() / self.each().as_nanos();
        let burst = u32::try_from(burst).unwrap_or(u32::MAX);
        NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)
    }

    /// The least time in which so many requests can be sent, from nothing.
    pub fn least_time(self, requests: u64) -> Duration {
        let waiting = requests.saturating_sub(self.burst().get().into());
        let ns = self.each().as_nanos().saturating_mul(waiting.into());
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// The most requests that can be sent in so long a time, from nothing.
    pub fn most_requests(self, time: Duration) -> u64 {
        let waited = u64::try_from(time.as_nanos() / self.each().as_nanos()).unwrap_or(u64::MAX);
        waited.saturating_add(self.burst().get().into())
    }
}

fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

impl fmt::Display for Rate {
    /// The shortest form that reads back as the same rate; whole milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.per.as_millis()).unwrap_or(u64::MAX);
        let (unit, unit_ms) = UNITS
            .into_iter()
            .find(|(_, unit_ms)| ms > 0 && ms.is_multiple_of(*unit_ms))
            .unwrap_or(("ms", 1));
        match ms / unit_ms {
            1 => write!(f, "{}/{unit}", self.requests),
            count => write!(f, "{}/{count}{unit}", self.requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32, per_ms: u64) -> Rate {
        Rate {
            requests: NonZeroU32::new(requests).unwrap(),
            per: Duration::from_millis(per_ms),
        }
    }

    #[test]
    fn the_documented_forms_are_read_and_written_back() {
        for (text, requests, per_ms, written) in [
            ("5/s", 5, 1_000, "5/s"),
            ("100/30m", 100, 1_800_000, "100/30m"),
            ("10/2s", 10, 2_000, "10/2s"),
            ("6000/min", 6_000, 60_000, "6000/m"),
            ("1/h", 1, 3_600_000, "1/h"),
            ("60/90m", 60, 5_400_000, "60/90m"),
            ("10/500ms", 10, 500, "10/500ms"),
            ("100000/s", 100_000, 1_000, "100000/s"),
            (" 5 / 2 s\n", 5, 2_000, "5/2s"),
            ("5/1s", 5, 1_000, "5/s"),
        ] {
            let read: Rate = text.parse().unwrap();
            assert_eq!(read, rate(requests, per_ms), "{text:?}");
            assert_eq!(read.to_string(), written);
            assert_eq!(written.parse(), Ok(read));
        }
    }

    #[test]
    fn a_number_of_requests_takes_its_time_after_the_burst() {
        for (text, requests, ms) in [
            ("5/s", 0, 0),
            ("5/s", 1, 0),
            ("5/s", 11, 2_000),
            ("100/30m", 101, 1_800_000),
            ("1000/s", 1_020, 1_000),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                rate.least_time(requests),
                Duration::from_millis(ms),
                "{text}"
            );
        }
        let rate: Rate = "5/s".parse().unwrap();
        assert_eq!(rate.most_requests(Duration::from_secs(2)), 11);
        assert_eq!(rate.most_requests(Duration::from_millis(1_999)), 10);
    }

    #[test]
    fn anything_else_is_refused_with_the_form_that_is_right() {
        for text in [
            "",
            "5",
            "/",
            "5/",
            "/s",
            "0/s",
            "5/0s",
            "2.5/s",
            "-1/s",
            "+5/s",
            "5/d",
            "5/s/s",
            "4294967296/s",
            "5/25h",
            "5/99999999999999999999s",
            "5/1.5s",
            "five/s",
            "5/S",
        ] {
            let error = text.parse::<Rate>().unwrap_err();
            assert!(error.contains("100/30m"), "{text:?}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_rate_of_whole_milliseconds_reads_back(requests in 1u32.., per_ms in 1u64..=86_400_000) {
            let rate = rate(requests, per_ms);
            proptest::prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }
}
