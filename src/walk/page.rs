//! What a walk needs to know of a page: ids and times, no content.

use crate::model::Timestamp;

/// One page as the walk sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFacts {
    /// How many rows were to be skipped.
    pub skip: u64,
    /// How many rows were asked for.
    pub limit: u32,
    /// T: no later than the moment the page was requested, on the gateway's clock.
    pub sent_at: Timestamp,
    /// The gateway's `count`, where it gave one.
    pub count: Option<i64>,
    /// The rows, in the order received: newest first if the gateway keeps its word (A1).
    pub rows: Vec<RowFacts>,
}

/// One row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFacts {
    /// A hash of the message's id; equal ids have equal hashes.
    pub id_hash: u64,
    /// Its created time; `None` where it cannot be read: such a row gives no interval end.
    pub created_at: Option<Timestamp>,
}

impl PageFacts {
    /// How many rows came.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether no row came.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rank just past the last row.
    pub fn end(&self) -> u64 {
        self.skip + self.len()
    }

    /// The time of the first row that has a readable one.
    pub fn newest(&self) -> Option<Timestamp> {
        self.rows.iter().find_map(|row| row.created_at)
    }

    /// The time of the last row that has a readable one.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.rows.iter().rev().find_map(|row| row.created_at)
    }

    /// Whether A1 holds inside the page: times never rise from one row to the next, and no id
    /// stands twice.
    pub fn is_ordered(&self) -> bool {
        let times: Vec<_> = self.rows.iter().filter_map(|row| row.created_at).collect();
        if times.windows(2).any(|pair| pair[0] < pair[1]) {
            return false;
        }
        let mut hashes: Vec<_> = self.rows.iter().map(|row| row.id_hash).collect();
        hashes.sort_unstable();
        hashes.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// The place in the page of the last row that is strictly newer than the page's oldest.
    pub fn last_above_oldest(&self) -> Option<u64> {
        let oldest = self.oldest()?;
        let place = self
            .rows
            .iter()
            .rposition(|row| row.created_at.is_some_and(|time| time > oldest))?;
        Some(place as u64)
    }
}
