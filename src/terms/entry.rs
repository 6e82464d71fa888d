//! The terms of one message: of each of its texts, in their order.

use super::{Terms, terms};

/// Terms of a message that are indexed; positions beyond are not kept by every engine.
const TERMS_MAX: usize = 16_000;
/// How often a term is there; further positions are not kept by every engine.
const REPEATS_MAX: usize = 255;
/// Bytes of the texts themselves: what is longer is not even cut to see whether it fits.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Bytes of all terms together.
const BYTES_MAX: usize = 512 * 1024;

/// The terms of a message's texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Of each text that has any; no phrase reaches from one into the next.
    pub fields: Vec<Field>,
    /// Whether the texts were too long to be cut for an index.
    is_too_long: bool,
}

/// The terms of one text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which of the texts it is, from 0.
    pub(super) text: usize,
    /// Its terms, at least one.
    pub terms: Terms,
}

/// Cuts the texts of a message. One that another holds as a line of its own is left out: a title
/// or a caption often stands in the text too.
pub fn cut<const N: usize>(texts: [Option<&str>; N]) -> Entry {
    let there = || texts.iter().enumerate();
    let is_told = |place: usize, text: &str| {
        there().any(|(other, longer)| {
            longer.is_some_and(|longer| {
                other != place
                    && if longer == text {
                        other < place
                    } else {
                        longer.len() > text.len() && longer.lines().any(|line| line == text)
                    }
            })
        })
    };
    let fields = there().filter_map(|(place, text)| {
        let text = text.filter(|text| !is_told(place, text))?;
        let terms = terms(text);
        (!terms.is_empty()).then_some(Field { text: place, terms })
    });
    Entry {
        fields: fields.collect(),
        is_too_long: false,
    }
}

/// As [`cut`], for an index: texts that are too long for one are left as they are.
pub fn cut_for_index<const N: usize>(texts: [Option<&str>; N]) -> Entry {
    let bytes: usize = texts.iter().flatten().map(|text| text.len()).sum();
    if bytes > TEXT_BYTES_MAX {
        return Entry {
            fields: Vec::new(),
            is_too_long: true,
        };
    }
    cut(texts)
}

impl Entry {
    /// Every term with its position, from 1; between two texts a position is left out.
    pub fn positions(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut gone = 0;
        self.fields.iter().flat_map(move |field| {
            let first = gone + 1;
            gone += field.terms.len() + 1;
            (first..).zip(field.terms.iter())
        })
    }

    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.fields.iter().map(|field| field.terms.len()).sum()
    }

    /// Bytes of all terms together.
    pub fn bytes(&self) -> usize {
        self.positions().map(|(_, term)| term.len()).sum()
    }

    /// Whether there is nothing to be found.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && !self.is_too_long
    }

    /// Whether both engines can index it without leaving anything out.
    pub fn fits(&self) -> bool {
        if self.is_too_long {
            return false;
        }
        if self.len() <= REPEATS_MAX {
            return true;
        }
        let mut texts: Vec<&str> = self.positions().map(|(_, text)| text).collect();
        let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
        texts.sort_unstable();
        let repeats = texts.chunk_by(|one, other| one == other).map(<[_]>::len);
        texts.len() <= TERMS_MAX
            && bytes <= BYTES_MAX
            && repeats.max().unwrap_or_default() <= REPEATS_MAX
    }
}
