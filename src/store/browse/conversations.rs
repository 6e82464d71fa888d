//! The list of conversations, and the head of one.

use std::collections::HashMap;

use super::{Browsing, Listed, and_one};
use crate::{
    model::{ConversationId, ConversationKey, ConversationState, Timestamp},
    store::{
        StoreError,
        record::state,
        statement::browse as sql,
        value::{AFTER_ALL, BEFORE_ALL, Row, Value, clean},
    },
};

/// In which order conversations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConversationSort {
    /// The newest message first; those without any last. Costs a look into an index for each
    /// conversation that is meant.
    #[default]
    Newest,
    /// The longest first.
    Longest,
    /// Never proven first, then the oldest proof.
    OldestProof,
    /// As they were first listed. The one order that costs a page alone, however many there are.
    FirstListed,
}

/// A place in a list of conversations: the list goes on after it. Of one order alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationPlace {
    /// What the order goes by: milliseconds since 1970, or a number; `None` where there is none.
    pub at: Option<i64>,
    /// The conversation.
    pub key: ConversationKey,
}

/// Which conversations.
#[derive(Debug, Clone, Default)]
pub struct ConversationQuery {
    /// Only those in this state.
    pub state: Option<ConversationState>,
    /// Only those whose id has this in it, to the letter.
    pub id_part: String,
    /// In which order.
    pub sort: ConversationSort,
    /// After this place.
    pub after: Option<ConversationPlace>,
    /// How many at most.
    pub limit: u32,
}

/// One conversation of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationLine {
    /// Where it is in the list.
    pub place: ConversationPlace,
    /// Its id.
    pub id: ConversationId,
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// Why.
    pub reason: Option<String>,
    /// Messages that are neither missing nor deleted.
    pub live: u64,
    /// The last run whose head and count agreed.
    pub checked_at: Option<Timestamp>,
    /// How old the oldest page of its proof is.
    pub proven_at: Option<Timestamp>,
    /// Failures that are neither resolved nor waived.
    pub open_failures: u64,
    /// The newest message, deleted or not.
    pub newest: Option<NewestMessage>,
    /// The contact who wrote last, if any did among the last 50 messages.
    pub contact: Option<String>,
}

/// The newest message of a conversation, in short: texts are cut off at 200 characters.
#[derive(Debug, Clone, PartialEq)]
pub struct NewestMessage {
    /// Who sent it.
    pub sender_id: Option<String>,
    /// The type as received.
    pub kind: Option<String>,
    /// What its file seems to be.
    pub media_kind: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The words.
    pub text: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// What stands above the messages of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationHead {
    /// The key.
    pub key: ConversationKey,
    /// The id.
    pub id: ConversationId,
    /// The organisation.
    pub organization_id: Option<String>,
    /// The business unit.
    pub business_unit_id: Option<String>,
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// Messages that are neither missing nor deleted.
    pub live: u64,
    /// Missing, and not yet confirmed to be deleted.
    pub missing: u64,
    /// Deleted.
    pub deleted: u64,
    /// The created time of the oldest message.
    pub first_at: Option<Timestamp>,
    /// The created time of the newest message.
    pub last_at: Option<Timestamp>,
    /// The last run whose head and count agreed.
    pub checked_at: Option<Timestamp>,
    /// How old the oldest page of its proof is.
    pub proven_at: Option<Timestamp>,
    /// Below it everything is proven.
    pub horizon: Option<Timestamp>,
    /// Failures that are neither resolved nor waived.
    pub open_failures: u64,
    /// Failures that are waived and not resolved.
    pub waived_failures: u64,
}

impl Browsing {
    /// A page of the list of conversations.
    pub async fn conversations(
        &mut self,
        query: &ConversationQuery,
    ) -> Result<Listed<ConversationLine>, StoreError> {
        let places = self.places(query).await?;
        let keys: Vec<i64> = places.rows.iter().map(|place| place.key.0).collect();
        let mut lines = self.lines(&keys).await?;
        let rows = places.rows.into_iter().filter_map(|place| {
            let line = lines.remove(&place.key.0)?;
            Some(ConversationLine { place, ..line })
        });
        Ok(Listed {
            rows: rows.collect(),
            more: places.more,
        })
    }

    async fn places(
        &mut self,
        query: &ConversationQuery,
    ) -> Result<Listed<ConversationPlace>, StoreError> {
        let mut args: Vec<Value> = vec![
            query.state.map_or("", ConversationState::as_str).into(),
            query.id_part.as_str().into(),
            and_one(query.limit),
        ];
        let after = query.after;
        let key = |first: i64| after.map_or(first, |place| place.key.0);
        let statement = match query.sort {
            ConversationSort::Newest => {
                args.extend(time_and_key(after, 1, AFTER_ALL, i64::MAX));
                &sql::CONVERSATIONS_BY_NEWEST
            }
            ConversationSort::OldestProof => {
                args.extend(time_and_key(after, 2, BEFORE_ALL, -1));
                &sql::CONVERSATIONS_BY_PROOF
            }
            ConversationSort::Longest => {
                let length = after.and_then(|place| place.at).unwrap_or(i64::MAX);
                args.extend([length.into(), key(i64::MAX).into()]);
                &sql::CONVERSATIONS_BY_LENGTH
            }
            ConversationSort::FirstListed => {
                args.push(key(-1).into());
                &sql::CONVERSATIONS_BY_AGE
            }
        };
        let is_time = matches!(
            query.sort,
            ConversationSort::Newest | ConversationSort::OldestProof
        );
        self.list(statement, args, query.limit, |row| {
            Ok(ConversationPlace {
                key: ConversationKey(row.int()?),
                at: if is_time {
                    row.maybe_time()?.map(Timestamp::as_millis)
                } else {
                    row.maybe_int()?
                },
            })
        })
        .await
    }

    /// Conversations by key; their places are still to be told.
    async fn lines(&mut self, keys: &[i64]) -> Result<HashMap<i64, ConversationLine>, StoreError> {
        let mut lines = HashMap::with_capacity(keys.len());
        let list = || vec![Value::Ints(keys.to_vec())];
        for mut row in self.select(&sql::LISTED_CONVERSATIONS, list()).await? {
            let line = line(&mut row)?;
            lines.insert(line.place.key.0, line);
        }
        for mut row in self.select(&sql::NEWEST_MESSAGES, list()).await? {
            if let Some(line) = lines.get_mut(&row.int()?) {
                line.newest = Some(newest(&mut row)?);
            }
        }
        for mut row in self.select(&sql::CONTACTS, list()).await? {
            if let Some(line) = lines.get_mut(&row.int()?) {
                line.contact = row.maybe_text()?;
            }
        }
        Ok(lines)
    }

    /// The head of one conversation; `None` where the archive does not know it.
    pub async fn conversation(
        &mut self,
        id: &ConversationId,
    ) -> Result<Option<ConversationHead>, StoreError> {
        let args = vec![clean(id.as_str()).as_str().into()];
        let mut rows = self.select(&sql::CONVERSATION_HEAD, args).await?;
        rows.first_mut().map(head).transpose()
    }
}

/// Whether a time or none is read on from, and the time and the key.
fn time_and_key(
    after: Option<ConversationPlace>,
    first: i64,
    first_time: Timestamp,
    first_key: i64,
) -> [Value; 3] {
    let Some(place) = after else {
        return [first.into(), first_time.into(), first_key.into()];
    };
    let time = place.at.map_or(first_time, Timestamp::from_millis);
    let which: i64 = if place.at.is_some() { 1 } else { 2 };
    [which.into(), time.into(), place.key.0.into()]
}

fn line(row: &mut Row) -> Result<ConversationLine, StoreError> {
    let key = ConversationKey(row.int()?);
    Ok(ConversationLine {
        place: ConversationPlace { at: None, key },
        id: ConversationId::new(row.text()?),
        state: state(&row.text()?)?,
        reason: row.maybe_text()?,
        live: row.count()?,
        checked_at: row.maybe_time()?,
        proven_at: row.maybe_time()?,
        open_failures: row.count()?,
        newest: None,
        contact: None,
    })
}

fn newest(row: &mut Row) -> Result<NewestMessage, StoreError> {
    Ok(NewestMessage {
        sender_id: row.maybe_text()?,
        kind: row.maybe_text()?,
        media_kind: row.maybe_text()?,
        title: row.maybe_text()?,
        text: row.maybe_text()?,
        created_at: row.time()?,
        is_deleted: row.bool()?,
    })
}

fn head(row: &mut Row) -> Result<ConversationHead, StoreError> {
    Ok(ConversationHead {
        key: ConversationKey(row.int()?),
        id: ConversationId::new(row.text()?),
        organization_id: row.maybe_text()?,
        business_unit_id: row.maybe_text()?,
        state: state(&row.text()?)?,
        reason: row.maybe_text()?,
        state_since: row.maybe_time()?,
        live: row.count()?,
        missing: row.count()?,
        deleted: row.count()?,
        first_at: row.maybe_time()?,
        last_at: row.maybe_time()?,
        checked_at: row.maybe_time()?,
        proven_at: row.maybe_time()?,
        horizon: row.maybe_time()?,
        open_failures: row.count()?,
        waived_failures: row.count()?,
    })
}
