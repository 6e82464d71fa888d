//! What a plan is made from: how far each conversation is covered, and how long conversations
//! are. Reads alone; a chunk of conversations is one statement.

use std::collections::HashMap;

use super::{
    Store, StoreError,
    record::state,
    statement,
    value::{Row, Value, clean},
};
use crate::model::{ConversationId, ConversationKey, ConversationState};

/// How far one conversation is covered, without its pieces, so that a chunk of some thousands is
/// small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Which conversation.
    pub key: ConversationKey,
    /// Its id, as it was listed.
    pub id: ConversationId,
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// Messages archived that are neither missing nor deleted.
    pub live: u64,
    /// Times of messages that are missing and wait to be looked for a second time.
    pub to_confirm: u64,
    /// b of walk.md: counted by the gateway and not listed; `None` until it is learnt.
    pub unlisted: Option<i64>,
    /// The cover in force.
    pub cover: Extent,
    /// The second cover, where a `--full` was interrupted.
    pub second: Option<SecondCover>,
}

/// How far a cover reaches. Its head is never in it: each run reads that anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// How many pieces it has.
    pub pieces: u64,
    /// Holes between them.
    pub holes: u64,
    /// Whether it reaches down to the oldest message.
    pub has_tail: bool,
}

/// A second cover that is not whole yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondCover {
    /// How far it reaches.
    pub extent: Extent,
    /// Live messages at or below its lowest end: what is still to be read again.
    pub left: u64,
}

impl Extent {
    /// Whether everything below the head is covered.
    pub const fn is_whole(&self) -> bool {
        self.pieces > 0 && self.holes == 0 && self.has_tail
    }
}

/// How many conversations with a whole proof have how many live messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Live messages.
    pub messages: u64,
    /// Conversations that have so many.
    pub conversations: u64,
}

impl Store {
    /// How far each conversation of a chunk (some thousands) is covered, in the order of `keys`.
    /// One statement.
    pub async fn read_coverage(
        &self,
        keys: &[ConversationKey],
    ) -> Result<Vec<Coverage>, StoreError> {
        let list = Value::Ints(keys.iter().map(|key| key.0).collect());
        let mut found = HashMap::with_capacity(keys.len());
        for row in self.select(&statement::COVERAGE, vec![list]).await? {
            let coverage = coverage(row)?;
            found.insert(coverage.key, coverage);
        }
        keys.iter()
            .map(|key| {
                found.remove(key).ok_or_else(|| {
                    StoreError::broken(format!("no conversation has the key {}", key.0))
                })
            })
            .collect()
    }

    /// The keys of a chunk of ids (some thousands), `None` where the archive does not know one.
    pub async fn find_conversations(
        &self,
        ids: &[ConversationId],
    ) -> Result<Vec<Option<ConversationKey>>, StoreError> {
        let names: Vec<String> = ids.iter().map(|id| clean(id.as_str())).collect();
        let rows = self.select(
            &statement::CONVERSATION_KEYS_BY_ID,
            vec![names.clone().into()],
        );
        let mut found = HashMap::with_capacity(ids.len());
        for mut row in rows.await? {
            let key = ConversationKey(row.int()?);
            found.insert(row.text()?, key);
        }
        Ok(names.iter().map(|name| found.get(name).copied()).collect())
    }

    /// The conversations that a chunk of phone numbers was found to have, and how many of the
    /// numbers were never looked up.
    pub async fn read_linked(
        &self,
        phones: &[String],
    ) -> Result<(Vec<ConversationId>, u64), StoreError> {
        let rows = self.select(&statement::STORED_LINKS, vec![phones.to_vec().into()]);
        let mut conversations = Vec::new();
        let mut known = std::collections::HashSet::new();
        for mut row in rows.await? {
            let _key = row.int()?;
            known.insert(row.text()?);
            conversations.extend(row.maybe_text()?.map(ConversationId::new));
        }
        let unknown = phones.iter().filter(|phone| !known.contains(*phone));
        Ok((conversations, unknown.count() as u64))
    }

    /// How many messages the newest conversations list, and how many more are counted (b), where
    /// that is known and the count is trusted.
    pub async fn read_count_samples(&self, limit: usize) -> Result<Vec<(u64, i64)>, StoreError> {
        let args = vec![(limit as u64).into()];
        let rows = self.select(&statement::COUNT_SAMPLES, args).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.count()?, row.int()?)))
            .collect()
    }

    /// How long the conversations are that are complete; one entry a length.
    pub async fn read_sizes(&self) -> Result<Vec<Size>, StoreError> {
        let rows = self.select(&statement::SIZES, Vec::new()).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Size {
                    messages: row.count()?,
                    conversations: row.count()?,
                })
            })
            .collect()
    }
}

fn coverage(mut row: Row) -> Result<Coverage, StoreError> {
    Ok(Coverage {
        key: ConversationKey(row.int()?),
        id: ConversationId::new(row.text()?),
        state: state(&row.text()?)?,
        live: row.count()?,
        to_confirm: row.count()?,
        unlisted: row.maybe_int()?,
        cover: extent(&mut row)?,
        second: {
            let under_way = row.int()? > 0;
            let extent = extent(&mut row)?;
            let left = row.count()?;
            under_way.then_some(SecondCover { extent, left })
        },
    })
}

/// Pieces, holes and tails, from the next three columns.
fn extent(row: &mut Row) -> Result<Extent, StoreError> {
    Ok(Extent {
        pieces: row.count()?,
        holes: row.count()?,
        has_tail: row.count()? > 0,
    })
}
