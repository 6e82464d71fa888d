//! A page against the archive: what is new, what changed, what is back, what is absent.
//!
//! Counts live messages exactly without waiting for the writer: what this visit has sent is
//! remembered by the hash of its id, the rest is read.

mod met;
mod sighting;

use std::collections::{HashSet, VecDeque};

use met::{ByHash, Met};
use sighting::{News, Sighting};

use super::Broken;
use crate::{
    api::Fetched,
    model::{ConversationRecord, Message, MessageCounts, MessageId, Timestamp},
    monitor::Counter,
    normalize,
    store::{CurrentMessage, PageWrite, Slice},
    sync::worker::Context,
    walk::{Claim, ClaimedPage, Interval, PageFacts, RowFacts, Strike, strike, was_sent_since},
    wire,
};

/// Pages whose rows are remembered: the last one, and the one before it, which the next may
/// repeat. More, while pages are under way that were sent before they came.
const REMEMBERED_PAGES: u64 = 2;

type Digest = [u8; 16];

/// A digest of each row of a page, by the hash of its id.
type Rows = ByHash<Digest>;

/// What a visit knows of its conversation beside what the archive holds.
pub(in crate::sync) struct Comparison<'a> {
    pub(in crate::sync) context: &'a Context,
    pub(in crate::sync) record: &'a ConversationRecord,
    /// Nothing of it can be in the archive but what this visit has sent there: comparing needs
    /// no read.
    pub(super) unarchived: bool,
    /// Messages that are neither missing nor deleted.
    pub(in crate::sync) live: u64,
    /// Messages that this visit met and the archive did not hold, by the hash of their id.
    met: Met,
    /// The rows of the first page, each as it was met last: a walk ends with looking at them again.
    first: Rows,
    /// The rows of the last pages, each with the number of its page.
    recent: VecDeque<(u64, Rows)>,
    /// Pages that were taken.
    taken: u64,
    /// Messages that this visit showed absent.
    absent: HashSet<u64>,
    /// The page that a message was last absent from, and the one that it was back in.
    absent_from: ByHash<u64>,
    back_in: ByHash<u64>,
    /// Pages of this visit that cannot be of one list (see [`is_inconsistent`](crate::walk::is_inconsistent)).
    pub(super) contradictions: u64,
    /// Whether any missing message was absent twice by now.
    pub(super) any_confirmed: bool,
    pub(in crate::sync) counts: MessageCounts,
}

/// A page of the gateway on its way into the archive.
pub(in crate::sync) struct Received {
    page: wire::Page,
    items: Vec<Item>,
    /// All of them, where they are needed for certain; most messages of most runs are the archived
    /// ones.
    decoded: Option<Vec<Message>>,
    /// What a walk is told of it.
    pub(in crate::sync) facts: PageFacts,
    /// Its place in the order of requests.
    observed_at: Timestamp,
    /// How many pages had been taken when it was sent.
    sent_after: u64,
}

/// One message of it.
struct Item {
    id: MessageId,
    created_at: Option<Timestamp>,
    digest: Digest,
}

impl Item {
    fn glanced(raw: &str) -> Self {
        let glance = normalize::glance(raw);
        Self {
            id: glance.id,
            created_at: glance.created_at,
            digest: digest_of(&glance.sha256),
        }
    }

    fn of(message: &Message) -> Self {
        Self {
            id: message.id.clone(),
            created_at: message.created_at,
            digest: digest_of(&message.sha256),
        }
    }
}

impl<'a> Comparison<'a> {
    pub(in crate::sync) fn new(context: &'a Context, record: &'a ConversationRecord) -> Self {
        Self {
            context,
            record,
            unarchived: false,
            live: record.live_count,
            met: Met::new(),
            first: Rows::default(),
            recent: VecDeque::new(),
            taken: 0,
            absent: HashSet::new(),
            absent_from: ByHash::default(),
            back_in: ByHash::default(),
            contradictions: 0,
            any_confirmed: false,
            counts: MessageCounts::default(),
        }
    }

    /// How many pages were taken.
    pub(in crate::sync) fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads a page that was sent when `sent_after` pages had been taken.
    pub(in crate::sync) fn receive(
        &self,
        fetched: Fetched<wire::Page>,
        (skip, limit): (u64, u32),
        sent_after: u64,
    ) -> Received {
        let (page, sent_at) = (fetched.value, fetched.sent_at);
        let decoded: Option<Vec<Message>> = self.unarchived.then(|| {
            let part = |place| normalize::message_of(&page.part(place), &self.record.id);
            (0..page.len()).map(part).collect()
        });
        let items: Vec<Item> = match &decoded {
            Some(messages) => messages.iter().map(Item::of).collect(),
            None => page.items().map(Item::glanced).collect(),
        };
        let facts = facts_of(&items, skip, limit, sent_at, page.count());
        Received {
            page,
            items,
            decoded,
            facts,
            observed_at: fetched.observed_at,
            sent_after,
        }
    }

    /// Compares a page with the archive. Gives what is to be written, all but the progress of the
    /// walk; pages that are under way were sent when at least `oldest_sent` pages had been taken.
    pub(in crate::sync) async fn take(
        &mut self,
        received: Received,
        claims: &[Claim],
        oldest_sent: u64,
    ) -> Result<PageWrite, Broken> {
        let Received {
            page,
            items,
            decoded,
            facts,
            observed_at,
            sent_after,
        } = received;
        let rows: Rows = facts
            .rows
            .iter()
            .zip(&items)
            .map(|(row, item)| (row.id_hash, item.digest))
            .collect();
        let archived = self.read_archived(&items, claims).await?;
        let (absent, absent_again) = self.find_absent(&archived, claims, &rows, sent_after);
        self.note_listed(&facts, &archived, sent_after);
        let picked = self.pick_changing(&items, &facts, &archived);
        let messages = self.messages_of(&page, decoded, &picked);
        if self.taken == 0 {
            self.first.clone_from(&rows);
        } else {
            for (hash, digest) in &rows {
                self.first.entry(*hash).and_modify(|last| *last = *digest);
            }
        }
        self.taken += 1;
        self.recent.push_back((self.taken, rows));
        let forgotten = self.taken.saturating_sub(REMEMBERED_PAGES).min(oldest_sent);
        while self
            .recent
            .front()
            .is_some_and(|(page, _)| *page <= forgotten)
        {
            self.recent.pop_front();
        }
        Ok(PageWrite {
            messages,
            surely_new: picked.iter().map(|(_, new)| *new).collect(),
            absent,
            absent_again,
            interval: claims.first().map_or((None, None), |claim| {
                (claim.interval.after, claim.interval.before)
            }),
            apart: Some(self.context.apart(facts.sent_at)),
            ..PageWrite::of(self.record.key, observed_at)
        })
    }

    /// What the archive holds of the page's messages and of the claimed interval.
    async fn read_archived(
        &self,
        items: &[Item],
        claims: &[Claim],
    ) -> Result<ByHash<CurrentMessage>, Broken> {
        if self.unarchived || (items.is_empty() && claims.is_empty()) {
            return Ok(ByHash::default());
        }
        let ids: Vec<MessageId> = items.iter().map(|item| item.id.clone()).collect();
        let interval = claims.first().map(|claim| claim.interval);
        let slice = Slice {
            ids: &ids,
            after: interval.and_then(|interval| interval.after),
            before: interval.and_then(|interval| interval.before),
            with_interval: interval.is_some(),
        };
        let rows = self
            .context
            .store
            .read_slice(self.record.key, &slice)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (hash_of(&row.id), row))
            .collect())
    }

    /// Archived messages strictly inside a claimed interval that its page does not hold: those
    /// that are absent for the first time, and those that are absent again.
    fn find_absent(
        &mut self,
        archived: &ByHash<CurrentMessage>,
        claims: &[Claim],
        rows: &Rows,
        sent_after: u64,
    ) -> (Vec<MessageId>, Vec<MessageId>) {
        let (mut first, mut again) = (Vec::new(), Vec::new());
        let lag = self.context.options.visibility_lag;
        for claim in claims {
            let apart = self.context.apart(claim.sent_at).run;
            let nothing = Rows::default();
            let listed = match claim.page {
                ClaimedPage::This => rows,
                ClaimedPage::Previous => self.recent.back().map_or(&nothing, |(_, rows)| rows),
            };
            for (hash, message) in archived {
                let inside = is_inside(claim.interval, message.created_at);
                if !inside || message.deleted_at.is_some() || listed.contains_key(hash) {
                    continue;
                }
                if !was_sent_since(sent_after, self.last_seen(*hash)) {
                    continue;
                }
                let is_recent = message.missing_run.is_some_and(|run| run > apart);
                let struck = strike(message.missing_since, is_recent, claim.sent_at, lag);
                if struck.is_some() {
                    self.absent_from.insert(*hash, self.taken + 1);
                    if let Some(page) = self.back_in.remove(hash) {
                        self.contradictions += 2 * u64::from(was_sent_since(sent_after, page));
                    }
                }
                match struck {
                    Some(Strike::First) if self.absent.insert(*hash) => {
                        let was_live = message.missing_since.is_none();
                        self.live = self.live.saturating_sub(u64::from(was_live));
                        first.push(message.id.clone());
                    }
                    Some(Strike::Second) => {
                        self.any_confirmed = true;
                        again.push(message.id.clone());
                    }
                    Some(Strike::First) | None => {}
                }
            }
        }
        (first, again)
    }

    /// Notes which messages are listed that this visit, or an earlier one, has found absent.
    fn note_listed(
        &mut self,
        facts: &PageFacts,
        archived: &ByHash<CurrentMessage>,
        sent_after: u64,
    ) {
        let apart = self.context.apart(facts.sent_at).run;
        for row in &facts.rows {
            let hash = row.id_hash;
            let absent_from = self.absent_from.remove(&hash);
            if absent_from.is_some_and(|page| was_sent_since(sent_after, page)) {
                let known = archived.get(&hash);
                // Missing for longer than a replica may lag.
                let missing =
                    |known: &CurrentMessage| known.missing_run.is_some_and(|run| run <= apart);
                self.contradictions += 1 + u64::from(known.is_some_and(missing));
            }
            let is_missing = |known: &CurrentMessage| known.missing_since.is_some();
            if absent_from.is_some() || archived.get(&hash).is_some_and(is_missing) {
                self.back_in.insert(hash, self.taken + 1);
            }
        }
    }

    /// The number of the last page that held a message, as far as pages are remembered: those
    /// that came since the oldest one under way was sent are.
    fn last_seen(&self, hash: u64) -> u64 {
        let held = |(page, rows): &(u64, Rows)| rows.contains_key(&hash).then_some(*page);
        self.recent.iter().rev().find_map(held).unwrap_or(0)
    }

    /// The places of the messages that the archive may not hold as they are, and whether it cannot
    /// hold them at all; counts what they are.
    fn pick_changing(
        &mut self,
        items: &[Item],
        facts: &PageFacts,
        archived: &ByHash<CurrentMessage>,
    ) -> Vec<(usize, bool)> {
        let mut picked = Vec::new();
        for (place, (item, row)) in items.iter().zip(&facts.rows).enumerate() {
            let again = self
                .recent
                .iter()
                .rev()
                .find_map(|(_, rows)| rows.get(&row.id_hash))
                .or_else(|| self.first.get(&row.id_hash));
            let known = archived.get(&row.id_hash);
            let sighting = Sighting {
                digest: item.digest,
                again: again.copied(),
                archived: known.map(|known| known.digest),
                met: self.met.contains(row.id_hash),
                back: self.absent.remove(&row.id_hash),
                pending: known.is_some_and(|known| known.has_older),
                gone: known.is_some_and(|known| {
                    known.missing_since.is_some() || known.deleted_at.is_some()
                }),
            };
            let news = sighting.news();
            match news {
                News::Unchanged => {
                    self.counts.unchanged += 1;
                    continue;
                }
                News::Perhaps => {}
                News::Changed => self.counts.changed += 1,
                News::Back => {
                    self.met.insert(row.id_hash);
                    self.live += 1;
                }
                News::New => {
                    self.met.insert(row.id_hash);
                    self.live += 1;
                    self.counts.new += 1;
                    self.context.monitor.count(Counter::MessagesRead);
                }
            }
            let surely_new = news == News::New && is_stored_as_it_is(&item.id);
            picked.push((place, surely_new));
        }
        picked
    }

    /// The messages of a page at these places.
    fn messages_of(
        &self,
        page: &wire::Page,
        decoded: Option<Vec<Message>>,
        picked: &[(usize, bool)],
    ) -> Vec<Message> {
        // A few must not hold the whole page: it may be long until they are committed.
        let is_most = picked.len() >= page.len() / 2;
        let Some(mut all) = decoded.filter(|_| is_most) else {
            let decode = |place| normalize::message(page.item(place), &self.record.id);
            return picked.iter().map(|(place, _)| decode(*place)).collect();
        };
        let (mut place, mut picked) = (0, picked.iter().peekable());
        all.retain(|_| {
            let is_picked = picked.next_if(|(picked, _)| *picked == place).is_some();
            place += 1;
            is_picked
        });
        all
    }
}

/// Whether no other id is stored in its form: U+0000 cannot be, and is replaced.
fn is_stored_as_it_is(id: &MessageId) -> bool {
    // What replaces it begins with 0xEF, as a few others do that ids never hold.
    memchr::memchr2(0, 0xEF, id.as_str().as_bytes()).is_none()
}

fn is_inside(interval: Interval, time: Option<Timestamp>) -> bool {
    time.is_some_and(|time| interval.contains(time))
}

fn facts_of(
    items: &[Item],
    skip: u64,
    limit: u32,
    sent_at: Timestamp,
    count: Option<i64>,
) -> PageFacts {
    let rows = items
        .iter()
        .map(|item| RowFacts {
            id_hash: hash_of(&item.id),
            created_at: item.created_at,
        })
        .collect();
    PageFacts {
        skip,
        limit,
        sent_at,
        count,
        rows,
    }
}

/// The first 16 bytes of the SHA-256 of the raw JSON, as the archive keeps them.
fn digest_of(sha256: &[u8; 32]) -> Digest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&sha256[..16]);
    digest
}

/// A hash of an id, for the sets of one visit. Keyed by the process, so that nobody can choose
/// ids that collide.
fn hash_of(id: &MessageId) -> u64 {
    use std::{
        hash::{BuildHasher as _, RandomState},
        sync::LazyLock,
    };
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(id)
}
