//! The one connection that writes: a prepared statement a table, run for each row.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    connection::{Access, SqliteConnection},
    log::{self, Carrier, checkpoint},
    read::{self, Spellings, bind, spelled},
    search,
};
use crate::store::{
    StoreError,
    backend::{Writer, assert_arguments, assert_rows},
    error::EngineError,
    statement::Statement,
    table::{Meeting, Rows, Table},
    value::{Kind, Row, Value},
};

/// The connection.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: SqliteConnection,
    carrier: Carrier,
}

impl SqliteWriter {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            connection: SqliteConnection::open(path, Access::Write).await?,
            carrier: Carrier::new(path),
        })
    }

    async fn command(&self, command: &'static str) -> Result<(), StoreError> {
        self.connection
            .with(move |connection| Ok(connection.execute_batch(command)?))
            .await
            .map_err(|source| StoreError::whilst(format!("telling SQLite to {command}"), source))
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.carrier.keep_log_short(&self.connection).await?;
        self.command("begin immediate").await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let commit = |connection: &mut Connection| {
            connection.execute_batch("commit")?;
            // What follows is no part of the commit: where it fails, `begin` asks again.
            Ok(log::run(connection, "noop").ok())
        };
        let committed = self.connection.with(commit).await;
        let whilst = |source| StoreError::whilst("telling SQLite to commit", source);
        self.carrier.stands = committed.map_err(whilst)?;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.command("rollback").await
    }

    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        read::select(&self.connection, statement, args).await
    }

    async fn execute(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        assert_arguments(statement, &args);
        let sql = spelled(statement);
        let execute = move |connection: &mut Connection| {
            let mut prepared = connection.prepare_cached(&sql)?;
            let [Value::Entries(entries)] = args.as_slice() else {
                bind(&mut prepared, &args, &mut Spellings::default())?;
                return Ok(count(prepared.raw_execute()?));
            };
            for (message, entry) in entries {
                prepared.execute((message, search::terms(entry)))?;
            }
            Ok(count(entries.len()))
        };
        self.connection
            .with(execute)
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))
    }

    async fn put(&mut self, rows: Vec<Rows>) -> Result<u64, StoreError> {
        rows.iter().for_each(assert_rows);
        let put = move |connection: &mut Connection| {
            let mut spellings = Spellings::default();
            let mut written = 0;
            for (table, rows) in &rows {
                match put_into(connection, table, rows, &mut spellings) {
                    Ok(more) => written += more,
                    // Which table it was goes with it.
                    Err(error) => return Ok(Err((table.name, error))),
                }
            }
            Ok(Ok(written))
        };
        match self.connection.with(put).await {
            Ok(Ok(written)) => Ok(written),
            Ok(Err((table, source))) => Err(StoreError::whilst(format!("writing {table}"), source)),
            Err(source) => Err(StoreError::whilst("writing rows", source)),
        }
    }

    async fn sync(&mut self) -> Result<(), StoreError> {
        self.carrier.carry_all(&self.connection).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Err(error) = self.carrier.close().await {
            if error.is_unsynced() {
                self.abandon();
            }
            return Err(error);
        }
        close(self.connection).await
    }

    fn abandon(self: Box<Self>) {
        self.carrier.abandon();
        self.connection.abandon();
    }
}

fn put_into(
    connection: &Connection,
    table: &Table,
    rows: &[Vec<Value>],
    spellings: &mut Spellings,
) -> Result<u64, EngineError> {
    let mut prepared = connection.prepare_cached(&text_of(table))?;
    let mut written = 0;
    for row in rows {
        bind(&mut prepared, row, spellings)?;
        written += count(prepared.raw_execute()?);
    }
    Ok(written)
}

/// Carries the log over into the file, makes both durable and closes the connection.
pub(super) async fn close(connection: SqliteConnection) -> Result<(), StoreError> {
    // Readers may hold it up; then the next run carries over, nothing is lost.
    if let Err(error) = checkpoint(&connection, "truncate").await {
        dispose(connection, &error);
        return Err(error);
    }
    connection
        .close()
        .await
        .map_err(|source| StoreError::whilst("closing the archive", source))
}

/// Lets go of a connection that failed.
pub(super) fn dispose(connection: SqliteConnection, error: &StoreError) {
    if error.is_unsynced() {
        connection.abandon();
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// The statement that writes one row of the table.
fn text_of(table: &Table) -> String {
    let numbered = |first: usize, columns: &[(&str, Kind)], between: &str| {
        let terms = columns.iter().enumerate();
        let terms = terms.map(|(place, (name, _))| format!("{name} = ?{}", first + place));
        terms.collect::<Vec<String>>().join(between)
    };
    let (key, rest) = table.columns.split_at(table.key_columns);
    let same_key = || numbered(1, key, " and ");
    match table.meeting {
        Meeting::Update => format!(
            "update {} set {} where {}",
            table.name,
            numbered(table.key_columns + 1, rest, ", "),
            same_key(),
        ),
        Meeting::Delete => format!("delete from {} where {}", table.name, same_key()),
        Meeting::Insert | Meeting::Keep | Meeting::Replace { .. } => format!(
            "insert into {} ({}) values ({}){}",
            table.name,
            table.column_list(),
            vec!["?"; table.columns.len()].join(", "),
            table.conflict_clause(),
        ),
    }
}
