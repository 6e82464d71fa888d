//! One small request for each conversation whose length matters, and the look-up of phone
//! numbers: what a plan may ask of the gateway. Stores nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    api::{ApiError, ApiErrorKind, Gateway},
    model::{ConversationId, StopReason},
    monitor::{Counter, Monitor},
    sync::{
        Shutdown,
        discovery::{PHONES_PER_REQUEST, rows_of},
    },
};

/// What is found out about a conversation before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// It was not asked for, or could not be told.
    Nothing,
    /// The gateway counts so many messages.
    Counted(u64),
    /// The gateway says that it is gone or forbidden.
    Refused,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The gateway refused, or cannot be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody asked to stop.
    #[error("interrupted while the gateway was asked for sizes; nothing was written")]
    Stopped(StopReason),
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The gateway, with its rate.
    pub gateway: Gateway,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// Whether somebody asked to stop.
    pub shutdown: Shutdown,
    /// What is counted: conversations listed and done.
    pub monitor: Monitor,
}

impl Probe {
    /// How many messages each conversation has, one request of one message each, in the order
    /// of `ids`. A conversation that cannot be told is [`Probed::Nothing`].
    ///
    /// # Errors
    /// What would end a run too; and the first failure where not one answer came.
    pub async fn sizes(&self, ids: &[&ConversationId]) -> Result<Vec<Probed>, ProbeError> {
        self.monitor
            .add(Counter::ConversationsListed, ids.len() as u64);
        let heard = AtomicBool::new(false);
        let answers: Vec<Result<Probed, ApiError>> = stream::iter(ids)
            .map(|id| self.size(id, &heard))
            .buffered(self.concurrency.max(1))
            .try_collect()
            .await?;
        if !heard.into_inner()
            && let Some(silence) = answers.iter().find_map(|answer| answer.as_ref().err())
        {
            return Err(silence.clone().into());
        }
        let probed = answers.into_iter();
        Ok(probed
            .map(|answer| answer.unwrap_or(Probed::Nothing))
            .collect())
    }

    /// The outer error ends the plan; the inner one is a silence about one conversation, unless
    /// nothing is ever `heard`.
    async fn size(
        &self,
        id: &ConversationId,
        heard: &AtomicBool,
    ) -> Result<Result<Probed, ApiError>, ProbeError> {
        let asked = self.gateway.messages(id, 0, 1);
        let answer = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(self.stopped()),
            answer = asked => answer,
        };
        self.monitor.count(Counter::ConversationsDone);
        let probed = match answer {
            Ok(page) => {
                let count = page.value.count();
                let count = count.and_then(|count| u64::try_from(count).ok());
                count.map_or(Probed::Nothing, Probed::Counted)
            }
            Err(error) if error.kind.ends_run() => return Err(error.into()),
            Err(error) => match error.kind {
                ApiErrorKind::Gone | ApiErrorKind::Forbidden => Probed::Refused,
                // A wrong URL or a licence, as a run sees it: all others would say the same.
                ApiErrorKind::Systemic if !heard.load(Ordering::Relaxed) => {
                    return Err(error.into());
                }
                ApiErrorKind::Server | ApiErrorKind::Timeout | ApiErrorKind::Transport => {
                    return Ok(Err(error));
                }
                _ => Probed::Nothing,
            },
        };
        heard.store(true, Ordering::Relaxed);
        Ok(Ok(probed))
    }

    /// The conversations of phone numbers, as a run would find them; each may be there twice.
    ///
    /// # Errors
    /// The first request that fails.
    pub async fn discover(
        &self,
        phones: &[String],
        organization_id: &str,
    ) -> Result<Vec<ConversationId>, ProbeError> {
        let mut ids = Vec::new();
        for chunk in phones.chunks(PHONES_PER_REQUEST) {
            let asked = self.gateway.links(chunk, organization_id);
            let answer = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return Err(self.stopped()),
                answer = asked => answer,
            };
            let links = answer?.value;
            let found = rows_of(chunk, &links).into_iter();
            ids.extend(found.filter_map(|row| row.conversation_id.map(ConversationId::new)));
        }
        Ok(ids)
    }

    fn stopped(&self) -> ProbeError {
        ProbeError::Stopped(self.shutdown.requested().unwrap_or(StopReason::Interrupted))
    }
}
