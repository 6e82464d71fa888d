//! Commits a batch: looks up what it meets, lets [`apply`] decide, writes.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future;

use super::{
    Batch, BatchStats, StoreError,
    apply::{
        self, MessageRows, Met, OpenFailure, Plan, Stamp, StoredConversation, StoredLink,
        StoredMessage, StoredVersions, Stretch,
    },
    backend::{Asked, Step},
    derived::{self, Child},
    record::{count_trust, read_pieces},
    search::{self, State, TakingIn},
    session::{Session, Work},
    statement::{
        self, LEDGERS, OPEN_FAILURES, STORED_CONVERSATIONS, STORED_LINKS, STORED_MESSAGES,
        Statement, search::INDEX_STATE,
    },
    table,
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
        let (met, indexed) = look_up(session, self.batch).await?;
        let mut keys = session.keys;
        let (plan, messages) = apply::apply(self.batch, &met, stamp, &mut keys)?;
        let words = indexed.taking_in(session.keys.message..keys.message);
        session.keys = keys;
        write(session, plan, messages, words).await
    }
}

async fn write(
    session: &mut Session,
    mut plan: Plan,
    mut messages: MessageRows<'_>,
    words: Option<TakingIn>,
) -> Result<BatchStats, StoreError> {
    let mut stats = plan.stats;
    let before = search::words_before(session, &plan.cleared).await?;
    let mut clears = Vec::new();
    if !plan.cleared.is_empty() {
        let clear = |child: &Child| Step::Run(child.clear, vec![plan.cleared.clone().into()]);
        clears.extend(derived::CHILDREN.iter().map(clear));
    }
    if !plan.back.is_empty() {
        let args = vec![plan.back.clone().into()];
        clears.push(Step::Run(&statement::CLEAR_ABSENCES, args));
    }
    session.write(clears).await?;
    let is_indexed = words.is_some();
    let mut steps = next_steps(&mut messages, is_indexed)?;
    while let Some(some) = steps {
        // While some are written the next are made.
        let next = future::lazy(|_| next_steps(&mut messages, is_indexed));
        let (written, next) = future::join(session.write_behind(some), next).await;
        stats.rows += written?;
        steps = next?;
    }
    stats.rows += session.settle().await?;
    for (_, senders) in plan
        .rows
        .iter_mut()
        .filter(|(table, _)| table.name == table::SENDERS.name)
    {
        senders.retain(|row| matches!(&row[0], Value::Text(Some(id)) if session.is_new_sender(id)));
    }
    stats.rows += session
        .write(plan.rows.into_iter().map(Step::Put).collect())
        .await?;
    if let Some(words) = words {
        session.write(words.finish()).await?;
    }
    search::reword(session, before).await?;
    Ok(stats)
}

/// What writes the next messages, and takes the words of new ones into the index; `None` after
/// the last message.
fn next_steps(
    messages: &mut MessageRows<'_>,
    is_indexed: bool,
) -> Result<Option<Vec<Step>>, StoreError> {
    let Some(Stretch { rows, new }) = messages.next()? else {
        return Ok(None);
    };
    let mut steps: Vec<Step> = rows.into_iter().map(Step::Put).collect();
    if is_indexed {
        steps.extend(TakingIn::take_in(new));
    }
    Ok(Some(steps))
}

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

    async fn run(self, session: &mut Session) -> Result<Found, StoreError> {
        let statements: Vec<&'static Statement> = self.0.iter().map(|asked| asked.0).collect();
        let found = session.select_all(self.0).await?;
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

/// Everything that the batch meets, and how far the index of words is.
async fn look_up(session: &mut Session, batch: &Batch) -> Result<(Met, State), StoreError> {
    let list = |keys: BTreeSet<ConversationKey>| -> Vec<i64> {
        keys.into_iter().map(|key| key.0).collect()
    };
    let walked = batch.pages.iter().filter(|page| page.progress.is_some());
    let pages = batch.pages.iter().map(|page| page.conversation);
    let outcomes = batch.outcomes.iter().map(|outcome| outcome.conversation);
    let numbers = batch.links.iter().map(|link| clean(&link.phone_number));
    let numbers: BTreeSet<String> = numbers.collect();

    let mut asked = LookUps(vec![(&INDEX_STATE, Vec::new())]);
    asked.ask(&STORED_MESSAGES, apply::wanted(batch));
    asked.ask(
        &STORED_CONVERSATIONS,
        list(pages.chain(outcomes.clone()).collect()),
    );
    asked.ask(
        &LEDGERS,
        list(walked.map(|page| page.conversation).collect()),
    );
    asked.ask(&OPEN_FAILURES, list(outcomes.collect()));
    asked.ask(&STORED_LINKS, numbers.into_iter().collect());
    let mut found = asked.run(session).await?;

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
    look_up_versions(session, batch, &mut met).await?;
    Ok((met, State::of(&mut found.take(&INDEX_STATE))?))
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
        missing_since: row.maybe_time()?,
        missing_run: row.maybe_int()?,
        deleted_at: row.maybe_time()?,
    };
    Ok((conversation, id, stored))
}

/// The versions of messages that the batch has in another form.
async fn look_up_versions(
    session: &mut Session,
    batch: &Batch,
    met: &mut Met,
) -> Result<(), StoreError> {
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

fn open_failure(mut row: Row) -> Result<OpenFailure, StoreError> {
    Ok(OpenFailure {
        key: row.int()?,
        conversation: ConversationKey(row.int()?),
        class: row.text()?,
        waived: row.maybe_time()?.is_some(),
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
