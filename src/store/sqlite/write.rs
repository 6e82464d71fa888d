//! The one connection that writes: a prepared statement a table, run for each row.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    connection::{Access, Pending, SqliteConnection},
    identity::{Companions, Identity},
    log::{self, Carrier, checkpoint},
    read::{self, Spellings, bind, spelled},
    search,
};
use crate::store::{
    StoreError,
    backend::{Asked, Select, Step, Writer},
    error::EngineError,
    statement::{self, Statement},
    table::{Meeting, Rows, Table},
    value::{Kind, Row, Value},
};

/// The connection.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: SqliteConnection,
    carrier: Carrier,
    identity: Arc<Identity>,
    /// What is beside the file, once this connection has found it there.
    companions: Option<Companions>,
    /// What was begun and not waited for.
    behind: Option<Pending<Written>>,
}

/// What steps changed, and they themselves: to free them takes time, and the connection's thread is
/// waited for.
type Written = (Result<Vec<u64>, StoreError>, Vec<Deed>);

impl SqliteWriter {
    pub(super) async fn open(identity: Arc<Identity>) -> Result<Self, StoreError> {
        // To open another file for writing would change it already.
        identity.assert()?;
        Ok(Self {
            connection: SqliteConnection::open(identity.path(), Access::Write).await?,
            carrier: Carrier::new(Arc::clone(&identity)),
            identity,
            companions: None,
            behind: None,
        })
    }

    /// An error where what is committed is no longer found under the archive's name.
    fn assert_in_place(&mut self) -> Result<(), StoreError> {
        self.identity.assert_with(&mut self.companions)
    }

    async fn command(&self, command: &'static str) -> Result<(), StoreError> {
        self.connection
            .with(move |connection| Ok(connection.execute_batch(command)?))
            .await
            .map_err(|source| StoreError::whilst(format!("telling SQLite to {command}"), source))
    }
}

#[async_trait]
impl Select for SqliteWriter {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        read::select(&self.connection, statement, args).await
    }

    async fn select_all(&mut self, asked: Vec<Asked>) -> Result<Vec<Vec<Row>>, StoreError> {
        read::select_all(&self.connection, asked).await
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.behind = None;
        self.assert_in_place()?;
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
        self.assert_in_place()
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.command("rollback").await
    }

    async fn write_behind(&mut self, steps: Vec<Step>) -> Result<Vec<u64>, StoreError> {
        let deeds: Vec<Deed> = steps.into_iter().map(Deed::of).collect();
        let write = move |connection: &mut Connection| Ok((perform_all(connection, &deeds), deeds));
        let begun = self.connection.begin(write);
        let begun = begun.map_err(|source| StoreError::whilst("writing", source))?;
        settled(self.behind.replace(begun)).await
    }

    async fn settle(&mut self) -> Result<Vec<u64>, StoreError> {
        settled(self.behind.take()).await
    }

    async fn sync(&mut self) -> Result<(), StoreError> {
        self.carrier.carry_all(&self.connection).await?;
        self.assert_in_place()
    }

    async fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        if let Err(error) = self.carrier.close().await {
            if error.is_unsynced() {
                self.abandon();
            }
            return Err(error);
        }
        // Also where the file has moved: what was committed goes with it, and the log holds nothing
        // that would be taken for another file's.
        close(self.connection).await?;
        self.identity.assert()
    }

    fn abandon(self: Box<Self>) {
        self.carrier.abandon();
        self.connection.abandon();
    }
}

/// A [`Step`] as it is done on the connection's thread.
#[derive(Debug)]
enum Deed {
    Fence(i64, i64),
    Run(&'static Statement, Vec<Value>),
    /// The statement is run for each message, with its terms.
    Each(&'static Statement, Vec<(i64, String)>),
    Put(Rows),
}

impl Deed {
    fn of(step: Step) -> Self {
        step.assert();
        match step {
            Step::Fence { epoch, last } => Self::Fence(epoch, last),
            Step::Run(statement, mut args) => match args.as_mut_slice() {
                [Value::Entries(entries)] => {
                    let terms = |(message, entry)| (message, search::terms(&entry));
                    let entries = std::mem::take(entries).into_iter();
                    Self::Each(statement, entries.map(terms).collect())
                }
                _ => Self::Run(statement, args),
            },
            Step::Put(rows) => Self::Put(rows),
        }
    }

    fn purpose(&self) -> String {
        match self {
            Self::Fence(..) => statement::FENCE.purpose.to_owned(),
            Self::Run(statement, _) | Self::Each(statement, _) => statement.purpose.to_owned(),
            Self::Put(rows) => format!("writing {}", rows.table.name),
        }
    }

    /// Does it, and gives how many rows it changed.
    fn perform(
        &self,
        connection: &Connection,
        spellings: &mut Spellings,
    ) -> Result<u64, EngineError> {
        match self {
            Self::Fence(epoch, last) => {
                let mut prepared = connection.prepare_cached(&spelled(&statement::FENCE))?;
                Ok(count(prepared.execute([epoch, last])?))
            }
            Self::Run(statement, args) => {
                let mut prepared = connection.prepare_cached(&spelled(statement))?;
                bind(&mut prepared, args, spellings)?;
                Ok(count(prepared.raw_execute()?))
            }
            Self::Each(statement, entries) => {
                let mut prepared = connection.prepare_cached(&spelled(statement))?;
                for entry in entries {
                    prepared.execute((entry.0, &entry.1))?;
                }
                Ok(count(entries.len()))
            }
            Self::Put(rows) => put(connection, rows, spellings),
        }
    }
}

async fn settled(behind: Option<Pending<Written>>) -> Result<Vec<u64>, StoreError> {
    let Some(behind) = behind else {
        return Ok(Vec::new());
    };
    match behind.await.unwrap_or(Err(EngineError::ThreadEnded)) {
        Ok((result, _)) => result,
        Err(source) => Err(StoreError::whilst("writing", source)),
    }
}

fn perform_all(connection: &Connection, deeds: &[Deed]) -> Result<Vec<u64>, StoreError> {
    let mut spellings = Spellings::default();
    let mut changed = Vec::with_capacity(deeds.len());
    for deed in deeds {
        let rows = deed.perform(connection, &mut spellings);
        changed.push(rows.map_err(|error| StoreError::whilst(deed.purpose(), error))?);
        if matches!(deed, Deed::Fence(..)) && changed.ends_with(&[0]) {
            break;
        }
    }
    Ok(changed)
}

fn put(
    connection: &Connection,
    rows: &Rows,
    spellings: &mut Spellings,
) -> Result<u64, EngineError> {
    let mut prepared = connection.prepare_cached(&text_of(rows.table))?;
    let mut written = 0;
    for row in rows.iter() {
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
