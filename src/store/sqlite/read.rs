//! Statements and rows as SQLite has them: times are ISO text, lists are JSON.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{
    Connection, Statement as Prepared,
    types::{Null, ValueRef},
};

use super::{
    connection::SqliteConnection,
    open::{MIGRATIONS, Sqlite},
    schema, search,
    write::SqliteWriter,
};
use crate::{
    model::{Text, Timestamp},
    store::{
        StoreError,
        backend::{Asked, Backend, Reader, Select, Writer, assert_arguments},
        error::EngineError,
        schema::{Schema, SchemaObject, migrations},
        statement::{Dialect, Statement},
        value::{Kind, Row, Value},
    },
};

/// How SQLite spells what the engines spell differently.
#[derive(Debug)]
pub(in crate::store) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn list(kind: &str, argument: &str) -> String {
        match kind {
            "pairs" => format!(
                "(select value ->> 0 as number, value ->> 1 as word from json_each(${argument}))"
            ),
            "matching" | "matching_first" => search::matching(argument),
            "index" => search::INDEX_ONE.to_owned(),
            "unindex" => search::UNINDEX_ONE.to_owned(),
            "clear" => search::clear(argument),
            _ => format!("in (select value from json_each(${argument}))"),
        }
    }

    /// A transaction that writes is alone from its beginning.
    const FOR_UPDATE: &'static str = "";

    /// It compares by bytes anyway.
    const BYTEWISE: &'static str = "";
}

/// The statement with its arguments numbered: `$1` would be a name to SQLite.
pub(super) fn spelled(statement: &Statement) -> String {
    statement.spelled::<SqliteDialect>().replace('$', "?")
}

#[async_trait]
impl Backend for Sqlite {
    async fn select(
        &self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let reader = self.reader().await?;
        let rows = select(&reader.connection, statement, args).await?;
        reader.give_back();
        Ok(rows)
    }

    async fn connect_writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        Ok(Box::new(
            SqliteWriter::open(Arc::clone(&self.identity)).await?,
        ))
    }

    async fn connect_reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let connection = self.open_reader().await?;
        // The state that is seen is that of the first read.
        let begin = |connection: &mut Connection| {
            connection.execute_batch("begin")?;
            connection.query_row("select count(*) from archive", [], |_| Ok(()))?;
            Ok(())
        };
        connection
            .with(begin)
            .await
            .map_err(|source| StoreError::whilst("beginning to read one state", source))?;
        Ok(Box::new(SqliteReader(connection)))
    }

    async fn prepare(&self, statement: &Statement) -> Result<(), StoreError> {
        let sql = spelled(statement);
        // A message and its terms, of each entry.
        let arguments = if search::is_of_one(&sql) {
            2
        } else {
            statement.arguments
        };
        let prepare = move |connection: &mut Connection| {
            let prepared = connection.prepare(&sql)?;
            assert_eq!(prepared.parameter_count(), arguments, "arguments of {sql}");
            Ok(())
        };
        self.read(statement.purpose, prepare).await
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        let check = |connection: &mut Connection| {
            let mut check = connection.prepare("pragma quick_check")?;
            let lines = check.query_map([], |row| row.get(0))?;
            Ok(lines.collect::<Result<Vec<String>, _>>()?)
        };
        // On a connection of its own: the index of words compares what one has read before with what
        // another has written since, and calls it corrupt.
        let connection = self.open_reader().await?;
        let found = connection.with(check).await;
        let closed = connection.close().await;
        let whilst = |source| StoreError::whilst("checking the database file", source);
        let found = found.map_err(whilst)?;
        closed.map_err(whilst)?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    async fn read_schema(&self) -> Result<Schema, StoreError> {
        schema::read(self).await
    }

    fn migrations(&self) -> Vec<SchemaObject> {
        migrations(&MIGRATIONS)
    }

    async fn engine_version(&self) -> Result<String, StoreError> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }

    async fn close(&self) {
        self.close_readers().await;
    }
}

/// One state of the file.
#[derive(Debug)]
struct SqliteReader(SqliteConnection);

#[async_trait]
impl Select for SqliteReader {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        select(&self.0, statement, args).await
    }
}

#[async_trait]
impl Reader for SqliteReader {
    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.0
            .close()
            .await
            .map_err(|source| StoreError::whilst("closing the archive", source))
    }
}

/// Reads on one connection.
pub(super) async fn select(
    connection: &SqliteConnection,
    statement: &Statement,
    args: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    assert_arguments(statement, &args);
    let (sql, kinds) = (spelled(statement), statement.columns);
    let select = move |connection: &mut Connection| rows_of(connection, &sql, &args, kinds);
    connection
        .with(select)
        .await
        .map_err(|source| StoreError::whilst(statement.purpose, source))
}

/// Reads on one connection, one question after the other.
pub(super) async fn select_all(
    connection: &SqliteConnection,
    asked: Vec<Asked>,
) -> Result<Vec<Vec<Row>>, StoreError> {
    for (statement, args) in &asked {
        assert_arguments(statement, args);
    }
    let select = move |connection: &mut Connection| {
        let rows = |(statement, args): &Asked| {
            rows_of(connection, &spelled(statement), args, statement.columns)
                .map_err(|error| StoreError::whilst(statement.purpose, error))
        };
        Ok(asked.iter().map(rows).collect())
    };
    match connection.with(select).await {
        Ok(result) => result,
        Err(source) => Err(StoreError::whilst("reading", source)),
    }
}

/// On the connection's thread.
fn rows_of(
    connection: &Connection,
    sql: &str,
    args: &[Value],
    kinds: &[Kind],
) -> Result<Vec<Row>, EngineError> {
    let mut prepared = connection.prepare_cached(sql)?;
    bind(&mut prepared, args, &mut Spellings::default())?;
    let mut found = prepared.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(decode(row, kinds)?);
    }
    Ok(rows)
}

/// The last two times that were spelled out. Of the times of a message most repeat: it was not
/// edited, and it was seen and recorded when its neighbours were.
#[derive(Debug, Default)]
pub(super) struct Spellings([Option<(Timestamp, String)>; 2]);

impl Spellings {
    fn of(&mut self, time: Timestamp) -> &str {
        let is = |entry: &Option<(Timestamp, String)>| {
            entry.as_ref().is_some_and(|(known, _)| *known == time)
        };
        if !is(&self.0[0]) {
            self.0.swap(0, 1);
            if !is(&self.0[0]) {
                self.0[0] = None;
            }
        }
        let (_, text) = self.0[0].get_or_insert_with(|| (time, time.to_string()));
        text
    }
}

/// Gives the statement its arguments, all of them.
pub(super) fn bind(
    prepared: &mut Prepared<'_>,
    args: &[Value],
    spellings: &mut Spellings,
) -> Result<(), rusqlite::Error> {
    for (place, value) in args.iter().enumerate() {
        let place = place + 1;
        match value {
            Value::Int(number) => prepared.raw_bind_parameter(place, number),
            Value::Text(text) => prepared.raw_bind_parameter(place, text.as_deref()),
            Value::Bytes(bytes) => prepared.raw_bind_parameter(place, bytes),
            Value::Bool(truth) => prepared.raw_bind_parameter(place, truth),
            Value::Real(number) => prepared.raw_bind_parameter(place, number),
            Value::Time(None) => prepared.raw_bind_parameter(place, Null),
            Value::Time(Some(time)) => prepared.raw_bind_parameter(place, spellings.of(*time)),
            Value::Ints(list) => prepared.raw_bind_parameter(place, json(list)),
            Value::Texts(list) => prepared.raw_bind_parameter(place, json(list)),
            Value::Pairs(list) => prepared.raw_bind_parameter(place, json(list)),
            Value::Entries(_) => unreachable!("entries are written one by one"),
            Value::Query(query) => prepared.raw_bind_parameter(place, search::question(query)),
        }?;
    }
    Ok(())
}

fn json<T: serde::Serialize>(list: &T) -> String {
    serde_json::to_string(list).expect("numbers and texts are JSON")
}

fn decode(row: &rusqlite::Row<'_>, kinds: &[Kind]) -> Result<Row, EngineError> {
    let mut values = Vec::with_capacity(kinds.len());
    for (column, kind) in kinds.iter().enumerate() {
        values.push(value_of(row.get_ref(column)?, *kind)?);
    }
    Ok(Row::new(values))
}

fn value_of(found: ValueRef<'_>, kind: Kind) -> Result<Value, EngineError> {
    let text = || found.as_str_or_null();
    let value = match kind {
        Kind::Int => found.as_i64_or_null().map(Value::Int),
        Kind::Text => text().map(|text| Value::Text(text.map(Text::from))),
        Kind::Bytes => found
            .as_bytes_or_null()
            .map(|bytes| Value::Bytes(bytes.map(<[u8]>::to_vec))),
        Kind::Bool => found
            .as_i64_or_null()
            .map(|number| Value::Bool(number.map(|number| number != 0))),
        Kind::Real => found.as_f64_or_null().map(Value::Real),
        Kind::Time => match text() {
            Ok(text) => return Ok(Value::Time(text.map(time).transpose()?)),
            Err(error) => Err(error),
        },
    };
    Ok(value.map_err(rusqlite::Error::from)?)
}

fn time(text: &str) -> Result<Timestamp, EngineError> {
    text.parse()
        .map_err(|_| EngineError::Broken(format!("{text:?} stands for a time")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_spelled_the_same_whatever_came_before() {
        let mut spellings = Spellings::default();
        for ms in [1, 1, 2, 1, 3, 2, 3, 3, 1, 0, 1, 2] {
            let time = Timestamp::from_millis(ms);
            assert_eq!(spellings.of(time), time.to_string());
        }
    }
}
