//! The gateway's own rate limit: a token bucket.

use std::{str::FromStr, time::Duration};

use tokio::time::Instant;

use crate::simulator::{RetryAfter, SpecError, schedule::duration};

/// So many requests in a window, all of which may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub requests: u32,
    /// In which time.
    pub window: Duration,
    /// Whether and how a 429 says when to come again.
    pub retry_after: RetryAfter,
}

impl FromStr for RateLimit {
    type Err = SpecError;

    /// Reads `5/s` or `100/30m`; a 429 then has `Retry-After` in seconds.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError(format!("`{text}` is not a rate such as 5/s or 100/30m"));
        let (requests, window) = text.split_once('/').ok_or_else(wrong)?;
        let window = match window {
            "s" | "m" | "h" => duration(&format!("1{window}")),
            _ => duration(window),
        };
        let requests = requests.parse().ok().filter(|&requests| requests > 0);
        let window = window.ok().filter(|window| !window.is_zero());
        match (requests, window) {
            (Some(requests), Some(window)) => Ok(Self {
                requests,
                window,
                retry_after: RetryAfter::default(),
            }),
            _ => Err(wrong()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    limit: RateLimit,
    tokens: f64,
    filled: Option<Instant>,
}

impl Bucket {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            tokens: f64::from(limit.requests.max(1)),
            filled: None,
        }
    }

    pub(super) const fn retry_after(&self) -> RetryAfter {
        self.limit.retry_after
    }

    /// Takes a token; else says how long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full = f64::from(self.limit.requests.max(1));
        let window_secs = self.limit.window.as_secs_f64().max(1e-6);
        let since = self.filled.map_or(Duration::ZERO, |filled| {
            now.saturating_duration_since(filled)
        });
        self.filled = Some(now);
        self.tokens = (self.tokens + since.as_secs_f64() * full / window_secs).min(full);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(
            (1.0 - self.tokens) * window_secs / full,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_it_is_spoken() {
        let read = |text: &str| {
            text.parse()
                .map(|rate: RateLimit| (rate.requests, rate.window))
        };
        assert_eq!(read("5/s"), Ok((5, Duration::from_secs(1))));
        assert_eq!(read("100/30m"), Ok((100, Duration::from_mins(30))));
        for nonsense in ["5", "0/s", "5/0s", "x/s", "5/day"] {
            assert!(read(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_bucket_gives_its_requests_and_then_one_a_share_of_the_window() {
        let mut bucket = Bucket::new(RateLimit {
            requests: 4,
            window: Duration::from_secs(2),
            retry_after: RetryAfter::Missing,
        });
        let start = Instant::now();
        assert!((0..4).all(|_| bucket.take(start).is_ok()));
        let wait = bucket.take(start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert!(bucket.take(start + Duration::from_millis(499)).is_err());
        assert!(bucket.take(start + Duration::from_millis(501)).is_ok());
        let later = start + Duration::from_mins(1);
        assert!((0..4).all(|_| bucket.take(later).is_ok()));
        assert!(bucket.take(later).is_err());
    }
}
