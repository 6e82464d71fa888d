//! What a run reads and registers: conversations, their records, slices of messages.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use async_trait::async_trait;

use super::{
    CurrentMessage, MissingMessage, Slice, Store, StoreError, Target,
    apply::take,
    session::{Session, Work},
    statement::{self, Statement},
    table,
    value::{AFTER_ALL, BEFORE_ALL, Kind, Row, Value, clean, cleaned},
};
use crate::model::{
    ConversationId, ConversationKey, ConversationRecord, ConversationState, CountTrust, MessageId,
    Piece, RunId, TailProof, Timestamp,
};

/// How many ids or keys go into one statement. What is made of ten times as many, rows and texts and
/// maps of them, had taken some 5 MiB of memory that a run never gave back.
const CHUNK: usize = 1_000;

/// Some ids that are to have a row.
struct Register<'a> {
    run: RunId,
    ids: &'a [String],
}

#[async_trait]
impl Work for Register<'_> {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(self.ids.len());
        for id in self.ids {
            let key = take(&mut session.keys.conversation);
            rows.push(vec![key.into(), id.into(), self.run.0.into()]);
        }
        session.put(&table::NEW_CONVERSATIONS, rows).await?;
        Ok(())
    }
}

impl Store {
    pub(super) async fn register(
        &self,
        run: RunId,
        ids: &[ConversationId],
    ) -> Result<Vec<ConversationKey>, StoreError> {
        let mut keys = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let names: Vec<String> = chunk.iter().map(|id| clean(id.as_str())).collect();
            let mut known = self.known_keys(&names).await?;
            let mut met = HashSet::new();
            let new: Vec<String> = names
                .iter()
                .filter(|name| !known.contains_key(*name) && met.insert(*name))
                .cloned()
                .collect();
            if !new.is_empty() {
                self.transact(&Register { run, ids: &new }).await?;
                known.extend(self.known_keys(&new).await?);
            }
            for name in &names {
                keys.push(*known.get(name).ok_or_else(|| {
                    StoreError::broken("a conversation that was just registered is not there")
                })?);
            }
        }
        Ok(keys)
    }

    async fn known_keys(
        &self,
        names: &[String],
    ) -> Result<HashMap<String, ConversationKey>, StoreError> {
        let rows = self.select(
            &statement::CONVERSATION_KEYS_BY_ID,
            vec![names.to_vec().into()],
        );
        rows.await?
            .into_iter()
            .map(|mut row| {
                let key = ConversationKey(row.int()?);
                Ok((row.text()?, key))
            })
            .collect()
    }

    pub(super) async fn conversation_keys(&self) -> Result<Vec<ConversationKey>, StoreError> {
        let mut keys = Vec::new();
        let mut last = i64::MIN;
        loop {
            let args = vec![last.into(), (CHUNK as u64).into()];
            let rows = self.select(&statement::CONVERSATION_KEYS, args).await?;
            if rows.is_empty() {
                return Ok(keys);
            }
            for mut row in rows {
                last = row.int()?;
                keys.push(ConversationKey(last));
            }
        }
    }

    pub(super) async fn targets(
        &self,
        keys: &[ConversationKey],
    ) -> Result<Vec<Target>, StoreError> {
        let mut targets = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            let mut found = HashMap::with_capacity(chunk.len());
            for mut row in self
                .select(&statement::TARGETS, vec![key_list(chunk)])
                .await?
            {
                let target = Target {
                    key: ConversationKey(row.int()?),
                    state: state(&row.text()?)?,
                    proven_at: row.maybe_time()?,
                    full_under_way: row.maybe_time()?.is_some(),
                    waived: {
                        let (open, waived) = (row.int()?, row.int()?);
                        open > 0 && open == waived
                    },
                };
                found.insert(target.key, target);
            }
            for key in chunk {
                targets.push(*found.get(key).ok_or_else(|| unknown_key(*key))?);
            }
        }
        Ok(targets)
    }

    pub(super) async fn records(
        &self,
        keys: &[ConversationKey],
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        let mut records = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            let mut found = HashMap::with_capacity(chunk.len());
            for mut row in self
                .select(&statement::RECORDS, vec![key_list(chunk)])
                .await?
            {
                let record = record(&mut row)?;
                found.insert(record.key, record);
            }
            for row in self
                .select(&statement::LEDGERS, vec![key_list(chunk)])
                .await?
            {
                let (key, layer, piece) = read_pieces(row)?;
                if let Some(record) = found.get_mut(&key) {
                    match layer {
                        0 => record.ledger.push(piece),
                        1 => record.full_ledger.push(piece),
                        _ => record.tie_points.push(piece),
                    }
                }
            }
            for key in chunk {
                records.push(found.get(key).cloned().ok_or_else(|| unknown_key(*key))?);
            }
        }
        Ok(records)
    }

    pub(super) async fn slice(
        &self,
        conversation: ConversationKey,
        slice: &Slice<'_>,
    ) -> Result<Vec<CurrentMessage>, StoreError> {
        let mut found = Vec::with_capacity(slice.ids.len());
        if slice.with_interval {
            let after = slice.after.map_or(time(BEFORE_ALL), Value::from);
            let before = slice.before.map_or(time(AFTER_ALL), Value::from);
            let args = vec![conversation.0.into(), after, before];
            for mut row in self.select(&statement::SLICE_BETWEEN, args).await? {
                found.push(current_message(&mut row)?);
            }
        }
        // Of a page that was archived before the times give all but its ends, at a third of the cost.
        let there: HashSet<&str> = found.iter().map(|message| message.id.as_str()).collect();
        let ids = slice.ids.iter().map(|id| cleaned(id.as_str()));
        let ids = ids.filter(|id| !there.contains(&**id));
        let ids: Vec<String> = ids.map(Cow::into_owned).collect();
        if !ids.is_empty() {
            let args = vec![conversation.0.into(), ids.into()];
            for mut row in self.select(&statement::SLICE_OF, args).await? {
                found.push(current_message(&mut row)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn texts<const N: usize>(
        &self,
        sql: &'static str,
    ) -> Result<Vec<[String; N]>, StoreError> {
        let statement = Statement {
            purpose: "answering a question",
            text: sql.into(),
            columns: const { &[Kind::Text; N] },
            arguments: 0,
        };
        let rows = self.select(&statement, Vec::new()).await?;
        rows.into_iter()
            .map(|mut row| {
                let mut texts = [const { String::new() }; N];
                for text in &mut texts {
                    *text = row.maybe_text()?.unwrap_or_default();
                }
                Ok(texts)
            })
            .collect()
    }

    pub(super) async fn missing(
        &self,
        conversation: ConversationKey,
    ) -> Result<Vec<MissingMessage>, StoreError> {
        let rows = self
            .select(&statement::MISSING, vec![conversation.0.into()])
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(MissingMessage {
                    id: MessageId::new(row.text()?),
                    created_at: row.maybe_time()?,
                    missing_since: row.time()?,
                    confirmed: row.maybe_int()?.is_some(),
                })
            })
            .collect()
    }

    pub(super) async fn live_after(
        &self,
        conversation: ConversationKey,
        time: Timestamp,
    ) -> Result<u64, StoreError> {
        let args = vec![conversation.0.into(), Value::Time(Some(time))];
        match self
            .select(&statement::LIVE_AFTER, args)
            .await?
            .as_mut_slice()
        {
            [row] => row.count(),
            _ => Err(StoreError::broken("a count gave no row")),
        }
    }
}

/// A bound that no stored time has; not held between the years 0 and 9999.
const fn time(bound: Timestamp) -> Value {
    Value::Time(Some(bound))
}

fn key_list(keys: &[ConversationKey]) -> Value {
    Value::Ints(keys.iter().map(|key| key.0).collect())
}

fn unknown_key(key: ConversationKey) -> StoreError {
    StoreError::broken(format!("no conversation has the key {}", key.0))
}

/// The state that a stored word names.
pub(super) fn state(word: &str) -> Result<ConversationState, StoreError> {
    ConversationState::parse(word)
        .ok_or_else(|| StoreError::broken(format!("no state is called {word:?}")))
}

/// How far a count is trusted, from the next two columns.
pub(super) fn count_trust(row: &mut Row) -> Result<CountTrust, StoreError> {
    let small = |number: i64| {
        u32::try_from(number).map_err(|_| StoreError::broken(format!("{number} runs in a row")))
    };
    Ok(CountTrust {
        moves: small(row.int()?)?,
        steady_runs: row.maybe_int()?.map(small).transpose()?,
    })
}

fn record(row: &mut Row) -> Result<ConversationRecord, StoreError> {
    Ok(ConversationRecord {
        key: ConversationKey(row.int()?),
        id: ConversationId::new(row.text()?),
        state: state(&row.text()?)?,
        live_count: row.count()?,
        missing_count: row.count()?,
        unlisted: row.maybe_int()?,
        tail_proof: match row.maybe_text()? {
            None => None,
            Some(word) => Some(TailProof::parse(&word).ok_or_else(|| {
                StoreError::broken(format!("no proof of a tail is called {word:?}"))
            })?),
        },
        ledger: Vec::new(),
        full_ledger: Vec::new(),
        tie_points: Vec::new(),
        full_since: row.maybe_time()?,
        count_trust: count_trust(row)?,
        swept_below: row.maybe_time()?,
    })
}

/// A row of `coverage_pieces`: whose, which layer, the piece.
pub(super) fn read_pieces(mut row: Row) -> Result<(ConversationKey, i64, Piece), StoreError> {
    Ok((
        ConversationKey(row.int()?),
        row.int()?,
        Piece {
            after: row.maybe_time()?,
            before: row.maybe_time()?,
            sent_at: row.time()?,
            settled: row.bool()?,
        },
    ))
}

fn current_message(row: &mut Row) -> Result<CurrentMessage, StoreError> {
    Ok(CurrentMessage {
        id: MessageId::new(row.text()?),
        digest: row
            .bytes()?
            .try_into()
            .map_err(|_| StoreError::broken("a digest is not 16 bytes long"))?,
        created_at: row.maybe_time()?,
        missing_since: row.maybe_time()?,
        missing_run: row.maybe_int()?.map(RunId),
        deleted_at: row.maybe_time()?,
        has_older: row.bool()?,
    })
}
