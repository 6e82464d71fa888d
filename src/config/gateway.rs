//! Which gateway, with which token, at which pace.

use std::time::Duration;

use url::Url;

use super::{ConfigError, Token, duration::parse_positive_duration, text_variable};
use crate::{
    api::{GatewayOptions, Rate, RetryPolicy},
    clock::Clock,
    monitor::Monitor,
};

/// The vendor's environments and their gateways.
const ENVIRONMENTS: [(&str, &str); 5] = [
    ("product", "https://app-gateway.imbrace.co"),
    ("demo", "https://app-gateway.demo.imbrace.co"),
    ("dev", "https://app-gateway.dev.imbrace.co"),
    ("sandbox", "https://app-gateway.sandbox.imbrace.co"),
    ("stable", "https://app-gatewayv2.imbrace.co"),
];

/// The options that say which gateway and at which pace.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Gateway")]
pub struct GatewayArgs {
    /// The gateway, without a path. Beats the environment's `IMBRACE_ENV`.
    #[arg(long, value_name = "URL", env = "IMBRACE_GATEWAY_URL")]
    pub gateway_url: Option<String>,

    /// The organisation of the token; needed to look conversations up by phone number.
    #[arg(long, value_name = "ID", env = "IMBRACE_ORGANIZATION_ID")]
    pub organization_id: Option<String>,

    /// The most requests in a time, retries included: 5/s, 100/30m.
    #[arg(
        long,
        value_name = "N/TIME",
        env = "CONVAULT_RATE",
        default_value = "5/s"
    )]
    pub rate: String,

    /// The most requests in flight, and conversations worked on, at once.
    #[arg(long, value_name = "N", env = "CONVAULT_CONCURRENCY", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub concurrency: u32,

    /// How long one request may take, its body included. The gateway itself gives up at 30 s.
    #[arg(long, value_name = "TIME", env = "CONVAULT_TIMEOUT", default_value = "35s",
          value_parser = parse_positive_duration)]
    pub timeout: Duration,

    /// How often one request is repeated after a failure that may pass, while others succeed.
    #[arg(long, value_name = "N", env = "CONVAULT_MAX_RETRIES", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub max_retries: u32,

    /// How long to wait for a gateway that gives no answer at all before stopping (code 5).
    #[arg(long, value_name = "TIME", env = "CONVAULT_GIVE_UP_AFTER", default_value = "5m",
          value_parser = parse_positive_duration)]
    pub give_up_after: Duration,

    /// Stop after this many requests, retries included; the next run goes on there (code 5).
    #[arg(long, value_name = "N", env = "CONVAULT_MAX_REQUESTS")]
    pub max_requests: Option<u64>,
}

/// A gateway that can be talked to.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// The base, without a path.
    pub base: Url,
    /// The token.
    pub token: Token,
    /// The limit of requests over time.
    pub rate: Rate,
    /// The bound on requests in flight.
    pub concurrency: u32,
    /// The time-out of one request.
    pub timeout: Duration,
    /// How often one request is repeated at most.
    pub max_retries: u32,
    /// How long the gateway may give no answer at all.
    pub give_up_after: Duration,
    /// How many requests may be sent in all.
    pub max_requests: Option<u64>,
    /// The organisation of the token.
    pub organization_id: Option<String>,
}

impl GatewayArgs {
    /// Which gateway: the URL, else what `IMBRACE_ENV` names.
    ///
    /// # Errors
    /// None named, an unknown name, or no URL at all. A URL's user and password are not shown.
    pub fn base(&self) -> Result<Url, ConfigError> {
        if let Some(text) = &self.gateway_url {
            return parse_base(text, "the gateway URL");
        }
        let Some(name) = text_variable("IMBRACE_ENV")? else {
            return Err(ConfigError::new("no gateway named").with_hint(
                "set IMBRACE_ENV to product, demo, dev, sandbox or stable, or give the URL with \
                 --gateway-url or IMBRACE_GATEWAY_URL",
            ));
        };
        base_of_environment(name.trim())
    }

    /// Which gateway, if one is named at all.
    ///
    /// # Errors
    /// An unknown name, or no URL at all.
    pub fn base_if_named(&self) -> Result<Option<Url>, ConfigError> {
        if self.gateway_url.is_none() && text_variable("IMBRACE_ENV")?.is_none() {
            return Ok(None);
        }
        self.base().map(Some)
    }

    /// The limit of requests over time.
    ///
    /// # Errors
    /// It is not of the form.
    pub fn rate(&self) -> Result<Rate, ConfigError> {
        let rate = self.rate.parse();
        rate.map_err(|error| ConfigError::new(format!("--rate: {error}")))
    }

    /// Validates all of it and reads the token.
    ///
    /// # Errors
    /// The first setting that is missing or makes no sense.
    pub fn resolve(&self) -> Result<GatewaySettings, ConfigError> {
        let base = self.base()?;
        let token = Token::read()?;
        let rate = self.rate()?;
        Ok(GatewaySettings {
            base,
            token,
            rate,
            concurrency: self.concurrency,
            timeout: self.timeout,
            max_retries: self.max_retries,
            give_up_after: self.give_up_after,
            max_requests: self.max_requests,
            organization_id: self.organization_id.clone(),
        })
    }
}

impl GatewaySettings {
    /// What the client is made from.
    pub fn options(&self, clock: &Clock, monitor: &Monitor) -> GatewayOptions {
        GatewayOptions {
            rate: self.rate,
            in_flight_max: self.concurrency as usize,
            timeout: self.timeout,
            retries_max: self.max_retries,
            requests_max: self.max_requests,
            retry: RetryPolicy {
                give_up_after: Some(self.give_up_after),
                ..RetryPolicy::default()
            },
            clock: clock.clone(),
            monitor: monitor.clone(),
            ..GatewayOptions::new(self.base.clone(), self.token.secret.clone())
        }
    }
}

/// The form of a gateway's URL that an archive is bound to: scheme, host and port.
pub fn gateway_identity(base: &Url) -> String {
    base.origin().ascii_serialization()
}

/// Reads the URL of a gateway; `what` names it in the error.
///
/// # Errors
/// No URL, not of the web, or with credentials, which are not shown.
pub fn parse_base(text: &str, what: &str) -> Result<Url, ConfigError> {
    let hint = "it is a scheme and a host, such as https://app-gateway.imbrace.co";
    let url = Url::parse(text.trim())
        .map_err(|error| ConfigError::new(format!("{what} is no URL: {error}")).with_hint(hint))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err(ConfigError::new(format!("{what} is not an https URL")).with_hint(hint));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new(format!("{what} holds a user or a password")).with_hint(hint));
    }
    Ok(url)
}

fn base_of_environment(name: &str) -> Result<Url, ConfigError> {
    let (_, base) = ENVIRONMENTS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| {
            ConfigError::new("IMBRACE_ENV names no environment that is known").with_hint(
                "it is product, demo, dev, sandbox or stable; any other gateway is given with \
                 --gateway-url",
            )
        })?;
    Ok(Url::parse(base).expect("the table holds URLs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_has_a_gateway() {
        for (name, base) in ENVIRONMENTS {
            assert_eq!(gateway_identity(&base_of_environment(name).unwrap()), base);
        }
        assert!(base_of_environment("production").is_err());
    }

    #[test]
    fn the_identity_forgets_slash_case_and_default_port() {
        for text in [
            "https://a.example",
            "https://a.example/",
            "HTTPS://A.example:443",
        ] {
            let base = parse_base(text, "x").unwrap();
            assert_eq!(gateway_identity(&base), "https://a.example");
        }
        let local = parse_base("http://127.0.0.1:9/", "x").unwrap();
        assert_eq!(gateway_identity(&local), "http://127.0.0.1:9");
    }

    #[test]
    fn a_url_with_credentials_is_refused_and_not_shown() {
        let error = parse_base("https://user:canary@a.example", "the gateway URL").unwrap_err();
        assert!(!error.message.contains("canary"));
        for text in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "file:///etc/passwd",
        ] {
            assert!(parse_base(text, "x").is_err(), "{text}");
        }
    }
}
