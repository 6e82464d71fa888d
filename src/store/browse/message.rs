//! Everything about one message: its versions, what they changed, and how it was missed.

use super::{Browsing, Listed, and_one};
use crate::{
    model::{RunId, Timestamp},
    store::{StoreError, snapshot::raws, statement::browse as sql, value::Row},
};

/// One version of a message. The JSON is cut off after 100,000 characters; then it is one
/// character longer.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageVersion {
    /// Its number, from 1.
    pub version: i64,
    /// What happened: `created`, `edited`, `restored`, `deleted` or `reappeared`.
    pub event: String,
    /// When the page was requested that showed it, on the gateway's clock.
    pub observed_at: Timestamp,
    /// When it was committed, by the clock of the run's machine.
    pub recorded_at: Timestamp,
    /// The run.
    pub run: RunId,
    /// The SHA-256 of its JSON.
    pub sha256: Option<Vec<u8>>,
    /// How long its JSON is, in bytes.
    pub raw_bytes: Option<u64>,
    /// Its JSON as received.
    pub raw: Option<String>,
}

/// A place in the JSON that a version changed. What stood there is cut off after 2,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPlace {
    /// The version.
    pub version: i64,
    /// Where in the JSON.
    pub path: String,
    /// What stood there.
    pub before: Option<String>,
    /// What stands there now.
    pub after: Option<String>,
}

/// A page that did not hold a message any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedAbsenceTime {
    /// 1 for the first page, 2 for the one of a later run that agreed.
    pub strike: i64,
    /// The run.
    pub run: RunId,
    /// When the page was asked for.
    pub sent_at: Timestamp,
}

impl Browsing {
    /// Versions of a message below a number (from the last one where it is `None`), newest first.
    pub async fn versions(
        &mut self,
        message_key: i64,
        below: Option<i64>,
        limit: u32,
    ) -> Result<Listed<MessageVersion>, StoreError> {
        let below = below.unwrap_or(i64::from(i32::MAX));
        let args = vec![message_key.into(), below.into(), and_one(limit)];
        self.list(&sql::VERSIONS_BELOW, args, limit, version).await
    }

    /// What some versions of a message changed, at most 1,000 places.
    pub async fn changes(
        &mut self,
        message_key: i64,
        from: i64,
        to: i64,
    ) -> Result<Vec<ChangedPlace>, StoreError> {
        let args = vec![message_key.into(), from.into(), to.into()];
        let rows = self.select(&sql::CHANGES_BETWEEN, args).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(ChangedPlace {
                    version: row.int()?,
                    path: row.text()?,
                    before: row.maybe_text()?,
                    after: row.maybe_text()?,
                })
            })
            .collect()
    }

    /// The pages that did not hold a message any more.
    pub async fn absences(
        &mut self,
        message_key: i64,
    ) -> Result<Vec<ArchivedAbsenceTime>, StoreError> {
        let rows = self
            .select(&sql::ABSENCES_OF, vec![message_key.into()])
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(ArchivedAbsenceTime {
                    strike: row.int()?,
                    run: RunId(row.int()?),
                    sent_at: row.time()?,
                })
            })
            .collect()
    }

    /// The whole JSON of some versions, by key of the message and version. The caller has seen
    /// how long they are.
    pub async fn raws(
        &mut self,
        versions: &[(i64, i64)],
    ) -> Result<std::collections::HashMap<(i64, i64), String>, StoreError> {
        raws(self.0.as_mut(), versions).await
    }
}

fn version(row: &mut Row) -> Result<MessageVersion, StoreError> {
    Ok(MessageVersion {
        version: row.int()?,
        event: row.text()?,
        observed_at: row.time()?,
        recorded_at: row.time()?,
        run: RunId(row.int()?),
        sha256: row.maybe_bytes()?,
        raw_bytes: row.maybe_int()?.and_then(|bytes| u64::try_from(bytes).ok()),
        raw: row.maybe_text()?,
    })
}
