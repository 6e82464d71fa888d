//! What differs between two JSON texts, told place by place, for people.
//!
//! Agrees with [`super::same_json`]: where that finds the texts the same, nothing differs here.

use std::collections::{HashMap, HashSet};

use super::{Json, Member, Place, equality::same_value};

/// How many differences of two texts are told.
pub const DIFFERENCES_MAX: usize = 200;

/// One place at which two texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, such as `content.text`; empty for the whole.
    pub path: String,
    /// What stands there in the first text: the words of a string, else JSON; `None` for nothing.
    pub before: Option<String>,
    /// What stands there in the second text.
    pub after: Option<String>,
}

/// The places at which two texts differ, in the order of the first text and then of what is new
/// in the second; the first [`DIFFERENCES_MAX`]. Texts that are not JSON differ as a whole.
pub fn differences(before: &str, after: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    match (Json::parse(before), Json::parse(after)) {
        (Ok(a), Ok(b)) => compare(Place::ROOT, Some(&a.value), Some(&b.value), &mut found),
        _ if before == after => {}
        _ => found.push(Difference {
            path: String::new(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        }),
    }
    found
}

/// Recursion is bounded by the depth that is decoded.
fn compare(
    place: Place<'_>,
    a: Option<&Json<'_>>,
    b: Option<&Json<'_>>,
    found: &mut Vec<Difference>,
) {
    if found.len() >= DIFFERENCES_MAX {
        return;
    }
    match (a, b) {
        (Some(a), Some(b)) if same_value(a, b) => {}
        (Some(Json::Object(a)), Some(Json::Object(b))) => members(place, a, b, found),
        (Some(Json::Object(a)), None) if !a.is_empty() => members(place, a, &[], found),
        (None, Some(Json::Object(b))) if !b.is_empty() => members(place, &[], b, found),
        (Some(Json::Array(a)), Some(Json::Array(b))) => elements(place, a, b, found),
        (Some(Json::Array(a)), None) if !a.is_empty() => elements(place, a, &[], found),
        (None, Some(Json::Array(b))) if !b.is_empty() => elements(place, &[], b, found),
        (a, b) => found.push(Difference {
            path: place.to_string(),
            before: a.map(words),
            after: b.map(words),
        }),
    }
}

fn members(place: Place<'_>, a: &[Member<'_>], b: &[Member<'_>], found: &mut Vec<Difference>) {
    // Of a key that is there twice the last one counts.
    let values = |members: &'_ [Member<'_>]| -> HashMap<String, usize> {
        let places = members.iter().enumerate();
        places
            .map(|(index, (key, _))| (key.to_string(), index))
            .collect()
    };
    let (in_a, in_b) = (values(a), values(b));
    let mut told = HashSet::new();
    for (key, _) in a.iter().chain(b) {
        if found.len() >= DIFFERENCES_MAX {
            return;
        }
        if told.insert(&**key) {
            let a = in_a.get(&**key).map(|index| &a[*index].1);
            let b = in_b.get(&**key).map(|index| &b[*index].1);
            compare(place.key(key), a, b, found);
        }
    }
}

fn elements(place: Place<'_>, a: &[Json<'_>], b: &[Json<'_>], found: &mut Vec<Difference>) {
    for index in 0..a.len().max(b.len()) {
        if found.len() >= DIFFERENCES_MAX {
            return;
        }
        compare(place.index(index), a.get(index), b.get(index), found);
    }
}

/// The words of a string as they are, anything else as JSON.
fn words(value: &Json<'_>) -> String {
    match value {
        Json::String(text) => text.to_string(),
        other => {
            let mut text = String::new();
            write_json(other, &mut text);
            text
        }
    }
}

fn write_json(value: &Json<'_>, text: &mut String) {
    match value {
        Json::Null => text.push_str("null"),
        Json::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Json::Number(number) => text.push_str(number),
        Json::String(words) => write_string(words, text),
        Json::TooDeep(source) => text.push_str(source),
        Json::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(element, text);
            }
            text.push(']');
        }
        Json::Object(members) => {
            text.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                write_json(value, text);
            }
            text.push('}');
        }
    }
}

fn write_string(words: &str, text: &mut String) {
    text.push_str(&serde_json::Value::from(words).to_string());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::same_json;

    fn told(before: &str, after: &str) -> Vec<String> {
        let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        differences(before, after)
            .into_iter()
            .map(|found| {
                format!(
                    "{}: {} > {}",
                    found.path,
                    shown(found.before),
                    shown(found.after)
                )
            })
            .collect()
    }

    #[test]
    fn each_place_is_told_with_what_stood_and_stands_there() {
        let before =
            r#"{"id":"m","content":{"text":"on Monday","n":1,"a":[1,{"b":true}]},"x":null}"#;
        let after = r#"{"content":{"n":1.0,"a":[1,{"b":false},2],"text":"on \"Friday\""},"id":"m",
            "y":{"k":[{}]}}"#;
        assert_eq!(
            told(before, after),
            [
                "content.text: on Monday > on \"Friday\"",
                "content.a[1].b: true > false",
                "content.a[2]: - > 2",
                "x: null > -",
                "y.k[0]: - > {}",
            ]
        );
    }

    #[test]
    fn what_has_another_shape_is_told_as_json() {
        assert_eq!(
            told(r#"{"c":"hi"}"#, r#"{"c":{"t":"h\"i","l":[1,null]}}"#),
            [r#"c: hi > {"t":"h\"i","l":[1,null]}"#]
        );
        assert_eq!(told("no json", "{}"), [": no json > {}"]);
        assert_eq!(told("{}", "{}"), Vec::<String>::new());
    }

    #[test]
    fn there_is_an_end_to_what_is_told() {
        let many = format!("[{}]", vec!["1"; 5_000].join(","));
        assert_eq!(told(&many, "[]").len(), DIFFERENCES_MAX);
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1".to_owned()),
            Just("1.0".to_owned()),
            Just("\"a\"".to_owned()),
            Just("true".to_owned()),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|elements| format!("[{}]", elements.join(","))),
                prop::collection::vec(("[abc]", inner), 0..4).prop_map(|members| {
                    let members: Vec<_> = members
                        .iter()
                        .map(|(key, value)| format!("\"{key}\":{value}"))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        /// Duplicate keys are among these.
        #[test]
        fn nothing_differs_exactly_where_two_texts_are_the_same(a in json(), b in json()) {
            prop_assert_eq!(differences(&a, &b).is_empty(), same_json(&a, &b), "{} {}", a, b);
        }
    }
}
