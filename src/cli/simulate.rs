//! `convault simulate`: a simulated gateway on a port.

use std::time::Duration;

use super::{
    context::Context,
    outcome::{Exit, Failure},
};
use crate::config::parse_duration;

/// Serve a simulated gateway on a port of this machine, until it is interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  convault simulate --port 8080 --seed 7 --rate-limit 100/30m")]
pub(super) struct SimulateCommand {
    /// The port on 127.0.0.1; 0 takes a free one and says which.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(super) port: u16,

    /// What conversations and faults are made from; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,

    /// How many conversations.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(super) conversations: u32,

    /// About how many messages in all.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) messages: u64,

    /// How long each answer takes.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    pub(super) latency: Duration,

    /// Answer 429 to more requests than this in a time: 5/s, 100/30m.
    #[arg(long, value_name = "N/TIME")]
    pub(super) rate_limit: Option<String>,

    /// Leave `Retry-After` out of a 429, as the real gateway does.
    #[arg(long, requires = "rate_limit")]
    pub(super) no_retry_after: bool,

    /// The share of requests that are answered with a fault: 5%, 0.05.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = crate::config::parse_share)]
    pub(super) faults: f64,

    /// Let messages arrive, change and vanish while they are read.
    #[arg(long)]
    pub(super) mutations: bool,

    /// Never return more than this many messages in a page, whatever is asked for.
    #[arg(long, value_name = "N")]
    pub(super) limit_cap: Option<u32>,

    /// The token that the simulated gateway accepts; not a secret.
    #[arg(long, value_name = "TEXT", default_value = "api_simulated")]
    pub(super) token: String,
}

impl SimulateCommand {
    #[expect(clippy::unused_async, reason = "every command has this form")]
    pub(super) async fn run(&self, _context: &Context) -> Result<Exit, Failure> {
        Err(Failure::unexpected(
            "the simulator is not part of this build",
        ))
    }
}
