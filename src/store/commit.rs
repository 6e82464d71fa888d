//! Commits a batch: looks up what it meets, lets [`apply`] decide, writes.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future;

use super::{
    Batch, BatchStats, StoreError,
    apply::{
        self, MessageRows, Met, OpenFailure, Plan, Stamp, StoredConversation, StoredLink,
        StoredMessage, StoredVersions,
    },
    derived,
    record::{count_trust, read_pieces},
    search,
    session::{Session, Work},
    statement, table,
    value::{Row, Value, clean},
};
use crate::{clock::Clock, model::ConversationKey};

/// The work of one batch.
#[derive(Debug)]
pub(super) struct Commit<'b> {
    pub(super) batch: &'b Batch,
    pub(super) clock: &'b Clock,
}

impl Batch {
    /// Whether there is nothing in it that could change a row.
    fn says_nothing(&self) -> bool {
        self.outcomes.is_empty()
            && self.links.is_empty()
            && self
                .pages
                .iter()
                .all(|page| !page.changes_messages() && page.progress.is_none())
    }
}

impl super::Store {
    /// Commits a batch in one transaction.
    pub(super) async fn commit(&self, batch: &Batch) -> Result<BatchStats, StoreError> {
        if batch.says_nothing() {
            return Ok(BatchStats::default());
        }
        let clock = &self.shared.clock;
        self.transact(&Commit { batch, clock }).await
    }
}

#[async_trait]
impl Work for Commit<'_> {
    type Outcome = BatchStats;

    async fn run(&self, session: &mut Session) -> Result<BatchStats, StoreError> {
        let run = self
            .batch
            .run
            .ok_or_else(|| StoreError::broken("a batch that writes belongs to no run"))?;
        let stamp = Stamp {
            run,
            recorded_at: self.clock.now(),
        };
        let met = look_up(session, self.batch).await?;
        let mut keys = session.keys;
        let (plan, messages) = apply::apply(self.batch, &met, stamp, &mut keys)?;
        session.keys = keys;
        write(session, plan, messages).await
    }
}

async fn write(
    session: &mut Session,
    mut plan: Plan,
    mut messages: MessageRows<'_>,
) -> Result<BatchStats, StoreError> {
    let mut stats = plan.stats;
    let words = search::words_before(session, &plan.cleared).await?;
    if !plan.cleared.is_empty() {
        for child in &derived::CHILDREN {
            session
                .execute(child.clear, vec![plan.cleared.clone().into()])
                .await?;
        }
    }
    if !plan.back.is_empty() {
        let args = vec![plan.back.clone().into()];
        session.execute(&statement::CLEAR_ABSENCES, args).await?;
    }
    let mut rows = messages.next()?;
    while let Some(some) = rows {
        // While some are written the next are made.
        let (written, next) =
            future::join(session.put_all(some), future::lazy(|_| messages.next())).await;
        stats.rows += written?;
        rows = next?;
    }
    for (_, senders) in plan
        .rows
        .iter_mut()
        .filter(|(table, _)| table.name == table::SENDERS.name)
    {
        senders.retain(|row| matches!(&row[0], Value::Text(Some(id)) if session.is_new_sender(id)));
    }
    stats.rows += session.put_all(plan.rows).await?;
    search::reword(session, words).await?;
    Ok(stats)
}

/// Everything that the batch meets.
async fn look_up(session: &mut Session, batch: &Batch) -> Result<Met, StoreError> {
    let mut met = Met::default();
    look_up_messages(session, batch, &mut met).await?;
    look_up_conversations(session, batch, &mut met).await?;
    look_up_links(session, batch, &mut met).await?;
    Ok(met)
}

async fn look_up_messages(
    session: &mut Session,
    batch: &Batch,
    met: &mut Met,
) -> Result<(), StoreError> {
    let wanted = apply::wanted(batch);
    if wanted.is_empty() {
        return Ok(());
    }
    for mut row in session
        .select(&statement::STORED_MESSAGES, vec![wanted.into()])
        .await?
    {
        let key = row.int()?;
        let name = (row.int()?, row.text()?);
        let stored = StoredMessage {
            key,
            version: row.int()?,
            digest: exact(row.bytes()?)?,
            created_at: row.maybe_time()?,
            updated_at: row.maybe_time()?,
            observed_at: row.time()?,
            missing_since: row.maybe_time()?,
            missing_run: row.maybe_int()?,
            deleted_at: row.maybe_time()?,
        };
        let of_conversation = met.messages.entry(name.0).or_default();
        of_conversation.insert(name.1, stored);
    }
    let disputed = apply::disputed(batch, &met.messages);
    if disputed.is_empty() {
        return Ok(());
    }
    for mut row in session
        .select(&statement::STORED_VERSIONS, vec![disputed.into()])
        .await?
    {
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

async fn look_up_conversations(
    session: &mut Session,
    batch: &Batch,
    met: &mut Met,
) -> Result<(), StoreError> {
    let list = |keys: BTreeSet<ConversationKey>| -> Vec<i64> {
        keys.into_iter().map(|key| key.0).collect()
    };
    let walked = batch.pages.iter().filter(|page| page.progress.is_some());
    let walked = list(walked.map(|page| page.conversation).collect());
    let ended = list(
        batch
            .outcomes
            .iter()
            .map(|outcome| outcome.conversation)
            .collect(),
    );
    let pages = batch.pages.iter().map(|page| page.conversation);
    let outcomes = batch.outcomes.iter().map(|outcome| outcome.conversation);
    let touched = list(pages.chain(outcomes).collect());

    if !touched.is_empty() {
        let statement = &statement::STORED_CONVERSATIONS;
        for mut row in session.select(statement, vec![touched.into()]).await? {
            let key = ConversationKey(row.int()?);
            met.conversations
                .insert(key, stored_conversation(&mut row)?);
        }
    }
    if !walked.is_empty() {
        for row in session
            .select(&statement::LEDGERS, vec![walked.into()])
            .await?
        {
            let (key, layer, piece) = read_pieces(row)?;
            met.ledgers.entry((key, layer)).or_default().push(piece);
        }
    }
    if !ended.is_empty() {
        for mut row in session
            .select(&statement::OPEN_FAILURES, vec![ended.into()])
            .await?
        {
            met.failures.push(OpenFailure {
                key: row.int()?,
                conversation: ConversationKey(row.int()?),
                class: row.text()?,
                waived: row.maybe_time()?.is_some(),
            });
        }
    }
    Ok(())
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

async fn look_up_links(
    session: &mut Session,
    batch: &Batch,
    met: &mut Met,
) -> Result<(), StoreError> {
    let numbers: BTreeSet<String> = batch
        .links
        .iter()
        .map(|link| clean(&link.phone_number))
        .collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let numbers: Vec<String> = numbers.into_iter().collect();
    for mut row in session
        .select(&statement::STORED_LINKS, vec![numbers.into()])
        .await?
    {
        let key = row.int()?;
        let name = (row.text()?, row.maybe_text()?.unwrap_or_default());
        let first_seen_run = row.int()?;
        met.links.insert(
            name,
            StoredLink {
                key,
                first_seen_run,
            },
        );
    }
    Ok(())
}
