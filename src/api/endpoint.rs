//! The allow-list: the only requests that convault can make of a gateway.
//!
//! Owns paths and queries. Invariant: whatever an id holds, the URL stays on the configured
//! origin and on one of the three paths below.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::{ApiError, ApiErrorKind};
use crate::model::ConversationId;

/// How many phone numbers one request may ask for.
const PHONE_NUMBERS_MAX: usize = 50;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request that may be sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Endpoint<'a> {
    /// `GET /3rd/conversations/{id}/messages`
    Messages {
        conversation: &'a ConversationId,
        skip: u64,
        limit: u32,
    },
    /// `GET /3rd/conversations/links`
    Links {
        phone_numbers: &'a [String],
        organization_id: &'a str,
    },
    /// `GET /`, the only one without a token.
    Health,
}

impl Endpoint<'_> {
    /// Whether the token goes with it.
    pub(super) const fn wants_token(&self) -> bool {
        !matches!(self, Self::Health)
    }

    /// Whose request it is: others are about something else.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::Messages { conversation, .. } => conversation.as_str(),
            Self::Links { .. } => "phone numbers",
            Self::Health => "health",
        }
    }

    /// The URL on a base that [`checked_base`] has passed.
    pub(super) fn url(&self, base: &Url) -> Result<Url, ApiError> {
        let refused = |why: &str| {
            Err(ApiError::new(
                ApiErrorKind::Rejected,
                format!("{self}: not asked: {why}"),
            ))
        };
        let mut url = base.clone();
        match *self {
            Self::Messages {
                conversation,
                skip,
                limit,
            } => {
                let id = conversation.as_str();
                // A URL's path drops such segments, also where their dots are encoded.
                if matches!(id, "" | "." | "..") {
                    return refused("this cannot be the id of a conversation");
                }
                let id = utf8_percent_encode(id, RESERVED);
                url.set_path(&format!("/3rd/conversations/{id}/messages"));
                url.query_pairs_mut()
                    .append_pair("limit", &limit.to_string())
                    .append_pair("skip", &skip.to_string());
            }
            Self::Links {
                phone_numbers,
                organization_id,
            } => {
                if phone_numbers.is_empty() || phone_numbers.len() > PHONE_NUMBERS_MAX {
                    return refused("one request takes from 1 to 50 phone numbers");
                }
                url.set_path("/3rd/conversations/links");
                url.query_pairs_mut()
                    .extend_pairs(phone_numbers.iter().map(|number| ("phone_numbers", number)))
                    .append_pair("organization_id", organization_id);
            }
            Self::Health => url.set_path("/"),
        }
        Ok(url)
    }
}

impl fmt::Display for Endpoint<'_> {
    /// What is being done, to what; phone numbers are counted, not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages {
                conversation,
                skip,
                limit,
            } => write!(
                f,
                "messages of conversation {} (skip {skip}, limit {limit})",
                conversation.as_str().escape_debug()
            ),
            Self::Links { phone_numbers, .. } => {
                write!(f, "conversations of {} phone numbers", phone_numbers.len())
            }
            Self::Health => f.write_str("health of the gateway"),
        }
    }
}

/// The base as requests are built on it: https, or http to this machine; no path, query,
/// fragment or credentials.
pub(super) fn checked_base(base: &Url) -> Result<Url, ApiError> {
    let refused = |why: String| Err(ApiError::new(ApiErrorKind::Configuration, why));
    let Some(host) = base.host_str().filter(|host| !host.is_empty()) else {
        return refused("the gateway URL has no host: say https://HOST".to_owned());
    };
    let port = base
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let origin = format!("{}://{host}{port}", base.scheme());
    if !base.username().is_empty() || base.password().is_some() {
        return refused(format!(
            "the gateway URL holds credentials: say {origin} and give the token apart"
        ));
    }
    match base.scheme() {
        "https" => {}
        "http" if is_loopback(base) => {}
        "http" => {
            return refused(format!(
                "the gateway URL {origin} would send the token in the clear: say https://{host}{port} \
                 (http is for this machine alone)"
            ));
        }
        scheme => {
            return refused(format!(
                "the gateway URL is {scheme}: say https://{host}{port}"
            ));
        }
    }
    if base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
        return refused(format!(
            "the gateway URL has a path, a query or a fragment, and the paths are added to it: \
             say {origin}"
        ));
    }
    Ok(base.clone())
}

/// Whether the host is this machine by its very name.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Result<Url, ApiError> {
        checked_base(&Url::parse(text).unwrap())
    }

    fn messages_url(id: &str) -> Result<Url, ApiError> {
        Endpoint::Messages {
            conversation: &ConversationId::new(id),
            skip: 200,
            limit: 100,
        }
        .url(&base("https://gateway.example.com:8443/").unwrap())
    }

    #[test]
    fn a_base_is_https_or_loopback_and_bare() {
        for good in [
            "https://app-gateway.imbrace.co",
            "https://app-gateway.imbrace.co/",
            "https://gateway.example.com:8443",
            "http://127.0.0.1:80",
            "http://127.8.9.10:1234/",
            "http://[::1]:1234",
            "http://localhost:1234",
        ] {
            assert!(base(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app-gateway.imbrace.co",
            "http://localhost.example.com",
            "http://128.0.0.1",
            "https://app-gateway.imbrace.co/3rd",
            "https://app-gateway.imbrace.co//",
            "https://app-gateway.imbrace.co?x",
            "https://app-gateway.imbrace.co/#x",
            "https://user:canary@app-gateway.imbrace.co",
            "ftp://app-gateway.imbrace.co",
            "file:///etc/passwd",
            "data:text/plain,x",
        ] {
            let error = base(bad).unwrap_err();
            assert_eq!(error.kind, ApiErrorKind::Configuration, "{bad}");
            assert!(error.message.contains("say http"), "{bad}: {error}");
            assert!(!error.message.contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_id_never_leaves_its_place_in_the_path() {
        for (id, path) in [
            ("conv_1-a.b~c", "conv_1-a.b~c"),
            ("../../x?y#z", "..%2F..%2Fx%3Fy%23z"),
            ("%2e%2e", "%252e%252e"),
            ("...", "..."),
            ("a\\b\r\nc d", "a%5Cb%0D%0Ac%20d"),
            ("é@:;&=+", "%C3%A9%40%3A%3B%26%3D%2B"),
        ] {
            assert_eq!(
                messages_url(id).unwrap().as_str(),
                format!(
                    "https://gateway.example.com:8443/3rd/conversations/{path}/messages?limit=100&skip=200"
                ),
            );
        }
        for id in ["", ".", ".."] {
            assert_eq!(
                messages_url(id).unwrap_err().kind,
                ApiErrorKind::Rejected,
                "{id:?}"
            );
        }
    }

    #[test]
    fn links_repeat_the_phone_numbers_and_take_fifty_at_most() {
        let base = base("http://127.0.0.1:9").unwrap();
        let ask = |phone_numbers: &[String]| {
            Endpoint::Links {
                phone_numbers,
                organization_id: "org & co",
            }
            .url(&base)
        };
        assert_eq!(
            ask(&["85200000000".to_owned(), "+1".to_owned()])
                .unwrap()
                .as_str(),
            "http://127.0.0.1:9/3rd/conversations/links\
             ?phone_numbers=85200000000&phone_numbers=%2B1&organization_id=org+%26+co"
        );
        assert_eq!(ask(&[]).unwrap_err().kind, ApiErrorKind::Rejected);
        assert!(ask(&vec!["1".to_owned(); 50]).is_ok());
        assert_eq!(
            ask(&vec!["1".to_owned(); 51]).unwrap_err().kind,
            ApiErrorKind::Rejected
        );
    }

    proptest::proptest! {
        #[test]
        fn any_id_at_all_stays_in_one_segment(id in ".*") {
            if let Ok(url) = messages_url(&id) {
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                proptest::prop_assert_eq!(segments.len(), 4);
                proptest::prop_assert_eq!(&segments[..2], &["3rd", "conversations"]);
                proptest::prop_assert_eq!(segments[3], "messages");
                let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
                proptest::prop_assert_eq!(decoded, id);
                proptest::prop_assert_eq!(url.query(), Some("limit=100&skip=200"));
                proptest::prop_assert_eq!(url.fragment(), None);
                proptest::prop_assert_eq!(url.host_str(), Some("gateway.example.com"));
            }
        }
    }
}
