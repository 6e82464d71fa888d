//! The one connection that writes: a prepared statement a table, run for each row.
//!
//! It carries the log (WAL) over into the file by itself: SQLite would do so after a commit and
//! keep silent about a disk that refuses.

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    connection::SqliteConnection,
    read::{self, Spellings, bind, spelled},
};
use crate::store::{
    StoreError,
    backend::{Writer, assert_arguments, assert_rows},
    statement::Statement,
    table::{Meeting, Table},
    value::{Kind, Row, Value},
};

/// Pages of the log that are carried over together: SQLite's own default.
const LOG_PAGES_MAX: i64 = 1000;

/// The connection.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: SqliteConnection,
}

impl SqliteWriter {
    pub(super) fn over(connection: SqliteConnection) -> Self {
        Self { connection }
    }

    async fn command(&self, command: &'static str) -> Result<(), StoreError> {
        self.connection
            .with(move |connection| Ok(connection.execute_batch(command)?))
            .await
            .map_err(|source| StoreError::whilst(format!("telling SQLite to {command}"), source))
    }

    /// A log that is never carried over grows for ever.
    async fn keep_log_short(&mut self) -> Result<(), StoreError> {
        let (_, pages, carried) = checkpoint(&self.connection, "noop").await?;
        if pages - carried >= LOG_PAGES_MAX {
            self.sync().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.keep_log_short().await?;
        self.command("begin immediate").await
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
            bind(&mut prepared, &args, &mut Spellings::default())?;
            Ok(count(prepared.raw_execute()?))
        };
        self.connection
            .with(execute)
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))
    }

    async fn put(
        &mut self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        assert_rows(table, &rows);
        let put = move |connection: &mut Connection| {
            let mut prepared = connection.prepare_cached(&text_of(table))?;
            let mut spellings = Spellings::default();
            let mut written = 0;
            for row in &rows {
                bind(&mut prepared, row, &mut spellings)?;
                written += count(prepared.raw_execute()?);
            }
            Ok(written)
        };
        self.connection
            .with(put)
            .await
            .map_err(|source| StoreError::whilst(format!("writing {}", table.name), source))
    }

    async fn sync(&mut self) -> Result<(), StoreError> {
        checkpoint(&self.connection, "passive").await?;
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        close(self.connection).await
    }

    fn abandon(self: Box<Self>) {
        self.connection.abandon();
    }
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

/// Whether it was held up, the pages in the log, and how many of them are in the file.
async fn checkpoint(
    connection: &SqliteConnection,
    mode: &'static str,
) -> Result<(i64, i64, i64), StoreError> {
    let checkpoint = move |connection: &mut Connection| {
        let pragma = format!("pragma wal_checkpoint({mode})");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        Ok(connection.query_row(&pragma, [], row)?)
    };
    connection
        .with(checkpoint)
        .await
        .map_err(|source| StoreError::whilst("bringing what is written safely to disk", source))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// The statement that writes one row of the table.
fn text_of(table: &Table) -> String {
    if table.meeting == Meeting::Update {
        let numbered = |first: usize, columns: &[(&str, Kind)], between: &str| {
            let terms = columns.iter().enumerate();
            let terms = terms.map(|(place, (name, _))| format!("{name} = ?{}", first + place));
            terms.collect::<Vec<String>>().join(between)
        };
        let (key, rest) = table.columns.split_at(table.key_columns);
        return format!(
            "update {} set {} where {}",
            table.name,
            numbered(table.key_columns + 1, rest, ", "),
            numbered(1, key, " and "),
        );
    }
    format!(
        "insert into {} ({}) values ({}){}",
        table.name,
        table.column_list(),
        vec!["?"; table.columns.len()].join(", "),
        table.conflict_clause(),
    )
}
