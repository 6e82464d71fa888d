//! The offsets of the archive's zone against those that its name gives.
//!
//! They come from the zone database of the machine that wrote them, and this one may know
//! another: what zone databases differ in, year by year, is what was decreed of late. So what is
//! before [`SETTLED`] must agree; after it an offset must be one that the zone has, an hour more
//! or less.

use super::{Check, Findings, Place};
use crate::{
    model::{Timestamp, ZoneOffset},
    store::{ArchivedZone, storable_offsets},
};

/// 2020-01-01T00:00:00Z. Before it every zone database in use says the same.
const SETTLED: Timestamp = Timestamp::from_millis(1_577_836_800_000);
const HOUR_SECONDS: u64 = 3_600;

/// The one zone of which all databases say the same for ever.
const UTC: &str = "UTC";

/// Checks the stored offsets; a zone that this machine does not know is not checked.
pub(super) fn check(zone: &ArchivedZone, findings: &mut Findings) {
    let Some(expected) = storable_offsets(&zone.name) else {
        return;
    };
    let Some((expected, found)) = flaw(&zone.name, &expected, &zone.offsets) else {
        return;
    };
    let place = Place::archive().column("time_zone_offsets", "offset_seconds");
    findings.add(Check::TimeZone, place, expected, found);
}

/// The first thing that no zone database explains.
fn flaw(name: &str, expected: &[ZoneOffset], stored: &[ZoneOffset]) -> Option<(String, String)> {
    let shown = |offset: &ZoneOffset| {
        let hours = format!("{} s ahead of UTC", offset.offset_seconds);
        format!("{hours} since {}", offset.since)
    };
    let settled = |offset: &&ZoneOffset| name == UTC || offset.since < SETTLED;
    let mut theirs = stored.iter().filter(settled);
    for ours in expected.iter().filter(settled) {
        let found = theirs.next();
        if found != Some(ours) {
            let found = found.map_or("no such row".to_owned(), shown);
            return Some((format!("{name}: {}", shown(ours)), found));
        }
    }
    if let Some(other) = theirs.next() {
        return Some((
            format!("{name}: no further row before {SETTLED}"),
            shown(other),
        ));
    }
    let is_known = |offset: &ZoneOffset| {
        expected.iter().any(|known| {
            let differ = known.offset_seconds.abs_diff(offset.offset_seconds);
            differ <= HOUR_SECONDS
        })
    };
    let strange = stored.iter().find(|offset| !is_known(offset))?;
    let expected = format!("{name}: an offset that this zone has");
    Some((expected, shown(strange)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, change: impl FnOnce(&mut Vec<ZoneOffset>)) -> bool {
        let expected = storable_offsets(name).unwrap();
        let mut stored = expected.clone();
        change(&mut stored);
        flaw(name, &expected, &stored).is_some()
    }

    #[test]
    fn what_no_zone_database_says_is_found() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "Asia/Hong_Kong",
            "America/Sao_Paulo",
        ] {
            assert!(!found(name, |_| {}), "{name}");
            assert!(found(name, Vec::clear), "{name}");
            let shift = |by| move |offsets: &mut Vec<ZoneOffset>| offsets[0].offset_seconds += by;
            assert!(found(name, shift(3_600)), "{name}");
            assert!(
                found(name, |offsets| {
                    offsets.remove(0);
                }),
                "{name}"
            );
        }
        let later = |offset_seconds| ZoneOffset {
            since: Timestamp::from_millis(SETTLED.as_millis() + 1),
            offset_seconds,
        };
        assert!(found("UTC", |offsets| offsets.push(later(3_600))));
        assert!(found("Asia/Hong_Kong", |offsets| offsets.push(later(0))));
        assert!(found("Europe/Berlin", |offsets| {
            for offset in offsets {
                offset.offset_seconds += 3_600;
            }
        }));
    }

    /// Since 2020 Mexico, Jordan and Kazakhstan have changed their minds.
    #[test]
    fn what_another_zone_database_may_say_is_not_found() {
        let is_later = |offset: &ZoneOffset| offset.since >= SETTLED;
        assert!(!found("Europe/Berlin", |offsets| offsets
            .retain(|offset| !is_later(offset))));
        assert!(!found("America/Mexico_City", |offsets| {
            offsets.push(ZoneOffset {
                since: Timestamp::from_millis(SETTLED.as_millis() + 1),
                offset_seconds: -5 * 3_600,
            });
        }));
    }
}
