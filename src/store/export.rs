//! Messages on their way out: those that a selection means, in an order that both engines agree
//! on, in batches that are bounded in rows and in bytes of raw JSON.
//!
//! Conversations come in the order in which the archive met them, the messages of one by the time
//! they were created (those without a readable one last), then by id. Short conversations are read
//! together, a long one page by page, so that neither many nor long ones cost much.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    fmt::Write as _,
};

use super::{
    Snapshot, StoreError,
    filter::Conditions,
    snapshot::raws,
    statement::{Statement, export::VERSIONS},
    value::{BEFORE_ALL, Kind, Row, Value},
};
use crate::model::{ConversationKey, MessageFilter, RunId, Timestamp};

/// Messages that are read at once.
const MESSAGES_MAX: u64 = 500;
/// The most raw JSON that is held at once, unless one message alone is longer.
const RAW_BYTES_MAX: u64 = 4 << 20;
/// Conversations whose messages are counted at once.
const CONVERSATIONS_MAX: usize = 1_000;

const MESSAGE_KINDS: &[Kind] = &[
    Kind::Int,
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Time,
    Kind::Int,
    Kind::Time,
    Kind::Time,
];

const MESSAGE_COLUMNS: &str = "select m.key, m.conversation_key, c.id, m.id, m.version, \
     m.created_at, m.first_seen_run, m.missing_since, m.deleted_at \
     from messages m join conversations c on c.key = m.conversation_key where ";

/// Which messages are taken out, and how much of each.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Which messages.
    pub filter: MessageFilter,
    /// Only those of which a later run than this one recorded a version.
    pub since_run: Option<RunId>,
    /// Whether the raw JSON of earlier versions is read too.
    pub with_history: bool,
}

/// A message that was selected, not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedMessage {
    /// The key.
    pub key: i64,
    /// Whose it is.
    pub conversation: ConversationKey,
    /// The id of that conversation.
    pub conversation_id: String,
    /// The id.
    pub id: String,
    /// Which version is the current one.
    pub version: i64,
    /// When it was created, by its current version.
    pub created_at: Option<Timestamp>,
    /// The run that saw it first.
    pub first_seen_run: i64,
    /// Since when it is missing.
    pub missing_since: Option<Timestamp>,
    /// Since when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// Its versions, in order; raw JSON is there for those that were asked for.
    pub versions: Vec<SelectedVersion>,
}

/// A version of a selected message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedVersion {
    /// Its number, from 1.
    pub version: i64,
    /// The word for what was observed: `created`, `edited`, `restored`, `deleted` or `reappeared`.
    pub event: String,
    /// When the page was requested that showed it.
    pub observed_at: Timestamp,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// The run that recorded it.
    pub run_id: i64,
    /// How long the raw JSON is; `None` for a version without any.
    pub raw_bytes: Option<u64>,
    /// The raw JSON, where it was asked for.
    pub raw: Option<String>,
}

impl Snapshot {
    /// How many messages a selection means.
    pub async fn count_selected(&mut self, selection: &Selection) -> Result<u64, StoreError> {
        let conditions = conditions(&selection.filter, selection.since_run, 1);
        let text = format!(
            "select count(*) from messages m where 1 = 1{}",
            conditions.sql
        );
        let statement = composed(
            "counting messages to export",
            text,
            &[Kind::Int],
            &conditions,
            0,
        );
        match self
            .0
            .select(&statement, conditions.args)
            .await?
            .as_mut_slice()
        {
            [row] => row.count(),
            _ => Err(StoreError::broken("a count gave no row")),
        }
    }

    /// The selected messages, to be read batch by batch.
    pub async fn selected(&mut self, selection: Selection) -> Result<Selected<'_>, StoreError> {
        let mut filter = selection.filter;
        let ids = std::mem::take(&mut filter.conversations);
        let mut chosen: Option<VecDeque<i64>> = None;
        if !ids.is_empty() {
            let known = self.keys_of(&ids).await?;
            let mut keys: Vec<i64> = known.into_values().map(|key| key.0).collect();
            keys.sort_unstable();
            chosen = Some(keys.into());
        }
        Ok(Selected {
            snapshot: self,
            filter,
            since_run: selection.since_run,
            with_history: selection.with_history,
            chosen,
            listed_to: i64::MIN,
            counted: VecDeque::new(),
            within: None,
            ready: VecDeque::new(),
        })
    }
}

/// The selected messages of one state of the archive.
#[derive(Debug)]
pub struct Selected<'a> {
    snapshot: &'a mut Snapshot,
    filter: MessageFilter,
    since_run: Option<RunId>,
    with_history: bool,
    /// The keys that are left, where conversations were chosen.
    chosen: Option<VecDeque<i64>>,
    /// The last key that was listed, where none were.
    listed_to: i64,
    /// Conversations with how many messages of each are meant.
    counted: VecDeque<(i64, u64)>,
    /// Where a long conversation goes on.
    within: Option<Within>,
    /// Messages whose raw JSON is not read yet.
    ready: VecDeque<SelectedMessage>,
}

/// The last message that was read of a conversation.
#[derive(Debug, Clone)]
struct Within {
    conversation: i64,
    /// `None`: those with a readable time are done.
    created_at: Option<Timestamp>,
    id: String,
}

impl Selected<'_> {
    /// The next messages: at most 500 and about 4 MiB of raw JSON; none at the end.
    pub async fn next(&mut self) -> Result<Vec<SelectedMessage>, StoreError> {
        loop {
            if !self.ready.is_empty() {
                return self.take_ready().await;
            }
            if let Some(within) = self.within.take() {
                self.read_page(within).await?;
            } else if !self.counted.is_empty() {
                self.read_group().await?;
            } else if !self.count_more().await? {
                return Ok(Vec::new());
            }
        }
    }

    /// The snapshot that is read from, for what belongs to the messages.
    pub fn snapshot(&mut self) -> &mut Snapshot {
        self.snapshot
    }

    /// Counts the messages of the next conversations. `false`: there are none left.
    async fn count_more(&mut self) -> Result<bool, StoreError> {
        let keys: Vec<i64> = if let Some(chosen) = &mut self.chosen {
            let some = chosen.len().min(CONVERSATIONS_MAX);
            chosen.drain(..some).collect()
        } else {
            let after = ConversationKey(self.listed_to);
            let found = self.snapshot.conversation_keys_after(after).await?;
            found.into_iter().map(|key| key.0).collect()
        };
        let Some(last) = keys.last() else {
            return Ok(false);
        };
        self.listed_to = *last;
        let conditions = conditions(&self.filter, self.since_run, 2);
        let text = format!(
            "select m.conversation_key, count(*) from messages m \
             where m.conversation_key {{in_ints:1}}{} \
             group by m.conversation_key order by m.conversation_key",
            conditions.sql
        );
        let kinds = &[Kind::Int, Kind::Int];
        let purpose = "counting messages to export by conversation";
        let statement = composed(purpose, text, kinds, &conditions, 1);
        let args = with(vec![keys.into()], conditions);
        for mut row in self.snapshot.0.select(&statement, args).await? {
            self.counted.push_back((row.int()?, row.count()?));
        }
        Ok(true)
    }

    /// Reads as many whole conversations as fit into a batch, or begins with a long one.
    async fn read_group(&mut self) -> Result<(), StoreError> {
        let mut keys: Vec<i64> = Vec::new();
        let mut messages = 0;
        while let Some((key, count)) = self.counted.front().copied() {
            if messages + count > MESSAGES_MAX {
                break;
            }
            messages += count;
            keys.push(key);
            self.counted.pop_front();
        }
        if keys.is_empty() {
            let first = self.counted.pop_front();
            self.within = first.map(|(conversation, _)| Within {
                conversation,
                created_at: Some(BEFORE_ALL),
                id: String::new(),
            });
            return Ok(());
        }
        let conditions = conditions(&self.filter, self.since_run, 2);
        let text = format!(
            "{MESSAGE_COLUMNS}m.conversation_key {{in_ints:1}}{}",
            conditions.sql
        );
        let mut found = self.read(text, vec![keys.into()], conditions).await?;
        // Here and not in SQL: engines place what is null each in its own way.
        found.sort_by(|a, b| place(a).cmp(&place(b)));
        self.ready.extend(found);
        Ok(())
    }

    /// Reads the next page of a long conversation.
    async fn read_page(&mut self, within: Within) -> Result<(), StoreError> {
        let conversation = within.conversation;
        let mut args = vec![conversation.into()];
        let (place, order) = if let Some(created_at) = within.created_at {
            args.push(Value::Time(Some(created_at)));
            let place = "m.created_at >= $2 and (m.created_at > $2 or m.id {bytewise} > $3)";
            (place, "m.created_at, m.id {bytewise}")
        } else {
            let place = "m.created_at is null and m.id {bytewise} > $2";
            (place, "m.id {bytewise}")
        };
        args.push((&within.id).into());
        let conditions = conditions(&self.filter, self.since_run, args.len() + 1);
        let text = format!(
            "{MESSAGE_COLUMNS}m.conversation_key = $1 and {place}{} \
             order by {order} limit {MESSAGES_MAX}",
            conditions.sql
        );
        let found = self.read(text, args, conditions).await?;
        self.within = match (found.last(), within.created_at) {
            (Some(last), _) => Some(Within {
                conversation,
                created_at: last.created_at,
                id: last.id.clone(),
            }),
            (None, Some(_)) => Some(Within {
                conversation,
                created_at: None,
                id: String::new(),
            }),
            (None, None) => None,
        };
        self.ready.extend(found);
        Ok(())
    }

    /// Messages with their versions, without raw JSON.
    async fn read(
        &mut self,
        text: String,
        args: Vec<Value>,
        conditions: Conditions,
    ) -> Result<Vec<SelectedMessage>, StoreError> {
        let own = args.len();
        let statement = composed(
            "reading messages to export",
            text,
            MESSAGE_KINDS,
            &conditions,
            own,
        );
        let rows = self
            .snapshot
            .0
            .select(&statement, with(args, conditions))
            .await?;
        let mut messages = Vec::with_capacity(rows.len());
        for mut row in rows {
            messages.push(message(&mut row)?);
        }
        if messages.is_empty() {
            return Ok(messages);
        }
        let keys: Vec<i64> = messages.iter().map(|message| message.key).collect();
        let places: HashMap<i64, usize> = keys.iter().copied().zip(0..).collect();
        for mut row in self.snapshot.0.select(&VERSIONS, vec![keys.into()]).await? {
            let place = places.get(&row.int()?).copied();
            let place =
                place.ok_or_else(|| StoreError::broken("a version of a message not asked for"))?;
            messages[place].versions.push(version(&mut row)?);
        }
        Ok(messages)
    }

    /// Takes as many of the messages that were read as their raw JSON allows.
    async fn take_ready(&mut self) -> Result<Vec<SelectedMessage>, StoreError> {
        let mut batch: Vec<SelectedMessage> = Vec::new();
        let mut wanted: Vec<(i64, i64)> = Vec::new();
        let mut bytes = 0;
        while let Some(message) = self.ready.front() {
            let more: u64 = self
                .wanted(message)
                .filter_map(|version| version.raw_bytes)
                .sum();
            if !batch.is_empty() && bytes + more > RAW_BYTES_MAX {
                break;
            }
            bytes += more;
            wanted.extend(
                self.wanted(message)
                    .map(|version| (message.key, version.version)),
            );
            batch.extend(self.ready.pop_front());
        }
        let mut found = raws(self.snapshot.0.as_mut(), &wanted).await?;
        for message in &mut batch {
            for version in &mut message.versions {
                version.raw = found.remove(&(message.key, version.version));
            }
        }
        Ok(batch)
    }

    /// The versions of a message whose raw JSON is to be read.
    fn wanted<'m>(
        &self,
        message: &'m SelectedMessage,
    ) -> impl Iterator<Item = &'m SelectedVersion> + use<'m> {
        let (all, current) = (self.with_history, message.version);
        message
            .versions
            .iter()
            .filter(move |version| version.raw_bytes.is_some())
            .filter(move |version| all || version.version == current)
    }
}

/// Where a message comes among those of all conversations.
fn place(message: &SelectedMessage) -> (i64, bool, Option<Timestamp>, &str) {
    let time = message.created_at;
    (message.conversation.0, time.is_none(), time, &message.id)
}

fn conditions(filter: &MessageFilter, since_run: Option<RunId>, first: usize) -> Conditions {
    let mut conditions = Conditions::of(filter, first);
    if let Some(run) = since_run {
        let number = first + conditions.args.len();
        // Written so that both parts are answered from what is narrow: the message's own row, and
        // the index of the few versions that are not the first.
        write!(
            conditions.sql,
            " and (m.first_seen_run > ${number} or exists (select 1 from message_versions v \
             where v.message_key = m.key and v.version > 1 and v.run_id > ${number}))"
        )
        .expect("a string takes all");
        conditions.args.push(run.0.into());
    }
    conditions
}

fn composed(
    purpose: &'static str,
    text: String,
    columns: &'static [Kind],
    conditions: &Conditions,
    own_arguments: usize,
) -> Statement {
    Statement {
        purpose,
        text: Cow::Owned(text),
        columns,
        arguments: own_arguments + conditions.args.len(),
    }
}

fn with(mut args: Vec<Value>, conditions: Conditions) -> Vec<Value> {
    args.extend(conditions.args);
    args
}

fn message(row: &mut Row) -> Result<SelectedMessage, StoreError> {
    Ok(SelectedMessage {
        key: row.int()?,
        conversation: ConversationKey(row.int()?),
        conversation_id: row.text()?,
        id: row.text()?,
        version: row.int()?,
        created_at: row.maybe_time()?,
        first_seen_run: row.int()?,
        missing_since: row.maybe_time()?,
        deleted_at: row.maybe_time()?,
        versions: Vec::new(),
    })
}

fn version(row: &mut Row) -> Result<SelectedVersion, StoreError> {
    Ok(SelectedVersion {
        version: row.int()?,
        event: row.text()?,
        observed_at: row.time()?,
        recorded_at: row.time()?,
        run_id: row.int()?,
        raw_bytes: row
            .maybe_int()?
            .map(|bytes| u64::try_from(bytes).unwrap_or(0)),
        raw: None,
    })
}
