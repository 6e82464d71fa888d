//! What a run is asked to archive: ids and phone numbers from arguments, files and pipes.
//!
//! Pure parsing over bytes: opening files is the caller's. Several inputs are one list,
//! duplicates are folded and counted, and every bad line is named before anything runs.

mod line;
mod list;
#[cfg(test)]
mod tests;

pub use line::Flaw;
pub use list::IdList;

use std::{
    fmt,
    io::{self, BufRead, Read},
    sync::Arc,
};

use crate::model::ConversationId;

/// The longest line that is read; a longer one is bad, and the rest of it is passed over.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Comment lines passed over before the header of a CSV file.
const CSV_COMMENTS_MAX: usize = 100;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What a run is asked to archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// The conversations, in the order given, each once.
    pub ids: IdList,
    /// The phone numbers to discover conversations of, digits alone, each once.
    pub phones: Vec<String>,
    /// Ids and numbers that were given more than once, and left out.
    pub duplicates: u64,
    /// Whether no input was named: every conversation that the archive knows.
    pub all_known: bool,
    /// Whether a list of nothing is as it should be.
    pub may_be_empty: bool,
    /// The bad lines that were left out because the person said so.
    pub bad_lines_skipped: Vec<BadLine>,
}

impl Input {
    /// Every conversation that the archive knows.
    pub fn all_known() -> Self {
        Self {
            all_known: true,
            ..Self::default()
        }
    }

    /// Just these conversations.
    pub fn of_ids(ids: impl IntoIterator<Item = ConversationId>) -> Self {
        let (ids, duplicates) = IdList::from_iter(ids).each_once();
        Self {
            ids,
            duplicates,
            ..Self::default()
        }
    }
}

/// A line that means nothing: where it is and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file, `standard input` or `argument`.
    pub source: Arc<str>,
    /// The number of the line, or of the argument, from 1.
    pub line: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.source, self.line, self.flaw)
    }
}

/// Why there is no list to work on.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Some lines mean nothing, and nobody said to go on without them.
    #[error("{} in the input, so nothing was asked for:{}", counted(.0.len()), listed(.0))]
    BadLines(Vec<BadLine>),
    /// Inputs were named, and nothing was in them.
    #[error("the list is empty")]
    Empty,
    /// An input could not be read.
    #[error("reading {source_name}: {error}")]
    Unreadable {
        /// The file, or `standard input`.
        source_name: String,
        /// What the system said.
        error: io::Error,
    },
    /// A CSV file lacks the column.
    #[error("{source_name} has no column `{column}`; it has {}", named(.columns))]
    NoColumn {
        /// The file, or `standard input`.
        source_name: String,
        /// The column that was asked for.
        column: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
}

fn counted(bad_lines: usize) -> String {
    match bad_lines {
        1 => "1 bad line".to_owned(),
        n => format!("{n} bad lines"),
    }
}

fn listed(bad_lines: &[BadLine]) -> String {
    let mut list = String::new();
    for bad_line in bad_lines {
        list.push_str("\n  ");
        list.push_str(&bad_line.to_string());
    }
    list
}

fn named(columns: &[String]) -> String {
    if columns.is_empty() {
        return "no columns at all".to_owned();
    }
    let quoted: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Gathers a list from its sources; [`Collector::finish`] judges it.
#[derive(Debug, Default)]
pub struct Collector {
    ids: IdList,
    phones: Vec<String>,
    bad_lines: Vec<BadLine>,
}

impl Collector {
    /// Nothing gathered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes ids that were given as arguments.
    pub fn add_arguments<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) {
        let source: Arc<str> = "argument".into();
        for (line, argument) in (1..).zip(arguments) {
            let parsed = line::parse_id(argument.as_bytes());
            self.take_id(parsed, &source, line);
        }
    }

    /// Takes a list of ids, one a line.
    ///
    /// # Errors
    /// [`InputError::Unreadable`].
    pub fn add_ids(&mut self, source: &str, reader: impl BufRead) -> Result<(), InputError> {
        self.add_lines(source, reader, |this, bytes, source, line| {
            this.take_id(line::parse_id(bytes), source, line);
        })
    }

    /// Takes a list of phone numbers, one a line.
    ///
    /// # Errors
    /// [`InputError::Unreadable`].
    pub fn add_phones(&mut self, source: &str, reader: impl BufRead) -> Result<(), InputError> {
        self.add_lines(
            source,
            reader,
            |this, bytes, source, line| match line::parse_phone(bytes) {
                Ok(Some(phone)) => this.phones.push(phone),
                Ok(None) => {}
                Err(flaw) => this.refuse(flaw, source, line),
            },
        )
    }

    /// Takes the ids in one column of a CSV file whose first row names its columns.
    ///
    /// # Errors
    /// [`InputError::Unreadable`] and [`InputError::NoColumn`].
    pub fn add_csv(
        &mut self,
        source: &str,
        column: &str,
        reader: impl Read,
    ) -> Result<(), InputError> {
        let name: Arc<str> = source.into();
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(reader);
        let mut row = csv::ByteRecord::new();
        let position = find_column(&mut rows, &mut row, source, column)?;
        while rows
            .read_byte_record(&mut row)
            .map_err(|error| unreadable(source, error.into()))?
        {
            let line = row.position().map_or(0, csv::Position::line);
            match row.get(position) {
                _ if row.get(0).is_some_and(|first| first.starts_with(b"#")) => {}
                Some(cell) => self.take_id(line::parse_id(cell), &name, line),
                None if row.iter().all(<[u8]>::is_empty) => {}
                None => self.refuse(Flaw::NoSuchField, &name, line),
            }
        }
        Ok(())
    }

    /// The list, every bad line named, duplicates folded.
    ///
    /// # Errors
    /// [`InputError::BadLines`] unless they may be skipped; [`InputError::Empty`] unless an
    /// empty list is welcome.
    pub fn finish(self, skip_bad_lines: bool, allow_empty: bool) -> Result<Input, InputError> {
        if !self.bad_lines.is_empty() && !skip_bad_lines {
            return Err(InputError::BadLines(self.bad_lines));
        }
        let (ids, duplicate_ids) = self.ids.each_once();
        let (phones, duplicate_phones) = fold_duplicates(self.phones);
        if ids.is_empty() && phones.is_empty() && !allow_empty {
            return Err(InputError::Empty);
        }
        Ok(Input {
            ids,
            phones,
            duplicates: duplicate_ids + duplicate_phones,
            all_known: false,
            may_be_empty: allow_empty,
            bad_lines_skipped: self.bad_lines,
        })
    }

    fn add_lines(
        &mut self,
        source: &str,
        mut reader: impl BufRead,
        mut take: impl FnMut(&mut Self, &[u8], &Arc<str>, u64),
    ) -> Result<(), InputError> {
        let name: Arc<str> = source.into();
        let mut bytes = Vec::new();
        for line in 1.. {
            let read = read_line(&mut reader, &mut bytes);
            match read.map_err(|error| unreadable(source, error))? {
                Line::End => break,
                _ if line == 1 && is_utf16(&bytes) => {
                    self.refuse(Flaw::Utf16, &name, 1);
                    break;
                }
                Line::Whole if line == 1 => {
                    take(self, bytes.strip_prefix(BOM).unwrap_or(&bytes), &name, line);
                }
                Line::Whole => take(self, &bytes, &name, line),
                Line::TooLong => self.refuse(Flaw::TooLong, &name, line),
            }
        }
        Ok(())
    }

    fn take_id(&mut self, parsed: Result<Option<Box<str>>, Flaw>, source: &Arc<str>, line: u64) {
        match parsed {
            Ok(Some(id)) => self.ids.push(&id),
            Ok(None) => {}
            Err(flaw) => self.refuse(flaw, source, line),
        }
    }

    fn refuse(&mut self, flaw: Flaw, source: &Arc<str>, line: u64) {
        self.bad_lines.push(BadLine {
            source: Arc::clone(source),
            line,
            flaw,
        });
    }
}

/// The id that a person means: an id, or a link of the web application.
///
/// Gives `None` for a blank or a comment.
///
/// # Errors
/// What is wrong with it.
pub fn parse_id(text: &str) -> Result<Option<ConversationId>, Flaw> {
    Ok(line::parse_id(text.as_bytes())?.map(ConversationId::new))
}

fn unreadable(source: &str, error: io::Error) -> InputError {
    InputError::Unreadable {
        source_name: source.to_owned(),
        error,
    }
}

/// Whether this is how UTF-16 begins, as some spreadsheets write it; never how UTF-8 does.
fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads a line without keeping more than a bound of it.
fn read_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<Line> {
    bytes.clear();
    let bound = LINE_BYTES_MAX as u64 + 1;
    if reader.by_ref().take(bound).read_until(b'\n', bytes)? == 0 {
        return Ok(Line::End);
    }
    if bytes.len() > LINE_BYTES_MAX && !bytes.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Whole)
}

/// Reads up to the header and finds the column: by its exact name, else ignoring case.
fn find_column<R: Read>(
    rows: &mut csv::Reader<R>,
    row: &mut csv::ByteRecord,
    source: &str,
    column: &str,
) -> Result<usize, InputError> {
    let mut columns = Vec::new();
    for _ in 0..CSV_COMMENTS_MAX {
        let more = rows
            .read_byte_record(row)
            .map_err(|error| unreadable(source, error.into()))?;
        if !more {
            break;
        }
        if row.get(0).is_some_and(is_utf16) {
            let error = io::Error::new(io::ErrorKind::InvalidData, Flaw::Utf16.to_string());
            return Err(unreadable(source, error));
        }
        columns = row
            .iter()
            .map(|name| String::from_utf8_lossy(name.strip_prefix(BOM).unwrap_or(name)))
            .map(|name| name.trim().to_owned())
            .collect();
        let found = columns.iter().position(|name| name == column).or_else(|| {
            let column = column.to_lowercase();
            columns
                .iter()
                .position(|name| name.to_lowercase() == column)
        });
        if let Some(found) = found {
            return Ok(found);
        }
        if !columns.first().is_some_and(|first| first.starts_with('#')) {
            break;
        }
    }
    Err(InputError::NoColumn {
        source_name: source.to_owned(),
        column: column.to_owned(),
        columns,
    })
}

/// Keeps the first of each, in order.
fn fold_duplicates<T: Ord>(mut items: Vec<T>) -> (Vec<T>, u64) {
    let before = items.len();
    let mut repeated = list::repeated(before, |place| &items[place]).into_iter();
    items.retain(|_| !repeated.next().expect("one mark for each item"));
    let duplicates = (before - items.len()) as u64;
    (items, duplicates)
}
