//! What must hold of every parser that takes outside bytes, whatever the bytes are.
//!
//! One function a parser; it panics where a claim fails. The targets of `fuzz/` include this file
//! as it is, and `fuzz_corpus` runs it over their corpora, so that both claim the same. Oracles
//! are `serde_json`, the inverse of the parser, and the parser a second time.

use std::{collections::HashSet, io::Cursor, path::PathBuf, time::Duration};

use bytes::Bytes;
use convault::{
    api::{self, ApiErrorKind, Rate},
    config::{Token, parse_duration, parse_share},
    model::{ConversationId, Message},
    normalize,
    sync::input::{Collector, Input, InputError, parse_id},
    wire::{DEPTH_MAX, Json, Links, Page, conversation_id_of_link, same_json},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

/// A claim about any bytes.
type Check = fn(&[u8]);

/// Every parser, by the name of its target and of its corpus.
pub(crate) const PARSERS: [(&str, Check); 11] = [
    ("page", page),
    ("links", links),
    ("json", json),
    ("same_json", same),
    ("message", message),
    ("lines", lines),
    ("csv", csv),
    ("link", link),
    ("answer", answer),
    ("settings", settings),
    ("token", token),
];

/// Runs the claims about one parser.
pub(crate) fn check(parser: &str, bytes: &[u8]) {
    let found = PARSERS.iter().find(|(name, _)| *name == parser);
    let (_, check) = found.unwrap_or_else(|| panic!("there is no parser {parser}"));
    check(bytes);
}

fn page(bytes: &[u8]) {
    let page = match Page::parse(Bytes::copy_from_slice(bytes)) {
        Ok(page) => page,
        Err(error) => return assert_says_little(&error.to_string()),
    };
    let body = std::str::from_utf8(bytes).expect("a page is UTF-8");
    assert_eq!(page.items().len(), page.len());
    assert_eq!(page.is_empty(), page.len() == 0);
    assert!(page.count().is_none_or(|count| count >= 0));
    let mut rest = body;
    for item in page.items() {
        let at = rest.find(item).expect("an item is a slice of the body");
        rest = &rest[at + item.len()..];
        assert_eq!(item, item.trim(), "an item has no space around it");
        assert!(Json::parse(item).is_ok(), "an item is JSON");
    }
    let items: Vec<&str> = page.items().collect();
    let again = format!(r#"{{"data":[{}],"count":7}}"#, items.join(" ,\n"));
    let again = Page::parse(again.into()).expect("the items make a page again");
    assert!(again.items().eq(page.items()));
    assert_eq!(again.count(), Some(7));
}

/// An error may be shown and logged, so it holds nothing of what was read.
fn assert_says_little(error: &str) {
    assert!(error.len() < 200 && error.is_ascii(), "{error}");
}

fn links(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let links = match Links::parse(&body) {
        Ok(links) => links,
        Err(error) => return assert_says_little(&error.to_string()),
    };
    let mut pairs = HashSet::new();
    for link in &links.links {
        assert!(pairs.insert((&link.phone_number, &link.conversation_id)));
        assert!(!link.phone_number.is_empty() && !link.conversation_id.is_empty());
        let texts = [
            Some(&link.conversation_id),
            link.link.as_ref(),
            link.created_at.as_ref(),
        ];
        for text in texts.into_iter().flatten().chain([&link.phone_number]) {
            assert!(!text.contains('\0'));
        }
    }
    let found: HashSet<_> = pairs.iter().map(|(number, _)| *number).collect();
    let unfound: HashSet<_> = links.not_found.iter().collect();
    assert_eq!(unfound.len(), links.not_found.len(), "each once");
    assert!(found.is_disjoint(&unfound), "found and not found at once");
    assert_eq!(Links::parse(&body).as_ref(), Ok(&links));
}

fn json(bytes: &[u8]) {
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
fn same(bytes: &[u8]) {
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

fn message(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else {
        return;
    };
    let conversation = ConversationId::new("conv_1");
    let message = normalize::message(raw, &conversation);
    assert_eq!(
        message,
        normalize::message(raw, &conversation),
        "twice the same"
    );
    assert_eq!(&*message.raw, raw, "kept to the byte");
    assert_eq!(message.sha256, <[u8; 32]>::from(Sha256::digest(bytes)));
    assert!(!message.id.as_str().is_empty());
    for text in texts(&message) {
        assert!(!text.contains('\0'), "U+0000 in {text:?}");
    }
    let options = &message.quick_reply_options;
    assert!(
        options
            .windows(2)
            .all(|pair| pair[0].position < pair[1].position),
        "each has its own place in the list"
    );
    if let Some(location) = &message.location {
        for degrees in [location.latitude, location.longitude]
            .into_iter()
            .flatten()
        {
            assert!(degrees.is_finite());
        }
    }
    // A page of it alone normalises to it: so nothing outside of the item counts.
    if Json::parse(raw).is_ok() {
        let page = Page::parse(format!(r#"{{"items":[{raw}]}}"#).into()).expect("a page of one");
        let item = page.items().next().expect("one item");
        assert_eq!(item, raw.trim_matches([' ', '\n', '\r', '\t']));
        assert_eq!(normalize::message(item, &conversation).text, message.text);
    }
}

/// Every string of every row.
fn texts(message: &Message) -> Vec<&str> {
    let maybe = [
        &message.organization_id,
        &message.business_unit_id,
        &message.sender_id,
        &message.kind,
        &message.title,
        &message.text,
        &message.stream_id,
    ];
    let mut texts: Vec<&str> = maybe.into_iter().flatten().map(String::as_str).collect();
    texts.push(message.id.as_str());
    if let Some(reply) = &message.quick_reply {
        texts.extend(
            [&reply.title, &reply.payload, &reply.description]
                .into_iter()
                .flatten()
                .map(String::as_str),
        );
    }
    for option in &message.quick_reply_options {
        let parts = [
            &option.option_id,
            &option.content_type,
            &option.title,
            &option.payload,
            &option.description,
        ];
        texts.extend(parts.into_iter().flatten().map(String::as_str));
    }
    if let Some(file) = &message.attachment {
        texts.push(&file.url);
        texts.extend(
            [&file.host, &file.declared_type, &file.caption]
                .into_iter()
                .flatten()
                .map(String::as_str),
        );
    }
    if let Some(place) = &message.location {
        texts.extend(
            [&place.name, &place.address]
                .into_iter()
                .flatten()
                .map(String::as_str),
        );
    }
    for contact in &message.shared_contacts {
        let parts = [&contact.name, &contact.phone_number, &contact.email];
        texts.extend(parts.into_iter().flatten().map(String::as_str));
    }
    texts.extend(
        message
            .template_variables
            .iter()
            .filter_map(|variable| variable.value.as_deref()),
    );
    for anomaly in &message.anomalies {
        texts.extend([anomaly.path.as_str(), anomaly.detail.as_str()]);
    }
    texts
}

/// Reads the bytes as a list of ids and as one of phone numbers.
fn lines(bytes: &[u8]) {
    assert_list(
        |collector| collector.add_ids("list", Cursor::new(bytes)),
        |input| {
            let ids = input.ids.iter().map(|id| id.as_str().to_owned());
            (ids.collect(), Collector::add_ids)
        },
    );
    assert_list(
        |collector| collector.add_phones("list", Cursor::new(bytes)),
        |input| {
            for phone in &input.phones {
                assert!(!phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit()));
            }
            (input.phones.clone(), Collector::add_phones)
        },
    );
}

type Add = fn(&mut Collector, &str, Cursor<Vec<u8>>) -> Result<(), InputError>;

/// A list is refused for its bad lines or read without them, and what was read reads as itself.
fn assert_list(
    add: impl Fn(&mut Collector) -> Result<(), InputError>,
    words: impl Fn(&Input) -> (Vec<String>, Add),
) {
    let collected = || {
        let mut collector = Collector::new();
        add(&mut collector).expect("memory can be read");
        collector
    };
    let input = collected().finish(true, true).expect("all is forgiven");
    let strict = collected().finish(false, true);
    assert_eq!(strict.is_ok(), input.bad_lines_skipped.is_empty());
    let (words, add) = words(&input);
    let distinct: HashSet<&String> = words.iter().collect();
    assert_eq!(distinct.len(), words.len(), "each once");
    for word in &words {
        assert!(!word.is_empty() && word.chars().count() <= 200, "{word:?}");
        assert!(
            !word.contains(|c: char| c.is_control() || c.is_whitespace()),
            "{word:?}"
        );
    }
    let plain = |word: &String| !word.contains("://") && !word.contains("conv_id=");
    if words
        .iter()
        .all(|word| plain(word) && !word.starts_with(['#', '\u{feff}']))
    {
        let mut collector = Collector::new();
        add(
            &mut collector,
            "again",
            Cursor::new(words.join("\r\n").into_bytes()),
        )
        .expect("memory");
        let again = collector
            .finish(false, true)
            .expect("what was read is good");
        let read: Vec<String> = match again.phones.is_empty() {
            true => again.ids.iter().map(|id| id.as_str().to_owned()).collect(),
            false => again.phones,
        };
        assert_eq!(read, words);
    }
}

/// Reads the bytes as CSV with the column `id`.
fn csv(bytes: &[u8]) {
    let read = || {
        let mut collector = Collector::new();
        let added = collector.add_csv("list", "id", bytes);
        added.map(|()| collector.finish(true, true).expect("all is forgiven"))
    };
    let Ok(input) = read() else {
        return;
    };
    assert_eq!(read().ok().as_ref(), Some(&input), "twice the same");
    let distinct: HashSet<&str> = input.ids.iter().map(ConversationId::as_str).collect();
    assert_eq!(distinct.len(), input.ids.len(), "each once");
    for id in distinct {
        assert!(!id.is_empty() && id.chars().count() <= 200, "{id:?}");
        assert!(
            !id.contains(|c: char| c.is_control() || c.is_whitespace()),
            "{id:?}"
        );
    }
}

fn link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(id) = conversation_id_of_link(text) {
        assert!(!id.is_empty());
        let mut link = url::Url::parse("https://webapp.invalid/chat").expect("it is a URL");
        link.query_pairs_mut().append_pair("conv_id", &id);
        assert_eq!(conversation_id_of_link(link.as_str()), Some(id));
    }
    if let Ok(Some(id)) = parse_id(text) {
        assert!(!id.as_str().is_empty());
        assert!(
            !id.as_str()
                .contains(|c: char| c.is_control() || c.is_whitespace())
        );
    }
}

/// The lines are the status, `Retry-After`, `Date` and `Location`; the rest is the body.
fn answer(bytes: &[u8]) {
    const SECRET: &str = "api_canary-1234";
    let mut parts = bytes.splitn(5, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let status = std::str::from_utf8(next())
        .ok()
        .and_then(|text| text.parse().ok());
    let (headers, body) = ([next(), next(), next()], next());
    let status: u16 = status.unwrap_or(500);
    let judged = api::judge(status, headers, body, &SecretString::from(SECRET)).expect("a token");
    assert_eq!(judged.kind.is_none(), (200..300).contains(&status));
    assert_eq!(judged.told.is_empty(), judged.kind.is_none());
    let told = judged.told.to_lowercase();
    assert!(!told.contains(SECRET), "the token is told");
    assert!(!told.contains(char::is_control), "{told:?}");
    assert!(told.chars().count() < 700, "{told}");
    match judged.kind {
        Some(ApiErrorKind::Unauthorized) => assert_eq!(status, 401),
        Some(ApiErrorKind::RateLimited) => assert_eq!(status, 429),
        Some(ApiErrorKind::Gone) => assert_eq!(status, 404),
        Some(ApiErrorKind::Forbidden) => assert_eq!(status, 403),
        _ => {}
    }
    let seconds = std::str::from_utf8(headers[0])
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    if let (Some(seconds), Some(_)) = (seconds, judged.kind) {
        assert_eq!(
            judged.retry_after,
            Some(Duration::from_secs(seconds.into()))
        );
    }
    if let Some(date) = judged.date {
        assert!(date.as_millis() >= 0 && date.as_millis() % 1000 == 0);
    }
}

/// A rate, a duration and a share.
fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(rate) = text.parse::<Rate>() {
        assert_eq!(
            rate.to_string().parse(),
            Ok(rate),
            "it reads as it is written"
        );
        assert!(rate.requests.get() > 0 && !rate.per.is_zero());
        assert!(rate.per <= Duration::from_hours(24));
    }
    if let Ok(duration) = parse_duration(text) {
        let written = format!("{}ms", duration.as_millis());
        assert_eq!(parse_duration(&written), Ok(duration));
    }
    if let Ok(share) = parse_share(text) {
        assert!((0.0..=1.0).contains(&share));
    }
}

/// The bytes are a token's file.
fn token(bytes: &[u8]) {
    let path = token_file(bytes);
    let read = Token::read_file(path.clone());
    std::fs::remove_file(path).expect("it was made");
    match read {
        Ok(token) => {
            let secret = token.secret.expose_secret();
            assert!(!secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()));
            let text = std::str::from_utf8(bytes).expect("a token is text");
            assert_eq!(secret, text.trim());
            assert!(secret.len() < 20 || !format!("{token:?}").contains(secret));
        }
        Err(error) => {
            let told = format!("{error} {:?}", error.hint);
            let words = bytes
                .split(u8::is_ascii_whitespace)
                .filter(|word| word.len() >= 20);
            for word in words.filter_map(|word| std::str::from_utf8(word).ok()) {
                assert!(!told.contains(word), "{told}");
            }
        }
    }
}

/// A file of these bytes that nobody else may write, one for each thread.
fn token_file(bytes: &[u8]) -> PathBuf {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    thread_local! {
        static PATH: PathBuf = std::env::temp_dir().join(format!(
            "convault-token-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
    }
    let path = PATH.with(PathBuf::clone);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options
        .open(&path)
        .expect("the temporary folder takes a file");
    file.write_all(bytes)
        .expect("the temporary folder has room");
    path
}
