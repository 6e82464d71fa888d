//! The one connection that writes: multi-row statements in powers of two of rows, so that a
//! few texts serve every batch and stay prepared.
//!
//! It carries the log (WAL) over into the file by itself: SQLite would do so after a commit and
//! keep silent about a disk that refuses. A connection on which a sync failed is left open until
//! the process ends, since closing it would sync once more, and be told that all is well.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::read::{self, SqliteDialect, arguments};
use crate::store::{
    StoreError,
    backend::{Writer, assert_arguments, assert_rows},
    statement::Statement,
    table::{Meeting, Table},
    value::{Row, Value},
};

/// Pages of the log that are carried over together: SQLite's own default.
const LOG_PAGES_MAX: i64 = 1000;
/// More rows a statement gain nothing; 256 rows of the widest table are 5,632 variables.
const ROWS_MAX: usize = 256;
/// What SQLite allows in one statement.
const VARIABLES_MAX: usize = 32_766;

/// One connection and the texts of its bulk statements.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: SqliteConnection,
    /// By the table, how its rows meet others, and the number of rows.
    texts: HashMap<(&'static str, usize, usize), Arc<str>>,
}

impl SqliteWriter {
    pub(super) fn over(connection: SqliteConnection) -> Self {
        Self {
            connection,
            texts: HashMap::new(),
        }
    }

    async fn command(&mut self, command: &'static str) -> Result<(), StoreError> {
        sqlx::query(command)
            .execute(&mut self.connection)
            .await
            .map_err(|source| StoreError::whilst(format!("telling SQLite to {command}"), source))?;
        Ok(())
    }

    /// A log that is never carried over grows for ever.
    async fn keep_log_short(&mut self) -> Result<(), StoreError> {
        let (_, pages, carried) = checkpoint(&mut self.connection, "noop").await?;
        if pages - carried >= LOG_PAGES_MAX {
            self.sync().await?;
        }
        Ok(())
    }

    fn text(&mut self, table: &'static Table, rows: usize) -> Arc<str> {
        let place = std::ptr::from_ref(table).addr();
        let text = self
            .texts
            .entry((table.name, place, rows))
            .or_insert_with(|| bulk_text(table, rows).into());
        Arc::clone(text)
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
        read::select(&mut self.connection, statement, args).await
    }

    async fn execute(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<u64, StoreError> {
        assert_arguments(statement, &args);
        let whilst = |source| StoreError::whilst(statement.purpose, source);
        let sql = AssertSqlSafe(statement.spelled::<SqliteDialect>());
        let done = sqlx::query_with(sql, arguments(args).map_err(whilst)?)
            .execute(&mut self.connection)
            .await
            .map_err(whilst)?;
        Ok(done.rows_affected())
    }

    async fn put(
        &mut self,
        table: &'static Table,
        rows: Vec<Vec<Value>>,
    ) -> Result<u64, StoreError> {
        assert_rows(table, &rows);
        let whilst = |source| StoreError::whilst(format!("writing {}", table.name), source);
        let mut written = 0;
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        while left > 0 {
            let size = chunk_size(left);
            left -= size;
            let text = self.text(table, size);
            let values = rows.by_ref().take(size).flatten();
            let args = arguments(values).map_err(whilst)?;
            let done = sqlx::query_with(AssertSqlSafe(text), args)
                .execute(&mut self.connection)
                .await
                .map_err(whilst)?;
            written += done.rows_affected();
        }
        Ok(written)
    }

    async fn sync(&mut self) -> Result<(), StoreError> {
        checkpoint(&mut self.connection, "passive").await?;
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        close(self.connection).await
    }

    fn abandon(self: Box<Self>) {
        abandon(self.connection);
    }
}

/// Carries the log over into the file, makes both durable and closes the connection.
pub(super) async fn close(mut connection: SqliteConnection) -> Result<(), StoreError> {
    // Readers may hold it up; then the next run carries over, nothing is lost.
    if let Err(error) = checkpoint(&mut connection, "truncate").await {
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
        abandon(connection);
    }
}

/// Leaves the connection open until the process ends.
fn abandon(connection: SqliteConnection) {
    std::mem::forget(connection);
}

/// Whether it was held up, the pages in the log, and how many of them are in the file.
async fn checkpoint(
    connection: &mut SqliteConnection,
    mode: &'static str,
) -> Result<(i64, i64, i64), StoreError> {
    let pragma = AssertSqlSafe(format!("pragma wal_checkpoint({mode})"));
    sqlx::query_as(pragma)
        .fetch_one(connection)
        .await
        .map_err(|source| StoreError::whilst("bringing what is written safely to disk", source))
}

/// The largest power of two of rows that are left.
fn chunk_size(left: usize) -> usize {
    if left >= ROWS_MAX {
        ROWS_MAX
    } else {
        1 << left.ilog2()
    }
}

fn bulk_text(table: &Table, rows: usize) -> String {
    let columns = table.columns.len();
    assert!(
        rows * columns <= VARIABLES_MAX,
        "variables of {}",
        table.name
    );
    let row = format!("({})", vec!["?"; columns].join(","));
    let values = vec![row.as_str(); rows].join(",");
    let list = table.column_list();
    if table.meeting == Meeting::Update {
        return format!(
            "with wanted ({list}) as (values {values}) {} from wanted where {}",
            table.update_clause(),
            table.same_key(),
        );
    }
    format!(
        "insert into {} ({list}) values {values}{}",
        table.name,
        table.conflict_clause(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::ALL;

    #[test]
    fn any_number_of_rows_is_written_in_powers_of_two() {
        for rows in 1..2_000 {
            let (mut left, mut statements) = (rows, 0);
            while left > 0 {
                left -= chunk_size(left);
                statements += 1;
            }
            assert!(statements <= rows / ROWS_MAX + 8, "{rows} rows");
        }
    }

    #[test]
    fn the_widest_table_stays_within_the_variables_of_sqlite() {
        for table in ALL {
            let text = bulk_text(table, ROWS_MAX);
            assert_eq!(text.matches('?').count(), ROWS_MAX * table.columns.len());
        }
    }
}
