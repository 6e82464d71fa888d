//! Test support: a Postgres schema or database of its own for each test.
//!
//! The server is a temporary one that `scripts/test` starts (by `scripts/postgres`); a test
//! that finds none fails, it is never skipped.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// The URL of a superuser on the test server.
pub(crate) fn url() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told where their server is; config reads what the program is told"
    )]
    std::env::var("CONVAULT_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "no Postgres server for the tests: run scripts/test, or \
             scripts/postgres run cargo test --test it"
        )
    })
}

/// A name that no other test has.
pub(crate) fn fresh_name() -> String {
    format!("t_{}", uuid::Uuid::new_v4().simple())
}

/// Drops a database of [`create_database`], whoever is connected to it.
pub(crate) async fn drop_database(its_url: &str) {
    let name = its_url.rsplit('/').next().unwrap();
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    connection
        .execute(AssertSqlSafe(format!("drop database {name} with (force)")))
        .await
        .unwrap();
}

/// Creates an empty database and gives its URL.
pub(crate) async fn create_database() -> String {
    let name = fresh_name();
    let mut connection = PgConnection::connect(&url()).await.unwrap();
    connection
        .execute(AssertSqlSafe(format!("create database {name}")))
        .await
        .unwrap();
    let (server, _) = url()
        .rsplit_once('/')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    format!("{server}/{name}")
}
