//! An archive that only the migrations have touched, on either engine, and its answers in one
//! form. Uses sqlx alone, so that what is said of the schema does not rest on the store.

use std::{path::Path, sync::atomic::AtomicU32};

use convault::model::Timestamp;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Executor as _, PgConnection, Row as _,
    SqlSafeStr as _, SqliteConnection, Statement as _, TypeInfo as _, ValueRef as _,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgRow, PgValueRef},
    sqlite::{SqliteConnectOptions, SqliteRow},
};

/// A migrated archive on one of the engines.
#[derive(Debug)]
pub(crate) enum Archive {
    Sqlite(SqliteConnection),
    Postgres {
        connection: PgConnection,
        schema: String,
    },
}

/// The answer to a query: names of columns and rows, each cell as text, the same on both engines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Archive {
    /// A new file at `path`.
    pub(crate) async fn sqlite(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        migrator("sqlite").await.run(&mut connection).await.unwrap();
        Self::Sqlite(connection)
    }

    /// The file at `path`, as somebody else has made it.
    pub(crate) async fn open_sqlite(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path);
        Self::Sqlite(SqliteConnection::connect_with(&options).await.unwrap())
    }

    /// The schema that somebody else has made; [`Archive::close`] drops it.
    pub(crate) async fn open_postgres(schema: &str) -> Self {
        let connection = connect_to_postgres(schema).await;
        Self::Postgres {
            connection,
            schema: schema.to_owned(),
        }
    }

    /// A new schema on the server that `CONVAULT_TEST_POSTGRES_URL` names; [`Archive::close`]
    /// drops it.
    pub(crate) async fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let schema = format!("migrated_{}_{number}", std::process::id());
        let mut connection = connect_to_postgres(&schema).await;
        let create = format!("create schema {schema}");
        connection.execute(AssertSqlSafe(create)).await.unwrap();
        migrator("postgres")
            .await
            .run(&mut connection)
            .await
            .unwrap();
        Self::Postgres { connection, schema }
    }

    /// Runs statements that are valid on both engines, but for bytes: `blob'00ff'`.
    pub(crate) async fn execute(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => {
                let sql = AssertSqlSafe(sql.replace("blob'", "x'"));
                sqlx::raw_sql(sql).execute(connection).await.unwrap();
            }
            Self::Postgres { connection, .. } => {
                let sql = AssertSqlSafe(sql.replace("blob'", "'\\x"));
                sqlx::raw_sql(sql).execute(connection).await.unwrap();
            }
        }
    }

    /// Runs one query that is valid on both engines.
    pub(crate) async fn query(&mut self, sql: &str) -> Answer {
        let safe = AssertSqlSafe(sql.to_owned()).into_sql_str();
        match self {
            Self::Sqlite(connection) => {
                let columns = described(connection.prepare(safe.clone()).await.unwrap().columns());
                let rows = sqlx::query(safe).fetch_all(connection).await;
                let rows = rows.unwrap().iter().map(sqlite_cells).collect();
                Answer { columns, rows }
            }
            Self::Postgres { connection, .. } => {
                let columns = described(connection.prepare(safe.clone()).await.unwrap().columns());
                let rows = sqlx::query(safe).fetch_all(connection).await;
                let rows = rows.unwrap().iter().map(postgres_cells).collect();
                Answer { columns, rows }
            }
        }
    }

    /// Lets go of it; a Postgres schema is dropped.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(connection) => connection.close().await.unwrap(),
            Self::Postgres {
                mut connection,
                schema,
            } => {
                let drop = AssertSqlSafe(format!("drop schema {schema} cascade"));
                connection.execute(drop).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

impl Answer {
    /// The rows in an order that does not depend on the engine.
    pub(crate) fn sorted(mut self) -> Self {
        self.rows.sort();
        self
    }

    /// Header and rows, cells parted by ` | `.
    pub(crate) fn to_text(&self) -> String {
        let lines = std::iter::once(&self.columns).chain(&self.rows);
        lines
            .map(|cells| cells.join(" | "))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

async fn connect_to_postgres(schema: &str) -> PgConnection {
    #[expect(clippy::disallowed_methods, reason = "which server tests may use")]
    let url = std::env::var("CONVAULT_TEST_POSTGRES_URL")
        .expect("CONVAULT_TEST_POSTGRES_URL is not set: run scripts/test");
    let options = url
        .parse::<PgConnectOptions>()
        .expect("CONVAULT_TEST_POSTGRES_URL is a Postgres URL")
        .options([("search_path", schema), ("timezone", "UTC")]);
    PgConnection::connect_with(&options).await.unwrap()
}

async fn migrator(engine: &str) -> Migrator {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Migrator::new(root.join("migrations").join(engine))
        .await
        .unwrap()
}

fn described<C: sqlx::Column>(columns: &[C]) -> Vec<String> {
    columns.iter().map(|c| c.name().to_owned()).collect()
}

fn sqlite_cells(row: &SqliteRow) -> Vec<String> {
    let cell = |column: &sqlx::sqlite::SqliteColumn| {
        let index = column.ordinal();
        let value = row.try_get_raw(index).unwrap();
        if value.is_null() {
            return "null".to_owned();
        }
        match value.type_info().name() {
            "INTEGER" => row.get::<i64, _>(index).to_string(),
            "REAL" => row.get::<f64, _>(index).to_string(),
            "TEXT" => row.get::<String, _>(index),
            other => panic!("{other} in column {} of a view", column.name()),
        }
    };
    row.columns().iter().map(cell).collect()
}

fn postgres_cells(row: &PgRow) -> Vec<String> {
    let cell = |column: &sqlx::postgres::PgColumn| {
        let index = column.ordinal();
        let value = row.try_get_raw(index).unwrap();
        if value.is_null() {
            return "null".to_owned();
        }
        match value.type_info().name() {
            "INT4" => row.get::<i32, _>(index).to_string(),
            "INT8" => row.get::<i64, _>(index).to_string(),
            "FLOAT8" => row.get::<f64, _>(index).to_string(),
            "TEXT" | "NAME" => row.get::<String, _>(index),
            "BOOL" => i32::from(row.get::<bool, _>(index)).to_string(),
            "TIMESTAMPTZ" => timestamp(&value).to_string(),
            "DATE" => day(&value),
            other => panic!("{other} in column {} of a view", column.name()),
        }
    };
    row.columns().iter().map(cell).collect()
}

/// A binary `date` is days since 2000-01-01.
fn day(value: &PgValueRef<'_>) -> String {
    let bytes = value.as_bytes().unwrap().try_into().unwrap();
    let midnight = i64::from(i32::from_be_bytes(bytes)) * 86_400_000 + YEAR_2000_MS;
    Timestamp::from_millis(midnight).to_string()[..10].to_owned()
}

const YEAR_2000_MS: i64 = 946_684_800_000;

/// A binary `timestamptz` is microseconds since 2000-01-01T00:00:00Z.
fn timestamp(value: &PgValueRef<'_>) -> Timestamp {
    let bytes = value.as_bytes().unwrap().try_into().unwrap();
    Timestamp::from_millis(i64::from_be_bytes(bytes) / 1_000 + YEAR_2000_MS)
}
