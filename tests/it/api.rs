//! The gateway client against a gateway that misbehaves: safety.md's list, as far as it is the
//! client's. Waits are shortened by a [`RetryPolicy`]; no test asserts a time on the wall.

mod faults;
mod hostile;
mod request;
mod silence;
mod token;

use std::time::Duration;

use convault::{
    api::{ApiError, ApiErrorKind, Fetched, Gateway, GatewayOptions, RetryPolicy},
    model::ConversationId,
    wire::Page,
};
use secrecy::SecretString;

use crate::fault_server::{FaultServer, Reply, answer};

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
        give_up_after: None,
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
