//! The one connection that writes: one array a column, so that one text serves any number of
//! rows.

use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Executor as _, PgConnection,
    error::BoxDynError, postgres::PgArguments,
};

use super::read::{self, Micros, PostgresDialect, arguments};
use crate::store::{
    StoreError,
    backend::{Step, Writer},
    statement::{self, Statement},
    table::{Meeting, Rows, Table},
    value::{Kind, Row, Value},
};

/// One connection.
#[derive(Debug)]
pub(super) struct PostgresWriter {
    connection: PgConnection,
}

/// A transaction looks things up by their keys. Of a table that was filled a minute ago the server
/// knows no numbers yet, and would read the whole of it for each batch.
const BY_KEYS: &str = "set enable_seqscan = off; set enable_hashjoin = off; \
                       set enable_mergejoin = off";

impl PostgresWriter {
    pub(super) async fn over(mut connection: PgConnection) -> Result<Self, StoreError> {
        let whilst = |source| StoreError::whilst("setting the writing session up", source);
        connection.execute(BY_KEYS).await.map_err(whilst)?;
        Ok(Self { connection })
    }

    async fn run(&mut self, statement: &Statement, args: Vec<Value>) -> Result<u64, StoreError> {
        let whilst = |source| StoreError::whilst(statement.purpose, source);
        let sql = AssertSqlSafe(statement.spelled::<PostgresDialect>());
        let done = sqlx::query_with(sql, arguments(args).map_err(whilst)?)
            .execute(&mut self.connection)
            .await
            .map_err(whilst)?;
        Ok(done.rows_affected())
    }

    async fn put(&mut self, (table, rows): Rows) -> Result<u64, StoreError> {
        let whilst = |source| StoreError::whilst(format!("writing {}", table.name), source);
        let args = columns(table, &rows)
            .map_err(sqlx::Error::Encode)
            .map_err(whilst)?;
        assert_eq!(args.len(), table.columns.len(), "arrays of {}", table.name);
        let done = sqlx::query_with(AssertSqlSafe(bulk_text(table)), args)
            .execute(&mut self.connection)
            .await
            .map_err(whilst)?;
        Ok(done.rows_affected())
    }

    /// By the simple protocol: one round trip, and the words are on the wire as they are.
    async fn command(&mut self, command: &'static str) -> Result<(), StoreError> {
        self.connection.execute(command).await.map_err(|source| {
            StoreError::whilst(format!("telling Postgres to {command}"), source)
        })?;
        Ok(())
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.command("begin").await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.command("commit").await
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.command("rollback").await
    }

    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        read::select(&mut self.connection, statement, args).await
    }

    async fn write_behind(&mut self, steps: Vec<Step>) -> Result<Vec<u64>, StoreError> {
        let mut changed = Vec::with_capacity(steps.len());
        for step in steps {
            step.assert();
            let is_fence = matches!(step, Step::Fence(_));
            changed.push(match step {
                Step::Fence(epoch) => self.run(&statement::FENCE, vec![epoch.into()]).await?,
                Step::Run(statement, args) => self.run(statement, args).await?,
                Step::Put(rows) => self.put(rows).await?,
            });
            if is_fence && changed.ends_with(&[0]) {
                break;
            }
        }
        Ok(changed)
    }

    /// Nothing is under way: the connection takes one statement after the other.
    async fn settle(&mut self) -> Result<Vec<u64>, StoreError> {
        Ok(Vec::new())
    }

    /// A statement costs a way there and back, whatever it writes.
    fn messages_at_once(&self) -> usize {
        2_000
    }

    /// The server has made durable whatever it has called committed.
    async fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.connection
            .close()
            .await
            .map_err(|source| StoreError::whilst("closing the connection to Postgres", source))
    }

    /// How to go on after a sync that failed is the server's own business.
    fn abandon(self: Box<Self>) {}
}

fn bulk_text(table: &Table) -> String {
    let list = table.column_list();
    let arrays: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, (_, kind))| format!("cast(${} as {}[])", place + 1, type_name(*kind)))
        .collect();
    let rows = format!("unnest({}) as wanted ({list})", arrays.join(", "));
    match table.meeting {
        Meeting::Update => format!(
            "{} from {rows} where {}",
            table.update_clause(),
            table.same_key()
        ),
        Meeting::Delete => format!(
            "delete from {} using {rows} where {}",
            table.name,
            table.same_key()
        ),
        Meeting::Insert | Meeting::Keep | Meeting::Replace { .. } => format!(
            "insert into {} ({list}) select * from {rows}{}",
            table.name,
            table.conflict_clause(),
        ),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
        Kind::Bool => "boolean",
        Kind::Real => "double precision",
        Kind::Time => "timestamptz",
    }
}

/// Turns rows into one array a column.
fn columns(table: &Table, rows: &[Vec<Value>]) -> Result<PgArguments, BoxDynError> {
    let mut args = PgArguments::default();
    for (place, (_, kind)) in table.columns.iter().enumerate() {
        match kind {
            Kind::Int => args.add(column(rows, place, |value| match value {
                Value::Int(number) => Some(*number),
                _ => None,
            })),
            Kind::Text => args.add(column(rows, place, |value| match value {
                Value::Text(text) => Some(text.as_deref()),
                _ => None,
            })),
            Kind::Bytes => args.add(column(rows, place, |value| match value {
                Value::Bytes(bytes) => Some(bytes.as_deref()),
                _ => None,
            })),
            Kind::Bool => args.add(column(rows, place, |value| match value {
                Value::Bool(truth) => Some(*truth),
                _ => None,
            })),
            Kind::Real => args.add(column(rows, place, |value| match value {
                Value::Real(number) => Some(*number),
                _ => None,
            })),
            Kind::Time => args.add(column(rows, place, |value| match value {
                Value::Time(time) => Some(time.map(Micros::from)),
                _ => None,
            })),
        }?;
    }
    Ok(args)
}

/// The values of one column; each is of the column's kind, as was asserted.
fn column<'v, T>(
    rows: &'v [Vec<Value>],
    place: usize,
    take: impl Fn(&'v Value) -> Option<Option<T>>,
) -> Vec<Option<T>> {
    rows.iter().filter_map(|row| take(&row[place])).collect()
}
