//! No answer at all: judged by time, never by a number of failures, and never one request's fault.

use std::time::Duration;

use convault::{
    api::{ApiErrorKind, Gateway, GatewayOptions, RetryPolicy},
    monitor::{Counter, Monitor},
};

use super::{ask, ms, options, page, quick};
use crate::fault_server::{FaultServer, Reply, answer};

fn silences() -> [Reply; 6] {
    [
        Reply::ThenReset(Vec::new()),
        Reply::ThenClose(Vec::new()),
        Reply::Silence,
        answer(502, &[], "<html><h1>502 Bad Gateway</h1></html>"),
        answer(503, &["Retry-After: 0"], ""),
        answer(504, &[], ""),
    ]
}

/// A client that never repeats a request for a fault of its own.
fn patient(server: &FaultServer, give_up_after: Duration) -> GatewayOptions {
    GatewayOptions {
        retries_max: 0,
        timeout: ms(50),
        retry: RetryPolicy {
            give_up_after: Some(give_up_after),
            ..quick()
        },
        ..options(server)
    }
}

fn is_health(head: &str) -> bool {
    head.starts_with("GET / ")
}

#[tokio::test]
async fn a_request_that_met_a_silence_is_sent_again_whatever_its_retries() {
    for silence in silences() {
        let label = format!("{silence:?}");
        let server = FaultServer::start(move |n, _| match n {
            ..41 => silence.clone(),
            _ => page(),
        })
        .await;
        let monitor = Monitor::new();
        let options = GatewayOptions {
            timeout: ms(200),
            monitor: monitor.clone(),
            ..patient(&server, Duration::from_mins(10))
        };
        let gateway = Gateway::new(options).unwrap();
        ask(&gateway).await.expect(&label);
        let asked = server.requests();
        // Its own and the health in turn; the last one is its own.
        assert!(asked.len() >= 42, "{label}: {}", asked.len());
        assert_eq!(monitor.get(Counter::Requests), asked.len() as u64);
        let own = asked.iter().filter(|head| !is_health(head)).count();
        assert_eq!(monitor.get(Counter::Retries), own as u64 - 1, "{label}");
        assert!(own >= 21, "{label}: {own}");
    }
}

#[tokio::test]
async fn a_gateway_without_any_answer_is_unreachable_and_asked_no_more() {
    for silence in silences() {
        let server = FaultServer::start_with(vec![silence]).await;
        let gateway = Gateway::new(patient(&server, ms(120))).unwrap();
        let error = ask(&gateway).await.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Unreachable, "{error}");
        assert!(error.message.contains("no answer since"), "{error}");
        let asked = server.requests().len();
        assert!(asked >= 2, "{asked}");
        let again = ask(&gateway).await.unwrap_err();
        assert_eq!(again.kind, ApiErrorKind::Unreachable);
        assert_eq!(server.requests().len(), asked);
    }
}

#[tokio::test]
async fn a_page_that_always_breaks_off_is_its_own_fault_while_health_answers() {
    let server = FaultServer::start(|_, head| {
        if is_health(head) {
            return answer(429, &[], "even a refusal is an answer");
        }
        Reply::ThenReset(Vec::new())
    })
    .await;
    let options = GatewayOptions {
        retries_max: 3,
        ..patient(&server, Duration::from_mins(10))
    };
    let gateway = Gateway::new(options).unwrap();
    let error = ask(&gateway).await.unwrap_err();
    assert_eq!(error.kind, ApiErrorKind::Transport, "{error}");
    let asked = server.requests();
    assert_eq!(asked.iter().filter(|head| !is_health(head)).count(), 4);
    assert_eq!(asked.len(), 8, "health once for each");
    assert!(
        asked
            .iter()
            .filter(|head| is_health(head))
            .all(|head| !head.to_lowercase().contains("x-access-token")),
        "{asked:?}"
    );
}
