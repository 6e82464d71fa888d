//! Taking messages out of an archive: JSON lines, CSV, Parquet or HTML, with a manifest.
//!
//! An export is one state of the archive, read once and in little memory, whatever its size. Rows are
//! decoded from the raw JSON of the version that stands (or stood), so both engines give the same
//! bytes for the same content, and the past is told like the present. Nothing is under the name that
//! was asked for until all of it is.

mod cells;
mod columns;
mod destination;
mod encoder;
mod error;
mod lines;
mod manifest;
mod pages;
mod partition;
mod place;
mod row;
mod state;
mod zone;

pub use cells::CellStyle;
pub use error::ExportError;
pub use manifest::{ChangeCounts, ExportCounts};

use std::{collections::HashMap, path::PathBuf};

use crate::{
    clock::Clock,
    model::{ConversationKey, Deleted, MessageFilter, RunId, StopReason, Timestamp, zone_offsets},
    monitor::{Counter, Monitor},
    store::{ArchiveFacts, Selected, SelectedMessage, Selection, Snapshot, Store},
};
use destination::Destination;
use row::Outgoing;
use state::{Change, Past};
use zone::Zone;

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON lines, flat: the columns of `v_messages` and what hangs on a message.
    Flat,
    /// JSON lines in the vendor's own shape: the JSON as received.
    Vendor,
    /// CSV.
    Csv(CellStyle),
    /// Parquet.
    Parquet,
    /// A page for each conversation and an index.
    Html,
}

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output; the manifest to a file of its own, where one is named.
    Stdout {
        /// The file for the manifest.
        manifest: Option<PathBuf>,
    },
    /// One file; the manifest beside it, with `.manifest.json` added to its name.
    File(PathBuf),
    /// A directory with its manifest inside: HTML, and whatever is partitioned.
    Directory {
        /// The directory.
        path: PathBuf,
        /// Whether an earlier export may be there.
        may_replace: bool,
    },
}

/// What to export.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// As what.
    pub format: Format,
    /// Which messages. With `as_of` it is the state of then that is asked.
    pub filter: MessageFilter,
    /// Only what became of messages since this run.
    pub since_run: Option<RunId>,
    /// The archive as it was by then: every commit before the first that was recorded later; not
    /// together with `since_run`.
    pub as_of: Option<Timestamp>,
    /// The zone of local days, of months and of the times that people read; the archive's own
    /// where it is `None`.
    pub time_zone: Option<String>,
    /// Where to. A directory that is not HTML is partitioned by month.
    pub output: Output,
}

/// Exports. `stop` is asked between batches and says why not to go on.
///
/// # Errors
/// The archive cannot be read, the output cannot be written, or what is asked for cannot be.
pub async fn run(
    store: &Store,
    options: &ExportOptions,
    stop: impl Fn() -> Option<StopReason> + Send + Sync,
    monitor: &Monitor,
    clock: &Clock,
) -> Result<ExportCounts, ExportError> {
    let mut snapshot = store.snapshot().await?;
    let facts = snapshot.facts().await?;
    let zone = zone(options, &facts)?;
    refuse_unknown_run(options, &facts)?;
    let past = past(options, &mut snapshot).await?;
    let selection = selection(options);
    monitor.add(
        Counter::MessagesExpected,
        snapshot.count_selected(&selection).await?,
    );
    let mut export = Export {
        destination: Destination::open(options, &zone, &facts, past, clock)?,
        options,
        past,
        zone,
        counts: ExportCounts {
            changes: options.since_run.map(|_| ChangeCounts::default()),
            ..ExportCounts::default()
        },
        last: None,
    };
    let mut selected = snapshot.selected(selection).await?;
    loop {
        if let Some(reason) = stop() {
            return Err(ExportError::Stopped(reason));
        }
        let batch = selected.next().await?;
        if batch.is_empty() {
            break;
        }
        monitor.add(Counter::MessagesRead, batch.len() as u64);
        export.write(batch, &mut selected).await?;
    }
    if let Err(error) = snapshot.close().await {
        tracing::warn!(%error, "the archive was not closed cleanly");
    }
    let _waiting = monitor.waiting_for("the last files are written");
    export.destination.finish(export.counts)
}

fn zone(options: &ExportOptions, facts: &ArchiveFacts) -> Result<Zone, ExportError> {
    let Some(name) = &options.time_zone else {
        return Ok(Zone::new(facts.time_zone.clone(), facts.offsets.clone()));
    };
    let offsets = zone_offsets(name).ok_or_else(|| ExportError::Refused {
        message: format!("there is no time zone {name:?}"),
        hint: "say a name of the IANA database, such as Asia/Hong_Kong".to_owned(),
    })?;
    Ok(Zone::new(name.clone(), offsets))
}

fn refuse_unknown_run(options: &ExportOptions, facts: &ArchiveFacts) -> Result<(), ExportError> {
    let last = facts.last_run.map_or(RunId(0), |(run, _)| run);
    match options.since_run {
        Some(run) if run.0 > 0 && options.filter.deleted == Deleted::Exclude => {
            Err(ExportError::Refused {
                message: "a change feed without deleted messages would hide that one was deleted"
                    .to_owned(),
                hint: "leave --deleted exclude out, and drop the rows whose change is `deleted`"
                    .to_owned(),
            })
        }
        Some(run) if run.0 < 0 || run > last => Err(ExportError::Refused {
            message: format!("there is no run {}; the last one is {}", run.0, last.0),
            hint: "the manifest of the last export says next_since_run; 0 means from the beginning"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}

/// What the archive is asked for. Of the state of then it can tell only whose messages they are.
fn selection(options: &ExportOptions) -> Selection {
    let filter = match options.as_of {
        None => options.filter.clone(),
        Some(_) => MessageFilter {
            conversations: options.filter.conversations.clone(),
            ..MessageFilter::default()
        },
    };
    Selection {
        filter,
        since_run: options.since_run,
        with_history: options.as_of.is_some() || options.format == Format::Html,
    }
}

/// The state that is asked for, where it is a past one.
async fn past(
    options: &ExportOptions,
    snapshot: &mut Snapshot,
) -> Result<Option<Past>, ExportError> {
    let Some(time) = options.as_of else {
        return Ok(None);
    };
    let first_run_after = snapshot.first_run_after(time).await?;
    Ok(Some(Past {
        time,
        first_run_after,
    }))
}

struct Export<'a> {
    options: &'a ExportOptions,
    past: Option<Past>,
    zone: Zone,
    destination: Destination,
    counts: ExportCounts,
    /// The conversation of the last message.
    last: Option<ConversationKey>,
}

impl Export<'_> {
    async fn write(
        &mut self,
        batch: Vec<SelectedMessage>,
        selected: &mut Selected<'_>,
    ) -> Result<(), ExportError> {
        let mut messages = Vec::with_capacity(batch.len());
        for message in batch {
            messages.extend(self.outgoing(message)?);
        }
        name_senders(&mut messages, selected).await?;
        let mut facts = HashMap::new();
        if self.options.format == Format::Html && self.options.as_of.is_none() {
            let mut keys: Vec<ConversationKey> =
                messages.iter().map(Outgoing::conversation).collect();
            keys.dedup();
            facts = selected.snapshot().conversation_facts(&keys).await?;
        }
        for message in &messages {
            self.count(message);
        }
        self.destination.write(messages, &facts, &self.zone)
    }

    /// The message as it goes out; `None` where it is not meant after all.
    fn outgoing(&self, selected: SelectedMessage) -> Result<Option<Outgoing>, ExportError> {
        if let Some(past) = self.past {
            let standing = state::as_of(&selected, past)?;
            let outgoing = standing.map(|standing| Outgoing::new(selected, standing, None));
            return Ok(outgoing.filter(|outgoing| meant(&self.options.filter, outgoing)));
        }
        let change = match self.options.since_run {
            None => None,
            Some(run) => match state::change(&selected, run) {
                None => return Ok(None),
                change => change,
            },
        };
        let standing = state::now(&selected)?;
        Ok(Some(Outgoing::new(selected, standing, change)))
    }

    fn count(&mut self, message: &Outgoing) {
        self.counts.messages += 1;
        self.counts.deleted += u64::from(message.deleted_at.is_some());
        let conversation = Some(message.conversation());
        self.counts.conversations += u64::from(self.last != conversation);
        self.last = conversation;
        if let (Some(counts), Some((change, _))) = (&mut self.counts.changes, message.change) {
            *match change {
                Change::New => &mut counts.new,
                Change::Changed => &mut counts.changed,
                Change::Deleted => &mut counts.deleted,
                Change::Reappeared => &mut counts.reappeared,
            } += 1;
        }
    }
}

/// Whether a filter means the message in the state in which it goes out.
fn meant(filter: &MessageFilter, outgoing: &Outgoing) -> bool {
    let message = &outgoing.message;
    let is_one_of = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
    };
    let created = message.created_at;
    is_one_of(&filter.senders, message.sender_id.as_deref())
        && is_one_of(&filter.types, message.kind.as_deref())
        && filter
            .from
            .is_none_or(|from| created.is_some_and(|at| at >= from))
        && filter.to.is_none_or(|to| created.is_some_and(|at| at < to))
        && match filter.deleted {
            Deleted::Include => true,
            Deleted::Exclude => outgoing.deleted_at.is_none(),
            Deleted::Only => outgoing.deleted_at.is_some(),
        }
}

/// Gives each message the name that people have given its sender.
async fn name_senders(
    messages: &mut [Outgoing],
    selected: &mut Selected<'_>,
) -> Result<(), ExportError> {
    let senders = messages
        .iter()
        .filter_map(|message| Some(message.message.sender_id.as_ref()?.to_string()));
    let mut ids: Vec<String> = senders.collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let names = selected.snapshot().given_names(ids).await?;
    for message in messages {
        let id = message.message.sender_id.as_deref();
        message.name = id.and_then(|id| names.get(id)).cloned();
    }
    Ok(())
}
