//! Claims about JSON itself: its grammar, its values, and when two texts are the same.

use convault::wire::{DEPTH_MAX, Json, same_json};
use serde::de::IgnoredAny;

use super::assert_says_little;

pub(super) fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parsed = Json::parse(text);
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    assert_eq!(parsed.is_ok(), is_json, "serde_json says otherwise");
    let document = match parsed {
        Ok(document) => document,
        Err(error) => return assert_says_little(&error.to_string()),
    };
    assert!(document.oddities.len() <= 100);
    assert_clean(&document.value, 0);
    if document.oddities.is_empty() {
        let written = written(&document.value);
        let again = Json::parse(&written).expect("what was written is JSON");
        assert_eq!(again.value, document.value);
        assert!(same_json(text, &written), "{written}");
    }
}

fn assert_clean(value: &Json<'_>, depth: usize) {
    assert!(depth <= DEPTH_MAX);
    match value {
        Json::String(text) => assert!(!text.contains('\0')),
        Json::Array(elements) => elements
            .iter()
            .for_each(|element| assert_clean(element, depth + 1)),
        Json::Object(members) => {
            for (key, member) in members {
                assert!(!key.contains('\0'));
                assert_clean(member, depth + 1);
            }
        }
        Json::Number(number) => assert!(number.parse::<f64>().is_ok()),
        Json::Null | Json::Bool(_) | Json::TooDeep(_) => {}
    }
}

/// The value as JSON again, with white space where it may be.
fn written(value: &Json<'_>) -> String {
    let quoted = |text: &str| serde_json::to_string(text).expect("a text is JSON");
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => (*number).to_owned(),
        Json::String(text) => quoted(text),
        Json::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(written).collect();
            format!("[ {} ]", elements.join("\t, "))
        }
        Json::Object(members) => {
            let members = members.iter();
            let members =
                members.map(|(key, member)| format!("{} : {}", quoted(key), written(member)));
            format!("{{\n{}}}", members.collect::<Vec<_>>().join(" ,"))
        }
        Json::TooDeep(text) => (*text).to_owned(),
    }
}

/// Two texts, with U+001E between them.
pub(super) fn same(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (a, b) = text.split_once('\u{1e}').unwrap_or((text, text));
    for text in [a, b] {
        assert!(same_json(text, text), "everything is the same as itself");
    }
    let same = same_json(a, b);
    assert_eq!(same, same_json(b, a), "in either order");
    let spaced = format!(" {a}\n");
    if Json::parse(a).is_ok() {
        assert!(same_json(a, &spaced), "space around does not matter");
        assert_eq!(
            same,
            same_json(&spaced, b),
            "the same as one, the same as the other"
        );
    }
    if same && a != b {
        // What serde_json can tell apart is not the same; it reads numbers as f64.
        let values = [a, b].map(serde_json::from_str::<serde_json::Value>);
        if let [Ok(a), Ok(b)] = values {
            assert!(nearly(&a, &b), "{a} and {b}");
        }
    }
}

fn nearly(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| nearly(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| nearly(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (a, b) => a == b,
    }
}
