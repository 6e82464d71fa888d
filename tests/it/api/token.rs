//! A token that is refused, and that is told to nobody else.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use convault::api::{ApiErrorKind, Gateway};

use super::{CANARY, ask, expect_error, gateway, options, page};
use crate::fault_server::{FaultServer, Reply, answer};

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
