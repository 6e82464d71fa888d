//! Faults as a person writes them: `502=0.01,reset=0.01,429=@3,count=wobbling`.

use super::{CountMode, Fault, Faults, RetryAfter};
use crate::simulator::schedule::{SpecError, duration, pairs, share};

/// The faults of one answer, by the name that is written.
const ANSWERS: [(&str, Fault); 15] = [
    ("429", Fault::TooManyRequests),
    ("401", Fault::Unauthorized),
    ("500", Fault::ServerError),
    ("502", Fault::BadGateway),
    ("503", Fault::Unavailable),
    ("504", Fault::GatewayTimeout),
    ("html", Fault::Html),
    ("truncated", Fault::Truncated),
    ("length", Fault::WrongLength),
    ("reset", Fault::Reset),
    ("slow", Fault::Slow),
    ("redirect", Fault::Redirect),
    ("redirect-away", Fault::RedirectAway),
    ("bomb", Fault::Bomb),
    ("empty", Fault::EmptyBody),
];

/// The other names, with the values they take where those are words.
const TRAITS: [(&str, &str); 28] = [
    ("down", " (one of those above)"),
    ("repeat", ""),
    ("disorder", ""),
    ("shuffle-ties", ""),
    ("more-for-ever", ""),
    ("endless", ""),
    ("limit-cap", ""),
    ("count", " (honest, missing, lying, wobbling, lagging)"),
    ("drift", ""),
    ("hidden", ""),
    ("hidden-share", ""),
    ("window", ""),
    ("page-bytes", ""),
    ("skip-ignored", ""),
    ("poison", " (FAULT@MESSAGE)"),
    ("split", ""),
    ("numeric-ids", ""),
    ("nulls", ""),
    ("bare", ""),
    ("unknown-type", ""),
    ("wrong-date", ""),
    ("date-off", " (1h, -1h)"),
    ("latency", ""),
    ("jitter", ""),
    ("retry-after", " (SECONDS, date, none)"),
    ("byte-every", ""),
    ("bomb-bytes", ""),
    ("redirect-to", ""),
];

impl Faults {
    /// Reads `502=0.01,reset=0.01,429=@3`. A value is a probability, or requests of each
    /// conversation (`@3`, `@3-5`, `@3-`); the standing traits take what they are about
    /// (`limit-cap=50`, `count=missing`, `latency=15ms`) or nothing (`endless`).
    ///
    /// # Errors
    /// [`SpecError`] names what is not known or not readable, and what is known.
    pub fn parse(spec: &str) -> Result<Self, SpecError> {
        let mut faults = Self::default();
        for (name, value) in pairs(spec) {
            faults
                .set(name, value)
                .map_err(|SpecError(why)| SpecError(format!("fault `{name}`: {why}")))?;
        }
        Ok(faults)
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SpecError> {
        match name {
            "shuffle-ties" => self.shuffle_ties = flag(value)?,
            "more-for-ever" => self.more_for_ever = flag(value)?,
            "endless" => self.endless = flag(value)?,
            "skip-ignored" => self.skip_ignored = flag(value)?,
            _ => {
                let answer = ANSWERS.iter().find(|(known, _)| *known == name);
                if answer.is_none() && !is_known(name) {
                    return Err(unknown());
                }
                let value = value.ok_or_else(|| SpecError("needs a value".to_owned()))?;
                match answer {
                    Some(&(_, fault)) => self.answers.push((fault, value.parse()?)),
                    None => self.set_trait(name, value)?,
                }
            }
        }
        Ok(())
    }

    fn set_trait(&mut self, name: &str, value: &str) -> Result<(), SpecError> {
        match name {
            "down" => self.down = Some(answer_named(value)?),
            "window" => self.window = Some(number(value)?),
            "page-bytes" => self.page_bytes = Some(number(value)?),
            "hidden-share" => self.hidden_share = share(value)?,
            "split" => self.split = share(value)?,
            "drift" => self.drift = number::<u32>(value)?.max(1),
            "poison" => {
                let form = || SpecError(format!("`{value}` is not of the form 500@30"));
                let (fault, message) = value.split_once('@').ok_or_else(form)?;
                self.poison = Some((number(message)?, answer_named(fault)?));
            }
            "repeat" => self.repeat = value.parse()?,
            "disorder" => self.disorder = value.parse()?,
            "limit-cap" => self.limit_cap = Some(number::<usize>(value)?.max(1)),
            "hidden" => self.hidden = number(value)?,
            "numeric-ids" => self.numeric_ids = share(value)?,
            "nulls" => self.nulls = share(value)?,
            "bare" => self.bare = share(value)?,
            "unknown-type" => self.unknown_type = share(value)?,
            "wrong-date" => self.wrong_date = value.parse()?,
            "date-off" => self.date_off_ms = signed_ms(value)?,
            "latency" => self.latency = duration(value)?,
            "jitter" => self.jitter = duration(value)?,
            "byte-every" => self.byte_every = duration(value)?,
            "bomb-bytes" => self.bomb_bytes = number(value)?,
            "redirect-to" => value.clone_into(&mut self.redirect_to),
            "retry-after" => match value {
                "date" => self.retry_after = RetryAfter::Date,
                "none" => self.retry_after = RetryAfter::Missing,
                _ => self.retry_after_secs = number(value)?,
            },
            "count" => {
                self.count = match value {
                    "honest" => CountMode::Honest,
                    "missing" => CountMode::Missing,
                    "lying" => CountMode::Lying,
                    "wobbling" => CountMode::Wobbling,
                    "lagging" => CountMode::Lagging,
                    _ => {
                        return Err(SpecError(format!(
                            "`{value}` is none of honest, missing, lying, wobbling, lagging"
                        )));
                    }
                }
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

fn unknown() -> SpecError {
    let answers = ANSWERS.iter().map(|(name, _)| (*name).to_owned());
    let traits = TRAITS
        .iter()
        .map(|(name, values)| format!("{name}{values}"));
    let known: Vec<String> = answers.chain(traits).collect();
    SpecError(format!("not known; known are: {}", known.join(", ")))
}

fn answer_named(name: &str) -> Result<Fault, SpecError> {
    let found = ANSWERS.iter().find(|(known, _)| *known == name);
    found
        .map(|&(_, fault)| fault)
        .ok_or_else(|| SpecError(format!("`{name}` is no fault of one answer")))
}

fn is_known(name: &str) -> bool {
    TRAITS.iter().any(|(known, _)| *known == name)
}

fn flag(value: Option<&str>) -> Result<bool, SpecError> {
    match value {
        None | Some("1" | "true") => Ok(true),
        Some("0" | "false") => Ok(false),
        Some(other) => Err(SpecError(format!("`{other}` is neither true nor false"))),
    }
}

/// A duration, with `-` before it where it is one back.
fn signed_ms(value: &str) -> Result<i64, SpecError> {
    let (sign, length) = value
        .strip_prefix('-')
        .map_or((1, value), |rest| (-1, rest));
    let ms = i64::try_from(duration(length)?.as_millis());
    ms.map(|ms| sign * ms)
        .map_err(|_| SpecError(format!("`{value}` is too long")))
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, SpecError> {
    value
        .parse()
        .map_err(|_| SpecError(format!("`{value}` is not a whole number")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::simulator::schedule::Schedule;

    #[test]
    fn a_specification_is_read() {
        let worlds = Faults::parse(
            "window=5000,page-bytes=9000,skip-ignored,count=lagging,drift=7,hidden-share=0.03,\
             poison=truncated@30,split=0.05,down=502",
        )
        .unwrap();
        assert_eq!(worlds.window, Some(5_000));
        assert_eq!(worlds.page_bytes, Some(9_000));
        assert!(worlds.skip_ignored);
        assert_eq!((worlds.count, worlds.drift), (CountMode::Lagging, 7));
        assert_eq!(worlds.poison, Some((30, Fault::Truncated)));
        assert_eq!(worlds.down, Some(Fault::BadGateway));

        let spec = "502=0.01, reset=@3-,count=wobbling,limit-cap=50,endless,latency=15ms,\
                    retry-after=date,hidden=3,nulls=0.5,wrong-date=0.5,date-off=-1h";
        let faults = Faults::parse(spec).unwrap();
        let expected = [
            (Fault::BadGateway, Schedule::Chance(0.01)),
            (Fault::Reset, Schedule::Requests(3..=u64::MAX)),
        ];
        assert_eq!(faults.answers, expected);
        assert_eq!(faults.count, CountMode::Wobbling);
        assert_eq!(faults.limit_cap, Some(50));
        assert!(faults.endless && !faults.more_for_ever);
        assert_eq!(faults.latency, Duration::from_millis(15));
        assert_eq!(faults.retry_after, RetryAfter::Date);
        assert_eq!(faults.hidden, 3);
        assert_eq!(faults.wrong_date, Schedule::Chance(0.5));
        assert_eq!(faults.date_off_ms, -3_600_000);
        assert_eq!(Faults::parse(" "), Ok(Faults::default()));
    }

    #[test]
    fn a_wrong_specification_says_what_is_known() {
        let error = |spec| Faults::parse(spec).unwrap_err().to_string();
        for name in ["418=0.1", "wobbling"] {
            let why = error(name);
            assert!(
                why.contains("redirect-away") && why.contains("limit-cap"),
                "{why}"
            );
        }
        assert!(error("502").contains("needs a value"));
        assert!(error("502=often").contains("probability"));
        assert!(error("count=odd").contains("wobbling"));
        assert!(error("hidden=-1").contains("whole number"));
    }

    #[test]
    fn every_name_that_is_listed_can_be_set() {
        let values = ["0.1", "3", "15ms", "lying", "date", "true", "502", "500@30"];
        let traits = TRAITS.iter().map(|(name, _)| *name);
        for name in traits.chain(ANSWERS.iter().map(|(name, _)| *name)) {
            let works = |value: &str| Faults::parse(&format!("{name}={value}")).is_ok();
            assert!(values.iter().any(|value| works(value)), "{name}");
        }
    }
}
