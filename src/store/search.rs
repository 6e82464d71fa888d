//! What is found: the messages whose words answer a query, with the words around each hit.
//!
//! The engine's index of words gives candidates, and it gives the same on both: the program cuts
//! text into terms ([`crate::terms`]) and both index these. What the index does not hold yet (what
//! came while it was not whole, and messages too long for it) is read and matched here, in the same
//! state of the archive, so the answer is exact at any time. Ranks and snippets are computed here
//! too, from the words as they were received. Keeping the index is [`index`]'s.

mod check;
mod index;
mod order;
mod scan;

pub use check::IndexFlaw;
pub(super) use check::compare;
pub(super) use index::{State, TakingIn, reword, words_before};
pub use order::SearchCursor;

use std::borrow::Cow;

use order::{Found, Newest};

use super::{
    Store, StoreError,
    backend::Reader,
    filter::Conditions,
    statement::{
        Statement,
        search::{COUNT_MATCHES, HITS},
    },
    value::{Kind, Row, Value},
};
use crate::{
    model::{MessageFilter, Timestamp},
    terms::{Piece, Query, cut, score, snippet},
};

/// Hits that are ranked: the newest of them, where there are more.
const RANKED_MAX: usize = 1_000;
/// Hits of one page at most.
const PAGE_MAX: usize = 1_000;
/// Hits whose words are read at once: an indexed message has at most some 100 KiB of them.
const HITS_AT_ONCE: usize = 50;

/// What is looked for, and where.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// What a person typed: words are and-ed, `"quoted ones"` follow each other, `refun*` is the
    /// beginning of a word, `-word` is not there.
    pub words: String,
    /// Among which messages.
    pub filter: MessageFilter,
    /// In which order.
    pub sort: SearchSort,
    /// How many hits, from 1 to 1,000; what is outside is taken as the nearer end.
    pub limit: usize,
    /// After which hit to go on: the [`SearchPage::next`] of the page before. Words, filter and
    /// order must be those of that page.
    pub after: Option<SearchCursor>,
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchSort {
    /// The newest first, by when they were created; those without a readable time last.
    #[default]
    Newest,
    /// The best first, then the newest. Of more than 1,000 hits the newest 1,000 are ranked, and
    /// no others are given.
    Rank,
}

/// Some hits.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// The hits, in order.
    pub hits: Vec<SearchHit>,
    /// How many there are in all; counted for the first page alone.
    pub total: Option<u64>,
    /// Where to go on; `None` where there is nothing more.
    pub next: Option<SearchCursor>,
    /// Messages whose words were read because the index does not hold them. Where these are many,
    /// the search was slow, and the next run makes it quick.
    pub unindexed: u64,
}

/// One message that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// Its conversation.
    pub conversation_id: String,
    /// Its id there.
    pub message_id: String,
    /// When it was created; `None` where that is unreadable.
    pub created_at: Option<Timestamp>,
    /// Who sent it.
    pub sender_id: Option<String>,
    /// The sender's name, where somebody has given one.
    pub sender_name: Option<String>,
    /// The declared type exactly as received.
    pub kind: Option<String>,
    /// What its attachment seems to be.
    pub media_kind: Option<String>,
    /// Since when it is deleted; `None` while it lives.
    pub deleted_at: Option<Timestamp>,
    /// The words around the hit, as received but for white space; what was looked for is marked.
    pub snippet: Vec<Piece>,
    /// How well it answers: more is better, the same on every engine.
    pub rank: f64,
}

impl Store {
    /// The messages that a query matches, a page of them.
    ///
    /// # Errors
    /// [`StoreError::Words`] where nothing can be looked for; the archive cannot be read.
    pub async fn search(&self, query: &SearchQuery) -> Result<SearchPage, StoreError> {
        let wanted = Query::parse(&query.words)?;
        let mut reader = self.shared.backend.connect_reader().await?;
        let search = Search {
            reader: reader.as_mut(),
            asked: query,
            query: &wanted,
        };
        let found = search.run().await;
        let closed = reader.close().await;
        let page = found.map_err(|error| error.in_archive(&self.shared.archive))?;
        closed?;
        Ok(page)
    }
}

struct Search<'a> {
    reader: &'a mut dyn Reader,
    asked: &'a SearchQuery,
    query: &'a Query,
}

impl Search<'_> {
    async fn run(mut self) -> Result<SearchPage, StoreError> {
        let limit = self.asked.limit.clamp(1, PAGE_MAX);
        let is_ranked = self.asked.sort == SearchSort::Rank;
        // One more than the page holds says whether there is a next one.
        let (keep, after) = if is_ranked {
            (RANKED_MAX, None)
        } else {
            (limit + 1, self.asked.after)
        };
        let newest = Newest::keeping(keep, after);
        let state = State::read(self.reader).await?;
        let from = state.indexed_to();
        let filter = &self.asked.filter;
        let mut scanned =
            scan::scan(self.reader, self.query, filter, from, (newest, is_ranked)).await?;
        let mut total = scanned.matched;
        if from > 0 {
            if self.asked.after.is_none() {
                total += self.count().await?;
            }
            for found in self.indexed(keep, after).await? {
                scanned.newest.add(found);
            }
        }
        let mut found = scanned.newest.into_sorted();
        if is_ranked {
            self.rank(&mut found).await?;
            found.sort_by(Found::best_first);
            if let Some(after) = self.asked.after {
                found.retain(|found| after.is_before_by_rank(found));
            }
        }
        let next = (found.len() > limit).then(|| SearchCursor::at(&found[limit - 1]));
        found.truncate(limit);
        Ok(SearchPage {
            hits: self.read(&found).await?,
            total: self.asked.after.is_none().then_some(total),
            next,
            unindexed: scanned.read,
        })
    }

    /// A statement over the messages that the index gives: `i.key` is `m.key`.
    fn over_index(
        &self,
        columns: (&str, &'static [Kind]),
        more: &str,
        args: Vec<Value>,
    ) -> (Statement, Vec<Value>) {
        let mut all = vec![Value::from(self.query)];
        all.extend(args);
        let conditions = Conditions::of(&self.asked.filter, all.len() + 1);
        all.extend(conditions.args);
        // The order of the tables is that of the work: first what matches, then its message.
        let matching = if self.asked.filter.is_all() {
            "matching"
        } else {
            "matching_first"
        };
        let text = format!(
            "select {} from {{{matching}:1}} i cross join messages m where m.key = i.key{}{more}",
            columns.0, conditions.sql
        );
        let statement = Statement {
            purpose: "searching the index of words",
            text: Cow::Owned(text),
            columns: columns.1,
            arguments: all.len(),
        };
        (statement, all)
    }

    async fn count(&mut self) -> Result<u64, StoreError> {
        // Each entry of the index has its message, so without a filter they need not be looked at.
        let mut rows = if self.asked.filter.is_all() {
            let args = vec![self.query.into()];
            self.reader.select(&COUNT_MATCHES, args).await?
        } else {
            let (statement, args) = self.over_index(("count(*)", &[Kind::Int]), "", Vec::new());
            self.reader.select(&statement, args).await?
        };
        match rows.as_mut_slice() {
            [row] => row.count(),
            _ => Err(StoreError::broken("a count gave no row")),
        }
    }

    /// The newest hits of the index, after a hit.
    async fn indexed(
        &mut self,
        limit: usize,
        after: Option<SearchCursor>,
    ) -> Result<Vec<Found>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut args: Vec<Value> = vec![limit.into()];
        let earlier = match after {
            None => "",
            Some(SearchCursor {
                created_at: Some(created_at),
                key,
                ..
            }) => {
                args.extend([created_at.into(), key.into()]);
                " and (m.created_at < $3 or (m.created_at = $3 and m.key < $4)
                       or m.created_at is null)"
            }
            Some(SearchCursor { key, .. }) => {
                args.push(key.into());
                " and m.created_at is null and m.key < $3"
            }
        };
        let columns: (&str, &'static [Kind]) = ("m.key, m.created_at", &[Kind::Int, Kind::Time]);
        let order = " order by m.created_at is null, m.created_at desc, m.key desc limit $2";
        let (statement, args) = self.over_index(columns, &format!("{earlier}{order}"), args);
        let mut rows = self.reader.select(&statement, args).await?;
        let found = |row: &mut Row| {
            Ok(Found {
                key: row.int()?,
                created_at: row.maybe_time()?,
                rank: 0,
            })
        };
        rows.iter_mut().map(found).collect()
    }

    async fn rank(&mut self, found: &mut [Found]) -> Result<(), StoreError> {
        // What the index does not hold was ranked when it was read.
        let mut unranked: Vec<&mut Found> =
            found.iter_mut().filter(|found| found.rank == 0).collect();
        for chunk in unranked.chunks_mut(HITS_AT_ONCE) {
            let keys = chunk.iter().map(|found| found.key).collect();
            let entries = scan::entries(self.reader, keys).await?;
            for found in chunk {
                let entry = entries.get(&found.key);
                found.rank = entry.map_or(0, |entry| score(self.query, entry));
            }
        }
        Ok(())
    }

    /// The hits as they are shown.
    async fn read(&mut self, found: &[Found]) -> Result<Vec<SearchHit>, StoreError> {
        let mut hits = Vec::with_capacity(found.len());
        for chunk in found.chunks(HITS_AT_ONCE) {
            let keys: Vec<i64> = chunk.iter().map(|found| found.key).collect();
            let mut of_chunk = Vec::with_capacity(chunk.len());
            for row in self.reader.select(&HITS, vec![keys.clone().into()]).await? {
                of_chunk.push(self.hit(row)?);
            }
            let place = |key: &i64| keys.iter().position(|other| other == key);
            of_chunk.sort_by_key(|(key, _)| place(key));
            hits.extend(of_chunk.into_iter().map(|(_, hit)| hit));
        }
        Ok(hits)
    }

    fn hit(&self, mut row: Row) -> Result<(i64, SearchHit), StoreError> {
        let key = row.int()?;
        let mut hit = SearchHit {
            conversation_id: row.text()?,
            message_id: row.text()?,
            sender_id: row.maybe_text()?,
            sender_name: row.maybe_text()?,
            kind: row.maybe_text()?,
            media_kind: row.maybe_text()?,
            created_at: row.maybe_time()?,
            deleted_at: row.maybe_time()?,
            snippet: Vec::new(),
            rank: 0.0,
        };
        let texts = words(&mut row)?;
        let texts = texts.each_ref().map(Option::as_deref);
        let entry = cut(texts);
        hit.snippet = snippet(self.query, &entry, texts);
        hit.rank = f64::from(score(self.query, &entry)) / 1_000_000.0;
        Ok((key, hit))
    }
}

/// The words of a message: its title, text and caption, the next columns of a row.
fn words(row: &mut Row) -> Result<[Option<String>; 3], StoreError> {
    Ok([row.maybe_text()?, row.maybe_text()?, row.maybe_text()?])
}
