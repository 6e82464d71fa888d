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

pub(super) fn index(argument: &str) -> String {
    format!(
        "insert into search_index (rowid, terms) \
         select value ->> 0, value ->> 1 from json_each(${argument})"
    )
}

pub(super) fn unindex(argument: &str) -> String {
    format!(
        "insert into search_index (search_index, rowid, terms) \
         select 'delete', value ->> 0, value ->> 1 from json_each(${argument})"
    )
}

pub(super) fn clear(index: &str) -> String {
    format!("insert into {index} ({index}) values ('delete-all')")
}

/// Messages and their terms as FTS5 is told them.
pub(super) fn entries(list: &[(i64, Entry)]) -> Vec<(i64, String)> {
    list.iter()
        .map(|(key, entry)| (*key, spelled(entry)))
        .collect()
}

fn spelled(entry: &Entry) -> String {
    let mut text = String::new();
    for (number, field) in entry.fields.iter().enumerate() {
        if number > 0 {
            text.push_str(GAP);
            text.push(' ');
        }
        for term in &field.terms {
            text.push_str(&term.text);
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
