//! The archive against itself: one state of it, read once, in bounded memory.

use std::{collections::HashSet, time::Duration};

use super::{
    Check, Findings, Place, conversation,
    message::{Messages, Written},
    run,
    times::Times,
    zone,
};
use crate::{
    model::{ConversationId, ConversationKey, RunId},
    monitor::{Counter, Monitor},
    store::{Dangling, SchemaKind, Snapshot, Store, StoreError},
};

/// Conversations that are read at once.
const CONVERSATIONS_AT_ONCE: usize = 500;

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Only these conversations; the whole archive where `None`.
    pub conversations: Option<Vec<ConversationId>>,
    /// How many findings are kept whole; all are counted.
    pub findings_max: usize,
    /// The lag that every run of this archive was told, where the person knows it.
    pub visibility_lag: Option<Duration>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Checked {
    /// Conversations.
    pub conversations: u64,
    /// Pieces of ledgers.
    pub pieces: u64,
    /// Messages.
    pub messages: u64,
    /// Versions of messages, their raw bytes hashed and decoded.
    pub versions: u64,
    /// Runs; 0 where only some conversations were checked.
    pub runs: u64,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Where the archive does not keep its promises.
    pub findings: Findings,
    /// How much was looked at.
    pub checked: Checked,
    /// Why it could not be looked at to the end.
    pub stopped: Option<StoreError>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The archive does not know these conversations.
    #[error(
        "the archive does not know {}{}; `convault status` says what it knows",
        .ids.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join(", "),
        more(.ids.len().saturating_sub(5))
    )]
    Unknown {
        /// Their ids.
        ids: Vec<ConversationId>,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn more(number: usize) -> String {
    match number {
        0 => String::new(),
        number => format!(" and {number} more"),
    }
}

/// Checks an archive against itself, in one state of it.
///
/// # Errors
/// A conversation that is not archived; an archive that cannot be opened. What goes wrong later
/// is in the report, beside what was found by then.
pub async fn offline(
    store: &Store,
    options: &VerifyOptions,
    monitor: &Monitor,
) -> Result<Report, VerifyError> {
    let mut snapshot = store.snapshot().await?;
    let chosen = match &options.conversations {
        None => None,
        Some(ids) => Some(keys_of(&mut snapshot, ids).await?),
    };
    let mut offline = Offline {
        store,
        snapshot,
        lag: options.visibility_lag,
        monitor,
        findings: Findings::keeping(options.findings_max),
        checked: Checked::default(),
        written: Written::new(),
        times: Times::default(),
    };
    let stopped = offline.check(chosen.as_deref()).await.err();
    if let Err(error) = offline.snapshot.close().await {
        tracing::warn!(%error, "the archive was not closed cleanly");
    }
    Ok(Report {
        findings: offline.findings,
        checked: offline.checked,
        stopped,
    })
}

/// The keys of some conversations, each once, in order.
pub(super) async fn keys_of(
    snapshot: &mut Snapshot,
    ids: &[ConversationId],
) -> Result<Vec<ConversationKey>, VerifyError> {
    let known = snapshot.keys_of(ids).await?;
    let unknown: Vec<ConversationId> = ids
        .iter()
        .filter(|id| !known.contains_key(id.as_str()))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(VerifyError::Unknown { ids: unknown });
    }
    let keys: HashSet<ConversationKey> = known.into_values().collect();
    let mut keys: Vec<ConversationKey> = keys.into_iter().collect();
    keys.sort_unstable();
    Ok(keys)
}

/// What stands between quotes may be anything, words of a message too.
fn without_quotes(text: &str) -> String {
    let parts: Vec<&str> = text.split('"').step_by(2).collect();
    parts.join("(something)")
}

struct Offline<'a> {
    store: &'a Store,
    snapshot: Snapshot,
    lag: Option<Duration>,
    monitor: &'a Monitor,
    findings: Findings,
    checked: Checked,
    written: Written,
    times: Times,
}

impl Offline<'_> {
    async fn check(&mut self, chosen: Option<&[ConversationKey]>) -> Result<(), StoreError> {
        let messages = self.snapshot.count_messages(chosen).await?;
        self.monitor.add(Counter::MessagesExpected, messages);
        let noted = self.note_runs().await;
        let are_runs_readable = self.readable("runs", noted)?.is_some();
        let Some(keys) = chosen else {
            return self.check_archive(are_runs_readable).await;
        };
        for chunk in keys.chunks(CONVERSATIONS_AT_ONCE) {
            let checked = self.check_conversations(chunk).await;
            self.readable("conversations", checked)?;
        }
        for key in keys {
            let checked = self.check_messages_of(*key).await;
            self.readable("messages", checked)?;
        }
        Ok(())
    }

    async fn check_archive(&mut self, are_runs_readable: bool) -> Result<(), StoreError> {
        let waiting = self.monitor.waiting_for("the database checks itself");
        let flaws = self.store.check_integrity().await?;
        drop(waiting);
        let mut is_index_sound = true;
        for flaw in flaws {
            // The index of words is the one table that can be made anew from the others.
            let is_of_index = flaw.contains("search_index");
            is_index_sound &= !is_of_index;
            let check = if is_of_index {
                Check::SearchIndex
            } else {
                Check::Integrity
            };
            let expected = "a database that finds nothing wrong with itself";
            self.findings.add(check, Place::archive(), expected, flaw);
        }
        let checked = self.check_schema().await;
        self.readable("data_dictionary", checked)?;
        let dangling = self.snapshot.dangling().await;
        if let Some(dangling) = self.readable("references", dangling)? {
            for reference in &dangling {
                self.note_dangling(reference);
            }
        }
        let checked = self.check_all_conversations().await;
        self.readable("conversations", checked)?;
        let checked = self.check_all_messages().await;
        let all_read = self.readable("messages", checked)?.is_some();
        if all_read && are_runs_readable {
            let checked = self.check_runs().await;
            self.readable("runs", checked)?;
            std::mem::take(&mut self.times).finish(&mut self.findings);
        }
        let zone = self.snapshot.time_zone().await;
        if let Some(zone) = self.readable("time_zone_offsets", zone)? {
            zone::check(&zone, &mut self.findings);
        }
        // Words that are not what the raw messages say are told already, and mended first.
        let are_words_sound = !self.findings.counts().contains_key(&Check::Derived);
        if all_read && is_index_sound && are_words_sound {
            let checked = self.check_index().await;
            self.readable("search_index", checked)?;
        }
        Ok(())
    }

    async fn check_schema(&mut self) -> Result<(), StoreError> {
        for flaw in self.store.schema_flaws().await? {
            let check = match flaw.kind {
                SchemaKind::Index => Check::Indexes,
                _ => Check::Schema,
            };
            let mut place = Place::archive();
            place.table = flaw.relation;
            self.findings.add(check, place, flaw.expected, flaw.found);
        }
        Ok(())
    }

    async fn check_index(&mut self) -> Result<(), StoreError> {
        let _waiting = self.monitor.waiting_for("the index of words is compared");
        if let Some(flaw) = self.snapshot.index_flaw().await? {
            let place = Place::archive().table("search_index");
            self.findings
                .add(Check::SearchIndex, place, flaw.expected, flaw.found);
        }
        Ok(())
    }

    /// What is stored and stands for nothing is a finding; a database that fails is an error.
    fn readable<T>(
        &mut self,
        table: &'static str,
        read: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::Broken { what }) => {
                let expected = "what convault writes; the rest of this table was not checked";
                self.findings.add(
                    Check::Readable,
                    Place::archive().table(table),
                    expected,
                    without_quotes(&what),
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn note_dangling(&mut self, dangling: &Dangling) {
        self.findings.add(
            Check::References,
            Place::archive().column(dangling.table, dangling.column),
            format!("a row of {}", dangling.parent),
            format!("{} rows that name {}", dangling.rows, dangling.value),
        );
    }

    async fn check_all_conversations(&mut self) -> Result<(), StoreError> {
        let mut last = ConversationKey(i64::MIN);
        loop {
            let keys = self.snapshot.conversation_keys_after(last).await?;
            let Some(newest) = keys.last() else {
                return Ok(());
            };
            last = *newest;
            for chunk in keys.chunks(CONVERSATIONS_AT_ONCE) {
                self.check_conversations(chunk).await?;
            }
        }
    }

    async fn check_conversations(&mut self, keys: &[ConversationKey]) -> Result<(), StoreError> {
        for conversation in self.snapshot.conversations(keys).await? {
            self.checked.conversations += 1;
            self.checked.pieces += conversation.pieces.len() as u64;
            self.times.note_conversation(&conversation);
            let unbacked = conversation::check(&conversation, self.lag, &mut self.findings);
            // A message whose time has changed since leaves an end without its message.
            if !unbacked.is_empty() && !self.snapshot.has_moved_messages(conversation.key).await? {
                conversation::note_unbacked(&conversation, &unbacked, &mut self.findings);
            }
        }
        Ok(())
    }

    fn messages(&mut self) -> Messages<'_> {
        Messages {
            snapshot: &mut self.snapshot,
            lag: self.lag,
            findings: &mut self.findings,
            checked: &mut self.checked,
            written: &mut self.written,
            times: &mut self.times,
            monitor: self.monitor,
        }
    }

    async fn check_all_messages(&mut self) -> Result<(), StoreError> {
        let mut last = i64::MIN;
        loop {
            let batch = self.snapshot.messages_after(last).await?;
            let Some(newest) = batch.last() else {
                return Ok(());
            };
            last = newest.key;
            self.messages().check(&batch).await?;
        }
    }

    async fn check_messages_of(&mut self, key: ConversationKey) -> Result<(), StoreError> {
        let mut last = String::new();
        loop {
            let batch = self.snapshot.messages_of(key, &last).await?;
            let Some(newest) = batch.last() else {
                return Ok(());
            };
            newest.id.as_str().clone_into(&mut last);
            self.messages().check(&batch).await?;
        }
    }

    /// When each run began and ended, which others are held against.
    async fn note_runs(&mut self) -> Result<(), StoreError> {
        let mut last = RunId(i64::MIN);
        loop {
            let runs = self.snapshot.runs_after(last).await?;
            let Some(newest) = runs.last() else {
                return Ok(());
            };
            last = newest.id;
            for run in &runs {
                self.times.note_run(run);
            }
        }
    }

    async fn check_runs(&mut self) -> Result<(), StoreError> {
        let mut last = RunId(i64::MIN);
        loop {
            let runs = self.snapshot.runs_after(last).await?;
            let Some(newest) = runs.last() else {
                return Ok(());
            };
            last = newest.id;
            for run in &runs {
                self.checked.runs += 1;
                run::check(run, &self.written, &mut self.findings);
                self.times.check_outcomes(run, &mut self.findings);
            }
        }
    }
}
