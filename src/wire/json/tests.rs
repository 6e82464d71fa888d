//! What the tolerant value accepts, keeps and reports.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn parsed(text: &str) -> Document<'_> {
    Json::parse(text).expect("it is JSON")
}

fn oddities(text: &str) -> Vec<(OddityKind, String)> {
    parsed(text)
        .oddities
        .into_iter()
        .map(|oddity| (oddity.kind, oddity.path))
        .collect()
}

#[test]
fn numbers_stay_as_they_were_written() {
    for number in ["0", "-0", "1.50", "1e999", "123456789012345678901234567890"] {
        assert_eq!(parsed(number).value, Json::Number(number));
    }
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let document = parsed(r#"["plain", "esc\u0061ped"]"#);
    let Json::Array(elements) = document.value else {
        panic!("an array");
    };
    assert!(matches!(elements[0], Json::String(Cow::Borrowed("plain"))));
    assert_eq!(elements[1].as_str(), Some("escaped"));
}

#[test]
fn the_last_duplicate_counts_and_both_are_kept() {
    let text = r#"{"content":{"a":1,"b":2,"a":3}}"#;
    let document = parsed(text);
    let content = document.value.get("content").unwrap();
    assert_eq!(content.get("a"), Some(&Json::Number("3")));
    assert!(matches!(content, Json::Object(members) if members.len() == 3));
    assert_eq!(
        oddities(text),
        [(OddityKind::DuplicateKey, "content.a".to_owned())]
    );
}

#[test]
fn members_that_are_not_wanted_are_checked_and_not_kept() {
    let text = r#"{"a":{"a":"1"},"b":[2,"\ud800"],"a":"3"}"#;
    let document = Json::parse_members(text, &["a"]).expect("it is JSON");
    let Json::Object(members) = &document.value else {
        panic!("an object");
    };
    assert_eq!(members.len(), 2);
    assert!(
        document
            .value
            .get("a")
            .is_some_and(|last| last.as_str() == Some("3"))
    );
    assert!(members[0].1.get("a").is_some());
    assert!(Json::parse_members(r#"{"a":1,"b":[2,]}"#, &["a"]).is_err());
}

#[test]
fn duplicates_in_a_large_object_are_found() {
    let mut members: Vec<String> = (0..1000).map(|n| format!("\"k{n}\":{n}")).collect();
    members.push("\"k500\":0".to_owned());
    let text = format!("{{{}}}", members.join(","));
    assert_eq!(
        oddities(&text),
        [(OddityKind::DuplicateKey, "k500".to_owned())]
    );
    assert_eq!(parsed(&text).value.get("k500"), Some(&Json::Number("0")));
}

#[test]
fn replaced_characters_are_reported_where_they_were() {
    assert_eq!(
        oddities(r#"{"a":["x","\u0000"],"k\ud800":"ok"}"#),
        [
            (OddityKind::ReplacedCharacters, "a[1]".to_owned()),
            (OddityKind::ReplacedCharacters, "k\u{fffd}".to_owned()),
        ]
    );
}

#[test]
fn what_is_deeper_than_a_hundred_levels_is_kept_as_text() {
    let shallow = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
    assert_eq!(oddities(&shallow), []);
    let deep = "[".repeat(DEPTH_MAX + 1) + &"]".repeat(DEPTH_MAX + 1);
    let found = oddities(&deep);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, OddityKind::TooDeep);
    let mut value = parsed(&deep).value;
    for _ in 0..DEPTH_MAX {
        let Json::Array(mut elements) = value else {
            panic!("an array");
        };
        value = elements.remove(0);
    }
    assert_eq!(value, Json::TooDeep("[]"));
}

#[test]
fn a_million_levels_neither_overflow_the_stack_nor_fail() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let text = open.repeat(1_000_000) + "1" + &close.repeat(1_000_000);
        assert_eq!(oddities(&text).len(), 1);
    }
    assert!(Json::parse(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn a_flood_of_oddities_is_listed_in_part() {
    let text = format!("[{}\"\\u0000\"]", "\"\\u0000\",".repeat(5000));
    assert_eq!(parsed(&text).oddities.len(), ODDITIES_MAX);
}

#[test]
fn errors_say_where_and_never_what() {
    for (text, says) in [
        ("", "it ends at byte 0, where a value is missing"),
        ("{\"secret\"", "it ends at byte 9, where a colon is missing"),
        ("{\"a\":secret}", "a value is missing at byte 5"),
        (
            "\"secret",
            "it ends at byte 7, where a closing quote is missing",
        ),
        ("[1 2]", "a comma or a closing bracket is missing at byte 3"),
        ("{} secret", "more follows the value at byte 3"),
        (
            "\"a\nb\"",
            "an escape of a control character is missing at byte 2",
        ),
    ] {
        assert_eq!(Json::parse(text).unwrap_err().to_string(), says, "{text:?}");
    }
}

/// The value as `serde_json` has it, if nothing was odd.
fn as_serde(value: &Json<'_>) -> serde_json::Value {
    match value {
        Json::Null | Json::TooDeep(_) => serde_json::Value::Null,
        Json::Bool(bool) => (*bool).into(),
        Json::Number(number) => serde_json::from_str(number).unwrap_or_default(),
        Json::String(text) => text.as_ref().into(),
        Json::Array(elements) => elements.iter().map(as_serde).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| (key.to_string(), as_serde(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn jsonish() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just("\\u"),
        Just("\\ud83d"),
        Just("\\ude00"),
        Just("\\u0000"),
        Just("\\n"),
        Just("0"),
        Just("-"),
        Just("1.5"),
        Just("e"),
        Just("E+2"),
        Just("."),
        Just("true"),
        Just("false"),
        Just("null"),
        Just(" "),
        Just("\n"),
        Just("\u{1}"),
        Just("a"),
        Just("é"),
        Just("\"k\":"),
        Just("\"v\""),
        Just("{\"k\":"),
        Just("[1,"),
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn accepts_exactly_what_serde_json_accepts(text in jsonish()) {
        let theirs = serde_json::from_str::<&RawValue>(&text).is_ok();
        prop_assert_eq!(Json::parse(&text).is_ok(), theirs, "{:?}", text);
        let mut cursor = Cursor::new(&text);
        let skipped = cursor.skip_value().is_ok() && cursor.finish().is_ok();
        prop_assert_eq!(skipped, theirs, "{:?}", text);
    }

    #[test]
    fn reads_the_values_that_serde_json_reads(text in jsonish()) {
        if let (Ok(document), Ok(theirs)) =
            (Json::parse(&text), serde_json::from_str::<serde_json::Value>(&text))
            && document.oddities.is_empty()
        {
            prop_assert_eq!(as_serde(&document.value), theirs);
        }
    }

    #[test]
    fn any_string_survives_the_round_trip(text in "\\PC*|.*") {
        let literal = serde_json::to_string(&text).unwrap();
        let document = Json::parse(&literal).unwrap();
        let expected = text.replace('\0', "\u{fffd}");
        prop_assert_eq!(document.value.as_str(), Some(expected.as_str()));
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".*") {
        let _ = Json::parse(&text);
    }
}
