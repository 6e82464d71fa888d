//! The one connection that writes: one array a column, so that one text serves any number of
//! rows.
//!
//! Statements are spelled out by whoever writes, and sent by a thread that does nothing else: the
//! server never waits for rows that are still being made.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, Executor as _, PgConnection, error::BoxDynError,
    postgres::PgArguments,
};

use super::{
    connection::{Pending, PostgresConnection, ended},
    open::Address,
    read::{self, Micros, PostgresDialect, arguments},
};
use crate::store::{
    StoreError,
    backend::{Select, Step, Writer},
    statement::{self, Statement},
    table::{Meeting, Rows, Table},
    value::{Kind, Row, Value},
};

/// The connection.
#[derive(Debug)]
pub(super) struct PostgresWriter {
    connection: PostgresConnection,
    /// What was begun and not waited for.
    behind: Option<Pending<Vec<u64>>>,
    /// A fence of the transaction changed no row: what was begun after it is not done.
    is_fenced: Arc<AtomicBool>,
    /// Rows that were written since the server last looked at what there is.
    unseen: usize,
}

/// A transaction looks things up by their keys: of a table that was filled a minute ago the server
/// knows no numbers yet, and would read the whole of it for each batch. For the same reason it takes
/// a few keys for thousands, and would start processes to help. Words that have waited are put into the
/// index out of as much memory as their list may have.
const SET_UP: &str = "set enable_seqscan = off; set enable_hashjoin = off; \
                      set enable_mergejoin = off; set max_parallel_workers_per_gather = 0; \
                      set work_mem = '16MB'";

/// Puts the words that wait into the index.
const PUT_WORDS_IN: &str = "select gin_clean_pending_list('search_index_terms')";

/// So many rows are worth a look.
const UNSEEN_MAX: usize = 10_000;

/// Lets the server look at the keys of what grows with the messages: how many there are, and of what.
///
/// Of a table that was filled just now it knows nothing, and takes a hundred keys for half of the table
/// until it looks by itself, a minute later or not at all; `verify` of 1,000,000 messages took three
/// times as long. It looks at a few thousand rows and at keys alone, which takes a tenth of a second and
/// leaves the whole look, which it does by itself, as due as it was. Only an owner may tell it to, and
/// whoever waits for a lock lets it be.
const LOOK: &str = "
    set local client_min_messages = error;
    set local lock_timeout = '200ms';
    set local default_statistics_target = 10;
    analyze messages (key, conversation_key, created_at), message_versions (message_key, version),
        search_index (message_key), quick_replies (message_key), quick_reply_options (message_key),
        attachments (message_key), locations (message_key), shared_contacts (message_key),
        template_variables (message_key), anomalies (message_key), absences (message_key),
        message_changes (message_key)";

/// What any value takes beside text and bytes: its length and at most eight bytes.
const FIXED_BYTES: usize = 12;

impl PostgresWriter {
    pub(super) async fn open(address: &Address) -> Result<Self, StoreError> {
        let connection = PostgresConnection::open(address).await?;
        let writer = Self {
            connection,
            behind: None,
            is_fenced: Arc::default(),
            unseen: 0,
        };
        let whilst = "setting the writing session up".into();
        writer.command(SET_UP, whilst).await?;
        Ok(writer)
    }

    /// By the simple protocol: one round trip, and the words are on the wire as they are.
    async fn command(
        &self,
        command: &'static str,
        whilst: Cow<'static, str>,
    ) -> Result<(), StoreError> {
        let execute = async move |mut connection: PgConnection| {
            let done = connection.execute(command).await;
            let done = done.map_err(|source| StoreError::whilst(whilst, source));
            (connection, done.map(drop))
        };
        self.connection.with(execute).await
    }

    async fn tell(&self, command: &'static str) -> Result<(), StoreError> {
        let whilst = format!("telling Postgres to {command}");
        self.command(command, whilst.into()).await
    }

    /// Has the server do what it would do by itself later on, and what only an owner may ask for.
    async fn tend(&self, command: &'static str, whilst: &'static str) -> Result<(), StoreError> {
        match self.command(command, whilst.into()).await {
            Err(error) if error.is_connection_lost() => Err(error),
            Err(error) => {
                tracing::debug!(%error, "left to the server");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

#[async_trait]
impl Select for PostgresWriter {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = statement.clone();
        let select = async move |mut connection: PgConnection| {
            let found = read::select(&mut connection, &statement, args).await;
            (connection, found)
        };
        self.connection.with(select).await
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.behind = None;
        self.is_fenced = Arc::default();
        self.tell("begin").await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.tell("commit").await
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.tell("rollback").await
    }

    async fn write_behind(&mut self, steps: Vec<Step>) -> Result<Vec<u64>, StoreError> {
        self.unseen += steps.iter().map(Step::rows).sum::<usize>();
        let spelled = steps.into_iter().map(Spelled::of);
        let spelled: Vec<Spelled> = spelled.collect::<Result<_, _>>()?;
        let is_fenced = Arc::clone(&self.is_fenced);
        let send = |connection| send(connection, spelled, is_fenced);
        let begun = self.connection.begin(send);
        settled(self.behind.replace(begun)).await
    }

    async fn settle(&mut self) -> Result<Vec<u64>, StoreError> {
        settled(self.behind.take()).await
    }

    /// The server has made durable whatever it has called committed. What it would do by itself after
    /// many rows, some time later, is done now: whoever reads next need not wait for it.
    async fn sync(&mut self) -> Result<(), StoreError> {
        self.tend(PUT_WORDS_IN, "putting the words that wait into the index")
            .await?;
        if self.unseen >= UNSEEN_MAX {
            self.tend(LOOK, "having Postgres look at the keys that there are")
                .await?;
            self.unseen = 0;
        }
        Ok(())
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.connection.close().await
    }

    /// How to go on after a sync that failed is the server's own business.
    fn abandon(self: Box<Self>) {}
}

async fn settled(behind: Option<Pending<Vec<u64>>>) -> Result<Vec<u64>, StoreError> {
    match behind {
        Some(behind) => ended(behind).await,
        None => Ok(Vec::new()),
    }
}

/// A [`Step`] as it is sent.
struct Spelled {
    /// What it is done for.
    purpose: Cow<'static, str>,
    sql: String,
    args: PgArguments,
    is_fence: bool,
}

impl Spelled {
    fn of(step: Step) -> Result<Self, StoreError> {
        step.assert();
        match step {
            Step::Fence { epoch, last } => Ok(Self {
                is_fence: true,
                ..Self::run(&statement::FENCE, vec![epoch.into(), last.into()])?
            }),
            Step::Run(statement, args) => Self::run(statement, args),
            Step::Put(rows) => Self::put(&rows),
        }
    }

    fn run(statement: &'static Statement, args: Vec<Value>) -> Result<Self, StoreError> {
        let whilst = |source| StoreError::whilst(statement.purpose, source);
        Ok(Self {
            purpose: statement.purpose.into(),
            sql: statement.spelled::<PostgresDialect>(),
            args: arguments(args).map_err(whilst)?,
            is_fence: false,
        })
    }

    fn put(rows: &Rows) -> Result<Self, StoreError> {
        let table = rows.table;
        let purpose = format!("writing {}", table.name);
        let args = columns(rows).map_err(sqlx::Error::Encode);
        let args = args.map_err(|source| StoreError::whilst(purpose.as_str(), source))?;
        assert_eq!(args.len(), table.columns.len(), "arrays of {}", table.name);
        Ok(Self {
            purpose: purpose.into(),
            sql: bulk_text(table),
            args,
            is_fence: false,
        })
    }
}

/// Sends one step after the other, up to a fence that changed no row.
async fn send(
    mut connection: PgConnection,
    steps: Vec<Spelled>,
    is_fenced: Arc<AtomicBool>,
) -> (PgConnection, Result<Vec<u64>, StoreError>) {
    let mut changed = Vec::with_capacity(steps.len());
    for step in steps {
        if is_fenced.load(Ordering::Relaxed) {
            break;
        }
        let query = sqlx::query_with(AssertSqlSafe(step.sql), step.args);
        match query.execute(&mut connection).await {
            Ok(done) => changed.push(done.rows_affected()),
            Err(source) => {
                let error = StoreError::whilst(step.purpose, source);
                return (connection, Err(error));
            }
        }
        is_fenced.fetch_or(step.is_fence && changed.ends_with(&[0]), Ordering::Relaxed);
    }
    (connection, Ok(changed))
}

fn bulk_text(table: &Table) -> String {
    let list = table.column_list();
    let arrays: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(place, (_, kind))| format!("cast(${} as {}[])", place + 1, type_name(*kind)))
        .collect();
    let rows = || format!("unnest({}) as wanted ({list})", arrays.join(", "));
    match table.meeting {
        Meeting::Update => format!(
            "{} from {} where {}",
            table.update_clause(),
            rows(),
            table.same_key()
        ),
        Meeting::Delete => format!(
            "delete from {} using {} where {}",
            table.name,
            rows(),
            table.same_key()
        ),
        // Unnested where they are selected: the server keeps no copy of the rows, as it does of
        // what a function in `from` gives. All arrays are of one length.
        Meeting::Insert | Meeting::Keep | Meeting::Replace { .. } => format!(
            "insert into {} ({list}) select unnest({}){}",
            table.name,
            arrays.join("), unnest("),
            table.conflict_clause(),
        ),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
        Kind::Bool => "boolean",
        Kind::Real => "double precision",
        Kind::Time => "timestamptz",
    }
}

/// Turns rows into one array a column.
fn columns(rows: &Rows) -> Result<PgArguments, BoxDynError> {
    let mut args = PgArguments::default();
    // Else all that was spelled out is copied whenever it has doubled.
    args.reserve(rows.table.columns.len(), bytes_of(rows.values()));
    for (place, (_, kind)) in rows.table.columns.iter().enumerate() {
        match kind {
            Kind::Int => args.add(column(rows, place, |value| match value {
                Value::Int(number) => Some(*number),
                _ => None,
            })),
            Kind::Text => args.add(column(rows, place, |value| match value {
                Value::Text(text) => Some(text.as_deref()),
                _ => None,
            })),
            Kind::Bytes => args.add(column(rows, place, |value| match value {
                Value::Bytes(bytes) => Some(bytes.as_deref()),
                _ => None,
            })),
            Kind::Bool => args.add(column(rows, place, |value| match value {
                Value::Bool(truth) => Some(*truth),
                _ => None,
            })),
            Kind::Real => args.add(column(rows, place, |value| match value {
                Value::Real(number) => Some(*number),
                _ => None,
            })),
            Kind::Time => args.add(column(rows, place, |value| match value {
                Value::Time(time) => Some(time.map(Micros::from)),
                _ => None,
            })),
        }?;
    }
    Ok(args)
}

/// The values of one column; each is of the column's kind, as was asserted.
fn column<'v, T>(
    rows: &'v Rows,
    place: usize,
    take: impl Fn(&'v Value) -> Option<Option<T>>,
) -> Vec<Option<T>> {
    let mut column = Vec::with_capacity(rows.len());
    column.extend(rows.iter().filter_map(|row| take(&row[place])));
    column
}

/// About as many bytes as the rows are when they are spelled out.
fn bytes_of(values: &[Value]) -> usize {
    let of_value = |value: &Value| match value {
        Value::Text(Some(text)) => FIXED_BYTES + text.len(),
        Value::Bytes(Some(bytes)) => FIXED_BYTES + bytes.len(),
        _ => FIXED_BYTES,
    };
    values.iter().map(of_value).sum()
}
