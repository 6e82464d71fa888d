//! Points in time: whole milliseconds since 1970-01-01T00:00:00Z.
//!
//! The gateway gives ISO-8601 UTC with milliseconds. A finer time is rounded down, which only
//! ever makes two times equal and so a proof stricter, never weaker.

use std::{fmt, str::FromStr, time::Duration};

/// A point in time in whole milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The text is not a time that RFC 3339 allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct TimestampError;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time less `duration`, held at the smallest time.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This time and `duration` more, held at the largest time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        let nanos = parsed.as_nanosecond();
        i64::try_from(nanos.div_euclid(1_000_000))
            .map(Self)
            .map_err(|_| TimestampError)
    }
}

impl fmt::Display for Timestamp {
    /// `2024-12-10T09:53:17.127Z`, the form that the gateway uses and SQLite columns hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_form_of_the_gateway() {
        let time: Timestamp = "2024-12-10T09:53:17.127Z".parse().unwrap();
        assert_eq!(time.as_millis(), 1_733_824_397_127);
        assert_eq!(time.to_string(), "2024-12-10T09:53:17.127Z");
    }

    #[test]
    fn finer_times_are_rounded_down_also_before_1970() {
        assert_eq!("1970-01-01T00:00:00.0019Z".parse(), Ok(Timestamp(1)));
        assert_eq!("1969-12-31T23:59:59.9999Z".parse(), Ok(Timestamp(-1)));
    }

    #[test]
    fn offsets_are_understood_and_nonsense_is_refused() {
        assert_eq!("1970-01-01T08:00:00+08:00".parse(), Ok(Timestamp(0)));
        for nonsense in ["", "yesterday", "2024-13-01T00:00:00Z"] {
            assert_eq!(
                nonsense.parse::<Timestamp>(),
                Err(TimestampError),
                "{nonsense:?}"
            );
        }
    }
}
