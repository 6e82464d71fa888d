//! Durations as people write them: `500ms`, `35s`, `10m`, `2h`, `7d`, `1h30m`.

use std::time::Duration;

/// Reads a duration. Units are `ms`, `s`, `m`, `h`, `d` and `w`; a number without one is refused,
/// since nobody agrees on what it means.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("say a time such as 35s, 10m, 2h or 7d".to_owned());
    }
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits_end = rest
            .find(|character: char| !character.is_ascii_digit())
            .ok_or_else(|| format!("`{rest}` has no unit; say {rest}s or {rest}m"))?;
        let (digits, after) = rest.split_at(digits_end);
        let unit_end = after
            .find(|character: char| !character.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit_ms = unit_ms(unit)
            .filter(|_| !digits.is_empty())
            .ok_or("say a time such as 500ms, 35s, 10m, 2h or 7d")?;
        total_ms = digits
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit_ms))
            .and_then(|part| total_ms.checked_add(part))
            .filter(|total| *total <= MILLIS_MAX)
            .ok_or("longer than 100 years")?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(total_ms))
}

/// As [`parse_duration`], and not zero.
pub(super) fn parse_positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("must be more than nothing".to_owned()),
        duration => Ok(duration),
    }
}

/// 100 years, so that no sum of a time and a duration overflows.
const MILLIS_MAX: u64 = 100 * 366 * 86_400_000;

fn unit_ms(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" | "sec" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("35s", 35_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("1h30m", 5_400_000),
            ("2h 30m", 9_000_000),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for text in [
            "",
            "35",
            "s",
            "-1s",
            "1.5h",
            "1y",
            "ten minutes",
            "99999999999999d",
            "1s2",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(
            parse_duration("35").unwrap_err(),
            "`35` has no unit; say 35s or 35m"
        );
    }
}
