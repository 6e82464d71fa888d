//! What every command is given: the clock, the way to standard error, a runtime.

use std::future::Future;

use super::{
    outcome::{Exit, Failure},
    output::printable,
};
use crate::{
    clock::Clock,
    config::{ArchiveArgs, LogFormat, LoggingArgs},
    model::Timestamp,
    store::{DatabaseUrl, RunLock, Store},
    telemetry::Telemetry,
};

/// What every command is given.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) telemetry: Telemetry,
    pub(super) logging: LoggingArgs,
    /// When the command began.
    pub(super) started_at: Timestamp,
}

impl Context {
    /// Starts logging and the clock.
    pub(super) fn start(logging: &LoggingArgs) -> Self {
        let clock = Clock::system();
        Self {
            started_at: clock.now(),
            clock,
            telemetry: Telemetry::start(logging),
            logging: logging.clone(),
        }
    }

    /// Runs an asynchronous command to its end.
    pub(super) fn block_on(
        command: impl Future<Output = Result<Exit, Failure>>,
    ) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::unexpected(format!("starting the runtime: {error}")))?;
        let result = runtime.block_on(command);
        // A blocked thread of a library must not keep a finished command alive.
        runtime.shutdown_background();
        result
    }

    /// Whether log lines are JSON, so that nothing else may be on standard error.
    pub(super) fn speaks_json(&self) -> bool {
        self.logging.log_format == LogFormat::Json
    }

    /// Tells the person a line; as a log line where those are JSON.
    pub(super) fn tell(&self, line: &str) {
        if self.speaks_json() {
            tracing::info!("{}", printable(line));
        } else if !self.logging.quiet {
            self.telemetry.tell(&lines_printable(line));
        }
    }

    /// Tells why the command ended.
    pub(super) fn tell_failure(&self, failure: &Failure) {
        let message = failure.message();
        if self.speaks_json() {
            tracing::error!(
                exit_code = failure.code,
                hint = failure.hint.as_deref(),
                "{}",
                printable(&message)
            );
            return;
        }
        self.telemetry
            .tell(&format!("error: {}", lines_printable(&message)));
        if let Some(hint) = &failure.hint {
            self.telemetry.tell(&format!("  hint: {}", printable(hint)));
        }
    }

    /// The archive, for reading alone.
    pub(super) async fn open_to_read(
        &self,
        command: &str,
        args: &ArchiveArgs,
    ) -> Result<Store, Failure> {
        let options = args.resolve()?.store_options(command, &self.clock);
        Ok(Store::open_read_only(&options).await?)
    }

    /// An archive that exists already, for a command that changes it beside any run.
    pub(super) async fn open_to_write(
        &self,
        command: &str,
        args: &ArchiveArgs,
    ) -> Result<(Store, RunLock), Failure> {
        let settings = args.resolve()?;
        let options = settings.store_options(command, &self.clock);
        if let DatabaseUrl::Sqlite(path) = &options.url
            && !path.exists()
        {
            let shown = path.display();
            let missing = anyhow::anyhow!("there is no archive at {shown}");
            return Err(Failure::new(8, missing)
                .with_hint("--db or DATABASE_URL names it; `convault sync` makes one"));
        }
        let (store, lock) = Store::open(&options).await?;
        let zone = store.keep_time_zone(settings.time_zone.as_deref()).await;
        if let Err(error) = zone {
            store.close().await;
            return Err(error.into());
        }
        Ok((store, lock))
    }
}

/// As [`printable`], line ends kept.
fn lines_printable(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}
