//! Local time, by the offsets that the archive keeps or those of a zone that was named.

use jiff::{civil::DateTime, tz::Offset};

use crate::model::{Timestamp, ZoneOffset};

/// A zone: its name, and how far it is ahead of UTC since when.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) name: String,
    offsets: Vec<ZoneOffset>,
}

impl Zone {
    pub(super) const fn new(name: String, offsets: Vec<ZoneOffset>) -> Self {
        Self { name, offsets }
    }

    /// What a clock and a calendar show there; `None` for a time that no calendar has.
    pub(super) fn local(&self, time: Timestamp) -> Option<DateTime> {
        let place = self.offsets.partition_point(|offset| offset.since <= time);
        let ahead = self.offsets.get(place.checked_sub(1)?)?.offset_seconds;
        let offset = Offset::from_seconds(i32::try_from(ahead).ok()?).ok()?;
        let time = jiff::Timestamp::from_millisecond(time.as_millis()).ok()?;
        Some(offset.to_datetime(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::zone_offsets;

    #[test]
    fn local_time_is_that_of_the_offset_in_force() {
        let berlin = Zone::new(
            "Europe/Berlin".into(),
            zone_offsets("Europe/Berlin").unwrap(),
        );
        for (time, local) in [
            ("2025-03-30T00:59:59.999Z", "2025-03-30T01:59:59.999"),
            ("2025-03-30T01:00:00Z", "2025-03-30T03:00:00"),
            ("2025-12-31T23:30:00Z", "2026-01-01T00:30:00"),
        ] {
            let shown = berlin.local(time.parse().unwrap()).unwrap();
            assert_eq!(shown.to_string(), local);
        }
    }
}
