//! Commits a batch: looks up what it meets, lets [`apply`] decide, writes. What follows one that is
//! being written is decided meanwhile, upon its [`Outlook`], where that suffices.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::future;

use super::{
    Batch, BatchStats, Store, StoreError,
    apply::{self, MessageRows, Met, NextKeys, Plan, Stamp, Stretch},
    backend::Step,
    derived::{self, Child},
    look_up::look_up,
    outlook::{Outlook, lock},
    search::{self, State, TakingIn},
    session::{Session, Standing, Work},
    snapshot::Now,
    statement, table,
    value::Value,
};
use crate::clock::Clock;

/// The work of one batch.
struct Commit<'b> {
    store: &'b Store,
    batch: &'b Batch,
    /// What was decided before its turn, for the first attempt.
    decided: Mutex<Option<Decided<'b>>>,
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

impl Store {
    /// Commits a batch in one transaction, once `turn` has come.
    pub(super) async fn commit(
        &self,
        batch: &Batch,
        turn: impl Future<Output = ()> + Send,
    ) -> Result<BatchStats, StoreError> {
        let foreseen = self.foresee(batch).await;
        let decided = foreseen.as_ref().and_then(|(met, outlook)| {
            // What fails here is told when it is done again.
            Decided::upon(batch, met, outlook, &self.shared.clock).ok()
        });
        turn.await;
        if batch.says_nothing() {
            return Ok(BatchStats::default());
        }
        let decided = Mutex::new(decided);
        self.transact(&Commit {
            store: self,
            batch,
            decided,
        })
        .await
    }

    /// What the batch will meet, where that can be told while another one is being written.
    async fn foresee(&self, batch: &Batch) -> Option<(Met, Arc<Outlook>)> {
        let outlook = lock(&self.shared.outlook).clone()?;
        if !outlook.suffices_for(batch) {
            return None;
        }
        let met = look_up(&mut Now(self), batch, Some(&outlook)).await;
        met.ok().map(|(met, _)| (met, outlook))
    }
}

#[async_trait]
impl Work for Commit<'_> {
    type Outcome = BatchStats;

    async fn run(&self, session: &mut Session) -> Result<BatchStats, StoreError> {
        let decided = lock(&self.decided).take();
        if let Some(decided) = decided.filter(|decided| decided.upon == session.stands()) {
            if cfg!(debug_assertions) {
                decided.assert_foreseen(session, self.batch).await?;
            }
            return self.write(session, decided).await;
        }
        let (met, indexed) = look_up(session, self.batch, None).await?;
        let outlook = Outlook::of(session.stands(), session.keys, indexed);
        let clock = &self.store.shared.clock;
        let decided = Decided::upon(self.batch, &met, &outlook, clock)?;
        self.write(session, decided).await
    }
}

impl Commit<'_> {
    async fn write(
        &self,
        session: &mut Session,
        mut decided: Decided<'_>,
    ) -> Result<BatchStats, StoreError> {
        session.keys = decided.keys;
        session.will_stand(decided.will_stand);
        // Not before the session is ours: whoever reads an outlook may count on it that whatever came
        // before is committed.
        *lock(&self.store.shared.outlook) = decided.outlook.take().map(Arc::new);
        let now = self.store.recording_time();
        decided.messages.record_at(now);
        write(session, decided.plan, decided.messages, decided.words).await
    }
}

/// What a batch changes.
struct Decided<'b> {
    /// As the archive stood, or will.
    upon: Standing,
    will_stand: Standing,
    /// As it leaves the archive; `None` where that is too much to keep.
    outlook: Option<Outlook>,
    /// The next keys after it.
    keys: NextKeys,
    plan: Plan,
    messages: MessageRows<'b>,
    words: Option<TakingIn>,
    /// What it was decided upon.
    foreseen: (&'b Met, State),
}

impl<'b> Decided<'b> {
    fn upon(
        batch: &'b Batch,
        met: &'b Met,
        outlook: &Outlook,
        clock: &Clock,
    ) -> Result<Self, StoreError> {
        let run = batch
            .run
            .ok_or_else(|| StoreError::broken("a batch that writes belongs to no run"))?;
        let stamp = Stamp {
            run,
            recorded_at: clock.now(),
        };
        let (mut keys, before) = (outlook.keys, outlook.indexed);
        let (mut plan, messages) = apply::apply(batch, met, stamp, &mut keys)?;
        let words = before.taking_in(outlook.keys.message..keys.message);
        let will_stand = Standing::new();
        let leaves = plan.leaves.take().map(|conversations| Outlook {
            conversations,
            ..Outlook::of(
                will_stand,
                keys,
                before.after(words.as_ref(), keys.message - 1),
            )
        });
        Ok(Self {
            upon: outlook.standing,
            will_stand,
            outlook: leaves,
            keys,
            plan,
            messages,
            words,
            foreseen: (met, before),
        })
    }

    /// Panics unless the archive is what was foreseen; all tests run with it.
    async fn assert_foreseen(
        &self,
        session: &mut Session,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        let (found, indexed) = look_up(session, batch, None).await?;
        let (met, foreseen) = self.foreseen;
        assert_eq!(found.conversations, met.conversations, "conversations");
        assert_eq!(found.ledgers, met.ledgers, "ledgers");
        let (indexed, foreseen) = (indexed.indexed_to(), foreseen.indexed_to());
        assert_eq!(indexed, foreseen, "the index of words");
        Ok(())
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
    if let Some(senders) = plan.rows_of_mut(&table::SENDERS) {
        let is_new =
            |row: &[Value]| matches!(&row[0], Value::Text(Some(id)) if session.is_new_sender(id));
        *senders = senders.filtered(is_new);
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
