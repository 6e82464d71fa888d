//! Where messages go while an export runs: one file, or the files of a directory; and its manifest.

use std::{
    collections::HashMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    ExportCounts, ExportError, ExportOptions, Format, Output,
    encoder::{Encoder, Encoding},
    manifest::{FileEntry, FilterFacts, Head, Manifest},
    pages::{About, Site},
    partition::Parts,
    place::{MANIFEST, PendingDirectory, PendingFile, Sink},
    row::Outgoing,
    state::Past,
    zone::Zone,
};
use crate::{
    clock::Clock,
    model::{ConversationKey, Deleted, RunId},
    store::{ArchiveFacts, ConversationFacts},
};

/// What is being written.
#[derive(Debug)]
pub(super) enum Destination {
    One {
        encoder: Encoder,
        /// `None`: standard output.
        file: Option<PendingFile>,
        /// `None`: there is no place for one, or nobody asked for it.
        manifest: Option<PendingFile>,
        head: Box<Head>,
        messages: u64,
    },
    Many {
        files: Files,
        directory: PendingDirectory,
        manifest: Manifest<Sink>,
    },
}

/// The files of a directory.
#[derive(Debug)]
pub(super) enum Files {
    Parts(Box<Parts>),
    Pages(Box<Site>),
}

impl Destination {
    pub(super) fn open(
        options: &ExportOptions,
        zone: &Zone,
        facts: &ArchiveFacts,
        past: Option<Past>,
        clock: &Clock,
    ) -> Result<Self, ExportError> {
        let head = head(options, zone, facts, past, clock);
        let is_feed = options.since_run.is_some();
        let (path, may_replace) = match &options.output {
            Output::Directory { path, may_replace } => (path, *may_replace),
            Output::File(path) => {
                let file = PendingFile::create(path)?;
                let encoder = Encoder::new(encoding(options.format), file.sink()?, is_feed)
                    .map_err(ExportError::file("writing", path))?;
                // A device or a pipe has no place beside it.
                let beside = file.is_regular().then(|| manifest_beside(file.target()));
                return Ok(Self::One {
                    encoder,
                    manifest: beside.as_deref().map(PendingFile::create).transpose()?,
                    file: Some(file),
                    head: Box::new(head),
                    messages: 0,
                });
            }
            Output::Stdout { manifest } => {
                let encoder = Encoder::new(encoding(options.format), Sink::stdout(), is_feed);
                return Ok(Self::One {
                    encoder: encoder.map_err(ExportError::Stdout)?,
                    file: None,
                    manifest: manifest.as_deref().map(PendingFile::create).transpose()?,
                    head: Box::new(head),
                    messages: 0,
                });
            }
        };
        let directory = PendingDirectory::create(path, may_replace)?;
        let files = if options.format == Format::Html {
            let about = About {
                zone: zone.clone(),
                made_at: clock.now().to_string(),
                gateway_url: facts.gateway_url.clone(),
                selection: selection_in_words(options),
            };
            Files::Pages(Box::new(Site::new(directory.path(), about)))
        } else {
            Files::Parts(Box::new(Parts::new(
                directory.path(),
                encoding(options.format),
                is_feed,
            )))
        };
        let path = directory.path().join(MANIFEST);
        let manifest = Sink::create(&path).and_then(|sink| Manifest::begin(sink, &head));
        Ok(Self::Many {
            files,
            manifest: manifest.map_err(ExportError::file("writing", &path))?,
            directory,
        })
    }

    pub(super) fn write(
        &mut self,
        batch: Vec<Outgoing>,
        facts: &HashMap<ConversationKey, ConversationFacts>,
        zone: &Zone,
    ) -> Result<(), ExportError> {
        match self {
            Self::One {
                encoder,
                file,
                messages,
                ..
            } => {
                *messages += batch.len() as u64;
                let rows: Vec<&Outgoing> = batch.iter().collect();
                let written = encoder.write(&rows, zone);
                written.map_err(|error| whilst_writing(file.as_ref(), error))
            }
            Self::Many {
                files,
                directory,
                manifest,
            } => {
                let ended = match files {
                    Files::Parts(parts) => parts.write(&batch, zone)?,
                    Files::Pages(site) => site.write(batch, facts)?,
                };
                add(manifest, directory, &ended)
            }
        }
    }

    pub(super) fn finish(self, counts: ExportCounts) -> Result<ExportCounts, ExportError> {
        match self {
            Self::One {
                encoder,
                file,
                manifest,
                head,
                messages,
            } => {
                let finished = encoder.finish();
                let written = finished.map_err(|error| whilst_writing(file.as_ref(), error))?;
                let name = file.as_ref().and_then(|file| file.target().file_name());
                let name = name.map_or_else(|| "-".into(), |name| name.to_string_lossy());
                let entry = FileEntry::new(name.into_owned(), written, messages);
                end_one(file, manifest, &head, &entry, counts)
            }
            Self::Many {
                files,
                directory,
                mut manifest,
            } => {
                let ended = match files {
                    Files::Parts(parts) => parts.finish()?,
                    Files::Pages(site) => site.finish()?,
                };
                add(&mut manifest, &directory, &ended)?;
                let (sink, counts) = manifest.finish(counts).map_err(ExportError::file(
                    "writing",
                    &directory.path().join(MANIFEST),
                ))?;
                drop(sink);
                directory.commit()?;
                Ok(counts)
            }
        }
    }
}

fn add(
    manifest: &mut Manifest<Sink>,
    directory: &PendingDirectory,
    files: &[FileEntry],
) -> Result<(), ExportError> {
    let added = files.iter().try_for_each(|file| manifest.add(file));
    added.map_err(ExportError::file(
        "writing",
        &directory.path().join(MANIFEST),
    ))
}

/// Puts the file in its place and then its manifest: a manifest that is there is that of the file.
fn end_one(
    file: Option<PendingFile>,
    manifest: Option<PendingFile>,
    head: &Head,
    entry: &FileEntry,
    counts: ExportCounts,
) -> Result<ExportCounts, ExportError> {
    let told = Manifest::begin(Vec::new(), head).and_then(|mut told| {
        told.add(entry)?;
        told.finish(counts)
    });
    let (text, counts) = told.map_err(ExportError::Stdout)?;
    if let Some(manifest) = &manifest {
        let path = manifest.target();
        let mut sink = manifest.sink()?;
        let written = sink.write_all(&text).and_then(|()| sink.flush());
        written.map_err(ExportError::file("writing", path))?;
        if file.is_some() && manifest.is_regular() {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    let whilst = "taking the earlier manifest away from";
                    return Err(ExportError::file(whilst, path)(error));
                }
                _ => {}
            }
        }
    }
    file.map_or(Ok(()), PendingFile::commit)?;
    manifest.map_or(Ok(()), PendingFile::commit)?;
    Ok(counts)
}

fn whilst_writing(file: Option<&PendingFile>, error: io::Error) -> ExportError {
    match file {
        None => ExportError::Stdout(error),
        Some(file) => ExportError::file("writing", file.target())(error),
    }
}

const fn encoding(format: Format) -> Encoding {
    match format {
        Format::Flat | Format::Html => Encoding::Flat,
        Format::Vendor => Encoding::Vendor,
        Format::Csv(style) => Encoding::Cells(style),
        Format::Parquet => Encoding::Columns,
    }
}

/// The manifest of one file: its name with an ending more.
fn manifest_beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".manifest.json");
    PathBuf::from(name)
}

fn head(
    options: &ExportOptions,
    zone: &Zone,
    facts: &ArchiveFacts,
    past: Option<Past>,
    clock: &Clock,
) -> Head {
    let in_past = |run| past.map_or(run, |past| past.last_whole_run(run));
    let (format, shape, cells) = match options.format {
        Format::Flat => ("jsonl", Some("flat"), None),
        Format::Vendor => ("jsonl", Some("vendor"), None),
        Format::Csv(style) if style.are_raw => ("csv", None, Some("raw")),
        Format::Csv(_) => ("csv", None, Some("defused")),
        Format::Parquet => ("parquet", None, None),
        Format::Html => ("html", None, None),
    };
    let is_directory = matches!(options.output, Output::Directory { .. });
    Head {
        manifest_version: Head::VERSION,
        program: Head::PROGRAM,
        exported_at: clock.now().to_string(),
        gateway_url: facts.gateway_url.clone(),
        format,
        shape,
        cells,
        partitioned_by: (is_directory && options.format != Format::Html).then_some("month"),
        time_zone: zone.name.clone(),
        filter: FilterFacts::of(&options.filter),
        since_run: options.since_run,
        as_of: options.as_of.map(|time| time.to_string()),
        last_run: facts
            .last_run
            .map(|(run, _)| in_past(run))
            .filter(|run| *run > RunId(0)),
        next_since_run: match facts.last_run {
            None => RunId(0),
            Some((run, true)) => in_past(run),
            // It may write more, also of what counts as of this time.
            Some((run, false)) => in_past(run).min(RunId(run.0 - 1)),
        },
    }
}

/// What of the archive is left out, for people; `None` where nothing is.
fn selection_in_words(options: &ExportOptions) -> Option<String> {
    let filter = &options.filter;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(
        options
            .as_of
            .map(|time| format!("what was archived by {time}")),
    );
    parts.extend(
        options
            .since_run
            .map(|run| format!("what changed since run {}", run.0)),
    );
    if !filter.conversations.is_empty() {
        parts.push("chosen conversations".to_owned());
    }
    if !filter.senders.is_empty() {
        parts.push(format!("what {} wrote", filter.senders.join(" or ")));
    }
    if !filter.types.is_empty() {
        parts.push(format!("messages of type {}", filter.types.join(" or ")));
    }
    parts.extend(filter.from.map(|time| format!("from {time} on")));
    parts.extend(filter.to.map(|time| format!("before {time}")));
    match filter.deleted {
        Deleted::Include => {}
        Deleted::Exclude => parts.push("what is not deleted".to_owned()),
        Deleted::Only => parts.push("what is deleted".to_owned()),
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
