//! Routes, errors, links, connections and the rate limit.

use std::{io::Read as _, time::Duration};

use convault::simulator::{
    Answer, DEMO_TOKEN, LinksShape, RateLimit, RetryAfter, Simulator, SimulatorOptions,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{ask, get, page, small};

fn messages(id: &str) -> String {
    format!("/3rd/conversations/{id}/messages")
}

#[tokio::test]
async fn a_missing_or_wrong_token_and_another_organisation_are_refused() {
    let simulator = Simulator::start(small(1, 2, 20)).await.unwrap();
    let target = messages(&simulator.conversation_ids()[0]);
    for (headers, message) in [
        (&[][..], "Unauthorized - missing x-access-token"),
        (
            &[("X-Access-Token", "")],
            "Unauthorized - missing x-access-token",
        ),
        (
            &[("X-Access-Token", "api_wrong")],
            "Unauthorized - Invalid third party token",
        ),
    ] {
        let response = ask(&simulator, &target, headers).await;
        assert_eq!(
            (response.status, response.json()),
            (401, json!({ "message": message }))
        );
    }
    let mismatch = get(&simulator, &format!("{target}?organization_id=org_b")).await;
    let body = r#"{"message":"Forbidden - organization mismatch","details":{"expected":"org_demo","received":"org_b"}}"#;
    assert_eq!((mismatch.status, mismatch.text()), (403, body));
    simulator.set_token("api_new");
    assert_eq!(get(&simulator, &target).await.status, 401);
}

#[tokio::test]
async fn errors_have_the_vendors_words() {
    let answers = [
        (
            "conv_unknown",
            None,
            404,
            r#"{"message":"Conversation not found"}"#,
        ),
        (
            "conv_a",
            Some(Answer::Forbidden),
            403,
            r#"{"message":"Forbidden"}"#,
        ),
        (
            "conv_b",
            Some(Answer::BadRequest),
            400,
            r#"{"message":"conversation_id is required"}"#,
        ),
        (
            "conv_c",
            Some(Answer::Empty),
            200,
            r#"{"items":[],"count":0,"total":0,"has_more":false}"#,
        ),
    ];
    let settled = |(id, answer, ..): &(&str, Option<Answer>, u16, &str)| {
        answer.map(|answer| ((*id).to_owned(), answer))
    };
    let options = SimulatorOptions {
        answers: answers.iter().filter_map(settled).collect(),
        ..small(1, 2, 20)
    };
    let simulator = Simulator::start(options).await.unwrap();
    for (id, _, status, body) in answers {
        let response = get(&simulator, &messages(id)).await;
        assert_eq!((response.status, response.text()), (status, body));
    }
    let id = simulator.conversation_ids().remove(0);
    for (answer, status, words) in [
        (Answer::Unlicensed, 403, "LICENSE_INVALID"),
        (
            Answer::NoRoute,
            404,
            "<pre>Cannot GET /3rd/conversations/conv_",
        ),
        (Answer::Unauthorized, 401, r#"{"message":"Unauthorized"}"#),
        (Answer::NotFound, 404, "Conversation not found"),
    ] {
        simulator.set_answer(&id, Some(answer));
        let response = get(&simulator, &messages(&id)).await;
        assert_eq!(response.status, status);
        assert!(response.text().contains(words), "{}", response.text());
    }
    simulator.set_answer(&id, None);
    assert_eq!(get(&simulator, &messages(&id)).await.status, 200);
}

#[tokio::test]
async fn health_needs_no_token_and_unknown_routes_are_an_html_404() {
    let simulator = Simulator::start(small(1, 2, 20)).await.unwrap();
    let health = ask(&simulator, "/", &[("x-request-id", "abc-1")]).await;
    assert_eq!(health.json()["name"], "App Gateway Public Server");
    assert_eq!(health.header("x-request-id"), Some("abc-1"));
    assert_eq!(health.header("date"), Some("Mon, 21 Sep 2026 14:13:20 GMT"));
    let unknown = get(&simulator, "/3rd/contacts?x=1").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(
        unknown.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        unknown
            .text()
            .contains("<pre>Cannot GET /3rd/contacts</pre>")
    );
    assert_eq!(simulator.stats().of_route("other"), 1);
}

#[tokio::test]
async fn a_page_has_ten_rows_unless_asked_otherwise() {
    let simulator = Simulator::start(small(1, 1, 30)).await.unwrap();
    let target = messages(&simulator.conversation_ids()[0]);
    for (query, rows) in [
        ("", 10),
        ("?limit=0", 10),
        ("?limit=x", 10),
        ("?limit=3&skip=28", 2),
    ] {
        let response = get(&simulator, &format!("{target}{query}")).await;
        assert_eq!(response.json()["total"], rows, "{query}");
    }
}

#[tokio::test]
async fn links_come_in_both_documented_shapes_newest_first() {
    for shape in [LinksShape::Array, LinksShape::Object] {
        let options = SimulatorOptions {
            links_shape: shape,
            ..small(1, 10, 100)
        };
        let simulator = Simulator::start(options).await.unwrap();
        let phones = simulator.phone_numbers();
        assert_eq!(
            phones.len(),
            8,
            "every fifth conversation is another one of its contact"
        );
        let target = format!(
            "/3rd/conversations/links?phone_numbers={}&phone_numbers=12345678&organization_id={}",
            phones[3],
            simulator.organization_id()
        );
        let answer = get(&simulator, &target).await.json();
        let ids = simulator.conversation_ids();
        let mut found: Vec<String> = match shape {
            LinksShape::Array => {
                assert_eq!(
                    answer[1],
                    json!({"phone_number": "12345678", "conversation_links": []})
                );
                let links = answer[0]["conversation_links"].as_array().unwrap();
                let times = links
                    .iter()
                    .map(|link| link["created_at"].as_str().unwrap());
                assert!(times.is_sorted_by(|newer, older| newer >= older));
                let links = links.iter().map(|link| link["link"].as_str().unwrap());
                links
                    .map(|link| link.split_once("conv_id=").unwrap().1.to_owned())
                    .collect()
            }
            LinksShape::Object => {
                assert_eq!(answer["not_found"], json!(["12345678"]));
                assert_eq!((&answer["found"], &answer["count"]), (&json!(1), &json!(2)));
                let data = answer["data"].as_array().unwrap().iter();
                data.map(|link| link["conversation_id"].as_str().unwrap().to_owned())
                    .collect()
            }
        };
        found.sort_unstable_by_key(|id| ids.iter().position(|own| own == id));
        assert_eq!(found, ids[3..5]);
        for (query, message) in [
            ("organization_id=org_demo", "phone_numbers is required"),
            ("phone_numbers=1", "organization_id is required"),
        ] {
            let response = get(&simulator, &format!("/3rd/conversations/links?{query}")).await;
            assert_eq!(
                (response.status, response.json()),
                (400, json!({ "message": message }))
            );
        }
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_stop_closes_it() {
    let simulator = Simulator::start(small(1, 1, 30)).await.unwrap();
    let address = simulator.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    // Two at once: the second waits in the buffer.
    stream
        .write_all(&[&request[..], request].concat())
        .await
        .unwrap();
    let mut seen = String::new();
    while seen.matches("App Gateway").count() < 2 {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "closed after {seen}");
        seen.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    assert_eq!(simulator.stats().of_route("health"), 2);
    simulator.stop().await;
    let rest = stream.read(&mut [0; 16]).await;
    assert!(matches!(rest, Ok(0) | Err(_)), "{rest:?}");
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn bodies_are_compressed_for_those_who_ask() {
    let simulator = Simulator::start(small(1, 1, 60)).await.unwrap();
    let id = simulator.conversation_ids().remove(0);
    let target = format!("/3rd/conversations/{id}/messages?limit=50");
    let plain = get(&simulator, &target).await;
    assert_eq!(plain.header("content-encoding"), None);
    let headers = [
        ("x-access-token", DEMO_TOKEN),
        ("accept-encoding", "gzip, br"),
    ];
    let packed = ask(&simulator, &target, &headers).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 2 < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn the_rate_limit_lets_its_number_through_and_is_not_counted_as_a_request() {
    let options = SimulatorOptions {
        rate_limit: Some(RateLimit {
            requests: 3,
            window: Duration::from_mins(30),
            retry_after: RetryAfter::Seconds,
        }),
        ..small(1, 1, 30)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let id = simulator.conversation_ids().remove(0);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(page(&simulator, &id, 0, 10).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(simulator.requests_of(&id), Ok(3));
    let refused = page(&simulator, &id, 0, 10).await;
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait), "{wait}");
}
