//! What the links endpoint said, as rows.

use std::collections::BTreeMap;

use super::{Met, NextKeys, Plan, Stamp, take};
use crate::store::{Batch, LinkRow, table, value::clean};

/// One row for each number and conversation; a later answer replaces an earlier one.
pub(super) fn apply(batch: &Batch, met: &Met, stamp: Stamp, keys: &mut NextKeys, plan: &mut Plan) {
    let mut last: BTreeMap<(String, String), &LinkRow> = BTreeMap::new();
    for link in &batch.links {
        let conversation = link.conversation_id.as_deref().unwrap_or_default();
        last.insert((clean(&link.phone_number), clean(conversation)), link);
    }
    for (name, link) in last {
        let (key, first_seen_run) = met.links.get(&name).map_or_else(
            || (take(&mut keys.link), stamp.run.0),
            |stored| (stored.key, stored.first_seen_run),
        );
        plan.put(
            &table::CONVERSATION_LINKS,
            [
                key.into(),
                (&link.phone_number).into(),
                (&link.conversation_id).into(),
                (&link.link).into(),
                link.created_at.into(),
                first_seen_run.into(),
                stamp.run.0.into(),
            ],
        );
    }
}
