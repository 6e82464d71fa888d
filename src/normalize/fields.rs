//! The members of one object, read with the forgiveness that the gateway needs.
//!
//! Every reader takes what can be taken and notes what was odd. A key that is not there and one
//! that is `null` are the same, for the gateway uses both.

use crate::{
    model::{AnomalyKind, Message, Text},
    wire::{Json, Member, Place, last_member},
};

use super::anomaly::note;

/// One object and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'v> {
    members: &'v [Member<'v>],
    place: Place<'v>,
}

impl<'v> Fields<'v> {
    pub(super) const fn new(members: &'v [Member<'v>], place: Place<'v>) -> Self {
        Self { members, place }
    }

    /// The fields of `value`, if it is an object.
    pub(super) fn of(value: &'v Json<'v>, place: Place<'v>) -> Option<Self> {
        match value {
            Json::Object(members) => Some(Self::new(members, place)),
            _ => None,
        }
    }

    pub(super) const fn place(&self) -> &Place<'v> {
        &self.place
    }

    /// The value of a key, the last one if there are several; `None` for `null` too.
    pub(super) fn get(&self, key: &str) -> Option<&'v Json<'v>> {
        last_member(self.members, key).filter(|value| **value != Json::Null)
    }

    /// The first of several keys that is there.
    pub(super) fn first(&self, keys: &[&'static str]) -> Option<(&'static str, &'v Json<'v>)> {
        keys.iter()
            .find_map(|&key| self.get(key).map(|value| (key, value)))
    }

    /// Notes that `key` is of another type than it should be.
    pub(super) fn note_type(&self, key: &str, found: &Json<'_>, message: &mut Message) {
        let found = found.describe();
        note(message, AnomalyKind::WrongType, &self.place.key(key), found);
    }

    /// Notes that `key` is not there, or `null`, or empty.
    pub(super) fn note_missing(&self, key: &str, message: &mut Message) {
        let found = match last_member(self.members, key) {
            None => "not there",
            Some(Json::Null) => "null",
            Some(_) => "empty",
        };
        note(
            message,
            AnomalyKind::MissingField,
            &self.place.key(key),
            found,
        );
    }

    /// Notes that nothing in this object could be read as what its type says it is.
    pub(super) fn note_shape(&self, detail: &'static str, message: &mut Message) {
        note(message, AnomalyKind::UnknownShape, &self.place, detail);
    }

    /// Text exactly as received, `""` included. A number or a boolean is taken and noted.
    pub(super) fn text(&self, key: &str, message: &mut Message) -> Option<Text> {
        let value = self.get(key)?;
        if let Json::String(text) = value {
            return Some(shared(text, message));
        }
        self.note_type(key, value, message);
        scalar(value, message)
    }

    /// Text that is not empty.
    pub(super) fn words(&self, key: &str, message: &mut Message) -> Option<Text> {
        self.text(key, message).filter(|text| !text.is_empty())
    }

    /// An id: text or a number, which is not odd; never empty.
    pub(super) fn id(&self, key: &str, message: &mut Message) -> Option<Text> {
        let value = self.get(key)?;
        match value {
            Json::String(_) | Json::Number(_) => scalar(value, message).filter(|id| !id.is_empty()),
            _ => {
                self.note_type(key, value, message);
                None
            }
        }
    }

    /// An id that every message has.
    pub(super) fn expected_id(&self, key: &str, message: &mut Message) -> Option<Text> {
        let before = message.anomalies.len();
        let id = self.id(key, message);
        if id.is_none() && message.anomalies.len() == before {
            self.note_missing(key, message);
        }
        id
    }

    /// A boolean; `"true"`, `"false"`, `1` and `0` are taken and noted.
    pub(super) fn boolean(&self, key: &str, message: &mut Message) -> Option<bool> {
        let value = self.get(key)?;
        if let Json::Bool(is_true) = value {
            return Some(*is_true);
        }
        self.note_type(key, value, message);
        match &*scalar(value, message)? {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A whole number; one in a string is taken and noted.
    pub(super) fn integer(&self, key: &str, message: &mut Message) -> Option<i64> {
        let value = self.get(key)?;
        let number = scalar(value, message)?.trim().parse().ok();
        if number.is_none() || !matches!(value, Json::Number(_)) {
            self.note_type(key, value, message);
        }
        number
    }

    /// A number of degrees, in a string or not; `None` where it is not finite.
    pub(super) fn decimal(&self, keys: &[&'static str], message: &mut Message) -> Option<f64> {
        let (key, value) = self.first(keys)?;
        let number = match value {
            Json::Number(number) => number.parse::<f64>().ok(),
            Json::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.note_type(key, value, message);
        }
        number
    }
}

/// A string, a number or a boolean as text.
pub(super) fn scalar(value: &Json<'_>, message: &Message) -> Option<Text> {
    match value {
        Json::String(text) => Some(shared(text, message)),
        Json::Number(number) => Some(message.raw.slice_ref(number)),
        Json::Bool(true) => Some(Text::from_static("true")),
        Json::Bool(false) => Some(Text::from_static("false")),
        _ => None,
    }
}

/// Text of the message's JSON: a part of it where it stands there as it is, which it does where
/// nothing was escaped.
pub(super) fn shared(text: &str, message: &Message) -> Text {
    let raw = message.raw.as_bytes().as_ptr_range();
    let part = text.as_bytes().as_ptr_range();
    if raw.start <= part.start && part.end <= raw.end {
        message.raw.slice_ref(text)
    } else {
        Text::from(text)
    }
}
