//! Faults that may pass are tried again, those that will not are told, and what is spent is bounded.

use convault::{
    api::{ApiErrorKind, Gateway, GatewayOptions},
    monitor::{Counter, Monitor},
};

use super::{DATE, PAGE, ask, expect_error, expect_recovery, ms, options, page};
use crate::fault_server::{FaultServer, Reply, answer, head};

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
