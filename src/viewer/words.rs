//! What an edit changed, word by word. Chinese has no spaces, so each of its characters is a word.

use maud::{Markup, html};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// More pieces than this are not compared: the effort grows with their product.
const PIECES_MAX: usize = 2_000;

/// The words with what was taken out and what was put in; `None` where they are too long.
pub(super) fn difference(before: &str, after: &str) -> Option<Markup> {
    let (old, new) = (pieces(before), pieces(after));
    if old.len() > PIECES_MAX || new.len() > PIECES_MAX {
        return None;
    }
    let steps = capture_diff_slices(Algorithm::Myers, &old, &new);
    let all = |pieces: &[&str]| pieces.concat();
    Some(html! {
        @for step in &steps {
            @match *step {
                DiffOp::Equal { old_index, len, .. } => (all(&old[old_index..old_index + len])),
                DiffOp::Delete { old_index, old_len, .. } => {
                    (taken_out(&all(&old[old_index..old_index + old_len])))
                }
                DiffOp::Insert { new_index, new_len, .. } => {
                    (put_in(&all(&new[new_index..new_index + new_len])))
                }
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    (taken_out(&all(&old[old_index..old_index + old_len])))
                    (put_in(&all(&new[new_index..new_index + new_len])))
                }
            }
        }
    })
}

/// Who does not see the colours hears the words around them.
fn taken_out(words: &str) -> Markup {
    html! { del { span.aloud { "[taken out: " } (words) span.aloud { "]" } } }
}

fn put_in(words: &str) -> Markup {
    html! { ins { span.aloud { "[put in: " } (words) span.aloud { "]" } } }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Space,
    Alone,
    /// Belongs to what is before it: accents, joiners, variants, tones of skin.
    Mark,
}

fn class(character: char) -> Class {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{200d}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{20e3}' => Class::Mark,
        // Scripts that are written without spaces between words.
        '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Alone,
        letter if letter.is_alphanumeric() || letter == '_' => Class::Word,
        space if space.is_whitespace() => Class::Space,
        _ => Class::Alone,
    }
}

/// The text in pieces that are compared whole; together they are the text.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut last, mut joined) = (0, Class::Alone, false);
    for (at, character) in text.char_indices() {
        let class = class(character);
        let goes_on = class == Class::Mark || joined || (class == last && class != Class::Alone);
        if at > 0 && !goes_on {
            pieces.push(&text[start..at]);
            start = at;
        }
        joined = character == '\u{200d}';
        if class != Class::Mark {
            last = class;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let html = difference(before, after).unwrap().into_string();
        html.replace("<span class=\"aloud\">[taken out: </span>", "")
            .replace("<span class=\"aloud\">[put in: </span>", "")
            .replace("<span class=\"aloud\">]</span>", "")
    }

    #[test]
    fn what_was_taken_out_and_put_in_is_marked_word_by_word() {
        assert_eq!(
            shown("your order 12 is late", "your order 13 is late"),
            "your order <del>12</del><ins>13</ins> is late"
        );
        assert_eq!(shown("same", "same"), "same");
        assert_eq!(shown("", "new"), "<ins>new</ins>");
        assert_eq!(shown("我想退款", "我不想退款"), "我<ins>不</ins>想退款");
    }

    #[test]
    fn what_looks_like_markup_is_words() {
        assert_eq!(shown("", "<b>"), "<ins>&lt;b&gt;</ins>");
    }

    #[test]
    fn pieces_are_the_text_and_no_sign_is_torn_apart() {
        for text in [
            "",
            "a",
            "你好 world",
            "👨‍👩‍👧 👍🏽 é\u{301}",
            "a\u{300}b",
            "\u{200d}",
        ] {
            assert_eq!(pieces(text).concat(), text);
        }
        assert_eq!(pieces("👨‍👩‍👧👍🏽"), ["👨‍👩‍👧", "👍🏽"]);
        assert_eq!(pieces("退款ok now"), ["退", "款", "ok", " ", "now"]);
    }

    #[test]
    fn texts_that_are_too_long_are_not_compared() {
        assert!(difference(&"a b ".repeat(2_000), "").is_none());
    }
}
