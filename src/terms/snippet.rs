//! The words around a hit, from the text as it was received.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Entry, Query, entry::Field};

/// Characters of a snippet at most, but for a hit that is longer.
const CHARACTERS_MAX: usize = 160;
/// Of them, those before the first hit.
const BEFORE_MAX: usize = 40;
/// What stands where something was left out.
const CUT: &str = "…";

/// A piece of a snippet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words, each run of white space one space.
    pub text: String,
    /// Whether this is what was looked for.
    pub is_hit: bool,
}

/// The words around the first hit, hits marked: of the first text that has any. The texts are those
/// that the entry was cut from.
pub fn snippet<const N: usize>(
    query: &Query,
    entry: &Entry,
    texts: [Option<&str>; N],
) -> Vec<Piece> {
    let with_hits = |field: &Field| {
        let hits = hits(query, field);
        (!hits.is_empty()).then_some(hits)
    };
    for field in &entry.fields {
        if let Some(hits) = with_hits(field) {
            return pieces(texts[field.text].unwrap_or_default(), &hits);
        }
    }
    Vec::new()
}

/// What was looked for, in bytes of the text: in order, apart.
fn hits(query: &Query, field: &Field) -> Vec<Range<usize>> {
    let terms = &field.terms;
    let mut found: Vec<Range<usize>> = query
        .wanted
        .iter()
        .flat_map(|phrase| {
            let places = phrase.places(terms);
            places.map(move |place| terms.places[place].start..phrase.end(terms, place))
        })
        .collect();
    found.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

fn pieces(text: &str, hits: &[Range<usize>]) -> Vec<Piece> {
    let first = &hits[0];
    let start = text[..first.start]
        .grapheme_indices(true)
        .rev()
        .take(BEFORE_MAX)
        .last()
        .map_or(first.start, |(place, _)| place);
    let end = text[start..]
        .grapheme_indices(true)
        .nth(CHARACTERS_MAX)
        .map_or(text.len(), |(place, _)| start + place)
        .max(first.end);
    let mut found = Vec::new();
    if start > 0 {
        push(&mut found, CUT, false);
    }
    let mut at = start;
    for hit in hits.iter().take_while(|hit| hit.start < end) {
        push(&mut found, &text[at..hit.start], false);
        at = hit.end.min(end);
        push(&mut found, &text[hit.start..at], true);
    }
    push(&mut found, &text[at..end], false);
    if end < text.len() {
        push(&mut found, CUT, false);
    }
    found
}

/// Adds words, white space in one space, to the piece of their kind.
fn push(pieces: &mut Vec<Piece>, text: &str, is_hit: bool) {
    if text.is_empty() {
        return;
    }
    if pieces.last().is_none_or(|last| last.is_hit != is_hit) {
        let text = String::with_capacity(text.len());
        pieces.push(Piece { text, is_hit });
    }
    let into = &mut pieces.last_mut().expect("one was just added").text;
    for character in text.chars() {
        if !character.is_whitespace() {
            into.push(character);
        } else if !into.ends_with(' ') {
            into.push(' ');
        }
    }
}
