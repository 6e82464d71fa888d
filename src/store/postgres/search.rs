//! The index of words in Postgres: a `tsvector` of the terms that the program cut, and a GIN index.
//!
//! No text search configuration is asked: terms and queries are cast as they are.

use std::fmt::Write as _;

use crate::terms::{Ending, Entry, Phrase, Query};

pub(super) fn matching(argument: &str) -> String {
    format!(
        "(select message_key as key from search_index where terms @@ cast(${argument} as tsquery))"
    )
}

/// Where a filter looks selective, Postgres would ask each message that it means for its terms, and
/// read all of them: the offset keeps it from that.
pub(super) fn matching_first(argument: &str) -> String {
    format!(
        "(select message_key as key from search_index \
         where terms @@ cast(${argument} as tsquery) offset 0)"
    )
}

/// Entries are two arguments: the keys of the messages, and the terms of each.
const ENTRIES: &str = "unnest(cast($1 as bigint[]), cast($2 as text[])) as entry (key, terms)";

pub(super) fn index() -> String {
    format!(
        "insert into search_index (message_key, terms) \
         select key, cast(terms as tsvector) from {ENTRIES}"
    )
}

pub(super) fn unindex() -> String {
    format!("delete from search_index where message_key in (select key from {ENTRIES})")
}

/// Not `truncate`: who reads an earlier state would find nothing.
pub(super) fn clear(index: &str) -> String {
    format!("delete from {index}")
}

/// Messages and their terms as Postgres is told them.
pub(super) fn entries(list: &[(i64, Entry)]) -> (Vec<i64>, Vec<String>) {
    list.iter()
        .map(|(key, entry)| (*key, spelled(entry)))
        .unzip()
}

/// No term holds a quote or a backslash.
fn spelled(entry: &Entry) -> String {
    let positions = entry.positions();
    let mut places: Vec<(&str, usize)> = positions.map(|(place, term)| (term, place)).collect();
    places.sort_unstable();
    let mut text = String::with_capacity(entry.bytes() + 8 * places.len());
    for of_term in places.chunk_by(|(one, _), (other, _)| one == other) {
        text.push('\'');
        text.push_str(of_term[0].0);
        text.push('\'');
        let mut between = ':';
        for (_, place) in of_term {
            // Writing to a string cannot fail.
            let _ = write!(text, "{between}{place}");
            between = ',';
        }
        text.push(' ');
    }
    text
}

/// What is looked for as a `tsquery`.
pub(super) fn question(query: &Query) -> String {
    let phrase = |phrase: &Phrase| {
        let star = if phrase.ending == Ending::Whole {
            ""
        } else {
            ":*"
        };
        format!("('{}'{star})", phrase.terms.join("' <-> '"))
    };
    let mut text: Vec<String> = query.wanted.iter().map(phrase).collect();
    text.extend(
        query
            .unwanted
            .iter()
            .map(|unwanted| format!("!{}", phrase(unwanted))),
    );
    text.join(" & ")
}
