//! The one way from a string literal to text: escapes undone, U+0000 and lone surrogates replaced.
//!
//! Postgres cannot hold U+0000 in text and Rust cannot hold a lone surrogate, so both become
//! U+FFFD here, for both engines alike; who decodes is told and reports it.

use std::borrow::Cow;

use super::cursor::Literal;

/// A decoded string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    /// The text, borrowed where nothing was escaped.
    pub(super) text: Cow<'a, str>,
    /// Whether a character had to be replaced.
    pub(super) replaced: bool,
}

/// Decodes a literal that the cursor has checked.
pub(super) fn decode(literal: Literal<'_>) -> Decoded<'_> {
    if !literal.escaped {
        return Decoded {
            text: Cow::Borrowed(literal.inner),
            replaced: false,
        };
    }
    let mut text = String::with_capacity(literal.inner.len());
    let mut replaced = false;
    let mut rest = literal.inner;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let (character, length) = escape(&rest.as_bytes()[backslash..]);
        replaced |= character.is_none();
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &rest[backslash + length..];
    }
    text.push_str(rest);
    Decoded {
        text: Cow::Owned(text),
        replaced,
    }
}

/// The character of the escape that begins here, `None` if it cannot be kept, and its length.
fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    let simple = match bytes.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(bytes),
        Some(&other) => char::from(other),
        None => return (None, bytes.len()),
    };
    (Some(simple), 2)
}

fn unicode_escape(bytes: &[u8]) -> (Option<char>, usize) {
    const LENGTH: usize = 6;
    let Some(unit) = code_unit(bytes) else {
        return (None, bytes.len());
    };
    if matches!(unit, 0xD800..=0xDBFF)
        && let Some(low @ 0xDC00..=0xDFFF) = bytes.get(LENGTH..).and_then(code_unit)
    {
        let point = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(point), 2 * LENGTH);
    }
    (char::from_u32(unit).filter(|&c| c != '\0'), LENGTH)
}

/// The number in `\uXXXX`, if that stands here.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(inner: &str) -> (String, bool) {
        let decoded = decode(Literal {
            inner,
            escaped: inner.contains('\\'),
        });
        (decoded.text.into_owned(), decoded.replaced)
    }

    #[test]
    fn every_escape_is_undone() {
        assert_eq!(
            decoded(r#"\"\\\/\b\f\n\r\té\u00e9\uD83D\ude00."#),
            ("\"\\/\u{8}\u{c}\n\r\téé😀.".to_owned(), false)
        );
    }

    #[test]
    fn nul_and_lone_surrogates_become_u_fffd_one_for_one() {
        for (inner, text) in [
            (r"a\u0000b", "a\u{fffd}b"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        ] {
            assert_eq!(decoded(inner), (text.to_owned(), true), "{inner}");
        }
    }
}
