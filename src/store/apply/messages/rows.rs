//! The rows of messages and of the tables around them.

use std::collections::BTreeMap;

use super::{NewVersion, Plan, Stamp, StoreError, Working};
use crate::{
    model::{MediaKind, Message, SenderKind},
    store::{table, value::Value},
};

/// Plans the rows of every message that the batch changed.
pub(super) fn put(
    all: &[Working<'_>],
    mut versions: Vec<NewVersion<'_>>,
    stamp: Stamp,
    plan: &mut Plan,
) -> Result<(), StoreError> {
    let mut senders: BTreeMap<&str, SenderKind> = BTreeMap::new();
    for working in all {
        if let Some(message) = working.content {
            put_message(working, message, stamp, plan);
            if !working.is_new {
                plan.cleared.push(working.key);
            }
            put_children(working.key, message, plan);
            if let Some(sender) = &message.sender_id {
                senders.insert(sender, message.sender_kind);
            }
        } else if working.sighted {
            plan.put(
                &table::MESSAGE_SIGHTINGS,
                vec![
                    working.key.into(),
                    working.observed_at.into(),
                    working.missing_since.into(),
                    working.missing_run.into(),
                    working.deleted_at.into(),
                ],
            );
        }
    }
    put_absences(all, plan);
    versions.sort_by_key(|version| (version.message_key, version.version));
    for version in &versions {
        put_version(version, stamp, plan)?;
    }
    for (id, kind) in senders {
        plan.put(
            &table::SENDERS,
            vec![id.into(), kind.as_str().into(), stamp.run.0.into()],
        );
    }
    Ok(())
}

fn put_absences(all: &[Working<'_>], plan: &mut Plan) {
    for working in all {
        for (strike, absence) in [(1, working.absences.0), (2, working.absences.1)] {
            let Some(absence) = absence else { continue };
            plan.put(
                &table::ABSENCES,
                vec![
                    working.key.into(),
                    i64::from(strike).into(),
                    absence.run.0.into(),
                    absence.sent_at.into(),
                    absence.interval.0.into(),
                    absence.interval.1.into(),
                ],
            );
        }
    }
}

fn put_message(working: &Working<'_>, message: &Message, stamp: Stamp, plan: &mut Plan) {
    let mut row = vec![
        working.key.into(),
        working.conversation.0.into(),
        message.id.as_str().into(),
    ];
    row.extend(content(message));
    row.extend([
        working.version.into(),
        working.digest.as_slice().into(),
        working.observed_at.into(),
        stamp.run.0.into(),
        working.missing_since.into(),
        working.missing_run.into(),
        working.deleted_at.into(),
    ]);
    plan.put(&table::MESSAGES, row);
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
    let mut row = vec![key.into()];
    row.extend(content(message));
    row.push(message.sha256[..16].into());
    plan.put(&table::MESSAGE_CONTENTS, row);
    put_children(key, message, plan);
}

fn put_version(version: &NewVersion<'_>, stamp: Stamp, plan: &mut Plan) -> Result<(), StoreError> {
    let message = version.message;
    plan.put(
        &table::MESSAGE_VERSIONS,
        vec![
            version.message_key.into(),
            version.version.into(),
            version.event.into(),
            version.observed_at.into(),
            stamp.recorded_at.into(),
            stamp.run.0.into(),
            message.map(|message| &*message.raw).into(),
            message.map(|message| message.sha256.as_slice()).into(),
        ],
    );
    let anomalies = message.into_iter().flat_map(|message| &message.anomalies);
    let anomalies = anomalies.chain(&version.created_at_changed);
    for (position, anomaly) in anomalies.enumerate() {
        plan.put(
            &table::ANOMALIES,
            vec![
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
            vec![
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
            vec![
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
            vec![
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
            vec![
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
            vec![
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
            vec![
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
