//! The manifest: what an export is, what it was made from, and each file with its SHA-256.
//!
//! One JSON object. Files are written to it as they are ended, so that an export of very many files
//! needs no list of them in memory; the counts come after them.

use std::io::{self, Write};

use serde::Serialize;

use super::place::Written;
use crate::model::{Deleted, MessageFilter, RunId};

/// The version of the shape; keys are only ever added to it.
const VERSION: u32 = 1;

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct FileEntry {
    /// Inside of the directory, or the name of the file.
    path: String,
    bytes: u64,
    sha256: String,
    /// Messages that are in it.
    messages: u64,
}

impl FileEntry {
    pub(super) fn new(path: String, written: Written, messages: u64) -> Self {
        Self {
            path,
            bytes: written.bytes,
            sha256: written.sha256,
            messages,
        }
    }
}

/// What is known before the first message.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Head {
    pub(super) manifest_version: u32,
    pub(super) program: &'static str,
    pub(super) exported_at: String,
    pub(super) gateway_url: Option<String>,
    pub(super) format: &'static str,
    pub(super) shape: Option<&'static str>,
    pub(super) cells: Option<&'static str>,
    pub(super) partitioned_by: Option<&'static str>,
    pub(super) time_zone: String,
    pub(super) filter: FilterFacts,
    pub(super) since_run: Option<RunId>,
    pub(super) as_of: Option<String>,
    /// The archive's last run in the state that was exported; of a past state the last that is in it
    /// as a whole.
    pub(super) last_run: Option<RunId>,
    /// What to give to `--since-run` next time. A last run without an end may write more.
    pub(super) next_since_run: RunId,
}

impl Head {
    pub(super) const VERSION: u32 = VERSION;
    pub(super) const PROGRAM: &'static str = concat!("convault ", env!("CARGO_PKG_VERSION"));
}

/// Which messages were meant.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FilterFacts {
    conversations: Vec<String>,
    senders: Vec<String>,
    types: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    deleted: &'static str,
}

impl FilterFacts {
    pub(super) fn of(filter: &MessageFilter) -> Self {
        let ids = filter.conversations.iter().map(ToString::to_string);
        Self {
            conversations: ids.collect(),
            senders: filter.senders.clone(),
            types: filter.types.clone(),
            from: filter.from.map(|time| time.to_string()),
            to: filter.to.map(|time| time.to_string()),
            deleted: match filter.deleted {
                Deleted::Include => "include",
                Deleted::Exclude => "exclude",
                Deleted::Only => "only",
            },
        }
    }
}

/// How much was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExportCounts {
    /// Messages.
    pub messages: u64,
    /// Conversations that they are of.
    pub conversations: u64,
    /// Of the messages, those that are deleted.
    pub deleted: u64,
    /// Files, the manifest left out; there it is the list that has them.
    #[serde(skip)]
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// What became of the messages, in a change feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeCounts>,
}

/// What became of the messages of a change feed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChangeCounts {
    /// Messages that were not there before.
    pub new: u64,
    /// Messages that say something else now.
    pub changed: u64,
    /// Messages that are deleted now.
    pub deleted: u64,
    /// Messages that had been deleted and are there again.
    pub reappeared: u64,
}

/// Writes a manifest piece by piece.
#[derive(Debug)]
pub(super) struct Manifest<W: Write> {
    into: W,
    files: u64,
    bytes: u64,
}

impl<W: Write> Manifest<W> {
    pub(super) fn begin(mut into: W, head: &Head) -> io::Result<Self> {
        let head = serde_json::to_string_pretty(head).map_err(io::Error::from)?;
        into.write_all(open(&head).as_bytes())?;
        into.write_all(b",\n  \"files\": [")?;
        Ok(Self {
            into,
            files: 0,
            bytes: 0,
        })
    }

    pub(super) fn add(&mut self, file: &FileEntry) -> io::Result<()> {
        self.into.write_all(if self.files == 0 {
            b"\n    "
        } else {
            b",\n    "
        })?;
        self.files += 1;
        self.bytes += file.bytes;
        serde_json::to_writer(&mut self.into, file).map_err(io::Error::from)
    }

    /// Writes the counts and the end; gives them with the files added.
    pub(super) fn finish(mut self, counts: ExportCounts) -> io::Result<(W, ExportCounts)> {
        let counts = ExportCounts {
            files: self.files,
            bytes: self.bytes,
            ..counts
        };
        self.into.write_all(if self.files == 0 {
            b"],\n"
        } else {
            b"\n  ],\n"
        })?;
        let tail = serde_json::to_string_pretty(&counts).map_err(io::Error::from)?;
        self.into
            .write_all(tail.trim_start_matches("{\n").as_bytes())?;
        self.into.write_all(b"\n")?;
        self.into.flush()?;
        Ok((self.into, counts))
    }
}

/// An object without its end.
fn open(object: &str) -> &str {
    object.trim_end_matches("\n}")
}
