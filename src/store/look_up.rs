//! What a batch meets: the rows that decide what it changes, asked for in few questions.

use std::collections::BTreeSet;

use super::{
    Batch, StoreError,
    apply::{
        self, Met, OlderState, OpenFailure, StoredConversation, StoredLink, StoredMessage,
        StoredVersions,
    },
    backend::{Asked, Select},
    outlook::Outlook,
    record::{count_trust, read_pieces},
    search::State,
    statement::{
        self, LEDGERS, OPEN_FAILURES, STORED_CONVERSATIONS, STORED_LINKS, STORED_MESSAGES,
        Statement, search::INDEX_STATE,
    },
    value::{Row, Value, clean},
};
use crate::model::ConversationKey;

/// What is looked up together: of a statement the rows, where it was asked.
#[derive(Default)]
struct LookUps(Vec<Asked>);

impl LookUps {
    /// Asks about a list, unless it is empty.
    fn ask<T>(&mut self, statement: &'static Statement, list: Vec<T>)
    where
        Value: From<Vec<T>>,
    {
        if !list.is_empty() {
            self.0.push((statement, vec![list.into()]));
        }
    }

    async fn run<S: Select + ?Sized>(self, source: &mut S) -> Result<Found, StoreError> {
        let statements: Vec<&'static Statement> = self.0.iter().map(|asked| asked.0).collect();
        let found = source.select_all(self.0).await?;
        Ok(Found(statements.into_iter().zip(found).collect()))
    }
}

struct Found(Vec<(&'static Statement, Vec<Row>)>);

impl Found {
    /// The rows of a statement; none where it was not asked.
    fn take(&mut self, statement: &'static Statement) -> Vec<Row> {
        let asked = |(other, _): &&mut (&'static Statement, _)| std::ptr::eq(*other, statement);
        let found = self.0.iter_mut().find(asked);
        found
            .map(|(_, rows)| std::mem::take(rows))
            .unwrap_or_default()
    }
}

/// Everything that the batch meets, and how far the index of words is; what the outlook tells is not
/// asked for.
pub(super) async fn look_up<S: Select + ?Sized>(
    source: &mut S,
    batch: &Batch,
    outlook: Option<&Outlook>,
) -> Result<(Met, State), StoreError> {
    let list = |keys: BTreeSet<ConversationKey>| -> Vec<i64> {
        let left = |key: &ConversationKey| outlook.is_some_and(|outlook| outlook.has(*key));
        let keys = keys.into_iter().filter(|key| !left(key));
        keys.map(|key| key.0).collect()
    };
    let walked = batch.pages.iter().filter(|page| page.progress.is_some());
    let walked: BTreeSet<ConversationKey> = walked.map(|page| page.conversation).collect();
    let pages = batch.pages.iter().map(|page| page.conversation);
    let outcomes = batch.outcomes.iter().map(|outcome| outcome.conversation);
    let numbers = batch.links.iter().map(|link| clean(&link.phone_number));
    let numbers: BTreeSet<String> = numbers.collect();
    let touched: BTreeSet<ConversationKey> = pages.chain(outcomes.clone()).collect();

    let mut asked = LookUps::default();
    if outlook.is_none() {
        asked.0.push((&INDEX_STATE, Vec::new()));
    }
    asked.ask(&STORED_MESSAGES, apply::wanted(batch));
    asked.ask(&STORED_CONVERSATIONS, list(touched.clone()));
    asked.ask(&LEDGERS, list(walked.clone()));
    asked.ask(
        &OPEN_FAILURES,
        outcomes
            .map(|key| key.0)
            .collect::<BTreeSet<i64>>()
            .into_iter()
            .collect(),
    );
    asked.ask(&STORED_LINKS, numbers.into_iter().collect());
    let mut found = asked.run(source).await?;

    let mut met = Met::default();
    for row in found.take(&STORED_MESSAGES) {
        let (conversation, id, stored) = stored_message(row)?;
        met.messages
            .entry(conversation)
            .or_default()
            .insert(id, stored);
    }
    for mut row in found.take(&STORED_CONVERSATIONS) {
        let key = ConversationKey(row.int()?);
        met.conversations
            .insert(key, stored_conversation(&mut row)?);
    }
    for row in found.take(&LEDGERS) {
        let (key, layer, piece) = read_pieces(row)?;
        met.ledgers.entry((key, layer)).or_default().push(piece);
    }
    for row in found.take(&OPEN_FAILURES) {
        met.failures.push(open_failure(row)?);
    }
    for row in found.take(&STORED_LINKS) {
        let (name, link) = stored_link(row)?;
        met.links.insert(name, link);
    }
    look_up_versions(source, batch, &mut met).await?;
    let Some(outlook) = outlook else {
        return Ok((met, State::of(&mut found.take(&INDEX_STATE))?));
    };
    outlook.tell(&touched, &walked, &mut met);
    Ok((met, outlook.indexed))
}

fn stored_message(mut row: Row) -> Result<(i64, String, StoredMessage), StoreError> {
    let key = row.int()?;
    let (conversation, id) = (row.int()?, row.text()?);
    let stored = StoredMessage {
        key,
        version: row.int()?,
        digest: exact(row.bytes()?)?,
        created_at: row.maybe_time()?,
        updated_at: row.maybe_time()?,
        observed_at: row.time()?,
        observed_run: row.maybe_int()?,
        missing_since: row.maybe_time()?,
        missing_run: row.maybe_int()?,
        deleted_at: row.maybe_time()?,
        older: older_state(&mut row)?,
    };
    Ok((conversation, id, stored))
}

fn older_state(row: &mut Row) -> Result<Option<OlderState>, StoreError> {
    let digest = row.maybe_bytes()?.map(exact).transpose()?;
    let (since, run) = (row.maybe_time()?, row.maybe_int()?);
    let Some(((digest, since), run)) = digest.zip(since).zip(run) else {
        return Ok(None);
    };
    Ok(Some(OlderState { digest, since, run }))
}

/// The versions of messages that the batch has in another form.
async fn look_up_versions<S: Select + ?Sized>(
    source: &mut S,
    batch: &Batch,
    met: &mut Met,
) -> Result<(), StoreError> {
    let disputed = apply::disputed(batch, &met.messages);
    if disputed.is_empty() {
        return Ok(());
    }
    let args = vec![disputed.into()];
    for mut row in source.select(&statement::STORED_VERSIONS, args).await? {
        let versions: &mut StoredVersions = met.versions.entry(row.int()?).or_default();
        versions.last = versions.last.max(row.int()?);
        versions
            .hashes
            .extend(row.maybe_bytes()?.map(exact).transpose()?);
        if let Some(raw) = row.maybe_text()? {
            versions.raw = Some(raw);
        }
    }
    Ok(())
}

fn exact<const N: usize>(hash: Vec<u8>) -> Result<[u8; N], StoreError> {
    hash.try_into()
        .map_err(|_| StoreError::broken(format!("a hash is not {N} bytes long")))
}

fn open_failure(mut row: Row) -> Result<OpenFailure, StoreError> {
    Ok(OpenFailure {
        key: row.int()?,
        conversation: ConversationKey(row.int()?),
        class: row.text()?,
        waived: row.maybe_time()?.is_some(),
        unlisted: row.maybe_int()?,
    })
}

fn stored_conversation(row: &mut Row) -> Result<StoredConversation, StoreError> {
    Ok(StoredConversation {
        organization_id: row.maybe_text()?,
        business_unit_id: row.maybe_text()?,
        state: row.text()?,
        reason: row.maybe_text()?,
        state_since: row.maybe_time()?,
        last_run: row.maybe_int()?,
        live_count: row.int()?,
        unlisted: row.maybe_int()?,
        tail_proof: row.maybe_text()?,
        full_since: row.maybe_time()?,
        count_trust: count_trust(row)?,
        checked_at: row.maybe_time()?,
        proven_at: row.maybe_time()?,
        horizon: row.maybe_time()?,
        swept_below: row.maybe_time()?,
    })
}

/// A link with its phone number and conversation, empty for none.
fn stored_link(mut row: Row) -> Result<((String, String), StoredLink), StoreError> {
    let key = row.int()?;
    let name = (row.text()?, row.maybe_text()?.unwrap_or_default());
    let first_seen_run = row.int()?;
    let link = StoredLink {
        key,
        first_seen_run,
    };
    Ok((name, link))
}
