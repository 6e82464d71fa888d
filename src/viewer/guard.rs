//! Which requests are answered at all, and what every answer says about itself.
//!
//! A request must ask to read, and under a name of this site: a page from elsewhere whose name was
//! made to lead to this machine (DNS rebinding) is told nothing.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Site, refusal::Refusal};

/// Nothing but our own style sheet and icon is loaded, and no script runs.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// The longest path with its parameters; ids are under 200 characters, words of a search too.
const URI_BYTES_MAX: usize = 8_000;

/// The names of this site.
#[derive(Debug)]
pub(super) struct Hosts {
    address: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    /// Those of the loopback, the address that is listened on, and the names that were given.
    pub(super) fn new(address: IpAddr, names: &[String]) -> Self {
        Self {
            address,
            names: names.iter().map(|name| bare(name)).collect(),
        }
    }

    fn allows(&self, host: &str) -> bool {
        let name = bare(host);
        let inside = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = inside.unwrap_or(&name);
        let is_own_address = address.parse::<IpAddr>().is_ok_and(|address| {
            address.is_loopback() || (address == self.address && !address.is_unspecified())
        });
        name == "localhost" || is_own_address || self.names.contains(&name)
    }
}

/// The name alone: without a port, in small letters, without the dot of the root. As it is where
/// something else than a port follows: no name is like that.
fn bare(host: &str) -> String {
    let end = match host.find(']') {
        Some(bracket) if host.starts_with('[') => bracket + 1,
        _ if host.matches(':').count() == 1 => host.find(':').unwrap_or(host.len()),
        _ => host.len(),
    };
    let is_port = |after: &str| {
        let digits = after.strip_prefix(':');
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (name, after) = host.split_at(end);
    if !after.is_empty() && !is_port(after) {
        return host.to_owned();
    }
    let name = name.to_ascii_lowercase();
    name.strip_suffix('.').unwrap_or(&name).to_owned()
}

/// Refuses what is not to be answered, and dresses every answer.
pub(super) async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    site.requests.fetch_add(1, Ordering::Relaxed);
    // Without the query: it may hold words that somebody looks for.
    tracing::debug!(method = %request.method(), path = request.uri().path(), "asked");
    let mut response = match refused(&site.hosts, &request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refused(hosts: &Hosts, request: &Request) -> Option<Refusal> {
    match named(request.headers(), request.uri()) {
        None => return Some(Refusal::NoHost),
        Some(host) if !hosts.allows(&host) => return Some(Refusal::ForeignHost(host)),
        Some(_) => {}
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(Refusal::Method);
    }
    let uri = request.uri();
    let bytes = uri.path().len() + uri.query().map_or(0, str::len);
    (bytes > URI_BYTES_MAX).then_some(Refusal::TooLong)
}

/// The one name under which is asked; `None` where there is none, or more than one.
fn named(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut given = headers.get_all(HOST).iter();
    let header = match (given.next(), given.next()) {
        (Some(header), None) => header.to_str().ok()?,
        _ => return None,
    };
    match uri.authority() {
        Some(authority) if bare(authority.as_str()) != bare(header) => None,
        _ => Some(header.to_owned()),
    }
}

/// What may be asked instead.
pub(super) fn allowed_methods() -> (HeaderName, HeaderValue) {
    (ALLOW, HeaderValue::from_static("GET, HEAD"))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn names_of_the_loopback_are_allowed_under_any_port_and_no_other_is() {
        let hosts = Hosts::new(Ipv4Addr::LOCALHOST.into(), &["Chats.Example:80".to_owned()]);
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.:1",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "chats.example",
            "chats.example:9000",
        ] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "127.0.0.1@example.org",
            "192.168.0.7",
            "0.0.0.0",
            "[::]",
            "[::1",
            "localhost:80:80",
        ] {
            assert!(!hosts.allows(host), "{host}");
        }
    }

    #[test]
    fn an_address_that_is_listened_on_is_a_name_and_all_addresses_are_none() {
        let lan: IpAddr = Ipv4Addr::new(192, 168, 0, 7).into();
        assert!(Hosts::new(lan, &[]).allows("192.168.0.7:8080"));
        let any = Hosts::new(Ipv6Addr::UNSPECIFIED.into(), &[]);
        assert!(!any.allows("[::]:8080"));
        assert!(!any.allows("192.168.0.7:8080"));
    }
}
