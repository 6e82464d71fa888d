//! JSON lines: one object a line, flat or in the vendor's own shape.

use std::io::{self, Write};

use super::row::Flat;

/// Writes a flat row as a line.
pub(super) fn write_flat(into: &mut impl Write, row: &Flat<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *into, row).map_err(io::Error::from)?;
    into.write_all(b"\n")
}

/// Writes the JSON of a message as a line: as received, but for the spaces between its parts.
/// Numbers, escapes, the order of keys and keys that are there twice stay as they are.
pub(super) fn write_vendor(into: &mut impl Write, raw: &str) -> io::Result<()> {
    into.write_all(compact(raw).as_bytes())?;
    into.write_all(b"\n")
}

/// JSON without the spaces and line ends between its parts.
fn compact(raw: &str) -> String {
    let mut compacted = String::with_capacity(raw.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in raw.chars() {
        if !in_string {
            if matches!(character, ' ' | '\t' | '\r' | '\n') {
                continue;
            }
            in_string = character == '"';
        } else if escaped {
            escaped = false;
        } else {
            escaped = character == '\\';
            in_string = character != '"';
        }
        compacted.push(character);
    }
    compacted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::same_json;

    #[test]
    fn nothing_but_spaces_between_parts_is_left_out() {
        let raw = "{ \"a b\" : [1.0, 1e400,\r\n\t-0 , 12345678901234567890123],\n \"a b\":\"\\\" \\\\\", \"é\": \"\\ud83d x\" }\n";
        assert_eq!(
            compact(raw),
            r#"{"a b":[1.0,1e400,-0,12345678901234567890123],"a b":"\" \\","é":"\ud83d x"}"#
        );
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1e12..1e12_f64).prop_map(Into::into),
            r#"[ \n\t\r"\\a-c退é]{0,12}"#.prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((r#"[ "\\\na-c]{0,4}"#, inner), 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_line_has_the_value_that_was_received(value in json()) {
            for raw in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let line = compact(&raw);
                prop_assert!(!line.contains(['\n', '\r']));
                prop_assert!(same_json(&raw, &line));
                let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
                prop_assert_eq!(read(&line), read(&raw));
            }
        }
    }
}
