use reqwest::header::HeaderValue;

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        asked: Url::parse("https://gateway.example.com/3rd/x").unwrap(),
        time: RequestTime::at(Timestamp::from_millis(0)),
        now: Timestamp::from_millis(0),
    }
}

fn token() -> Token {
    Token::new(&"api_canary".into()).unwrap()
}

fn trouble(status: u16, body: &str) -> (ApiErrorKind, String) {
    let trouble = answer(status, body).trouble().unwrap();
    (trouble.kind, trouble.describe(&token()))
}

fn kind_of(status: u16, body: &str) -> ApiErrorKind {
    trouble(status, body).0
}

const HTML_404: &str =
    "<!DOCTYPE html>\n<html><body>\n<pre>Cannot GET /3rd/x</pre>\n</body>\n</html>";

#[test]
fn a_404_is_gone_only_if_json_says_so_of_the_conversation() {
    use ApiErrorKind::{Gone, Systemic};
    for (body, kind) in [
        (r#"{"message":"Conversation not found"}"#, Gone),
        (
            r#"{"code":40004,"message":{"message":"Conversation not found"}}"#,
            Gone,
        ),
        ("\u{feff}{\"message\":\"Conversation not found\"}", Gone),
        (HTML_404, Systemic),
        ("", Systemic),
        ("Not Found", Systemic),
        ("\"Conversation not found\"", Systemic),
        (r#"[{"message":"x"}]"#, Systemic),
        (r#"{"error":"Not Found"}"#, Systemic),
        (r#"{"message":null}"#, Systemic),
        (r#"{"message":""}"#, Systemic),
        (
            r#"{"message":"Route GET:/3rd/x not found","error":"Not Found","statusCode":404}"#,
            Systemic,
        ),
        (r#"{"message":"Cannot GET /3rd/x"}"#, Systemic),
        (r#"{"message":"Conversation not fou"#, Systemic),
    ] {
        assert_eq!(kind_of(404, body), kind, "{body}");
    }
}

#[test]
fn a_403_is_forbidden_only_if_json_says_so_of_the_conversation() {
    use ApiErrorKind::{Forbidden, Systemic};
    for (body, kind) in [
        (r#"{"message":"Forbidden"}"#, Forbidden),
        (
            r#"{"error":"Forbidden","message":"No permission for /x"}"#,
            Forbidden,
        ),
        (
            r#"{"message":"Forbidden - organization mismatch","details":{"expected":"a","received":"b"}}"#,
            Systemic,
        ),
        (
            r#"{"error":"License required","message":"x","code":"LICENSE_INVALID"}"#,
            Systemic,
        ),
        (r#"{"message":"x","code":"LICENSE_EXPIRED"}"#, Systemic),
        ("<html>403 Forbidden</html>", Systemic),
        ("", Systemic),
        (r#"{"error":"Forbidden"}"#, Systemic),
    ] {
        assert_eq!(kind_of(403, body), kind, "{body}");
    }
}

#[test]
fn other_statuses_mean_the_same_whatever_the_body_is() {
    use ApiErrorKind::{RateLimited, Rejected, Server, Systemic, Timeout, Unauthorized};
    for (status, kind) in [
        (301, Systemic),
        (302, Systemic),
        (307, Systemic),
        (400, Rejected),
        (401, Unauthorized),
        (405, Rejected),
        (408, Timeout),
        (410, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, Server),
        (502, Server),
        (503, Server),
        (504, Server),
        (599, Server),
    ] {
        for body in [
            "",
            "plain",
            HTML_404,
            r#"{"message":"x"}"#,
            r#"{"message":{"message":"x"}}"#,
        ] {
            assert_eq!(kind_of(status, body), kind, "{status} {body}");
        }
    }
    assert!(answer(200, "").trouble().is_none());
    assert!(answer(204, "").trouble().is_none());
}

#[test]
fn the_detail_holds_the_words_of_the_error_in_one_clean_line() {
    for (body, detail) in [
        (
            r#"{"message":"no\r\n\u001b[31mgood\u202e"}"#,
            "the gateway answered 502 Bad Gateway: no [31mgood",
        ),
        (
            r#"{"message":{"message":"deep"}}"#,
            "the gateway answered 502 Bad Gateway: deep",
        ),
        (
            r#"{"error":"only"}"#,
            "the gateway answered 502 Bad Gateway: only",
        ),
        (
            "<html>\n<h1>502 Bad Gateway</h1><hr>nginx</html>",
            "the gateway answered 502 Bad Gateway: 502 Bad Gateway nginx",
        ),
        ("", "the gateway answered 502 Bad Gateway"),
        (
            "Error occurred while trying to proxy: x",
            "the gateway answered 502 Bad Gateway: Error occurred while trying to proxy: x",
        ),
    ] {
        assert_eq!(trouble(502, body).1, detail);
    }
    let long = trouble(500, &"é".repeat(5_000)).1;
    assert_eq!(long.matches('é').count(), 199);
    assert!(long.ends_with('…'));
    assert!(trouble(599, "\u{1}\u{2}").1.ends_with("answered 599"));
}

#[test]
fn the_token_is_cut_out_whole_before_the_text_is_cut_short() {
    for spaces in 90..=100 {
        let body = format!("<p>{}api_canary", "x ".repeat(spaces));
        assert!(!trouble(502, &body).1.contains("api"), "{body}");
    }
    let (_, detail) = trouble(400, r#"{"message":"for \u0061pi_canary"}"#);
    assert_eq!(detail, "the gateway answered 400 Bad Request: for [token]");
}

#[test]
fn a_redirect_names_the_host_it_leads_to_and_nothing_more() {
    for (location, to) in [
        (
            Some("https://evil.example.com/steal?canary=1"),
            "evil.example.com",
        ),
        (Some("/login?canary=1"), "gateway.example.com"),
        (Some("\u{7f}"), "nowhere"),
        (None, "nowhere"),
    ] {
        let mut answer = answer(302, "canary");
        if let Some(Ok(value)) = location.map(HeaderValue::from_str) {
            answer.headers.insert(LOCATION, value);
        }
        let trouble = answer.trouble().unwrap();
        assert!(
            trouble.detail.contains(&format!("a redirect to {to},")),
            "{}",
            trouble.detail
        );
        assert!(!trouble.detail.contains("canary"), "{}", trouble.detail);
    }
}

#[test]
fn retry_after_is_read_in_both_forms() {
    let read = |retry_after: &str, date: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        super::retry_after(&headers, now).map(|wait| wait.as_secs())
    };
    let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(read("120", None), Some(120));
    assert_eq!(read(" 0 ", None), Some(0));
    assert_eq!(read("1.5", None), Some(1));
    assert_eq!(read("-5", None), Some(0));
    assert_eq!(
        read("Sun, 06 Nov 1994 08:50:07 GMT", date),
        Some(30),
        "by the gateway's clock"
    );
    assert_eq!(
        read("Sun, 06 Nov 1994 08:50:07 GMT", None),
        Some(67),
        "by this machine's"
    );
    assert_eq!(read("Sun, 06 Nov 1994 08:50:07 GMT", Some("now")), Some(67));
    assert_eq!(
        read("Sunday, 06-Nov-94 08:50:07 GMT", date),
        Some(30),
        "an old form"
    );
    assert_eq!(
        read("Sun, 06 Nov 1994 08:00:00 GMT", date),
        Some(0),
        "in the past"
    );
    for nonsense in ["", "soon", "NaN", "inf", "1e999"] {
        assert_eq!(read(nonsense, date), None, "{nonsense:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_body_at_all_gives_one_short_visible_line(
        status in 300u16..1000,
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
    ) {
        let mut answer = answer(status, "");
        answer.body = Bytes::from(body);
        let detail = answer.trouble().unwrap().describe(&token());
        proptest::prop_assert!(!detail.chars().any(is_unseen));
        proptest::prop_assert!(detail.chars().count() < EXCERPT_CHARS_MAX + 100);
    }
}
