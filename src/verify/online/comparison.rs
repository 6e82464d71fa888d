//! One conversation against what the gateway lists of it.

mod confirm;

use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::{
    Compared, Shared,
    reading::{End, Of, Reading, View},
};
use crate::{
    api::{ApiError, ApiErrorKind},
    model::{ConversationId, Message, MessageId, Timestamp},
    monitor::Counter,
    normalize,
    store::{ArchivedConversation, ArchivedState, CurrentMessage, Slice, StoreError},
    verify::{Check, Findings, Place},
    walk::Interval,
    wire::{self, same_json},
};

/// Messages that may be missing on either side and are remembered; more are not looked into.
const SUSPECTS_MAX: usize = 10_000;
const LIMIT_MIN: u32 = 5;

/// Why a comparison did not come to its end.
#[derive(Debug)]
pub(super) enum Broken {
    Cancelled,
    Store(StoreError),
    Api(ApiError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// All of it was compared; with numbers that do not agree, if any.
    Whole(Option<Unexplained>),
    /// The list did not allow it, for this reason.
    InPart(&'static str),
}

/// How many messages are listed, and how many should be by the archive and what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unexplained {
    listed: u64,
    found: i64,
}

/// An archived message that a page did not hold.
#[derive(Debug, Clone, Copy)]
struct Unlisted {
    created_at: Timestamp,
    /// Where the page began.
    skip: u64,
}

/// A page with its messages.
struct Fetched {
    view: View,
    /// T of walk.md.
    sent_at: Timestamp,
    messages: Vec<Message>,
}

impl Fetched {
    fn ids(&self) -> HashSet<MessageId> {
        self.messages.iter().map(|m| m.id.clone()).collect()
    }
}

/// The comparison of one conversation.
pub(super) struct Comparison<'a> {
    shared: &'a Shared<'a>,
    record: &'a ArchivedConversation,
    id: ConversationId,
    limit: u32,
    /// Where the archive claims to hold every message.
    claimed: Vec<Interval>,
    /// Listed, claimed to be archived, and not there.
    missing: BTreeMap<MessageId, Timestamp>,
    /// Live in the archive and not in the page of their place.
    unlisted: BTreeMap<MessageId, Unlisted>,
    /// Live in the archive, and in no page of their place, twice.
    confirmed: Vec<MessageId>,
    /// The ids of the page before.
    previous: HashSet<MessageId>,
    /// Messages that were listed and are not among the archive's live ones, by the hash of their
    /// id, so that one that two pages hold counts once.
    besides: HashSet<u64>,
    /// Pages that were asked for to confirm an absence.
    second_pages: u32,
    findings: Findings,
    compared: Compared,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, record: &'a ArchivedConversation) -> Self {
        Self {
            shared,
            record,
            id: ConversationId::new(record.id.as_str()),
            limit: shared.options.page_size,
            claimed: claimed(record),
            missing: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            confirmed: Vec::new(),
            previous: HashSet::new(),
            besides: HashSet::new(),
            second_pages: 0,
            findings: Findings::keeping(shared.options.findings_max),
            compared: Compared::default(),
        }
    }

    /// Tells of a number of messages that the comparison does not explain.
    pub(super) fn note_count(&mut self, count: Unexplained) {
        let Unexplained { listed, found } = count;
        self.findings.add(
            Check::OnlineCount,
            Place::conversation(self.id.as_str()).column("conversations", "live_count"),
            format!("{listed} messages, as the gateway lists"),
            format!(
                "{found}: {} that live by the archive's count, {} listed besides, {} gone",
                self.record.live_count,
                self.besides.len(),
                self.confirmed.len()
            ),
        );
    }

    /// What was found by now.
    pub(super) fn finish(self) -> (Findings, Compared) {
        (self.findings, self.compared)
    }

    /// Compares, as far as the list allows it.
    pub(super) async fn run(&mut self) -> Result<Ended, Broken> {
        let mut reading = Reading::new(self.limit, self.record.unlisted);
        let end = loop {
            let (skip, limit) = match reading.next() {
                Ok(next) => next,
                Err(end) => break end,
            };
            let page = self.fetch(skip, limit).await?;
            if skip == 0
                && let Some(count) = page.view.count
            {
                let expected = u64::try_from(count).unwrap_or(0);
                self.shared.monitor.add(Counter::MessagesExpected, expected);
            }
            let claims = reading.accept(&page.view);
            self.take(&page, &claims).await?;
        };
        self.confirm().await?;
        self.judge_missing().await?;
        self.judge_unlisted().await?;
        Ok(match end {
            End::Whole => Ended::Whole(self.unexplained(&reading)),
            End::Disorder => Ended::InPart("its pages are not in order of created_at"),
            End::BudgetSpent => Ended::InPart("it changes faster than it can be read"),
        })
    }

    /// One page; a smaller one where the gateway cannot give it.
    async fn fetch(&mut self, skip: u64, limit: u32) -> Result<Fetched, Broken> {
        let mut limit = limit;
        let page = loop {
            let asked = self.shared.gateway.messages(&self.id, skip, limit);
            let answer = tokio::select! {
                biased;
                () = self.shared.cancel.cancelled() => return Err(Broken::Cancelled),
                answer = asked => answer,
            };
            match answer {
                Ok(fetched) => {
                    self.shared.note_answer();
                    break fetched;
                }
                Err(error) if error.kind == ApiErrorKind::TooLarge && limit / 2 >= LIMIT_MIN => {
                    limit /= 2;
                }
                Err(error) => return Err(Broken::Api(error)),
            }
        };
        Ok(self.decoded(skip, limit, &page.value, page.sent_at))
    }

    fn decoded(&self, skip: u64, limit: u32, page: &wire::Page, sent_at: Timestamp) -> Fetched {
        let messages: Vec<Message> = page
            .items()
            .map(|raw| normalize::message(raw, &self.id))
            .collect();
        let rows = messages
            .iter()
            .map(|message| (hash_of(&message.id), message.created_at))
            .collect();
        Fetched {
            view: View {
                skip,
                limit,
                count: page.count(),
                rows,
            },
            sent_at,
            messages,
        }
    }

    /// Compares a page with the archive's slice of it.
    async fn take(&mut self, page: &Fetched, claims: &[(Interval, Of)]) -> Result<(), Broken> {
        let ids = page.ids();
        self.unlisted.retain(|id, _| !ids.contains(id));
        let asked: Vec<MessageId> = ids.iter().cloned().collect();
        let interval = claims.first().map(|(interval, _)| *interval);
        let slice = Slice {
            ids: &asked,
            after: interval.and_then(|interval| interval.after),
            before: interval.and_then(|interval| interval.before),
            with_interval: interval.is_some(),
        };
        let archived = self
            .shared
            .store
            .read_slice(self.record.key, &slice)
            .await?;
        if let Some((interval, of)) = claims.first() {
            let listed = match of {
                Of::This => &ids,
                Of::Previous => &self.previous,
            };
            let absent: Vec<&CurrentMessage> = archived
                .iter()
                .filter(|message| is_live(message) && !listed.contains(&message.id))
                .filter(|message| message.created_at.is_some_and(|t| interval.contains(t)))
                .collect();
            for message in absent {
                self.suspect_unlisted(message, page.view.skip);
            }
        }
        let archived: HashMap<&MessageId, &CurrentMessage> = archived
            .iter()
            .map(|message| (&message.id, message))
            .collect();
        self.compare_rows(page, &archived).await?;
        self.previous = ids;
        Ok(())
    }

    fn suspect_unlisted(&mut self, message: &CurrentMessage, skip: u64) {
        let Some(created_at) = message.created_at else {
            return;
        };
        if self.unlisted.len() < SUSPECTS_MAX {
            let unlisted = Unlisted { created_at, skip };
            self.unlisted.insert(message.id.clone(), unlisted);
        } else {
            self.compared.unconfirmed += 1;
        }
    }

    async fn compare_rows(
        &mut self,
        page: &Fetched,
        archived: &HashMap<&MessageId, &CurrentMessage>,
    ) -> Result<(), Broken> {
        let mut differing = Vec::new();
        for message in &page.messages {
            if self.previous.contains(&message.id) {
                continue;
            }
            self.compared.messages += 1;
            self.shared.monitor.count(Counter::MessagesRead);
            let Some(known) = archived.get(&message.id) else {
                self.note_absent(message);
                continue;
            };
            if !is_live(known) && self.besides.insert(hash_of(&message.id)) {
                self.compared.back += 1;
            }
            if known.digest != message.sha256[..16] {
                differing.push(message);
            }
        }
        if differing.is_empty() {
            return Ok(());
        }
        let ids: Vec<MessageId> = differing.iter().map(|message| message.id.clone()).collect();
        let states = self.shared.store.read_states(self.record.key, &ids).await?;
        for message in differing {
            self.compare_content(message, page.sent_at, &states);
        }
        Ok(())
    }

    /// A listed message that the archive does not hold.
    fn note_absent(&mut self, message: &Message) {
        if !self.besides.insert(hash_of(&message.id)) {
            return;
        }
        let claimed = message
            .created_at
            .filter(|time| self.claimed.iter().any(|interval| interval.contains(*time)));
        match claimed {
            Some(created_at) if self.missing.len() < SUSPECTS_MAX => {
                self.missing.insert(message.id.clone(), created_at);
            }
            _ => self.compared.newer += 1,
        }
    }

    fn compare_content(&mut self, message: &Message, sent_at: Timestamp, states: &[ArchivedState]) {
        let ours = || states.iter().filter(|state| state.id == message.id);
        let Some(current) = ours().find(|state| state.is_current) else {
            return;
        };
        if same_json(&current.raw, &message.raw) {
            return;
        }
        let is_known = ours().any(|state| same_json(&state.raw, &message.raw));
        let told = current.updated_at.zip(message.updated_at);
        let is_newer = told.is_some_and(|(ours, theirs)| theirs > ours);
        let is_older = told.is_some_and(|(ours, theirs)| theirs < ours);
        // No replica lags by more than λ: what it shows later than that is what there is.
        // (A state of the future was noted by a wrong clock.)
        let lag = self.shared.options.visibility_lag;
        let seen = current.observed_at;
        let lags = sent_at < seen.plus(lag) && seen <= sent_at.plus(lag);
        match () {
            () if is_newer => self.compared.edited_since += 1,
            () if lags && (is_known || is_older) => self.compared.older_states += 1,
            () => self.findings.add(
                Check::OnlineContent,
                self.place(&message.id).version(current.version),
                format!("{}, as archived", shown(&current.raw)),
                format!("{}, and no later updated_at", shown(&message.raw)),
            ),
        }
    }

    fn place(&self, id: &MessageId) -> Place {
        Place::conversation(self.id.as_str()).message(id.as_str())
    }

    /// What is archived by now is not missing.
    async fn judge_missing(&mut self) -> Result<(), Broken> {
        let ids: Vec<MessageId> = self.missing.keys().cloned().collect();
        let archived = self.read(&ids).await?;
        for (id, created_at) in std::mem::take(&mut self.missing) {
            if archived.contains_key(&id) {
                self.compared.newer += 1;
                continue;
            }
            self.findings.add(
                Check::OnlineMissing,
                self.place(&id),
                "a message that is archived, since all before the horizon is",
                format!("listed, created {created_at}, and not archived"),
            );
        }
        Ok(())
    }

    /// What is no longer live in the archive agrees with the gateway.
    async fn judge_unlisted(&mut self) -> Result<(), Broken> {
        let archived = self.read(&self.confirmed).await?;
        for id in &self.confirmed {
            if !archived.get(id).is_some_and(is_live) {
                continue;
            }
            self.findings.add(
                Check::OnlineUnlisted,
                Place::conversation(self.id.as_str()).message(id.as_str()),
                "a message that is listed, since it lives in the archive",
                "two pages of its place that do not hold it",
            );
        }
        Ok(())
    }

    async fn read(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, CurrentMessage>, Broken> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let slice = Slice {
            ids,
            after: None,
            before: None,
            with_interval: false,
        };
        let rows = self
            .shared
            .store
            .read_slice(self.record.key, &slice)
            .await?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }

    /// Where neither side moved, what is listed is what lives in the archive, less what was found
    /// to be gone, and what was listed besides. Gives both numbers where they differ; one message
    /// that came while another went leaves the count as it was, so only two readings that differ
    /// in the same way mean something.
    fn unexplained(&self, reading: &Reading) -> Option<Unexplained> {
        let listed = reading
            .steady()
            .filter(|_| self.compared.unconfirmed == 0)?;
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let found =
            self.record.live_count + number(self.besides.len()) - number(self.confirmed.len());
        (i64::try_from(listed) != Ok(found)).then_some(Unexplained { listed, found })
    }
}

/// Where the archive says that it holds every message: below its horizon, and inside what was
/// settled by a later run.
fn claimed(record: &ArchivedConversation) -> Vec<Interval> {
    let in_force = record.pieces.iter().filter(|piece| piece.layer == 0);
    let mut claimed: Vec<Interval> = in_force
        .map(|piece| piece.piece)
        .filter(|piece| piece.settled)
        .map(|piece| Interval {
            after: piece.after,
            before: piece.before,
        })
        .collect();
    claimed.extend(record.horizon.map(|horizon| Interval {
        after: None,
        before: Some(horizon),
    }));
    claimed
}

fn is_live(message: &CurrentMessage) -> bool {
    message.missing_since.is_none() && message.deleted_at.is_none()
}

/// Raw JSON without its words.
fn shown(raw: &str) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} bytes, sha256 ", raw.len());
    for byte in &Sha256::digest(raw.as_bytes())[..6] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A hash of an id, for one page. Keyed by the process, so that nobody can choose ids that
/// collide.
fn hash_of(id: &MessageId) -> u64 {
    use std::{
        hash::{BuildHasher as _, RandomState},
        sync::LazyLock,
    };
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(id)
}
