//! Whether two texts say the same thing in JSON: what decides if a message has a new version.

use std::collections::HashMap;

use super::{Json, Member, json::last_member};

/// Up to this many members, looking each one up in turn is fastest.
const LINEAR_MAX: usize = 16;

/// Whether two texts parse to equal JSON.
///
/// The order of keys and white space do not matter, of duplicate keys the last counts, numbers
/// are equal if they are the same whole number or the same `f64`. Where equality cannot be told
/// (below [`super::DEPTH_MAX`] levels, spellings of a lone surrogate) texts that differ differ:
/// at worst a version too many is kept, never one too few. Two texts that are not JSON are equal
/// if they are the same text.
pub fn same_json(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (Json::parse_exact(a), Json::parse_exact(b)) {
        (Ok(a), Ok(b)) => same_value(&a, &b),
        _ => false,
    }
}

/// Recursion is bounded by the depth that is decoded.
pub(super) fn same_value(a: &Json<'_>, b: &Json<'_>) -> bool {
    match (a, b) {
        (Json::Null, Json::Null) => true,
        (Json::Bool(a), Json::Bool(b)) => a == b,
        (Json::Number(a), Json::Number(b)) => same_number(a, b),
        (Json::String(a), Json::String(b)) => a == b,
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Json::Object(a), Json::Object(b)) => same_object(a, b),
        (Json::TooDeep(a), Json::TooDeep(b)) => without_space(a).eq(without_space(b)),
        _ => false,
    }
}

fn same_number(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if let (Ok(a), Ok(b)) = (a.parse::<i128>(), b.parse::<i128>()) {
        return a == b;
    }
    let is_whole = |text: &str| !text.contains(['.', 'e', 'E']);
    if is_whole(a) && is_whole(b) {
        return false;
    }
    match (a.parse::<f64>(), b.parse::<f64>()) {
        #[expect(clippy::float_cmp, reason = "the same number, not one nearby")]
        (Ok(a), Ok(b)) => a.is_finite() && a == b,
        _ => false,
    }
}

fn same_object(a: &[Member<'_>], b: &[Member<'_>]) -> bool {
    if a.len() > LINEAR_MAX || b.len() > LINEAR_MAX {
        let a: HashMap<&str, &Json<'_>> = a.iter().map(|(key, value)| (&**key, value)).collect();
        let b: HashMap<&str, &Json<'_>> = b.iter().map(|(key, value)| (&**key, value)).collect();
        return a.len() == b.len()
            && a.iter()
                .all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)));
    }
    let effective = |members: &[Member<'_>], index: usize| {
        let key = &members[index].0;
        !members[index + 1..].iter().any(|(later, _)| later == key)
    };
    let count = |members: &[Member<'_>]| {
        (0..members.len())
            .filter(|&i| effective(members, i))
            .count()
    };
    count(a) == count(b)
        && a.iter().enumerate().all(|(index, (key, value))| {
            !effective(a, index)
                || last_member(b, key).is_some_and(|other| same_value(value, other))
        })
}

/// The bytes that matter: all but white space outside of strings.
fn without_space(text: &str) -> impl Iterator<Item = u8> {
    let mut in_string = false;
    let mut after_backslash = false;
    text.bytes().filter(move |&byte| {
        if in_string {
            if after_backslash {
                after_backslash = false;
            } else if byte == b'\\' {
                after_backslash = true;
            } else if byte == b'"' {
                in_string = false;
            }
            return true;
        }
        in_string = byte == b'"';
        !byte.is_ascii_whitespace()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn small_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2_i64..3).prop_map(Value::from),
            "[ab\u{0}]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec(("[ab]", inner), 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn says_what_serde_json_says(a in small_json(), b in small_json()) {
            let pretty = serde_json::to_string_pretty(&a).unwrap();
            prop_assert!(same_json(&pretty, &a.to_string()));
            prop_assert_eq!(same_json(&pretty, &b.to_string()), a == b);
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        for (a, b) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                "{ \"b\" : [ true , null ],\n\"a\":1 }",
            ),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#""é\u00e9😀""#, r#""\u00e9é\ud83d\ude00""#),
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.10", "0.1"),
            ("-0", "0"),
            (r#"{"text":"\u0000"}"#, r#"{ "text":"\u0000"}"#),
        ] {
            assert!(same_json(a, b), "{a} {b}");
            assert!(same_json(b, a), "{b} {a}");
        }
    }

    #[test]
    fn meaning_does() {
        for (a, b) in [
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":1}"#),
            (r#"{"a":1,"b":1}"#, r#"{"a":1,"a":1}"#),
            ("[1,2]", "[2,1]"),
            ("1", "\"1\""),
            ("null", "false"),
            ("9007199254740992", "9007199254740993"),
            ("1e400", "1e500"),
            (r#""\u0000""#, r#""\ufffd""#),
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\ud800""#, r#""\ud801""#),
            (r#""\u0000""#, r#""\\u0000""#),
            ("nonsense", "nonsens"),
            ("{}", "{"),
        ] {
            assert!(!same_json(a, b), "{a} {b}");
            assert!(!same_json(b, a), "{b} {a}");
        }
        assert!(same_json("nonsense", "nonsense"));
    }

    #[test]
    fn large_objects_compare_like_small_ones() {
        let members: Vec<String> = (0..500).map(|n| format!("\"k{n}\":{n}")).collect();
        let forward = format!("{{{}}}", members.join(","));
        let backward = members.iter().rev().cloned().collect::<Vec<_>>().join(",");
        assert!(same_json(&forward, &format!("{{{backward}}}")));
        assert!(same_json(&forward, &format!("{{\"k7\":0,{backward}}}")));
        assert!(!same_json(&forward, &format!("{{{backward},\"k7\":0}}")));
    }

    #[test]
    fn great_depth_is_compared_without_recursion() {
        let deep = |inner: &str| "[".repeat(500_000) + inner + &"]".repeat(500_000);
        assert!(same_json(&deep("\"a b\""), &deep(" \"a b\"")));
        assert!(!same_json(&deep("\"a b\""), &deep("\"ab\"")));
    }
}
