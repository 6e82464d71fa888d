//! The gateway client: one method an endpoint, behind one limiter.
//!
//! Owns HTTP, the token, the rate, retries and what a status means. Knows nothing of rows.

mod error;

pub use error::{ApiError, ApiErrorKind};

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::{
    clock::Clock,
    model::{ConversationId, Timestamp},
    monitor::Monitor,
    wire::{Links, Page},
};

/// How many requests in how much time: `5/s`, `100/30m`, `2.5/s` is refused (say `5/2s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests in each [`Rate::per`].
    pub requests: NonZeroU32,
    /// The time they are spread over.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(_text: &str) -> Result<Self, Self::Err> {
        unimplemented!()
    }
}

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
    /// The time of day.
    pub clock: Clock,
    /// What is counted.
    pub monitor: Monitor,
}

/// A value, and when it was asked for.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The value.
    pub value: T,
    /// T of walk.md: no later than the moment the request was sent, on the gateway's clock:
    /// the `Date` header (whole seconds, rounded down) less the time the exchange took.
    /// This machine's clock less that time where there was no readable `Date`.
    pub sent_at: Timestamp,
}

/// A client of one gateway. Cheap to clone; clones share connections, limiter and budget.
#[derive(Debug, Clone)]
pub struct Gateway;

impl Gateway {
    /// A client; sends nothing yet.
    ///
    /// # Errors
    /// A base that is not https (loopback excepted), has a path, a query or credentials; a token
    /// that is empty or cannot be a header.
    pub fn new(_options: GatewayOptions) -> Result<Self, ApiError> {
        unimplemented!()
    }

    /// One page of a conversation's messages, newest first.
    pub async fn messages(
        &self,
        _conversation: &ConversationId,
        _skip: u64,
        _limit: u32,
    ) -> Result<Fetched<Page>, ApiError> {
        unimplemented!()
    }

    /// The conversations of some phone numbers, at most 50 at once.
    pub async fn links(
        &self,
        _phone_numbers: &[String],
        _organization_id: &str,
    ) -> Result<Fetched<Links>, ApiError> {
        unimplemented!()
    }

    /// Whether the gateway answers at all, without a token: name and version as it gives them.
    pub async fn health(&self) -> Result<Fetched<String>, ApiError> {
        unimplemented!()
    }
}
