//! When something happens: by chance, or at given requests; and how such wishes are written.
//!
//! The n of a request is counted for each conversation by itself, from 1. A chance is drawn from
//! (seed, what, conversation, n), so it does not depend on what happens elsewhere.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use super::dice::{Dice, Purpose};

/// When something happens to the requests of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// At each request with this probability (0 to 1), written `0.05`.
    Chance(f64),
    /// At these requests of each conversation, counted from 1, written `@3`, `@3-5` or `@3-`.
    Requests(RangeInclusive<u64>),
}

/// A specification of faults or mutations that cannot be read. Says what is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub(super) String);

impl Schedule {
    /// At every request.
    pub const fn always() -> Self {
        Self::Requests(1..=u64::MAX)
    }

    /// At the `n`-th request of each conversation alone.
    pub const fn at(n: u64) -> Self {
        Self::Requests(n..=n)
    }

    /// Whether it happens at this request; `what` keeps two things apart that are drawn for the
    /// same purpose.
    pub(super) fn strikes(&self, seed: u64, purpose: Purpose, what: u64, at: Occasion) -> bool {
        match self {
            Self::Chance(probability) => {
                let key = [at.conversation << 8 | what, at.request];
                Dice::new(seed, purpose, key).chance(*probability)
            }
            Self::Requests(range) => range.contains(&at.request),
        }
    }
}

/// A request of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occasion {
    pub(super) conversation: u64,
    /// Counted from 1.
    pub(super) request: u64,
}

impl FromStr for Schedule {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || {
            SpecError(format!(
                "`{text}` is neither a probability from 0 to 1, nor requests such as @3, @3-5 or @3-"
            ))
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        if let Some(requests) = text.strip_prefix('@') {
            let range = match requests.split_once('-') {
                None => number(requests)?..=number(requests)?,
                Some((from, "")) => number(from)?..=u64::MAX,
                Some((from, to)) => number(from)?..=number(to)?,
            };
            let is_sound = *range.start() > 0 && range.start() <= range.end();
            return is_sound.then_some(Self::Requests(range)).ok_or_else(wrong);
        }
        share(text).map(Self::Chance).map_err(|_| wrong())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chance(probability) => write!(f, "{probability}"),
            Self::Requests(range) if range.start() == range.end() => write!(f, "@{}", range.end()),
            Self::Requests(range) if *range.end() == u64::MAX => write!(f, "@{}-", range.start()),
            Self::Requests(range) => write!(f, "@{}-{}", range.start(), range.end()),
        }
    }
}

/// Splits `name=value,name=value`; blanks around are forgiven, an empty text is an empty list.
pub(super) fn pairs(spec: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    spec.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (part, None),
        })
}

/// Reads a probability or share from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, SpecError> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(SpecError(format!("`{text}` is not a share from 0 to 1"))),
    }
}

/// Reads `15ms`, `2s`, `10m` or `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, SpecError> {
    let wrong = || {
        SpecError(format!(
            "`{text}` is not a duration such as 15ms, 2s, 10m or 1h"
        ))
    };
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_millis(number.saturating_mul(unit_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_and_written_alike() {
        for text in ["0.05", "1", "@3", "@3-5", "@3-"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for nonsense in ["", "2", "-1", "NaN", "@", "@0", "@5-3", "@x", "often"] {
            let error = nonsense.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains("@3-5"), "{error}");
        }
    }

    #[test]
    fn requests_are_struck_as_written_and_chances_by_their_share() {
        let strikes = |schedule: &Schedule, request| {
            let at = Occasion {
                conversation: 1,
                request,
            };
            schedule.strikes(9, Purpose::Fault, 0, at)
        };
        let range = Schedule::Requests(3..=4);
        let struck: Vec<u64> = (1..9).filter(|&n| strikes(&range, n)).collect();
        assert_eq!(struck, [3, 4]);
        let chance = Schedule::Chance(0.1);
        let struck = (1..=10_000).filter(|&n| strikes(&chance, n)).count();
        assert!((900..1_100).contains(&struck), "{struck}");
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("15ms"), Ok(Duration::from_millis(15)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        assert!(duration("15").is_err());
        assert!(duration("s").is_err());
    }
}
