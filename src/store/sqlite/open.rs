//! Opens the file: its mode, its pragmas, its migrations.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, SqliteConnection,
    migrate::Migrator,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    },
};

use super::{lock, write};
use crate::store::{RunLock, StoreError, StoreOptions, backend::Backend};

/// The migrations, compiled in.
static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const PAGE_BYTES: u32 = 16_384;
/// Each table has a statement for each power of two of rows.
const STATEMENTS_CACHED: usize = 512;

/// An open archive.
#[derive(Debug)]
pub(in crate::store) struct Sqlite {
    pub(super) readers: SqlitePool,
    path: PathBuf,
}

/// Creates the file if need be, locks it, migrates it.
pub(in crate::store) async fn open(
    path: &Path,
    options: &StoreOptions,
) -> Result<(Box<dyn Backend>, RunLock), StoreError> {
    create(path)?;
    // The lock is beside the file itself, whatever name it was reached by.
    let path =
        fs::canonicalize(path).map_err(|source| file("opening the archive", path, source))?;
    warn_of_network(&path);
    let lock = lock::take(&path, options).await?;
    let mut connection = connect(&path).await?;
    if let Some(found) = read_schema(&mut connection).await? {
        refuse_newer(found, options)?;
    }
    let migrated = MIGRATIONS.run_direct(None, &mut connection, false).await;
    if let Err(source) = migrated {
        let error = StoreError::migration(&options.url, source);
        write::dispose(connection, &error);
        return Err(error);
    }
    write::close(connection).await?;
    Ok((Box::new(Sqlite::over(path)), lock))
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
    let path =
        fs::canonicalize(path).map_err(|source| file("opening the archive", path, source))?;
    let archive = Sqlite::over(path.clone());
    let mut connection = archive.readers.acquire().await.map_err(|source| {
        let context = format!("opening the archive {} for reading", path.display());
        StoreError::whilst(context, source)
    })?;
    let found = read_schema(&mut connection).await?.ok_or_else(missing)?;
    drop(connection);
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

/// A connection that writes.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    shared_options(path)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        // It would swallow its errors; the writer does it in the open.
        .pragma("wal_autocheckpoint", "0")
        .connect()
        .await
        .map_err(|source| {
            let context = format!("opening the archive {} for writing", path.display());
            StoreError::whilst(context, source)
        })
}

impl Sqlite {
    fn over(path: PathBuf) -> Self {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_lazy_with(shared_options(&path).read_only(true));
        Self { readers, path }
    }

    pub(super) async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        connect(&self.path).await
    }

    /// A connection that cannot write.
    pub(super) async fn connect_to_read(&self) -> Result<SqliteConnection, StoreError> {
        let options = shared_options(&self.path).read_only(true);
        options.connect().await.map_err(|source| {
            let context = format!("opening the archive {} for reading", self.path.display());
            StoreError::whilst(context, source)
        })
    }
}

fn shared_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("trusted_schema", "off")
        // Nothing outside the archive's folder is written: no message in /var/tmp, and a full or
        // unwritable one is of no matter.
        .pragma("temp_store", "memory")
        .statement_cache_capacity(STATEMENTS_CACHED)
        .disable_statement_logging()
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
async fn read_schema(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let whilst = |source| StoreError::whilst("reading the schema of the archive", source);
    let tables: i64 = sqlx::query_scalar(
        "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(whilst)?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("select max(version) from _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(whilst)
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
    let Ok(mounts) = fs::read_to_string("/proc/mounts") else {
        return;
    };
    let kind = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(mount, _)| path.starts_with(mount))
        .max_by_key(|(mount, _)| mount.len())
        .map(|(_, kind)| kind);
    if let Some(kind @ ("nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "fuse.sshfs")) = kind {
        tracing::warn!(
            path = %path.display(),
            kind,
            "the archive is on a network file system, where SQLite can lose data; use a local disk or Postgres"
        );
    }
}
