//! Connects: the schema, the settings of a session, the migrations.

use std::{str::FromStr as _, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::lock;
use crate::store::{RunLock, StoreError, StoreOptions, backend::Backend};

/// The migrations, compiled in.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

const READERS: u32 = 4;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Postgres cuts an application's name off here.
const NAME_BYTES_MAX: usize = 63;

/// An open archive.
#[derive(Debug)]
pub(in crate::store) struct Postgres {
    pub(super) readers: PgPool,
    pub(super) address: Address,
}

/// Where the archive is and how sessions are set up there.
#[derive(Debug, Clone)]
pub(super) struct Address {
    options: PgConnectOptions,
    /// A plain name, so that quoting it is enough.
    pub(super) schema: String,
}

/// Locks the schema, creates and migrates it.
pub(in crate::store) async fn open(
    url: &SecretString,
    options: &StoreOptions,
) -> Result<(Box<dyn Backend>, RunLock), StoreError> {
    let address = Address::new(url, options)?;
    let lock = lock::take(&address, options).await?;
    let mut connection = address.connect().await?;
    let create = format!("create schema if not exists \"{}\"", address.schema);
    if !schema_exists(&mut connection, &address.schema).await? {
        connection
            .execute(AssertSqlSafe(create))
            .await
            .map_err(|source| StoreError::whilst("creating the schema", source))?;
    }
    if let Some(found) = read_schema(&mut connection, &address.schema).await? {
        refuse_newer(found, options)?;
    }
    let mut migrations = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    // Our own lock is held; sqlx's would make the archives of one database wait for each other.
    migrations.set_locking(false);
    migrations
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|source| StoreError::migration(&options.url, source))?;
    Ok((Box::new(Postgres::over(address)), lock))
}

/// Opens a schema that is there; changes nothing.
pub(in crate::store) async fn open_read_only(
    url: &SecretString,
    options: &StoreOptions,
) -> Result<Box<dyn Backend>, StoreError> {
    let address = Address::new(url, options)?;
    let mut connection = address.connect().await?;
    let found = read_schema(&mut connection, &address.schema)
        .await?
        .ok_or_else(|| StoreError::Missing {
            archive: options.url.to_string(),
        })?;
    refuse_newer(found, options)?;
    let known = known_schema();
    if found < known {
        return Err(StoreError::OlderSchema {
            archive: options.url.to_string(),
            found,
            known,
        });
    }
    Ok(Box::new(Postgres::over(address)))
}

impl Postgres {
    fn over(address: Address) -> Self {
        let set_up = address.set_up();
        let readers = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                let set_up = format!("{set_up}; set default_transaction_read_only = on");
                Box::pin(async move {
                    connection.execute(AssertSqlSafe(set_up)).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(address.options.clone());
        Self { readers, address }
    }
}

impl Address {
    fn new(url: &SecretString, options: &StoreOptions) -> Result<Self, StoreError> {
        let schema = options.schema.as_deref().unwrap_or("public");
        if !is_plain(schema) {
            return Err(StoreError::Url {
                reason: format!(
                    "the schema {schema:?} is not a plain name (letters, digits and underscores, \
                     not a digit first, at most 63, not pg_…)"
                ),
            });
        }
        let connect = PgConnectOptions::from_str(url.expose_secret())
            .map_err(|_| StoreError::Url {
                reason: "the Postgres URL cannot be read".to_owned(),
            })?
            .application_name(&application_name(&options.holder))
            .disable_statement_logging();
        Ok(Self {
            options: connect,
            schema: schema.to_owned(),
        })
    }

    /// A session in the archive's schema. Keepalives free what a host held that has vanished.
    pub(super) async fn connect(&self) -> Result<PgConnection, StoreError> {
        let whilst = |source| StoreError::whilst("connecting to Postgres", source);
        let mut connection = self.options.connect().await.map_err(whilst)?;
        connection
            .execute(AssertSqlSafe(self.set_up()))
            .await
            .map_err(whilst)?;
        Ok(connection)
    }

    /// What every session is told. Nothing is compiled for what it asks: that takes longer than the answer
    /// of all but a few, and the server is easily led to it, by a cost that it only guesses (`plan`
    /// over 1,000,000 messages took ten times as long).
    fn set_up(&self) -> String {
        format!(
            "set search_path to \"{}\"; set jit = off; set tcp_keepalives_idle = 30; \
             set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3",
            self.schema
        )
    }
}

fn is_plain(schema: &str) -> bool {
    let mut characters = schema.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
        && schema.len() <= NAME_BYTES_MAX
        && !schema.to_ascii_lowercase().starts_with("pg_")
}

/// What `pg_stat_activity` shows, and so what another run learns of the holder.
fn application_name(holder: &str) -> String {
    let name: String = format!("{}{holder}", lock::NAME_PREFIX)
        .chars()
        .map(|character| {
            if character.is_ascii_graphic() {
                character
            } else {
                ' '
            }
        })
        .collect();
    name.chars().take(NAME_BYTES_MAX).collect()
}

async fn schema_exists(connection: &mut PgConnection, schema: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
        .bind(schema)
        .fetch_one(connection)
        .await
        .map_err(|source| StoreError::whilst("looking for the schema", source))
}

/// The newest migration that was applied; `None` where there is no archive.
async fn read_schema(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Option<i64>, StoreError> {
    let whilst = |source| StoreError::whilst("reading the schema of the archive", source);
    let there: bool = sqlx::query_scalar(
        "select exists (select from pg_tables
                        where schemaname = $1 and tablename = '_sqlx_migrations')",
    )
    .bind(schema)
    .fetch_one(&mut *connection)
    .await
    .map_err(whilst)?;
    if !there {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_plain_name() {
        for name in ["public", "Archive_2", "_x"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "2x", "a-b", "a\"b", "pg_x", "ä", &"x".repeat(64)] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn the_name_of_a_session_fits_postgres() {
        let name = application_name(&format!("sync, pid 1 on h\u{f6}st{}", "x".repeat(99)));
        assert_eq!(name.len(), NAME_BYTES_MAX);
        assert!(name.starts_with("convault sync, pid 1 on h st"));
    }
}
