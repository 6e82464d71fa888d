//! Statements and rows as SQLite has them: times are ISO text, lists are JSON.

use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr as _,
    SqliteConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{open::Sqlite, write::SqliteWriter};
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        backend::{Backend, Reader, Select, Writer, assert_arguments},
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
            _ => format!("in (select value from json_each(${argument}))"),
        }
    }

    /// A transaction that writes is alone from its beginning.
    const FOR_UPDATE: &'static str = "";
}

#[async_trait]
impl Backend for Sqlite {
    async fn select(
        &self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut reader = self
            .readers
            .acquire()
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))?;
        select(&mut reader, statement, args).await
    }

    async fn connect_writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        Ok(Box::new(SqliteWriter::over(self.connect().await?)))
    }

    async fn connect_reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let mut connection = self.connect_to_read().await?;
        // The state that is seen is that of the first read.
        for command in ["begin", "select count(*) from archive"] {
            sqlx::query(command)
                .execute(&mut connection)
                .await
                .map_err(|source| StoreError::whilst("beginning to read one state", source))?;
        }
        Ok(Box::new(SqliteReader(connection)))
    }

    async fn prepare(&self, statement: &Statement) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(statement.spelled::<SqliteDialect>()).into_sql_str();
        self.readers
            .prepare(sql)
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))?;
        Ok(())
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        let found: Vec<String> = sqlx::query_scalar("pragma quick_check")
            .fetch_all(&self.readers)
            .await
            .map_err(|source| StoreError::whilst("checking the database file", source))?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    async fn engine_version(&self) -> Result<String, StoreError> {
        let version: String = sqlx::query_scalar("select sqlite_version()")
            .fetch_one(&self.readers)
            .await
            .map_err(|source| StoreError::whilst("asking for the version", source))?;
        Ok(format!("SQLite {version}"))
    }

    async fn close(&self) {
        self.readers.close().await;
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
        select(&mut self.0, statement, args).await
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
    connection: &mut SqliteConnection,
    statement: &Statement,
    args: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    assert_arguments(statement, &args);
    let whilst = |source| StoreError::whilst(statement.purpose, source);
    let sql = AssertSqlSafe(statement.spelled::<SqliteDialect>());
    let rows = sqlx::query_with(sql, arguments(args).map_err(whilst)?)
        .fetch_all(connection)
        .await
        .map_err(whilst)?;
    rows.iter().map(|row| decode(row, statement)).collect()
}

/// The values as sqlx takes them.
pub(super) fn arguments(
    args: impl IntoIterator<Item = Value>,
) -> Result<SqliteArguments, sqlx::Error> {
    let mut made = SqliteArguments::default();
    for value in args {
        match value {
            Value::Int(number) => made.add(number),
            Value::Text(text) => made.add(text),
            Value::Bytes(bytes) => made.add(bytes),
            Value::Bool(truth) => made.add(truth),
            Value::Real(number) => made.add(number),
            Value::Time(time) => made.add(time.map(|time| time.to_string())),
            Value::Ints(list) => made.add(json(&list)),
            Value::Texts(list) => made.add(json(&list)),
            Value::Pairs(list) => made.add(json(&list)),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(made)
}

fn json<T: serde::Serialize>(list: &T) -> String {
    serde_json::to_string(list).expect("numbers and texts are JSON")
}

fn decode(row: &SqliteRow, statement: &Statement) -> Result<Row, StoreError> {
    let whilst = |source| StoreError::whilst(statement.purpose, source);
    let mut values = Vec::with_capacity(statement.columns.len());
    for (column, kind) in statement.columns.iter().enumerate() {
        values.push(match kind {
            Kind::Int => Value::Int(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Text => Value::Text(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Bytes => Value::Bytes(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Bool => Value::Bool(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Real => Value::Real(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Time => {
                let text: Option<String> = row.try_get_unchecked(column).map_err(whilst)?;
                Value::Time(text.as_deref().map(time).transpose()?)
            }
        });
    }
    Ok(Row::new(values))
}

fn time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse()
        .map_err(|_| StoreError::broken(format!("{text:?} stands for a time")))
}
