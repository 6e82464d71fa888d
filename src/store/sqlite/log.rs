//! The write-ahead log, and how it is kept short: what it holds is carried over into the file.
//!
//! SQLite would do so after a commit, hold the writer up meanwhile, and keep silent about a disk
//! that refuses. Here a second connection does it, on a thread of its own, while the first one
//! writes on; only where the log has grown long all the same does the writer wait. What a disk
//! refused is told at the next transaction, and at the latest when the archive is closed.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::oneshot::error::TryRecvError;

use super::{
    connection::{Access, Pending, SqliteConnection},
    identity::Identity,
};
use crate::store::{StoreError, error::EngineError};

/// Pages of the log from which on they are carried over: most were changed several times meanwhile, and
/// each is written into the file once.
const CARRIED_PAGES: i64 = 4_000;
/// From so many pages on the writer waits until all are carried over: 128 MiB.
const LOG_PAGES_MAX: i64 = 8_000;

/// What a checkpoint tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checkpoint {
    /// Pages in the log.
    pages: i64,
    /// Those of them that are in the file.
    carried: i64,
}

/// Who carries the log over.
#[derive(Debug)]
pub(super) struct Carrier {
    identity: Arc<Identity>,
    connection: Option<SqliteConnection>,
    under_way: Option<Pending<Checkpoint>>,
    /// How the log stood at the end of the last transaction, where that is known.
    pub(super) stands: Option<Checkpoint>,
}

impl Carrier {
    pub(super) fn new(identity: Arc<Identity>) -> Self {
        Self {
            identity,
            connection: None,
            under_way: None,
            stands: None,
        }
    }

    /// Sees to it, outside of a transaction, that the log does not grow for ever.
    pub(super) async fn keep_log_short(
        &mut self,
        writer: &SqliteConnection,
    ) -> Result<(), StoreError> {
        let ended = self.under_way.as_mut().map(Pending::try_recv);
        match ended {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(Ok(result)) => {
                self.under_way = None;
                result.map_err(unsafe_still)?;
            }
            Some(Err(TryRecvError::Closed)) => return Err(unsafe_still(EngineError::ThreadEnded)),
        }
        let Checkpoint { pages, carried } = match self.stands.take() {
            Some(stands) => stands,
            None => checkpoint(writer, "noop").await?,
        };
        if pages >= LOG_PAGES_MAX && pages > carried {
            return self.carry_all(writer).await;
        }
        if self.under_way.is_none() && pages - carried >= CARRIED_PAGES {
            let connection = match self.connection.take() {
                Some(connection) => connection,
                None => SqliteConnection::open(self.identity.path(), Access::Carry).await?,
            };
            let begun = connection.begin(|connection| run(connection, "passive"));
            self.connection = Some(connection);
            self.under_way = Some(begun.map_err(unsafe_still)?);
        }
        Ok(())
    }

    /// Carries everything over that no reader holds up.
    pub(super) async fn carry_all(&mut self, writer: &SqliteConnection) -> Result<(), StoreError> {
        self.finish().await?;
        checkpoint(writer, "passive").await.map(|_| ())
    }

    /// Waits for what is under way.
    async fn finish(&mut self) -> Result<(), StoreError> {
        let Some(under_way) = self.under_way.take() else {
            return Ok(());
        };
        let result = under_way.await.unwrap_or(Err(EngineError::ThreadEnded));
        result.map(|_| ()).map_err(unsafe_still)
    }

    /// Waits for what is under way, and closes the connection.
    pub(super) async fn close(&mut self) -> Result<(), StoreError> {
        self.finish().await?;
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        let closed = connection.close().await;
        closed.map_err(|source| StoreError::whilst("closing the archive", source))
    }

    /// Leaves the connection open until the process ends.
    pub(super) fn abandon(self) {
        if let Some(connection) = self.connection {
            connection.abandon();
        }
    }
}

/// Runs a checkpoint of the mode: `noop` only tells how it stands.
pub(super) async fn checkpoint(
    connection: &SqliteConnection,
    mode: &'static str,
) -> Result<Checkpoint, StoreError> {
    let result = connection.with(move |connection| run(connection, mode));
    result.await.map_err(unsafe_still)
}

/// On the thread of the connection.
pub(super) fn run(
    connection: &mut Connection,
    mode: &'static str,
) -> Result<Checkpoint, EngineError> {
    let pragma = format!("pragma wal_checkpoint({mode})");
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Checkpoint {
            pages: row.get(1)?,
            carried: row.get(2)?,
        })
    };
    Ok(connection.query_row(&pragma, [], row)?)
}

fn unsafe_still(source: EngineError) -> StoreError {
    StoreError::whilst("bringing what is written safely to disk", source)
}
