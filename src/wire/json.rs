//! A JSON value that forgives: duplicate keys, lone surrogates, U+0000, great depth.

/// A decoded value. Object keys keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string, cleaned of U+0000 and lone surrogates.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, in order, duplicates kept.
    Object(Vec<(String, Json)>),
}

/// Not JSON at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(pub(crate) String);

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
    /// Nested deeper than is decoded; `Null` stands in its place.
    TooDeep,
}
