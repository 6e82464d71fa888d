//! Times as the archive's zone shows them: the same offsets that its views use.

use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use maud::{Markup, html};

use crate::{model::Timestamp, store::ArchiveZone};

const DAY_MS: i64 = 86_400_000;

/// The zone of an archive.
#[derive(Debug)]
pub(super) struct Local(ArchiveZone);

impl Local {
    pub(super) const fn new(zone: ArchiveZone) -> Self {
        Self(zone)
    }

    /// The zone's name.
    pub(super) fn name(&self) -> String {
        self.0.name.clone()
    }

    fn offset_ms(&self, time: Timestamp) -> i64 {
        let known = self.0.offsets.iter().rev();
        let mut known = known.skip_while(|offset| offset.since > time);
        known
            .next()
            .map_or(0, |offset| offset.offset_seconds * 1_000)
    }

    /// What a clock on the wall shows; `None` outside of what a calendar can name.
    fn civil(&self, time: Timestamp) -> Option<DateTime> {
        let shown = time.as_millis().checked_add(self.offset_ms(time))?;
        let shown = jiff::Timestamp::from_millisecond(shown).ok()?;
        Some(Offset::UTC.to_datetime(shown))
    }

    /// The local day.
    pub(super) fn date(&self, time: Timestamp) -> Option<Date> {
        self.civil(time).map(DateTime::date)
    }

    /// The day with its time, to the second, as an element that tells machines the time too.
    pub(super) fn stamp(&self, time: Timestamp) -> Markup {
        self.element(time, |shown| {
            format!("{} {}", shown.date(), to_the_second(shown.time()))
        })
    }

    /// The time of the day alone.
    pub(super) fn clock(&self, time: Timestamp) -> Markup {
        self.element(time, |shown| to_the_second(shown.time()))
    }

    /// The day with its time where there is one.
    pub(super) fn maybe_stamp(&self, time: Option<Timestamp>) -> Markup {
        html! { @if let Some(time) = time { (self.stamp(time)) } @else { "–" } }
    }

    fn element(&self, time: Timestamp, say: impl Fn(DateTime) -> String) -> Markup {
        let machine = time.to_string();
        html! {
            @if let Some(shown) = self.civil(time) {
                time datetime=(machine) title=(machine) { (say(shown)) }
            } @else { (machine) }
        }
    }

    /// When a local day begins: the earliest time that belongs to it or to a later one.
    pub(super) fn beginning_of(&self, day: Date) -> Timestamp {
        let since = day.duration_since(Date::constant(1970, 1, 1));
        let shown_ms = since.as_secs().saturating_mul(1_000);
        // Local time is within a day of UTC; offsets differ only where a change lies near.
        let near = [-DAY_MS, 0, DAY_MS].map(|by| Timestamp::from_millis(shown_ms + by));
        let offsets = near.map(|time| self.offset_ms(time));
        let fits = |offset: &i64| {
            let time = Timestamp::from_millis(shown_ms - offset);
            self.offset_ms(time) == *offset
        };
        let largest = offsets.iter().filter(|offset| fits(offset)).max();
        let offset = largest.or(offsets.first()).copied().unwrap_or(0);
        Timestamp::from_millis(shown_ms - offset)
    }
}

fn to_the_second(time: Time) -> String {
    time.strftime("%H:%M:%S").to_string()
}

/// A day as people say it: `Tuesday, 30 June 2026`.
pub(super) fn spoken(day: Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::zone_offsets;

    fn local(zone: &str) -> Local {
        Local::new(ArchiveZone {
            name: zone.to_owned(),
            offsets: zone_offsets(zone).unwrap(),
        })
    }

    #[test]
    fn a_day_begins_at_its_local_midnight_also_around_summer_time() {
        for (zone, day, begins) in [
            ("UTC", "2026-06-30", "2026-06-30T00:00:00.000Z"),
            ("Asia/Hong_Kong", "2026-06-30", "2026-06-29T16:00:00.000Z"),
            ("America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z"),
            ("America/New_York", "2026-03-09", "2026-03-09T04:00:00.000Z"),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00.000Z"),
            ("Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00.000Z"),
        ] {
            let local = local(zone);
            let day: Date = day.parse().unwrap();
            let time = local.beginning_of(day);
            assert_eq!(time.to_string(), begins, "{zone} {day}");
            assert_eq!(local.date(time), Some(day));
            let before = Timestamp::from_millis(time.as_millis() - 1);
            assert_eq!(local.date(before), Some(day.yesterday().unwrap()));
        }
    }

    #[test]
    fn a_time_is_shown_as_clocks_showed_it_and_told_to_machines_in_utc() {
        let time = "2026-07-01T23:30:05.250Z".parse().unwrap();
        let shown = local("Europe/Berlin").stamp(time).into_string();
        assert!(shown.contains(">2026-07-02 01:30:05<"), "{shown}");
        assert!(shown.contains("datetime=\"2026-07-01T23:30:05.250Z\""));
        let never = Timestamp::from_millis(i64::MAX);
        assert!(!local("UTC").stamp(never).into_string().is_empty());
    }
}
