//! Looking at an archive page by page, as a person does in a browser.
//!
//! Every list is read on from a place (a keyset): what a page costs does not grow with what lies
//! before it, and rows that come meanwhile neither repeat nor hide others. One [`Browsing`] sees
//! one state of the archive, also while a run writes.

mod conversations;
#[cfg(test)]
mod cost;
mod message;
mod messages;
mod runs;

pub use conversations::{
    ConversationHead, ConversationLine, ConversationPlace, ConversationQuery, ConversationSort,
    NewestMessage,
};
pub use message::{ArchivedAbsenceTime, ChangedPlace, MessageVersion};
pub use messages::{
    Choice, MessagePage, MessagePlace, OfferedOption, PageEnd, SharedCard, SharedFile, SharedPlace,
    ShownMessage, VersionMark,
};
pub use runs::{AnomalyLine, AnomalyPlace, DayVolume, FailureQuery, RunConversation, RunFacts};

use std::collections::HashMap;

use super::{
    Store, StoreError,
    backend::Reader,
    statement::{
        Statement,
        people::{NAMES, TIME_ZONE, TIME_ZONE_OFFSETS},
    },
    value::{Row, Value},
};
use crate::model::ZoneOffset;

/// One state of an archive, to be looked at. Writes nothing and needs no lock.
#[derive(Debug)]
pub struct Browsing(Box<dyn Reader>);

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Whether there are more after the last of them.
    pub more: bool,
}

/// The zone of an archive's local days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveZone {
    /// Its name, as the archive has it.
    pub name: String,
    /// How far it is ahead of UTC and since when, oldest first; never empty.
    pub offsets: Vec<ZoneOffset>,
}

/// What people call a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownName {
    /// The name.
    pub name: String,
    /// Whether it is a bot, as far as somebody said.
    pub is_bot: Option<bool>,
    /// Its team.
    pub team: Option<String>,
}

impl Store {
    /// The archive as it is now, to be looked at.
    pub async fn browse(&self) -> Result<Browsing, StoreError> {
        Ok(Browsing(self.shared.backend.connect_reader().await?))
    }

    /// How often anything was written: while it stays the same, so does the archive.
    pub async fn read_writes(&self) -> Result<i64, StoreError> {
        let mut rows = self.select(&super::statement::ARCHIVE, Vec::new()).await?;
        let row = rows
            .first_mut()
            .ok_or_else(|| StoreError::broken("the archive's own row is missing"))?;
        row.int()?;
        row.int()
    }
}

impl Browsing {
    /// The archive's zone.
    pub async fn zone(&mut self) -> Result<ArchiveZone, StoreError> {
        let mut name = None;
        for mut row in self.select(&TIME_ZONE, Vec::new()).await? {
            name = row.maybe_text()?;
        }
        let mut offsets = Vec::new();
        for mut row in self.select(&TIME_ZONE_OFFSETS, Vec::new()).await? {
            offsets.push(ZoneOffset {
                since: row.time()?,
                offset_seconds: row.int()?,
            });
        }
        if offsets.is_empty() {
            return Err(StoreError::broken("the archive's zone has no offset"));
        }
        Ok(ArchiveZone {
            name: name.unwrap_or_else(|| "UTC".to_owned()),
            offsets,
        })
    }

    /// The names of senders, by id; who has none is left out.
    pub async fn names(
        &mut self,
        ids: Vec<String>,
    ) -> Result<HashMap<String, KnownName>, StoreError> {
        let mut names = HashMap::new();
        for mut row in self.select(&NAMES, vec![ids.into()]).await? {
            let id = row.text()?;
            let known = KnownName {
                name: row.text()?,
                is_bot: row.maybe_bool()?,
                team: row.maybe_text()?,
            };
            names.insert(id, known);
        }
        Ok(names)
    }

    /// Ends; the connection is closed.
    pub async fn close(self) -> Result<(), StoreError> {
        self.0.close().await
    }

    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.0.select(statement, args).await
    }

    /// Reads a list of which one row more than `limit` was asked for.
    async fn list<T>(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
        limit: u32,
        read: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Listed<T>, StoreError> {
        let mut rows = self.select(statement, args).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(Listed {
            rows: rows.iter_mut().map(read).collect::<Result<_, _>>()?,
            more,
        })
    }
}

/// One row more than a page has, so that it shows whether there are any.
fn and_one(limit: u32) -> Value {
    Value::from(limit.saturating_add(1))
}
