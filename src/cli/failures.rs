//! `convault failures`: list them, retry them, waive them with a reason.

use std::collections::BTreeSet;

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted, table},
    sync::{ArchivingArgs, archive},
};
use crate::{
    config::ArchiveArgs,
    model::{ConversationId, FailureClass},
    store::{FailureFilter, FailureRow},
    sync::{Input, input::parse_id},
};

/// List failures, retry them, or waive them with a reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  convault failures list
  convault failures retry
  convault failures waive --reason 'deleted on request' conv_5d1f9c0a
  convault failures waive --reason 'the gateway counts notes' --class count_deficit")]
pub(super) struct FailuresCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(ListCommand),
    Retry(RetryCommand),
    Waive(WaiveCommand),
}

/// Show the failures that are open.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault failures list\n  convault failures list --all --json | jq 'group_by(.class) | map({(.[0].class): length})'"
)]
struct ListCommand {
    /// Only of these conversations.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Resolved and waived ones too.
    #[arg(long)]
    all: bool,
    /// One JSON array in place of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

/// Sync just the conversations that have open failures.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault failures retry\n  convault failures retry conv_5d1f9c0a --page-size 20"
)]
struct RetryCommand {
    /// Only these conversations, of those that failed.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    settings: ArchivingArgs,
}

/// Settle failures that cannot be mended, so that they no longer count for code 3.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault failures waive --reason 'deleted on request' conv_5d1f9c0a\n  convault failures waive --reason 'the gateway counts notes' --class count_deficit"
)]
struct WaiveCommand {
    /// The conversations whose open failures are waived.
    #[arg(value_name = "ID", required_unless_present_any = ["all_open", "class"])]
    ids: Vec<String>,
    /// Every open failure.
    #[arg(long, conflicts_with = "ids")]
    all_open: bool,
    /// Open failures of this class only, such as `count_deficit`: of these conversations, or of any.
    #[arg(long, value_name = "CLASS", value_parser = classes())]
    class: Option<String>,
    /// Why; kept with each failure.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    /// One JSON object about what was done, on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

impl FailuresCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::List(command) => command.run(context).await,
            Action::Retry(command) => command.run(context).await,
            Action::Waive(command) => command.run(context).await,
        }
    }
}

impl ListCommand {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let filter = FailureFilter {
            all: self.all,
            ..filter_of(&self.ids)?
        };
        let store = context.open_to_read("failures list", &self.archive).await?;
        let failures = store.read_failures(&filter).await;
        store.close().await;
        let failures = failures?;
        if self.json {
            output::print_json(&failures)?;
        } else if failures.is_empty() {
            context.tell("No failures.");
        } else {
            output::print(&as_table(&failures))?;
        }
        Ok(Exit::Done)
    }
}

fn as_table(failures: &[FailureRow]) -> String {
    table(
        ["conversation", "class", "reason", "when", "run", "now"],
        failures.iter().map(|failure| {
            [
                failure.conversation_id.clone().unwrap_or_default(),
                failure.class.clone(),
                failure.reason.clone(),
                failure.occurred_at.clone(),
                failure.run_id.0.to_string(),
                standing(failure),
            ]
        }),
    )
}

/// What has become of a failure.
pub(super) fn standing(failure: &FailureRow) -> String {
    match (&failure.resolved_run, &failure.waived_reason) {
        (Some(run), _) => format!("resolved in run {}", run.0),
        (None, Some(reason)) => format!("waived: {reason}"),
        (None, None) if failure.waived_at.is_some() => "waived".to_owned(),
        (None, None) => "open".to_owned(),
    }
}

impl RetryCommand {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let failed = self.failed(context).await;
        if failed.as_ref().is_ok_and(Vec::is_empty) {
            context.tell("No open failures: there is nothing to try again.");
        }
        let input = failed.map(Input::of_ids);
        archive(context, "failures retry", &self.settings, input).await
    }

    /// The conversations with open failures, each once.
    async fn failed(&self, context: &Context) -> Result<Vec<ConversationId>, Failure> {
        let filter = filter_of(&self.ids)?;
        let store = context
            .open_to_read("failures retry", &self.settings.archive)
            .await?;
        let failures = store.read_failures(&filter).await;
        store.close().await;
        let ids: BTreeSet<String> = failures?
            .into_iter()
            .filter_map(|failure| failure.conversation_id)
            .collect();
        Ok(ids.into_iter().map(ConversationId::new).collect())
    }
}

impl WaiveCommand {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let filter = FailureFilter {
            class: self.class.clone(),
            ..filter_of(&self.ids)?
        };
        let (store, _lock) = context
            .open_to_write("failures waive", &self.archive)
            .await?;
        let waived = store.waive_failures(&filter, self.reason.trim()).await;
        store.close().await;
        let waived = waived?;
        if self.json {
            output::print_json(&serde_json::json!({ "waived": waived }))?;
            return Ok(Exit::Done);
        }
        match waived {
            0 => context.tell("No open failure there: nothing was waived."),
            number => context.tell(&format!("Waived {}.", counted(number, "failure"))),
        }
        Ok(Exit::Done)
    }
}

fn classes() -> clap::builder::PossibleValuesParser {
    FailureClass::ALL.map(FailureClass::as_str).into()
}

/// The open failures of the conversations that a person named, by id or by link; of any where
/// none is named. Naming blanks is a mistake, and must not mean all.
fn filter_of(ids: &[String]) -> Result<FailureFilter, Failure> {
    let mut conversations = Vec::with_capacity(ids.len());
    for text in ids {
        let parsed = parse_id(text)
            .map_err(|flaw| Failure::usage(format!("an id makes no sense: {flaw}")))?;
        let id = parsed.ok_or_else(|| Failure::usage("an id is empty"))?;
        conversations.push(id.as_str().to_owned());
    }
    Ok(FailureFilter {
        conversations,
        ..FailureFilter::default()
    })
}
