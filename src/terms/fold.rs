//! Text without case, width and diacritics, each character with its place in the original.
//!
//! Compatibility forms become the plain ones (NFKC: `ｶﾞ` and `ガ`, `①` and `1`, `ﬁ` and `fi`), what
//! only decorates a letter goes (é, й, Arabic and Hebrew vowel points), and what belongs to the
//! word stays (the marks of Japanese, Thai and Indic scripts).

use std::{iter, sync::LazyLock};

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_segmentation::UnicodeSegmentation as _;

/// What room is made for at once: more than most messages have.
const CHARACTERS_EXPECTED: usize = 4_096;
/// How far behind ASCII its wide forms are.
const WIDER: u32 = 0xfee0;
/// The first character that is in no table: Latin, Greek, Cyrillic, Hebrew and Arabic are before.
const TABLE_END: char = '\u{700}';
/// What takes some characters behind it into its cluster: a letter, a joined picture, a letter of India
/// with the sign that joins the next, one that begins a syllable of Hangul, half of a flag.
const JOINING: [&str; 5] = [
    "a",
    "\u{1f468}\u{200d}",
    "\u{915}\u{94d}",
    "\u{1100}",
    "\u{1f1e6}",
];

/// One folded character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) character: char,
    /// The place of the character (with its marks) that it comes from, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Folds a text.
pub(super) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len().min(CHARACTERS_EXPECTED));
    let with_plain = |(start, character)| (start, character, plain(character));
    let mut characters = text.char_indices().map(with_plain);
    let mut next = characters.next();
    while let Some((start, character, plain)) = next {
        next = characters.next();
        let is_plain = |next: &(usize, char, Option<char>)| next.2.is_some();
        let mut end = start + character.len_utf8();
        if let Some(character) = plain.filter(|_| next.as_ref().is_none_or(is_plain)) {
            folded.push(Folded {
                character,
                start,
                end,
            });
            continue;
        }
        // Up to the next plain one: no mark reaches over it.
        while let Some((place, marked, None)) = next {
            end = place + marked.len_utf8();
            next = characters.next();
        }
        for (place, cluster) in text[start..end].grapheme_indices(true) {
            fold_cluster(cluster, start + place, &mut folded);
        }
    }
    folded
}

fn fold_cluster(cluster: &str, start: usize, folded: &mut Vec<Folded>) {
    let end = start + cluster.len();
    let bare = cluster
        .nfkd()
        .filter(|character| !is_decoration(*character));
    let lower = bare.flat_map(char::to_lowercase).flat_map(fold_case);
    // Once more without decoration: lower case may bring some.
    let lower = lower.filter(|character| !is_decoration(*character));
    folded.extend(lower.nfc().map(|character| Folded {
        character,
        start,
        end,
    }));
}

/// What lower case leaves apart: ß is ss in capitals, ς is σ anywhere but at the end of a word.
fn fold_case(character: char) -> impl Iterator<Item = char> {
    let (first, second) = match character {
        'ß' => ('s', Some('s')),
        'ς' => ('σ', None),
        other => (other, None),
    };
    iter::once(first).chain(second)
}

/// What a character folds to where that is known at once, unless a mark follows. None of these belongs
/// to the cluster of a character before it; but for the few signs that are put before numbers, which
/// fold to nothing and take whatever follows.
fn plain(character: char) -> Option<char> {
    match character {
        '\0'..='\u{7f}' => Some(character.to_ascii_lowercase()),
        // Kana, Han, and their commonest punctuation.
        '\u{3001}'..='\u{3002}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' => Some(character),
        // ASCII as wide as Han.
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = char::from_u32(character as u32 - WIDER)?;
            Some(ascii.to_ascii_lowercase())
        }
        '\0'..TABLE_END => TABLE[character as usize],
        _ => None,
    }
}

/// Of each of the first characters what it folds to, where that is one character whatever stands beside
/// it.
static TABLE: LazyLock<[Option<char>; TABLE_END as usize]> = LazyLock::new(|| {
    let mut table = [None; TABLE_END as usize];
    for (entry, character) in table.iter_mut().zip('\0'..) {
        let joins = |before: &str| {
            let text = format!("{before}{character}");
            text.graphemes(true).next_back() != Some(&text[before.len()..])
        };
        let takes = || format!("{character}a").graphemes(true).count() < 2;
        let is_alone = !JOINING.into_iter().any(joins) && !takes();
        let mut folded = Vec::new();
        fold_cluster(character.encode_utf8(&mut [0; 4]), 0, &mut folded);
        *entry = match folded[..] {
            [only] if is_alone => Some(only.character),
            _ => None,
        };
    }
    table
});

/// Whether a decomposed character says nothing of its own: accents, vowel points, selectors of a
/// glyph, invisible joiners and marks of direction.
fn is_decoration(character: char) -> bool {
    match character {
        '\0'..='\u{7f}' | '\u{200b}' => false,
        '\u{300}'..='\u{36f}' // accents
        | '\u{483}'..='\u{487}' // Cyrillic
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' // Hebrew
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' // Arabic
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{e0100}'..='\u{e01ef}' => true,
        other => !is_no_format(other) && other.general_category() == GeneralCategory::Format,
    }
}

/// Characters of which none is a sign of format: Indic and Thai; symbols, Han and Hangul.
const fn is_no_format(character: char) -> bool {
    matches!(character, '\u{900}'..='\u{17ff}' | '\u{2070}'..='\u{fdff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_character_folds_to_what_the_tables_say() {
        let mut seen = 0;
        for character in '\0'..=char::MAX {
            let Some(plain) = plain(character) else {
                continue;
            };
            let mut folded = Vec::new();
            fold_cluster(&character.to_string(), 0, &mut folded);
            let folded: Vec<char> = folded.iter().map(|folded| folded.character).collect();
            assert_eq!(folded, [plain], "{character:?}");
            seen += 1;
        }
        assert!(seen > 27_000, "{seen}");
    }

    #[test]
    fn plain_characters_are_clusters_of_their_own() {
        // But for the end of a line, whose two characters are the same to every term.
        let plain: Vec<char> = "aZ9 .\n漢。、カぁーＡ！～㐀".chars().collect();
        for one in &plain {
            for other in &plain {
                let text = format!("{one}{other}");
                assert_eq!(text.graphemes(true).count(), 2, "{text:?}");
            }
        }
    }

    #[test]
    fn letters_of_the_first_scripts_are_in_the_table() {
        let folds = [
            ('é', 'e'),
            ('Ñ', 'n'),
            ('Я', 'я'),
            ('Ω', 'ω'),
            ('א', 'א'),
            ('م', 'م'),
            ('¿', '¿'),
        ];
        for (letter, folded) in folds {
            assert_eq!(plain(letter), Some(folded), "{letter}");
        }
        for other in ['ß', '\u{301}', '\u{64b}', '\u{600}', '©'] {
            assert_eq!(plain(other), None, "{other:?}");
        }
    }

    #[test]
    fn no_sign_of_format_is_passed_over() {
        for character in ('\0'..=char::MAX).filter(|character| is_no_format(*character)) {
            let category = character.general_category();
            assert_ne!(category, GeneralCategory::Format, "{character:?}");
        }
    }

    /// Without shortcuts.
    fn fold_slowly(text: &str) -> Vec<Folded> {
        let mut folded = Vec::new();
        for (start, cluster) in text.grapheme_indices(true) {
            fold_cluster(cluster, start, &mut folded);
        }
        folded
    }

    proptest! {
        #[test]
        fn shortcuts_change_nothing(
            text in "[a-zÀ-ɏΑ-ωа-яא-ת\u{5b0}-\u{5b9}ء-ي\u{64b}-\u{652}ก-\u{e4e}क-न\u{94d}가-깋\u{1100}-\u{1112}一-丁。👨👩👍\u{1f3fd}\u{200d}\u{fe0f}\u{301}©®¿ ]{0,24}",
        ) {
            prop_assert_eq!(fold(&text), fold_slowly(&text));
        }
    }
}
