//! What must hold of every parser that takes outside bytes, whatever the bytes are.
//!
//! One function a parser; it panics where a claim fails. The targets of `fuzz/` include this file
//! as it is, and `fuzz_corpus` runs it over their corpora, so that both claim the same. Oracles
//! are `serde_json`, the inverse of the parser, and the parser a second time.

// The paths are the same for whoever includes this file.
#[path = "parsers/json.rs"]
mod json;
#[path = "parsers/list.rs"]
mod list;
#[path = "parsers/message.rs"]
mod message;

use std::{collections::HashSet, path::PathBuf, time::Duration};

use bytes::Bytes;
use convault::{
    api::{self, ApiErrorKind, Rate},
    config::{Token, parse_duration, parse_share},
    wire::{Json, Links, Page},
};
use secrecy::{ExposeSecret as _, SecretString};

use self::{
    json::{json, same},
    list::{csv, lines, link},
    message::message,
};

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
    assert_eq!(page.is_empty(), page.items().next().is_none());
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
            let words = words.filter_map(|word| std::str::from_utf8(word).ok());
            // The message names the variable by itself.
            for word in words.filter(|word| !"IMBRACE_ACCESS_TOKEN_FILE".contains(word)) {
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
