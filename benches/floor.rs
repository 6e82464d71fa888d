//! How fast SQLite takes the rows of an archive from a program that does nothing else: the floor
//! that a first sync into the same schema is held against.
//!
//!     cargo bench --bench floor -- ARCHIVE NEW_FILE
//!
//! Reads the tables of messages of `ARCHIVE` into memory and writes them to `NEW_FILE`, which must
//! not exist: the same tables and indexes, 16 KiB pages, a write-ahead log that is carried over each
//! 1,000 pages, 10,000 rows a transaction, one prepared statement a table, no foreign keys, no
//! conflict to look for, no parsing, no proof. Then the index of words, from the very terms that
//! `ARCHIVE` has. Prints the messages and the seconds of writing, those of the words apart.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::{path::Path, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rusqlite::{Connection, types::Value};

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
const LOG_PAGES_MAX: i64 = 1_000;
/// Two rows a message, and some.
const MESSAGES_AT_ONCE: i64 = 4_500;
const WORDS_AT_ONCE: usize = 10_000;

struct Filling {
    insert: String,
    rows: Vec<Vec<Value>>,
    written: usize,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<&String> = arguments.iter().filter(|text| *text != "--bench").collect();
    let [archive, new] = files.as_slice() else {
        // `cargo test --benches` and `cargo bench` alone run every bench without arguments.
        println!("nothing to do without ARCHIVE and NEW_FILE");
        return Ok(());
    };
    ensure!(!Path::new(new).exists(), "{new} exists");
    let (schema, mut tables) = read(archive)?;
    let target = open(new, &schema)?;
    let keys: Vec<i64> = tables[0]
        .rows
        .iter()
        .map(|row| key_of(row))
        .collect::<Result<_>>()?;
    let start = Instant::now();
    let mut from = 0;
    while from < keys.len() {
        let to = keys.len().min(from + usize::try_from(MESSAGES_AT_ONCE)?);
        keep_log_short(&target)?;
        target.execute_batch("begin immediate")?;
        for table in &mut tables {
            write_up_to(&target, table, keys[to - 1])?;
        }
        target.execute_batch("commit")?;
        from = to;
    }
    target.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    let seconds = start.elapsed().as_secs_f64();
    drop(tables);
    let words = read_words(archive)?;
    let start = Instant::now();
    for some in words.chunks(WORDS_AT_ONCE) {
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
    println!(
        "{} messages in {seconds:.3} s, words of {} in {:.3} s",
        keys.len(),
        words.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The terms of each message that is in the index, in their order, apart by spaces.
fn read_words(archive: &str) -> Result<Vec<(i64, String)>> {
    let source = Connection::open(archive)?;
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

/// The statements that make the tables, and their rows in the order of their messages.
fn read(archive: &str) -> Result<(Vec<String>, Vec<Filling>)> {
    let source = Connection::open(archive).with_context(|| format!("opening {archive}"))?;
    let index = "select sql from sqlite_master where name = 'search_index'";
    let mut schema = vec![source.query_row(index, [], |row| row.get(0))?];
    let mut tables = Vec::new();
    for table in TABLES {
        let made = "select sql from sqlite_master where tbl_name = ? and sql is not null
                    order by type desc";
        let mut made = source.prepare(made)?;
        for sql in made.query_map([table], |row| row.get(0))? {
            schema.push(sql?);
        }
        let mut select = source.prepare(&format!("select * from {table} order by 1, 2"))?;
        let columns = select.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows: Vec<Vec<Value>> = select.query_map([], row)?.collect::<Result<_, _>>()?;
        let places = vec!["?"; columns].join(", ");
        tables.push(Filling {
            insert: format!("insert into {table} values ({places})"),
            rows,
            written: 0,
        });
    }
    Ok((schema, tables))
}

fn open(new: &str, schema: &[String]) -> Result<Connection> {
    let target = Connection::open(new)?;
    target.pragma_update(None, "page_size", PAGE_BYTES)?;
    target.pragma_update(None, "journal_mode", "wal")?;
    target.pragma_update(None, "synchronous", "normal")?;
    target.pragma_update(None, "wal_autocheckpoint", 0)?;
    target.pragma_update(None, "foreign_keys", false)?;
    for sql in schema {
        target.execute_batch(sql)?;
    }
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

fn write_up_to(target: &Connection, table: &mut Filling, last: i64) -> Result<()> {
    let mut insert = target.prepare_cached(&table.insert)?;
    for row in &table.rows[table.written..] {
        if key_of(row)? > last {
            break;
        }
        for (place, value) in row.iter().enumerate() {
            insert.raw_bind_parameter(place + 1, value)?;
        }
        insert.raw_execute()?;
        table.written += 1;
    }
    Ok(())
}

fn key_of(row: &[Value]) -> Result<i64> {
    match row.first() {
        Some(Value::Integer(key)) => Ok(*key),
        other => bail!("a key is {other:?}"),
    }
}
