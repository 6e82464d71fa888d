//! The archive against its gateway: by ids, by content, by count. Nothing is written.
//!
//! A list may shift while it is compared, and both sides may be ahead of each other. So:
//!
//! * a message that is listed and not archived counts only where the archive claims to hold it:
//!   below its horizon, or inside a piece that was settled;
//! * one that is archived and not listed counts only if it lives, lies strictly inside the
//!   interval of a page, and of a second one that was asked for afterwards;
//! * content that differs counts only if its `updated_at` is not another one, and the archive
//!   holds no version like it;
//! * whatever would count is looked up in the archive once more at the end.
//!
//! A deletion since the last run cannot be told from a message that should not be archived: it is
//! found, and what to do says so.

mod comparison;
mod reading;

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{Findings, VerifyError};
use crate::{
    api::{ApiError, ApiErrorKind, Gateway},
    model::{ConversationId, ConversationKey, ConversationState},
    monitor::{Counter, Monitor},
    store::{ArchivedConversation, Store, StoreError},
};
use comparison::{Broken, Comparison, Ended};

/// Conversations whose records are read at once.
const RECORDS_AT_ONCE: usize = 256;
/// Conversations that could not be compared and are named; all are counted.
const NAMED_MAX: usize = 20;

/// What to compare, and how.
#[derive(Debug, Clone)]
pub struct OnlineOptions {
    /// Only these conversations; all that are archived where `None`.
    pub conversations: Option<Vec<ConversationId>>,
    /// Only so many of them, chosen by the seed.
    pub sample: Option<usize>,
    /// What the choice follows from, whatever the order of the archive.
    pub seed: u64,
    /// Messages asked for in one page.
    pub page_size: u32,
    /// Conversations compared at once.
    pub concurrency: usize,
    /// λ: how late the gateway may show the state that a sync has seen.
    pub visibility_lag: Duration,
    /// How many findings are kept whole; all are counted.
    pub findings_max: usize,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Compared {
    /// Conversations that were chosen.
    pub chosen: u64,
    /// Conversations that were compared to their end.
    pub conversations: u64,
    /// Conversations that could not be compared, or not to their end.
    pub not_compared: u64,
    /// Messages that were compared with the archived ones.
    pub messages: u64,
    /// Listed, not archived, and newer than what the archive claims.
    pub newer: u64,
    /// Listed with a later `updated_at` than the archived state.
    pub edited_since: u64,
    /// Listed in a state that is archived as an earlier version, or with an earlier `updated_at`.
    pub older_states: u64,
    /// Listed, and archived as missing or deleted: they are back.
    pub back: u64,
    /// Archived and not in one page of their place, which a second one did not confirm.
    pub unconfirmed: u64,
    /// Requests that were sent, retries included.
    pub requests: u64,
}

/// Why it was stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The archive could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No further request can help.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody asked for it.
    #[error("stopped before everything was compared")]
    Cancelled,
}

/// What was found.
#[derive(Debug)]
pub struct OnlineReport {
    /// Where archive and gateway disagree.
    pub findings: Findings,
    /// How much was compared.
    pub compared: Compared,
    /// The first conversations that could not be compared, and why.
    pub not_compared: Vec<(String, String)>,
    /// Why it was stopped before its end.
    pub stopped: Option<Stopped>,
}

/// What came of one conversation.
#[derive(Debug)]
struct Outcome {
    id: String,
    findings: Findings,
    compared: Compared,
    not_compared: Option<String>,
}

/// What the comparisons of one call share.
pub(super) struct Shared<'a> {
    gateway: &'a Gateway,
    store: &'a Store,
    options: &'a OnlineOptions,
    cancel: &'a CancellationToken,
    monitor: &'a Monitor,
    answered: AtomicBool,
    silence: OnceLock<ApiError>,
}

/// Compares conversations with what the gateway lists.
///
/// # Errors
/// A conversation that is not archived; an archive that cannot be opened. What goes wrong later
/// is in the report.
pub async fn online(
    gateway: &Gateway,
    store: &Store,
    options: &OnlineOptions,
    cancel: &CancellationToken,
    monitor: &Monitor,
) -> Result<OnlineReport, VerifyError> {
    let keys = chosen(store, options).await?;
    monitor.add(Counter::ConversationsListed, keys.len() as u64);
    let shared = Shared {
        gateway,
        store,
        options,
        cancel,
        monitor,
        answered: AtomicBool::new(false),
        silence: OnceLock::new(),
    };
    let mut report = OnlineReport {
        findings: Findings::keeping(options.findings_max),
        compared: Compared {
            chosen: keys.len() as u64,
            ..Compared::default()
        },
        not_compared: Vec::new(),
        stopped: None,
    };
    for chunk in keys.chunks(RECORDS_AT_ONCE) {
        if let Err(stopped) = compare_some(&shared, chunk, &mut report).await {
            report.stopped = Some(stopped);
            break;
        }
    }
    if report.stopped.is_none() {
        report.stopped = shared.silence().map(Stopped::Api);
    }
    report.compared.requests = monitor.get(Counter::Requests);
    Ok(report)
}

/// The conversations to compare, in the order of keys.
async fn chosen(
    store: &Store,
    options: &OnlineOptions,
) -> Result<Vec<ConversationKey>, VerifyError> {
    let mut keys = match &options.conversations {
        None => store.read_conversation_keys().await?,
        Some(ids) => {
            let mut snapshot = store.snapshot().await?;
            let keys = super::offline::keys_of(&mut snapshot, ids).await;
            snapshot.close().await?;
            keys?
        }
    };
    let Some(sample) = options.sample.filter(|sample| *sample < keys.len()) else {
        return Ok(keys);
    };
    let mut by_lot: BTreeMap<[u8; 32], ConversationKey> = BTreeMap::new();
    for chunk in keys.chunks(RECORDS_AT_ONCE) {
        for record in store.read_records(chunk).await? {
            by_lot.insert(lot(options.seed, &record.id), record.key);
            if by_lot.len() > sample {
                by_lot.pop_last();
            }
        }
    }
    keys = by_lot.into_values().collect();
    keys.sort_unstable();
    Ok(keys)
}

/// The lot of a conversation: those with the smallest are the sample.
fn lot(seed: u64, id: &ConversationId) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(id.as_str());
    hash.finalize().into()
}

/// Several conversations at once; their findings in the order of keys.
async fn compare_some(
    shared: &Shared<'_>,
    keys: &[ConversationKey],
    report: &mut OnlineReport,
) -> Result<(), Stopped> {
    let mut snapshot = shared.store.snapshot().await?;
    let records = snapshot.conversations(keys).await?;
    snapshot.close().await?;
    let outcomes = futures::stream::iter(records)
        .map(|record| compare(shared, record))
        .buffered(shared.options.concurrency.max(1));
    let mut outcomes = std::pin::pin!(outcomes);
    while let Some(outcome) = outcomes.next().await {
        let outcome = outcome?;
        shared.monitor.count(Counter::ConversationsDone);
        report.take(outcome);
    }
    Ok(())
}

impl OnlineReport {
    fn take(&mut self, outcome: Outcome) {
        self.findings.append(outcome.findings);
        let (all, one) = (&mut self.compared, outcome.compared);
        all.messages += one.messages;
        all.newer += one.newer;
        all.edited_since += one.edited_since;
        all.older_states += one.older_states;
        all.back += one.back;
        all.unconfirmed += one.unconfirmed;
        match outcome.not_compared {
            None => all.conversations += 1,
            Some(reason) => {
                all.not_compared += 1;
                if self.not_compared.len() < NAMED_MAX {
                    self.not_compared.push((outcome.id, reason));
                }
            }
        }
    }
}

/// One conversation; an error only where all others would fail too.
async fn compare(shared: &Shared<'_>, record: ArchivedConversation) -> Result<Outcome, Stopped> {
    let mut comparison = Comparison::new(shared, &record);
    let mut ended = comparison.run().await;
    if let Ok(Ended::Whole(Some(unexplained))) = ended {
        // Once more: the list may have moved in a way that its count does not show.
        comparison = Comparison::new(shared, &record);
        ended = comparison.run().await;
        if matches!(ended, Ok(Ended::Whole(Some(again))) if again == unexplained) {
            comparison.note_count(unexplained);
        }
    }
    let not_compared = match ended {
        Ok(Ended::Whole(_)) => None,
        Ok(Ended::InPart(reason)) => Some(reason.to_owned()),
        Err(Broken::Cancelled) => return Err(Stopped::Cancelled),
        Err(Broken::Store(error)) => return Err(error.into()),
        Err(Broken::Api(error)) => {
            shared.note_failure(&error);
            if shared.ends_all(&error) {
                return Err(error.into());
            }
            (!is_expected(&record, error.kind)).then_some(error.message)
        }
    };
    let (findings, compared) = comparison.finish();
    Ok(Outcome {
        id: record.id.clone(),
        findings,
        compared,
        not_compared,
    })
}

impl Shared<'_> {
    /// The gateway has answered about a conversation.
    fn note_answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// What a request failed of: whether the gateway said anything.
    fn note_failure(&self, error: &ApiError) {
        match error.kind {
            // The first one stands for all.
            ApiErrorKind::Timeout | ApiErrorKind::Transport => {
                let _ = self.silence.set(error.clone());
            }
            ApiErrorKind::Systemic => {}
            _ => self.note_answer(),
        }
    }

    /// Whether no other conversation would fare better: a wrong URL or a licence shows at the
    /// first request; later it is one conversation's.
    fn ends_all(&self, error: &ApiError) -> bool {
        match error.kind {
            ApiErrorKind::Systemic => !self.answered.load(Ordering::Relaxed),
            kind => kind.ends_run() || kind == ApiErrorKind::Configuration,
        }
    }

    /// What a request failed of, if none was answered: then it is the gateway that is silent.
    fn silence(&self) -> Option<ApiError> {
        let answered = self.answered.load(Ordering::Relaxed);
        self.silence.get().filter(|_| !answered).cloned()
    }
}

/// Whether the gateway says of a conversation just what the archive says.
fn is_expected(record: &ArchivedConversation, kind: ApiErrorKind) -> bool {
    let state = ConversationState::parse(&record.state);
    matches!(
        (state.unwrap_or(ConversationState::Pending), kind),
        (ConversationState::Gone, ApiErrorKind::Gone)
            | (ConversationState::Forbidden, ApiErrorKind::Forbidden)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_follows_from_the_seed_and_the_id_alone() {
        let id = |text: &str| ConversationId::new(text);
        assert_eq!(lot(7, &id("a")), lot(7, &id("a")));
        assert_ne!(lot(7, &id("a")), lot(8, &id("a")));
        assert_ne!(lot(7, &id("a")), lot(7, &id("b")));
    }
}
