//! A CSV of names, as a spreadsheet writes it: what each row says, or what is wrong with which
//! line. Pure.
//!
//! All rows count or none. A cell that a spreadsheet would run as a formula is written with a `'`
//! before it, and read back without.

use std::{borrow::Cow, collections::HashMap, fmt};

use crate::store::{NamedSender, SenderName};

/// The longest id, name or team that is believed, in characters.
const CHARS_MAX: usize = 200;
/// How many flaws are told one by one.
const FLAWS_SHOWN: usize = 20;
/// How much of a cell is shown.
const SHOWN_CHARS: usize = 40;
/// The columns that mean something, in the order in which they are written.
const COLUMNS: [&str; 4] = ["id", "name", "is_bot", "team"];
/// Columns that are written to help whoever fills the list in, and that are not read.
const INFORMING: [&str; 3] = ["kind", "messages", "last_message_at"];

/// What a list says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// The names, each id once.
    pub(super) names: Vec<SenderName>,
    /// Rows that nobody has filled in yet.
    pub(super) empty: u64,
    /// Rows that say again what another one said.
    pub(super) repeated: u64,
    /// Columns that mean nothing here.
    pub(super) ignored: Vec<String>,
}

/// Why a list cannot be used; nothing of it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListError {
    source: String,
    flaws: Vec<(u64, String)>,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = if self.flaws.len() == 1 {
            "line"
        } else {
            "lines"
        };
        write!(
            f,
            "{}: {} {lines} cannot be used, so nothing was imported",
            self.source,
            self.flaws.len()
        )?;
        for (line, flaw) in self.flaws.iter().take(FLAWS_SHOWN) {
            write!(f, "\n  line {line}: {flaw}")?;
        }
        match self.flaws.len().saturating_sub(FLAWS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for ListError {}

/// Where each column is.
#[derive(Debug)]
struct Header {
    cells: usize,
    id: usize,
    name: usize,
    is_bot: Option<usize>,
    team: Option<usize>,
    ignored: Vec<String>,
}

/// Reads a whole list; `source` is what messages call it.
///
/// # Errors
/// Every line that cannot be used, with its number and what to do.
pub(super) fn parse(source: &str, bytes: &[u8]) -> Result<List, ListError> {
    let refuse = |flaws| {
        Err(ListError {
            source: source.to_owned(),
            flaws,
        })
    };
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return refuse(vec![(1, "the file is UTF-16; save it as CSV UTF-8".into())]);
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(bytes))
        .from_reader(bytes);
    let mut row = csv::ByteRecord::new();
    let header = match rows.read_byte_record(&mut row) {
        Ok(true) => Header::of(&row),
        Ok(false) => Err("the file is empty; its first line names the columns id, name".into()),
        Err(error) => Err(error.to_string()),
    };
    let header = match header {
        Ok(header) => header,
        Err(flaw) => return refuse(vec![(1, flaw)]),
    };
    let mut reading = Reading::default();
    loop {
        match rows.read_byte_record(&mut row) {
            Ok(true) => reading.take(&header, &row),
            Ok(false) => break,
            Err(error) => reading
                .flaws
                .push((rows.position().line(), error.to_string())),
        }
    }
    if !reading.flaws.is_empty() {
        return refuse(reading.flaws);
    }
    Ok(List {
        ignored: header.ignored,
        ..reading.list
    })
}

/// What stands between cells: a comma, or what spreadsheets of other countries write.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let count = |wanted: u8| header.split(|byte| *byte == wanted).count();
    let candidates = [b'\t', b';', b','];
    candidates
        .into_iter()
        .max_by_key(|candidate| count(*candidate))
        .unwrap_or(b',')
}

impl Header {
    fn of(row: &csv::ByteRecord) -> Result<Self, String> {
        let mut cells = Vec::new();
        for cell in row {
            cells.push(text(cell)?.trim().to_lowercase());
        }
        let find = |wanted: &str| {
            let mut places = (0..cells.len()).filter(|place| cells[*place] == wanted);
            match (places.next(), places.next()) {
                (_, Some(_)) => Err(format!("the column {wanted} is there twice; take one away")),
                (place, None) => Ok(place),
            }
        };
        let needed = |wanted: &str| {
            find(wanted)?.ok_or_else(|| {
                format!(
                    "no column is called {wanted} (there are: {}); call them id, name, is_bot, team",
                    shown(&cells.join(", "))
                )
            })
        };
        let known = |cell: &String| {
            cell.is_empty() || COLUMNS.contains(&&**cell) || INFORMING.contains(&&**cell)
        };
        Ok(Self {
            id: needed("id")?,
            name: needed("name")?,
            is_bot: find("is_bot")?,
            team: find("team")?,
            cells: cells.len(),
            ignored: cells.iter().filter(|cell| !known(cell)).cloned().collect(),
        })
    }
}

#[derive(Debug, Default)]
struct Reading {
    list: List,
    flaws: Vec<(u64, String)>,
    /// Where each id is in the list, and on which line it was.
    places: HashMap<String, (usize, u64)>,
}

impl Reading {
    fn take(&mut self, header: &Header, row: &csv::ByteRecord) {
        let line = row.position().map_or(0, csv::Position::line);
        if row.iter().all(<[u8]>::is_empty) {
            return;
        }
        match name_of(header, row) {
            Ok(None) => self.list.empty += 1,
            Ok(Some(name)) => self.add(name, line),
            Err(flaw) => self.flaws.push((line, flaw)),
        }
    }

    fn add(&mut self, name: SenderName, line: u64) {
        let Some((place, earlier)) = self.places.get(&name.id) else {
            let place = self.list.names.len();
            self.places.insert(name.id.clone(), (place, line));
            self.list.names.push(name);
            return;
        };
        if self.list.names[*place] == name {
            self.list.repeated += 1;
            return;
        }
        self.flaws.push((
            line,
            format!(
                "{} is called something else on line {earlier}; keep one of the two",
                shown(&name.id)
            ),
        ));
    }
}

/// `None` for a row that nobody has filled in.
fn name_of(header: &Header, row: &csv::ByteRecord) -> Result<Option<SenderName>, String> {
    if row.len() != header.cells {
        return Err(format!(
            "{} cells where the first line has {}; a name with a comma or a quote in it stands \
             in quotes",
            row.len(),
            header.cells
        ));
    }
    let cell = |place: usize| checked(row.get(place).unwrap_or_default());
    let name = cell(header.name)?;
    let is_bot = header.is_bot.map(cell).transpose()?;
    let team = header.team.map(cell).transpose()?;
    let says_no_more = [&is_bot, &team].into_iter().flatten().all(String::is_empty);
    match (name.is_empty(), says_no_more) {
        // Whatever its id is.
        (true, true) => return Ok(None),
        (true, false) => {
            return Err("no name; fill it in, or leave is_bot and team empty too".to_owned());
        }
        (false, _) => {}
    }
    let id = cell(header.id)?;
    if id.is_empty() {
        return Err("no id; take the line away, or fill the id in".to_owned());
    }
    Ok(Some(SenderName {
        id,
        name,
        is_bot: is_bot.as_deref().map(truth).transpose()?,
        team: team.map(|team| Some(team).filter(|team| !team.is_empty())),
    }))
}

fn truth(cell: &str) -> Result<Option<bool>, String> {
    match cell.to_lowercase().as_str() {
        "" => Ok(None),
        "true" | "yes" | "1" => Ok(Some(true)),
        "false" | "no" | "0" => Ok(Some(false)),
        _ => Err(format!(
            "is_bot says {}; say true or false, or leave it empty",
            shown(cell)
        )),
    }
}

/// A cell's words, without the space around them and without the mark against formulas.
fn checked(cell: &[u8]) -> Result<String, String> {
    let cell = text(cell)?.trim();
    let cell = match cell.strip_prefix('\'') {
        Some(rest) if needs_mark(rest) => rest,
        _ => cell,
    };
    if cell.contains(['\n', '\r']) {
        return Err("a line end inside a cell; is a quote left open?".to_owned());
    }
    if cell.contains(char::is_control) {
        return Err(format!(
            "a control character in {}; take it out",
            shown(cell)
        ));
    }
    if cell.chars().nth(CHARS_MAX).is_some() {
        return Err(format!(
            "{} is over {CHARS_MAX} characters long; shorten it",
            shown(cell)
        ));
    }
    Ok(cell.to_owned())
}

fn text(cell: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(cell).map_err(|_| "not UTF-8; save the file as CSV UTF-8".to_owned())
}

/// Enough of a cell to find it by.
fn shown(cell: &str) -> String {
    let plain: String = cell
        .chars()
        .filter(|character| !character.is_control())
        .take(SHOWN_CHARS)
        .collect();
    let more = if cell.chars().count() > SHOWN_CHARS {
        "…"
    } else {
        ""
    };
    format!("\"{plain}{more}\"")
}

/// Whether a spreadsheet would take the cell for a formula.
fn would_run(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Whether a `'` is put before the cell: a formula, or what would look like a marked one.
fn needs_mark(cell: &str) -> bool {
    would_run(cell.trim_start_matches('\''))
}

fn defused(cell: &str) -> Cow<'_, str> {
    if needs_mark(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// A list to be filled in; [`parse`] reads it.
pub(super) fn write(senders: &[NamedSender]) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS.iter().chain(&INFORMING))?;
    for sender in senders {
        let is_bot = sender
            .is_bot
            .map_or_else(String::new, |is_bot| is_bot.to_string());
        out.write_record([
            &*defused(&sender.id),
            &*defused(sender.name.as_deref().unwrap_or_default()),
            &is_bot,
            &*defused(sender.team.as_deref().unwrap_or_default()),
            &sender.kind,
            &sender.messages.to_string(),
            sender.last_message_at.as_deref().unwrap_or_default(),
        ])?;
    }
    out.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests;
