//! One run at a time: an advisory lock of a session of its own, which the server frees when
//! that session ends. Its keepalives end it some 60 s after its host has vanished.
//!
//! Another run finds the holder by `pg_locks` and the name of the session that holds it.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use super::open::Address;
use crate::store::{Held, RunLock, StoreError, StoreOptions};

/// How a session of ours is named, before the holder.
pub(super) const NAME_PREFIX: &str = "convault ";

const POLL: Duration = Duration::from_millis(50);

/// Takes the lock, waiting `lock_wait` at most.
pub(super) async fn take(address: &Address, options: &StoreOptions) -> Result<RunLock, StoreError> {
    let mut session = address.connect().await?;
    // This session is idle by design; a server's policy must not end it (Postgres 14 and later).
    sqlx::query(
        "select set_config('idle_session_timeout', '0', false)
         from pg_settings where name = 'idle_session_timeout'",
    )
    .execute(&mut session)
    .await
    .map_err(|source| StoreError::whilst("setting up the session of the lock", source))?;
    let key = key(&address.schema);
    let give_up = Instant::now() + options.lock_wait;
    loop {
        let taken: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
            .bind(key)
            .fetch_one(&mut session)
            .await
            .map_err(|source| StoreError::whilst("locking the archive", source))?;
        if taken {
            return Ok(RunLock(Held::Session(Box::new(session))));
        }
        if Instant::now() >= give_up {
            return Err(held(&mut session, key, options).await?);
        }
        sleep(POLL).await;
    }
}

/// The lock belongs to this database already; the schema is in its key.
fn key(schema: &str) -> i64 {
    let hash = Sha256::digest(format!("convault archive {schema}"));
    let first = hash.first_chunk::<8>().expect("a hash has 32 bytes");
    i64::from_be_bytes(*first)
}

async fn held(
    session: &mut PgConnection,
    key: i64,
    options: &StoreOptions,
) -> Result<StoreError, StoreError> {
    let found: Option<(Option<String>, Option<i64>)> = sqlx::query_as(
        "select a.application_name,
                cast(extract(epoch from clock_timestamp() - a.backend_start) as bigint)
         from pg_locks l join pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'advisory' and l.granted and l.objsubid = 1
           and l.database = (select oid from pg_database where datname = current_database())
           and (cast(l.classid as bigint) << 32) | cast(l.objid as bigint) = $1
         limit 1",
    )
    .bind(key)
    .fetch_optional(session)
    .await
    .map_err(|source| StoreError::whilst("looking who holds the archive", source))?;
    let (name, age) = found.unwrap_or_default();
    let holder = name
        .as_deref()
        .and_then(|name| name.strip_prefix(NAME_PREFIX))
        .unwrap_or("another run");
    Ok(StoreError::Held {
        archive: options.url.to_string(),
        holder: holder.to_owned(),
        age: age
            .and_then(|age| u64::try_from(age).ok())
            .map(Duration::from_secs),
    })
}
