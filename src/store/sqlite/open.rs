//! Opens the file: its mode, its pragmas, its migrations.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::Connection;
use sqlx::{
    ConnectOptions as _, Connection as _,
    migrate::{MigrateError, Migrator},
    sqlite::SqliteConnectOptions,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    connection::{Access, BUSY_TIMEOUT, SqliteConnection},
    identity::{self, Identity, mounts},
    lock, write,
};
use crate::store::{RunLock, StoreError, StoreOptions, backend::Backend, error::EngineError};

/// The migrations, compiled in.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Connections that read.
const READERS: usize = 4;

/// An open archive.
#[derive(Debug)]
pub(in crate::store) struct Sqlite {
    pub(super) identity: Arc<Identity>,
    /// Whether the file must stay what its names lead to; one that is only read may be replaced
    /// by a newer copy.
    is_written: bool,
    /// How many more may read.
    free: Semaphore,
    /// Connections that read, and do not at the moment.
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that reads. One that is not given back is closed: what it was told to do may
/// still be under way.
#[derive(Debug)]
pub(super) struct Lent<'a> {
    pub(super) connection: SqliteConnection,
    from: &'a Sqlite,
    _place: SemaphorePermit<'a>,
}

impl Lent<'_> {
    pub(super) fn give_back(self) {
        self.from.idle().push(self.connection);
    }
}

impl Sqlite {
    fn over(identity: Identity, is_written: bool) -> Self {
        Self {
            identity: Arc::new(identity),
            is_written,
            free: Semaphore::new(READERS),
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that reads; waits for one where all are lent.
    pub(super) async fn reader(&self) -> Result<Lent<'_>, StoreError> {
        let place = self.free.acquire().await;
        let place = place.map_err(|_| StoreError::broken("an archive was read after its end"))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open_reader().await?,
        };
        Ok(Lent {
            connection,
            from: self,
            _place: place,
        })
    }

    /// A new connection that reads, of the file that was opened.
    pub(super) async fn open_reader(&self) -> Result<SqliteConnection, StoreError> {
        let opened = SqliteConnection::open(self.identity.path(), Access::Read).await?;
        if self.is_written {
            self.identity.assert()?;
        }
        Ok(opened)
    }

    /// Does something on a connection that reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        purpose: &'static str,
        act: impl FnOnce(&mut Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.reader().await?;
        let result = reader.connection.with(act).await;
        reader.give_back();
        result.map_err(|source| StoreError::whilst(purpose, source))
    }

    pub(super) async fn close_readers(&self) {
        self.free.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection that read was not closed");
            }
        }
    }
}

/// Creates the file if need be, locks it, migrates it.
pub(in crate::store) async fn open(
    path: &Path,
    options: &StoreOptions,
) -> Result<(Box<dyn Backend>, RunLock), StoreError> {
    create(path)?;
    // The lock is beside the file itself, whatever link it was reached by.
    let asked = path;
    let path =
        fs::canonicalize(path).map_err(|source| file("opening the archive", path, source))?;
    warn_of_network(&path);
    let lock = lock::take(&path, options).await?;
    identity::refuse_several_names(&path)?;
    let identity = Identity::of(asked, &path)?;
    let connection = SqliteConnection::open(&path, Access::Write).await?;
    if let Err(error) = migrate(&connection, &path, options).await {
        write::dispose(connection, &error);
        return Err(error);
    }
    write::close(connection).await?;
    identity.assert()?;
    Ok((Box::new(Sqlite::over(identity, true)), lock))
}

/// Brings the schema up to date. The connection that is open meanwhile is the one that carries
/// the log over: sqlx's would, when it is closed, and keep silent about a disk that refuses.
async fn migrate(
    connection: &SqliteConnection,
    path: &Path,
    options: &StoreOptions,
) -> Result<(), StoreError> {
    if let Some(found) = read_schema(connection).await? {
        refuse_newer(found, options)?;
    }
    let failed = |source| StoreError::migration(&options.url, source);
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(|source| failed(MigrateError::Execute(source)))?;
    let migrated = MIGRATIONS.run_direct(None, &mut connection, false).await;
    migrated.map_err(failed)?;
    let closed = connection.close().await;
    closed.map_err(|source| failed(MigrateError::Execute(source)))
}

/// Opens a file that is there; changes nothing.
pub(in crate::store) async fn open_read_only(
    path: &Path,
    options: &StoreOptions,
) -> Result<Box<dyn Backend>, StoreError> {
    let missing = || StoreError::Missing {
        archive: options.url.to_string(),
    };
    if !path.is_file() {
        return Err(missing());
    }
    let asked = path;
    let path =
        fs::canonicalize(path).map_err(|source| file("opening the archive", path, source))?;
    if let Err(error) = identity::refuse_several_names(&path) {
        tracing::warn!(%error, "what another name's log holds is not seen");
    }
    let archive = Sqlite::over(Identity::of(asked, &path)?, false);
    let reader = archive.reader().await?;
    let found = read_schema(&reader.connection).await?.ok_or_else(missing)?;
    reader.give_back();
    refuse_newer(found, options)?;
    let known = known_schema();
    if found < known {
        return Err(StoreError::OlderSchema {
            archive: options.url.to_string(),
            found,
            known,
        });
    }
    Ok(Box::new(archive))
}

/// Creates an empty file that its owner alone may read, before SQLite makes one for everybody.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // SQLite looks away when this fails.
        Ok(_) => sync_folder(path)
            .map_err(|source| file("making the new archive's name durable", path, source)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(file(
            "the directory of the archive does not exist (make it, or name another with --db):",
            path,
            error,
        )),
        Err(error) => Err(file("creating the archive", path, error)),
    }
}

/// Makes the name of a file in its folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

pub(super) fn file(context: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        context,
        path: path.to_owned(),
        source,
    }
}

/// The newest migration that was applied; `None` where there is no archive.
async fn read_schema(connection: &SqliteConnection) -> Result<Option<i64>, StoreError> {
    let read = |connection: &mut Connection| {
        let tables: i64 = connection.query_row(
            "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'",
            [],
            |row| row.get(0),
        )?;
        if tables == 0 {
            return Ok(None);
        }
        let newest = "select max(version) from _sqlx_migrations";
        Ok(connection.query_row(newest, [], |row| row.get(0))?)
    };
    connection
        .with(read)
        .await
        .map_err(|source| StoreError::whilst("reading the schema of the archive", source))
}

fn known_schema() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

fn refuse_newer(found: i64, options: &StoreOptions) -> Result<(), StoreError> {
    let known = known_schema();
    if found > known {
        return Err(StoreError::NewerSchema {
            archive: options.url.to_string(),
            found,
            known,
        });
    }
    Ok(())
}

/// Locks and shared memory do not work well on network file systems.
fn warn_of_network(path: &Path) {
    let mounts = mounts().into_iter();
    let kind = mounts
        .filter(|mount| path.starts_with(&mount.at))
        .max_by_key(|mount| mount.at.as_os_str().len())
        .map(|mount| mount.kind);
    if let Some(kind @ ("nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "fuse.sshfs")) =
        kind.as_deref()
    {
        tracing::warn!(
            path = %path.display(),
            kind,
            "the archive is on a network file system, where SQLite can lose data; use a local disk or Postgres"
        );
    }
}
