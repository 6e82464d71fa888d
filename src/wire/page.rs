//! One page of messages: `{items, count, total, has_more}`, or `data` for `items`.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Malformed;

/// One page of messages, each item still the exact bytes received.
///
/// `has_more` and `total` are not read: nothing is ever proven from them (walk.md).
#[derive(Debug, Clone)]
pub struct Page {
    body: Bytes,
    items: Vec<Range<usize>>,
    count: Option<i64>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    data: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    count: Option<&'a RawValue>,
}

impl Page {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Malformed`] if it is not UTF-8, not JSON, or has neither `items` nor `data` as an array.
    pub fn parse(body: Bytes) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(&body)
            .map_err(|error| Malformed(format!("the body is not UTF-8: {error}")))?;
        let envelope: Envelope<'_> = serde_json::from_str(text)
            .map_err(|error| Malformed(format!("the body is not the promised JSON: {error}")))?;
        let raw = envelope
            .items
            .or(envelope.data)
            .ok_or_else(|| Malformed("the JSON has neither `items` nor `data`".to_owned()))?;
        let start = text.as_ptr() as usize;
        let items = raw
            .into_iter()
            .map(|item| {
                let from = item.get().as_ptr() as usize - start;
                from..from + item.get().len()
            })
            .collect();
        let count = envelope
            .count
            .and_then(|raw| raw.get().trim_matches('"').parse().ok());
        Ok(Self { body, items, count })
    }

    /// The raw JSON of each item, in the order received (newest first).
    pub fn items(&self) -> impl ExactSizeIterator<Item = &str> {
        self.items.iter().map(|range| {
            std::str::from_utf8(&self.body[range.clone()]).expect("parse checked the whole body")
        })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// `count`, the number of messages that the gateway counts in the conversation; `None` where
    /// it is missing or not a number.
    pub const fn count(&self) -> Option<i64> {
        self.count
    }
}
