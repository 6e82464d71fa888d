//! What a conversation holds at present: the corpus and what has changed since.
//!
//! An unchanged conversation costs a few bytes. The first arrival or deletion writes down the
//! order of its messages, four bytes each; edits are kept by message. The order is by
//! `created_at`, so that a page is always a contiguous slice of one state (walk.md A1).

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{
    corpus::{Block, Corpus, Edit, Plan, RowOddities},
    dice::{Dice, Purpose},
    faults::Faults,
    plan::Plan as ChangesToCome,
};

/// A message of a conversation: one of the corpus by its index, or one added later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Entry(u32);

const ADDED: u32 = 1 << 31;

/// One conversation's requests and changes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// How many requests have been answered for it (rate limiting apart).
    pub(super) requests: u64,
    /// What is planned to change.
    pub(super) plan: ChangesToCome,
    /// Hashes of the rows that were sent, where they are kept.
    served: HashSet<u64>,
    changes: Option<Box<Changes>>,
}

#[derive(Debug, Default)]
struct Changes {
    /// Oldest first; `None` while it is that of the corpus.
    order: Option<Vec<Entry>>,
    /// `created_at` of the messages added, by serial.
    added_ms: Vec<i64>,
    edits: HashMap<Entry, Edit>,
    /// What was deleted and has not come back, the latest last.
    deleted: Vec<Entry>,
    /// What was ever deleted.
    ever_deleted: HashSet<Entry>,
}

/// A conversation opened for reading and changing.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) plan: Plan<'a>,
    listing: &'a mut Listing,
    size: u32,
    block: Option<Block>,
}

impl<'a> Conversation<'a> {
    pub(super) fn open(corpus: &'a Corpus, index: u32, listing: &'a mut Listing) -> Self {
        Self {
            plan: corpus.plan(index),
            size: corpus.sizes()[index as usize],
            listing,
            block: None,
        }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        match self.order() {
            Some(order) => order.len(),
            None => self.size as usize,
        }
    }

    /// Counts a request; gives its number, from 1.
    pub(super) const fn begin_request(&mut self) -> u64 {
        self.listing.requests += 1;
        self.listing.requests
    }

    /// The number of the last request, from 1.
    pub(super) const fn request(&self) -> u64 {
        self.listing.requests
    }

    /// The message at `position`, 0 being the newest.
    pub(super) fn entry(&self, position: usize) -> Entry {
        let from_oldest = self.len() - 1 - position;
        match self.order() {
            Some(order) => order[from_oldest],
            None => Entry(u32::try_from(from_oldest).expect("a corpus size fits 32 bits")),
        }
    }

    /// The messages at these positions, newest first; fewer where the conversation ends.
    pub(super) fn entries(&self, skip: usize, limit: usize) -> Vec<Entry> {
        let end = skip.saturating_add(limit).min(self.len());
        (skip..end).map(|position| self.entry(position)).collect()
    }

    /// Like [`Conversation::entries`], but messages of equal time come in an order that changes
    /// from request to request.
    pub(super) fn entries_ties_shuffled(&mut self, skip: usize, limit: usize) -> Vec<Entry> {
        let end = skip.saturating_add(limit).min(self.len());
        if skip >= end {
            return Vec::new();
        }
        let (mut from, mut to) = (skip, end);
        while from > 0 && self.is_tie(from - 1, from) {
            from -= 1;
        }
        while to < self.len() && self.is_tie(to - 1, to) {
            to += 1;
        }
        let key = [u64::from(self.plan.index()), self.request()];
        let mut dice = Dice::new(self.seed(), Purpose::Ties, key);
        let mut rows: Vec<_> = self
            .entries(from, to - from)
            .into_iter()
            .map(|entry| (-self.created_ms(entry), dice.next(), entry))
            .collect();
        rows.sort_by_key(|&(time, lot, _)| (time, lot));
        let rows = rows.into_iter().map(|(_, _, entry)| entry);
        rows.skip(skip - from).take(end - skip).collect()
    }

    /// The messages that one of two backends holds, newest first.
    pub(super) fn entries_held(&self, faults: &Faults, half: u64) -> Vec<Entry> {
        let (seed, conversation) = (self.seed(), u64::from(self.plan.index()));
        let mut entries = self.entries(0, usize::MAX);
        entries.retain(|entry| faults.is_held(seed, conversation, u64::from(entry.0), half));
        entries
    }

    fn is_tie(&mut self, newer: usize, older: usize) -> bool {
        let (newer, older) = (self.entry(newer), self.entry(older));
        self.created_ms(newer) == self.created_ms(older)
    }

    /// `created_at` of a message.
    pub(super) fn created_ms(&mut self, entry: Entry) -> i64 {
        match entry.serial() {
            Some(serial) => self.changes_ref().expect("it was added").added_ms[serial as usize],
            None => self.block(entry.0).created_ms(entry.0),
        }
    }

    /// `created_at` of the newest message.
    pub(super) fn newest_ms(&mut self) -> Option<i64> {
        (self.len() > 0).then(|| self.created_ms(self.entry(0)))
    }

    /// `created_at` of the oldest message.
    pub(super) fn oldest_ms(&mut self) -> Option<i64> {
        let last = self.len().checked_sub(1)?;
        Some(self.created_ms(self.entry(last)))
    }

    /// The id of a message, as its JSON has it.
    pub(super) fn id_text(&self, entry: Entry, oddities: &RowOddities) -> String {
        let id = match entry.serial() {
            Some(serial) => self.plan.arrival_id(serial),
            None => self.plan.message_id(entry.0),
        };
        self.plan.id_text(id, oddities)
    }

    /// Writes a message as JSON.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, entry: Entry, oddities: &RowOddities) {
        let changes = self.changes_ref();
        let edit = changes.and_then(|changes| changes.edits.get(&entry).copied());
        if let Some(serial) = entry.serial() {
            let created_ms = self.created_ms(entry);
            self.plan
                .write_arrival(out, serial, created_ms, edit, oddities);
        } else {
            self.block(entry.0);
            let block = self.block.as_ref().expect("the line before loads it");
            self.plan.write_message(out, block, entry.0, edit, oddities);
        }
    }

    /// Keeps in mind that a row was sent.
    pub(super) fn note_served(&mut self, raw: &[u8]) {
        self.listing.served.insert(hash_of(raw));
    }

    /// Whether a row was sent in just these bytes.
    pub(super) fn was_served(&self, raw: &[u8]) -> bool {
        self.listing.served.contains(&hash_of(raw))
    }

    /// What is planned to change.
    pub(super) const fn planned(&mut self) -> &mut ChangesToCome {
        &mut self.listing.plan
    }

    /// How many messages are newer than this time.
    fn newer_than(&mut self, created_ms: i64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let entry = self.entry(middle);
            if self.created_ms(entry) > created_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Adds a message, above those of the same time.
    pub(super) fn add(&mut self, created_ms: i64) -> Entry {
        let above = self.newer_than(created_ms);
        let size = self.size;
        let changes = self.listing.changes.get_or_insert_default();
        let serial = u32::try_from(changes.added_ms.len()).expect("fewer than 2^31 are added");
        let entry = Entry(serial | ADDED);
        changes.added_ms.push(created_ms);
        let order = changes.order.get_or_insert_with(|| corpus_order(size));
        order.insert(order.len() - above, entry);
        entry
    }

    /// Deletes the messages at these positions.
    pub(super) fn delete(&mut self, positions: &[usize]) {
        let size = self.size;
        let changes = self.listing.changes.get_or_insert_default();
        let order = changes.order.get_or_insert_with(|| corpus_order(size));
        let len = order.len();
        let mut places: Vec<usize> = positions
            .iter()
            .filter(|&&position| position < len)
            .map(|&position| len - 1 - position)
            .collect();
        places.sort_unstable();
        places.dedup();
        let gone: Vec<Entry> = places.iter().map(|&place| order[place]).collect();
        changes.ever_deleted.extend(&gone);
        changes.deleted.extend(gone);
        match places.as_slice() {
            // A run, such as the newest or all of them, goes in one move.
            [first, .., last] if last - first + 1 == places.len() => {
                order.drain(*first..=*last);
            }
            _ => places.iter().rev().for_each(|&place| {
                order.remove(place);
            }),
        }
    }

    /// Lists again up to `n` of the messages that were deleted last; gives how many.
    pub(super) fn restore(&mut self, n: usize) -> usize {
        let Some(changes) = self.listing.changes.as_deref_mut() else {
            return 0;
        };
        let back = changes
            .deleted
            .split_off(changes.deleted.len().saturating_sub(n));
        for &entry in &back {
            let created_ms = self.created_ms(entry);
            let above = self.newer_than(created_ms);
            let changes = self.listing.changes.get_or_insert_default();
            let order = changes.order.get_or_insert_with(Vec::new);
            order.insert(order.len() - above, entry);
        }
        back.len()
    }

    /// The messages that were deleted at some time, whether or not they came back.
    pub(super) fn ever_deleted(&self) -> Vec<Entry> {
        let changes = self.changes_ref();
        changes.map_or_else(Vec::new, |changes| {
            changes.ever_deleted.iter().copied().collect()
        })
    }

    /// Edits the message at this position: its words change where it has any, `updated_at` does
    /// in any case.
    pub(super) fn edit(&mut self, position: usize, updated_ms: i64) {
        let entry = self.entry(position);
        let changes = self.listing.changes.get_or_insert_default();
        let edit = changes.edits.entry(entry).or_insert(Edit {
            times: 0,
            updated_ms,
        });
        edit.times += 1;
        edit.updated_ms = edit.updated_ms.max(updated_ms);
    }

    /// Takes back every edit of the message at this position.
    pub(super) fn revert(&mut self, position: usize) {
        let entry = self.entry(position);
        if let Some(changes) = self.listing.changes.as_deref_mut() {
            changes.edits.remove(&entry);
        }
    }

    fn seed(&self) -> u64 {
        self.plan.seed()
    }

    fn changes_ref(&self) -> Option<&Changes> {
        self.listing.changes.as_deref()
    }

    fn order(&self) -> Option<&Vec<Entry>> {
        self.changes_ref()?.order.as_ref()
    }

    /// The block of a message of the corpus; neighbours share it.
    fn block(&mut self, index: u32) -> &Block {
        if !self.block.as_ref().is_some_and(|block| block.holds(index)) {
            self.block = None;
        }
        self.block.get_or_insert_with(|| self.plan.block_of(index))
    }
}

impl Entry {
    /// Whether it is this message of the corpus, 0 being the oldest.
    pub(super) const fn is_of_corpus(self, place: u32) -> bool {
        self.0 == place
    }

    /// The serial of a message that was added; `None` for one of the corpus.
    const fn serial(self) -> Option<u32> {
        if self.0 & ADDED == 0 {
            None
        } else {
            Some(self.0 & !ADDED)
        }
    }
}

fn hash_of(raw: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    raw.hash(&mut hasher);
    hasher.finish()
}

fn corpus_order(size: u32) -> Vec<Entry> {
    (0..size).map(Entry).collect()
}
