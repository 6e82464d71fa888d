//! The schema that stands in the database against the one that the migrations make: tables,
//! columns, constraints, indexes, views, triggers, rules, policies, the migrations' own records
//! and the dictionary.
//!
//! Reads alone. What is not attached to a table or view of ours is nobody's business here: an
//! operator may keep tables and views of their own beside an archive. Each engine gives both
//! sides as [`SchemaObject`]s in a form that does not depend on the engine's version.

use std::collections::{BTreeMap, BTreeSet};

use super::{Store, StoreError, dictionary, statement};

/// How much of a definition is shown.
const SHOWN_CHARS_MAX: usize = 160;

/// What kind of thing is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaKind {
    /// A table or a view that can be read.
    Relation,
    /// A column of one.
    Column,
    /// A constraint of a table.
    Constraint,
    /// An index that speeds reading up and constrains nothing.
    Index,
    /// An index that keeps values unique.
    UniqueIndex,
    /// What a view selects.
    View,
    /// Whatever changes rows on their way in or out: a trigger, a rule, a policy, an heir.
    Intruder,
    /// What the dictionary or a comment says of a table, a view or a column.
    Meaning,
    /// A migration that was applied.
    Migration,
}

impl SchemaKind {
    /// The word for it, which the catalogue of Postgres uses too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::UniqueIndex => "unique index",
            Self::View => "view",
            Self::Intruder => "trigger, rule or policy",
            Self::Meaning => "description",
            Self::Migration => "migration",
        }
    }
}

/// One thing that stands in a database, or should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaObject {
    /// What it is.
    pub kind: SchemaKind,
    /// The table or view that it is, or belongs to.
    pub relation: String,
    /// Its own name; empty for the relation itself.
    pub name: String,
    /// What it says.
    pub definition: String,
}

/// The two sides.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// What the migrations make.
    pub(super) expected: Vec<SchemaObject>,
    /// What is there, whosever it is.
    pub(super) found: Vec<SchemaObject>,
}

/// A thing that is not as the migrations make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFlaw {
    /// What it is.
    pub kind: SchemaKind,
    /// The table or view, where it is one of the dictionary's.
    pub relation: Option<&'static str>,
    /// What the migrations make.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl Store {
    /// Where the schema is not the one that the migrations make.
    pub async fn schema_flaws(&self) -> Result<Vec<SchemaFlaw>, StoreError> {
        let mut schema = self.shared.backend.read_schema().await?;
        schema.expected.extend(described());
        schema.found.extend(self.read_dictionary().await?);
        schema.expected.extend(self.shared.backend.migrations());
        schema.found.extend(self.read_migrations().await?);
        Ok(flaws(&schema))
    }

    /// Every table, column, constraint and index that is there, in a form that does not depend on
    /// the engine's version.
    pub async fn read_schema(&self) -> Result<Vec<SchemaObject>, StoreError> {
        Ok(self.shared.backend.read_schema().await?.found)
    }

    async fn read_dictionary(&self) -> Result<Vec<SchemaObject>, StoreError> {
        let rows = self.select(&statement::DICTIONARY, Vec::new()).await?;
        rows.into_iter()
            .map(|mut row| {
                let (relation, position) = (row.text()?, row.int()?);
                let name = row.maybe_text()?.unwrap_or_default();
                let meaning = row.text()?;
                Ok(meaning_of(&relation, position, &name, &meaning))
            })
            .collect()
    }

    async fn read_migrations(&self) -> Result<Vec<SchemaObject>, StoreError> {
        let rows = self.select(&statement::MIGRATIONS, Vec::new()).await?;
        rows.into_iter()
            .map(|mut row| {
                let (version, description) = (row.int()?, row.text()?);
                let is_done = row.bool()?;
                Ok(migration(version, &description, is_done, &row.bytes()?))
            })
            .collect()
    }
}

/// What the dictionary should hold.
fn described() -> impl Iterator<Item = SchemaObject> {
    dictionary::objects().flat_map(|object| {
        let columns = (1..)
            .zip(object.columns)
            .map(|(position, (name, meaning))| meaning_of(object.name, position, name, meaning));
        std::iter::once(meaning_of(object.name, 0, "", object.purpose)).chain(columns)
    })
}

fn meaning_of(relation: &str, position: i64, name: &str, meaning: &str) -> SchemaObject {
    SchemaObject {
        kind: SchemaKind::Meaning,
        relation: "data_dictionary".to_owned(),
        name: format!("{relation}.{name}"),
        definition: format!("{position}: {meaning}"),
    }
}

/// A migration as it was applied.
pub(super) fn migration(
    version: i64,
    description: &str,
    is_done: bool,
    checksum: &[u8],
) -> SchemaObject {
    let done = if is_done { "applied" } else { "not finished" };
    SchemaObject {
        kind: SchemaKind::Migration,
        relation: "_sqlx_migrations".to_owned(),
        name: version.to_string(),
        definition: format!("{description}, {done}, checksum {checksum:02x?}"),
    }
}

/// The migrations that are compiled in.
pub(super) fn migrations(migrator: &sqlx::migrate::Migrator) -> Vec<SchemaObject> {
    let compiled = migrator.iter();
    compiled
        .map(|one| migration(one.version, &one.description, true, &one.checksum))
        .collect()
}

/// What differs, in the order of what is there; what is missing comes last.
fn flaws(schema: &Schema) -> Vec<SchemaFlaw> {
    let mut expected: BTreeMap<_, &str> = schema
        .expected
        .iter()
        .map(|object| (key(object), &*object.definition))
        .collect();
    let ours: BTreeSet<&str> = expected.keys().map(|(_, relation, _)| *relation).collect();
    let mut flaws = Vec::new();
    for object in &schema.found {
        let found = &*object.definition;
        match expected.remove(&key(object)) {
            Some(definition) if definition == found => {}
            Some(definition) => {
                let (expected, found) = first_difference(definition, found);
                flaws.push(flaw(key(object), expected, found));
            }
            None if ours.contains(&*object.relation) => {
                flaws.push(flaw(key(object), "none", found));
            }
            None => {}
        }
    }
    flaws.extend(
        expected
            .into_iter()
            .map(|(key, definition)| flaw(key, definition, "none")),
    );
    flaws
}

/// What an object is known by.
type Key<'a> = (SchemaKind, &'a str, &'a str);

fn key(object: &SchemaObject) -> Key<'_> {
    (object.kind, &object.relation, &object.name)
}

fn flaw((kind, relation, name): Key<'_>, expected: &str, found: &str) -> SchemaFlaw {
    let dot = if name.is_empty() { "" } else { "." };
    let subject = format!("{} {relation}{dot}{name}", kind.as_str());
    SchemaFlaw {
        kind,
        relation: dictionary::objects()
            .map(|object| object.name)
            .find(|known| *known == relation),
        expected: format!("{subject}: {}", shown(expected)),
        found: shown(found),
    }
}

/// The first lines that differ, of definitions that do.
fn first_difference<'a>(expected: &'a str, found: &'a str) -> (&'a str, &'a str) {
    let mut found_lines = found.lines();
    for line in expected.lines() {
        let other = found_lines.next().unwrap_or("no such line");
        if other != line {
            return (line.trim(), other.trim());
        }
    }
    ("no further line", found_lines.next().unwrap_or(found))
}

fn shown(definition: &str) -> String {
    let line = definition.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: SchemaKind, relation: &str, name: &str, definition: &str) -> SchemaObject {
        SchemaObject {
            kind,
            relation: relation.to_owned(),
            name: name.to_owned(),
            definition: definition.to_owned(),
        }
    }

    fn found(found: Vec<SchemaObject>) -> Vec<(String, String)> {
        let schema = Schema {
            expected: vec![
                object(SchemaKind::Relation, "runs", "", "a\n  b\nc"),
                object(SchemaKind::Index, "runs", "runs_by_id", "on (id)"),
            ],
            found,
        };
        let flaws = flaws(&schema).into_iter();
        flaws.map(|flaw| (flaw.expected, flaw.found)).collect()
    }

    #[test]
    fn what_is_changed_missing_or_added_to_ours_is_found_and_nothing_else() {
        let table = || object(SchemaKind::Relation, "runs", "", "a\n  b\nc");
        let index = || object(SchemaKind::Index, "runs", "runs_by_id", "on (id)");
        assert_eq!(found(vec![table(), index()]), []);
        let theirs = object(SchemaKind::Intruder, "their_table", "x", "a trigger");
        assert_eq!(found(vec![theirs, table(), index()]), []);

        let pair = |expected: &str, found: &str| (expected.to_owned(), found.to_owned());
        let spy = object(SchemaKind::Intruder, "runs", "spy", "before   insert");
        assert_eq!(
            found(vec![table(), index(), spy]),
            [pair(
                "trigger, rule or policy runs.spy: none",
                "before insert"
            )]
        );
        let changed = object(SchemaKind::Relation, "runs", "", "a\n  b where false\nc");
        assert_eq!(
            found(vec![changed]),
            [
                pair("relation runs: b", "b where false"),
                pair("index runs.runs_by_id: on (id)", "none"),
            ]
        );
        let longer = object(SchemaKind::Relation, "runs", "", "a\n  b\nc\nlimit 1");
        assert_eq!(
            found(vec![longer, index()]),
            [pair("relation runs: no further line", "limit 1")]
        );
    }
}
