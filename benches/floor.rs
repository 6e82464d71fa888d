//! How fast SQLite takes the rows of an archive from a program that does nothing else: the floor
//! that a first sync into the same schema is held against, and what each part of it costs.
//!
//!     cargo bench --bench floor -- ARCHIVE NEW_FILE [--costs [ROUNDS]]
//!
//! Reads the tables of messages of `ARCHIVE` into memory and writes them to `NEW_FILE`, which must
//! not exist: the same tables and indexes, 16 KiB pages, 16 MB of them held, a write-ahead log that is
//! carried over each 1,000 pages, 10,000 rows a transaction, one prepared statement a table, no foreign keys, no
//! conflict to look for, no parsing, no proof. Then the index of words, from the very terms that
//! `ARCHIVE` has. Prints the messages and the seconds of writing, those of the words apart.
//!
//! With `--costs` the same is done without some part of it, or with one more, round after round (3
//! unless told), and what is printed is a table: medians of the seconds, bytes a message, and both
//! as a part of the whole.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::{Connection, types::Value};

/// What the others refer to.
const PARENTS: [&str; 2] = ["runs", "conversations"];
/// The tables that grow with the messages, each by the key of its message.
const TABLES: [&str; 8] = [
    "messages",
    "message_versions",
    "quick_replies",
    "quick_reply_options",
    "attachments",
    "locations",
    "shared_contacts",
    "template_variables",
];
const PAGE_BYTES: u32 = 16_384;
/// In KiB as SQLite is told them: more than a transaction changes.
const CACHE: i64 = -16_000;
const LOG_PAGES_MAX: i64 = 1_000;
/// Two rows a message, and some.
const MESSAGES_AT_ONCE: usize = 4_500;
const WORDS_AT_ONCE: usize = 10_000;

/// What is left out of the rows, or done beside writing them.
#[derive(Debug, Clone, Copy)]
enum Change {
    Nothing,
    /// A column that is written as nothing, by table and column.
    Blank(&'static [(&'static str, &'static str)]),
    Table(&'static str),
    Index(&'static str),
    ForeignKeys,
}

const CHANGES: [(&str, Change); 6] = [
    ("all rows", Change::Nothing),
    (
        "without hashes",
        Change::Blank(&[("messages", "digest"), ("message_versions", "sha256")]),
    ),
    (
        "without raw JSON",
        Change::Blank(&[("message_versions", "raw")]),
    ),
    ("without versions", Change::Table("message_versions")),
    (
        "without the index by time",
        Change::Index("messages_by_time"),
    ),
    ("with foreign keys asserted", Change::ForeignKeys),
];

/// One table's rows.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// What an archive has of messages.
struct Archive {
    /// The statements that make tables and indexes, by name.
    schema: Vec<(String, String)>,
    tables: Vec<Table>,
    words: Vec<(i64, String)>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let told = arguments.iter().map(String::as_str);
    let told: Vec<&str> = told.filter(|text| *text != "--bench").collect();
    match told.as_slice() {
        [archive, new] => {
            let archive = Archive::read(archive)?;
            let rows = archive.write_rows(new, Change::Nothing)?;
            println!(
                "{} messages in {rows:.3} s, words of {} in {:.3} s",
                archive.tables[PARENTS.len()].rows.len(),
                archive.words.len(),
                archive.write_words(new)?
            );
            Ok(())
        }
        [archive, new, "--costs"] => costs(&Archive::read(archive)?, new, 3),
        [archive, new, "--costs", rounds] => costs(&Archive::read(archive)?, new, rounds.parse()?),
        _ => {
            // `cargo test --benches` and `cargo bench` alone run every bench without arguments.
            println!("nothing to do without ARCHIVE and NEW_FILE");
            Ok(())
        }
    }
}

fn costs(archive: &Archive, new: &str, rounds: usize) -> Result<()> {
    let mut seconds = vec![Vec::with_capacity(rounds); CHANGES.len() + 1];
    let mut bytes = vec![0; CHANGES.len() + 1];
    for _ in 0..rounds.max(1) {
        for (place, (_, change)) in CHANGES.iter().enumerate() {
            let rows = archive.write_rows(new, *change)?;
            seconds[place].push(rows);
            bytes[place] = fs::metadata(new)?.len();
            if place == 0 {
                let words = archive.write_words(new)?;
                seconds[CHANGES.len()].push(rows + words);
                bytes[CHANGES.len()] = fs::metadata(new)?.len();
            }
            fs::remove_file(new)?;
        }
    }
    let messages = archive.tables[PARENTS.len()].rows.len() as u64;
    let names = CHANGES.iter().map(|(name, _)| *name);
    let rows = seconds.iter_mut().map(|seconds| {
        seconds.sort_unstable_by(f64::total_cmp);
        seconds[seconds.len() / 2]
    });
    let medians: Vec<f64> = rows.collect();
    println!("{messages} messages, {rounds} rounds\n");
    println!(
        "| what | seconds | of all rows | bytes a message | of all rows |\n|---|---|---|---|---|"
    );
    for (place, name) in names.chain(["with the index of words"]).enumerate() {
        let part = |bytes: u64| -> Result<f64> { Ok(f64::from(u32::try_from(bytes / messages)?)) };
        println!(
            "| {name} | {:.2} | {:.2} | {} | {:.2} |",
            medians[place],
            medians[place] / medians[0],
            bytes[place] / messages,
            part(bytes[place])? / part(bytes[0])?
        );
    }
    Ok(())
}

impl Archive {
    fn read(archive: &str) -> Result<Self> {
        let source = Connection::open(archive).with_context(|| format!("opening {archive}"))?;
        let mut schema = Vec::new();
        let mut tables = Vec::new();
        let of_table = "select name, sql from sqlite_master where tbl_name = ? and sql is not null
                        order by type desc";
        for name in PARENTS.into_iter().chain(TABLES).chain(["search_index"]) {
            let mut made = source.prepare(of_table)?;
            for made in made.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))? {
                schema.push(made?);
            }
        }
        for name in PARENTS.into_iter().chain(TABLES) {
            let mut select = source.prepare(&format!("select * from {name} order by 1, 2"))?;
            let columns: Vec<String> = select
                .column_names()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let count = columns.len();
            let row = |row: &rusqlite::Row<'_>| (0..count).map(|column| row.get(column)).collect();
            let rows = select.query_map([], row)?.collect::<Result<_, _>>()?;
            tables.push(Table {
                name,
                columns,
                rows,
            });
        }
        Ok(Self {
            schema,
            tables,
            words: read_words(&source)?,
        })
    }

    /// Writes the rows into a new file and gives the seconds.
    fn write_rows(&self, new: &str, change: Change) -> Result<f64> {
        ensure!(!Path::new(new).exists(), "{new} exists");
        let target = open(new)?;
        for (name, sql) in &self.schema {
            if !matches!(change, Change::Index(left_out) if left_out == name) {
                target.execute_batch(sql)?;
            }
        }
        let asserted = matches!(change, Change::ForeignKeys);
        target.pragma_update(None, "foreign_keys", asserted)?;
        let (parents, tables) = self.tables.split_at(PARENTS.len());
        for parent in parents {
            let mut filling = Filling::of(parent, change);
            filling.write_up_to(&target, i64::MAX)?;
        }
        let mut fillings: Vec<Filling<'_>> = tables
            .iter()
            .filter(|table| !matches!(change, Change::Table(left_out) if left_out == table.name))
            .map(|table| Filling::of(table, change))
            .collect();
        let keys = tables[0].rows.iter().map(|row| key_of(row));
        let keys: Vec<i64> = keys.collect::<Result<_>>()?;
        let start = Instant::now();
        for some in keys.chunks(MESSAGES_AT_ONCE) {
            keep_log_short(&target)?;
            target.execute_batch("begin immediate")?;
            for filling in &mut fillings {
                filling.write_up_to(&target, some[some.len() - 1])?;
            }
            target.execute_batch("commit")?;
        }
        target.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// Writes the index of words into a file that has the rows, and gives the seconds.
    fn write_words(&self, new: &str) -> Result<f64> {
        let target = open(new)?;
        let start = Instant::now();
        for some in self.words.chunks(WORDS_AT_ONCE) {
            keep_log_short(&target)?;
            target.execute_batch("begin immediate")?;
            let mut insert =
                target.prepare_cached("insert into search_index (rowid, terms) values (?, ?)")?;
            for (message, terms) in some {
                insert.execute((message, terms))?;
            }
            drop(insert);
            target.execute_batch("commit")?;
        }
        target.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// The terms of each message that is in the index, in their order, apart by spaces.
fn read_words(source: &Connection) -> Result<Vec<(i64, String)>> {
    let sql = "select doc, term from search_index_vocabulary order by doc, offset";
    let mut select = source.prepare(sql)?;
    let mut found = select.query([])?;
    let mut words: Vec<(i64, String)> = Vec::new();
    while let Some(row) = found.next()? {
        let (message, term): (i64, String) = (row.get(0)?, row.get(1)?);
        match words.last_mut() {
            Some((last, terms)) if *last == message => {
                terms.push(' ');
                terms.push_str(&term);
            }
            _ => words.push((message, term)),
        }
    }
    Ok(words)
}

fn open(new: &str) -> Result<Connection> {
    let target = Connection::open(new)?;
    target.pragma_update(None, "page_size", PAGE_BYTES)?;
    target.pragma_update(None, "cache_size", CACHE)?;
    target.pragma_update(None, "journal_mode", "wal")?;
    target.pragma_update(None, "synchronous", "normal")?;
    target.pragma_update(None, "wal_autocheckpoint", 0)?;
    target.pragma_update(None, "foreign_keys", false)?;
    Ok(target)
}

fn keep_log_short(target: &Connection) -> Result<()> {
    let numbers = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    let (pages, carried): (i64, i64) =
        target.query_row("pragma wal_checkpoint(noop)", [], numbers)?;
    if pages - carried >= LOG_PAGES_MAX {
        target.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// A table that is being written.
struct Filling<'a> {
    insert: String,
    rows: &'a [Vec<Value>],
    /// Columns that are written as nothing.
    blank: Vec<usize>,
}

impl<'a> Filling<'a> {
    fn of(table: &'a Table, change: Change) -> Self {
        let blanks = match change {
            Change::Blank(columns) => columns,
            _ => &[],
        };
        let blank = |(_, column): (usize, &String)| blanks.contains(&(table.name, column.as_str()));
        let places = vec!["?"; table.columns.len()].join(", ");
        Self {
            insert: format!("insert into {} values ({places})", table.name),
            rows: &table.rows,
            blank: (0..)
                .zip(&table.columns)
                .filter(|column| blank(*column))
                .map(|(place, _)| place)
                .collect(),
        }
    }

    fn write_up_to(&mut self, target: &Connection, last: i64) -> Result<()> {
        let mut insert = target.prepare_cached(&self.insert)?;
        while let Some((row, rest)) = self.rows.split_first() {
            if key_of(row)? > last {
                break;
            }
            for (place, value) in row.iter().enumerate() {
                let nothing = match value {
                    Value::Blob(_) => Value::Blob(Vec::new()),
                    _ => Value::Null,
                };
                let is_blank = self.blank.contains(&place);
                insert.raw_bind_parameter(place + 1, if is_blank { &nothing } else { value })?;
            }
            insert.raw_execute()?;
            self.rows = rest;
        }
        Ok(())
    }
}

fn key_of(row: &[Value]) -> Result<i64> {
    match row.first() {
        Some(Value::Integer(key)) => Ok(*key),
        other => bail!("a key is {other:?}"),
    }
}
