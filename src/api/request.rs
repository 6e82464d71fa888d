//! One request with all its attempts: asks the limiter, sends, and decides what an outcome
//! means for this request and for the run.
//!
//! Owns what clones of a gateway share beside the limiter: whether the token has ever worked,
//! and how many transport failures came in a row.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use uuid::Uuid;

use super::{
    ApiError, ApiErrorKind, Fetched, RetryPolicy,
    answer::{Answer, Trouble},
    endpoint::Endpoint,
    exchange::Exchange,
    limiter::{Limiter, Permit, SHOWN_FROM},
};
use crate::monitor::{Counter, Monitor};

/// Sends requests, each as often as is worth it.
pub(super) struct Requester {
    exchange: Exchange,
    limiter: Limiter,
    policy: RetryPolicy,
    retries_max: u32,
    monitor: Monitor,
    token_has_worked: AtomicBool,
    transport_failures: AtomicU32,
}

/// How far one request has come.
struct Progress {
    attempts: u32,
    backoffs: usize,
    unauthorized: usize,
    patience: Duration,
}

impl Requester {
    pub(super) fn new(
        exchange: Exchange,
        limiter: Limiter,
        policy: RetryPolicy,
        retries_max: u32,
        monitor: Monitor,
    ) -> Self {
        Self {
            exchange,
            limiter,
            policy,
            retries_max,
            monitor,
            token_has_worked: AtomicBool::new(false),
            transport_failures: AtomicU32::new(0),
        }
    }

    /// Asks until `read` is content with an answer, or it is not worth asking again.
    pub(super) async fn fetch<T>(
        &self,
        endpoint: Endpoint<'_>,
        read: impl Fn(Answer) -> Result<Fetched<T>, Trouble>,
    ) -> Result<Fetched<T>, ApiError> {
        let url = endpoint.url(self.exchange.base())?;
        let mut progress = Progress {
            attempts: 0,
            backoffs: 0,
            unauthorized: 0,
            patience: self.policy.throttle_wait_max,
        };
        loop {
            let permit = self.limiter.acquire().await?;
            self.count_attempt(&mut progress);
            let request_id = Uuid::new_v4().to_string();
            tracing::debug!(%endpoint, request_id, attempt = progress.attempts, "request");
            let answer = self
                .exchange
                .send(&url, endpoint.wants_token(), &request_id)
                .await;
            let trouble = match answer.and_then(&read) {
                Ok(fetched) => {
                    self.succeeded(&permit, endpoint);
                    return Ok(fetched);
                }
                Err(trouble) => trouble,
            };
            let error = self.error(endpoint, &trouble, progress.attempts, &request_id);
            tracing::debug!(%error, "request failed");
            let wait = self.wait_after(&trouble, &permit, &mut progress, error)?;
            drop(permit);
            self.wait(&trouble, wait).await?;
        }
    }

    fn count_attempt(&self, progress: &mut Progress) {
        progress.attempts += 1;
        self.monitor.count(Counter::Requests);
        if progress.attempts > 1 {
            self.monitor.count(Counter::Retries);
        }
    }

    fn succeeded(&self, permit: &Permit, endpoint: Endpoint<'_>) {
        self.limiter.relieved(permit);
        self.transport_failures.store(0, Ordering::SeqCst);
        if endpoint.wants_token() {
            self.token_has_worked.store(true, Ordering::SeqCst);
        }
    }

    /// How long to wait before the next attempt, or the error if there is none. A 429 needs no
    /// wait here: the limiter holds everybody, this request too.
    fn wait_after(
        &self,
        trouble: &Trouble,
        permit: &Permit,
        progress: &mut Progress,
        error: ApiError,
    ) -> Result<Duration, ApiError> {
        self.note_transport(trouble, &error)?;
        if trouble.is_overload && trouble.kind != ApiErrorKind::RateLimited {
            self.note_overload(permit);
        }
        match trouble.kind {
            ApiErrorKind::RateLimited => {
                self.monitor.count(Counter::Throttled);
                let patience = progress.patience;
                let asked = trouble.retry_after;
                let wait = self
                    .limiter
                    .throttled(permit, asked, patience, &self.policy);
                self.note_overload(permit);
                let wait = wait.ok_or_else(|| self.limiter.end(self.too_long(&error)))?;
                progress.patience = patience.saturating_sub(wait);
                Ok(Duration::ZERO)
            }
            ApiErrorKind::Unauthorized => {
                let waits = if self.token_has_worked.load(Ordering::SeqCst) {
                    &self.policy.unauthorized_waits
                } else {
                    &self.policy.unauthorized_waits_first
                };
                let wait = waits.get(progress.unauthorized).copied();
                progress.unauthorized += 1;
                wait.ok_or_else(|| self.limiter.end(error))
            }
            ApiErrorKind::Server
            | ApiErrorKind::Timeout
            | ApiErrorKind::Transport
            | ApiErrorKind::Malformed => {
                let retries = u32::try_from(progress.backoffs).unwrap_or(u32::MAX);
                let asked = trouble.retry_after.unwrap_or_default();
                if retries >= self.retries_max || asked > progress.patience {
                    return Err(error);
                }
                let wait = self.policy.backoff(progress.backoffs).max(asked);
                progress.backoffs += 1;
                progress.patience = progress.patience.saturating_sub(asked);
                Ok(wait)
            }
            _ => Err(error),
        }
    }

    fn too_long(&self, error: &ApiError) -> ApiError {
        let seconds = self.policy.throttle_wait_max.as_secs_f64();
        let message = format!("{error}; it wants a longer wait than {seconds} s, run again later");
        ApiError::new(ApiErrorKind::RateLimited, message)
    }

    /// Counts transport failures in a row, over all requests; any whole answer ends the row.
    fn note_transport(&self, trouble: &Trouble, error: &ApiError) -> Result<(), ApiError> {
        if !trouble.is_transport {
            self.transport_failures.store(0, Ordering::SeqCst);
            return Ok(());
        }
        let in_a_row = self
            .transport_failures
            .fetch_add(1, Ordering::SeqCst)
            .saturating_add(1);
        if in_a_row < self.policy.transport_failures_max {
            return Ok(());
        }
        let message = format!("the gateway is unreachable, {in_a_row} failures in a row: {error}");
        Err(self
            .limiter
            .end(ApiError::new(ApiErrorKind::Unreachable, message)))
    }

    /// A gateway that is asked too much is asked less, by everybody.
    fn note_overload(&self, permit: &Permit) {
        if let Some(share) = self.limiter.refused(permit, &self.policy) {
            let percent = (share * 100.0).round();
            tracing::warn!(
                "the gateway refused; asking at {percent} % of the allowed rate, and more as time passes"
            );
        }
    }

    async fn wait(&self, trouble: &Trouble, wait: Duration) -> Result<(), ApiError> {
        if wait.is_zero() {
            return Ok(());
        }
        let _shown = (wait > SHOWN_FROM).then(|| {
            let detail = trouble.describe(self.exchange.token());
            let seconds = wait.as_secs_f64().ceil();
            self.monitor
                .waiting_for(format!("{detail}; asking again in {seconds} s"))
        });
        self.limiter.sleep(wait).await
    }

    fn error(
        &self,
        endpoint: Endpoint<'_>,
        trouble: &Trouble,
        attempts: u32,
        request_id: &str,
    ) -> ApiError {
        let token = self.exchange.token();
        let detail = trouble.describe(token);
        let times = if attempts == 1 {
            String::new()
        } else {
            format!("attempt {attempts}, ")
        };
        let message = format!("{endpoint}: {detail} ({times}x-request-id {request_id})");
        ApiError::new(trouble.kind, token.redact(&message))
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester")
            .field("base", &self.exchange.base().as_str())
            .field("limiter", &self.limiter)
            .field("policy", &self.policy)
            .field("retries_max", &self.retries_max)
            .finish_non_exhaustive()
    }
}
