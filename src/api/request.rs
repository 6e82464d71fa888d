//! One request with all its attempts: asks the limiter, sends, and decides what an outcome
//! means for this request and for the run.
//!
//! Owns what clones of a gateway share beside the limiter: whether the token has ever worked, and
//! whether everybody's requests fail.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use uuid::Uuid;

use super::{
    ApiError, ApiErrorKind, Fetched, RetryPolicy,
    answer::{Answer, Trouble},
    endpoint::Endpoint,
    exchange::Exchange,
    healthy,
    limiter::{Blame, Limiter, Permit, SHOWN_FROM, Streak, Unanswered},
};
use crate::{
    model::Timestamp,
    monitor::{Counter, Monitor},
};

/// However often the gateway goes away, a request is not sent again for nothing more often.
const SILENCES_MAX: u32 = 100;

/// Sends requests, each as often as is worth it.
pub(super) struct Requester {
    exchange: Exchange,
    limiter: Limiter,
    policy: RetryPolicy,
    retries_max: u32,
    monitor: Monitor,
    token_has_worked: AtomicBool,
    streak: Streak,
}

/// How far one request has come.
struct Progress {
    attempts: u32,
    backoffs: usize,
    silences: u32,
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
            streak: Streak::default(),
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
            silences: 0,
            unauthorized: 0,
            patience: self.policy.throttle_wait_max,
        };
        loop {
            let permit = self.limiter.acquire().await?;
            self.count_attempt(&mut progress);
            let request_id = Uuid::new_v4().to_string();
            tracing::debug!(%endpoint, request_id, attempt = progress.attempts, "request");
            let sent_at = self.exchange.now();
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
            if self.blame(&trouble, &permit, sent_at).await? == Blame::Gateway
                && progress.silences < SILENCES_MAX
            {
                progress.silences += 1;
                continue;
            }
            let wait = self.wait_after(&trouble, &permit, &mut progress, error, endpoint)?;
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
        self.limiter.answered(permit);
        self.streak.end();
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
        endpoint: Endpoint<'_>,
    ) -> Result<Duration, ApiError> {
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
                let patience = self.policy.give_up_after.unwrap_or_default();
                let is_everybodys = self.streak.is_everybodys(endpoint.subject(), patience);
                if (retries >= self.retries_max && !is_everybodys) || asked > progress.patience {
                    return Err(error);
                }
                let wait = self.policy.backoff(progress.backoffs).max(asked);
                progress.backoffs += 1;
                progress.patience = progress.patience.saturating_sub(asked);
                Ok(wait)
            }
            _ => {
                self.streak.end();
                Err(error)
            }
        }
    }

    fn too_long(&self, error: &ApiError) -> ApiError {
        let seconds = self.policy.throttle_wait_max.as_secs_f64();
        let message = format!("{error}; it wants a longer wait than {seconds} s, run again later");
        ApiError::new(ApiErrorKind::RateLimited, message)
    }

    /// Whose fault it is that an attempt brought nothing.
    async fn blame(
        &self,
        trouble: &Trouble,
        permit: &Permit,
        sent_at: Timestamp,
    ) -> Result<Blame, ApiError> {
        let Some(give_up_after) = self.policy.give_up_after else {
            return Ok(Blame::Request);
        };
        if !trouble.is_silence {
            self.limiter.answered(permit);
            return Ok(Blame::Request);
        }
        let request = Unanswered {
            sent_at,
            retry_after: trouble.retry_after,
        };
        let policy = (&self.policy, give_up_after);
        let ask = self.ask_health(permit);
        self.limiter.unanswered(permit, &request, policy, ask).await
    }

    /// Asks once whether the gateway answers at all; gives what came in place of an answer.
    async fn ask_health(&self, permit: &Permit) -> Result<Option<String>, ApiError> {
        let endpoint = Endpoint::Health;
        let url = endpoint.url(self.exchange.base())?;
        self.limiter.acquire_beside(permit).await?;
        self.monitor.count(Counter::Requests);
        let request_id = Uuid::new_v4().to_string();
        tracing::debug!(%endpoint, request_id, "request");
        let answer = self.exchange.send(&url, false, &request_id).await;
        let trouble = answer.and_then(healthy).err();
        let silence = trouble.filter(|trouble| trouble.is_silence);
        Ok(silence.map(|silence| silence.describe(self.exchange.token())))
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
