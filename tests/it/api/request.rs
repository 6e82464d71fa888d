//! What is asked, and what of the answer is told.

use std::time::Duration;

use convault::{
    api::{ApiErrorKind, Gateway, GatewayOptions},
    clock::Clock,
    model::{ConversationId, Timestamp},
    monitor::{Counter, Monitor},
};
use secrecy::SecretString;

use super::{CANARY, DATE, PAGE, ask, gateway, header, ms, options, page};
use crate::fault_server::{FaultServer, Reply, answer, head};

#[tokio::test]
async fn a_request_is_what_the_vendor_documents_and_nothing_more() {
    let server = FaultServer::start_with(vec![page()]).await;
    let monitor = Monitor::new();
    let options = GatewayOptions {
        token: SecretString::from(format!("\n {CANARY} \r\n")),
        monitor: monitor.clone(),
        ..options(&server)
    };
    let gateway = Gateway::new(options).unwrap();
    let id = ConversationId::new("conv/../1?x");
    let fetched = gateway.messages(&id, 200, 100).await.unwrap();
    assert_eq!(
        fetched.value.items().collect::<Vec<_>>(),
        [r#"{"_id":"msg_1"}"#]
    );
    ask(&gateway).await.unwrap();

    let requests = server.requests();
    let line = requests[0].lines().next().unwrap();
    assert_eq!(
        line,
        "GET /3rd/conversations/conv%2F..%2F1%3Fx/messages?limit=100&skip=200 HTTP/1.1"
    );
    assert_eq!(header(&requests[0], "x-access-token"), Some(CANARY));
    assert_eq!(header(&requests[0], "accept-encoding"), Some("gzip"));
    assert_eq!(
        header(&requests[0], "user-agent"),
        Some(concat!("convault/", env!("CARGO_PKG_VERSION")))
    );
    for absent in ["referer", "cookie", "authorization", "x-api-key"] {
        assert_eq!(header(&requests[0], absent), None);
    }
    let ids: Vec<_> = requests
        .iter()
        .map(|one| header(one, "x-request-id").unwrap())
        .collect();
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(monitor.get(Counter::Requests), 2);
    assert_eq!(monitor.get(Counter::Retries), 0);
    assert_eq!(
        monitor.get(Counter::BytesReceived),
        2 * u64::try_from(PAGE.len()).unwrap()
    );
}

#[tokio::test]
async fn the_send_time_is_earlier_than_the_gateways_date_however_long_the_body_takes() {
    let date: Timestamp = "2024-12-10T09:53:17Z".parse().unwrap();
    let server = FaultServer::start_with(vec![Reply::Drip(
        head(200, &[DATE, &format!("Content-Length: {}", PAGE.len())]),
        PAGE.as_bytes().to_vec(),
        ms(1),
    )])
    .await;
    let fetched = ask(&gateway(&server)).await.unwrap();
    // The body comes after the headers with their `Date`, and says nothing of the time.
    assert!(fetched.sent_at < date, "{}", fetched.sent_at);
    assert!(
        fetched.sent_at > date.minus(Duration::from_secs(20)),
        "{}",
        fetched.sent_at
    );
}

#[tokio::test]
async fn without_a_readable_date_the_send_time_is_this_machines() {
    let now: Timestamp = "2025-01-02T03:04:05.678Z".parse().unwrap();
    for headers in [
        &[][..],
        &["Date: yesterday"],
        &["Date: 2024-12-10T09:53:17Z"],
    ] {
        let server = FaultServer::start_with(vec![answer(200, headers, PAGE)]).await;
        let options = GatewayOptions {
            clock: Clock::manual(now),
            ..options(&server)
        };
        let sent_at = ask(&Gateway::new(options).unwrap()).await.unwrap().sent_at;
        assert!(
            sent_at < now && sent_at > now.minus(Duration::from_secs(20)),
            "{sent_at}"
        );
    }
}

#[tokio::test]
async fn phone_numbers_without_a_conversation_are_no_error() {
    let body = r#"{"message":"No conversations found for the provided phone numbers"}"#;
    let server = FaultServer::start_with(vec![answer(404, &[DATE], body)]).await;
    let phones = ["85200000000".to_owned(), "12345678".to_owned()];
    let links = gateway(&server)
        .links(&phones, "org_example")
        .await
        .unwrap()
        .value;
    assert_eq!(links.links, []);
    assert_eq!(links.not_found, phones);
    assert!(server.requests()[0].starts_with(
        "GET /3rd/conversations/links?phone_numbers=85200000000&phone_numbers=12345678\
         &organization_id=org_example HTTP/1.1"
    ));
    let html = FaultServer::start_with(vec![answer(404, &[], "<html>")]).await;
    let error = gateway(&html)
        .links(&phones, "org_example")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Systemic);
    assert!(
        !error.message.contains("8520"),
        "a phone number is personal: {error}"
    );
}

#[tokio::test]
async fn health_goes_without_the_token_and_any_answer_will_do() {
    let named = r#"{"name":"App Gateway Public Server","version":"1.2.3","env":"dev"}"#;
    for (reply, name) in [
        (
            answer(200, &[DATE], named),
            "App Gateway Public Server 1.2.3",
        ),
        (
            answer(200, &[DATE], "hello"),
            "a server without a name (200 OK)",
        ),
        (
            answer(404, &[DATE], "<html>"),
            "a server without a name (404 Not Found)",
        ),
        (
            answer(401, &[DATE], ""),
            "a server without a name (401 Unauthorized)",
        ),
    ] {
        let server = FaultServer::start_with(vec![reply]).await;
        let health = gateway(&server).health().await.unwrap().value;
        assert_eq!(health.name, name);
        assert_eq!(
            health.server_date,
            Some("2024-12-10T09:53:17Z".parse().unwrap())
        );
        let request = &server.requests()[0];
        assert!(request.starts_with("GET / HTTP/1.1"), "{request}");
        assert!(!request.contains(CANARY));
    }
    let away = answer(302, &["Location: https://login.example.com/"], "");
    let server = FaultServer::start_with(vec![away]).await;
    assert_eq!(
        gateway(&server).health().await.unwrap_err().kind,
        ApiErrorKind::Systemic
    );
}

#[tokio::test]
async fn a_dropped_request_leaves_the_gateway_usable() {
    let server = FaultServer::start(|n, _| if n == 0 { Reply::Silence } else { page() }).await;
    let gateway = Gateway::new(GatewayOptions {
        in_flight_max: 1,
        ..options(&server)
    })
    .unwrap();
    let hanging = tokio::spawn({
        let gateway = gateway.clone();
        async move { ask(&gateway).await.map(drop) }
    });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    hanging.abort();
    ask(&gateway).await.unwrap();
}

#[test]
fn a_gateway_or_a_token_that_cannot_be_is_refused_before_anything_is_sent() {
    let secret = |text: &str| SecretString::from(text.to_owned());
    for (base, token) in [
        ("http://app-gateway.imbrace.co", CANARY),
        ("https://app-gateway.imbrace.co/3rd", CANARY),
        ("https://user:api_canary-x@app-gateway.imbrace.co", CANARY),
        ("http://127.0.0.1:9", ""),
        ("http://127.0.0.1:9", "api_canary-1\napi_canary-2"),
        ("http://127.0.0.1:9", "api_canary-\u{0}"),
    ] {
        let options = GatewayOptions::new(base.parse().unwrap(), secret(token));
        let error = Gateway::new(options).unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Configuration);
        assert!(!format!("{error}{error:?}").contains("canary"), "{error:?}");
    }
}
