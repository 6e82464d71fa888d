//! A zone as the archive keeps it: how far local time is ahead of UTC, and since when.
//!
//! SQLite knows no zones, so both engines are given the same rows. They tell of the years 1970 to
//! 2099; what is before or after has the offset that is next to it.

use jiff::{civil, tz::TimeZone};

use super::{Timestamp, TimestampError};

/// 1970-01-01T00:00:00Z.
const BEGIN: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;
/// 2100-01-01T00:00:00Z.
const END_MS: i64 = 4_102_444_800_000;
/// The smallest time that there is, which every archive can hold in some form.
const BEFORE_ALL: Timestamp = Timestamp::from_millis(i64::MIN);

/// From `since` until the next one, local time is `offset_seconds` ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    /// From when on; the first one begins before every time.
    pub since: Timestamp,
    /// Seconds that local time is ahead; negative in the west.
    pub offset_seconds: i64,
}

/// The offsets of a zone of the IANA database, oldest first, no two neighbours the same; `None`
/// where no such zone is known.
pub fn zone_offsets(name: &str) -> Option<Vec<ZoneOffset>> {
    let zone = TimeZone::get(name).ok()?;
    let first = ZoneOffset {
        since: BEFORE_ALL,
        offset_seconds: i64::from(zone.to_offset(BEGIN).seconds()),
    };
    let mut offsets = vec![first];
    let changes = zone.following(BEGIN);
    for change in changes.take_while(|change| change.timestamp().as_millisecond() < END_MS) {
        let next = ZoneOffset {
            since: Timestamp::from_millis(change.timestamp().as_millisecond()),
            offset_seconds: i64::from(change.offset().seconds()),
        };
        if offsets.last().map(|last| last.offset_seconds) != Some(next.offset_seconds) {
            offsets.push(next);
        }
    }
    Some(offsets)
}

/// The time that a person has written: RFC 3339, or a day or a local time of a zone of the IANA
/// database (`2026-03-01`, `2026-03-01T18:00`). A day is its beginning; a local time that a clock
/// shows twice is the earlier one, and one that it leaves out is as if it had not jumped.
///
/// # Errors
/// The text is no time, or no such zone is known.
pub fn time_in_zone(text: &str, zone: &str) -> Result<Timestamp, TimestampError> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let local: civil::DateTime = text.parse().map_err(|_| TimestampError)?;
    let zone = TimeZone::get(zone).map_err(|_| TimestampError)?;
    let zoned = local.to_zoned(zone).map_err(|_| TimestampError)?;
    let time = Timestamp::from_millis(zoned.timestamp().as_millisecond());
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str, offsets: &[ZoneOffset]) -> i64 {
        let time: Timestamp = time.parse().unwrap();
        let known = offsets.iter().rev().find(|offset| offset.since <= time);
        known.unwrap().offset_seconds
    }

    #[test]
    fn a_zone_without_summer_time_is_one_row() {
        let utc = zone_offsets("UTC").unwrap();
        assert_eq!(utc.len(), 1);
        assert_eq!(utc[0].offset_seconds, 0);
        assert_eq!(
            zone_offsets("Asia/Dubai").unwrap()[0].offset_seconds,
            14_400
        );
    }

    #[test]
    fn each_change_is_a_row_from_the_moment_it_happens() {
        let berlin = zone_offsets("Europe/Berlin").unwrap();
        assert_eq!(at("2025-03-30T00:59:59.999Z", &berlin), 3_600);
        assert_eq!(at("2025-03-30T01:00:00Z", &berlin), 7_200);
        assert_eq!(at("2099-12-31T00:00:00Z", &berlin), 3_600);
        assert!(berlin.is_sorted_by_key(|offset| offset.since));
        let new_york = zone_offsets("America/New_York").unwrap();
        assert_eq!(at("2025-01-01T00:00:00Z", &new_york), -18_000);
    }

    #[test]
    fn what_a_person_writes_is_local_unless_it_says_otherwise() {
        for (text, zone, time) in [
            ("2026-03-01", "Asia/Hong_Kong", "2026-02-28T16:00:00Z"),
            ("2026-07-01T18:30", "Europe/Berlin", "2026-07-01T16:30:00Z"),
            ("2026-07-01 18:30:05", "UTC", "2026-07-01T18:30:05Z"),
            (
                "2026-07-01T18:30:00+02:00",
                "Asia/Tokyo",
                "2026-07-01T16:30:00Z",
            ),
            // Shown twice, and left out.
            ("2025-10-26T02:30", "Europe/Berlin", "2025-10-26T00:30:00Z"),
            ("2025-03-30T02:30", "Europe/Berlin", "2025-03-30T01:30:00Z"),
        ] {
            assert_eq!(
                time_in_zone(text, zone),
                Ok(time.parse().unwrap()),
                "{text}"
            );
        }
        for (text, zone) in [
            ("2026-02-30", "UTC"),
            ("soon", "UTC"),
            ("2026-03-01", "Mars/Olympus"),
        ] {
            assert_eq!(time_in_zone(text, zone), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn a_zone_that_is_none_has_no_offsets() {
        assert_eq!(zone_offsets("Mars/Olympus"), None);
    }
}
