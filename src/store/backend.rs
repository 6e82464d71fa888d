//! What an engine must do: the private traits that SQLite and Postgres implement.
//!
//! A [`Backend`] reads through a pool and makes writers; a [`Writer`] is one connection with
//! one transaction at a time. What is written and when is decided above, once for both.

use std::fmt;

use async_trait::async_trait;

use super::{
    StoreError,
    schema::{Schema, SchemaObject},
    statement::Statement,
    table::{Rows, Table},
    value::{Row, Value},
};

/// One engine, open on one archive.
#[async_trait]
pub(super) trait Backend: fmt::Debug + Send + Sync {
    /// Reads through the pool.
    async fn select(&self, statement: &Statement, args: Vec<Value>)
    -> Result<Vec<Row>, StoreError>;

    /// Makes a new connection that writes.
    async fn connect_writer(&self) -> Result<Box<dyn Writer>, StoreError>;

    /// Makes a new connection that sees the archive as it is now, whatever is committed later,
    /// and cannot write.
    async fn connect_reader(&self) -> Result<Box<dyn Reader>, StoreError>;

    /// Prepares the statement, so that a mistake in it shows.
    async fn prepare(&self, statement: &Statement) -> Result<(), StoreError>;

    /// What is wrong with the database itself.
    async fn check_integrity(&self) -> Result<Vec<String>, StoreError>;

    /// What stands in the catalogue, and what the migrations make.
    async fn read_schema(&self) -> Result<Schema, StoreError>;

    /// The migrations that are compiled in.
    fn migrations(&self) -> Vec<SchemaObject>;

    /// The engine and its version.
    async fn engine_version(&self) -> Result<String, StoreError>;

    /// Closes the pool.
    async fn close(&self);
}

/// Whatever reads: the pool, one state of the archive, a transaction.
#[async_trait]
pub(super) trait Select: Send {
    /// Reads.
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError>;

    /// Reads, one question after the other.
    async fn select_all(&mut self, asked: Vec<Asked>) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut found = Vec::with_capacity(asked.len());
        for (statement, args) in asked {
            found.push(self.select(statement, args).await?);
        }
        Ok(found)
    }
}

/// One connection that reads one state of the archive.
#[async_trait]
pub(super) trait Reader: Select + fmt::Debug {
    /// Closes the connection.
    async fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// A statement that reads, with its arguments.
pub(super) type Asked = (&'static Statement, Vec<Value>);

/// One thing that a transaction does.
#[derive(Debug)]
pub(super) enum Step {
    /// Asserts this epoch and that the archive's last transaction has this number: nothing else is
    /// done where it has others.
    Fence { epoch: i64, last: i64 },
    /// Runs a statement that changes rows.
    Run(&'static Statement, Vec<Value>),
    /// Writes rows as their table describes. No key is there twice.
    Put(Rows),
}

impl Step {
    /// Panics unless what is written is of the right number and kind.
    pub(super) fn assert(&self) {
        match self {
            Self::Fence { .. } => {}
            Self::Run(statement, args) => assert_arguments(statement, args),
            Self::Put(rows) => assert_rows(rows),
        }
    }

    /// How many rows it puts.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Put(rows) => rows.len(),
            Self::Fence { .. } | Self::Run(..) => 0,
        }
    }

    /// Whether it changes nothing for certain.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Put(rows) if rows.is_empty())
    }
}

/// One connection that writes, and reads inside its transaction.
#[async_trait]
pub(super) trait Writer: Select + fmt::Debug {
    /// Begins a transaction; where one writer alone may write, it is ours from here.
    async fn begin(&mut self) -> Result<(), StoreError>;

    /// Commits. An error means *unknown*, not failed.
    async fn commit(&mut self) -> Result<(), StoreError>;

    /// Gives the transaction up.
    async fn rollback(&mut self) -> Result<(), StoreError>;

    /// Begins to do some steps in order, ending after a [`Step::Fence`] that changed no row. They are
    /// done before anything that follows, and may be under way still when it returns: what it gives
    /// is of each step that has ended since it was asked last how many rows that added, changed or
    /// took away.
    async fn write_behind(&mut self, steps: Vec<Step>) -> Result<Vec<u64>, StoreError>;

    /// Waits for the steps that are under way, and gives the same of them.
    async fn settle(&mut self) -> Result<Vec<u64>, StoreError>;

    /// Makes what is committed durable, and has done what an engine does some time after many rows;
    /// outside of a transaction.
    async fn sync(&mut self) -> Result<(), StoreError>;

    /// Makes what is committed durable and closes the connection.
    async fn close(self: Box<Self>) -> Result<(), StoreError>;

    /// Lets go of a connection on which a sync failed, without another sync.
    fn abandon(self: Box<Self>);
}

/// Panics unless a statement has as many arguments as it takes: a missing one would be null.
pub(super) fn assert_arguments(statement: &Statement, args: &[Value]) {
    assert_eq!(
        args.len(),
        statement.arguments,
        "arguments whilst {}",
        statement.purpose
    );
}

/// Panics unless each value is of its column's kind; where the program is built for speed it is taken
/// for granted.
fn assert_rows(rows: &Rows) {
    if !cfg!(debug_assertions) {
        return;
    }
    let Table { name, columns, .. } = rows.table;
    for (value, (column, kind)) in rows.iter().flat_map(|row| row.iter().zip(*columns)) {
        assert!(value.fits(*kind), "{name}.{column} is not {value:?}");
    }
}
