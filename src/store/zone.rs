//! The archive's zone: its name, and its offsets as rows that the views of both engines read.

use async_trait::async_trait;

use super::{
    ArchivedZone, Store, StoreError,
    backend::Select,
    session::{Session, Work},
    snapshot::Now,
    statement::people::{CLEAR_TIME_ZONE_OFFSETS, SET_TIME_ZONE, TIME_ZONE, TIME_ZONE_OFFSETS},
    table,
    value::{Row, Value, storable},
};
use crate::model::{ZoneOffset, zone_offsets};

/// The zone of an archive to which nobody has given one.
const DEFAULT: &str = "UTC";

/// The zone with its offsets, in place of what was there.
struct KeepZone<'a> {
    name: &'a str,
    offsets: &'a [ZoneOffset],
}

#[async_trait]
impl Work for KeepZone<'_> {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        session
            .execute(&SET_TIME_ZONE, vec![self.name.into()])
            .await?;
        session
            .execute(&CLEAR_TIME_ZONE_OFFSETS, Vec::new())
            .await?;
        let rows = self.offsets.iter().map(|offset| {
            let row: Vec<Value> = vec![offset.since.into(), offset.offset_seconds.into()];
            row
        });
        session
            .put(&table::TIME_ZONE_OFFSETS, rows.collect())
            .await?;
        Ok(())
    }
}

impl Store {
    /// Makes `named` the zone of local days and hours; where it is `None`, keeps the archive's
    /// own (UTC where it has none). Gives the zone that holds.
    ///
    /// Offsets follow the zone database of this machine, so they are compared each time; nothing
    /// is written where they are as they should be. A zone that this machine does not know stays
    /// as the archive has it.
    pub async fn keep_time_zone(&self, named: Option<&str>) -> Result<String, StoreError> {
        let kept = self.kept_time_zone().await?;
        let wanted = named.unwrap_or(kept.as_deref().unwrap_or(DEFAULT));
        let Some(offsets) = storable_offsets(wanted) else {
            tracing::warn!(
                zone = wanted,
                "the archive's time zone is not known on this machine; local days stay as they are"
            );
            return Ok(kept.unwrap_or_else(|| DEFAULT.to_owned()));
        };
        if kept.as_deref().unwrap_or(DEFAULT) != wanted
            || offsets_in(&mut Now(self)).await? != offsets
        {
            let work = KeepZone {
                name: wanted,
                offsets: &offsets,
            };
            self.transact(&work).await?;
        }
        Ok(wanted.to_owned())
    }

    /// The name of the zone of the archive's local days and hours.
    pub async fn read_time_zone(&self) -> Result<String, StoreError> {
        let kept = self.kept_time_zone().await?;
        Ok(kept.unwrap_or_else(|| DEFAULT.to_owned()))
    }

    async fn kept_time_zone(&self) -> Result<Option<String>, StoreError> {
        name_in(&mut Now(self)).await
    }
}

/// The offsets of a zone by this machine's zone database, as an archive holds them; `None` where
/// it does not know the zone.
pub fn storable_offsets(name: &str) -> Option<Vec<ZoneOffset>> {
    let offsets = zone_offsets(name)?.into_iter();
    let stored = offsets.map(|offset| ZoneOffset {
        since: storable(offset.since),
        ..offset
    });
    Some(stored.collect())
}

/// What an archive holds of its zone.
pub(super) async fn stored(source: &mut dyn Select) -> Result<ArchivedZone, StoreError> {
    let name = name_in(source).await?;
    Ok(ArchivedZone {
        name: name.unwrap_or_else(|| DEFAULT.to_owned()),
        offsets: offsets_in(source).await?,
    })
}

async fn name_in(source: &mut dyn Select) -> Result<Option<String>, StoreError> {
    match source.select(&TIME_ZONE, Vec::new()).await?.first_mut() {
        Some(row) => row.maybe_text(),
        None => Ok(None),
    }
}

async fn offsets_in(source: &mut dyn Select) -> Result<Vec<ZoneOffset>, StoreError> {
    let mut rows = source.select(&TIME_ZONE_OFFSETS, Vec::new()).await?;
    let offset = |row: &mut Row| {
        Ok(ZoneOffset {
            since: row.time()?,
            offset_seconds: row.int()?,
        })
    };
    rows.iter_mut().map(offset).collect()
}
