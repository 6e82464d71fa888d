//! Answers without end cost bounded time and memory.

use convault::{
    api::{ApiErrorKind, Gateway, GatewayOptions},
    monitor::{Counter, Monitor},
};

use super::{PAGE, ask, expect_error, ms, options};
use crate::fault_server::{FaultServer, Reply, answer, gzip, head};

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
