//! The gateway client against a gateway that misbehaves: safety.md's list, as far as it is the
//! client's. Waits are shortened by a [`RetryPolicy`]; no test asserts a time on the wall.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use convault::{
    api::{ApiError, ApiErrorKind, Fetched, Gateway, GatewayOptions, RetryPolicy},
    clock::Clock,
    model::{ConversationId, Timestamp},
    monitor::{Counter, Monitor},
    wire::Page,
};
use secrecy::SecretString;

use crate::fault_server::{FaultServer, Reply, answer, gzip, head};

const CANARY: &str = "api_canary-5d1f9c0a-7f10";
const DATE: &str = "Date: Tue, 10 Dec 2024 09:53:17 GMT";
const PAGE: &str = r#"{"items":[{"_id":"msg_1"}],"count":1,"total":1,"has_more":false}"#;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn quick() -> RetryPolicy {
    RetryPolicy {
        backoff_base: ms(1),
        backoff_max: ms(2),
        throttle_waits: vec![ms(1), ms(2)],
        throttle_wait_max: ms(10),
        unauthorized_waits_first: vec![ms(1); 2],
        unauthorized_waits: vec![ms(1); 4],
        recovery: ms(100),
        transport_failures_max: 20,
    }
}

fn options(server: &FaultServer) -> GatewayOptions {
    GatewayOptions {
        rate: "100000/s".parse().unwrap(),
        timeout: Duration::from_secs(20),
        retries_max: 3,
        retry: quick(),
        ..GatewayOptions::new(server.url().parse().unwrap(), SecretString::from(CANARY))
    }
}

fn gateway(server: &FaultServer) -> Gateway {
    Gateway::new(options(server)).unwrap()
}

async fn ask(gateway: &Gateway) -> Result<Fetched<Page>, ApiError> {
    gateway
        .messages(&ConversationId::new("conv_1"), 0, 100)
        .await
}

fn page() -> Reply {
    answer(200, &[DATE], PAGE)
}

/// Asks once, of a server that gives these replies; how it ended, and after how many requests.
async fn outcome(replies: Vec<Reply>) -> (Result<Fetched<Page>, ApiError>, usize) {
    let server = FaultServer::start_with(replies).await;
    let outcome = ask(&gateway(&server)).await;
    if let Err(error) = &outcome {
        assert!(error.message.contains("conversation conv_1"), "{error}");
        assert!(!format!("{error}{error:?}").contains(CANARY), "{error}");
    }
    (outcome, server.requests().len())
}

/// Expects that these replies in turn, the last for ever, end in this error.
async fn expect_error(replies: Vec<Reply>, kind: ApiErrorKind, requests: usize) -> ApiError {
    let label = format!("{kind:?}");
    let (outcome, sent) = outcome(replies).await;
    let error = outcome.expect_err(&label);
    assert_eq!((error.kind, sent), (kind, requests), "{error}");
    error
}

/// Expects that a page comes after a retry of this reply.
async fn expect_recovery(fault: Reply) {
    let label = format!("{fault:?}");
    let (outcome, sent) = outcome(vec![fault, page()]).await;
    assert_eq!(outcome.expect(&label).value.len(), 1);
    assert_eq!(sent, 2, "{label}");
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

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
async fn a_429_is_waited_out_in_each_of_its_three_forms() {
    let date = "Retry-After: Tue, 10 Dec 2024 09:53:10 GMT";
    for headers in [&["Retry-After: 0"][..], &[DATE, date], &[]] {
        let words = "Too many requests. Please try again later.";
        expect_recovery(answer(429, headers, words)).await;
    }
}

#[tokio::test]
async fn a_429_does_not_count_as_a_retry_but_ends_the_run_when_patience_ends() {
    let server = FaultServer::start_with(vec![answer(429, &[], "")]).await;
    let monitor = Monitor::new();
    let options = GatewayOptions {
        retries_max: 0,
        monitor: monitor.clone(),
        ..options(&server)
    };
    let gateway = Gateway::new(options).unwrap();
    let error = ask(&gateway).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::RateLimited);
    // 1 + 2 + 2 + 2 + 2 + 1 ms of waiting are the whole of 10 ms.
    assert_eq!(server.requests().len(), 7);
    assert_eq!(monitor.get(Counter::Throttled), 7);
    assert_eq!(monitor.get(Counter::Retries), 6);
    assert_eq!(
        ask(&gateway).await.unwrap_err().kind,
        ApiErrorKind::RateLimited
    );
    assert_eq!(server.requests().len(), 7, "nothing more is sent");
}

#[tokio::test]
async fn a_429_that_asks_for_too_long_ends_the_run_at_once() {
    let later = "Retry-After: Tue, 10 Dec 2024 10:53:17 GMT";
    for headers in [&["Retry-After: 2101"][..], &[DATE, later]] {
        expect_error(vec![answer(429, headers, "")], ApiErrorKind::RateLimited, 1).await;
    }
}

#[tokio::test]
async fn faults_that_may_pass_are_tried_again_and_then_reported() {
    use ApiErrorKind::{Malformed, Server, Timeout, Transport};
    let cut = |bytes: usize| head(200, &[&format!("Content-Length: {bytes}")]);
    let with = |head: Vec<u8>, body: &str| [head, body.as_bytes().to_vec()].concat();
    let chunked = head(200, &["Transfer-Encoding: chunked"]);
    for (fault, kind) in [
        (
            answer(
                500,
                &[],
                r#"{"code":99999,"message":"Service Unavailable"}"#,
            ),
            Server,
        ),
        (
            answer(502, &[], "<html><h1>502 Bad Gateway</h1></html>"),
            Server,
        ),
        (answer(503, &["Retry-After: 0"], ""), Server),
        (
            answer(504, &[], "Error occurred while trying to proxy: x"),
            Server,
        ),
        (answer(408, &[], ""), Timeout),
        (answer(200, &[], "<html>Welcome</html>"), Malformed),
        (answer(200, &[], ""), Malformed),
        (answer(200, &[], &PAGE[..PAGE.len() - 9]), Malformed),
        (answer(200, &[], r#"{"message":"ok"}"#), Malformed),
        (answer(200, &["Content-Encoding: gzip"], PAGE), Malformed),
        (Reply::ThenClose(with(cut(PAGE.len() + 5), PAGE)), Transport),
        (Reply::ThenClose(with(cut(PAGE.len() - 5), PAGE)), Malformed),
        (
            Reply::ThenReset(with(cut(PAGE.len()), &PAGE[..20])),
            Transport,
        ),
        (
            Reply::ThenClose(with(chunked.clone(), "5\r\n{\"ite")),
            Transport,
        ),
        (Reply::ThenClose(with(chunked, "zz\r\n{\"ite")), Malformed),
        (
            Reply::ThenClose(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
            Transport,
        ),
        (Reply::ThenClose(Vec::new()), Transport),
        (Reply::ThenReset(Vec::new()), Transport),
    ] {
        expect_error(vec![fault.clone()], kind, 4).await;
        expect_recovery(fault).await;
    }
}

#[tokio::test]
async fn faults_that_will_not_pass_are_not_tried_again() {
    use ApiErrorKind::{Forbidden, Gone, Rejected, Systemic};
    for (fault, kind, words) in [
        (
            answer(404, &[], r#"{"message":"Conversation not found"}"#),
            Gone,
            "not found",
        ),
        (
            answer(404, &[], "<pre>Cannot GET /3rd/x</pre>"),
            Systemic,
            "Cannot GET",
        ),
        (
            answer(403, &[], r#"{"message":"Forbidden"}"#),
            Forbidden,
            "Forbidden",
        ),
        (answer(403, &[], "<html>403</html>"), Systemic, "403"),
        (
            answer(403, &[], r#"{"error":"License required","message":"x"}"#),
            Systemic,
            "403",
        ),
        (
            answer(400, &[], r#"{"message":{"message":"limit"}}"#),
            Rejected,
            "limit",
        ),
        (answer(422, &[], ""), Rejected, "422"),
    ] {
        let error = expect_error(vec![fault], kind, 1).await;
        assert!(error.message.contains(words), "{error}");
        assert!(error.message.contains("x-request-id"), "{error}");
    }
}

#[tokio::test]
async fn an_error_that_breaks_off_is_what_its_status_says() {
    let head = head(404, &["Content-Length: 500"]);
    let reply = Reply::ThenReset([head, b"{\"message\":\"gone".to_vec()].concat());
    expect_error(vec![reply], ApiErrorKind::Systemic, 1).await;
}

#[tokio::test]
async fn a_token_that_never_worked_is_refused_after_three_401s() {
    let refusal = answer(
        401,
        &[],
        r#"{"message":"Unauthorized - Invalid third party token"}"#,
    );
    let server = FaultServer::start_with(vec![refusal]).await;
    let gateway = gateway(&server);
    assert_eq!(
        ask(&gateway).await.unwrap_err().kind,
        ApiErrorKind::Unauthorized
    );
    assert_eq!(server.requests().len(), 3);
    assert_eq!(
        ask(&gateway.clone()).await.unwrap_err().kind,
        ApiErrorKind::Unauthorized
    );
    assert_eq!(server.requests().len(), 3, "nothing more is sent");
}

#[tokio::test]
async fn a_401_in_the_middle_of_a_run_is_tried_again_and_then_ends_it() {
    let server = FaultServer::start(|n, _| match n {
        0 | 4 => page(),
        _ => answer(401, &[], ""),
    })
    .await;
    let gateway = gateway(&server);
    ask(&gateway).await.unwrap();
    ask(&gateway)
        .await
        .expect("the look-up of the token worked again");
    assert_eq!(server.requests().len(), 5);
    assert_eq!(
        ask(&gateway).await.unwrap_err().kind,
        ApiErrorKind::Unauthorized
    );
    assert_eq!(server.requests().len(), 10);
}

#[tokio::test]
async fn a_byte_at_a_time_and_silence_time_out_however_steadily_they_come() {
    let length = format!("Content-Length: {}", PAGE.len());
    let slow = |first: Vec<u8>, rest: &str| Reply::Drip(first, rest.as_bytes().to_vec(), ms(20));
    for reply in [
        slow(head(200, &[&length]), PAGE),
        slow(
            b"HTTP/1.1 200 OK\r\n".to_vec(),
            &"X-Padding: 1\r\n".repeat(50),
        ),
        Reply::Silence,
    ] {
        let server = FaultServer::start_with(vec![reply]).await;
        let options = GatewayOptions {
            timeout: ms(200),
            retries_max: 1,
            ..options(&server)
        };
        let error = ask(&Gateway::new(options).unwrap()).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Timeout, "{error}");
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_stays_at_home() {
    let other = FaultServer::start_with(vec![page()]).await;
    for status in [301, 302, 303, 307, 308] {
        let port = other.address().port();
        let elsewhere = format!("Location: http://localhost:{port}/3rd/x");
        let error = expect_error(
            vec![answer(status, &[&elsewhere], "")],
            ApiErrorKind::Systemic,
            1,
        )
        .await;
        assert!(error.message.contains("redirect to localhost,"), "{error}");
        let same = answer(status, &["Location: /3rd/y"], "");
        expect_error(vec![same], ApiErrorKind::Systemic, 1).await;
    }
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

#[tokio::test]
async fn a_page_may_come_compressed_and_a_bomb_is_refused_at_the_cap() {
    let encoded = &["Content-Encoding: gzip"];
    let bomb = gzip(&vec![b' '; 50_000_000]);
    let server = FaultServer::start(move |n, _| match n {
        0 => answer(200, encoded, gzip(PAGE.as_bytes())),
        1 => answer(200, encoded, bomb.clone()),
        2 => answer(200, &[], vec![b' '; 1_000_001]),
        3 => Reply::ThenClose([head(200, &[]), vec![b' '; 3_000_000]].concat()),
        _ => answer(
            200,
            &[],
            format!("{PAGE}{}", " ".repeat(1_000_000 - PAGE.len())),
        ),
    })
    .await;
    let monitor = Monitor::new();
    let options = GatewayOptions {
        page_bytes_max: 1_000_000,
        monitor: monitor.clone(),
        ..options(&server)
    };
    let gateway = Gateway::new(options).unwrap();
    assert_eq!(ask(&gateway).await.unwrap().value.len(), 1);
    for _ in 0..3 {
        let error = ask(&gateway).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::TooLarge, "{error}");
    }
    assert!(
        monitor.get(Counter::BytesReceived) < 5_000_000,
        "no more was read than what is refused"
    );
    ask(&gateway).await.expect("a page of just the cap");
    assert_eq!(server.requests().len(), 5, "too large is not tried again");
}

#[tokio::test]
async fn headers_without_end_and_an_error_without_end_cost_bounded_memory() {
    let many = "X-Padding: 0123456789\r\n".repeat(2_000);
    let long = format!("X-Padding: {}\r\n", "x".repeat(2_000_000));
    for headers in [many, long] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
        expect_error(vec![Reply::ThenClose(bytes)], ApiErrorKind::Transport, 4).await;
    }
    let server = FaultServer::start_with(vec![Reply::ThenClose(
        [head(400, &[]), vec![b'x'; 10_000_000]].concat(),
    )])
    .await;
    let monitor = Monitor::new();
    let options = GatewayOptions {
        monitor: monitor.clone(),
        ..options(&server)
    };
    let error = ask(&Gateway::new(options).unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Rejected);
    assert!(error.message.len() < 500, "{}", error.message.len());
    assert!(monitor.get(Counter::BytesReceived) < 1_000_000);
}

#[tokio::test]
async fn twenty_transport_failures_in_a_row_end_the_run() {
    let server = FaultServer::start(|n, _| match n {
        19 | 21 => page(),
        20 => answer(500, &[], ""),
        _ => Reply::ThenReset(Vec::new()),
    })
    .await;
    let options = GatewayOptions {
        retries_max: 19,
        ..options(&server)
    };
    let gateway = Gateway::new(options).unwrap();
    ask(&gateway).await.expect("19 failures are not 20");
    ask(&gateway).await.expect("a 500 is an answer");
    let error = ask(&gateway).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Unreachable, "{error}");
    assert_eq!(server.requests().len(), 42);
    assert_eq!(
        ask(&gateway).await.unwrap_err().kind,
        ApiErrorKind::Unreachable
    );
    assert_eq!(server.requests().len(), 42);
}

#[tokio::test]
async fn nobody_at_the_port_is_a_transport_failure() {
    let server = FaultServer::start_with(vec![page()]).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let options = GatewayOptions {
        base: url.parse().unwrap(),
        ..options(&server)
    };
    let error = ask(&Gateway::new(options).unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Transport);
    assert!(error.message.contains("no connection"), "{error}");
}

#[tokio::test]
async fn https_to_a_server_that_speaks_none_is_a_transport_failure() {
    let server = FaultServer::start_with(vec![Reply::ThenClose(Vec::new())]).await;
    let base = format!("https://{}", server.address());
    let options = GatewayOptions {
        base: base.parse().unwrap(),
        timeout: ms(200),
        ..options(&server)
    };
    // A machine without root certificates cannot set up such a client at all.
    if let Ok(gateway) = Gateway::new(options) {
        let error = ask(&gateway).await.unwrap_err();
        assert!(
            matches!(error.kind, ApiErrorKind::Transport | ApiErrorKind::Timeout),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_budget_counts_retries_and_is_never_exceeded() {
    let server = FaultServer::start(|n, _| match n % 2 {
        0 => answer(500, &[], ""),
        _ => page(),
    })
    .await;
    let options = GatewayOptions {
        requests_max: Some(25),
        retries_max: 9,
        ..options(&server)
    };
    let gateway = Gateway::new(options).unwrap();
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                loop {
                    if let Err(error) = ask(&gateway).await {
                        return error.kind;
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.await.unwrap(), ApiErrorKind::BudgetSpent);
    }
    assert_eq!(server.requests().len(), 25);
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

/// Keeps what was logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_token_is_in_no_log_error_or_debug_even_if_the_gateway_echoes_it() {
    let log = Log::default();
    let subscriber = || {
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish()
    };
    // With a single one, tracing lets whichever thread meets a call site first decide for all
    // that nobody listens to it, and the other tests' threads have no subscriber.
    let _second = tracing::Dispatch::new(subscriber());
    let _logging = tracing::subscriber::set_default(subscriber());

    let echo = format!(
        r#"{{"message":"bad token {CANARY} and {}"}}"#,
        CANARY.to_uppercase()
    );
    let location = format!("Location: https://{CANARY}.example.com/{CANARY}");
    let mut written = Vec::new();
    for reply in [
        answer(400, &[], &echo),
        answer(401, &[], &echo),
        answer(404, &[], &echo),
        answer(500, &[], &echo),
        answer(429, &["Retry-After: 9999"], &echo),
        answer(302, &[&location], &echo),
        answer(502, &[], format!("<p>{}{CANARY}", "x ".repeat(90))),
        answer(200, &[], &echo),
        Reply::ThenReset(echo.clone().into_bytes()),
        page(),
    ] {
        let server = FaultServer::start_with(vec![reply]).await;
        let options = options(&server);
        written.push(format!("{options:?}"));
        let gateway = Gateway::new(options).unwrap();
        let outcome = ask(&gateway).await;
        written.push(format!("{gateway:?} {outcome:?}"));
        written.extend(outcome.err().map(|error| error.to_string()));
        assert!(server.requests()[0].contains(CANARY), "it was sent");
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("request_id"), "the log was captured");
    written.push(logged);
    for text in written {
        assert!(!text.to_lowercase().contains("canary"), "{text}");
    }
}
