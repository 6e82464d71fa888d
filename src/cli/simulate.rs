//! `convault simulate`: a simulated gateway on a port.

use std::{str::FromStr, time::Duration};

use serde_json::json;

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted},
};
use crate::{
    config::parse_duration,
    model::{RunOutcome, StopReason},
    simulator::{
        CorpusOptions, DEMO_TOKEN, Faults, Mutations, RateLimit, RetryAfter, Simulator,
        SimulatorOptions,
    },
    sync::Shutdown,
};

/// Serve a simulated gateway on a port of this machine, until it is interrupted.
///
/// With --ids it only prints the ids of its conversations, for a list to sync.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  convault simulate --ids > ids.txt    the list that belongs to seed 1
  convault simulate                    serve it; it prints what to set in the terminal that syncs
  convault simulate --port 8080 --seed 7 --rate-limit 100/30m
  convault simulate --port 8080 --faults 502=0.01,reset=0.01 --mutations arrive=0.05,delete=0.01")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct SimulateCommand {
    /// The port on 127.0.0.1; 0 takes a free one and says which.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,

    /// What conversations and faults are made from; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How many conversations.
    #[arg(long, value_name = "N", default_value_t = 200)]
    conversations: u32,

    /// How many messages in all.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    messages: u64,

    /// How long each answer takes.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration)]
    latency: Duration,

    /// Answer 429 to more requests than this in a time: 5/s, 100/30m.
    #[arg(long, value_name = "N/TIME", value_parser = RateLimit::from_str)]
    rate_limit: Option<RateLimit>,

    /// Leave `Retry-After` out of a 429, as the real gateway does.
    #[arg(long, requires = "rate_limit")]
    no_retry_after: bool,

    /// Faults and how often: 502=0.01, reset=@3 (the third request of each conversation).
    #[arg(long, value_name = "SPEC", default_value = "", value_parser = Faults::parse)]
    faults: Faults,

    /// Changes while it is read, and how often: arrive=0.05,delete=0.01.
    #[arg(long, value_name = "SPEC", default_value = "", value_parser = Mutations::parse)]
    mutations: Mutations,

    /// Never return more than this many messages in a page, whatever is asked for.
    #[arg(long, value_name = "N")]
    limit_cap: Option<usize>,

    /// Do not compress answers.
    #[arg(long)]
    no_gzip: bool,

    /// Print the ids of the conversations, one a line, and end.
    #[arg(long)]
    ids: bool,

    /// One JSON object on standard output, once it serves: where, and with which token.
    #[arg(long, conflicts_with = "ids")]
    json: bool,

    /// The token that the simulated gateway accepts; not a secret.
    #[arg(long, value_name = "TEXT", default_value = DEMO_TOKEN)]
    token: String,
}

impl SimulateCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut options = self.options(context);
        if self.ids {
            // The ids depend on the seed alone; the port may be that of a simulator which runs.
            options.port = 0;
        }
        let simulator = start(options).await?;
        if self.ids {
            let mut ids = simulator.conversation_ids().join("\n");
            ids.push('\n');
            output::print(&ids)?;
            simulator.stop().await;
            return Ok(Exit::Done);
        }
        let shutdown = Shutdown::on_signals(super::sync::abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        if self.json {
            output::print_json(&json!({
                "url": simulator.base_url(),
                "token": simulator.token(),
                "organization_id": simulator.organization_id(),
                "messages": simulator.message_count(),
                "conversations": self.conversations,
            }))?;
        }
        context.tell(&format!(
            "simulated gateway at {}: {}, {}",
            simulator.base_url(),
            counted(simulator.message_count(), "message"),
            counted(u64::from(self.conversations), "conversation"),
        ));
        context.tell(&format!(
            "token {}, organisation {}; Ctrl-C ends it",
            simulator.token(),
            simulator.organization_id()
        ));
        context.tell(&format!(
            "export IMBRACE_GATEWAY_URL={} IMBRACE_ACCESS_TOKEN={} IMBRACE_ORGANIZATION_ID={}",
            simulator.base_url(),
            simulator.token(),
            simulator.organization_id()
        ));
        shutdown.cancelled().await;
        let requests = simulator.stats().requests;
        simulator.stop().await;
        context.tell(&format!("served {}", counted(requests, "request")));
        let reason = shutdown.requested().unwrap_or(StopReason::Interrupted);
        Ok(Exit::Code(RunOutcome::Stopped(reason).exit_code()))
    }

    fn options(&self, context: &Context) -> SimulatorOptions {
        let mut faults = self.faults.clone();
        faults.latency = faults.latency.max(self.latency);
        faults.limit_cap = self.limit_cap.or(faults.limit_cap);
        let mut rate_limit = self.rate_limit;
        if let Some(limit) = rate_limit.as_mut().filter(|_| self.no_retry_after) {
            limit.retry_after = RetryAfter::Missing;
        }
        SimulatorOptions {
            corpus: CorpusOptions {
                seed: self.seed,
                conversations: self.conversations,
                messages: self.messages,
                ..CorpusOptions::default()
            },
            faults,
            mutations: self.mutations.clone(),
            rate_limit,
            port: self.port,
            token: self.token.clone(),
            clock: context.clock.clone(),
            gzip: !self.no_gzip,
            ..SimulatorOptions::default()
        }
    }
}

/// Starts a simulator, or says why its port could not be had.
pub(super) async fn start(options: SimulatorOptions) -> Result<Simulator, Failure> {
    let port = options.port;
    Simulator::start(options).await.map_err(|error| {
        Failure::usage(format!(
            "starting the simulated gateway on port {port}: {error}"
        ))
        .with_hint("--port 0 takes any port that is free")
    })
}
