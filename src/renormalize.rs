//! Rebuilds every derived row from the stored raw messages, without one request.
//!
//! Goes through the messages by key, decodes each version again and writes what differs: a
//! transaction a batch, with the mark from which an interrupted one goes on. Raw JSON that does
//! not have its hash, or is none, is not decoded: what follows from it stays as it is.

use crate::{
    clock::Clock,
    model::{
        ConversationCounts, ConversationId, ConversationKey, Message, MessageCounts, RequestCounts,
        RunId, RunOutcome, RunReport, StopReason,
    },
    monitor::{Counter, Monitor},
    normalize,
    store::{ArchivedMessage, ArchivedVersion, Redecoded, RunStart, Store, StoreError, in_chunks},
    wire::Json,
};

const COMMAND: &str = "renormalize";
/// Conversations whose messages are counted again in one transaction.
const CONVERSATIONS_AT_ONCE: usize = 1_000;

/// How it is to be done.
#[derive(Debug, Clone, Default)]
pub struct RenormalizeOptions {
    /// Whether to begin anew where an earlier one was interrupted.
    pub restart: bool,
    /// Who runs, as `runs` keeps it.
    pub holder: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Renormalized {
    /// How it ended.
    pub outcome: RunOutcome,
    /// Whether it went on where an earlier one was interrupted.
    pub resumed: bool,
    /// Messages that were looked at.
    pub messages: u64,
    /// Messages of which anything was written anew.
    pub changed: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Versions that were left as they are, because their raw JSON is damaged.
    pub damaged: u64,
    /// Conversations whose number of live messages was wrong.
    pub recounted: u64,
    /// Why it did not come to its end, where the database failed.
    pub failed: Option<StoreError>,
}

/// Rebuilds, until it is done or `stop` says why not to go on; asked between batches. The store
/// must be open for writing.
///
/// # Errors
/// The archive could not be read or written before anything was begun.
pub async fn run(
    store: &Store,
    options: &RenormalizeOptions,
    stop: impl Fn() -> Option<StopReason> + Send + Sync,
    monitor: &Monitor,
    clock: &Clock,
) -> Result<Renormalized, StoreError> {
    let from = place_to_begin(store, options).await?;
    let started_at = clock.now();
    let start = RunStart {
        command: COMMAND.to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        holder: options.holder.clone(),
        started_at,
    };
    let run = store.begin_run(&start).await?;
    let left = store.count_messages_after(from.unwrap_or(i64::MIN)).await?;
    monitor.add(Counter::MessagesExpected, left);
    let mut rebuilding = Rebuilding {
        store,
        monitor,
        done: Renormalized {
            outcome: RunOutcome::Complete,
            resumed: from.is_some(),
            messages: 0,
            changed: 0,
            rows: 0,
            damaged: 0,
            recounted: 0,
            failed: None,
        },
    };
    let ended = rebuilding.rebuild(from.unwrap_or(i64::MIN), &stop).await;
    let mut done = rebuilding.done;
    match ended {
        Ok(None) => {}
        Ok(Some(reason)) => done.outcome = RunOutcome::Stopped(reason),
        Err(error) => {
            done.outcome = RunOutcome::Stopped(StopReason::Database);
            done.failed = Some(error);
        }
    }
    let report = report(run, &done, started_at, clock);
    if let Err(error) = store.finish_run(run, &report).await {
        done.outcome = RunOutcome::Stopped(StopReason::Database);
        done.failed.get_or_insert(error);
    }
    Ok(done)
}

/// After which message to go on; `None` to begin anew. What another version of the program has
/// rebuilt is rebuilt again: it may have known fewer types.
async fn place_to_begin(
    store: &Store,
    options: &RenormalizeOptions,
) -> Result<Option<i64>, StoreError> {
    let Some(done_to) = store.read_renormalized_to().await? else {
        return Ok(None);
    };
    let by = store.read_program_of(COMMAND).await?;
    if options.restart || by.as_deref() != Some(env!("CARGO_PKG_VERSION")) {
        return Ok(None);
    }
    Ok(Some(done_to))
}

fn report(
    run: RunId,
    done: &Renormalized,
    started_at: crate::model::Timestamp,
    clock: &Clock,
) -> RunReport {
    RunReport {
        run_id: Some(run),
        outcome: done.outcome,
        started_at,
        finished_at: clock.now(),
        conversations: ConversationCounts::default(),
        messages: MessageCounts {
            changed: done.changed,
            unchanged: done.messages.saturating_sub(done.changed),
            ..MessageCounts::default()
        },
        requests: RequestCounts::default(),
    }
}

struct Rebuilding<'a> {
    store: &'a Store,
    monitor: &'a Monitor,
    done: Renormalized,
}

impl Rebuilding<'_> {
    /// Gives why it stopped early, where it did.
    async fn rebuild(
        &mut self,
        after: i64,
        stop: &(impl Fn() -> Option<StopReason> + Send + Sync),
    ) -> Result<Option<StopReason>, StoreError> {
        let mut last = after;
        loop {
            let batch = self.store.read_messages_after(last).await?;
            let Some(newest) = batch.last() else { break };
            last = newest.key;
            for chunk in in_chunks(&batch) {
                if let Some(reason) = stop() {
                    return Ok(Some(reason));
                }
                self.rebuild_chunk(&chunk).await?;
            }
            self.done.messages += batch.len() as u64;
            self.monitor.add(Counter::MessagesRead, batch.len() as u64);
        }
        let keys = self.store.read_conversation_keys().await?;
        for chunk in keys.chunks(CONVERSATIONS_AT_ONCE) {
            if let Some(reason) = stop() {
                return Ok(Some(reason));
            }
            self.recount(chunk).await?;
        }
        self.store.end_renormalize().await?;
        // Cut short, the rest is described by the next run of any kind.
        self.store.forget_changes().await?;
        self.store.describe_changes(|| stop().is_some()).await?;
        if let Some(reason) = stop() {
            return Ok(Some(reason));
        }
        self.store.forget_index().await?;
        self.store.catch_up_index(|| stop().is_some()).await?;
        Ok(stop())
    }

    async fn recount(&mut self, keys: &[ConversationKey]) -> Result<(), StoreError> {
        self.done.recounted += self.store.recount_live(keys).await?;
        Ok(())
    }

    async fn rebuild_chunk(
        &mut self,
        chunk: &[(&ArchivedMessage, &ArchivedVersion)],
    ) -> Result<(), StoreError> {
        let names: Vec<(i64, i64)> = chunk
            .iter()
            .filter(|(_, version)| version.raw_bytes.is_some())
            .map(|(message, version)| (message.key, version.version))
            .collect();
        let mut raws = self.store.read_raws(&names).await?;
        let mut decoded = Vec::with_capacity(chunk.len());
        for (message, version) in chunk {
            let raw = raws.remove(&(message.key, version.version));
            let read = decode(message, version, raw.as_deref());
            self.done.damaged += u64::from(read.is_err());
            decoded.push(read);
        }
        let versions: Vec<Redecoded<'_>> = chunk
            .iter()
            .zip(&decoded)
            .filter_map(|((message, version), decoded)| {
                Some(Redecoded {
                    key: message.key,
                    version: version.version,
                    is_current: version.version == message.version,
                    first_seen_run: message.first_seen_run,
                    message: decoded.as_ref().ok()?.as_ref(),
                })
            })
            .collect();
        let stats = self
            .store
            .rewrite_derived(&versions, done_to(chunk))
            .await?;
        self.done.changed += stats.messages;
        self.done.rows += stats.rows;
        self.monitor.count(Counter::Transactions);
        Ok(())
    }
}

/// The last message that is done with a chunk: one whose last version is in it.
fn done_to(chunk: &[(&ArchivedMessage, &ArchivedVersion)]) -> Option<i64> {
    chunk
        .iter()
        .rev()
        .find(|(message, version)| {
            let last = message.versions.last();
            last.is_some_and(|last| last.version == version.version)
        })
        .map(|(message, _)| message.key)
}

/// Raw JSON that does not have its hash, or is none.
struct Damaged;

/// What a version decodes to; nothing where it has no raw JSON, as a deletion has not.
fn decode(
    message: &ArchivedMessage,
    version: &ArchivedVersion,
    raw: Option<&str>,
) -> Result<Option<Message>, Damaged> {
    let Some(raw) = raw else {
        return Ok(None);
    };
    let conversation = ConversationId::new(message.conversation_id.as_str());
    let decoded = normalize::message(raw, &conversation);
    let is_sound = version.sha256.as_deref() == Some(decoded.sha256.as_slice());
    if is_sound && Json::parse(raw).is_ok() {
        Ok(Some(decoded))
    } else {
        Err(Damaged)
    }
}
