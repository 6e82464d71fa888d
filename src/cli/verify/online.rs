//! `convault verify --online`: settings as those of `sync`, the answer as that of `verify`.

use std::{fmt::Write as _, time::Duration};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{FindingsJson, MISMATCH, SCHEMA_VERSION, VerifyCommand, as_text, told_findings};
use crate::{
    api::Gateway,
    cli::{
        context::Context,
        outcome::{Exit, Failure, gravest},
        output::{self, counted, grouped},
        progress::Progress,
        sync::abort,
    },
    config::gateway_identity,
    model::StopReason,
    monitor::Monitor,
    store::{Store, StoreError},
    sync::Shutdown,
    verify::{self, Compared, OnlineOptions, OnlineReport, Stopped},
};

/// The exit code where a conversation could not be compared.
const INCOMPLETE: u8 = 3;

/// λ where the person names none: that of `sync`.
const LAG: Duration = Duration::from_mins(10);

/// The archive against its gateway.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Online")]
pub(super) struct OnlineArgs {
    /// Compare with the gateway instead: by ids, content and count.
    #[arg(long)]
    pub(super) online: bool,

    /// Only so many conversations, chosen by --seed.
    #[arg(long, value_name = "N", requires = "online",
          value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,

    /// The same seed chooses the same conversations; another one each time where none is given.
    #[arg(long, value_name = "N", requires = "sample")]
    seed: Option<u64>,

    /// Messages asked for in one page.
    #[arg(long, value_name = "N", env = "CONVAULT_PAGE_SIZE", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    page_size: u32,
}

impl VerifyCommand {
    pub(super) async fn run_online(&self, context: &Context) -> Result<Exit, Failure> {
        let conversations = self.chosen.read()?;
        let settings = self.gateway.resolve()?;
        context.telemetry.redact(settings.token.secret.clone());
        for warning in &settings.token.warnings {
            tracing::warn!("{warning}");
        }
        let monitor = Monitor::new();
        let gateway = Gateway::new(settings.options(&context.clock, &monitor))?;
        let options = OnlineOptions {
            conversations,
            sample: self.online.sample.map(|sample| sample as usize),
            seed: self.online.seed.unwrap_or_else(|| drawn(context)),
            page_size: self.online.page_size,
            concurrency: settings.concurrency as usize,
            visibility_lag: self.visibility_lag.unwrap_or(LAG),
            findings_max: self.limit,
        };
        let shutdown = Shutdown::on_signals(abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        let store = context.open_to_read("verify", &self.archive).await?;
        let ours = gateway_identity(&settings.base);
        let report = match is_of_gateway(&store, &ours).await {
            Ok(()) => compare(context, &gateway, &store, &options, &shutdown, &monitor).await,
            Err(failure) => Err(failure),
        };
        store.close().await;
        self.show_online(context, &options, &report?, shutdown.requested())
    }

    fn show_online(
        &self,
        context: &Context,
        options: &OnlineOptions,
        report: &OnlineReport,
        asked_to_stop: Option<StopReason>,
    ) -> Result<Exit, Failure> {
        if self.json {
            output::print_json(&Json::of(options, report))?;
        } else {
            output::print(&as_text(&report.findings))?;
        }
        context.tell(&summary(options, report));
        let mut codes = Vec::new();
        if report.findings.total() > 0 {
            codes.push(MISMATCH);
        }
        if report.compared.not_compared > 0 {
            codes.push(INCOMPLETE);
        }
        match &report.stopped {
            None => {}
            Some(Stopped::Cancelled) => {
                let reason = asked_to_stop.unwrap_or(StopReason::Interrupted);
                codes.push(crate::model::RunOutcome::Stopped(reason).exit_code());
            }
            Some(Stopped::Api(error)) => codes.push(told(context, &error.clone().into())),
            Some(Stopped::Store(error)) => {
                let message = format!("reading the archive: {}", super::chain(error));
                let failure = Failure::new(error.exit_code(), anyhow::Error::msg(message));
                codes.push(told(context, &failure));
            }
        }
        Ok(Exit::Code(gravest(codes)))
    }
}

fn told(context: &Context, failure: &Failure) -> u8 {
    context.tell_failure(failure);
    failure.code
}

/// A seed for whoever names none; it is told, so that the choice can be had again.
fn drawn(context: &Context) -> u64 {
    context.started_at.as_millis().unsigned_abs() % 1_000_000
}

/// An archive is compared with its own gateway alone.
async fn is_of_gateway(store: &Store, asked: &str) -> Result<(), Failure> {
    match store.read_gateway().await? {
        Some(archived) if archived != asked => Err(StoreError::OtherGateway {
            archived,
            asked: asked.to_owned(),
        }
        .into()),
        _ => Ok(()),
    }
}

async fn compare(
    context: &Context,
    gateway: &Gateway,
    store: &Store,
    options: &OnlineOptions,
    shutdown: &Shutdown,
    monitor: &Monitor,
) -> Result<OnlineReport, Failure> {
    let cancel = CancellationToken::new();
    let watch = tokio::spawn({
        let (cancel, shutdown) = (cancel.clone(), shutdown.clone());
        async move {
            shutdown.cancelled().await;
            cancel.cancel();
        }
    });
    let progress = Progress::start(context, monitor);
    let report = verify::online(gateway, store, options, &cancel, monitor).await;
    progress.finish().await;
    watch.abort();
    Ok(report?)
}

#[derive(Debug, Serialize)]
struct Json<'a> {
    schema_version: u32,
    /// The seed of the sample, where there was one.
    seed: Option<u64>,
    compared: Compared,
    not_compared: Vec<NotCompared<'a>>,
    stopped_because: Option<String>,
    #[serde(flatten)]
    findings: FindingsJson<'a>,
}

#[derive(Debug, Serialize)]
struct NotCompared<'a> {
    conversation_id: &'a str,
    reason: &'a str,
}

impl<'a> Json<'a> {
    fn of(options: &OnlineOptions, report: &'a OnlineReport) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            seed: options.sample.map(|_| options.seed),
            compared: report.compared,
            not_compared: report
                .not_compared
                .iter()
                .map(|(conversation_id, reason)| NotCompared {
                    conversation_id,
                    reason,
                })
                .collect(),
            stopped_because: report.stopped.as_ref().map(|stopped| super::chain(stopped)),
            findings: FindingsJson::of(&report.findings),
        }
    }
}

fn summary(options: &OnlineOptions, report: &OnlineReport) -> String {
    let compared = report.compared;
    let sample = options.sample.map_or_else(String::new, |_| {
        format!(" (a sample, --seed {})", options.seed)
    });
    let mut text = format!(
        "Compared {} of {}{sample}, {}, in {}: {}",
        grouped(compared.conversations),
        counted(compared.chosen, "conversation"),
        counted(compared.messages, "message"),
        counted(compared.requests, "request"),
        told_findings(&report.findings, "nothing differs")
    );
    for (number, what) in [
        (compared.newer, "listed and newer than the archive"),
        (compared.edited_since, "edited since"),
        (compared.older_states, "listed in an earlier state"),
        (compared.back, "listed again"),
        (
            compared.unconfirmed,
            "not listed by one page, and not confirmed",
        ),
    ] {
        if number > 0 {
            let messages = counted(number, "message");
            write!(text, "\n  {messages} {what}: no finding").expect("a string takes all");
        }
    }
    for (id, reason) in &report.not_compared {
        write!(text, "\n  {id} could not be compared: {reason}").expect("a string takes all");
    }
    let more = compared
        .not_compared
        .saturating_sub(report.not_compared.len() as u64);
    if more > 0 {
        write!(text, "\n  and {} more", grouped(more)).expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Check, Findings, Place};

    fn report() -> OnlineReport {
        let mut findings = Findings::keeping(5);
        let place = Place::conversation("conv_1").message("m");
        findings.add(Check::OnlineMissing, place, "a", "b");
        OnlineReport {
            findings,
            compared: Compared {
                chosen: 3,
                conversations: 2,
                not_compared: 1,
                messages: 1_200,
                newer: 4,
                requests: 15,
                ..Compared::default()
            },
            not_compared: vec![("conv_3".to_owned(), "404".to_owned())],
            stopped: None,
        }
    }

    fn options() -> OnlineOptions {
        OnlineOptions {
            conversations: None,
            sample: Some(3),
            seed: 17,
            page_size: 100,
            concurrency: 1,
            visibility_lag: LAG,
            findings_max: 5,
        }
    }

    #[test]
    fn the_summary_names_the_seed_the_requests_and_what_is_no_finding() {
        assert_eq!(
            summary(&options(), &report()),
            "Compared 2 of 3 conversations (a sample, --seed 17), 1 200 messages, in 15 requests: \
             1 finding (online_missing 1).\n  4 messages listed and newer than the archive: no \
             finding\n  conv_3 could not be compared: 404"
        );
    }

    #[test]
    fn json_has_the_same_findings_and_what_was_compared() {
        let report = report();
        let json = serde_json::to_value(Json::of(&options(), &report)).unwrap();
        assert_eq!(json["seed"], 17);
        assert_eq!(json["compared"]["newer"], 4);
        assert_eq!(json["findings_by_check"]["online_missing"], 1);
        assert_eq!(json["not_compared"][0]["conversation_id"], "conv_3");
    }
}
