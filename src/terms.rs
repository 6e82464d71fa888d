//! What is looked for in a text: its terms, the same for every engine, because they are cut here
//! and in no database.
//!
//! A term is a word without case, width and diacritics; of scripts that are written without spaces
//! (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) each character together with the one
//! that follows it, and the last of a run alone; or a symbol, such as an emoji. So 退款 is found
//! within a longer run, and a single character as the beginning of a pair. Pure: text in, terms
//! out, no I/O, no database.

mod entry;
mod fold;
mod query;
mod rank;
mod snippet;

pub use entry::{Entry, cut, cut_for_index};
pub use query::{Ending, Phrase, Query, QueryFlaw};
pub use rank::score;
pub use snippet::{Piece, snippet};

use std::sync::LazyLock;

use fold::{Folded, fold};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Raised whenever the same text may give other terms than before.
const RULES: i64 = 1;

/// By which rules and tables terms are cut: an index that was made with another number is made
/// anew. Each library brings its own edition of Unicode, whatever the version of this program.
pub const VERSION: i64 = {
    let folding = unicode_normalization::UNICODE_VERSION.0 as i64;
    let clusters = unicode_segmentation::UNICODE_VERSION.0.cast_signed();
    let categories = unicode_properties::UNICODE_VERSION.0.cast_signed();
    let letters = char::UNICODE_VERSION.0 as i64;
    (((RULES * 100 + folding) * 100 + clusters) * 100 + categories) * 100 + letters
};

/// Characters of a word that are one term; a longer one is several that follow each other.
const WORD_CHARACTERS_MAX: usize = 64;

/// The terms of a text, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// The folded characters of all terms, one after the other; those of pairs are there once.
    folded: String,
    places: Vec<Place>,
}

/// Where a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Where it begins and ends among the folded characters, in bytes.
    folded: (usize, usize),
    /// Where it begins in the text that it was cut from, in bytes.
    start: usize,
    /// Where its first character ends there.
    head_end: usize,
    /// Where it ends there.
    end: usize,
}

impl Terms {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Each as it is indexed and looked for: without case, width and diacritics. Never empty, at
    /// most some hundred bytes, without spaces, quotes and control characters.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.places.iter().map(|place| self.folded_at(place))
    }

    fn get(&self, number: usize) -> &str {
        self.folded_at(&self.places[number])
    }

    fn folded_at(&self, place: &Place) -> &str {
        &self.folded[place.folded.0..place.folded.1]
    }

    /// Adds the characters of one term.
    fn push_whole(&mut self, characters: &[Folded]) {
        let from = self.folded.len();
        self.folded.extend(characters.iter().map(|at| at.character));
        self.push_place((from, self.folded.len()), characters);
    }

    /// Adds the terms of a run of a script without spaces.
    fn push_pairs(&mut self, characters: &[Folded]) {
        for number in 0..characters.len() {
            let pair = &characters[number..characters.len().min(number + 2)];
            let from = self.folded.len();
            self.folded.push(pair[0].character);
            let rest: usize = pair[1..].iter().map(|at| at.character.len_utf8()).sum();
            self.push_place((from, self.folded.len() + rest), pair);
        }
    }

    fn push_place(&mut self, folded: (usize, usize), characters: &[Folded]) {
        if let (Some(first), Some(last)) = (characters.first(), characters.last()) {
            self.places.push(Place {
                folded,
                start: first.start,
                head_end: first.end,
                end: last.end,
            });
        }
    }
}

/// What a folded character does in a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Part of a word.
    Word,
    /// Of a script without spaces.
    Paired,
    /// A term of its own.
    Symbol,
    /// It ends what was before.
    Nothing,
}

/// Cuts a text.
pub fn terms(text: &str) -> Terms {
    let folded = fold(text);
    let mut found = Terms {
        folded: String::with_capacity(text.len()),
        places: Vec::with_capacity(folded.len() / 4),
    };
    let mut from = 0;
    while let Some(first) = folded.get(from) {
        let kind = kind(first.character);
        let of_kind = |other: &&Folded| self::kind(other.character) == kind;
        let run = match kind {
            Kind::Nothing | Kind::Symbol => 1,
            Kind::Word => folded[from..]
                .iter()
                .take(WORD_CHARACTERS_MAX)
                .take_while(of_kind)
                .count(),
            Kind::Paired => folded[from..].iter().take_while(of_kind).count(),
        };
        let characters = &folded[from..from + run];
        match kind {
            Kind::Nothing => {}
            Kind::Word | Kind::Symbol => found.push_whole(characters),
            Kind::Paired => found.push_pairs(characters),
        }
        from += run;
    }
    found
}

/// Whether text ends in a run of a script without spaces, and how long that run is.
fn paired_end(text: &str) -> usize {
    let folded = fold(text);
    let of_end = folded
        .iter()
        .rev()
        .skip_while(|at| kind(at.character) == Kind::Nothing);
    of_end
        .take_while(|at| kind(at.character) == Kind::Paired)
        .count()
}

fn kind(character: char) -> Kind {
    match character {
        '\0'..='\u{7f}' if character.is_ascii_alphanumeric() => Kind::Word,
        '\0'..='\u{7f}' => Kind::Nothing,
        '\u{4e00}'..='\u{9fff}' => Kind::Paired,
        '\0'..KINDS_END => KINDS[character as usize],
        PICTURES..PICTURES_END => PICTURE_KINDS[(character as usize) - (PICTURES as usize)],
        _ => look_kind_up(character),
    }
}

/// Before it are the letters of most scripts without Han, symbols, and punctuation.
const KINDS_END: char = '\u{3100}';
static KINDS: LazyLock<[Kind; KINDS_END as usize]> = LazyLock::new(|| kinds_from('\0'));

/// Emoji and other pictures.
const PICTURES: char = '\u{1f000}';
const PICTURES_END: char = '\u{1fb00}';
static PICTURE_KINDS: LazyLock<[Kind; (PICTURES_END as usize) - (PICTURES as usize)]> =
    LazyLock::new(|| kinds_from(PICTURES));

/// The kinds of as many characters from the first one on.
fn kinds_from<const N: usize>(first: char) -> [Kind; N] {
    let mut kinds = [Kind::Nothing; N];
    for (kind, character) in kinds.iter_mut().zip(first..) {
        *kind = look_kind_up(character);
    }
    kinds
}

fn look_kind_up(character: char) -> Kind {
    if character.is_ascii() {
        return if character.is_ascii_alphanumeric() {
            Kind::Word
        } else {
            Kind::Nothing
        };
    }
    if is_paired(character) {
        return Kind::Paired;
    }
    if character.is_alphanumeric() {
        return Kind::Word;
    }
    match character.general_category() {
        GeneralCategory::OtherSymbol
        | GeneralCategory::MathSymbol
        | GeneralCategory::CurrencySymbol => Kind::Symbol,
        // Vowels of Indic scripts, for one; those that are decoration were folded away.
        GeneralCategory::NonspacingMark
        | GeneralCategory::SpacingMark
        | GeneralCategory::EnclosingMark => Kind::Word,
        _ => Kind::Nothing,
    }
}

/// Letters of scripts that put no space between words.
const fn is_paired(character: char) -> bool {
    matches!(
        character,
        '\u{0e01}'..='\u{0e3a}' | '\u{0e40}'..='\u{0e4e}' // Thai
            | '\u{0e81}'..='\u{0ecf}' | '\u{0edc}'..='\u{0edf}' // Lao
            | '\u{1000}'..='\u{103f}' | '\u{1050}'..='\u{109f}' // Burmese
            | '\u{1780}'..='\u{17d3}' // Khmer
            | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' // Hangul
            | '\u{ac00}'..='\u{d7ff}'
            | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' // Han
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
            | '\u{3041}'..='\u{309f}' // Hiragana
            | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' // Katakana
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3105}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' // Bopomofo
    )
}

#[cfg(test)]
mod tests;
