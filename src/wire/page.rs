//! One page of messages: `{items, count, total, has_more}`, or `data` for `items`.
//!
//! The body is checked once and cut into items; nothing inside an item is decoded, so neither
//! its depth nor its shape can harm the page.

use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

use super::{Malformed, body_text, cursor::Cursor, text};

/// One page of messages, each item still the exact bytes received.
///
/// `has_more` and `total` are not read: nothing is ever proven from them (walk.md).
#[derive(Debug, Clone)]
pub struct Page {
    body: ByteString,
    items: Vec<Range<usize>>,
    count: Option<i64>,
    /// Whether most of the body is items.
    is_dense: bool,
}

/// What stands for `items` or `data`.
#[derive(Debug)]
enum List {
    Absent,
    Null,
    Other,
    Items(Vec<Range<usize>>),
}

impl Page {
    /// Reads a body. Of a key that is there twice the last counts. An item need not be an
    /// object. A `null` for the list is an empty page only where `count` is 0: anything else
    /// might prove the end of a conversation that has not ended.
    ///
    /// # Errors
    /// [`Malformed`] if it is not UTF-8, not one JSON object, or has no list of messages.
    pub fn parse(body: Bytes) -> Result<Self, Malformed> {
        let text = body_text(&body)?;
        let offset = body.len() - text.len();
        let mut cursor = Cursor::new(text);
        if cursor.peek() != Some(b'{') {
            cursor.skip_value()?;
            return Err(Malformed("the JSON is not an object".to_owned()));
        }
        let mut items = List::Absent;
        let mut data = List::Absent;
        let mut count = None;
        cursor.expect(b'{', "an object")?;
        let mut more = !cursor.take(b'}');
        while more {
            let key = cursor.literal("a key")?;
            cursor.expect(b':', "a colon")?;
            match &*text::decode(key).text {
                "items" => items = list(&mut cursor, offset)?,
                "data" => data = list(&mut cursor, offset)?,
                "count" => count = count_of(cursor.skip_value()?),
                _ => drop(cursor.skip_value()?),
            }
            more = cursor.take(b',');
            if !more {
                cursor.expect(b'}', "a comma or a closing bracket")?;
            }
        }
        cursor.finish()?;
        let items = choose(items, data, count)?;
        let bytes_of_items: usize = items.iter().map(Range::len).sum();
        let body = ByteString::try_from(body).expect("it was read as text");
        Ok(Self {
            is_dense: bytes_of_items >= body.len() / 2,
            body,
            items,
            count,
        })
    }

    /// The raw JSON of each item, in the order received (newest first).
    pub fn items(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.items.len()).map(|place| self.item(place))
    }

    /// The raw JSON of one item, by its place.
    ///
    /// # Panics
    /// Where there is no such place.
    pub fn item(&self, place: usize) -> &str {
        &self.body[self.items[place].clone()]
    }

    /// The same, to be kept: a part of the body, which is held for as long as any part of it is; a copy
    /// where that would hold much else.
    ///
    /// # Panics
    /// Where there is no such place.
    pub fn part(&self, place: usize) -> ByteString {
        let item = self.item(place);
        if self.is_dense {
            self.body.slice_ref(item)
        } else {
            ByteString::from(item)
        }
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
    /// it is missing or no whole number from 0. A number in a string counts.
    pub const fn count(&self) -> Option<i64> {
        self.count
    }
}

fn list(cursor: &mut Cursor<'_>, offset: usize) -> Result<List, Malformed> {
    match cursor.peek() {
        Some(b'[') => {}
        Some(b'n') => {
            cursor.skip_value()?;
            return Ok(List::Null);
        }
        _ => {
            cursor.skip_value()?;
            return Ok(List::Other);
        }
    }
    cursor.expect(b'[', "an array")?;
    let mut items = Vec::new();
    if cursor.take(b']') {
        return Ok(List::Items(items));
    }
    loop {
        let length = cursor.skip_value()?.len();
        let end = offset + cursor.position();
        items.push(end - length..end);
        if !cursor.take(b',') {
            cursor.expect(b']', "a comma or a closing bracket")?;
            return Ok(List::Items(items));
        }
    }
}

/// The list that is meant: an array before anything else, the fuller one of two.
fn choose(items: List, data: List, count: Option<i64>) -> Result<Vec<Range<usize>>, Malformed> {
    match (items, data) {
        (List::Items(items), List::Items(data)) if items.is_empty() => Ok(data),
        (List::Items(list), _) | (_, List::Items(list)) => Ok(list),
        (List::Null, _) | (_, List::Null) if count == Some(0) => Ok(Vec::new()),
        (List::Absent, List::Absent) => Err(Malformed(
            "the JSON has neither `items` nor `data`".to_owned(),
        )),
        _ => Err(Malformed(
            "`items` or `data` of the JSON is not an array".to_owned(),
        )),
    }
}

fn count_of(raw: &str) -> Option<i64> {
    let text = raw.trim_matches('"').trim();
    let count = text.parse::<i64>().ok().or_else(|| whole_number(text))?;
    (count >= 0).then_some(count)
}

/// `304.0` and `3.04e2` are whole, `304.5` and `NaN` are not.
fn whole_number(text: &str) -> Option<i64> {
    /// The largest number below which every whole `f64` is exact.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let number = text.parse::<f64>().ok()?;
    if number.fract() != 0.0 || number.abs() > EXACT_MAX {
        return None;
    }
    format!("{number:.0}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Page {
        Page::parse(Bytes::copy_from_slice(body.as_bytes())).expect("a page")
    }

    fn malformed(body: &[u8]) -> String {
        Page::parse(Bytes::copy_from_slice(body))
            .expect_err("not a page")
            .to_string()
    }

    #[test]
    fn a_part_holds_its_page_only_where_most_of_that_is_items() {
        let is_within = |body: &str| {
            let page = page(body);
            let (part, whole) = (page.part(0), page.body.as_bytes().as_ptr_range());
            assert_eq!(part, page.item(0));
            whole.contains(&part.as_ptr())
        };
        let item = format!(r#"{{"_id":"{}"}}"#, "m".repeat(40));
        let other = "x".repeat(100);
        assert!(is_within(&format!(r#"{{"items":[{item}],"count":1}}"#)));
        assert!(!is_within(&format!(
            r#"{{"items":[{item}],"other":"{other}"}}"#
        )));
    }

    #[test]
    fn items_are_the_exact_bytes_received() {
        let page =
            page("\u{feff} {\"items\" : [ {\"a\": \"é\"} ,\n1, null,[ ], \"x\"],\"count\":5}\n");
        let items: Vec<&str> = page.items().collect();
        assert_eq!(items, ["{\"a\": \"é\"}", "1", "null", "[ ]", "\"x\""]);
        assert_eq!((page.len(), page.count()), (5, Some(5)));
    }

    #[test]
    fn both_names_of_the_list_are_read() {
        for (body, length) in [
            (r#"{"data":[1,2]}"#, 2),
            (r#"{"items":null,"data":[1,2]}"#, 2),
            (r#"{"items":[1],"data":{"x":1}}"#, 1),
            (r#"{"items":[1],"data":[1,2]}"#, 1),
            (r#"{"items":[],"data":[1,2]}"#, 2),
            (r#"{"\u0069tems":[1]}"#, 1),
            (r#"{"items":[1],"items":[1,2,3]}"#, 3),
            (r#"{"items":null,"count":0}"#, 0),
            (r#"{"items":[]}"#, 0),
        ] {
            assert_eq!(page(body).len(), length, "{body}");
        }
    }

    #[test]
    fn a_count_is_read_however_it_is_written() {
        for (raw, count) in [
            ("304", Some(304)),
            ("\"304\"", Some(304)),
            ("\" 304 \"", Some(304)),
            ("304.0", Some(304)),
            ("3.04e2", Some(304)),
            ("304.5", None),
            ("-1", None),
            ("1e300", None),
            ("99999999999999999999", None),
            ("\"many\"", None),
            ("\"NaN\"", None),
            ("null", None),
            ("{}", None),
            ("1,\"count\":2", Some(2)),
        ] {
            let body = format!(r#"{{"items":[],"count":{raw}}}"#);
            assert_eq!(page(&body).count(), count, "{raw}");
        }
        assert_eq!(page(r#"{"items":[]}"#).count(), None);
    }

    #[test]
    fn depth_inside_an_item_does_not_harm_the_page() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let page = page(&format!(r#"{{"items":[{{"content":{deep}}},{{}}]}}"#));
        assert_eq!(page.len(), 2);
    }

    #[test]
    fn what_is_not_a_page_is_said_without_its_text() {
        for (body, says) in [
            (&b""[..], "the body is empty"),
            (b"<html>secret</html>", "the body is HTML or XML, not JSON"),
            (b"\xff\xfe", "the body is not UTF-8 from byte 0"),
            (
                b"secret",
                "the body is not JSON: a value is missing at byte 0",
            ),
            (b"[1]", "the JSON is not an object"),
            (b"\"secret\"", "the JSON is not an object"),
            (
                b"{\"message\":\"secret\"}",
                "the JSON has neither `items` nor `data`",
            ),
            (
                b"{\"items\":\"secret\"}",
                "`items` or `data` of the JSON is not an array",
            ),
            (
                b"{\"items\":null,\"count\":3}",
                "`items` or `data` of the JSON is not an array",
            ),
            (
                b"{\"items\":[{\"a\":1},{\"secr",
                "the body is not JSON: it ends at byte 24, where a closing quote is missing",
            ),
            (
                b"{\"items\":[]}x",
                "the body is not JSON: more follows the value at byte 12",
            ),
        ] {
            let said = malformed(body);
            assert_eq!(said, says);
        }
    }
}
