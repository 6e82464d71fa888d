//! The index of words in SQLite: FTS5 over the terms that the program cut, without a copy of them.
//!
//! A message's terms stand in one text, apart by spaces, which is all that the engine's tokeniser
//! cuts at: a term has no other ASCII than letters and digits. What is taken out again must be
//! told as it was put in.

use crate::terms::{Ending, Entry, Phrase, Query};

/// Stands between two texts of a message, so that no phrase reaches over: no term is this.
const GAP: &str = "\u{e000}";

pub(super) fn matching(argument: &str) -> String {
    format!("(select rowid as key from search_index(${argument}))")
}

/// Puts one message in. A statement that took many would be a savepoint to the index, at whose end
/// it writes all that it holds.
pub(super) const INDEX_ONE: &str = "insert into search_index (rowid, terms) values (?1, ?2)";

/// Takes one message out.
pub(super) const UNINDEX_ONE: &str =
    "insert into search_index (search_index, rowid, terms) values ('delete', ?1, ?2)";

/// Whether the statement is run for each of the entries that are its one argument, with the key of
/// the message and its terms.
pub(super) fn is_of_one(sql: &str) -> bool {
    [INDEX_ONE, UNINDEX_ONE].contains(&sql)
}

pub(super) fn clear(index: &str) -> String {
    format!("insert into {index} ({index}) values ('delete-all')")
}

/// The terms of a message as FTS5 is told them.
pub(super) fn terms(entry: &Entry) -> String {
    let mut text = String::with_capacity(entry.bytes() + entry.len());
    for (number, field) in entry.fields.iter().enumerate() {
        if number > 0 {
            text.push_str(GAP);
            text.push(' ');
        }
        for term in field.terms.iter() {
            text.push_str(term);
            text.push(' ');
        }
    }
    text
}

/// What is looked for as FTS5 reads it: each phrase is quoted, and no term holds a quote.
pub(super) fn question(query: &Query) -> String {
    let phrase = |phrase: &Phrase| {
        let star = if phrase.ending == Ending::Whole {
            ""
        } else {
            " *"
        };
        format!("\"{}\"{star}", phrase.terms.join(" "))
    };
    let wanted: Vec<String> = query.wanted.iter().map(phrase).collect();
    let wanted = wanted.join(" AND ");
    if query.unwanted.is_empty() {
        return wanted;
    }
    let unwanted: Vec<String> = query.unwanted.iter().map(phrase).collect();
    format!("({wanted}) NOT ({})", unwanted.join(" OR "))
}
