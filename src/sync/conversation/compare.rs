//! A page against the archive: what is new, what changed, what is back, what is absent.
//!
//! Counts live messages exactly without waiting for the writer: what this visit has sent is
//! remembered by the hash of its id, the rest is read.

use std::collections::HashMap;

use super::{Broken, Visit};
use crate::{
    model::{Message, MessageId, Timestamp},
    monitor::Counter,
    store::{CurrentMessage, Slice},
    walk::{Claim, ClaimedPage, Interval, PageFacts, RowFacts, Strike, strike},
};

impl Visit<'_> {
    /// What the archive holds of the page's messages and of the claimed interval.
    pub(super) async fn read_archived(
        &self,
        messages: &[Message],
        claims: &[Claim],
    ) -> Result<HashMap<u64, CurrentMessage>, Broken> {
        if self.unarchived || (messages.is_empty() && claims.is_empty()) {
            return Ok(HashMap::new());
        }
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id.clone()).collect();
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
    pub(super) fn find_absent(
        &mut self,
        archived: &HashMap<u64, CurrentMessage>,
        claims: &[Claim],
        rows: &HashMap<u64, [u8; 16]>,
    ) -> (Vec<MessageId>, Vec<MessageId>) {
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for claim in claims {
            let listed = match claim.page {
                ClaimedPage::This => rows,
                ClaimedPage::Previous => &self.recent,
            };
            for (hash, message) in archived {
                let inside = is_inside(claim.interval, message.created_at);
                if !inside || message.deleted_at.is_some() || listed.contains_key(hash) {
                    continue;
                }
                let this_run = message.missing_run == Some(self.context.run_id);
                let lag = self.context.options.visibility_lag;
                match strike(message.missing_since, this_run, claim.sent_at, lag) {
                    Some(Strike::First) if self.absent.insert(*hash) => {
                        self.live = self.live.saturating_sub(1);
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

    /// The messages that the archive may not hold as they are; counts what they are.
    pub(super) fn pick_changing(
        &mut self,
        messages: Vec<Message>,
        facts: &PageFacts,
        archived: &HashMap<u64, CurrentMessage>,
    ) -> Vec<Message> {
        let mut changing = Vec::new();
        for (message, row) in messages.into_iter().zip(&facts.rows) {
            let digest = digest_of(&message);
            let again = self
                .recent
                .get(&row.id_hash)
                .or_else(|| self.previous.get(&row.id_hash));
            let back = self.absent.remove(&row.id_hash);
            if again == Some(&digest) && !back {
                self.counts.unchanged += 1;
                continue;
            }
            let met_before = self.met.contains(&row.id_hash);
            match archived.get(&row.id_hash) {
                Some(known) => {
                    let gone = known.missing_since.is_some() || known.deleted_at.is_some();
                    if back || (gone && self.met.insert(row.id_hash)) {
                        self.live += 1;
                    } else if known.digest == digest && !gone {
                        self.counts.unchanged += 1;
                        continue;
                    } else if known.digest != digest {
                        self.counts.changed += 1;
                    }
                }
                None if met_before => {}
                None => {
                    self.met.insert(row.id_hash);
                    self.live += 1;
                    self.counts.new += 1;
                    self.context.monitor.count(Counter::MessagesRead);
                }
            }
            changing.push(message);
        }
        changing
    }
}

fn is_inside(interval: Interval, time: Option<Timestamp>) -> bool {
    time.is_some_and(|time| interval.contains(time))
}

pub(super) fn facts_of(
    messages: &[Message],
    skip: u64,
    limit: u32,
    sent_at: Timestamp,
    count: Option<i64>,
) -> PageFacts {
    let rows = messages
        .iter()
        .map(|message| RowFacts {
            id_hash: hash_of(&message.id),
            created_at: message.created_at,
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
pub(super) fn digest_of(message: &Message) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&message.sha256[..16]);
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
