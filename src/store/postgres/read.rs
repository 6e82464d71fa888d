//! Statements and rows as Postgres has them: times are binary, lists are arrays.

use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Decode, Encode, Executor as _, PgConnection,
    Row as _, SqlSafeStr as _, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{
        PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef, types::Oid,
    },
};

use super::{
    open::{MIGRATIONS, Postgres},
    schema, search,
    write::PostgresWriter,
};
use crate::{
    model::{Text, Timestamp},
    store::{
        StoreError,
        backend::{Backend, Reader, Select, Writer, assert_arguments},
        schema::{Schema, SchemaObject, migrations},
        statement::{Dialect, Statement},
        value::{Kind, Row, Value},
    },
};

/// How Postgres spells what the engines spell differently.
#[derive(Debug)]
pub(super) struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn list(kind: &str, argument: &str) -> String {
        match kind {
            "pairs" => format!(
                "(select cast(pair ->> 0 as bigint) as number, pair ->> 1 as word \
                 from json_array_elements(cast(${argument} as json)) as pairs (pair))"
            ),
            "matching" => search::matching(argument),
            "matching_first" => search::matching_first(argument),
            "index" => search::index(),
            "unindex" => search::unindex(),
            "clear" => search::clear(argument),
            "in_ints" => format!("= any(cast(${argument} as bigint[]))"),
            _ => format!("= any(cast(${argument} as text[]))"),
        }
    }

    const FOR_UPDATE: &'static str = "for update";
    const BYTEWISE: &'static str = "collate \"C\"";
}

/// A `timestamptz` as Postgres sends it: microseconds since 2000.
#[derive(Debug, Clone, Copy)]
pub(super) struct Micros(i64);

/// 2000-01-01T00:00:00Z in milliseconds since 1970.
const POSTGRES_EPOCH_MS: i64 = 946_684_800_000;
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);

impl From<Timestamp> for Micros {
    fn from(time: Timestamp) -> Self {
        Self((time.as_millis() - POSTGRES_EPOCH_MS) * 1_000)
    }
}

impl From<Micros> for Timestamp {
    fn from(time: Micros) -> Self {
        Self::from_millis(time.0.div_euclid(1_000).saturating_add(POSTGRES_EPOCH_MS))
    }
}

impl Type<sqlx::Postgres> for Micros {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for Micros {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl Encode<'_, sqlx::Postgres> for Micros {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<sqlx::Postgres>>::encode(self.0, buffer)
    }
}

impl<'r> Decode<'r, sqlx::Postgres> for Micros {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes: [u8; 8] = value.as_bytes()?.try_into()?;
        Ok(Self(i64::from_be_bytes(bytes)))
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn select(
        &self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut reader = self
            .readers
            .acquire()
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))?;
        select(&mut reader, statement, args).await
    }

    async fn connect_writer(&self) -> Result<Box<dyn Writer>, StoreError> {
        Ok(Box::new(PostgresWriter::open(&self.address).await?))
    }

    async fn connect_reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        let mut connection = self.address.connect().await?;
        // The state that is seen is that of the first read.
        connection
            .execute("begin isolation level repeatable read read only; select 1 from archive")
            .await
            .map_err(|source| StoreError::whilst("beginning to read one state", source))?;
        Ok(Box::new(PostgresReader(connection)))
    }

    async fn prepare(&self, statement: &Statement) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(statement.spelled::<PostgresDialect>()).into_sql_str();
        self.readers
            .prepare(sql)
            .await
            .map_err(|source| StoreError::whilst(statement.purpose, source))?;
        Ok(())
    }

    async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        let whilst = |source| StoreError::whilst("checking the database", source);
        let invalid: Vec<String> = sqlx::query_scalar(
            "select 'the index ' || c.relname || ' is not valid'
             from pg_index i join pg_class c on c.oid = i.indexrelid
             join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = $1 and not (i.indisvalid and i.indisready) order by 1",
        )
        .bind(&self.address.schema)
        .fetch_all(&self.readers)
        .await
        .map_err(whilst)?;
        let unproven: Vec<String> = sqlx::query_scalar(
            "select 'the constraint ' || c.conname || ' of ' || r.relname || ' is not validated'
             from pg_constraint c join pg_class r on r.oid = c.conrelid
             join pg_namespace n on n.oid = r.relnamespace
             where n.nspname = $1 and not c.convalidated order by 1",
        )
        .bind(&self.address.schema)
        .fetch_all(&self.readers)
        .await
        .map_err(whilst)?;
        let checksums: Vec<String> = sqlx::query_scalar(
            "select checksum_failures || ' pages of the database failed their checksum'
             from pg_stat_database where datname = current_database() and checksum_failures > 0",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(whilst)?;
        Ok([invalid, unproven, checksums].concat())
    }

    async fn read_schema(&self) -> Result<Schema, StoreError> {
        schema::read(self).await
    }

    fn migrations(&self) -> Vec<SchemaObject> {
        migrations(&MIGRATIONS)
    }

    async fn engine_version(&self) -> Result<String, StoreError> {
        let version: String = sqlx::query_scalar("select current_setting('server_version')")
            .fetch_one(&self.readers)
            .await
            .map_err(|source| StoreError::whilst("asking for the version", source))?;
        let number = version.split(' ').next().unwrap_or_default();
        Ok(format!("PostgreSQL {number}"))
    }

    async fn close(&self) {
        self.readers.close().await;
    }
}

/// One state of the database.
#[derive(Debug)]
struct PostgresReader(PgConnection);

#[async_trait]
impl Select for PostgresReader {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        select(&mut self.0, statement, args).await
    }
}

#[async_trait]
impl Reader for PostgresReader {
    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.0
            .close()
            .await
            .map_err(|source| StoreError::whilst("closing the connection to Postgres", source))
    }
}

/// Reads on one connection.
pub(super) async fn select(
    connection: &mut PgConnection,
    statement: &Statement,
    args: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    assert_arguments(statement, &args);
    let whilst = |source| StoreError::whilst(statement.purpose, source);
    let sql = AssertSqlSafe(statement.spelled::<PostgresDialect>());
    let rows = sqlx::query_with(sql, arguments(args).map_err(whilst)?)
        .fetch_all(connection)
        .await
        .map_err(whilst)?;
    rows.iter().map(|row| decode(row, statement)).collect()
}

/// The values as sqlx takes them.
pub(super) fn arguments(args: Vec<Value>) -> Result<PgArguments, sqlx::Error> {
    let mut made = PgArguments::default();
    for value in args {
        match value {
            Value::Int(number) => made.add(number),
            Value::Text(text) => made.add(text.as_deref()),
            Value::Bytes(bytes) => made.add(bytes),
            Value::Bool(truth) => made.add(truth),
            Value::Real(number) => made.add(number),
            Value::Time(time) => made.add(time.map(Micros::from)),
            Value::Ints(list) => made.add(list),
            Value::Texts(list) => made.add(list),
            Value::Pairs(list) => made.add(json(&list)),
            Value::Entries(list) => {
                let (keys, terms) = search::entries(&list);
                made.add(keys).map_err(sqlx::Error::Encode)?;
                made.add(terms)
            }
            Value::Query(query) => made.add(search::question(&query)),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(made)
}

fn json<T: serde::Serialize>(list: &T) -> String {
    serde_json::to_string(list).expect("numbers and texts are JSON")
}

/// The type that a column says is not asked: a count is `bigint`, a version is `integer`.
fn decode(row: &PgRow, statement: &Statement) -> Result<Row, StoreError> {
    let whilst = |source| StoreError::whilst(statement.purpose, source);
    let mut values = Vec::with_capacity(statement.columns.len());
    for (column, kind) in statement.columns.iter().enumerate() {
        values.push(match kind {
            Kind::Int => Value::Int(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Text => {
                let text: Option<String> = row.try_get_unchecked(column).map_err(whilst)?;
                Value::Text(text.map(Text::from))
            }
            Kind::Bytes => Value::Bytes(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Bool => Value::Bool(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Real => Value::Real(row.try_get_unchecked(column).map_err(whilst)?),
            Kind::Time => {
                let time: Option<Micros> = row.try_get_unchecked(column).map_err(whilst)?;
                Value::Time(time.map(Timestamp::from))
            }
        });
    }
    Ok(Row::new(values))
}
