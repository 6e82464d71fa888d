//! The access token: the one place that looks inside it.
//!
//! Owns its trimming, its form as a header and its removal from any text that leaves this
//! module. Invariant: the token is in no error, log or `Debug`.

use std::fmt;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{ApiError, ApiErrorKind};

/// What stands in a text where the token stood.
const REDACTED: &str = "[token]";

/// A token that can be a header.
#[derive(Clone)]
pub(super) struct Token {
    secret: SecretString,
    header: HeaderValue,
}

impl Token {
    /// Takes the token as it was read from a file or the environment: white space and line ends
    /// around it are dropped, because the gateway puts it into a URL as it is (facts.md 4.1).
    pub(super) fn new(secret: &SecretString) -> Result<Self, ApiError> {
        let refused = |why: String| ApiError::new(ApiErrorKind::Configuration, why);
        let text = secret.expose_secret().trim();
        if text.is_empty() {
            return Err(refused("the access token is empty".to_owned()));
        }
        if let Some(at) = text.chars().position(|c| !c.is_ascii_graphic()) {
            return Err(refused(format!(
                "the access token cannot be sent: its character {} is a space, a line end or \
                 another one that no token has; give the token alone, on one line",
                at + 1
            )));
        }
        if text.starts_with("acc_") {
            tracing::warn!(
                "the access token starts with acc_, which is a user's session; the gateway's /3rd \
                 routes want a third-party token (api_…) and will most likely answer 401"
            );
        }
        let mut header = HeaderValue::from_str(text)
            .map_err(|_| refused("the access token cannot be a header".to_owned()))?;
        header.set_sensitive(true);
        Ok(Self {
            secret: SecretString::from(text),
            header,
        })
    }

    /// The value of `x-access-token`, marked sensitive.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// `text` without the token, whatever its case.
    pub(super) fn redact(&self, text: &str) -> String {
        let token = self.secret.expose_secret().to_ascii_lowercase();
        let lower = text.to_ascii_lowercase();
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for (at, _) in lower.match_indices(&token) {
            clean.push_str(&text[from..at]);
            clean.push_str(REDACTED);
            from = at + token.len();
        }
        clean.push_str(&text[from..]);
        clean
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Token, ApiError> {
        Token::new(&SecretString::from(text))
    }

    #[test]
    fn white_space_around_the_token_is_dropped_and_the_header_is_sensitive() {
        let token = token(" \r\napi_canary\r\n").unwrap();
        assert_eq!(token.header().as_bytes(), b"api_canary");
        assert!(token.header().is_sensitive());
        assert!(!format!("{token:?}{:?}", token.header()).contains("canary"));
    }

    #[test]
    fn a_token_that_cannot_be_a_header_is_refused_without_being_shown() {
        for text in [
            "",
            " \n",
            "api_can\nary",
            "api_can\0ary",
            "api_can ary",
            "api_canäry",
            "api_can\tary",
        ] {
            let error = token(text).unwrap_err();
            assert_eq!(error.kind, ApiErrorKind::Configuration);
            assert!(!error.to_string().contains("api_can"), "{error}");
        }
    }

    #[test]
    fn redaction_finds_the_token_everywhere_in_any_case() {
        let token = token("api_canary").unwrap();
        assert_eq!(
            token.redact("é api_canary, API_CANARYapi_canary: api_canar"),
            "é [token], [token][token]: api_canar"
        );
    }
}
