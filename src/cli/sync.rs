//! `convault sync`: the job.
//!
//! Owns the way from arguments to a run and from its summary to a report, a few lines for a
//! person and an exit code. What a run does is in [`crate::sync`].

use std::{
    fs::File,
    io::{self, BufReader},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
};

use futures::FutureExt;

use super::{
    context::Context,
    outcome::{Exit, Failure, code_of_run, gravest},
    output,
    progress::Progress,
    summary,
};
use crate::{
    api::{Gateway, GatewayOptions},
    config::{
        ArchiveArgs, ArchiveSettings, GatewayArgs, GatewaySettings, RunArgs, gateway_identity,
    },
    model::{RunOutcome, StopReason},
    monitor::Monitor,
    store::Store,
    sync::{
        self, Input, Shutdown, Summary, SyncOptions,
        input::{Collector, InputError},
        report::Report,
    },
};

/// Bring conversations up to date; goes on where the last run stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A list has one id a line; blank lines and # comments are fine, and a link of the web application
counts as its conversation. Several inputs are one list. A line that means nothing stops the run
before its first request.

Examples:
  convault sync conv_5d1f9c0a conv_7a2e11d4
  convault sync --ids-from ids.txt --report last-run.json
  convault sync --ids-from export.csv --ids-column conversation_id
  cut -f1 list.tsv | convault sync --ids-from -
  convault sync --phones-from phones.txt --organization-id org_1
  convault sync --max-duration 50m --rate 100/30m")]
pub(super) struct SyncCommand {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    settings: ArchivingArgs,
}

/// Everything that says how to archive, whatever the list.
#[derive(Debug, clap::Args)]
pub(super) struct ArchivingArgs {
    #[command(flatten)]
    pub(super) gateway: GatewayArgs,
    #[command(flatten)]
    pub(super) archive: ArchiveArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// The list; every conversation that the archive knows where none is given.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArgs {
    /// Ids of conversations; with no input at all, every conversation the archive knows.
    #[arg(value_name = "ID", help_heading = None::<&str>)]
    ids: Vec<String>,

    /// A file with one id a line, or - for standard input.
    #[arg(long, value_name = "FILE")]
    ids_from: Vec<PathBuf>,

    /// The files of --ids-from are CSV, and the ids are in this column.
    #[arg(long, value_name = "NAME", requires = "ids_from")]
    ids_column: Option<String>,

    /// A file with one phone number a line, or -; their conversations are looked up.
    #[arg(long, value_name = "FILE", requires = "organization_id")]
    phones_from: Vec<PathBuf>,

    /// Go on without lines that mean nothing, and say so.
    #[arg(long)]
    skip_bad_lines: bool,

    /// An empty list is fine.
    #[arg(long)]
    allow_empty: bool,
}

impl SyncCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        archive(context, "sync", &self.settings, self.input.read()).await
    }
}

/// Archives a list, reports, and gives the exit code. The report is written whatever happens.
pub(super) async fn archive(
    context: &Context,
    command: &str,
    settings: &ArchivingArgs,
    input: Result<Input, Failure>,
) -> Result<Exit, Failure> {
    let report = settings.run.report.as_deref();
    let attempted = match input {
        Ok(input) => {
            let skipped = input.bad_lines_skipped.len();
            let summary = attempt(context, command, settings, input).await;
            summary.map(|summary| (skipped, summary))
        }
        Err(failure) => Err(failure),
    };
    match attempted {
        Ok((skipped, summary)) => {
            let code = code_of_run(summary.report.outcome, &summary.also);
            summary::tell(context, skipped, &summary);
            let written = write_report(report, &summary);
            let report_code = written.err().map(|failure| {
                context.tell_failure(&failure);
                failure.code
            });
            Ok(Exit::Code(gravest(report_code.into_iter().chain([code]))))
        }
        Err(failure) => {
            let summary = Summary::stopped_before_start(
                failure.stop_reason(),
                failure.message(),
                context.started_at,
                context.clock.now(),
            );
            if let Err(unwritten) = write_report(report, &summary) {
                context.tell_failure(&unwritten);
            }
            Err(failure)
        }
    }
}

/// From settings to a summary; an error is one that came before the run could begin.
async fn attempt(
    context: &Context,
    command: &str,
    settings: &ArchivingArgs,
    input: Input,
) -> Result<Summary, Failure> {
    let gateway_settings = settings.gateway.resolve()?;
    let archive_settings = settings.archive.resolve()?;
    let secret = gateway_settings.token.secret.clone();
    context.telemetry.redact(secret);
    for warning in &gateway_settings.token.warnings {
        tracing::warn!("{warning}");
    }
    tell_input(&input);
    let monitor = Monitor::new();
    let gateway = Gateway::new(GatewayOptions {
        visibility_lag: settings.run.visibility_lag,
        ..gateway_settings.options(&context.clock, &monitor)
    })?;
    let shutdown = Shutdown::on_signals(abort)
        .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
    let holder = archive_settings
        .store_options(command, &context.clock)
        .holder;
    let options = options(&gateway_settings, &settings.run, holder);
    // The lock is freed when this function ends: after the store is closed.
    let (store, _lock) = open(context, command, &archive_settings, &gateway_settings).await?;
    if let Err(failure) = refuse_an_empty_archive(&store, &input).await {
        store.close().await;
        return Err(failure);
    }
    let progress = Progress::start(context, &monitor);
    let notice = tokio::spawn(tell_stopping(shutdown.clone()));
    let run = sync::run(
        &gateway,
        &store,
        input,
        &options,
        &shutdown,
        &monitor,
        &context.clock,
    );
    let summary = AssertUnwindSafe(run).catch_unwind().await;
    notice.abort();
    progress.finish().await;
    let closed = store.close_synced().await;
    let summary = summary.map_err(|_panic| {
        Failure::unexpected("the run broke off; what it had committed is kept")
            .with_hint("this is a bug in convault; the lines above say where")
    })?;
    Ok(match closed {
        Ok(()) => summary,
        Err(error) => summary.but_stopped(StopReason::Database, error.to_string()),
    })
}

/// Without a list the archive is the list. Where that knows nothing, "complete" would be true
/// and would hide a mistyped path for ever.
async fn refuse_an_empty_archive(store: &Store, input: &Input) -> Result<(), Failure> {
    let counts = input.all_known && !input.may_be_empty;
    if !counts || !store.read_conversation_keys().await?.is_empty() {
        return Ok(());
    }
    Err(nothing_known())
}

/// Neither a list nor anything in the archive.
pub(super) fn nothing_known() -> Failure {
    Failure::usage("no list was given, and the archive knows no conversation yet").with_hint(
        "name ids, --ids-from FILE or --phones-from FILE; or say --allow-empty if that is as \
         it should be",
    )
}

async fn open(
    context: &Context,
    command: &str,
    archive: &ArchiveSettings,
    gateway: &GatewaySettings,
) -> Result<(Store, crate::store::RunLock), Failure> {
    let options = archive.store_options(command, &context.clock);
    let (store, lock) = Store::open(&options).await?;
    let bound = store.bind_gateway(&gateway_identity(&gateway.base)).await;
    let zone = match bound {
        Ok(()) => store.keep_time_zone(archive.time_zone.as_deref()).await,
        Err(error) => Err(error),
    };
    if let Err(error) = zone {
        store.close().await;
        return Err(error.into());
    }
    Ok((store, lock))
}

fn options(gateway: &GatewaySettings, run: &RunArgs, holder: String) -> SyncOptions {
    SyncOptions {
        page_size: run.page_size,
        concurrency: gateway.concurrency as usize,
        full: run.full,
        visibility_lag: run.visibility_lag,
        lookback: run.lookback,
        audit_share: run.audit_share,
        accept_deletions: run.accept_deletions,
        max_duration: run.max_duration,
        organization_id: gateway.organization_id.clone(),
        holder,
    }
}

pub(super) fn tell_input(input: &Input) {
    if input.duplicates > 0 {
        tracing::info!("{} given more than once were folded", input.duplicates);
    }
    if input.bad_lines_skipped.is_empty() {
        return;
    }
    tracing::warn!(
        "going on without {} bad lines",
        input.bad_lines_skipped.len()
    );
    for bad_line in &input.bad_lines_skipped {
        tracing::warn!("left out: {bad_line}");
    }
}

async fn tell_stopping(shutdown: Shutdown) {
    shutdown.cancelled().await;
    if matches!(
        shutdown.requested(),
        Some(StopReason::Interrupted | StopReason::Terminated)
    ) {
        tracing::warn!("stopping after what is under way is committed; once more ends at once");
    }
}

/// A second signal: every commit so far stands, and what is under way is lost.
#[expect(
    clippy::exit,
    reason = "the person has asked twice; a commit is crash-safe at any moment"
)]
pub(super) fn abort(reason: StopReason) {
    std::process::exit(i32::from(RunOutcome::Stopped(reason).exit_code()));
}

fn write_report(path: Option<&Path>, summary: &Summary) -> Result<(), Failure> {
    let Some(path) = path else {
        return Ok(());
    };
    let report = Report::new(summary);
    if is_standard_stream(path) {
        // A reader that has gone is no trouble of the run's.
        return match output::print(&report.to_json()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        };
    }
    report.write(path).map_err(|error| {
        Failure::unexpected(format!("writing the report {}: {error}", path.display()))
            .with_hint("the run itself is in the archive, and `convault status` shows it")
            .with_hint("the run itself is in the archive, and `convault status` shows it")
    })
}

impl InputArgs {
    /// The list, all inputs together.
    pub(super) fn read(&self) -> Result<Input, Failure> {
        if self.ids.is_empty() && self.ids_from.is_empty() && self.phones_from.is_empty() {
            return Ok(Input {
                may_be_empty: self.allow_empty,
                ..Input::all_known()
            });
        }
        for id in self.ids.iter().filter(|id| Path::new(id).is_file()) {
            tracing::warn!("{id} is taken as an id; for the file of that name say --ids-from {id}");
        }
        let files = self.ids_from.iter().chain(&self.phones_from);
        if files.filter(|path| is_standard_stream(path)).count() > 1 {
            return Err(Failure::usage("standard input can be read only once"));
        }
        let mut collector = Collector::new();
        collector.add_arguments(self.ids.iter().map(String::as_str));
        for path in &self.ids_from {
            let (name, reader) = open_input(path)?;
            match &self.ids_column {
                Some(column) => collector.add_csv(&name, column, reader)?,
                None => collector.add_ids(&name, reader)?,
            }
        }
        for path in &self.phones_from {
            let (name, reader) = open_input(path)?;
            collector.add_phones(&name, reader)?;
        }
        Ok(collector.finish(self.skip_bad_lines, self.allow_empty)?)
    }
}

fn is_standard_stream(path: &Path) -> bool {
    path == Path::new("-")
}

pub(super) fn open_input(
    path: &Path,
) -> Result<(String, BufReader<Box<dyn io::Read>>), InputError> {
    if is_standard_stream(path) {
        let reader: Box<dyn io::Read> = Box::new(io::stdin());
        return Ok(("standard input".to_owned(), BufReader::new(reader)));
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok((name, BufReader::new(Box::new(file)))),
        Err(error) => Err(InputError::Unreadable {
            source_name: name,
            error,
        }),
    }
}
