//! What `status`, `explain` and `failures` read, and waiving.

use async_trait::async_trait;

use super::{
    ConversationDetail, FailureFilter, FailureRow, RunRow, Status, Store, StoreError,
    record::state,
    session::{Session, Work},
    statement,
    value::{Row, Value},
};
use crate::{
    clock::Clock,
    model::{ConversationId, ConversationKey, ConversationState, FailureClass, RunId, Timestamp},
};

const RUNS_SHOWN: i64 = 10;
const CONVERSATION_ROWS_SHOWN: i64 = 20;

impl Store {
    pub(super) async fn status(&self) -> Result<Status, StoreError> {
        let mut states = Vec::new();
        for mut row in self.select(&statement::STATE_COUNTS, Vec::new()).await? {
            states.push((row.text()?, row.count()?));
        }
        let of = |state: ConversationState| {
            let found = states.iter().find(|(word, _)| word == state.as_str());
            (
                state.as_str().to_owned(),
                found.map_or(0, |(_, count)| *count),
            )
        };
        let mut rows = self.select(&statement::OVERVIEW, Vec::new()).await?;
        let row = rows
            .first_mut()
            .ok_or_else(|| StoreError::broken("no overview"))?;
        let (live, missing) = (row.count()?, row.count()?);
        Ok(Status {
            gateway_url: self.gateway().await?,
            conversations: ConversationState::ALL.into_iter().map(of).collect(),
            messages: live + missing,
            missing,
            anomalies: row.count()?,
            waived: row.count()?,
            oldest_proof: row.maybe_time()?.map(iso),
            newest_message: row.maybe_time()?.map(iso),
            failures: self.failure_counts().await?,
            runs: self.last_runs().await?,
        })
    }

    /// In the order in which the classes are listed, so that both engines answer the same.
    async fn failure_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut counts = Vec::new();
        for mut row in self.select(&statement::FAILURE_COUNTS, Vec::new()).await? {
            counts.push((row.text()?, row.count()?));
        }
        counts.sort_by_key(|(word, _): &(String, u64)| {
            let place = FailureClass::ALL
                .iter()
                .position(|class| class.as_str() == word);
            (place.unwrap_or(usize::MAX), word.clone())
        });
        Ok(counts)
    }

    async fn last_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        let rows = self
            .select(&statement::LAST_RUNS, vec![RUNS_SHOWN.into()])
            .await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(RunRow {
                    id: RunId(row.int()?),
                    command: row.text()?,
                    started_at: iso(row.time()?),
                    finished_at: row.maybe_time()?.map(iso),
                    outcome: row.maybe_text()?,
                    exit_code: row.maybe_int()?,
                    listed: row.count()?,
                    complete: row.count()?,
                    new_messages: row.count()?,
                    requests: row.count()?,
                    planned: row
                        .maybe_int()?
                        .and_then(|number| u64::try_from(number).ok()),
                    swept: row.count()?,
                })
            })
            .collect()
    }

    pub(super) async fn detail(
        &self,
        id: &ConversationId,
    ) -> Result<Option<ConversationDetail>, StoreError> {
        let mut rows = self
            .select(&statement::CONVERSATION_DETAIL, vec![id.as_str().into()])
            .await?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let key = row.int()?;
        let record = self.records(&[ConversationKey(key)]).await?.swap_remove(0);
        let mut counts = self
            .select(&statement::CONVERSATION_MESSAGES, vec![key.into()])
            .await?;
        let counts = counts
            .first_mut()
            .ok_or_else(|| StoreError::broken("no counts"))?;
        let filter = FailureFilter {
            all: true,
            conversations: vec![id.as_str().to_owned()],
            class: None,
        };
        Ok(Some(ConversationDetail {
            record,
            reason: row.maybe_text()?,
            state_since: row.maybe_time()?,
            checked_at: row.maybe_time()?,
            proven_at: row.maybe_time()?,
            horizon: row.maybe_time()?,
            messages: counts.count()?,
            missing: counts.count()?,
            deleted: counts.count()?,
            first_message_at: counts.maybe_time()?,
            last_message_at: counts.maybe_time()?,
            anomalies: self.anomaly_counts(key).await?,
            failures: self.failures(&filter, CONVERSATION_ROWS_SHOWN).await?,
            runs: self.conversation_runs(key).await?,
        }))
    }

    /// By kind, in the order of the alphabet.
    async fn anomaly_counts(&self, key: i64) -> Result<Vec<(String, u64)>, StoreError> {
        let mut counts = Vec::new();
        for mut row in self
            .select(&statement::CONVERSATION_ANOMALIES, vec![key.into()])
            .await?
        {
            counts.push((row.text()?, row.count()?));
        }
        counts.sort();
        Ok(counts)
    }

    async fn conversation_runs(
        &self,
        key: i64,
    ) -> Result<Vec<(RunId, ConversationState, Option<String>)>, StoreError> {
        let args = vec![key.into(), CONVERSATION_ROWS_SHOWN.into()];
        let rows = self.select(&statement::CONVERSATION_RUNS, args).await?;
        rows.into_iter()
            .map(|mut row| Ok((RunId(row.int()?), state(&row.text()?)?, row.maybe_text()?)))
            .collect()
    }

    pub(super) async fn failures(
        &self,
        filter: &FailureFilter,
        at_most: i64,
    ) -> Result<Vec<FailureRow>, StoreError> {
        let args = vec![
            i64::from(filter.all).into(),
            (filter.conversations.len() as u64).into(),
            filter.conversations.clone().into(),
            filter.class.as_deref().unwrap_or_default().into(),
            at_most.into(),
        ];
        let mut rows = self.select(&statement::FAILURES, args).await?;
        rows.iter_mut().map(failure_row).collect()
    }
}

pub(super) fn failure_row(row: &mut Row) -> Result<FailureRow, StoreError> {
    Ok(FailureRow {
        key: row.int()?,
        run_id: RunId(row.int()?),
        conversation_id: row.maybe_text()?,
        class: row.text()?,
        reason: row.text()?,
        occurred_at: iso(row.time()?),
        resolved_run: row.maybe_int()?.map(RunId),
        waived_at: row.maybe_time()?.map(iso),
        waived_reason: row.maybe_text()?,
        unlisted: row.maybe_int()?,
    })
}

fn iso(time: Timestamp) -> String {
    time.to_string()
}

/// Waives the open failures that the filter names.
pub(super) struct Waive<'a> {
    pub(super) filter: &'a FailureFilter,
    pub(super) reason: &'a str,
    pub(super) clock: &'a Clock,
}

#[async_trait]
impl Work for Waive<'_> {
    type Outcome = u64;

    async fn run(&self, session: &mut Session) -> Result<u64, StoreError> {
        let args: Vec<Value> = vec![
            self.clock.now().into(),
            self.reason.into(),
            (self.filter.conversations.len() as u64).into(),
            self.filter.conversations.clone().into(),
            self.filter.class.as_deref().unwrap_or_default().into(),
        ];
        session.execute(&statement::WAIVE, args).await
    }
}
