//! What an answer means, whatever form it came in.
//!
//! Owns the reading of statuses, of error bodies (JSON with a string or an object, HTML, plain
//! text, nothing; facts.md 4.1) and of the two headers that speak of time. Pure.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::{ApiError, ApiErrorKind, token::Token};
use crate::model::{RequestTime, Timestamp};

/// No name of a host is longer.
const HOST_BYTES_MAX: usize = 253;
/// How much of an error's body goes into a message.
const EXCERPT_CHARS_MAX: usize = 200;

/// An attempt that did not bring what was asked for.
#[derive(Debug)]
pub(super) struct Trouble {
    /// What it means, if it is the last word.
    pub(super) kind: ApiErrorKind,
    /// What came back, for a person.
    pub(super) detail: String,
    /// The words of an error's body, in one visible line of any length. They are cut only after
    /// they were redacted: a cut through the middle of a token would hide it from redaction.
    pub(super) said: String,
    /// How long the gateway asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// Whether the gateway did not answer: nothing came, or not all of it, or a proxy said that
    /// nobody is there (502, 503, 504).
    pub(super) is_silence: bool,
    /// Whether the gateway says that there are too many requests, or more than it can do (429, 503).
    pub(super) is_overload: bool,
}

impl Trouble {
    /// An answer that arrived and is of no use.
    pub(super) fn answered(kind: ApiErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            said: String::new(),
            retry_after: None,
            is_silence: false,
            is_overload: false,
        }
    }

    /// No answer, or not the whole of one.
    pub(super) fn transport(kind: ApiErrorKind, detail: impl Into<String>) -> Self {
        Self {
            is_silence: true,
            ..Self::answered(kind, detail)
        }
    }

    /// What came back, short and without the token.
    pub(super) fn describe(&self, token: &Token) -> String {
        let detail = token.redact(&self.detail);
        if self.said.is_empty() {
            return detail;
        }
        format!("{detail}: {}", cut(&token.redact(&self.said)))
    }
}

/// An answer of any status; the body of an error may be its first part only.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The URL that was asked.
    pub(super) asked: Url,
    /// When it was asked for; see [`super::Fetched`].
    pub(super) time: RequestTime,
    /// This machine's clock when the answer had come, for a `Retry-After` date beside no `Date`.
    pub(super) now: Timestamp,
}

impl Answer {
    /// What an answer other than 2xx means; `None` for 2xx.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        if (200..300).contains(&self.status) {
            return None;
        }
        let said = Said::read(&self.body);
        let kind = kind(self.status, &said);
        let mut trouble =
            Trouble::answered(kind, format!("the gateway answered {}", named(self.status)));
        trouble.retry_after = retry_after(&self.headers, self.now);
        trouble.is_overload = matches!(self.status, 429 | 503);
        trouble.is_silence = matches!(self.status, 502..=504);
        if (300..400).contains(&self.status) {
            let to = self.location_host().unwrap_or_else(|| "nowhere".to_owned());
            trouble.detail = format!(
                "{}, a redirect to {to}, which is never followed",
                trouble.detail
            );
        } else {
            trouble.said = said.text;
        }
        Some(trouble)
    }

    fn location_host(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        let host = self.asked.join(location).ok()?.host_str()?.to_owned();
        // Not cut: what is told is searched for the token as a whole.
        Some(host).filter(|host| host.len() <= HOST_BYTES_MAX)
    }
}

/// What is read out of an answer, for whoever feeds this layer with bytes that no server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it means; `None` for 2xx.
    pub kind: Option<ApiErrorKind>,
    /// What a person is told; empty for 2xx.
    pub told: String,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// The gateway's clock.
    pub date: Option<Timestamp>,
}

/// Reads an answer of this status, with these values of `Retry-After`, `Date` and `Location`
/// where they can be headers at all. `token` is what must not be told.
///
/// # Errors
/// The token is none.
pub fn judge(
    status: u16,
    headers: [&[u8]; 3],
    body: &[u8],
    token: &SecretString,
) -> Result<Judged, ApiError> {
    let token = Token::new(token)?;
    let mut map = HeaderMap::new();
    for (name, value) in [RETRY_AFTER, DATE, LOCATION].into_iter().zip(headers) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            map.insert(name, value);
        }
    }
    let answer = Answer {
        status,
        headers: map,
        body: Bytes::copy_from_slice(body),
        asked: Url::parse("https://gateway.invalid/3rd/x").expect("it is a URL"),
        time: RequestTime::at(Timestamp::from_millis(0)),
        now: Timestamp::from_millis(0),
    };
    let trouble = answer.trouble();
    Ok(Judged {
        kind: trouble.as_ref().map(|trouble| trouble.kind),
        told: trouble
            .as_ref()
            .map(|trouble| trouble.describe(&token))
            .unwrap_or_default(),
        retry_after: trouble.and_then(|trouble| trouble.retry_after),
        date: date(&answer.headers),
    })
}

/// `404 Not Found`.
pub(super) fn named(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

fn kind(status: u16, said: &Said) -> ApiErrorKind {
    match status {
        401 => ApiErrorKind::Unauthorized,
        403 if said.is_about_the_run() => ApiErrorKind::Systemic,
        403 => said
            .message
            .as_ref()
            .map_or(ApiErrorKind::Systemic, |_| ApiErrorKind::Forbidden),
        404 if said.is_about_the_route() => ApiErrorKind::Systemic,
        404 => said
            .message
            .as_ref()
            .map_or(ApiErrorKind::Systemic, |_| ApiErrorKind::Gone),
        408 => ApiErrorKind::Timeout,
        429 => ApiErrorKind::RateLimited,
        ..400 => ApiErrorKind::Systemic,
        400..500 => ApiErrorKind::Rejected,
        500.. => ApiErrorKind::Server,
    }
}

/// What an error's body says.
#[derive(Debug, Default)]
struct Said {
    /// The `message` of a JSON object, also where it is nested in another `message`.
    message: Option<String>,
    /// `error` and `code` of a JSON object, lower case.
    labels: String,
    /// The words for a person, in one visible line.
    text: String,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
            let message = object.get("message").and_then(words);
            let error = object.get("error").and_then(words);
            let code = object.get("code").and_then(words);
            let labels = [error.as_deref(), code.as_deref()].into_iter().flatten();
            let labels = labels.collect::<Vec<_>>().join(" ").to_lowercase();
            if let Some(text) = message.as_ref().or(error.as_ref()) {
                return Self {
                    text: visible(text),
                    message,
                    labels,
                };
            }
        }
        let text = String::from_utf8_lossy(body);
        let text = if text.trim_start().starts_with('<') {
            without_tags(&text)
        } else {
            text.into()
        };
        Self {
            text: visible(&text),
            ..Self::default()
        }
    }

    /// A 403 about the licence of the gateway or the organisation of the token.
    fn is_about_the_run(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        ["license", "licence"]
            .iter()
            .any(|word| self.labels.contains(word) || message.contains(word))
            || message.contains("organization mismatch")
            || message.contains("organisation mismatch")
    }

    /// A 404 of a router, in JSON: `Route GET:/x not found`, `Cannot GET /x`.
    fn is_about_the_route(&self) -> bool {
        let message = self
            .message
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_lowercase();
        message.starts_with("cannot get ")
            || (message.starts_with("route ") && message.ends_with("not found"))
    }
}

/// The words of a JSON value: a string that is not empty, or the `message` of an object.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => object.get("message").and_then(words),
        _ => None,
    }
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        text.push(' ');
        rest = rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
    }
    text + rest
}

/// One line that a terminal may show.
fn visible(text: &str) -> String {
    let seen: String = text
        .chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most [`EXCERPT_CHARS_MAX`] characters.
fn cut(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some(_) => text
            .chars()
            .take(EXCERPT_CHARS_MAX - 1)
            .chain(['…'])
            .collect(),
        None => text.to_owned(),
    }
}

/// One visible line of at most [`EXCERPT_CHARS_MAX`] characters.
pub(super) fn excerpt(text: &str) -> String {
    cut(&visible(text))
}

/// Control characters, and those that turn the direction of writing or take no room.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The gateway's clock: `Date`, where it is there and readable.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// `Retry-After` in either form; a date counts from the answer's own `Date`, else from `now`.
/// A date in the past is no time at all; anything else is as if it were not there.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    if let Some(seconds) = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| seconds.is_finite())
    {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    Some(http_date(text)?.since(date(headers).unwrap_or(now)))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text.trim()).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(
        i64::try_from(since.as_millis()).ok()?,
    ))
}

#[cfg(test)]
mod tests;
