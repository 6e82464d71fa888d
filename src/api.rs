//! The gateway client: one method an endpoint, behind one limiter.
//!
//! Owns HTTP, the token, the rate, retries and what a status means. Knows nothing of rows.
//!
//! A request goes through `endpoint` (may it be asked at all), `limiter` (when), `exchange` (one
//! attempt), `answer` (what came back means) and `retry` (how long to wait); `request` is the
//! loop that ties them together. Every method may be dropped at any moment.

mod answer;
mod buffers;
mod coding;
mod endpoint;
mod error;
mod exchange;
mod limiter;
mod rate;
mod request;
mod retry;
mod server_clock;
mod token;

#[doc(hidden)]
pub use answer::{Judged, judge};
pub use error::{ApiError, ApiErrorKind};
pub use rate::Rate;
pub use retry::RetryPolicy;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::{
    clock::Clock,
    model::{ConversationId, RequestTime, Timestamp},
    monitor::Monitor,
    wire::{Links, Malformed, Page},
};
use answer::{Answer, Trouble};
use endpoint::Endpoint;
use exchange::Exchange;
use limiter::Limiter;
use request::Requester;
use token::Token;

/// The most that one answer may hold, decoded, unless an option says otherwise: a page of 1,000
/// messages of 32 KiB each. A packed one is let out no further, so a bomb costs no more memory.
pub const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How to talk to a gateway.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The base, without a path: `https://app-gateway.imbrace.co`.
    pub base: Url,
    /// The `x-access-token`.
    pub token: SecretString,
    /// The limit of requests over time.
    pub rate: Rate,
    /// The bound on requests in flight.
    pub in_flight_max: usize,
    /// The time-out of one request, body included.
    pub timeout: Duration,
    /// How often one request is repeated at most.
    pub retries_max: u32,
    /// How many requests may be sent in all, retries included.
    pub requests_max: Option<u64>,
    /// The most bytes that one answer may hold, decoded.
    pub page_bytes_max: usize,
    /// λ of walk.md: by how much a `Date` may differ from what else is known of the time.
    pub visibility_lag: Duration,
    /// The waits between attempts.
    pub retry: RetryPolicy,
    /// The time of day.
    pub clock: Clock,
    /// What is counted.
    pub monitor: Monitor,
}

impl GatewayOptions {
    /// The defaults of product.md for one gateway.
    pub fn new(base: Url, token: SecretString) -> Self {
        Self {
            base,
            token,
            rate: Rate {
                requests: NonZeroU32::new(5).expect("5 is not 0"),
                per: Duration::from_secs(1),
            },
            in_flight_max: 16,
            timeout: Duration::from_secs(35),
            retries_max: 5,
            requests_max: None,
            page_bytes_max: PAGE_BYTES_MAX,
            visibility_lag: Duration::from_mins(10),
            retry: RetryPolicy::default(),
            clock: Clock::system(),
            monitor: Monitor::new(),
        }
    }
}

/// A value, and when it was asked for.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The value.
    pub value: T,
    /// T of walk.md: no later than the moment the request was sent, on the gateway's clock, as
    /// far as the `Date` headers of all answers bound it, and no later on this machine's clock.
    pub sent_at: Timestamp,
    /// The time of the request in the order of this client's requests: never earlier than that of
    /// a request that was sent before, whatever the `Date` headers say. No earlier than `sent_at`.
    pub observed_at: Timestamp,
}

impl<T> Fetched<T> {
    fn at(time: RequestTime, value: T) -> Self {
        Self {
            value,
            sent_at: time.sent_at,
            observed_at: time.observed_at,
        }
    }
}

/// What a gateway says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Name and version as it gives them, or what else it answered.
    pub name: String,
    /// Its clock, in whole seconds, when it answered.
    pub server_date: Option<Timestamp>,
}

/// A client of one gateway. Cheap to clone; clones share connections, limiter and budget.
///
/// After an error whose kind [ends the run](ApiErrorKind::ends_run) it sends nothing more.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Requester>);

impl Gateway {
    /// A client; sends nothing yet.
    ///
    /// # Errors
    /// A base that is not https (loopback excepted), has a path, a query or credentials; a token
    /// that is empty or cannot be a header.
    pub fn new(options: GatewayOptions) -> Result<Self, ApiError> {
        let base = endpoint::checked_base(&options.base)?;
        let token = Token::new(&options.token)?;
        let monitor = options.monitor;
        let limiter = Limiter::new(
            options.rate,
            options.in_flight_max,
            options.requests_max,
            monitor.clone(),
        );
        let exchange = Exchange::new(
            base,
            token,
            options.timeout,
            options.page_bytes_max,
            options.visibility_lag,
            options.clock,
            monitor.clone(),
        )?;
        let requester = Requester::new(
            exchange,
            limiter,
            options.retry,
            options.retries_max,
            monitor,
        );
        Ok(Self(Arc::new(requester)))
    }

    /// One page of a conversation's messages, newest first.
    pub async fn messages(
        &self,
        conversation: &ConversationId,
        skip: u64,
        limit: u32,
    ) -> Result<Fetched<Page>, ApiError> {
        let endpoint = Endpoint::Messages {
            conversation,
            skip,
            limit,
        };
        self.0
            .fetch(endpoint, |answer| parsed(answer, Page::parse))
            .await
    }

    /// The conversations of some phone numbers, at most 50 at once. Numbers that have none are
    /// no error, also where the gateway says so with a 404 (facts.md 5.2).
    pub async fn links(
        &self,
        phone_numbers: &[String],
        organization_id: &str,
    ) -> Result<Fetched<Links>, ApiError> {
        let endpoint = Endpoint::Links {
            phone_numbers,
            organization_id,
        };
        let none = || Links {
            links: Vec::new(),
            not_found: phone_numbers.to_vec(),
            ..Links::default()
        };
        let read = |answer: Answer| {
            let time = answer.time;
            match parsed(answer, |body| Links::parse(&body)) {
                Err(trouble) if trouble.kind == ApiErrorKind::Gone => Ok(Fetched::at(time, none())),
                outcome => outcome,
            }
        };
        self.0.fetch(endpoint, read).await
    }

    /// Whether the gateway answers at all, without a token: name and version as it gives them.
    /// An answer that refuses is one, too; a redirect, a 429 and a 5xx are not.
    pub async fn health(&self) -> Result<Fetched<Health>, ApiError> {
        self.0.fetch(Endpoint::Health, healthy).await
    }
}

fn parsed<T>(
    answer: Answer,
    parse: impl Fn(Bytes) -> Result<T, Malformed>,
) -> Result<Fetched<T>, Trouble> {
    if let Some(trouble) = answer.trouble() {
        return Err(trouble);
    }
    let status = answer::named(answer.status);
    let value = parse(answer.body).map_err(|malformed| {
        let detail = format!("the gateway answered {status}, but {malformed}");
        Trouble::answered(ApiErrorKind::Malformed, detail)
    })?;
    Ok(Fetched::at(answer.time, value))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form of a reader of answers"
)]
fn healthy(answer: Answer) -> Result<Fetched<Health>, Trouble> {
    let is_refusal = (400..500).contains(&answer.status) && !matches!(answer.status, 408 | 429);
    if let Some(trouble) = answer.trouble().filter(|_| !is_refusal) {
        return Err(trouble);
    }
    let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let field = |name: &str| Some(told.as_ref()?.get(name)?.as_str()?.to_owned());
    let words: Vec<_> = [field("name"), field("version")]
        .into_iter()
        .flatten()
        .collect();
    let name = if words.is_empty() {
        format!("a server without a name ({})", answer::named(answer.status))
    } else {
        answer::excerpt(&words.join(" "))
    };
    let server_date = answer::date(&answer.headers);
    Ok(Fetched::at(answer.time, Health { name, server_date }))
}
