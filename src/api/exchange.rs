//! One attempt: a request goes out, its answer comes in whole or not at all.
//!
//! Owns the HTTP client and its settings, the headers, the time-out, and the cap on what is
//! read. Invariants: no redirect is followed and nothing is repeated behind the limiter's back;
//! the token goes to the configured origin alone; memory is bounded whatever the gateway sends.

use std::{error::Error as _, fmt::Write as _, io, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Response,
    header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use tokio::time::Instant;
use url::Url;

use super::{
    ApiError, ApiErrorKind,
    answer::{self, Answer, Trouble},
    coding::{self, Decoders, Flaw},
    endpoint::is_loopback,
    server_clock::ServerClock,
    token::Token,
};
use crate::{
    clock::Clock,
    model::{RequestTime, Timestamp},
    monitor::{Counter, Monitor},
};

const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-access-token");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The gateway's own time to connect is far below this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Room that is made before an answer has come: more than a page of a hundred messages has.
const EXPECTED_BYTES_MAX: usize = 256 * 1024;
/// As much of an error's body is read as can matter.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// The headers of one answer, for HTTP/2; HTTP/1 has the HTTP library's own bounds of 100 lines and 400 KiB.
const HEADER_BYTES_MAX: u32 = 64 * 1024;

/// A way to send single requests to one gateway.
pub(super) struct Exchange {
    client: Client,
    base: Url,
    token: Token,
    timeout: Duration,
    page_bytes_max: usize,
    decoders: Decoders,
    clock: Clock,
    server_clock: ServerClock,
    monitor: Monitor,
}

impl Exchange {
    pub(super) fn new(
        base: Url,
        token: Token,
        timeout: Duration,
        page_bytes_max: usize,
        lag: Duration,
        clock: Clock,
        monitor: Monitor,
    ) -> Result<Self, ApiError> {
        let client = client(&base)?;
        Ok(Self {
            client,
            base,
            token,
            timeout,
            page_bytes_max,
            decoders: Decoders::default(),
            clock,
            server_clock: ServerClock::new(lag),
            monitor,
        })
    }

    /// The gateway's base.
    pub(super) const fn base(&self) -> &Url {
        &self.base
    }

    /// The token, to keep it out of texts.
    pub(super) const fn token(&self) -> &Token {
        &self.token
    }

    /// This machine's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends one request and reads its answer, within the time-out.
    pub(super) async fn send(
        &self,
        url: &Url,
        with_token: bool,
        request_id: &str,
    ) -> Result<Answer, Trouble> {
        tokio::time::timeout(self.timeout, self.receive(url, with_token, request_id))
            .await
            .unwrap_or_else(|_| {
                let seconds = self.timeout.as_secs_f64();
                let detail = format!("no whole answer within {seconds} s");
                Err(Trouble::transport(ApiErrorKind::Timeout, detail))
            })
    }

    async fn receive(
        &self,
        url: &Url,
        with_token: bool,
        request_id: &str,
    ) -> Result<Answer, Trouble> {
        let mut request = self.client.get(url.clone()).header(REQUEST_ID, request_id);
        if with_token && url.origin() == self.base.origin() {
            request = request.header(ACCESS_TOKEN, self.token.header());
        }
        let begun = self.server_clock.begin(Instant::now());
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that sends; its caller holds the limiter's permit"
        )]
        let mut response = request.send().await.map_err(|error| transport(&error))?;
        let headed = Instant::now();
        let status = response.status().as_u16();
        tracing::debug!(request_id, status, "answer");
        let body = if response.status().is_success() {
            self.read_whole(&mut response).await?
        } else {
            self.read_error(&mut response).await
        };
        let headers = std::mem::take(response.headers_mut());
        let now = self.clock.now();
        let local = now.minus(ceil_ms(begun.elapsed()));
        let date = answer::date(&headers);
        let time = self.server_clock.answered(begun, date, headed, local);
        self.note_date(&time, date, local);
        Ok(Answer {
            status,
            headers,
            body,
            asked: url.clone(),
            time,
            now,
        })
    }

    /// Counts a `Date` that decides nothing, and reports the first.
    fn note_date(&self, time: &RequestTime, date: Option<Timestamp>, local: Timestamp) {
        if let Some(date) = date.filter(|_| time.has_wrong_date)
            && self.monitor.count_first(Counter::WrongDates)
        {
            tracing::warn!(
                "the gateway's Date, {date}, and this machine's clock, {local}, differ by more than \
                 the visibility lag: the archive keeps its own order, and claims no more than the \
                 earlier of the two allows; `convault doctor` compares the clocks"
            );
        }
    }

    /// The decoded body, refused as soon as it is over the cap.
    async fn read_whole(&self, response: &mut Response) -> Result<Bytes, Trouble> {
        let bytes_max = self.page_bytes_max;
        let too_large = || {
            let detail = format!("the answer is over {bytes_max} bytes, decoded");
            Trouble::answered(ApiErrorKind::TooLarge, detail)
        };
        let announced = response.content_length().unwrap_or(0);
        if announced > u64::try_from(bytes_max).unwrap_or(u64::MAX) {
            return Err(too_large());
        }
        let announced = usize::try_from(announced).unwrap_or(bytes_max);
        let mut body = BytesMut::with_capacity(announced.min(EXPECTED_BYTES_MAX));
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
            self.received(&chunk);
            if chunk.len() > bytes_max - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        // One that is not packed is held by its messages: in no more memory than it needs.
        let body = if body.capacity() > body.len() {
            Bytes::copy_from_slice(&body)
        } else {
            body.freeze()
        };
        let body = self.decoders.decoded(response.headers(), body, bytes_max);
        body.map_err(|flaw| match flaw {
            Flaw::TooLarge => too_large(),
            Flaw::BrokenOff => {
                let detail = "the answer broke off: its gzip has no end";
                Trouble::transport(ApiErrorKind::Transport, detail)
            }
            Flaw::NotGzip(error) => {
                let detail = format!("the answer is not the gzip that it says it is: {error}");
                Trouble::answered(ApiErrorKind::Malformed, detail)
            }
            Flaw::NotAsked(coding) => {
                let coding = answer::excerpt(&coding);
                let detail = format!("the answer is packed as `{coding}`, which was not asked for");
                Trouble::answered(ApiErrorKind::Malformed, detail)
            }
        })
    }

    /// The first part of the body of an error; the status stands even if it breaks off.
    async fn read_error(&self, response: &mut Response) -> Bytes {
        let mut body = BytesMut::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            self.received(&chunk);
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
        let decoders = &self.decoders;
        decoders.decoded_part(response.headers(), body.freeze(), ERROR_BYTES_MAX)
    }

    fn received(&self, chunk: &Bytes) {
        self.monitor.add(
            Counter::BytesReceived,
            u64::try_from(chunk.len()).unwrap_or(u64::MAX),
        );
    }
}

fn client(base: &Url) -> Result<Client, ApiError> {
    // An error says that the process has one already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding::ACCEPTED));
    let mut builder = Client::builder()
        .user_agent(concat!("convault/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(30))
        // A dead connection that many requests share must not time each of them out.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if base.scheme() == "http" {
        // No TLS here, so a machine without root certificates will do.
        builder = builder.tls_certs_only([]);
    } else {
        builder = builder.https_only(true);
    }
    builder.build().map_err(|error| {
        let why = chain(&error);
        ApiError::new(
            ApiErrorKind::Configuration,
            format!("the HTTP client cannot be set up: {why}"),
        )
    })
}

/// A failure below HTTP's statuses, or of decoding.
fn transport(error: &reqwest::Error) -> Trouble {
    let detail = chain(error);
    if is_undecodable(error) {
        return Trouble::answered(ApiErrorKind::Malformed, detail);
    }
    let timed_out = error.is_timeout() && !error.is_connect();
    let kind = if timed_out {
        ApiErrorKind::Timeout
    } else {
        ApiErrorKind::Transport
    };
    Trouble::transport(kind, detail)
}

/// Whether a body came that is not what its `Content-Encoding` says.
fn is_undecodable(error: &reqwest::Error) -> bool {
    error.is_decode()
        && causes(error).any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|io| {
                matches!(
                    io.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                )
            })
        })
}

/// What went wrong, from the outside in, without the URL.
fn chain(error: &reqwest::Error) -> String {
    let what = match error {
        error if error.is_connect() => "no connection",
        error if error.is_decode() || error.is_body() => "the answer broke off",
        error if error.is_builder() => "the request cannot be built",
        _ => "no answer",
    };
    let mut text = what.to_owned();
    for cause in causes(error) {
        let cause = answer::excerpt(&cause.to_string());
        if !text.contains(&cause) {
            let _ = write!(text, ": {cause}");
        }
    }
    text
}

fn causes<'a>(
    error: &'a reqwest::Error,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// Up to the next whole millisecond: a time that is to be no later is rounded away from now.
fn ceil_ms(duration: Duration) -> Duration {
    let ms = duration.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_rounded_up_to_the_millisecond() {
        assert_eq!(ceil_ms(Duration::ZERO), Duration::ZERO);
        assert_eq!(ceil_ms(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(ceil_ms(Duration::from_millis(7)), Duration::from_millis(7));
        assert_eq!(
            ceil_ms(Duration::from_micros(7_001)),
            Duration::from_millis(8)
        );
    }
}
