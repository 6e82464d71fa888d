//! One file of an export, whatever its format but HTML.

use std::{io, path::Path};

use super::{
    cells::{CellStyle, Cells},
    columns::Columns,
    lines,
    place::{Sink, Written},
    row::{Flat, Outgoing},
    zone::Zone,
};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Flat,
    Vendor,
    Cells(CellStyle),
    Columns,
}

impl Encoding {
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Self::Flat | Self::Vendor => "jsonl",
            Self::Cells(_) => "csv",
            Self::Columns => "parquet",
        }
    }
}

/// Writes messages into one file.
#[derive(Debug)]
pub(super) enum Encoder {
    Flat(Sink),
    Vendor(Sink),
    Cells(Box<Cells<Sink>>),
    Columns(Box<Columns<Sink>>),
}

impl Encoder {
    pub(super) fn new(encoding: Encoding, into: Sink, is_feed: bool) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Flat => Self::Flat(into),
            Encoding::Vendor => Self::Vendor(into),
            Encoding::Cells(style) => Self::Cells(Box::new(Cells::new(into, style, is_feed)?)),
            Encoding::Columns => Self::Columns(Box::new(Columns::new(into, is_feed)?)),
        })
    }

    /// Begins a file inside of a directory.
    pub(super) fn create(encoding: Encoding, path: &Path, is_feed: bool) -> io::Result<Self> {
        Self::new(encoding, Sink::create(path)?, is_feed)
    }

    pub(super) fn write(&mut self, messages: &[&Outgoing], zone: &Zone) -> io::Result<()> {
        match self {
            Self::Vendor(into) => messages
                .iter()
                .try_for_each(|message| lines::write_vendor(into, message.raw())),
            Self::Flat(into) => messages
                .iter()
                .try_for_each(|message| lines::write_flat(into, &Flat::of(message, zone))),
            Self::Cells(cells) => messages
                .iter()
                .try_for_each(|message| cells.write(&Flat::of(message, zone))),
            Self::Columns(columns) => {
                let rows: Vec<Flat<'_>> = messages
                    .iter()
                    .map(|message| Flat::of(message, zone))
                    .collect();
                columns.write(&rows)
            }
        }
    }

    /// Writes the end of the file.
    pub(super) fn finish(self) -> io::Result<Written> {
        match self {
            Self::Flat(into) | Self::Vendor(into) => into,
            Self::Cells(cells) => cells.finish()?,
            Self::Columns(columns) => columns.finish()?,
        }
        .finish()
    }
}
