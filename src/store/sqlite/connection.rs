//! A connection on a thread of its own: SQLite blocks, the tasks that ask it do not.
//!
//! What it is told to do is done one after the other. The thread ends, and the connection is
//! closed, when the last handle is gone; one on which a sync failed is left open until the
//! process ends, since closing it would sync once more, and be told that all is well.

use std::{fmt, path::Path, sync::mpsc, thread, time::Duration};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use crate::store::{StoreError, error::EngineError};

/// How long another program's lock is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const PAGE_BYTES: u32 = 16_384;
/// What a connection that writes holds of the file, in KiB as SQLite is told them: most of what a
/// transaction changes, some 8 MB. With two thirds of it a fifth more is written, and a third more is read
/// again.
const WRITER_CACHE: i64 = -6_000;
/// What one that reads holds: there are several, beside a writer what they have read is void after the
/// next transaction, and the kernel has the file too.
const READER_CACHE: i64 = -500;
/// Statements that stay prepared: more than there are.
const STATEMENTS_CACHED: usize = 256;

/// The result of what was begun on the connection's thread.
pub(super) type Pending<T> = oneshot::Receiver<Result<T, EngineError>>;

type Job = Box<dyn FnOnce(Connection) -> Option<Connection> + Send>;

/// A handle on the thread.
pub(super) struct SqliteConnection {
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnection").finish_non_exhaustive()
    }
}

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    /// Carries the log over beside a connection that writes.
    Carry,
}

impl SqliteConnection {
    /// Opens a file that is there.
    pub(super) async fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let context = match access {
            Access::Read => format!("opening the archive {} for reading", path.display()),
            Access::Write | Access::Carry => {
                format!("opening the archive {} for writing", path.display())
            }
        };
        let (jobs, todo) = mpsc::channel::<Job>();
        let (opened, is_open) = oneshot::channel();
        let path = path.to_owned();
        let spawned = thread::Builder::new()
            .name(format!("sqlite-{access:?}").to_lowercase())
            .spawn(move || match open(&path, access) {
                Ok(connection) => {
                    // Whoever asked may be gone: then nothing comes, and the thread ends.
                    let _ = opened.send(Ok(()));
                    work(connection, &todo);
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            });
        let result = match spawned {
            Ok(_) => is_open.await.unwrap_or(Err(EngineError::ThreadEnded)),
            Err(error) => Err(EngineError::NoThread(error)),
        };
        result.map_err(|source| StoreError::whilst(context, source))?;
        Ok(Self { jobs })
    }

    /// Does something on the connection's thread. It is done to its end also where nobody waits
    /// for it any more.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let result = self.begin(act)?;
        result.await.unwrap_or(Err(EngineError::ThreadEnded))
    }

    /// Begins something on the connection's thread; its result comes when it is done.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<Pending<T>, EngineError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |mut connection| {
            let _ = done.send(act(&mut connection));
            Some(connection)
        });
        self.jobs.send(job).map_err(|_| EngineError::ThreadEnded)?;
        Ok(result)
    }

    /// Closes the connection.
    pub(super) async fn close(self) -> Result<(), EngineError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let closed = connection.close();
            let _ = done.send(closed.map_err(|(_, error)| EngineError::Sqlite(error)));
            None
        });
        self.jobs.send(job).map_err(|_| EngineError::ThreadEnded)?;
        result.await.unwrap_or(Err(EngineError::ThreadEnded))
    }

    /// Leaves the connection open until the process ends.
    pub(super) fn abandon(self) {
        let job: Job = Box::new(|connection| {
            std::mem::forget(connection);
            None
        });
        // A thread that has ended holds no connection.
        let _ = self.jobs.send(job);
    }
}

fn work(mut connection: Connection, todo: &mpsc::Receiver<Job>) {
    while let Ok(job) = todo.recv() {
        match job(connection) {
            Some(same) => connection = same,
            None => return,
        }
    }
}

fn open(path: &Path, access: Access) -> Result<Connection, EngineError> {
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write | Access::Carry => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // One thread alone uses it.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    if access != Access::Read {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        write_ahead(&connection)?;
        connection.pragma_update(None, "synchronous", "normal")?;
        // It would swallow its errors; the writer does it in the open.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    }
    let cache = match access {
        Access::Write => WRITER_CACHE,
        Access::Read | Access::Carry => READER_CACHE,
    };
    connection.pragma_update(None, "cache_size", cache)?;
    // References are keys that this program has given itself, and `verify` looks for the row behind
    // each. To ask again for every row that is written takes a quarter more than writing it, so only
    // debug builds do, in which all tests run.
    connection.pragma_update(None, "foreign_keys", cfg!(debug_assertions))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Nothing outside the archive's folder is written: no message in /var/tmp, and a full or
    // unwritable one is of no matter.
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

/// Gives the file a write-ahead log. That it has one is told before it is on the disk: a disk
/// that refuses shows when the statement is run to its end.
fn write_ahead(connection: &Connection) -> Result<(), EngineError> {
    let mut statement = connection.prepare("pragma journal_mode = wal")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    if mode != "wal" {
        return Err(EngineError::NoLog(mode));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `.cargo/config.toml` tells the compiler: without it all is right, and slower.
    #[test]
    fn sqlite_is_compiled_as_it_was_told() {
        let connection = Connection::open_in_memory().unwrap();
        let mut options = connection.prepare("pragma compile_options").unwrap();
        let options = options.query_map([], |row| row.get(0)).unwrap();
        let options: Vec<String> = options.collect::<Result<_, _>>().unwrap();
        for told in [
            "DEFAULT_CACHE_SIZE=-500",
            "DEFAULT_LOOKASIDE=1200,300",
            "DEFAULT_MEMSTATUS=0",
        ] {
            assert!(options.iter().any(|option| option == told), "{options:?}");
        }
        let shared = "ENABLE_MEMORY_MANAGEMENT";
        assert!(
            !options.iter().any(|option| option == shared),
            "{options:?}"
        );
    }
}
