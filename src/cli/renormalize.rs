//! `convault renormalize`: derived rows anew from the stored raw messages.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted, grouped},
    progress::Progress,
    sync::abort,
};
use crate::{
    config::ArchiveArgs,
    model::{RunOutcome, StopReason},
    monitor::Monitor,
    renormalize::{self, RenormalizeOptions, Renormalized},
    sync::Shutdown,
};

/// Rebuild all derived rows from the stored raw messages; asks the gateway for nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
For an archive that an older convault wrote, which knew fewer types of messages, or one whose
derived rows were damaged. Only rows that differ are written; raw messages, versions and proofs are
not touched. Holds the archive as a run does. Stop it whenever you like: the next one goes on there.

Examples:
  convault renormalize
  convault renormalize --restart && convault verify")]
pub(super) struct RenormalizeCommand {
    /// Begin anew where an earlier one was interrupted.
    #[arg(long)]
    restart: bool,

    /// One JSON object about what was done, on standard output.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    archive: ArchiveArgs,
}

impl RenormalizeCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let shutdown = Shutdown::on_signals(abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        let settings = self.archive.resolve()?;
        let options = RenormalizeOptions {
            restart: self.restart,
            holder: settings.store_options("renormalize", &context.clock).holder,
        };
        let (store, _lock) = context.open_to_write("renormalize", &self.archive).await?;
        let monitor = Monitor::new();
        let progress = Progress::of_messages(context, &monitor);
        let stop = || shutdown.requested();
        let done = renormalize::run(&store, &options, stop, &monitor, &context.clock).await;
        progress.finish().await;
        store.close().await;
        let done = done?;
        if self.json {
            output::print_json(&as_json(&done))?;
        } else {
            context.tell(&summary(&done));
        }
        if let Some(error) = done.failed {
            return Err(error.into());
        }
        Ok(match done.outcome {
            RunOutcome::Complete => Exit::Done,
            other => Exit::Code(other.exit_code()),
        })
    }
}

fn as_json(done: &Renormalized) -> Value {
    json!({
        "outcome": done.outcome.as_str(),
        "exit_code": done.outcome.exit_code(),
        "resumed": done.resumed,
        "messages": done.messages,
        "changed": done.changed,
        "rows": done.rows,
        "recounted": done.recounted,
        "damaged": done.damaged,
    })
}

fn summary(done: &Renormalized) -> String {
    let mut text = match done.outcome {
        RunOutcome::Stopped(reason) => format!("{}, so ", cause(reason)),
        _ if done.resumed => "Went on where the last one was interrupted: ".to_owned(),
        _ => String::new(),
    };
    write!(
        text,
        "{} looked at, {} changed ({} written)",
        counted(done.messages, "message"),
        grouped(done.changed),
        counted(done.rows, "row"),
    )
    .expect("a string takes all");
    if done.recounted > 0 {
        let conversations = counted(done.recounted, "conversation");
        write!(text, ", the live messages of {conversations} counted again")
            .expect("a string takes all");
    }
    text.push('.');
    if matches!(done.outcome, RunOutcome::Stopped(_)) {
        text.push_str(" The next one goes on there.");
    }
    if done.damaged > 0 {
        let versions = counted(done.damaged, "version");
        write!(
            text,
            " {versions} left as they are: the raw JSON is damaged; `convault verify` names each."
        )
        .expect("a string takes all");
    }
    text
}

const fn cause(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Interrupted => "Interrupted (SIGINT)",
        StopReason::Terminated => "Terminated (SIGTERM)",
        _ => "Stopped early",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(outcome: RunOutcome) -> Renormalized {
        Renormalized {
            outcome,
            resumed: false,
            messages: 1_200,
            changed: 3,
            rows: 4,
            damaged: 0,
            recounted: 0,
            failed: None,
        }
    }

    #[test]
    fn the_summary_says_what_was_written_and_what_was_not() {
        assert_eq!(
            summary(&done(RunOutcome::Complete)),
            "1 200 messages looked at, 3 changed (4 rows written)."
        );
        let stopped = done(RunOutcome::Stopped(StopReason::Terminated));
        assert_eq!(
            summary(&stopped),
            "Terminated (SIGTERM), so 1 200 messages looked at, 3 changed (4 rows written). \
             The next one goes on there."
        );
        let damaged = Renormalized {
            damaged: 2,
            recounted: 1,
            resumed: true,
            ..done(RunOutcome::Complete)
        };
        assert_eq!(
            summary(&damaged),
            "Went on where the last one was interrupted: 1 200 messages looked at, 3 changed \
             (4 rows written), the live messages of 1 conversation counted again. 2 versions left \
             as they are: the raw JSON is damaged; `convault verify` names each."
        );
    }
}
