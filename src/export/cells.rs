//! CSV: RFC 4180, UTF-8, and harmless in a spreadsheet unless that is turned off.
//!
//! Null and empty text are both an empty cell. What a message has several of is a JSON array in
//! one cell; a quick reply, an attachment and a place are columns of their own.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use serde::Serialize;

use super::row::{Flat, Iso};

/// What makes a spreadsheet take a cell for a formula, full-width forms included.
const FORMULA_BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What begins a formula in the middle of a text, after what some settings of a spreadsheet take for
/// the end of a cell, whatever a quote says.
const AFTER_SEPARATOR: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// ... and after the end of a line, where bullets and telephone numbers begin too.
const AFTER_LINE: [char; 4] = ['=', '@', '＝', '＠'];

/// How cells are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CellStyle {
    /// Cells as they are: what a spreadsheet would run is not defused.
    pub are_raw: bool,
    /// A byte order mark at the beginning, without which Excel does not see that it is UTF-8.
    pub has_mark: bool,
}

/// What stands in a cell.
enum Cell<'a> {
    /// Words from outside.
    Text(Option<&'a str>),
    /// What this program spells itself: numbers, times, words of its own, JSON.
    Own(String),
}

/// Writes rows as CSV.
#[derive(Debug)]
pub(super) struct Cells<W: Write> {
    csv: Writer<W>,
    style: CellStyle,
    is_feed: bool,
}

impl<W: Write> Cells<W> {
    /// Writes the header.
    pub(super) fn new(mut into: W, style: CellStyle, is_feed: bool) -> io::Result<Self> {
        if style.has_mark {
            into.write_all("\u{feff}".as_bytes())?;
        }
        let csv = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .from_writer(into);
        let mut cells = Self {
            csv,
            style,
            is_feed,
        };
        let nothing = Flat::default();
        let names: Vec<&str> = cells_of(&nothing, is_feed)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        cells.csv.write_record(names).map_err(of_csv)?;
        Ok(cells)
    }

    pub(super) fn write(&mut self, row: &Flat<'_>) -> io::Result<()> {
        for (_, cell) in cells_of(row, self.is_feed) {
            match cell {
                Cell::Text(Some(text)) if !self.style.are_raw => {
                    self.csv
                        .write_field(defused(text).as_bytes())
                        .map_err(of_csv)?;
                }
                Cell::Text(text) => self
                    .csv
                    .write_field(text.unwrap_or_default())
                    .map_err(of_csv)?,
                Cell::Own(text) => self.csv.write_field(text).map_err(of_csv)?,
            }
        }
        self.csv.write_record(None::<&[u8]>).map_err(of_csv)?;
        Ok(())
    }

    /// What was written to, all of it handed on.
    pub(super) fn finish(self) -> io::Result<W> {
        self.csv
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
    }
}

/// The error of what was written to, where it is one: who reads a pipe may have gone.
fn of_csv(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The text with a `'` before whatever a spreadsheet would take for a formula: at its beginning, and
/// after a `;`, a tab or a line end, where the settings of some countries begin another cell.
fn defused(text: &str) -> Cow<'_, str> {
    let is_begin = |(place, found): (usize, char)| {
        let begins: &[char] = match text[..place].chars().next_back() {
            None => &FORMULA_BEGINS,
            Some(';' | '\t') => &AFTER_SEPARATOR,
            Some('\n' | '\r') => &AFTER_LINE,
            Some(_) => &[],
        };
        begins.contains(&found).then_some(place)
    };
    let places: Vec<usize> = text.char_indices().filter_map(is_begin).collect();
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut defused = String::with_capacity(text.len() + places.len());
    let mut done = 0;
    for place in places {
        defused.push_str(&text[done..place]);
        defused.push('\'');
        done = place;
    }
    defused.push_str(&text[done..]);
    Cow::Owned(defused)
}

fn own(value: Option<impl ToString>) -> Cell<'static> {
    Cell::Own(value.map_or_else(String::new, |value| value.to_string()))
}

fn time(time: Option<Iso>) -> Cell<'static> {
    own(time.map(|time| time.0))
}

/// A list as JSON, nothing for an empty one.
fn list<T: Serialize>(list: &[T]) -> Cell<'static> {
    let json = || serde_json::to_string(list).expect("texts and numbers are JSON");
    Cell::Own(if list.is_empty() {
        String::new()
    } else {
        json()
    })
}

/// The cells of a row with the names of their columns.
fn cells_of<'a>(row: &'a Flat<'_>, is_feed: bool) -> Vec<(&'static str, Cell<'a>)> {
    use Cell::Text;
    let mut cells = vec![
        ("id", Text(Some(row.id))),
        ("conversation_id", Text(Some(row.conversation_id))),
        ("organization_id", Text(row.organization_id)),
        ("business_unit_id", Text(row.business_unit_id)),
        ("sender_id", Text(row.sender_id)),
        ("sender_kind", Text(Some(row.sender_kind))),
        ("direction", Text(Some(row.direction))),
        ("type", Text(row.kind)),
        ("media_kind", Text(row.media_kind)),
        ("title", Text(row.title)),
        ("text", Text(row.text)),
        ("is_mail", own(row.is_mail)),
        ("created_at", time(row.created_at)),
        ("updated_at", time(row.updated_at)),
        ("version", own(Some(row.version))),
        ("first_seen_run", own(Some(row.first_seen_run))),
        ("deleted_at", time(row.deleted_at)),
        ("missing_since", time(row.missing_since)),
        ("stream_id", Text(row.stream_id)),
        ("stream_sequence", own(row.stream_sequence)),
        ("created_ms", own(row.created_ms)),
        ("local_day", own(row.local_day.as_ref())),
        ("local_hour", own(row.local_hour)),
        ("local_weekday", own(row.local_weekday)),
        ("sender_name", Text(row.sender_name)),
        ("sender_team", Text(row.sender_team)),
        ("sender_is_bot", own(row.sender_is_bot)),
    ];
    cells.extend(cells_around(row));
    if is_feed {
        cells.push(("change", Text(row.change)));
        cells.push(("change_run", own(row.change_run)));
    }
    cells
}

/// What hangs on a message.
fn cells_around<'a>(row: &'a Flat<'_>) -> Vec<(&'static str, Cell<'a>)> {
    use Cell::Text;
    let (reply, place) = (row.quick_reply.as_ref(), row.location.as_ref());
    let attachment = row.attachments.first();
    vec![
        (
            "quick_reply_title",
            Text(reply.and_then(|reply| reply.title)),
        ),
        (
            "quick_reply_payload",
            Text(reply.and_then(|reply| reply.payload)),
        ),
        (
            "quick_reply_description",
            Text(reply.and_then(|reply| reply.description)),
        ),
        ("quick_reply_options", list(&row.quick_reply_options)),
        ("attachment_url", Text(attachment.map(|file| file.url))),
        (
            "attachment_host",
            Text(attachment.and_then(|file| file.host)),
        ),
        (
            "attachment_declared_type",
            Text(attachment.and_then(|file| file.declared_type)),
        ),
        (
            "attachment_media_kind",
            Text(attachment.map(|file| file.media_kind)),
        ),
        (
            "attachment_caption",
            Text(attachment.and_then(|file| file.caption)),
        ),
        (
            "location_latitude",
            own(place.and_then(|place| place.latitude)),
        ),
        (
            "location_longitude",
            own(place.and_then(|place| place.longitude)),
        ),
        ("location_name", Text(place.and_then(|place| place.name))),
        (
            "location_address",
            Text(place.and_then(|place| place.address)),
        ),
        ("shared_contacts", list(&row.shared_contacts)),
        ("template_variables", list(&row.template_variables)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, style: CellStyle) -> String {
        let mut cells = Cells::new(Vec::new(), style, false).unwrap();
        let row = Flat {
            text: Some(text),
            ..Flat::default()
        };
        cells.write(&row).unwrap();
        String::from_utf8(cells.finish().unwrap()).unwrap()
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_defused_unless_it_is_asked_for() {
        for text in ["=1+1", "+852 1", "-1", "@a", "\ta", "\ra", "\na", "＝A1"] {
            let safe = written(text, CellStyle::default());
            assert!(safe.contains(&format!("'{text}")), "{safe}");
            let raw = CellStyle {
                are_raw: true,
                ..CellStyle::default()
            };
            assert!(!written(text, raw).contains('\''), "{text}");
        }
        for harmless in ["1-1=0", "a\r\n- b\n+852 1", "a; b"] {
            assert!(!written(harmless, CellStyle::default()).contains('\''));
        }
        let hidden = written("hi;=1+1\t-2\n@a", CellStyle::default());
        assert!(hidden.contains("hi;'=1+1\t'-2\n'@a"), "{hidden}");
    }

    #[test]
    fn it_is_rfc_4180() {
        let text = written("a \"b\", c\r\nd", CellStyle::default());
        let (header, row) = text.split_once("\r\n").unwrap();
        assert!(header.starts_with("id,conversation_id,"), "{header}");
        assert!(row.contains("\"a \"\"b\"\", c\r\nd\""), "{row}");
        assert!(row.ends_with("\r\n"));
        let marked = CellStyle {
            has_mark: true,
            ..CellStyle::default()
        };
        assert!(written("", marked).starts_with("\u{feff}id,"));
    }
}
