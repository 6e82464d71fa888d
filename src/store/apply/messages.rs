//! What a batch does to messages: new ones, versions, absences, reappearances.

mod order;
mod rows;

use order::Sight;
pub(in crate::store) use rows::{MessageRows, Stretch, Texts, put_derived};

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use super::{
    Met, NextKeys, OlderState, Plan, Stamp, StoreError, StoredMessage, StoredMessages,
    StoredVersions, take,
};
use crate::{
    model::{Anomaly, AnomalyKind, ConversationKey, Message, MessageId, RunId, Text, Timestamp},
    store::{
        Batch, PageWrite,
        value::{clean, cleaned, storable},
    },
};

/// What pages add to a conversation's own row.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// Messages that became live less those that ceased to be.
    pub(super) live: i64,
    /// The first one that a message names.
    pub(super) organization_id: Option<Text>,
    /// The first one that a message names.
    pub(super) business_unit_id: Option<Text>,
}

/// The conversation and id of each message that the batch speaks of and the archive may hold,
/// each once.
pub(in crate::store) fn wanted(batch: &Batch) -> Vec<(i64, String)> {
    let mut wanted: Vec<(i64, String)> = batch
        .pages
        .iter()
        .flat_map(|page| {
            let seen = page.perhaps_known().map(|message| &message.id);
            seen.chain(&page.absent)
                .chain(&page.absent_again)
                .chain(&page.deleted)
                .map(|id| (page.conversation.0, clean(id.as_str())))
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// The keys of the known messages that the batch has in another form than the stored one.
pub(in crate::store) fn disputed(batch: &Batch, messages: &StoredMessages) -> Vec<i64> {
    let stored = |page: &PageWrite, id: &MessageId| {
        let of_conversation = messages.get(&page.conversation.0)?;
        of_conversation.get(&*cleaned(id.as_str()))
    };
    let mut keys: Vec<i64> = Vec::new();
    for page in &batch.pages {
        for message in page.perhaps_known() {
            let differs = |stored: &&StoredMessage| {
                stored.digest != digest_of(message) || stored.deleted_at.is_some()
            };
            keys.extend(
                stored(page, &message.id)
                    .filter(differs)
                    .map(|stored| stored.key),
            );
        }
        keys.extend(
            page.deleted
                .iter()
                .filter_map(|id| Some(stored(page, id)?.key)),
        );
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// A conversation's key, and the id of a message as it is stored.
type Name<'b> = (i64, Cow<'b, str>);

fn digest_of(message: &Message) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&message.sha256[..16]);
    digest
}

/// One message while the batch is applied.
#[derive(Debug)]
struct Working<'b> {
    conversation: ConversationKey,
    key: i64,
    is_new: bool,
    was_live: bool,
    version: i64,
    last_version: i64,
    /// Of its versions.
    hashes: Cow<'b, [[u8; 32]]>,
    digest: [u8; 16],
    raw: Option<&'b str>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    observed_at: Timestamp,
    observed_run: Option<i64>,
    missing_since: Option<Timestamp>,
    missing_run: Option<i64>,
    deleted_at: Option<Timestamp>,
    older: Option<OlderState>,
    /// The message whose content is to be written.
    content: Option<&'b Message>,
    /// The evidence of absence that the batch adds: the first page, and the one that confirms.
    absences: [Option<Box<Absence>>; 2],
    /// Whether only the sighting is to be written.
    sighted: bool,
}

/// A page that did not hold a message of its interval.
#[derive(Debug)]
struct Absence {
    run: RunId,
    sent_at: Timestamp,
    interval: (Option<Timestamp>, Option<Timestamp>),
}

/// Which sign of absence a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    First,
    Second,
}

/// A version that the batch adds.
#[derive(Debug)]
struct NewVersion<'b> {
    message_key: i64,
    version: i64,
    event: &'static str,
    observed_at: Timestamp,
    /// What was received; nothing for a deletion.
    message: Option<&'b Message>,
    created_at_changed: Option<Anomaly>,
}

/// Applies the pages in order; the rows of messages and of the tables around them, and what the
/// pages add to each conversation.
pub(super) fn apply<'b>(
    batch: &'b Batch,
    met: &'b Met,
    stamp: Stamp,
    keys: &mut NextKeys,
    plan: &mut Plan,
) -> (MessageRows<'b>, BTreeMap<ConversationKey, Growth>) {
    let mut all = Works::of(batch, met);
    let mut versions: Vec<NewVersion<'b>> = Vec::new();
    let mut growth: BTreeMap<ConversationKey, Growth> = BTreeMap::new();

    for page in &batch.pages {
        let grown = if page.changes_messages() {
            Some(growth.entry(page.conversation).or_default())
        } else {
            None
        };
        for message in &page.messages {
            let name = (page.conversation.0, cleaned(message.id.as_str()));
            if let Some(working) = all.find(&name) {
                see(working, page, message, stamp.run, &mut versions, plan);
            } else {
                let key = take(&mut keys.message);
                versions.push(first_version(key, page, message));
                all.add(name, create(key, page, message, stamp.run));
                plan.stats.messages.new += 1;
                plan.stats.messages.unrecognised += u64::from(message.is_unrecognised());
            }
        }
        let absent = page.absent.iter().map(|id| (Strike::First, id));
        let again = page.absent_again.iter().map(|id| (Strike::Second, id));
        for (strike, id) in absent.chain(again) {
            let name = (page.conversation.0, cleaned(id.as_str()));
            if let Some(working) = all.find(&name) {
                miss(working, page, strike, stamp.run, plan);
            }
        }
        for id in &page.deleted {
            let name = (page.conversation.0, cleaned(id.as_str()));
            if let Some(working) = all.find(&name) {
                bury(working, &mut versions, plan);
            }
        }
        if let Some(grown) = grown {
            name_organization(grown, page);
        }
    }

    let mut all = all.list;
    all.sort_unstable_by_key(|working| working.key);
    for working in &all {
        let live = i64::from(working.is_live()) - i64::from(working.was_live);
        growth.entry(working.conversation).or_default().live += live;
    }
    (MessageRows::plan(all, versions, stamp, plan), growth)
}

/// The messages that the batch has spoken of so far.
struct Works<'b> {
    met: &'b Met,
    /// Where in the list each is.
    places: HashMap<Name<'b>, usize>,
    list: Vec<Working<'b>>,
}

impl<'b> Works<'b> {
    fn of(batch: &Batch, met: &'b Met) -> Self {
        let messages = batch.pages.iter().map(|page| page.messages.len()).sum();
        Self {
            met,
            places: HashMap::with_capacity(messages),
            list: Vec::with_capacity(messages),
        }
    }

    /// The message of that name, as the batch has left it so far, or as it is archived.
    fn find(&mut self, name: &Name<'b>) -> Option<&mut Working<'b>> {
        let place = if let Some(place) = self.places.get(name) {
            *place
        } else {
            let stored = self.met.messages.get(&name.0)?.get(&*name.1)?;
            let versions = self.met.versions.get(&stored.key);
            let conversation = ConversationKey(name.0);
            self.add(name.clone(), recall(conversation, stored, versions))
        };
        self.list.get_mut(place)
    }

    fn add(&mut self, name: Name<'b>, working: Working<'b>) -> usize {
        let place = self.list.len();
        self.places.insert(name, place);
        self.list.push(working);
        place
    }
}

fn recall<'b>(
    conversation: ConversationKey,
    stored: &'b StoredMessage,
    versions: Option<&'b StoredVersions>,
) -> Working<'b> {
    Working {
        conversation,
        key: stored.key,
        is_new: false,
        was_live: stored.missing_since.is_none() && stored.deleted_at.is_none(),
        version: stored.version,
        last_version: versions.map_or(stored.version, |versions| versions.last),
        hashes: versions
            .map(|versions| versions.hashes.as_slice().into())
            .unwrap_or_default(),
        digest: stored.digest,
        raw: versions.and_then(|versions| versions.raw.as_deref()),
        created_at: stored.created_at,
        updated_at: stored.updated_at,
        observed_at: stored.observed_at,
        observed_run: stored.observed_run,
        missing_since: stored.missing_since,
        missing_run: stored.missing_run,
        deleted_at: stored.deleted_at,
        older: stored.older,
        content: None,
        absences: [None, None],
        sighted: false,
    }
}

fn create<'b>(key: i64, page: &PageWrite, message: &'b Message, run: RunId) -> Working<'b> {
    Working {
        conversation: page.conversation,
        key,
        is_new: true,
        was_live: false,
        version: 1,
        last_version: 1,
        hashes: std::slice::from_ref(&message.sha256).into(),
        digest: digest_of(message),
        raw: Some(&message.raw),
        created_at: message.created_at.map(storable),
        updated_at: message.updated_at.map(storable),
        observed_at: storable(page.observed_at),
        observed_run: Some(run.0),
        missing_since: None,
        missing_run: None,
        deleted_at: None,
        older: None,
        content: Some(message),
        absences: [None, None],
        sighted: false,
    }
}

fn first_version<'b>(key: i64, page: &'b PageWrite, message: &'b Message) -> NewVersion<'b> {
    NewVersion {
        message_key: key,
        version: 1,
        event: "created",
        observed_at: page.observed_at,
        message: Some(message),
        created_at_changed: None,
    }
}

/// A known message is in a page.
fn see<'b>(
    working: &mut Working<'b>,
    page: &PageWrite,
    message: &'b Message,
    run: RunId,
    versions: &mut Vec<NewVersion<'b>>,
    plan: &mut Plan,
) {
    let at = storable(page.observed_at);
    let is_back = working.is_absent_before(at, run);
    let reappears = is_back && working.deleted_at.is_some();
    let is_later = working.is_seen_before(at, run);
    let sight = working.judge(page, message, run);
    let is_current = matches!(sight, Sight::Same | Sight::Newer | Sight::Restored);
    // A state that a lagging server shows again is no news.
    let is_known = match sight {
        Sight::Same => true,
        Sight::Older => working.knows(message),
        Sight::Newer | Sight::Restored => false,
    };

    if is_known && !reappears {
        plan.stats.messages.unchanged += 1;
    } else {
        working.last_version += 1;
        versions.push(NewVersion {
            message_key: working.key,
            version: working.last_version,
            event: match sight {
                _ if reappears => "reappeared",
                Sight::Restored => "restored",
                _ => "edited",
            },
            observed_at: page.observed_at,
            message: Some(message),
            created_at_changed: working.created_at_changed(message),
        });
        working.hashes.to_mut().push(message.sha256);
        plan.stats.messages.changed += 1;
        plan.stats.messages.unrecognised += u64::from(message.is_unrecognised());
        if is_current {
            working.turn_into(message);
        }
    }
    if is_back {
        plan.back.push(working.key);
        working.absences = [None, None];
        working.missing_since = None;
        working.missing_run = None;
        working.deleted_at = None;
        working.sighted = true;
    }
    if is_current {
        // Of an unchanged one not a reason to write, but what an absence in an older page is held
        // against, and an older state that was seen before.
        if is_later {
            working.observed_at = at;
            working.observed_run = Some(run.0);
        }
        working.sighted |= working.older.take().is_some();
    }
}

/// A page shows a known message absent: for the first time, or again.
fn miss(working: &mut Working<'_>, page: &PageWrite, strike: Strike, run: RunId, plan: &mut Plan) {
    let at = storable(page.observed_at);
    let is_later_run = working.missing_run.is_some_and(|missing| missing < run.0);
    // A first absence in the future was noted by a wrong clock, and counts from now on.
    let counts_anew = is_later_run && working.missing_since.is_some_and(|since| at < since);
    let counts = match strike {
        Strike::First if working.is_live() => {
            working.is_seen_before(at, run) && !working.is_seen_at(at, run)
        }
        Strike::First => working.deleted_at.is_none() && counts_anew,
        Strike::Second => {
            working.deleted_at.is_none() && working.missing_since.is_some_and(|since| since < at)
        }
    };
    if !counts {
        return;
    }
    if strike == Strike::First {
        if counts_anew {
            plan.back.push(working.key);
        }
        working.missing_since = Some(at);
        working.missing_run = Some(run.0);
        working.sighted = true;
    }
    let absence = Box::new(Absence {
        run,
        sent_at: at,
        interval: page.interval,
    });
    let [first, second] = &mut working.absences;
    match strike {
        Strike::First => *first = Some(absence),
        Strike::Second => {
            second.get_or_insert(absence);
        }
    }
}

/// A message that was absent twice becomes a tombstone, as of its first absence.
fn bury(working: &mut Working<'_>, versions: &mut Vec<NewVersion<'_>>, plan: &mut Plan) {
    let Some(since) = working
        .missing_since
        .filter(|_| working.deleted_at.is_none())
    else {
        return;
    };
    working.deleted_at = Some(since);
    working.sighted = true;
    working.last_version += 1;
    versions.push(NewVersion {
        message_key: working.key,
        version: working.last_version,
        event: "deleted",
        observed_at: since,
        message: None,
        created_at_changed: None,
    });
    plan.stats.messages.deleted += 1;
}

fn name_organization(grown: &mut Growth, page: &PageWrite) {
    for message in &page.messages {
        if grown.organization_id.is_none() {
            grown.organization_id.clone_from(&message.organization_id);
        }
        if grown.business_unit_id.is_none() {
            grown.business_unit_id.clone_from(&message.business_unit_id);
        }
    }
}

impl<'b> Working<'b> {
    const fn is_live(&self) -> bool {
        self.missing_since.is_none() && self.deleted_at.is_none()
    }

    fn knows(&self, message: &Message) -> bool {
        self.hashes.contains(&message.sha256)
    }

    fn created_at_changed(&self, message: &Message) -> Option<Anomaly> {
        let theirs = message.created_at.map(storable);
        if theirs == self.created_at {
            return None;
        }
        let show = |time: Option<Timestamp>| {
            time.map_or_else(|| "unreadable".to_owned(), |time| time.to_string())
        };
        Some(Anomaly {
            kind: AnomalyKind::CreatedAtChanged,
            path: "created_at".to_owned(),
            detail: format!("was {}, is {}", show(self.created_at), show(theirs)),
        })
    }

    fn turn_into(&mut self, message: &'b Message) {
        self.version = self.last_version;
        self.digest = digest_of(message);
        self.raw = Some(&message.raw);
        self.created_at = message.created_at.map(storable);
        self.updated_at = message.updated_at.map(storable);
        self.content = Some(message);
    }
}
