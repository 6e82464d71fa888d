//! A zone as the archive keeps it: how far local time is ahead of UTC, and since when.
//!
//! SQLite knows no zones, so both engines are given the same rows. They tell of the years 1970 to
//! 2099; what is before or after has the offset that is next to it.

use jiff::tz::TimeZone;

use super::Timestamp;

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
    fn a_zone_that_is_none_has_no_offsets() {
        assert_eq!(zone_offsets("Mars/Olympus"), None);
    }
}
