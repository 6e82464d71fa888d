//! What a person looks for: words that must be there, words that must not, each a run of terms.
//!
//! Nothing that is typed is an error of syntax: a quote that is not closed ends with the text, a
//! lone `-` or `*` asks for nothing.

use std::{iter::Peekable, str::CharIndices};

use super::{Entry, Terms, paired_end, terms};

/// Terms of one query: more is a text that was pasted by mistake.
const TERMS_MAX: usize = 256;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// All of these are there.
    pub wanted: Vec<Phrase>,
    /// None of these is there.
    pub unwanted: Vec<Phrase>,
}

/// Terms that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// At least one.
    pub terms: Vec<String>,
    /// How the last one is meant.
    pub ending: Ending,
}

/// How the last term of a phrase is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As it is.
    Whole,
    /// As the beginning of a word: `refun*`.
    Beginning,
    /// As the first character of a pair, or one that stands alone.
    Character,
}

/// Why something cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryFlaw {
    /// There is no word in it.
    #[error("there is no word to look for: a word without `-` before it is needed")]
    Empty,
    /// It is longer than a question is.
    #[error("more than {TERMS_MAX} words to look for")]
    TooLong,
}

impl Query {
    /// Reads what a person typed: words are and-ed, `"quoted ones"` follow each other, a `*` at the
    /// end is the beginning of a word, a `-` before excludes.
    ///
    /// # Errors
    /// No word that is wanted, or too many.
    pub fn parse(typed: &str) -> Result<Self, QueryFlaw> {
        let mut query = Self::default();
        let mut characters = typed.char_indices().peekable();
        while let Some((start, character)) = characters.next() {
            if character.is_whitespace() {
                continue;
            }
            let next = characters.peek().copied();
            let is_unwanted =
                is_minus(character) && next.is_some_and(|(_, next)| !next.is_whitespace());
            let (start, character) = match next {
                Some(next) if is_unwanted => {
                    characters.next();
                    next
                }
                _ => (start, character),
            };
            let found = if is_quote(character) {
                quoted(typed, start + character.len_utf8(), &mut characters)
            } else {
                word(typed, start, &mut characters)
            };
            let Some(phrase) = found else { continue };
            let list = if is_unwanted {
                &mut query.unwanted
            } else {
                &mut query.wanted
            };
            if !list.contains(&phrase) {
                list.push(phrase);
            }
            if list.len() > TERMS_MAX {
                return Err(QueryFlaw::TooLong);
            }
        }
        query.checked()
    }

    fn checked(self) -> Result<Self, QueryFlaw> {
        let phrases = self.wanted.iter().chain(&self.unwanted);
        if phrases.map(|phrase| phrase.terms.len()).sum::<usize>() > TERMS_MAX {
            return Err(QueryFlaw::TooLong);
        }
        if self.wanted.is_empty() {
            return Err(QueryFlaw::Empty);
        }
        Ok(self)
    }

    /// Whether a message with these terms is meant.
    pub fn matches(&self, entry: &Entry) -> bool {
        let is_there = |phrase: &Phrase| {
            let mut fields = entry.fields.iter();
            fields.any(|field| phrase.places(&field.terms).next().is_some())
        };
        self.wanted.iter().all(is_there) && !self.unwanted.iter().any(is_there)
    }
}

impl Phrase {
    /// The terms of one word or quotation; `None` where it has none.
    fn of(text: &str, is_beginning: bool) -> Option<Self> {
        let mut terms: Vec<String> = terms(text).iter().map(str::to_owned).collect();
        let ending = match paired_end(text) {
            0 if is_beginning => Ending::Beginning,
            0 => Ending::Whole,
            1 => Ending::Character,
            // In a longer run the last character is the second of a pair.
            _ => {
                terms.pop();
                Ending::Whole
            }
        };
        (!terms.is_empty()).then_some(Self { terms, ending })
    }

    /// Where the phrase is among the terms: the number of its first one.
    pub fn places<'a>(&'a self, among: &'a Terms) -> impl Iterator<Item = usize> + 'a {
        let (last, before) = self.terms.split_last().expect("a phrase has a term");
        let follows = move |place: &usize| {
            let end = among.get(place + before.len());
            let ends = match self.ending {
                Ending::Whole => end == last,
                Ending::Beginning | Ending::Character => end.starts_with(last.as_str()),
            };
            ends && (*place..)
                .zip(before)
                .all(|(place, text)| among.get(place) == text)
        };
        (0..among.len().saturating_sub(before.len())).filter(follows)
    }

    /// Where the phrase ends that begins at a place, in bytes of the text.
    pub(super) fn end(&self, among: &Terms, place: usize) -> usize {
        let last = &among.places[place + self.terms.len() - 1];
        match self.ending {
            Ending::Character => last.head_end,
            Ending::Whole | Ending::Beginning => last.end,
        }
    }
}

type Characters<'a> = Peekable<CharIndices<'a>>;

/// Up to the closing quote, or to the end; a star before or after it makes a beginning.
fn quoted(typed: &str, start: usize, characters: &mut Characters<'_>) -> Option<Phrase> {
    let mut end = typed.len();
    for (place, character) in characters.by_ref() {
        if is_quote(character) {
            end = place;
            break;
        }
    }
    let is_followed = characters
        .next_if(|(_, character)| is_star(*character))
        .is_some();
    let inside = &typed[start..end];
    Phrase::of(inside, is_followed || inside.trim_end().ends_with(is_star))
}

/// Up to a space or a quote.
fn word(typed: &str, start: usize, characters: &mut Characters<'_>) -> Option<Phrase> {
    let mut end = characters.peek().map_or(typed.len(), |(place, _)| *place);
    let is_inside =
        |(_, character): &(usize, char)| !character.is_whitespace() && !is_quote(*character);
    while let Some((place, character)) = characters.next_if(is_inside) {
        end = place + character.len_utf8();
    }
    let inside = &typed[start..end];
    Phrase::of(inside, inside.ends_with(is_star))
}

/// Also as they come from a Chinese keyboard or a word processor.
const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„' | '＂')
}

const fn is_star(character: char) -> bool {
    matches!(character, '*' | '＊')
}

const fn is_minus(character: char) -> bool {
    matches!(character, '-' | '－' | '−')
}
