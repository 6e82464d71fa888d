//! One line of a list: what it means, or what is wrong with it. Pure.

use std::fmt;

use url::Url;

/// The longest id that is believed, in characters.
pub(super) const ID_CHARS_MAX: usize = 200;

/// The longest phone number that is believed, in digits; E.164 ends at 15.
const PHONE_DIGITS_MAX: usize = 32;

/// What is wrong with a line. Never holds the line: it may be anything, a secret too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The whole file is UTF-16, as some spreadsheets write it.
    Utf16,
    /// A control character.
    ControlCharacter,
    /// A space between other characters.
    SpaceInside,
    /// More than 200 characters.
    TooLong,
    /// A link without `conv_id=`.
    LinkWithoutId,
    /// Something else than digits, `+`, spaces, dashes and parentheses.
    NotAPhoneNumber,
    /// A CSV row that ends before the column.
    NoSuchField,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "not UTF-8",
            Self::Utf16 => "the file is UTF-16; save it as UTF-8",
            Self::ControlCharacter => "a control character inside",
            Self::SpaceInside => "spaces inside",
            Self::TooLong => "over 200 characters",
            Self::LinkWithoutId => "a link without conv_id=",
            Self::NotAPhoneNumber => "not a phone number",
            Self::NoSuchField => "the row ends before the column",
        })
    }
}

/// The id that a line holds; `None` for a blank line or a comment.
pub(super) fn parse_id(line: &[u8]) -> Result<Option<Box<str>>, Flaw> {
    let Some(text) = meaningful(line)? else {
        return Ok(None);
    };
    if text.contains("://") || text.contains("conv_id=") {
        // The parser of URLs drops tabs and line ends silently, so they are refused before it.
        refuse_odd_characters(text)?;
        let id = id_of_link(text).ok_or(Flaw::LinkWithoutId)?;
        checked_id(&id)?;
        return Ok(Some(id.into()));
    }
    checked_id(text)?;
    Ok(Some(text.into()))
}

/// The digits of the phone number that a line holds; `None` for a blank line or a comment.
pub(super) fn parse_phone(line: &[u8]) -> Result<Option<String>, Flaw> {
    let Some(text) = meaningful(line)? else {
        return Ok(None);
    };
    let mut digits = String::with_capacity(text.len().min(PHONE_DIGITS_MAX));
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' | '-' | '(' | ')' => {}
            space if space.is_whitespace() && !space.is_control() => {}
            _ => return Err(Flaw::NotAPhoneNumber),
        }
    }
    if digits.is_empty() || digits.len() > PHONE_DIGITS_MAX {
        return Err(Flaw::NotAPhoneNumber);
    }
    Ok(Some(digits))
}

fn meaningful(line: &[u8]) -> Result<Option<&str>, Flaw> {
    let text = std::str::from_utf8(line).map_err(|_| Flaw::NotUtf8)?.trim();
    Ok(Some(text).filter(|text| !text.is_empty() && !text.starts_with('#')))
}

fn checked_id(text: &str) -> Result<(), Flaw> {
    refuse_odd_characters(text)?;
    if text.chars().nth(ID_CHARS_MAX).is_some() {
        return Err(Flaw::TooLong);
    }
    Ok(())
}

fn refuse_odd_characters(text: &str) -> Result<(), Flaw> {
    if text.contains(char::is_control) {
        return Err(Flaw::ControlCharacter);
    }
    if text.contains(char::is_whitespace) {
        return Err(Flaw::SpaceInside);
    }
    Ok(())
}

/// `conv_id` of the query, or of a query inside the fragment, as single-page applications write.
fn id_of_link(text: &str) -> Option<String> {
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("https://{text}"))
    }
    .ok()?;
    let of_query = |query: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, value)| key == "conv_id" && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    };
    url.query().and_then(of_query).or_else(|| {
        let (_, query) = url.fragment()?.split_once('?')?;
        of_query(query)
    })
}
