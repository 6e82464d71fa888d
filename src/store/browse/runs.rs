//! Runs, what went wrong, what was odd, and how much was said.

use super::{Browsing, Listed, and_one};
use crate::{
    model::{
        ConversationCounts, ConversationId, ConversationKey, ConversationState, MessageCounts,
        RunId, Timestamp,
    },
    store::{
        FailureRow, StoreError, overview::failure_row, record::state, statement::browse as sql,
        value::Row,
    },
};

/// One run, as `runs` has it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFacts {
    /// The run.
    pub id: RunId,
    /// The command.
    pub command: String,
    /// The program's version.
    pub program_version: String,
    /// Who ran it: process and host.
    pub holder: String,
    /// When it started, by the clock of its machine.
    pub started_at: Timestamp,
    /// When it finished; `None` while it runs, and for ever if it was killed.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The exit code.
    pub exit_code: Option<i64>,
    /// Its conversations.
    pub conversations: ConversationCounts,
    /// The messages that it met.
    pub messages: MessageCounts,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Those that repeated an earlier one.
    pub retried: u64,
    /// Those that were answered 429.
    pub throttled: u64,
    /// How many were planned; `None` where nothing could be planned.
    pub planned: Option<i64>,
    /// Those that the sweep spent.
    pub swept: u64,
}

/// What a run did to one conversation that changed or is not complete.
#[derive(Debug, Clone, PartialEq)]
pub struct RunConversation {
    /// The conversation's key: the list goes on after it.
    pub key: ConversationKey,
    /// Its id.
    pub id: ConversationId,
    /// The outcome.
    pub state: ConversationState,
    /// Why.
    pub reason: Option<String>,
    /// Messages seen for the first time.
    pub new: u64,
    /// Known messages with different content.
    pub changed: u64,
    /// Messages newly marked as deleted.
    pub deleted: u64,
    /// Requests spent on it.
    pub requests: u64,
    /// When it was done.
    pub finished_at: Timestamp,
}

/// Which failures; newest first.
#[derive(Debug, Clone, Default)]
pub struct FailureQuery {
    /// Resolved and waived ones too.
    pub all: bool,
    /// Only of this class.
    pub class: Option<String>,
    /// Only those that this run met.
    pub run: Option<RunId>,
    /// Only those before the failure with this key.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// A place in the list of oddities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnomalyPlace {
    /// The message's key.
    pub message_key: i64,
    /// The version that was odd.
    pub version: i64,
    /// The order of the oddities of one version.
    pub position: i64,
}

/// Something odd about a message.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomalyLine {
    /// Where it is in the list.
    pub place: AnomalyPlace,
    /// The conversation.
    pub conversation_id: String,
    /// The message.
    pub message_id: String,
    /// What kind of oddity.
    pub kind: String,
    /// Where in the JSON.
    pub path: String,
    /// What was found.
    pub detail: String,
}

/// The messages of one local day that are not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayVolume {
    /// The day, `2026-06-30`.
    pub day: String,
    /// All of them.
    pub messages: u64,
    /// From contacts.
    pub inbound: u64,
    /// From users.
    pub outbound: u64,
}

impl Browsing {
    /// Runs below a number (all of them where it is `None`), newest first.
    pub async fn runs(
        &mut self,
        below: Option<RunId>,
        limit: u32,
    ) -> Result<Listed<RunFacts>, StoreError> {
        let below = below.map_or(i64::MAX, |run| run.0);
        let args = vec![below.into(), and_one(limit)];
        self.list(&sql::RUNS_BELOW, args, limit, run).await
    }

    /// One run.
    pub async fn run(&mut self, id: RunId) -> Result<Option<RunFacts>, StoreError> {
        let below = RunId(id.0.saturating_add(1));
        let found = self.runs(Some(below), 1).await?.rows;
        Ok(found.into_iter().find(|run| run.id == id))
    }

    /// What a run did to conversations, by key, after one.
    pub async fn conversations_of_run(
        &mut self,
        id: RunId,
        after: Option<ConversationKey>,
        limit: u32,
    ) -> Result<Listed<RunConversation>, StoreError> {
        let after = after.map_or(-1, |key| key.0);
        let args = vec![id.0.into(), after.into(), and_one(limit)];
        self.list(&sql::CONVERSATIONS_OF_RUN, args, limit, run_conversation)
            .await
    }

    /// Failures, newest first.
    pub async fn failures(
        &mut self,
        query: &FailureQuery,
    ) -> Result<Listed<FailureRow>, StoreError> {
        let args = vec![
            i64::from(query.all).into(),
            query.class.as_deref().unwrap_or_default().into(),
            query.run.map_or(-1, |run| run.0.max(0)).into(),
            query.before.unwrap_or(i64::MAX).into(),
            and_one(query.limit),
        ];
        self.list(&sql::FAILURES_BELOW, args, query.limit, failure_row)
            .await
    }

    /// What was odd, of one kind or of any, those of the messages that were stored last first.
    pub async fn anomalies(
        &mut self,
        kind: &str,
        before: Option<AnomalyPlace>,
        limit: u32,
    ) -> Result<Listed<AnomalyLine>, StoreError> {
        let before = before.unwrap_or(AnomalyPlace {
            message_key: i64::MAX,
            version: 0,
            position: 0,
        });
        let args = vec![
            before.message_key.into(),
            before.version.into(),
            before.position.into(),
            kind.into(),
            and_one(limit),
        ];
        self.list(&sql::ANOMALIES_BELOW, args, limit, anomaly).await
    }

    /// How much was said on each local day from a time on; days without a message are left out.
    /// Reads every message since then.
    pub async fn volume(&mut self, from: Timestamp) -> Result<Vec<DayVolume>, StoreError> {
        let rows = self.select(&sql::VOLUME, vec![from.into()]).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(DayVolume {
                    day: row.text()?,
                    messages: row.count()?,
                    inbound: row.count()?,
                    outbound: row.count()?,
                })
            })
            .collect()
    }
}

fn run(row: &mut Row) -> Result<RunFacts, StoreError> {
    Ok(RunFacts {
        id: RunId(row.int()?),
        command: row.text()?,
        program_version: row.text()?,
        holder: row.text()?,
        started_at: row.time()?,
        finished_at: row.maybe_time()?,
        outcome: row.maybe_text()?,
        exit_code: row.maybe_int()?,
        conversations: ConversationCounts {
            listed: row.count()?,
            complete: row.count()?,
            partial: row.count()?,
            gone: row.count()?,
            forbidden: row.count()?,
            failed: row.count()?,
            waived: row.count()?,
            empty: row.count()?,
            not_reached: row.count()?,
        },
        messages: MessageCounts {
            new: row.count()?,
            changed: row.count()?,
            deleted: row.count()?,
            unchanged: row.count()?,
            unrecognised: row.count()?,
        },
        requests: row.count()?,
        retried: row.count()?,
        throttled: row.count()?,
        planned: row.maybe_int()?,
        swept: row.count()?,
    })
}

fn run_conversation(row: &mut Row) -> Result<RunConversation, StoreError> {
    Ok(RunConversation {
        key: ConversationKey(row.int()?),
        id: ConversationId::new(row.text()?),
        state: state(&row.text()?)?,
        reason: row.maybe_text()?,
        new: row.count()?,
        changed: row.count()?,
        deleted: row.count()?,
        requests: row.count()?,
        finished_at: row.time()?,
    })
}

fn anomaly(row: &mut Row) -> Result<AnomalyLine, StoreError> {
    Ok(AnomalyLine {
        place: AnomalyPlace {
            message_key: row.int()?,
            version: row.int()?,
            position: row.int()?,
        },
        conversation_id: row.text()?,
        message_id: row.text()?,
        kind: row.text()?,
        path: row.text()?,
        detail: row.text()?,
    })
}
