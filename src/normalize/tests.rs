//! What odd messages become: nothing is dropped, nothing panics, every oddity has its path.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Timestamp;

/// Text of a message, which no anomaly may repeat.
const CANARY: &str = "CANARYTEXT";

fn asked() -> ConversationId {
    ConversationId::new("conv_1")
}

fn read(raw: &str) -> Message {
    message(raw, &asked())
}

/// A message like any other, with these members put in their place; `null` removes one.
fn with(members: &Value) -> Value {
    let mut message = json!({
        "_id": "msg_1", "organization_id": "org", "business_unit_id": "bu",
        "conversation_id": "conv_1", "from": "con_1", "type": "text",
        "content": {"text": "hello"},
        "created_at": "2024-12-10T09:53:17.127Z", "updated_at": "2024-12-10T09:53:17.127Z",
    });
    for (key, value) in members.as_object().unwrap() {
        if value.is_null() {
            message.as_object_mut().unwrap().remove(key);
        } else {
            message[key] = value.clone();
        }
    }
    message
}

fn read_with(members: &Value) -> Message {
    read(&with(members).to_string())
}

fn content(kind: &str, content: &Value) -> Message {
    read_with(&json!({"type": kind, "content": content}))
}

/// Kind and path of each anomaly.
fn oddities(message: &Message) -> Vec<(AnomalyKind, &str)> {
    message
        .anomalies
        .iter()
        .map(|anomaly| (anomaly.kind, anomaly.path.as_str()))
        .collect()
}

#[test]
fn what_is_no_object_is_kept_under_its_hash() {
    for raw in ["", "null", "7", "[]", "\"x\"", "{", "<html>", "{\"a\":1}x"] {
        let message = read(raw);
        assert_eq!(&*message.raw, raw);
        assert!(message.id.as_str().starts_with("sha256:"), "{raw}");
        assert_eq!(message.id.as_str().len(), 7 + 64);
        assert_eq!(oddities(&message), [(AnomalyKind::UnknownShape, "")]);
        assert!(message.is_unrecognised());
    }
    assert_eq!(
        read("").id.as_str(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn an_empty_object_says_all_that_it_lacks() {
    use AnomalyKind::{MissingField, UnknownType};
    assert_eq!(
        oddities(&read("{}")),
        [
            (MissingField, "_id"),
            (MissingField, "organization_id"),
            (MissingField, "business_unit_id"),
            (MissingField, "conversation_id"),
            (MissingField, "from"),
            (MissingField, "created_at"),
            (MissingField, "type"),
            (UnknownType, "type"),
            (MissingField, "content"),
        ]
    );
}

#[test]
fn null_everywhere_is_the_same_as_nothing() {
    let raw = r#"{"_id":null,"public_id":null,"id":null,"organization_id":null,
        "business_unit_id":null,"conversation_id":null,"from":null,"type":null,"content":null,
        "created_at":null,"updated_at":null}"#;
    assert_eq!(oddities(&read(raw)), oddities(&read("{}")));
}

#[test]
fn every_spelling_of_an_id_is_read() {
    for (members, id) in [
        (json!({"_id": "a", "public_id": "b", "id": "c"}), "a"),
        (json!({"_id": null, "public_id": "b", "id": "c"}), "b"),
        (json!({"_id": "", "id": "c"}), "c"),
        (
            json!({"_id": 12_345_678_901_234_567_890_u64}),
            "12345678901234567890",
        ),
    ] {
        let message = read_with(&members);
        assert_eq!(message.id.as_str(), id);
        assert_eq!(oddities(&message), []);
    }
    let message = read_with(&json!({"_id": {"$oid": "a"}, "id": "c"}));
    assert_eq!(message.id.as_str(), "c");
    assert_eq!(oddities(&message), [(AnomalyKind::WrongType, "_id")]);
}

#[test]
fn the_prefix_of_the_sender_tells_kind_and_direction() {
    for (from, kind, direction) in [
        ("con_1", SenderKind::Contact, Direction::Inbound),
        ("u_imbrace_bot", SenderKind::User, Direction::Outbound),
        ("conv_1", SenderKind::Unknown, Direction::Unknown),
        ("CON_1", SenderKind::Unknown, Direction::Unknown),
    ] {
        let message = read_with(&json!({"from": from}));
        assert_eq!(message.sender_id.as_deref(), Some(from));
        assert_eq!((message.sender_kind, message.direction), (kind, direction));
        assert_eq!(oddities(&message), []);
    }
    let message = read_with(&json!({"from": {"_id": "u_1", "display_name": "Ann"}}));
    assert_eq!(message.sender_id.as_deref(), Some("u_1"));
    assert_eq!(message.direction, Direction::Outbound);
    assert_eq!(oddities(&message), [(AnomalyKind::WrongType, "from")]);
}

#[test]
fn a_time_that_cannot_be_read_is_none_and_said() {
    for odd in [
        json!("yesterday"),
        json!("2024-12-10T09:53:17"),
        json!("-000001-01-01T00:00:00Z"),
        json!(1_733_824_397_127_i64),
        json!({}),
    ] {
        let message = read_with(&json!({"created_at": odd}));
        assert_eq!(message.created_at, None);
        let expected = [(AnomalyKind::UnreadableTime, "created_at")];
        assert_eq!(oddities(&message), expected);
    }
    let message = read_with(&json!({"created_at": "", "updated_at": ""}));
    let expected = [(AnomalyKind::MissingField, "created_at")];
    assert_eq!(oddities(&message), expected);
    let message = read_with(&json!({"updated_at": null}));
    assert_eq!((message.updated_at, oddities(&message)), (None, vec![]));
    let first: Timestamp = "0001-01-01T00:00:00Z".parse().unwrap();
    let message = read_with(&json!({"created_at": "0001-01-01T00:00:00Z"}));
    assert_eq!(message.created_at, Some(first));
}

#[test]
fn a_message_of_another_conversation_is_kept_and_said() {
    let message = read_with(&json!({"conversation_id": "conv_2"}));
    let expected = [(AnomalyKind::ForeignConversation, "conversation_id")];
    assert_eq!(oddities(&message), expected);
    assert_eq!(message.text.as_deref(), Some("hello"));
}

#[test]
fn types_are_compared_without_case_and_kept_as_received() {
    let message = content("IMAGE", &json!({"url": "https://Files.Example.com/a.PNG"}));
    assert_eq!(message.kind.as_deref(), Some("IMAGE"));
    let attachment = message.attachment.as_ref().unwrap();
    assert_eq!(attachment.declared_type.as_deref(), Some("IMAGE"));
    assert_eq!(attachment.host.as_deref(), Some("files.example.com"));
    assert_eq!(attachment.url, "https://Files.Example.com/a.PNG");
    assert_eq!(oddities(&message), []);
}

#[test]
fn words_are_found_wherever_they_are() {
    for (kind, value, text) in [
        (
            "text",
            json!({"text": {"meta": {"answer": "a"}, "id": "x"}}),
            "a\nx",
        ),
        (
            "text",
            json!({"text": {"id": "x", "message": {"text": "a"}}}),
            "a",
        ),
        ("text", json!({"text": ["a", {"text": "b"}, 3]}), "a\nb"),
        ("text", json!({"text": 42}), "42"),
        ("text", json!({"text": "", "title": "a"}), "a"),
        ("text", json!("a"), "a"),
        ("text", json!({"body": "a"}), "a"),
        (
            "video",
            json!({"url": "u", "text": "a", "caption": ""}),
            "a",
        ),
        (
            "video",
            json!({"url": "u", "text": "a", "caption": "b"}),
            "a\nb",
        ),
        (
            "image",
            json!({"url": "u", "text": "a", "caption": "a"}),
            "a",
        ),
        (
            "response",
            json!({"title": "a", "text": "", "quick_replies": []}),
            "a",
        ),
        (
            "jaas.conference",
            json!({"url": "https://meet.example/x"}),
            "https://meet.example/x",
        ),
        (
            "whatsapp.template",
            json!({"text": "{{1}} {{2}}", "variables": ["a", 7]}),
            "a 7",
        ),
        ("carousel", json!({"text": "a"}), "a"),
        ("carousel", json!("a"), "a"),
    ] {
        assert_eq!(content(kind, &value).text.as_deref(), Some(text), "{value}");
    }
}

#[test]
fn a_known_type_without_what_it_needs_is_an_unknown_shape() {
    for (kind, value) in [
        ("text", json!({})),
        ("text", json!({"text": null})),
        ("text", json!([])),
        ("emoji", json!(7)),
        ("quick_reply", json!({"description": "x"})),
        ("quick_reply", json!("x")),
        ("response", json!({"quick_replies": []})),
        ("image", json!({"caption": "x"})),
        ("image", json!({"url": {}})),
        ("file", json!("https://files.example/a")),
        ("location", json!({"name": "x"})),
        ("location", json!({"latitude": "north", "longitude": 1})),
        ("location", json!({"latitude": "NaN", "longitude": "inf"})),
        ("contact", json!({})),
        ("contact", json!([])),
        ("contact", json!({"contacts": ["x"]})),
        ("whatsapp.template", json!({"variables": ["x"]})),
        ("jaas.conference", json!({})),
    ] {
        let message = content(kind, &value);
        let has_shape = message
            .anomalies
            .iter()
            .any(|anomaly| anomaly.kind == AnomalyKind::UnknownShape);
        assert!(has_shape, "{kind} {value} {:?}", message.anomalies);
        assert!(message.is_unrecognised());
    }
}

#[test]
fn empty_titles_and_captions_are_none_but_buttons_stay_as_received() {
    let image = content("image", &json!({"url": "u", "caption": "", "title": ""}));
    assert_eq!(image.title, None);
    assert_eq!(image.text, None);
    assert_eq!(image.attachment.unwrap().caption, None);
    let pressed = content(
        "quick_reply",
        &json!({"title": "", "payload": "", "description": ""}),
    );
    let empty = Some(Text::new());
    let expected = crate::model::QuickReply {
        title: empty.clone(),
        payload: empty.clone(),
        description: empty,
    };
    assert_eq!(pressed.quick_reply, Some(Box::new(expected)));
    assert_eq!((pressed.title, pressed.text), (None, None));
}

#[test]
fn options_keep_their_order_and_the_answer_is_matched_across_types() {
    let message = content(
        "response",
        &json!({"text": "x", "answered": 1, "quick_replies": [
            {"id": 0, "title": "a"}, {"id": "1", "title": "b"}, "c", null, {"id": {}, "title": 5},
        ]}),
    );
    let options: Vec<_> = message
        .quick_reply_options
        .iter()
        .map(|o| {
            (
                o.position,
                o.option_id.as_deref(),
                o.title.as_deref(),
                o.answered,
            )
        })
        .collect();
    assert_eq!(
        options,
        [
            (0, Some("0"), Some("a"), Some(false)),
            (1, Some("1"), Some("b"), Some(true)),
            (2, None, Some("c"), Some(false)),
            (4, None, Some("5"), Some(false)),
        ]
    );
    assert_eq!(
        oddities(&message),
        [
            (AnomalyKind::WrongType, "content.quick_replies[2]"),
            (AnomalyKind::WrongType, "content.quick_replies[3]"),
            (AnomalyKind::WrongType, "content.quick_replies[4].id"),
            (AnomalyKind::WrongType, "content.quick_replies[4].title"),
        ]
    );
}

#[test]
fn oddities_of_the_json_become_anomalies_with_their_path() {
    use AnomalyKind::{DuplicateKey, ReplacedCharacters, TooDeep};
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    let raw = with(&json!({})).to_string().replacen(
        r#""content":{"text":"hello"}"#,
        &format!(r#""content":{{"text":"x","text":"a\u0000\ud83d","extra":{deep}}}"#),
        1,
    );
    let message = read(&raw);
    assert_eq!(message.text.as_deref(), Some("a\u{fffd}\u{fffd}"));
    assert_eq!(&*message.raw, raw);
    let found = oddities(&message);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], (ReplacedCharacters, "content.text"));
    assert_eq!(found[1].0, TooDeep);
    assert_eq!(found[2], (DuplicateKey, "content.text"));
}

#[test]
fn an_unknown_type_is_named_without_control_characters_and_in_short() {
    let kind = format!("\u{1b}[31m{}", "k".repeat(500));
    let message = read_with(&json!({"type": kind}));
    assert_eq!(message.kind.as_deref(), Some(kind.as_str()));
    let detail = &message.anomalies[0].detail;
    assert!(detail.chars().count() < 70 && !detail.contains('\u{1b}'));
}

#[test]
fn a_flood_of_anomalies_is_bounded_and_says_so() {
    let options = vec![json!(null); 5000];
    let message = content("response", &json!({"quick_replies": options}));
    assert_eq!(message.anomalies.len(), anomaly::ANOMALIES_MAX);
    assert!(message.is_unrecognised());
    let last = message.anomalies.last().unwrap();
    assert!(last.detail.ends_with("more is not listed"));
}

/// JSON that uses the gateway's keys and types in every wrong way, its words the canary.
fn odd_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("")),
        Just(json!(CANARY)),
        Just(json!("{{1}}\0 CANARYTEXT {{2}}")),
        Just(json!("https://CANARYTEXT.example/a.pdf")),
        Just(json!("2024-12-10T09:53:17.127Z")),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let key = prop::sample::select(vec![
            "_id",
            "id",
            "public_id",
            "from",
            "type",
            "content",
            "created_at",
            "conversation_id",
            "text",
            "title",
            "caption",
            "url",
            "quick_replies",
            "payload",
            "description",
            "answered",
            "variables",
            "latitude",
            "lng",
            "location",
            "contacts",
            "name",
            "phones",
            "formatted_name",
            "emails",
            "is_mail",
            "message_id",
            "sequence_number",
            "answer",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(members.collect())
            }),
        ]
    })
}

fn any_type() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "text",
        "emoji",
        "message_template",
        "jaas.conference",
        "quick_reply",
        "response",
        "image",
        "audio",
        "video",
        "pdf",
        "csv",
        "file",
        "whatsapp.sticker",
        "location",
        "contact",
        "whatsapp.template",
        "unheard-of",
    ])
}

/// What is true of every message, however odd.
fn check(raw: &str) -> Result<(), TestCaseError> {
    let message = read(raw);
    prop_assert_eq!(&*message.raw, raw);
    prop_assert!(!message.id.as_str().is_empty());
    prop_assert!(message.anomalies.len() <= anomaly::ANOMALIES_MAX);
    let mut decoded = message.clone();
    decoded.raw = "".into();
    let shown = format!("{decoded:?}").replace(r"\\", "");
    prop_assert!(!shown.contains(r"\0"), "U+0000 in {shown}");
    let location = message.location.as_ref();
    let degrees = location
        .map(|l| [l.latitude, l.longitude])
        .unwrap_or_default();
    prop_assert!(degrees.iter().flatten().all(|degrees| degrees.is_finite()));
    for anomaly in &message.anomalies {
        prop_assert!(!anomaly.detail.contains(CANARY) || anomaly.kind == AnomalyKind::UnknownType);
        prop_assert!(anomaly.detail.len() < 400 && anomaly.path.len() < 1000);
    }
    prop_assert_eq!(&message, &read(raw), "it is pure");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_json_becomes_a_message(value in odd_json()) {
        check(&value.to_string())?;
    }

    #[test]
    fn any_content_of_any_type_becomes_a_message(kind in any_type(), content in odd_json()) {
        check(&with(&json!({"type": kind, "content": content})).to_string())?;
    }

    #[test]
    fn a_mutated_vendor_sample_becomes_a_message(
        from in 0_usize..6000,
        length in 0_usize..40,
        put in "[\"{}\\[\\],:\\\\a0]{0,3}|\\PC{0,4}",
    ) {
        let sample = include_str!("../../tests/it/fixtures/vendor/messages.json");
        let from = from % sample.len();
        let to = (from + length).min(sample.len());
        // The sample is ASCII, so every index is a boundary.
        check(&format!("{}{put}{}", &sample[..from], &sample[to..]))?;
        let item = sample[sample.find("{\n                \"_id\"").unwrap()..].trim_start();
        let item = &item[..item.find("\n            }").unwrap() + 14];
        let from = from % item.len();
        let to = (from + length).min(item.len());
        check(&format!("{}{put}{}", &item[..from], &item[to..]))?;
    }

    #[test]
    fn any_text_becomes_a_message(raw in "\\PC*|.*") {
        check(&raw)?;
    }
}
