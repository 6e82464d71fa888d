//! What each later version of a message changed: derived from the raw JSON, and told in rows.
//!
//! Behind the versions, not with them: a page is committed first and described at the end of the
//! run, or of the next one where that was cut short. What is described stays as it is.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    ArchivedMessage, ArchivedVersion, Difference, Redecoded, Store, StoreError,
    archived::RAW_BYTES_MAX,
    backend::Select,
    derived,
    session::{Session, Work},
    snapshot,
    statement::{
        self,
        people::{CLEAR_CHANGES, UNDESCRIBED_VERSIONS},
    },
    table,
    value::Value,
};
use crate::wire::{self, differences};

/// How many versions are described in one transaction.
const VERSIONS_AT_ONCE: i64 = 200;

struct Describe {
    rows: Vec<Vec<Value>>,
}

#[async_trait]
impl Work for Describe {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        session
            .put(&table::MESSAGE_CHANGES, self.rows.clone())
            .await?;
        Ok(())
    }
}

struct Forget;

#[async_trait]
impl Work for Forget {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        session.execute(&CLEAR_CHANGES, Vec::new()).await?;
        Ok(())
    }
}

impl Store {
    /// Describes every version that is not described yet; gives how many differed from the one
    /// before. Ends early, without harm, once `stop` says so.
    pub async fn describe_changes(
        &self,
        stop: impl Fn() -> bool + Send,
    ) -> Result<u64, StoreError> {
        let mut described = 0;
        let (mut message, mut version) = (0_i64, 0_i64);
        while !stop() {
            let args = vec![message.into(), version.into(), VERSIONS_AT_ONCE.into()];
            let found = self.select(&UNDESCRIBED_VERSIONS, args).await?;
            if found.is_empty() {
                break;
            }
            let mut rows = Vec::new();
            for mut row in found {
                message = row.int()?;
                version = row.int()?;
                let after = row.text()?;
                let Some(before) = row.maybe_text()? else {
                    continue;
                };
                let told = differences(&before, &after);
                described += u64::from(!told.is_empty());
                rows.extend(rows_of(message, version, &told));
            }
            if !rows.is_empty() {
                self.transact(&Describe { rows }).await?;
            }
        }
        Ok(described)
    }

    /// Takes every description away, so that [`Store::describe_changes`] makes them anew.
    pub async fn forget_changes(&self) -> Result<(), StoreError> {
        self.transact(&Forget).await
    }
}

/// The rows for what a version has changed.
fn rows_of(message: i64, version: i64, changes: &[wire::Difference]) -> Vec<Vec<Value>> {
    let row = |(position, found): (i64, &wire::Difference)| {
        vec![
            message.into(),
            version.into(),
            position.into(),
            (&found.path).into(),
            (&found.before).into(),
            (&found.after).into(),
        ]
    };
    (0..).zip(changes).map(row).collect()
}

/// A version, the one before it that has other raw JSON, and the rows that describe it.
struct Pair {
    message: i64,
    before: Option<i64>,
    version: i64,
    raw_bytes: u64,
    stored: Vec<Vec<Value>>,
}

/// Where the descriptions of these messages are not what their versions give. A version of a run
/// after `described_to` may have none yet.
pub(super) async fn compare(
    source: &mut dyn Select,
    messages: &[&ArchivedMessage],
    described_to: i64,
) -> Result<Vec<Difference>, StoreError> {
    let keys: Vec<i64> = messages.iter().map(|message| message.key).collect();
    let mut stored = derived::read(source, &statement::DERIVED_CHANGES, &keys).await?;
    let mut pairs = Vec::new();
    for message in messages {
        let rows = stored.remove(&message.key).unwrap_or_default();
        pairs.extend(pairs_of(message, rows, described_to));
    }
    let mut differences = Vec::new();
    let mut rest = &pairs[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|pair| {
            bytes += pair.raw_bytes;
            bytes <= RAW_BYTES_MAX
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        compare_pairs(source, now, &mut differences).await?;
        rest = later;
    }
    Ok(differences)
}

fn pairs_of(message: &ArchivedMessage, stored: Vec<Vec<Value>>, described_to: i64) -> Vec<Pair> {
    let mut by_version: BTreeMap<i64, Vec<Vec<Value>>> = BTreeMap::new();
    for row in stored {
        if let Value::Int(Some(version)) = row[1] {
            by_version.entry(version).or_default().push(row);
        }
    }
    let mut pairs = Vec::new();
    let mut before: Option<&ArchivedVersion> = None;
    for version in message
        .versions
        .iter()
        .filter(|one| one.raw_bytes.is_some())
    {
        let stored = by_version.remove(&version.version).unwrap_or_default();
        let other = before.filter(|before| before.sha256 != version.sha256);
        before = Some(version);
        let may_lack = other.is_none() || version.run_id > described_to;
        if stored.is_empty() && may_lack {
            continue;
        }
        pairs.push(Pair {
            message: message.key,
            before: other.map(|before| before.version),
            version: version.version,
            raw_bytes: version.raw_bytes.unwrap_or(0)
                + other.and_then(|before| before.raw_bytes).unwrap_or(0),
            stored,
        });
    }
    // What describes no version, or one without JSON.
    pairs.extend(by_version.into_iter().map(|(version, stored)| Pair {
        message: message.key,
        before: None,
        version,
        raw_bytes: 0,
        stored,
    }));
    pairs
}

async fn compare_pairs(
    source: &mut dyn Select,
    pairs: &[Pair],
    found: &mut Vec<Difference>,
) -> Result<(), StoreError> {
    let compared = pairs.iter().filter_map(|pair| Some((pair, pair.before?)));
    let names: Vec<(i64, i64)> = compared
        .flat_map(|(pair, before)| [(pair.message, before), (pair.message, pair.version)])
        .collect();
    let raws = snapshot::raws(source, &names).await?;
    for pair in pairs {
        let raw = |version| raws.get(&(pair.message, version));
        let changes = match (pair.before.and_then(raw), raw(pair.version)) {
            (Some(before), Some(after)) => differences(before, after),
            _ => Vec::new(),
        };
        let ours = rows_of(pair.message, pair.version, &changes);
        if ours != pair.stored {
            let version = Redecoded {
                key: pair.message,
                version: pair.version,
                is_current: false,
                first_seen_run: 0,
                message: None,
            };
            derived::note(
                &table::MESSAGE_CHANGES,
                &version,
                &ours,
                &pair.stored,
                found,
            );
        }
    }
    Ok(())
}
