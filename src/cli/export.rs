//! `convault export`: messages out of the archive, into files that others read.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use super::{
    context::Context,
    filter::{FilterArgs, time},
    outcome::{Exit, Failure},
    output::counted,
    progress::Progress,
    sync::abort,
};
use crate::{
    config::ArchiveArgs,
    export::{self, CellStyle, ExportCounts, ExportError, ExportOptions, Format, Output},
    model::{RunId, RunOutcome},
    monitor::Monitor,
    sync::Shutdown,
};

/// Take messages out: JSON lines, CSV, Parquet or HTML, with a manifest.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An export is one state of the archive, also beside a run. Conversations come in the order in which
the archive met them, messages by time. Nothing is under the name that is asked for until all of it
is there; a manifest (FILE.manifest.json, or _manifest.json inside) has counts and SHA-256.

Examples:
  convault export --format csv --output messages.csv --deleted exclude
  convault export --format parquet --partition month --output messages/
  convault export --format html --output pages/ --conversation conv_5d1f9c0a
  convault export --shape vendor | jq .content
  convault export --since-run 12 --output changes.jsonl
  convault export --as-of 2026-03-01 --format csv --output then.csv")]
pub(super) struct ExportCommand {
    /// What to write.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: FormatArg,

    /// The file or directory to write; standard output where none is named, or for `-`.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// One file for each local month, in folders (`year=2026/month=03`) below --output.
    #[arg(long, value_name = "BY")]
    partition: Option<PartitionArg>,

    /// Put a directory in the place of an earlier export. A file is always replaced.
    #[arg(long)]
    replace: bool,

    /// JSON lines: one row a message, or the JSON of the gateway as it was received.
    #[arg(long, value_name = "SHAPE")]
    shape: Option<ShapeArg>,

    /// CSV: leave cells as they are that a spreadsheet would run (`=`, `+`, `-`, `@` in front);
    /// else they get a `'` in front.
    #[arg(long)]
    raw_cells: bool,

    /// CSV: begin with a byte order mark, by which Excel knows UTF-8.
    #[arg(long)]
    bom: bool,

    /// The manifest of an export to standard output.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// Only what is new, changed, deleted or there again since this run, and which of these; 0: from
    /// the beginning. A manifest says `next_since_run`.
    #[arg(long, value_name = "RUN", conflicts_with = "as_of")]
    since_run: Option<i64>,

    /// The archive as it was: every commit before the first that was recorded later than this time,
    /// in the state of then.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// The zone of local days, months and shown times, where it is not to be the archive's.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    archive: ArchiveArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FormatArg {
    Jsonl,
    Csv,
    Parquet,
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ShapeArg {
    Flat,
    Vendor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PartitionArg {
    Month,
}

impl ExportCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let (format, output) = (self.format()?, self.output()?);
        let shutdown = Shutdown::on_signals(abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        let store = context.open_to_read("export", &self.archive).await?;
        let options = ExportOptions {
            format,
            filter: self.filter.resolve(&store).await?,
            since_run: self.since_run.map(RunId),
            as_of: time(
                self.as_of.as_deref(),
                "--as-of",
                &store.read_time_zone().await?,
            )?,
            time_zone: self.time_zone.clone(),
            output,
        };
        let monitor = Monitor::new();
        let progress = Progress::of_messages(context, &monitor);
        let stop = || shutdown.requested();
        let done = export::run(&store, &options, stop, &monitor, &context.clock).await;
        progress.finish().await;
        store.close().await;
        match done {
            Ok(counts) => {
                context.tell(&summary(&counts, self.target()));
                Ok(Exit::Done)
            }
            Err(ExportError::Stopped(reason)) => {
                context.tell("Stopped before the export was whole; nothing was written.");
                Ok(Exit::Code(RunOutcome::Stopped(reason).exit_code()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The path that is written; `None` for standard output.
    fn target(&self) -> Option<&Path> {
        self.output
            .as_deref()
            .filter(|path| *path != Path::new("-"))
    }

    fn format(&self) -> Result<Format, Failure> {
        let is = |format| self.format == format;
        if self.shape.is_some() && !is(FormatArg::Jsonl) {
            return Err(Failure::usage("--shape is of --format jsonl alone"));
        }
        if (self.raw_cells || self.bom) && !is(FormatArg::Csv) {
            return Err(Failure::usage(
                "--raw-cells and --bom are of --format csv alone",
            ));
        }
        Ok(match self.format {
            FormatArg::Jsonl if self.shape == Some(ShapeArg::Vendor) => Format::Vendor,
            FormatArg::Jsonl => Format::Flat,
            FormatArg::Csv => Format::Csv(CellStyle {
                are_raw: self.raw_cells,
                has_mark: self.bom,
            }),
            FormatArg::Parquet => Format::Parquet,
            FormatArg::Html => Format::Html,
        })
    }

    fn output(&self) -> Result<Output, Failure> {
        let is_html = self.format == FormatArg::Html;
        if is_html && self.partition.is_some() {
            return Err(Failure::usage(
                "HTML is not partitioned: it has a page for each conversation",
            ));
        }
        let is_directory = is_html || self.partition.is_some();
        if self.replace && !is_directory {
            return Err(Failure::usage(
                "--replace is of directories; a file is always replaced",
            ));
        }
        if self.manifest.is_some() && self.target().is_some() {
            return Err(
                Failure::usage("--manifest is of standard output alone").with_hint(
                    "beside a file it is FILE.manifest.json, in a directory _manifest.json",
                ),
            );
        }
        match self.target() {
            Some(path) if is_directory => Ok(Output::Directory {
                path: path.to_owned(),
                may_replace: self.replace,
            }),
            Some(path) => Ok(Output::File(path.to_owned())),
            None if is_directory => Err(Failure::usage("a directory does not fit standard output")
                .with_hint("name it with --output")),
            None if self.format == FormatArg::Parquet && io::stdout().is_terminal() => Err(
                Failure::usage("Parquet is nothing to be read on a terminal")
                    .with_hint("name a file with --output, or pipe it on"),
            ),
            None => Ok(Output::Stdout {
                manifest: self.manifest.clone(),
            }),
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Refused { message, hint } => Self::usage(message).with_hint(hint),
            // As such, so that a reader who has gone is known for what it is.
            ExportError::Stdout(source) => source.into(),
            ExportError::Damaged { .. } => Self::new(8, error),
            ExportError::File { .. } => {
                Self::new(1, error).with_hint("what was there before is there as it was")
            }
            ExportError::Stopped(reason) => {
                Self::new(RunOutcome::Stopped(reason).exit_code(), error)
            }
        }
    }
}

fn summary(counts: &ExportCounts, target: Option<&Path>) -> String {
    let what = match counts.changes {
        None => format!(
            "{} of {}",
            counted(counts.messages, "message"),
            counted(counts.conversations, "conversation")
        ),
        Some(changes) => format!(
            "{} ({} new, {} changed, {} deleted, {} there again)",
            counted(counts.messages, "message"),
            changes.new,
            changes.changed,
            changes.deleted,
            changes.reappeared
        ),
    };
    let place = target.map_or_else(
        || "standard output".to_owned(),
        |path| path.display().to_string(),
    );
    let files = match counts.files {
        1 => String::new(),
        files => format!("{}, ", counted(files, "file")),
    };
    format!(
        "Exported {what} to {place} ({files}{}).",
        counted(counts.bytes, "byte")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::ChangeCounts;

    #[test]
    fn the_summary_says_how_much_went_where() {
        let counts = ExportCounts {
            messages: 1_200,
            conversations: 1,
            files: 1,
            bytes: 65_536,
            ..ExportCounts::default()
        };
        assert_eq!(
            summary(&counts, None),
            "Exported 1 200 messages of 1 conversation to standard output (65 536 bytes)."
        );
        let feed = ExportCounts {
            files: 3,
            changes: Some(ChangeCounts {
                new: 1,
                changed: 2,
                deleted: 3,
                reappeared: 4,
            }),
            ..counts
        };
        assert_eq!(
            summary(&feed, Some(Path::new("out"))),
            "Exported 1 200 messages (1 new, 2 changed, 3 deleted, 4 there again) to out \
             (3 files, 65 536 bytes)."
        );
    }
}
