//! Why an archive could not be opened, read or written.
//!
//! Each message says what was being done, to what, and what the person can do now. None holds a
//! password or text of a message.

use std::{io, path::PathBuf, time::Duration};

use sqlx::migrate::MigrateError;

use super::DatabaseUrl;
use crate::terms::QueryFlaw;

/// What a database said.
pub(super) type Source = Box<dyn std::error::Error + Send + Sync>;

/// What an engine's library said.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    /// Postgres, or a migration.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    /// SQLite.
    #[error("{}", words_of(.0))]
    Sqlite(rusqlite::Error),
    /// The archive's file could not be given a write-ahead log.
    #[error("no write-ahead log could be made; the file stays in the journal mode {0}")]
    NoLog(String),
    /// A connection's thread could not be started.
    #[error("no thread could be started for a connection")]
    NoThread(#[source] io::Error),
    /// A connection's thread has ended before its time.
    #[error("the thread of a connection has ended")]
    ThreadEnded,
    /// What was read is not what this program writes.
    #[error("the archive does not hold what it should: {0}")]
    Broken(String),
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What SQLite said and its code, once: the library says it again at each level.
fn words_of(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(words)) => {
            format!("{words} (code {})", failure.extended_code)
        }
        other => other.to_string(),
    }
}

/// Why an archive could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database URL is not one that is understood.
    #[error(
        "{reason}; an archive is sqlite:PATH, sqlite://PATH, postgres://USER@HOST/DATABASE or \
         postgresql://USER@HOST/DATABASE"
    )]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// Another run holds the archive.
    #[error("the archive {archive} is held by {holder}{}; wait until that run ends, or stop it", ago(*age))]
    Held {
        /// Which archive.
        archive: String,
        /// Who holds it.
        holder: String,
        /// For how long.
        age: Option<Duration>,
    },
    /// The archive was written by a newer program.
    #[error(
        "the archive {archive} has schema {found}, this program knows schemas up to {known}; \
         use the newer convault that wrote it"
    )]
    NewerSchema {
        /// Which archive.
        archive: String,
        /// The schema of the archive.
        found: i64,
        /// The newest schema that is known.
        known: i64,
    },
    /// The archive was written by an older program and cannot be migrated while it is only read.
    #[error(
        "the archive {archive} has schema {found}, this program reads schema {known}; \
         `convault sync` brings it up to date"
    )]
    OlderSchema {
        /// Which archive.
        archive: String,
        /// The schema of the archive.
        found: i64,
        /// The schema that is read.
        known: i64,
    },
    /// There is no archive.
    #[error(
        "there is no archive at {archive}; `convault sync` makes one, or name another with --db"
    )]
    Missing {
        /// Where it was looked for.
        archive: String,
    },
    /// The archive belongs to another gateway.
    #[error(
        "the archive belongs to the gateway {archived}, not to {asked}; use another archive \
         (--db), or `convault rename-gateway OLD NEW` if the same gateway has moved"
    )]
    OtherGateway {
        /// The gateway it is bound to.
        archived: String,
        /// The gateway that was asked for.
        asked: String,
    },
    /// Another run has taken the archive over since, or it is in a state from before this one's last
    /// transaction.
    #[error(
        "another run has taken the archive {archive} over, or it was put back to an earlier state; \
         this one can write no more"
    )]
    Fenced {
        /// Which archive.
        archive: String,
    },
    /// The file has several names, each of which would have a log and a lock of its own.
    #[error(
        "the archive {} has {names} names (hard links), and two runs through two of them would lose \
         data; remove the others (find them with `find -samefile`), or make this one a copy",
        path.display()
    )]
    SeveralNames {
        /// The file.
        path: PathBuf,
        /// How many names.
        names: u64,
    },
    /// The file is mounted by itself, so that its log and its lock are not beside it.
    #[error(
        "the archive {} is mounted as a single file, so its log and its lock would be elsewhere and \
         lost; mount the folder that holds it",
        path.display()
    )]
    MountedAlone {
        /// The file.
        path: PathBuf,
    },
    /// The file's name leads elsewhere than when it was opened.
    #[error(
        "the archive {} {how} while it was being written, and nothing more is written to it; put the \
         file back, keep others from moving it (a backup copies), then run again: what was \
         committed before is in the file that was opened",
        path.display()
    )]
    Moved {
        /// The file.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
    },
    /// The disk or the quota is full.
    #[error("no room is left whilst {context}; make room and run again, nothing is lost")]
    Full {
        /// What was being done.
        context: String,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The disk or its file system failed.
    #[error(
        "the disk failed whilst {context}; look at it (dmesg, its health, its room), then run again: \
         what was committed is kept"
    )]
    Disk {
        /// What was being done.
        context: String,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The disk refused to make durable what was written to it. Whether it is there is not known,
    /// and to ask again would be answered with yes.
    #[error(
        "the disk did not keep what was written whilst {context}; look at the disk (dmesg, its \
         health, its room), then run again: what the archive lacks is read again"
    )]
    Unsynced {
        /// What was being done.
        context: String,
        /// What the database said, where it was asked.
        #[source]
        source: Option<Source>,
    },
    /// The database does not let itself be written.
    #[error("the database may not be written whilst {context}; check its permissions")]
    ReadOnly {
        /// What was being done.
        context: String,
        /// What the database said, where it was asked.
        #[source]
        source: Option<Source>,
    },
    /// Another program holds a lock inside the database.
    #[error("another program locks the database whilst {context}; close it and run again")]
    Locked {
        /// What was being done.
        context: String,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The database cannot be reached, or the connection was lost.
    #[error("the database cannot be reached whilst {context}; check that it runs, then run again")]
    Unreachable {
        /// What was being done.
        context: String,
        /// What went wrong.
        #[source]
        source: Source,
    },
    /// The database refused something else.
    #[error("the database failed whilst {context}")]
    Database {
        /// What was being done.
        context: String,
        /// What the database said.
        #[source]
        source: Source,
    },
    /// The schema could not be created or brought up to date.
    #[error("the schema of the archive {archive} could not be brought up to date")]
    Migration {
        /// Which archive.
        archive: String,
        /// What went wrong.
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// A file beside or of the archive could not be opened.
    #[error("{context} {}{}", path.display(), advice(source))]
    File {
        /// What was being done.
        context: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was typed cannot be looked for.
    #[error(transparent)]
    Words(#[from] QueryFlaw),
    /// The archive holds what no version of this program writes, or was asked for what it does
    /// not hold.
    #[error(
        "the archive does not hold what it should: {what}; this is a bug in convault: please report it with this line"
    )]
    Broken {
        /// What was found.
        what: String,
    },
}

/// What to do about a file, where that is plain.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room there and run again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; check who may write there"
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            "; look at the disk (dmesg, its health), then run again"
        }
        _ => "",
    }
}

fn ago(age: Option<Duration>) -> String {
    age.map_or_else(String::new, |age| {
        let seconds = age.as_secs();
        match seconds {
            0..120 => format!(", for {seconds} s"),
            120..7200 => format!(", for {} min", seconds / 60),
            _ => format!(", for {} h", seconds / 3600),
        }
    })
}

impl StoreError {
    /// Whether another run holds the archive.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }

    /// The exit code of product.md.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Held { .. } => 6,
            Self::Url { .. } | Self::OtherGateway { .. } | Self::Words(_) => 2,
            _ => 8,
        }
    }

    /// Whether the connection is gone, so that a new one may fare better.
    pub(super) fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    pub(super) fn broken(what: impl Into<String>) -> Self {
        Self::Broken { what: what.into() }
    }

    /// Whether the file's name leads elsewhere by now.
    pub(super) fn is_moved(&self) -> bool {
        matches!(self, Self::Moved { .. })
    }

    /// Whether a sync failed, after which nothing may be written through this process.
    pub(super) fn is_unsynced(&self) -> bool {
        matches!(self, Self::Unsynced { .. })
    }

    /// Why the schema could not be created or brought up to date.
    pub(super) fn migration(archive: &DatabaseUrl, source: MigrateError) -> Self {
        match source {
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _)
                if !matches!(sqlx_trouble(&source), Trouble::Other) =>
            {
                let context = format!("bringing the schema of the archive {archive} up to date");
                Self::whilst(context, source)
            }
            source => Self::Migration {
                archive: archive.to_string(),
                source: Box::new(source),
            },
        }
    }

    /// Says in which archive it was, where the words do not say so yet.
    #[must_use]
    pub(super) fn in_archive(mut self, archive: &str) -> Self {
        if let Self::Full { context, .. }
        | Self::Disk { context, .. }
        | Self::Unsynced { context, .. }
        | Self::ReadOnly { context, .. }
        | Self::Locked { context, .. }
        | Self::Unreachable { context, .. }
        | Self::Database { context, .. } = &mut self
            && !context.contains(archive.trim_start_matches("sqlite:"))
        {
            *context = format!("{context} (archive {archive})");
        }
        self
    }

    /// What the engine's error means, as far as its code tells.
    pub(super) fn whilst(context: impl Into<String>, source: impl Into<EngineError>) -> Self {
        let context = context.into();
        let source = match source.into() {
            EngineError::Broken(what) => return Self::broken(what),
            source => source,
        };
        let trouble = trouble(&source);
        let source = Box::new(source);
        match trouble {
            Trouble::Full => Self::Full { context, source },
            Trouble::Disk => Self::Disk { context, source },
            Trouble::Unsynced => Self::Unsynced {
                context,
                source: Some(source),
            },
            Trouble::ReadOnly => Self::ReadOnly {
                context,
                source: Some(source),
            },
            Trouble::Locked => Self::Locked { context, source },
            Trouble::Unreachable => Self::Unreachable { context, source },
            Trouble::Other => Self::Database { context, source },
        }
    }
}

enum Trouble {
    Full,
    Disk,
    Unsynced,
    ReadOnly,
    Locked,
    Unreachable,
    Other,
}

fn trouble(error: &EngineError) -> Trouble {
    match error {
        EngineError::Sqlx(error) => sqlx_trouble(error),
        EngineError::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
            sqlite_trouble(error.extended_code)
        }
        EngineError::NoLog(_) => Trouble::Disk,
        EngineError::ThreadEnded => Trouble::Unreachable,
        EngineError::Sqlite(_) | EngineError::NoThread(_) | EngineError::Broken(_) => {
            Trouble::Other
        }
    }
}

fn sqlx_trouble(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => Trouble::Unreachable,
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some()
            {
                sqlite_trouble(code.parse().unwrap_or(0))
            } else {
                postgres_trouble(&code)
            }
        }
        _ => Trouble::Other,
    }
}

/// By the primary result code, the low byte of the extended one; a sync of a file or a folder
/// that failed is an extended one.
fn sqlite_trouble(code: i32) -> Trouble {
    match code & 0xff {
        10 if matches!(code >> 8, 4 | 5) => Trouble::Unsynced,
        10 => Trouble::Disk,
        5 | 6 => Trouble::Locked,
        8 => Trouble::ReadOnly,
        13 => Trouble::Full,
        _ => Trouble::Other,
    }
}

fn postgres_trouble(code: &str) -> Trouble {
    match code {
        "53100" => Trouble::Full,
        "58030" => Trouble::Disk,
        "25006" | "42501" => Trouble::ReadOnly,
        "55P03" => Trouble::Locked,
        // Shut down by an administrator, crashed, starting up, idle for too long, too many clients.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300" => Trouble::Unreachable,
        _ if code.starts_with("08") => Trouble::Unreachable,
        _ => Trouble::Other,
    }
}
