//! The order of work: never-finished conversations first, then failed ones, then the oldest
//! proof, so that a run which always dies at minute 50 still converges.
//!
//! Failures are tried again within bounds: no more than a tenth of the list, or 100, come before
//! the rest, and none that somebody has waived. The others come last.

use crate::{
    model::{ConversationState, Timestamp},
    store::Target,
};

/// Sorts the targets into the order of work; conversations of one class and one age keep the
/// order of the list.
pub(super) fn sort(targets: &mut [Target]) {
    targets.sort_by_key(rank);
    let first = targets.partition_point(|target| rank(target).0 < AGAIN);
    let rest = targets.partition_point(|target| rank(target).0 <= AGAIN);
    let last = targets.partition_point(|target| rank(target).0 < WAIVED);
    let allowed = (targets.len() / AGAIN_ONE_IN).max(AGAIN_MIN);
    let again = rest.min(first + allowed);
    // What is beyond the bound goes behind the rest, in its order, and before what is waived.
    targets[again..last].rotate_left(rest - again);
}

/// Failures that are tried again before the rest: one in so many of the list.
const AGAIN_ONE_IN: usize = 10;
/// As many may always.
const AGAIN_MIN: usize = 100;
/// The class of failures that are tried again.
const AGAIN: u8 = 1;
/// The class of failures that somebody has waived.
const WAIVED: u8 = 3;

fn rank(target: &Target) -> (u8, Option<Timestamp>) {
    let class = match target.state {
        _ if target.full_under_way => 0,
        ConversationState::Pending | ConversationState::Partial if target.proven_at.is_none() => 0,
        ConversationState::Failed
        | ConversationState::Gone
        | ConversationState::Forbidden
        | ConversationState::Partial
            if target.waived =>
        {
            WAIVED
        }
        ConversationState::Failed
        | ConversationState::Gone
        | ConversationState::Forbidden
        | ConversationState::Partial => AGAIN,
        ConversationState::Pending | ConversationState::Complete => 2,
    };
    (class, target.proven_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConversationKey;

    fn target(key: i64, state: ConversationState, proven_at: Option<i64>) -> Target {
        Target {
            key: ConversationKey(key),
            state,
            proven_at: proven_at.map(Timestamp::from_millis),
            full_under_way: false,
            waived: false,
        }
    }

    #[test]
    fn failures_are_tried_again_within_bounds_and_waived_ones_last() {
        let mut targets: Vec<Target> = (0..300)
            .map(|key| target(key, ConversationState::Gone, None))
            .chain((300..500).map(|key| target(key, ConversationState::Complete, Some(key))))
            .collect();
        targets[7].waived = true;
        sort(&mut targets);
        let order: Vec<i64> = targets.iter().map(|target| target.key.0).collect();
        let others = |from: i64, to: i64| (from..to).filter(|&key| key != 7);
        let wanted = others(0, 101)
            .chain(300..500)
            .chain(others(101, 300))
            .chain([7]);
        assert_eq!(order, wanted.collect::<Vec<_>>());
    }

    #[test]
    fn never_finished_then_failed_then_the_oldest_proof() {
        let mut targets = [
            target(1, ConversationState::Complete, Some(20)),
            target(2, ConversationState::Complete, Some(10)),
            target(3, ConversationState::Gone, None),
            target(4, ConversationState::Pending, None),
            target(5, ConversationState::Partial, None),
            target(6, ConversationState::Failed, Some(5)),
            Target {
                full_under_way: true,
                ..target(7, ConversationState::Complete, Some(30))
            },
        ];
        sort(&mut targets);
        assert_eq!(targets.map(|target| target.key.0), [4, 5, 7, 3, 6, 2, 1]);
    }
}
