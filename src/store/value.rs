//! Values on their way to and from a database, the same for both engines.
//!
//! A value knows its kind also when it is null, because Postgres wants the type of every
//! argument. Text never holds U+0000 (Postgres cannot store it) and a time lies between the
//! years 0 and 9999, so that both engines store it and ISO text sorts like time.

use std::borrow::Cow;

use super::StoreError;
use crate::{
    model::{Text, Timestamp},
    terms::{Entry, Query},
};

/// 0000-01-01T00:00:00.000Z.
const EARLIEST_MS: i64 = -62_167_219_200_000;
/// 9999-12-30T22:00:00.000Z less a millisecond, next to the last time that can be written.
const LATEST_MS: i64 = 253_402_207_199_999;

/// Before every stored time.
pub(super) const BEFORE_ALL: Timestamp = Timestamp::from_millis(EARLIEST_MS - 1);
/// After every stored time.
pub(super) const AFTER_ALL: Timestamp = Timestamp::from_millis(LATEST_MS + 1);

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A truth value.
    Bool,
    /// A floating point number.
    Real,
    /// A point in time.
    Time,
}

/// One value, or one argument of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A whole number.
    Int(Option<i64>),
    /// Text.
    Text(Option<Text>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// A truth value.
    Bool(Option<bool>),
    /// A floating point number.
    Real(Option<f64>),
    /// A point in time.
    Time(Option<Timestamp>),
    /// A list of numbers, for `{in_ints:N}`; an argument only.
    Ints(Vec<i64>),
    /// A list of texts, for `{in_texts:N}`; an argument only.
    Texts(Vec<String>),
    /// A list of a number and a text each, for `{pairs:N}`; an argument only.
    Pairs(Vec<(i64, String)>),
    /// Messages by key with their terms, for `{index:N}` and `{unindex:N}`; an argument only.
    Entries(Vec<(i64, Entry)>),
    /// What is looked for, for `{matching:N}`; an argument only.
    Query(Box<Query>),
}

impl Value {
    /// Whether the value may stand in a column of this kind.
    pub(super) const fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Int(_), Kind::Int)
                | (Self::Text(_), Kind::Text)
                | (Self::Bytes(_), Kind::Bytes)
                | (Self::Bool(_), Kind::Bool)
                | (Self::Real(_), Kind::Real)
                | (Self::Time(_), Kind::Time)
        )
    }
}

/// The time as it is stored: held between the years 0 and 9999.
pub(super) fn storable(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().clamp(EARLIEST_MS, LATEST_MS))
}

/// The text as it is stored: without U+0000.
pub(super) fn cleaned(text: &str) -> Cow<'_, str> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text as it is stored: without U+0000.
pub(super) fn clean(text: &str) -> String {
    cleaned(text).into_owned()
}

/// The text as it is stored: without U+0000; not copied where it has none.
pub(super) fn clean_text(text: &Text) -> Text {
    match cleaned(text) {
        Cow::Borrowed(_) => text.clone(),
        Cow::Owned(text) => text.into(),
    }
}

macro_rules! from {
    ($($type:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        })*
    };
}

from! {
    i64 => |value| Self::Int(Some(value));
    Option<i64> => |value| Self::Int(value);
    Option<u32> => |value| Self::Int(value.map(i64::from));
    Option<u64> => |value| Self::Int(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)));
    u32 => |value| Self::Int(Some(i64::from(value)));
    u64 => |value| Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)));
    &str => |value| Self::Text(Some(clean(value).into()));
    &String => |value| Self::Text(Some(clean(value).into()));
    &Text => |value| Self::Text(Some(clean_text(value)));
    &Option<Text> => |value| Self::Text(value.as_ref().map(clean_text));
    Option<&str> => |value| Self::Text(value.map(|text| clean(text).into()));
    &Option<String> => |value| Self::Text(value.as_deref().map(|text| clean(text).into()));
    Option<&Text> => |value| Self::Text(value.map(clean_text));
    bool => |value| Self::Bool(Some(value));
    Option<bool> => |value| Self::Bool(value);
    Option<f64> => |value| Self::Real(value);
    Timestamp => |value| Self::Time(Some(storable(value)));
    Option<Timestamp> => |value| Self::Time(value.map(storable));
    &[u8] => |value| Self::Bytes(Some(value.to_vec()));
    Option<&[u8]> => |value| Self::Bytes(value.map(<[u8]>::to_vec));
    Vec<i64> => |value| Self::Ints(value);
    Vec<String> => |value| Self::Texts(value);
    Vec<(i64, String)> => |value| Self::Pairs(value);
    Vec<(i64, Entry)> => |value| Self::Entries(value);
    &Query => |value| Self::Query(Box::new(value.clone()));
}

/// One row that was read; its columns are taken in order.
#[derive(Debug)]
pub(super) struct Row {
    values: std::vec::IntoIter<Value>,
}

macro_rules! takers {
    ($($(#[$meta:meta])* $name:ident, $must:ident, $variant:ident, $type:ty;)*) => {
        $(
            $(#[$meta])*
            pub(super) fn $name(&mut self) -> Result<Option<$type>, StoreError> {
                match self.values.next() {
                    Some(Value::$variant(value)) => Ok(value),
                    other => Err(StoreError::broken(format!(
                        "a column held {other:?} in place of a {}", stringify!($variant),
                    ))),
                }
            }

            $(#[$meta])*
            pub(super) fn $must(&mut self) -> Result<$type, StoreError> {
                self.$name()?.ok_or_else(|| StoreError::broken(format!(
                    "a {} that is never null was null", stringify!($variant),
                )))
            }
        )*
    };
}

impl Row {
    /// A row of these columns.
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
        }
    }

    /// The columns that were not taken yet.
    pub(super) fn into_values(self) -> Vec<Value> {
        self.values.collect()
    }

    takers! {
        /// The next column, a number.
        maybe_int, int, Int, i64;
        /// The next column, text that others may hold too.
        maybe_shared_text, shared_text, Text, Text;
        /// The next column, bytes.
        maybe_bytes, bytes, Bytes, Vec<u8>;
        /// The next column, a time.
        maybe_time, time, Time, Timestamp;
        /// The next column, a truth.
        maybe_bool, bool, Bool, bool;
    }

    /// The next column, text.
    pub(super) fn maybe_text(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.maybe_shared_text()?.map(String::from))
    }

    /// The next column, text.
    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.shared_text().map(String::from)
    }

    /// The next column, a count.
    pub(super) fn count(&mut self) -> Result<u64, StoreError> {
        let number = self.int()?;
        u64::try_from(number).map_err(|_| StoreError::broken(format!("a count of {number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_storable_time_is_iso_text_that_sorts_like_time() {
        let ends = [i64::MIN, -62_167_219_200_001, 0, LATEST_MS, i64::MAX];
        let texts: Vec<String> = ends
            .into_iter()
            .map(|ms| storable(Timestamp::from_millis(ms)).to_string())
            .collect();
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts[0], "0000-01-01T00:00:00.000Z");
        assert!(texts[4].starts_with("9999-12-30T"));
        assert!(BEFORE_ALL.to_string() < texts[0]);
        assert!(AFTER_ALL.to_string() > texts[4]);
    }

    #[test]
    fn text_loses_u0000_and_nothing_else() {
        assert_eq!(
            Value::from("a\0b\u{FFFD}"),
            Value::Text(Some("a\u{FFFD}b\u{FFFD}".into()))
        );
    }
}
