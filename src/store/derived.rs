//! What is stored of a message against what decoding its raw JSON gives: the rows that differ,
//! and how to put them right. One comparison serves `verify` and `renormalize`.
//!
//! Derived are: the content columns and the digest of `messages`, the six tables around it, `anomalies` (but for
//! those of kind `created_at_changed`, which compare two versions and stay as they are) and the
//! kind of each sender.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use sha2::{Digest as _, Sha256};

use super::{
    Difference, Redecoded, StoreError,
    apply::{Plan, put_derived},
    backend::Select,
    statement::{self, Statement},
    table::{self, Table},
    value::{Row, Value, clean},
};
use crate::model::AnomalyKind;

/// A table around `messages`: one row a message, or a list of them by position.
pub(super) struct Child {
    pub(super) table: &'static Table,
    pub(super) read: &'static Statement,
    pub(super) clear: &'static Statement,
}

/// The tables around `messages` whose rows follow from the current version.
pub(super) static CHILDREN: [Child; 6] = [
    Child {
        table: &table::QUICK_REPLIES,
        read: &statement::DERIVED_QUICK_REPLIES,
        clear: &statement::CLEAR_QUICK_REPLIES,
    },
    Child {
        table: &table::QUICK_REPLY_OPTIONS,
        read: &statement::DERIVED_QUICK_REPLY_OPTIONS,
        clear: &statement::CLEAR_QUICK_REPLY_OPTIONS,
    },
    Child {
        table: &table::ATTACHMENTS,
        read: &statement::DERIVED_ATTACHMENTS,
        clear: &statement::CLEAR_ATTACHMENTS,
    },
    Child {
        table: &table::LOCATIONS,
        read: &statement::DERIVED_LOCATIONS,
        clear: &statement::CLEAR_LOCATIONS,
    },
    Child {
        table: &table::SHARED_CONTACTS,
        read: &statement::DERIVED_SHARED_CONTACTS,
        clear: &statement::CLEAR_SHARED_CONTACTS,
    },
    Child {
        table: &table::TEMPLATE_VARIABLES,
        read: &statement::DERIVED_TEMPLATE_VARIABLES,
        clear: &statement::CLEAR_TEMPLATE_VARIABLES,
    },
];

/// Rows as a list of values each, in the order of their table's columns.
type RowLists = Vec<Vec<Value>>;

/// What a comparison found, and what puts it right.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) differences: Vec<Difference>,
    /// Rows of `MESSAGE_CONTENTS` to write.
    pub(super) contents: RowLists,
    /// By the place in [`CHILDREN`]: the messages whose rows are replaced, and the rows.
    pub(super) children: BTreeMap<usize, (Vec<i64>, RowLists)>,
    /// By version: the messages whose anomalies are replaced, and the rows.
    pub(super) anomalies: BTreeMap<i64, (Vec<i64>, RowLists)>,
    /// Rows of `SENDER_KINDS` to write.
    pub(super) senders: RowLists,
}

/// Compares some versions, each of another message or another number, with what is stored.
pub(super) async fn compare(
    source: &mut dyn Select,
    versions: &[Redecoded<'_>],
) -> Result<Comparison, StoreError> {
    let mut comparison = Comparison::default();
    let current: Vec<&Redecoded<'_>> = versions
        .iter()
        .filter(|version| version.is_current && version.message.is_some())
        .collect();
    let mut plan = Plan::default();
    for version in &current {
        if let Some(message) = version.message {
            put_derived(version.key, message, &mut plan);
        }
    }
    let keys: Vec<i64> = current.iter().map(|version| version.key).collect();
    if !keys.is_empty() {
        compare_contents(source, &current, &plan, &keys, &mut comparison).await?;
        for place in 0..CHILDREN.len() {
            compare_child(source, place, &current, &plan, &keys, &mut comparison).await?;
        }
        compare_senders(source, &current, &mut comparison).await?;
    }
    compare_anomalies(source, versions, &mut comparison).await?;
    Ok(comparison)
}

async fn compare_contents(
    source: &mut dyn Select,
    current: &[&Redecoded<'_>],
    plan: &Plan,
    keys: &[i64],
    comparison: &mut Comparison,
) -> Result<(), StoreError> {
    let table = &table::MESSAGE_CONTENTS;
    let mut expected = by_key(planned(plan, table));
    let mut stored = read(source, &statement::DERIVED_MESSAGES, keys).await?;
    for version in current {
        let ours = expected.remove(&version.key).unwrap_or_default();
        let theirs = stored.remove(&version.key).unwrap_or_default();
        if ours != theirs {
            note(table, version, &ours, &theirs, &mut comparison.differences);
            comparison.contents.extend(ours);
        }
    }
    Ok(())
}

async fn compare_child(
    source: &mut dyn Select,
    place: usize,
    current: &[&Redecoded<'_>],
    plan: &Plan,
    keys: &[i64],
    comparison: &mut Comparison,
) -> Result<(), StoreError> {
    let Child { table, read, .. } = &CHILDREN[place];
    let mut expected = by_key(planned(plan, table));
    let mut stored = self::read(source, read, keys).await?;
    for version in current {
        let ours = expected.remove(&version.key).unwrap_or_default();
        let theirs = stored.remove(&version.key).unwrap_or_default();
        if ours != theirs {
            note(table, version, &ours, &theirs, &mut comparison.differences);
            let (cleared, rows) = comparison.children.entry(place).or_default();
            cleared.push(version.key);
            rows.extend(ours);
        }
    }
    Ok(())
}

/// The anomalies of each version: those of its raw JSON, then what a comparison with the version
/// before has found.
async fn compare_anomalies(
    source: &mut dyn Select,
    versions: &[Redecoded<'_>],
    comparison: &mut Comparison,
) -> Result<(), StoreError> {
    let keys: BTreeSet<i64> = versions.iter().map(|version| version.key).collect();
    let keys: Vec<i64> = keys.into_iter().collect();
    let mut stored: BTreeMap<(i64, i64), RowLists> = BTreeMap::new();
    let rows = source.select(&statement::DERIVED_ANOMALIES, vec![keys.into()]);
    for row in rows.await? {
        let row = row.into_values();
        let (Value::Int(Some(key)), Value::Int(Some(version))) = (&row[0], &row[1]) else {
            return Err(StoreError::broken("an anomaly of no message"));
        };
        stored.entry((*key, *version)).or_default().push(row);
    }
    for version in versions {
        let theirs = stored
            .remove(&(version.key, version.version))
            .unwrap_or_default();
        let ours = expected_anomalies(version, &theirs);
        if ours != theirs {
            let table = &table::ANOMALIES;
            note(table, version, &ours, &theirs, &mut comparison.differences);
            let (cleared, rows) = comparison.anomalies.entry(version.version).or_default();
            cleared.push(version.key);
            rows.extend(ours);
        }
    }
    Ok(())
}

fn expected_anomalies(version: &Redecoded<'_>, stored: &[Vec<Value>]) -> RowLists {
    let decoded = version.message.into_iter().flat_map(|m| &m.anomalies);
    let decoded = decoded.map(|anomaly| {
        [
            anomaly.kind.as_str().into(),
            (&anomaly.path).into(),
            (&anomaly.detail).into(),
        ]
    });
    let moved: Value = AnomalyKind::CreatedAtChanged.as_str().into();
    let kept = stored.iter().filter(|row| row[3] == moved);
    let kept = kept.map(|row| [row[3].clone(), row[4].clone(), row[5].clone()]);
    decoded
        .chain(kept)
        .enumerate()
        .map(|(position, what)| {
            let mut row: Vec<Value> = vec![
                version.key.into(),
                version.version.into(),
                (position as u64).into(),
            ];
            row.extend(what);
            row
        })
        .collect()
}

/// Every sender of a current message is known, by its kind.
async fn compare_senders(
    source: &mut dyn Select,
    current: &[&Redecoded<'_>],
    comparison: &mut Comparison,
) -> Result<(), StoreError> {
    let mut first: BTreeMap<String, &Redecoded<'_>> = BTreeMap::new();
    for version in current {
        let Some(id) = version
            .message
            .and_then(|message| message.sender_id.as_deref())
        else {
            continue;
        };
        let known = first.entry(clean(id)).or_insert(version);
        if version.first_seen_run < known.first_seen_run {
            *known = version;
        }
    }
    let ids: Vec<String> = first.keys().cloned().collect();
    let mut kinds = BTreeMap::new();
    let rows = source.select(&statement::DERIVED_SENDERS, vec![ids.into()]);
    for mut row in rows.await? {
        kinds.insert(row.text()?, row.text()?);
    }
    for (id, version) in first {
        let Some(message) = version.message else {
            continue;
        };
        let kind = message.sender_kind.as_str();
        let found = kinds.get(&id);
        if found.is_some_and(|found| found == kind) {
            continue;
        }
        comparison.differences.push(Difference {
            key: version.key,
            version: version.version,
            table: table::SENDERS.name,
            position: None,
            column: found.map(|_| "kind"),
            expected: kind.to_owned(),
            found: found.map_or_else(|| "no row".to_owned(), |word| text_shown(word)),
        });
        let id: Value = (&id).into();
        let row = vec![id, kind.into(), version.first_seen_run.into()];
        comparison.senders.push(row);
    }
    Ok(())
}

/// The rows of a plan for one table.
fn planned(plan: &Plan, table: &'static Table) -> RowLists {
    let planned = plan.rows_of(table).into_iter();
    planned
        .flat_map(table::Rows::iter)
        .map(<[Value]>::to_vec)
        .collect()
}

fn by_key(rows: RowLists) -> BTreeMap<i64, RowLists> {
    let mut found: BTreeMap<i64, RowLists> = BTreeMap::new();
    for row in rows {
        if let Value::Int(Some(key)) = row[0] {
            found.entry(key).or_default().push(row);
        }
    }
    found
}

pub(super) async fn read(
    source: &mut dyn Select,
    statement: &Statement,
    keys: &[i64],
) -> Result<BTreeMap<i64, RowLists>, StoreError> {
    let rows = source.select(statement, vec![keys.to_vec().into()]).await?;
    Ok(by_key(rows.into_iter().map(Row::into_values).collect()))
}

/// Notes where the rows of one message in one table differ.
pub(super) fn note(
    table: &'static Table,
    version: &Redecoded<'_>,
    ours: &[Vec<Value>],
    theirs: &[Vec<Value>],
    differences: &mut Vec<Difference>,
) {
    let listed = table.key_columns > 1;
    // The position is the last column of the key.
    let place = |row: &Vec<Value>| match row[table.key_columns - 1] {
        Value::Int(place) if listed => place,
        _ => None,
    };
    let mut both: BTreeMap<Option<i64>, [Option<&Vec<Value>>; 2]> = BTreeMap::new();
    for (side, rows) in [ours, theirs].into_iter().enumerate() {
        for row in rows {
            both.entry(place(row)).or_default()[side] = Some(row);
        }
    }
    let mut push = |position, column, expected, found| {
        differences.push(Difference {
            key: version.key,
            version: version.version,
            table: table.name,
            position,
            column,
            expected,
            found,
        });
    };
    for (position, sides) in both {
        match sides {
            [Some(_), None] => push(position, None, "a row".to_owned(), "no row".to_owned()),
            [None, Some(_)] => push(position, None, "no row".to_owned(), "a row".to_owned()),
            [Some(ours), Some(theirs)] => {
                for (place, (column, _)) in table.columns.iter().enumerate() {
                    if ours[place] != theirs[place] {
                        push(
                            position,
                            Some(*column),
                            shown(&ours[place]),
                            shown(&theirs[place]),
                        );
                    }
                }
            }
            [None, None] => {}
        }
    }
}

/// A value for people, without any text of a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Int(Some(number)) => number.to_string(),
        Value::Bool(Some(truth)) => truth.to_string(),
        Value::Time(Some(time)) => time.to_string(),
        Value::Text(Some(text)) => text_shown(text),
        Value::Real(Some(number)) => format!("a number, {}", hash_shown(&number.to_be_bytes())),
        Value::Bytes(Some(bytes)) => format!("{} bytes, {}", bytes.len(), hash_shown(bytes)),
        _ => "null".to_owned(),
    }
}

fn text_shown(text: &str) -> String {
    format!(
        "text of {} bytes, {}",
        text.len(),
        hash_shown(text.as_bytes())
    )
}

/// The beginning of the hash: enough to tell two values apart.
fn hash_shown(bytes: &[u8]) -> String {
    let mut shown = "sha256 ".to_owned();
    for byte in &Sha256::digest(bytes)[..6] {
        // Writing to a string cannot fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_the_kinds_of_what_is_written() {
        let contents = (&table::MESSAGE_CONTENTS, &statement::DERIVED_MESSAGES);
        let anomalies = (&table::ANOMALIES, &statement::DERIVED_ANOMALIES);
        let changes = (&table::MESSAGE_CHANGES, &statement::DERIVED_CHANGES);
        let children = CHILDREN.iter().map(|child| (child.table, child.read));
        for (table, statement) in children.chain([contents, anomalies, changes]) {
            let kinds: Vec<_> = table.columns.iter().map(|(_, kind)| *kind).collect();
            assert_eq!(kinds, statement.columns, "{}", table.name);
            let list = statement.text.split("from").next().unwrap_or_default();
            let names = list.trim().trim_start_matches("select").split(',');
            let names: Vec<&str> = names.map(str::trim).collect();
            let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, columns, "{}", table.name);
        }
    }

    #[test]
    fn no_text_is_shown() {
        for value in [
            Value::Text(Some("canary".into())),
            Value::Bytes(Some(b"canary".to_vec())),
        ] {
            let shown = shown(&value);
            assert!(!shown.contains("canary"), "{shown}");
            assert!(shown.contains("6 bytes, sha256 "), "{shown}");
        }
    }
}
