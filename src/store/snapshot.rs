//! Reading what is archived as it stands: one consistent state, or whatever is there now.
//!
//! Everything is read in batches that are bounded in rows and in bytes of raw JSON, by key, so
//! that an archive of any size is read in little memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{
    ArchivedAbsence, ArchivedConversation, ArchivedMessage, ArchivedOutcomes, ArchivedPiece,
    ArchivedRun, ArchivedState, ArchivedVersion, ArchivedZone, Dangling, Difference, IndexFlaw,
    Redecoded, Store, StoreError,
    backend::{Reader, Select},
    changes, derived, reference, search,
    statement::{self, Statement},
    value::{Row, Value, clean},
    zone,
};
use crate::model::{ConversationId, ConversationKey, MessageId, Piece, RunId};

/// Conversations that are read at once.
const CONVERSATIONS_MAX: u64 = 1_000;
/// Messages that are read at once, without raw JSON.
const MESSAGES_MAX: u64 = 500;
/// Runs that are read at once.
const RUNS_MAX: u64 = 1_000;
/// Values that refer to nothing, for one column.
const DANGLING_MAX: i64 = 100;

/// One state of an archive. What is committed later is not seen, nothing is written, and the
/// archive's lock is not needed.
#[derive(Debug)]
pub struct Snapshot(pub(super) Box<dyn Reader>);

/// The pool: each read sees what is committed by then.
pub(super) struct Now<'a>(pub(super) &'a Store);

#[async_trait]
impl Select for Now<'_> {
    async fn select(
        &mut self,
        statement: &Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.0.select(statement, args).await
    }
}

impl Store {
    /// The archive as it is now.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot(self.shared.backend.connect_reader().await?))
    }

    /// Up to 500 messages after a key, in the order of keys; none where there are no more.
    pub async fn read_messages_after(&self, key: i64) -> Result<Vec<ArchivedMessage>, StoreError> {
        messages_after(&mut Now(self), key).await
    }

    /// The raw JSON of versions, by key of the message and version.
    pub async fn read_raws(
        &self,
        versions: &[(i64, i64)],
    ) -> Result<HashMap<(i64, i64), String>, StoreError> {
        raws(&mut Now(self), versions).await
    }

    /// Every state that is archived of some messages of a conversation, by id and version.
    pub async fn read_states(
        &self,
        conversation: ConversationKey,
        ids: &[MessageId],
    ) -> Result<Vec<ArchivedState>, StoreError> {
        let ids: Vec<String> = ids.iter().map(|id| clean(id.as_str())).collect();
        let args = vec![conversation.0.into(), ids.into()];
        let rows = self.select(&statement::STATES, args).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(ArchivedState {
                    id: MessageId::new(row.text()?),
                    version: row.int()?,
                    is_current: row.bool()?,
                    updated_at: row.maybe_time()?,
                    observed_at: row.time()?,
                    raw: row.text()?,
                })
            })
            .collect()
    }

    /// How many messages have a key after this one.
    pub async fn count_messages_after(&self, key: i64) -> Result<u64, StoreError> {
        let statement = &statement::COUNT_MESSAGES_AFTER;
        count(&mut Now(self), statement, vec![key.into()]).await
    }
}

impl Snapshot {
    /// The keys of conversations by id; those that are not archived are left out.
    pub async fn keys_of(
        &mut self,
        ids: &[ConversationId],
    ) -> Result<HashMap<String, ConversationKey>, StoreError> {
        let mut keys = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(10_000) {
            let names: Vec<String> = chunk.iter().map(|id| clean(id.as_str())).collect();
            let statement = &statement::CONVERSATION_KEYS_BY_ID;
            for mut row in self.0.select(statement, vec![names.into()]).await? {
                let key = ConversationKey(row.int()?);
                keys.insert(row.text()?, key);
            }
        }
        Ok(keys)
    }

    /// Up to 1,000 keys of conversations after one, in order.
    pub async fn conversation_keys_after(
        &mut self,
        key: ConversationKey,
    ) -> Result<Vec<ConversationKey>, StoreError> {
        let args = vec![key.0.into(), CONVERSATIONS_MAX.into()];
        let rows = self.0.select(&statement::CONVERSATION_KEYS, args).await?;
        rows.into_iter()
            .map(|mut row| Ok(ConversationKey(row.int()?)))
            .collect()
    }

    /// Conversations with their ledgers, in the order of keys; at most some hundred at once.
    pub async fn conversations(
        &mut self,
        keys: &[ConversationKey],
    ) -> Result<Vec<ArchivedConversation>, StoreError> {
        let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let statement = &statement::AUDIT_CONVERSATIONS;
        let mut found = Vec::with_capacity(keys.len());
        for mut row in self.0.select(statement, vec![keys.clone().into()]).await? {
            found.push(conversation(&mut row)?);
        }
        let statement = &statement::AUDIT_PIECES;
        for mut row in self.0.select(statement, vec![keys.into()]).await? {
            let key = ConversationKey(row.int()?);
            let place = found.binary_search_by_key(&key, |conversation| conversation.key);
            if let Ok(place) = place {
                found[place].pieces.push(piece(&mut row)?);
            }
        }
        Ok(found)
    }

    /// Whether any message of the conversation was seen with another created time than before.
    pub async fn has_moved_messages(
        &mut self,
        conversation: ConversationKey,
    ) -> Result<bool, StoreError> {
        let args = vec![conversation.0.into()];
        Ok(count(self.0.as_mut(), &statement::MOVED_MESSAGES, args).await? > 0)
    }

    /// How many messages there are, in all or of some conversations.
    pub async fn count_messages(
        &mut self,
        of: Option<&[ConversationKey]>,
    ) -> Result<u64, StoreError> {
        let Some(keys) = of else {
            return count(self.0.as_mut(), &statement::COUNT_MESSAGES, Vec::new()).await;
        };
        let mut messages = 0;
        for chunk in keys.chunks(10_000) {
            let keys: Vec<i64> = chunk.iter().map(|key| key.0).collect();
            let statement = &statement::COUNT_MESSAGES_OF;
            messages += count(self.0.as_mut(), statement, vec![keys.into()]).await?;
        }
        Ok(messages)
    }

    /// Up to 500 messages after a key, in the order of keys; none where there are no more.
    pub async fn messages_after(&mut self, key: i64) -> Result<Vec<ArchivedMessage>, StoreError> {
        messages_after(self.0.as_mut(), key).await
    }

    /// Up to 500 messages of a conversation after an id (empty: from the first), by id.
    pub async fn messages_of(
        &mut self,
        conversation: ConversationKey,
        after_id: &str,
    ) -> Result<Vec<ArchivedMessage>, StoreError> {
        let args = vec![conversation.0.into(), after_id.into(), MESSAGES_MAX.into()];
        let rows = self.0.select(&statement::AUDIT_MESSAGES_OF, args).await?;
        with_versions(self.0.as_mut(), rows).await
    }

    /// The raw JSON of versions, by key of the message and version.
    pub async fn raws(
        &mut self,
        versions: &[(i64, i64)],
    ) -> Result<HashMap<(i64, i64), String>, StoreError> {
        raws(self.0.as_mut(), versions).await
    }

    /// Where the derived rows of these versions are not what decoding gave.
    pub async fn differences(
        &mut self,
        versions: &[Redecoded<'_>],
    ) -> Result<Vec<Difference>, StoreError> {
        Ok(derived::compare(self.0.as_mut(), versions)
            .await?
            .differences)
    }

    /// Up to 1,000 runs after one, in order.
    pub async fn runs_after(&mut self, run: RunId) -> Result<Vec<ArchivedRun>, StoreError> {
        let args = vec![run.0.into(), RUNS_MAX.into()];
        let mut rows = self.0.select(&statement::AUDIT_RUNS, args).await?;
        let mut runs: Vec<ArchivedRun> = rows
            .iter_mut()
            .map(archived_run)
            .collect::<Result<_, _>>()?;
        let ids: Vec<i64> = runs.iter().map(|run| run.id.0).collect();
        let statement = &statement::AUDIT_OUTCOMES;
        for mut row in self.0.select(statement, vec![ids.clone().into()]).await? {
            let id = row.int()?;
            if let Ok(place) = ids.binary_search(&id) {
                runs[place].reported = outcomes(&mut row)?;
            }
        }
        Ok(runs)
    }

    /// Where `message_changes` is not what the versions of these messages give. `described_to` is
    /// the last run whose versions must have been described.
    pub async fn change_differences(
        &mut self,
        messages: &[&ArchivedMessage],
        described_to: i64,
    ) -> Result<Vec<Difference>, StoreError> {
        changes::compare(self.0.as_mut(), messages, described_to).await
    }

    /// The archive's zone and what is stored of it.
    pub async fn time_zone(&mut self) -> Result<ArchivedZone, StoreError> {
        zone::stored(self.0.as_mut()).await
    }

    /// Values that refer to a row that is not there, at most 100 for each column.
    pub async fn dangling(&mut self) -> Result<Vec<Dangling>, StoreError> {
        reference::dangling(self.0.as_mut(), DANGLING_MAX).await
    }

    /// How the index of words differs from the messages that it stands for; `None` where it does
    /// not. Reads every word.
    pub async fn index_flaw(&mut self) -> Result<Option<IndexFlaw>, StoreError> {
        search::compare(self.0.as_mut()).await
    }

    /// Lets go of the state.
    pub async fn close(self) -> Result<(), StoreError> {
        self.0.close().await
    }
}

async fn count(
    source: &mut dyn Select,
    statement: &Statement,
    args: Vec<Value>,
) -> Result<u64, StoreError> {
    match source.select(statement, args).await?.as_mut_slice() {
        [row] => row.count(),
        _ => Err(StoreError::broken("a count gave no row")),
    }
}

async fn messages_after(
    source: &mut dyn Select,
    key: i64,
) -> Result<Vec<ArchivedMessage>, StoreError> {
    let args = vec![key.into(), MESSAGES_MAX.into()];
    let rows = source.select(&statement::AUDIT_MESSAGES, args).await?;
    with_versions(source, rows).await
}

/// The messages of some rows, with their versions and absences.
async fn with_versions(
    source: &mut dyn Select,
    rows: Vec<Row>,
) -> Result<Vec<ArchivedMessage>, StoreError> {
    let mut messages = Vec::with_capacity(rows.len());
    for mut row in rows {
        messages.push(message(&mut row)?);
    }
    if messages.is_empty() {
        return Ok(messages);
    }
    let keys: Vec<i64> = messages.iter().map(|message| message.key).collect();
    let places: HashMap<i64, usize> = keys.iter().copied().zip(0..).collect();
    let place_of = |key: i64| {
        let place = places.get(&key).copied();
        place.ok_or_else(|| StoreError::broken("a version of a message that was not asked for"))
    };
    let statement = &statement::AUDIT_VERSIONS;
    for mut row in source.select(statement, vec![keys.clone().into()]).await? {
        let place = place_of(row.int()?)?;
        messages[place].versions.push(ArchivedVersion {
            version: row.int()?,
            event: row.text()?,
            observed_at: row.time()?,
            recorded_at: row.time()?,
            run_id: row.int()?,
            sha256: row.maybe_bytes()?,
            raw_bytes: row
                .maybe_int()?
                .map(|bytes| u64::try_from(bytes).unwrap_or(0)),
        });
    }
    let statement = &statement::AUDIT_ABSENCES;
    for mut row in source.select(statement, vec![keys.into()]).await? {
        let place = place_of(row.int()?)?;
        messages[place].absences.push(ArchivedAbsence {
            strike: row.int()?,
            run_id: row.int()?,
            sent_at: row.time()?,
            interval: (row.maybe_time()?, row.maybe_time()?),
        });
    }
    Ok(messages)
}

pub(super) async fn raws(
    source: &mut dyn Select,
    versions: &[(i64, i64)],
) -> Result<HashMap<(i64, i64), String>, StoreError> {
    if versions.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted: Vec<(i64, String)> = versions
        .iter()
        .map(|(key, version)| (*key, version.to_string()))
        .collect();
    let mut found = HashMap::with_capacity(versions.len());
    for mut row in source.select(&statement::RAWS, vec![wanted.into()]).await? {
        let name = (row.int()?, row.int()?);
        if let Some(raw) = row.maybe_text()? {
            found.insert(name, raw);
        }
    }
    Ok(found)
}

fn conversation(row: &mut Row) -> Result<ArchivedConversation, StoreError> {
    Ok(ArchivedConversation {
        key: ConversationKey(row.int()?),
        id: row.text()?,
        state: row.text()?,
        reason: row.maybe_text()?,
        live_count: row.int()?,
        live_messages: row.int()?,
        unlisted: row.maybe_int()?,
        tail_proof: row.maybe_text()?,
        full_since: row.maybe_time()?,
        checked_at: row.maybe_time()?,
        proven_at: row.maybe_time()?,
        horizon: row.maybe_time()?,
        open_failures: row.int()?,
        last_run: row.maybe_int()?,
        last_outcome: row.maybe_text()?,
        pieces: Vec::new(),
    })
}

fn piece(row: &mut Row) -> Result<ArchivedPiece, StoreError> {
    Ok(ArchivedPiece {
        layer: row.int()?,
        position: row.int()?,
        piece: Piece {
            after: row.maybe_time()?,
            before: row.maybe_time()?,
            sent_at: row.time()?,
            settled: row.bool()?,
        },
        message_from: row.maybe_time()?,
        message_to: row.maybe_time()?,
    })
}

fn message(row: &mut Row) -> Result<ArchivedMessage, StoreError> {
    Ok(ArchivedMessage {
        key: row.int()?,
        conversation: ConversationKey(row.int()?),
        conversation_id: row.maybe_text()?.unwrap_or_default(),
        id: MessageId::new(row.text()?),
        version: row.int()?,
        created_at: row.maybe_time()?,
        observed_at: row.time()?,
        observed_run: row.maybe_int()?,
        first_seen_run: row.int()?,
        missing_since: row.maybe_time()?,
        missing_run: row.maybe_int()?,
        deleted_at: row.maybe_time()?,
        versions: Vec::new(),
        absences: Vec::new(),
    })
}

fn archived_run(row: &mut Row) -> Result<ArchivedRun, StoreError> {
    Ok(ArchivedRun {
        id: RunId(row.int()?),
        command: row.text()?,
        started_at: row.time()?,
        finished_at: row.maybe_time()?,
        outcome: row.maybe_text()?,
        exit_code: row.maybe_int()?,
        listed: row.int()?,
        complete: row.int()?,
        waived: row.int()?,
        otherwise: row.int()?,
        not_reached: row.int()?,
        empty: row.int()?,
        messages: [row.int()?, row.int()?, row.int()?],
        requests: [row.int()?, row.int()?, row.int()?],
        reported: ArchivedOutcomes::default(),
    })
}

fn outcomes(row: &mut Row) -> Result<ArchivedOutcomes, StoreError> {
    Ok(ArchivedOutcomes {
        incomplete: row.int()?,
        disowned: row.int()?,
        finished: row.maybe_time()?.zip(row.maybe_time()?),
    })
}
