//! A JSON value that forgives: duplicate keys, lone surrogates, U+0000, great depth.
//!
//! Borrows from the text wherever nothing was escaped, and keeps numbers as they were written.
//! What it forgave is listed with its path; what is not JSON by RFC 8259 is an error.

use std::borrow::Cow;

use super::{
    Place,
    cursor::{Cursor, Literal},
    text,
};

/// How many levels of arrays and objects are decoded; what is deeper is kept as text.
pub const DEPTH_MAX: usize = 100;
/// How many oddities of one document are listed.
const ODDITIES_MAX: usize = 100;
/// Up to this many members, looking at every pair is the fastest way to find a duplicate.
const PAIRWISE_MAX: usize = 24;

/// A key and its value.
pub type Member<'a> = (Cow<'a, str>, Json<'a>);

/// A decoded value. Object keys keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'a str),
    /// A string, cleaned of U+0000 and lone surrogates.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, in order, duplicates kept.
    Object(Vec<Member<'a>>),
    /// An array or object deeper than [`DEPTH_MAX`], as it was written.
    TooDeep(&'a str),
}

/// Not JSON at all. Says what is missing and at which byte, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(pub(super) String);

/// A whole text, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'a> {
    /// The value.
    pub value: Json<'a>,
    /// What was odd, in the order met; the first hundred.
    pub oddities: Vec<JsonOddity>,
}

/// Something odd that decoding met, with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonOddity {
    /// What kind.
    pub kind: OddityKind,
    /// Where, such as `content.quick_replies[2].id`.
    pub path: String,
}

/// The kinds of oddities of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddityKind {
    /// U+0000 or a lone surrogate was replaced by U+FFFD.
    ReplacedCharacters,
    /// A key stood twice in an object.
    DuplicateKey,
    /// Nested deeper than is decoded; [`Json::TooDeep`] stands in its place.
    TooDeep,
}

impl<'a> Json<'a> {
    /// Decodes a text that is one value.
    ///
    /// # Errors
    /// [`JsonError`] if it is not JSON.
    pub fn parse(text: &'a str) -> Result<Document<'a>, JsonError> {
        Decoder::new(text, Strings::Cleaned).run()
    }

    /// As [`Json::parse`], but of an object only the members of these keys are decoded and kept.
    ///
    /// # Errors
    /// [`JsonError`] if it is not JSON.
    pub fn parse_members(
        text: &'a str,
        keys: &'static [&'static str],
    ) -> Result<Document<'a>, JsonError> {
        Decoder {
            wanted: Some(keys),
            ..Decoder::new(text, Strings::Cleaned)
        }
        .run()
    }

    /// Decodes for comparing: a string that cannot be kept as it is stands as U+0000 and its
    /// escaped source, so that it is equal to nothing else.
    pub(super) fn parse_exact(text: &'a str) -> Result<Self, JsonError> {
        let document = Decoder::new(text, Strings::Exact).run()?;
        Ok(document.value)
    }

    /// The member of that key, the last if there are several; `None` if this is no object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => last_member(members, key),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// What it is, for a person: `a number`.
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::TooDeep(_) => "a value nested too deep",
        }
    }
}

/// The last member of that key.
pub(crate) fn last_member<'m, 'a>(members: &'m [Member<'a>], key: &str) -> Option<&'m Json<'a>> {
    members
        .iter()
        .rev()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

/// One of 64 bits, the same for equal keys and mostly another for others.
fn key_mark(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let first = bytes.first().copied().unwrap_or_default();
    let last = bytes.last().copied().unwrap_or_default();
    1 << ((bytes.len() + usize::from(first) * 7 + usize::from(last) * 13) % 64)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strings {
    Cleaned,
    Exact,
}

struct Decoder<'a> {
    cursor: Cursor<'a>,
    strings: Strings,
    /// The keys of the outermost object whose values are kept, where not all are.
    wanted: Option<&'static [&'static str]>,
    oddities: Vec<JsonOddity>,
}

impl<'a> Decoder<'a> {
    fn new(text: &'a str, strings: Strings) -> Self {
        Self {
            cursor: Cursor::new(text),
            strings,
            wanted: None,
            oddities: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Document<'a>, JsonError> {
        let value = self.value(0, &Place::ROOT)?;
        self.cursor.finish()?;
        Ok(Document {
            value,
            oddities: self.oddities,
        })
    }

    fn note(&mut self, kind: OddityKind, place: &Place<'_>) {
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push(JsonOddity {
                kind,
                path: place.to_string(),
            });
        }
    }

    fn value(&mut self, depth: usize, place: &Place<'_>) -> Result<Json<'a>, JsonError> {
        match self.cursor.peek() {
            Some(b'"') => {
                let literal = self.cursor.literal("a string")?;
                let (text, replaced) = self.text(literal);
                if replaced {
                    self.note(OddityKind::ReplacedCharacters, place);
                }
                Ok(Json::String(text))
            }
            Some(b'{' | b'[') if depth >= DEPTH_MAX => {
                let text = self.cursor.skip_value()?;
                self.note(OddityKind::TooDeep, place);
                Ok(Json::TooDeep(text))
            }
            Some(b'{') => self.object(depth, place),
            Some(b'[') => self.array(depth, place),
            Some(b't') => self.cursor.word("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.cursor.word("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.cursor.word("null").map(|()| Json::Null),
            Some(b'-' | b'0'..=b'9') => self.cursor.number().map(Json::Number),
            _ => Err(self.cursor.error("a value")),
        }
    }

    fn text(&self, literal: Literal<'a>) -> (Cow<'a, str>, bool) {
        let decoded = text::decode(literal);
        if decoded.replaced && self.strings == Strings::Exact {
            return (Cow::Owned(format!("\0{}", literal.inner)), true);
        }
        (decoded.text, decoded.replaced)
    }

    fn array(&mut self, depth: usize, place: &Place<'_>) -> Result<Json<'a>, JsonError> {
        self.cursor.expect(b'[', "an array")?;
        let mut elements = Vec::new();
        if self.cursor.take(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            let element = self.value(depth + 1, &place.index(elements.len()))?;
            elements.push(element);
            if !self.cursor.take(b',') {
                self.cursor.expect(b']', "a comma or a closing bracket")?;
                return Ok(Json::Array(elements));
            }
        }
    }

    fn object(&mut self, depth: usize, place: &Place<'_>) -> Result<Json<'a>, JsonError> {
        self.cursor.expect(b'{', "an object")?;
        let mut members: Vec<Member<'a>> = Vec::new();
        if self.cursor.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            let literal = self.cursor.literal("a key")?;
            self.cursor.expect(b':', "a colon")?;
            let (key, replaced) = self.text(literal);
            if depth == 0 && self.wanted.is_some_and(|keys| !keys.contains(&&*key)) {
                self.cursor.skip_value()?;
            } else {
                let here = place.key(&key);
                if replaced {
                    self.note(OddityKind::ReplacedCharacters, &here);
                }
                let value = self.value(depth + 1, &here)?;
                if members.is_empty() {
                    members.reserve(if depth == 0 { 12 } else { 4 });
                }
                members.push((key, value));
            }
            if !self.cursor.take(b',') {
                self.cursor.expect(b'}', "a comma or a closing bracket")?;
                self.note_duplicates(&members, place);
                return Ok(Json::Object(members));
            }
        }
    }

    fn note_duplicates(&mut self, members: &[Member<'a>], place: &Place<'_>) {
        if members.len() <= PAIRWISE_MAX {
            let mut seen = 0_u64;
            for (index, (key, _)) in members.iter().enumerate() {
                let mark = key_mark(key);
                // Only keys of one mark can be equal, so most are never compared.
                if seen & mark != 0 && members[..index].iter().any(|(earlier, _)| earlier == key) {
                    self.note(OddityKind::DuplicateKey, &place.key(key));
                }
                seen |= mark;
            }
            return;
        }
        let mut keys: Vec<&str> = members.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if pair[0] == pair[1] {
                self.note(OddityKind::DuplicateKey, &place.key(pair[0]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
