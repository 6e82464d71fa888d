//! The schema of a file: its text, to the letter. What it should be is made by running the
//! migrations in memory.

use rusqlite::Connection;

use super::open::{MIGRATIONS, Sqlite};
use crate::store::{
    StoreError,
    error::EngineError,
    schema::{Schema, SchemaKind, SchemaObject},
};

/// Reads both sides on one of the connections that read.
pub(super) async fn read(archive: &Sqlite) -> Result<Schema, StoreError> {
    let read = |connection: &mut Connection| {
        let made = Connection::open_in_memory()?;
        for migration in MIGRATIONS.iter() {
            made.execute_batch(migration.sql.as_str())?;
        }
        Ok(Schema {
            expected: objects(&made)?,
            found: objects(connection)?,
        })
    };
    archive.read("reading the schema of the file", read).await
}

/// What SQLite makes by itself has no text, or a name of its own. The tables under an index of
/// words are made by SQLite too: their text is its business.
fn objects(connection: &Connection) -> Result<Vec<SchemaObject>, EngineError> {
    let mut prepared = connection.prepare(
        "select type, tbl_name, name,
                case when name like 'search!_index!_%' escape '!' and sql like '%''%' then ''
                     else sql end
         from sqlite_schema
         where sql is not null and name not like 'sqlite!_%' escape '!'
           and name <> '_sqlx_migrations'",
    )?;
    let objects = prepared.query_map([], |row| {
        let (kind, relation, name): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let definition: String = row.get(3)?;
        let kind = kind_of(&kind, &definition);
        let is_relation = matches!(kind, SchemaKind::Relation | SchemaKind::View);
        Ok(SchemaObject {
            kind,
            relation,
            name: if is_relation { String::new() } else { name },
            definition,
        })
    })?;
    Ok(objects.collect::<Result<_, _>>()?)
}

fn kind_of(word: &str, definition: &str) -> SchemaKind {
    match word {
        "table" => SchemaKind::Relation,
        "view" => SchemaKind::View,
        "index" if definition.to_ascii_lowercase().starts_with("create unique") => {
            SchemaKind::UniqueIndex
        }
        "index" => SchemaKind::Index,
        _ => SchemaKind::Intruder,
    }
}
