//! Files by month, in folders that query engines read as columns: `year=2026/month=03`.
//!
//! The month is the local one of the zone, as `local_day` has it. Months come and go from one
//! conversation to the next, so many files are open at once; one that has to give way is ended, and
//! its month goes on in another part. Parquet takes megabytes for each file that is written, so its
//! parts are JSON lines first and become Parquet one after the other.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use super::{
    columns,
    encoder::{Encoder, Encoding},
    error::ExportError,
    manifest::FileEntry,
    place::Sink,
    row::Outgoing,
    zone::Zone,
};

/// Files that are open at once.
const OPEN_MAX: usize = 256;
/// The word that query engines take for null.
const NO_MONTH: &str = "__HIVE_DEFAULT_PARTITION__";

/// A year and a month; `None` where a message has no readable time.
type Month = Option<(i16, i8)>;

/// The parts of a partitioned export.
#[derive(Debug)]
pub(super) struct Parts {
    folder: PathBuf,
    encoding: Encoding,
    is_feed: bool,
    open: BTreeMap<Month, Part>,
    /// Parts begun of each month.
    begun: BTreeMap<Month, u32>,
    /// How many times anything was written: the age of a part.
    writes: u64,
}

#[derive(Debug)]
struct Part {
    /// Its path inside of the export.
    path: String,
    /// Whether what is written becomes Parquet in the end.
    is_spooled: bool,
    is_feed: bool,
    encoder: Encoder,
    messages: u64,
    written_at: u64,
}

impl Parts {
    pub(super) fn new(folder: &Path, encoding: Encoding, is_feed: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            encoding,
            is_feed,
            open: BTreeMap::new(),
            begun: BTreeMap::new(),
            writes: 0,
        }
    }

    /// Writes each message to the part of its month; gives the files that were ended.
    pub(super) fn write(
        &mut self,
        messages: &[Outgoing],
        zone: &Zone,
    ) -> Result<Vec<FileEntry>, ExportError> {
        let mut ended = Vec::new();
        let mut by_month: BTreeMap<Month, Vec<&Outgoing>> = BTreeMap::new();
        for message in messages {
            let local = message.message.created_at.and_then(|time| zone.local(time));
            let month = local.map(|local| (local.year(), local.month()));
            by_month.entry(month).or_default().push(message);
        }
        for (month, messages) in by_month {
            if !self.open.contains_key(&month) && self.open.len() >= OPEN_MAX {
                ended.extend(self.end_oldest()?);
            }
            self.write_month(month, &messages, zone)?;
        }
        Ok(ended)
    }

    fn write_month(
        &mut self,
        month: Month,
        messages: &[&Outgoing],
        zone: &Zone,
    ) -> Result<(), ExportError> {
        self.writes += 1;
        if !self.open.contains_key(&month) {
            let part = self.begin(month)?;
            self.open.insert(month, part);
        }
        if let Some(part) = self.open.get_mut(&month) {
            let written = part.encoder.write(messages, zone);
            written.map_err(whilst("writing", &self.folder, &part.path))?;
            part.messages += messages.len() as u64;
            part.written_at = self.writes;
        }
        Ok(())
    }

    fn begin(&mut self, month: Month) -> Result<Part, ExportError> {
        let number = self.begun.entry(month).or_default();
        *number += 1;
        let folder = month.map_or_else(
            || format!("year={NO_MONTH}/month={NO_MONTH}"),
            |(year, month)| format!("year={year:04}/month={month:02}"),
        );
        let path = format!("{folder}/part-{number:05}.{}", self.encoding.extension());
        let is_spooled = self.encoding == Encoding::Columns;
        let (encoding, written) = if is_spooled {
            (Encoding::Flat, spool(&path))
        } else {
            (self.encoding, path.clone())
        };
        let encoder = Encoder::create(encoding, &self.folder.join(&written), self.is_feed);
        Ok(Part {
            encoder: encoder.map_err(whilst("creating", &self.folder, &written))?,
            is_spooled,
            is_feed: self.is_feed,
            path,
            messages: 0,
            written_at: 0,
        })
    }

    /// Ends the part that nothing was written to for longest.
    fn end_oldest(&mut self) -> Result<Option<FileEntry>, ExportError> {
        let oldest = self.open.iter().min_by_key(|(_, part)| part.written_at);
        let month = oldest.map(|(month, _)| *month);
        let part = month.and_then(|month| self.open.remove(&month));
        part.map(|part| part.end(&self.folder)).transpose()
    }

    /// Ends the parts that are open, by month.
    pub(super) fn finish(self) -> Result<Vec<FileEntry>, ExportError> {
        let folder = self.folder;
        self.open
            .into_values()
            .map(|part| part.end(&folder))
            .collect()
    }
}

impl Part {
    fn end(self, folder: &Path) -> Result<FileEntry, ExportError> {
        let finished = self.encoder.finish();
        let mut written = finished.map_err(whilst("writing", folder, &self.path))?;
        if self.is_spooled {
            let spool = folder.join(spool(&self.path));
            let converted = File::open(&spool).and_then(|lines| {
                let into = Sink::create(&folder.join(&self.path))?;
                columns::convert(BufReader::new(lines), into, self.is_feed)?.finish()
            });
            written = converted.map_err(whilst("writing", folder, &self.path))?;
            fs::remove_file(&spool).map_err(ExportError::file("taking away", &spool))?;
        }
        Ok(FileEntry::new(self.path, written, self.messages))
    }
}

/// Where the lines are that become a part.
fn spool(path: &str) -> String {
    format!("{path}.lines")
}

fn whilst(doing: &'static str, folder: &Path, path: &str) -> impl FnOnce(io::Error) -> ExportError {
    ExportError::file(doing, &folder.join(path))
}
