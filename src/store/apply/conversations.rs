//! What a batch does to conversations: counts, ledger, proof, state, failures.

use std::collections::{BTreeMap, HashMap};

use super::{
    LAYERS, LEFT_MAX, LeftConversation, Met, NextKeys, Plan, Stamp, StoredConversation,
    is_complete, messages::Growth, take,
};
use crate::{
    model::{ConversationKey, ConversationState, Failure, Piece, Timestamp},
    store::{
        Batch, ConversationOutcome, StoreError, WalkProgress, table,
        value::{clean, storable},
    },
};

/// Why a conversation is partial while its pages leave a hole and no outcome has said more.
const UNFINISHED: &str = "not finished yet; the next run goes on";

/// Writes the rows of each conversation that differ from what is stored.
pub(super) fn apply(
    batch: &Batch,
    met: &Met,
    stamp: Stamp,
    growth: &BTreeMap<ConversationKey, Growth>,
    keys: &mut NextKeys,
    plan: &mut Plan,
) -> Result<(), StoreError> {
    let mut progress: BTreeMap<ConversationKey, &WalkProgress> = BTreeMap::new();
    for page in &batch.pages {
        if let Some(walk) = &page.progress {
            progress.insert(page.conversation, walk);
        }
    }
    let outcomes: BTreeMap<ConversationKey, &ConversationOutcome> = batch
        .outcomes
        .iter()
        .map(|outcome| (outcome.conversation, outcome))
        .collect();
    let mut touched: Vec<ConversationKey> = growth
        .keys()
        .chain(progress.keys())
        .chain(outcomes.keys())
        .copied()
        .collect();
    touched.sort_unstable();
    touched.dedup();

    plan.leaves = (touched.len() <= LEFT_MAX).then(HashMap::new);
    for key in touched {
        let stored = met
            .conversations
            .get(&key)
            .ok_or_else(|| StoreError::broken(format!("no conversation has the key {}", key.0)))?;
        let mut now = stored.clone();
        if let Some(growth) = growth.get(&key) {
            grow(&mut now, growth);
        }
        let ledgers = progress.get(&key).map(|walk| {
            walk_on(&mut now, walk);
            begin(&mut now, stamp);
            let layers = [&walk.ledger, &walk.full_ledger, &walk.tie_points];
            let storable = |pieces: &Vec<Piece>| pieces.iter().map(storable_piece).collect();
            let layers: [Vec<Piece>; LAYERS] = layers.map(storable);
            for (layer, pieces) in (0..).zip(&layers) {
                put_ledger(met, key, layer, pieces, plan);
            }
            layers
        });
        if let Some(outcome) = outcomes.get(&key) {
            end(&mut now, stored, outcome, stamp);
            put_failures(met, outcome, stamp, keys, plan);
            put_run_conversation(outcome, stamp, plan);
        }
        put_conversation(key, stored, &now, plan);
        if let Some(leaves) = &mut plan.leaves {
            let left = LeftConversation {
                stored: now,
                ledgers,
                ended: outcomes.contains_key(&key),
            };
            leaves.insert(key, left);
        }
    }
    Ok(())
}

fn grow(now: &mut StoredConversation, growth: &Growth) {
    now.live_count += growth.live;
    if now.organization_id.is_none() {
        now.organization_id = growth.organization_id.as_deref().map(clean);
    }
    if now.business_unit_id.is_none() {
        now.business_unit_id = growth.business_unit_id.as_deref().map(clean);
    }
}

fn walk_on(now: &mut StoredConversation, walk: &WalkProgress) {
    now.unlisted = walk.unlisted;
    now.count_trust = walk.count_trust;
    now.swept_below = walk.swept_below.map(storable);
    now.tail_proof = walk.tail_proof.map(|proof| proof.as_str().to_owned());
    now.full_since = walk.full_since.map(storable);
    now.proven_at = walk.proof.proven_at.map(storable);
    now.horizon = walk.proof.horizon.map(storable);
}

/// A conversation whose first pages are kept has been attempted: until an outcome says more, it
/// is there in batch. So is one that was complete and has grown by more than the pages so far
/// link: a run that is cut short here leaves a hole. Writes no failure, for nothing has failed.
fn begin(now: &mut StoredConversation, stamp: Stamp) {
    let is_open = now.state == ConversationState::Complete.as_str() && now.proven_at.is_none();
    if is_open || now.state == ConversationState::Pending.as_str() {
        ConversationState::Partial
            .as_str()
            .clone_into(&mut now.state);
        now.state_since = Some(storable(stamp.recorded_at));
        now.reason = Some(UNFINISHED.to_owned());
        now.last_run = Some(stamp.run.0);
    }
}

fn end(
    now: &mut StoredConversation,
    stored: &StoredConversation,
    outcome: &ConversationOutcome,
    stamp: Stamp,
) {
    outcome.state.as_str().clone_into(&mut now.state);
    now.state_since = if stored.state == now.state {
        stored.state_since
    } else {
        Some(storable(outcome.finished_at))
    };
    now.reason = outcome.reason.as_deref().map(clean);
    now.last_run = Some(stamp.run.0);
    if let Some(checked_at) = outcome.checked_at {
        now.checked_at = Some(storable(checked_at));
    }
}

fn put_conversation(
    key: ConversationKey,
    stored: &StoredConversation,
    now: &StoredConversation,
    plan: &mut Plan,
) {
    let proof = |of: &StoredConversation| (of.checked_at, of.proven_at, of.horizon, of.swept_below);
    if proof(stored) != proof(now) {
        plan.put(
            &table::CONVERSATION_PROOFS,
            [
                key.0.into(),
                now.checked_at.into(),
                now.proven_at.into(),
                now.horizon.into(),
                now.swept_below.into(),
            ],
        );
    }
    let without_proof = StoredConversation {
        checked_at: stored.checked_at,
        proven_at: stored.proven_at,
        horizon: stored.horizon,
        swept_below: stored.swept_below,
        ..now.clone()
    };
    if without_proof != *stored {
        plan.put(
            &table::CONVERSATIONS,
            [
                key.0.into(),
                (&now.organization_id).into(),
                (&now.business_unit_id).into(),
                (&now.state).into(),
                (&now.reason).into(),
                now.state_since.into(),
                now.last_run.into(),
                now.live_count.into(),
                now.unlisted.into(),
                (&now.tail_proof).into(),
                now.full_since.into(),
                now.count_trust.moves.into(),
                now.count_trust.steady_runs.into(),
            ],
        );
    }
}

/// Writes the pieces that differ, as they are stored, and cuts off those that are too many.
fn put_ledger(met: &Met, key: ConversationKey, layer: i64, pieces: &[Piece], plan: &mut Plan) {
    let stored = met
        .ledgers
        .get(&(key, layer))
        .map_or(&[][..], Vec::as_slice);
    for (position, piece) in pieces.iter().enumerate() {
        if stored.get(position) != Some(piece) {
            plan.put(
                &table::COVERAGE_PIECES,
                [
                    key.0.into(),
                    layer.into(),
                    (position as u64).into(),
                    piece.after.into(),
                    piece.before.into(),
                    piece.sent_at.into(),
                    piece.settled.into(),
                ],
            );
        }
    }
    for position in pieces.len()..stored.len() {
        plan.put(
            &table::TRIMMED_PIECES,
            [key.0.into(), layer.into(), (position as u64).into()],
        );
    }
}

fn storable_piece(piece: &Piece) -> Piece {
    let hold = |time: Option<Timestamp>| time.map(storable);
    Piece {
        after: hold(piece.after),
        before: hold(piece.before),
        sent_at: storable(piece.sent_at),
        settled: piece.settled,
    }
}

/// A complete conversation resolves its open failures. A failure of a class that somebody has
/// waived is the old story and adds no row, so that the waiver stands; any other is a new row.
fn put_failures(
    met: &Met,
    outcome: &ConversationOutcome,
    stamp: Stamp,
    keys: &mut NextKeys,
    plan: &mut Plan,
) {
    let open = || {
        met.failures
            .iter()
            .filter(|open| open.conversation == outcome.conversation)
    };
    if is_complete(outcome.state) {
        for failure in open() {
            plan.put(
                &table::RESOLVED_FAILURES,
                [failure.key.into(), stamp.run.0.into()],
            );
        }
    }
    let Some(failure) = &outcome.failure else {
        return;
    };
    let Failure {
        class,
        reason,
        occurred_at,
        unlisted,
    } = failure;
    let is_old_story = |open: &super::OpenFailure| {
        open.waived && open.class == class.as_str() && failure.is_within(open.unlisted)
    };
    if is_complete(outcome.state) || !open().any(is_old_story) {
        plan.put(
            &table::FAILURES,
            [
                take(&mut keys.failure).into(),
                stamp.run.0.into(),
                outcome.conversation.0.into(),
                class.as_str().into(),
                reason.into(),
                (*occurred_at).into(),
                (*unlisted).into(),
            ],
        );
    }
}

fn put_run_conversation(outcome: &ConversationOutcome, stamp: Stamp, plan: &mut Plan) {
    let met = outcome.messages;
    let unchanged = met.new == 0 && met.changed == 0 && met.deleted == 0;
    if unchanged && outcome.state == ConversationState::Complete {
        return;
    }
    plan.put(
        &table::RUN_CONVERSATIONS,
        [
            stamp.run.0.into(),
            outcome.conversation.0.into(),
            outcome.state.as_str().into(),
            (&outcome.reason).into(),
            met.new.into(),
            met.changed.into(),
            met.deleted.into(),
            outcome.requests.into(),
            outcome.finished_at.into(),
        ],
    );
}
