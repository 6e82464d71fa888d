//! The rows of messages and of the tables around them.

use std::{collections::BTreeMap, iter::Peekable};

use super::{NewVersion, Plan, Stamp, StoreError, Working};
use crate::{
    model::{MediaKind, Message, SenderKind, Text, Timestamp},
    store::{
        table::{self, Rows},
        value::{Value, clean_text},
    },
};

/// Messages whose rows are made while those before are written.
const MESSAGES_AT_ONCE: usize = 500;
/// Of the first messages few: nothing is written while their rows are made.
const MESSAGES_AT_FIRST: usize = 100;
/// Bytes of raw JSON whose rows and terms stand in memory together, but for a message that alone has
/// more: the terms of a text may be some thirty times as large as it.
const RAW_BYTES_AT_ONCE: usize = 1 << 20;

/// The rows of every message that a batch changed, a stretch of them at a time: those of a whole
/// batch never stand in memory beside its messages, and some are written while the next are made.
#[derive(Debug)]
pub(in crate::store) struct MessageRows<'b> {
    /// In the order of their keys.
    messages: std::vec::IntoIter<Working<'b>>,
    /// In the order of their messages' keys, and there of their numbers.
    versions: Peekable<std::vec::IntoIter<NewVersion<'b>>>,
    stamp: Stamp,
    /// Whether none have come yet.
    is_first: bool,
}

/// What some messages bring.
#[derive(Debug, Default)]
pub(in crate::store) struct Stretch {
    /// Their rows, parents before children.
    pub(in crate::store) rows: Vec<Rows>,
    /// Those of them that are new, by key in order, with their texts as they are stored.
    pub(in crate::store) new: Vec<(i64, Texts)>,
}

/// Title, words and caption of a message.
pub(in crate::store) type Texts = [Option<Text>; 3];

impl<'b> MessageRows<'b> {
    /// Takes the messages in the order of their keys, and plans what is not theirs alone.
    pub(super) fn plan(
        messages: Vec<Working<'b>>,
        mut versions: Vec<NewVersion<'b>>,
        stamp: Stamp,
        plan: &mut Plan,
    ) -> Self {
        let mut senders: BTreeMap<&str, SenderKind> = BTreeMap::new();
        for working in &messages {
            let Some(message) = working.content else {
                continue;
            };
            if !working.is_new {
                plan.cleared.push(working.key);
            }
            if let Some(sender) = &message.sender_id {
                senders.insert(sender, message.sender_kind);
            }
        }
        for (id, kind) in senders {
            plan.put(
                &table::SENDERS,
                [id.into(), kind.as_str().into(), stamp.run.0.into()],
            );
        }
        versions.sort_by_key(|version| (version.message_key, version.version));
        Self {
            messages: messages.into_iter(),
            versions: versions.into_iter().peekable(),
            stamp,
            is_first: true,
        }
    }

    /// Says when the rows that follow are recorded.
    pub(in crate::store) const fn record_at(&mut self, time: Timestamp) {
        self.stamp.recorded_at = time;
    }

    /// The next messages, which may bring no row; `None` after the last message.
    /// What was there of them in the tables around them must have been cleared.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Stretch>, StoreError> {
        let mut new = Vec::new();
        let mut plan = Plan::default();
        let mut last = None;
        let is_first = std::mem::take(&mut self.is_first);
        let at_once = if is_first {
            MESSAGES_AT_FIRST
        } else {
            MESSAGES_AT_ONCE
        };
        let sizes = self.messages.as_slice().iter().map(raw_bytes);
        let at_once = fitting(sizes.take(at_once));
        let next = self.messages.as_slice().iter().take(at_once);
        let new_ones = next.filter(|working| working.is_new).count();
        // Parents first: `messages` before what refers to it.
        for table in [&table::MESSAGES, &table::MESSAGE_VERSIONS] {
            plan.rows.push(Rows::with_room(table, new_ones));
        }
        for working in self.messages.by_ref().take(at_once) {
            put_working(&working, self.stamp, &mut plan);
            if let Some(message) = working.content.filter(|_| working.is_new) {
                new.push((working.key, texts(message)));
            }
            last = Some(working.key);
        }
        let Some(last) = last else {
            return match self.versions.next() {
                None => Ok(None),
                Some(_) => Err(StoreError::broken("a version of no message")),
            };
        };
        while let Some(version) = self.versions.next_if(|version| version.message_key <= last) {
            put_version(&version, self.stamp, &mut plan)?;
        }
        let rows = plan.rows;
        Ok(Some(Stretch { rows, new }))
    }
}

fn raw_bytes(working: &Working<'_>) -> usize {
    working.content.map_or(0, |message| message.raw.len())
}

/// How many of the first messages stand in memory together, by their sizes; at least one.
fn fitting(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let fits = sizes.take_while(|size| {
        bytes += size;
        bytes <= RAW_BYTES_AT_ONCE
    });
    fits.count().max(1)
}

fn texts(message: &Message) -> Texts {
    let file = message.attachment.as_ref();
    let caption = file.and_then(|file| file.caption.as_ref());
    [message.title.as_ref(), message.text.as_ref(), caption].map(|text| text.map(clean_text))
}

fn put_working(working: &Working<'_>, stamp: Stamp, plan: &mut Plan) {
    if let Some(message) = working.content {
        put_message(working, message, stamp, plan);
        put_children(working.key, message, plan);
    } else if working.sighted {
        plan.put(
            &table::MESSAGE_SIGHTINGS,
            [
                working.key.into(),
                working.observed_at.into(),
                working.observed_run.into(),
                working.missing_since.into(),
                working.missing_run.into(),
                working.deleted_at.into(),
            ]
            .into_iter()
            .chain(older(working)),
        );
    }
    put_absences(working, plan);
}

fn older(working: &Working<'_>) -> [Value; 3] {
    let older = working.older;
    [
        older.as_ref().map(|older| older.digest.as_slice()).into(),
        older.map(|older| older.since).into(),
        older.map(|older| older.run).into(),
    ]
}

fn put_absences(working: &Working<'_>, plan: &mut Plan) {
    for (strike, absence) in (1..).zip(&working.absences) {
        let Some(absence) = absence else { continue };
        plan.put(
            &table::ABSENCES,
            [
                working.key.into(),
                Value::Int(Some(strike)),
                absence.run.0.into(),
                absence.sent_at.into(),
                absence.interval.0.into(),
                absence.interval.1.into(),
            ],
        );
    }
}

fn put_message(working: &Working<'_>, message: &Message, stamp: Stamp, plan: &mut Plan) {
    let key = [working.key.into()];
    let standing = [
        working.version.into(),
        working.digest.as_slice().into(),
        working.observed_at.into(),
        working.observed_run.into(),
        working.missing_since.into(),
        working.missing_run.into(),
        working.deleted_at.into(),
    ];
    let state = key.into_iter().chain(content(message)).chain(standing);
    if !working.is_new {
        plan.put(&table::MESSAGE_STATES, state.chain(older(working)));
        return;
    }
    let name = [
        working.conversation.0.into(),
        message.id.text().into(),
        stamp.run.0.into(),
    ];
    plan.put(&table::MESSAGES, state.chain(name));
}

/// The columns of `messages` that follow from the raw JSON alone.
fn content(message: &Message) -> [Value; 12] {
    [
        (&message.organization_id).into(),
        (&message.business_unit_id).into(),
        (&message.sender_id).into(),
        (&message.kind).into(),
        message.media_kind.map(MediaKind::as_str).into(),
        (&message.title).into(),
        (&message.text).into(),
        message.is_mail.into(),
        (&message.stream_id).into(),
        message.stream_sequence.into(),
        message.created_at.into(),
        message.updated_at.into(),
    ]
}

/// Plans everything that follows from the raw JSON of a message's current version alone: the
/// content of its row, and the rows of the tables around it.
pub(in crate::store) fn put_derived(key: i64, message: &Message, plan: &mut Plan) {
    let key_alone = [key.into()].into_iter();
    let digest = [message.sha256[..16].into()];
    let row = key_alone.chain(content(message)).chain(digest);
    plan.put(&table::MESSAGE_CONTENTS, row);
    put_children(key, message, plan);
}

fn put_version(version: &NewVersion<'_>, stamp: Stamp, plan: &mut Plan) -> Result<(), StoreError> {
    let message = version.message;
    plan.put(
        &table::MESSAGE_VERSIONS,
        [
            version.message_key.into(),
            version.version.into(),
            version.event.into(),
            version.observed_at.into(),
            stamp.recorded_at.into(),
            stamp.run.0.into(),
            message.map(|message| &message.raw).into(),
            message.map(|message| message.sha256.as_slice()).into(),
        ],
    );
    let anomalies = message.into_iter().flat_map(|message| &message.anomalies);
    let anomalies = anomalies.chain(&version.created_at_changed);
    for (position, anomaly) in anomalies.enumerate() {
        plan.put(
            &table::ANOMALIES,
            [
                version.message_key.into(),
                version.version.into(),
                position_value(position)?,
                anomaly.kind.as_str().into(),
                (&anomaly.path).into(),
                (&anomaly.detail).into(),
            ],
        );
    }
    Ok(())
}

fn position_value(position: usize) -> Result<Value, StoreError> {
    i64::try_from(position)
        .map(Value::from)
        .map_err(|_| StoreError::broken("a list too long to number"))
}

fn put_children(key: i64, message: &Message, plan: &mut Plan) {
    if let Some(reply) = &message.quick_reply {
        plan.put(
            &table::QUICK_REPLIES,
            [
                key.into(),
                (&reply.title).into(),
                (&reply.payload).into(),
                (&reply.description).into(),
            ],
        );
    }
    if let Some(file) = &message.attachment {
        plan.put(
            &table::ATTACHMENTS,
            [
                key.into(),
                (&file.url).into(),
                (&file.host).into(),
                (&file.declared_type).into(),
                file.media_kind.as_str().into(),
                (&file.caption).into(),
            ],
        );
    }
    if let Some(place) = &message.location {
        plan.put(
            &table::LOCATIONS,
            [
                key.into(),
                place.latitude.into(),
                place.longitude.into(),
                (&place.name).into(),
                (&place.address).into(),
            ],
        );
    }
    put_lists(key, message, plan);
}

fn put_lists(key: i64, message: &Message, plan: &mut Plan) {
    for option in by_position(&message.quick_reply_options, |option| option.position) {
        plan.put(
            &table::QUICK_REPLY_OPTIONS,
            [
                key.into(),
                option.position.into(),
                (&option.option_id).into(),
                (&option.content_type).into(),
                (&option.title).into(),
                (&option.payload).into(),
                (&option.description).into(),
                option.answered.into(),
            ],
        );
    }
    for contact in by_position(&message.shared_contacts, |contact| contact.position) {
        plan.put(
            &table::SHARED_CONTACTS,
            [
                key.into(),
                contact.position.into(),
                (&contact.name).into(),
                (&contact.phone_number).into(),
                (&contact.email).into(),
            ],
        );
    }
    for variable in by_position(&message.template_variables, |variable| variable.position) {
        plan.put(
            &table::TEMPLATE_VARIABLES,
            [
                key.into(),
                variable.position.into(),
                (&variable.value).into(),
            ],
        );
    }
}

/// In the order of positions, the first of each: one bad list must not stop a batch.
fn by_position<T>(list: &[T], position: impl Fn(&T) -> u32) -> impl Iterator<Item = &T> {
    let mut first: BTreeMap<u32, &T> = BTreeMap::new();
    for item in list {
        first.entry(position(item)).or_insert(item);
    }
    first.into_values()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_memory_together_is_bounded_in_bytes() {
        let half = RAW_BYTES_AT_ONCE / 2;
        assert_eq!(fitting([half, half, 1].into_iter()), 2);
        assert_eq!(fitting([1, RAW_BYTES_AT_ONCE, 1].into_iter()), 1);
        assert_eq!(fitting([RAW_BYTES_AT_ONCE + 1, 1].into_iter()), 1);
        assert_eq!(fitting([0, 0].into_iter()), 2);
        assert_eq!(fitting(std::iter::empty()), 1);
    }
}
