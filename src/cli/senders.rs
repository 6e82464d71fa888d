//! `convault senders`: names for the ids of senders, in and out as CSV.

mod list;

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted},
};
use crate::{config::ArchiveArgs, store::NamesStats};
use list::List;

/// The largest list that is read: some hundred thousand names.
const BYTES_MAX: u64 = 64 << 20;

/// Give names to the senders, of whom the gateway tells only ids.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  convault senders export --kind user > names.csv    who has no name yet? busiest first
  convault senders import names.csv                  filled in, in any spreadsheet")]
pub(super) struct SendersCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Import(ImportCommand),
    Export(ExportCommand),
}

/// Read names from a CSV file with the columns id, name, `is_bot` and team.
///
/// The first line names the columns; the last two may be missing, and what a file does not
/// speak of stays as it is. Rows without a name are passed over. If any line is wrong, nothing is
/// imported. Importing a file twice does nothing more.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault senders import names.csv\n  ldap-to-csv | convault senders import -"
)]
struct ImportCommand {
    /// The CSV file, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// One JSON object about what was done, on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

/// Write the senders that have no name yet as CSV, to be filled in and imported.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault senders export > names.csv\n  convault senders export --all --json | jq '.[] | select(.is_bot)'"
)]
struct ExportCommand {
    /// Those that have a name too.
    #[arg(long)]
    all: bool,
    /// Only senders of this kind.
    #[arg(long, value_name = "KIND", value_parser = ["contact", "user", "unknown"])]
    kind: Option<String>,
    /// One JSON array in place of CSV.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

impl SendersCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        match &self.action {
            Action::Import(command) => command.run(context).await,
            Action::Export(command) => command.run(context).await,
        }
    }
}

impl ImportCommand {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let (source, bytes) = read(&self.file)?;
        let list = list::parse(&source, &bytes).map_err(|error| {
            Failure::new(2, error).with_hint("mend these lines and import the file again")
        })?;
        let (store, _lock) = context
            .open_to_write("senders import", &self.archive)
            .await?;
        let imported = store.import_names(&list.names).await;
        let closed = store.close_synced().await;
        let stats = imported?;
        closed?;
        if self.json {
            output::print_json(&json!({
                "new": stats.new,
                "changed": stats.changed,
                "unchanged": stats.unchanged,
                "unseen": stats.unseen,
                "without_name": list.empty,
                "repeated": list.repeated,
                "ignored_columns": list.ignored,
            }))?;
        } else {
            context.tell(&told(&stats, &list));
        }
        Ok(Exit::Done)
    }
}

fn told(stats: &NamesStats, list: &List) -> String {
    let mut text = format!(
        "{} new, {} changed, {} as before.",
        counted(stats.new, "name"),
        stats.changed,
        stats.unchanged
    );
    let unseen = counted(stats.unseen, "sender");
    let empty = counted(list.empty, "row");
    let ignored = list.ignored.join(", ");
    let more = [
        (stats.unseen > 0).then(|| format!("No archived message is from {unseen} of these.")),
        (list.empty > 0).then(|| format!("{empty} without a name passed over.")),
        (!ignored.is_empty()).then(|| format!("Columns that mean nothing here: {ignored}.")),
    ];
    for line in more.into_iter().flatten() {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let is_stdin = path == Path::new("-");
    let source = if is_stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let opened: io::Result<Box<dyn io::Read>> = if is_stdin {
        Ok(Box::new(io::stdin()))
    } else {
        File::open(path).map(|file| Box::new(file) as Box<dyn io::Read>)
    };
    let mut bytes = Vec::new();
    let whole = opened.and_then(|from| from.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    if let Err(error) = whole {
        return Err(Failure::usage(format!("reading {source}: {error}")));
    }
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Failure::usage(format!("{source} is over 64 MiB"))
            .with_hint("is it the list of names? if so, import it in parts"));
    }
    Ok((source, bytes))
}

impl ExportCommand {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let store = context
            .open_to_read("senders export", &self.archive)
            .await?;
        let senders = store.read_senders(self.all, self.kind.as_deref()).await;
        store.close().await;
        let senders = senders?;
        if self.json {
            output::print_json(&senders)?;
            return Ok(Exit::Done);
        }
        let csv = list::write(&senders)
            .map_err(|error| Failure::unexpected(format!("writing CSV: {error}")))?;
        output::print_bytes(&csv)?;
        let which = if self.all { "" } else { " without a name" };
        let number = counted(senders.len() as u64, "sender");
        context.tell(&format!("{number}{which}."));
        Ok(Exit::Done)
    }
}
