//! The order of work: never-finished conversations first, then failed ones, then the oldest
//! proof, so that a run which always dies at minute 50 still converges.

use crate::{
    model::{ConversationState, Timestamp},
    store::Target,
};

/// Sorts the targets into the order of work; conversations of one class and one age keep the
/// order of the list.
pub(super) fn sort(targets: &mut [Target]) {
    targets.sort_by_key(rank);
}

fn rank(target: &Target) -> (u8, Option<Timestamp>) {
    let class = match target.state {
        _ if target.full_under_way => 0,
        ConversationState::Pending | ConversationState::Partial if target.proven_at.is_none() => 0,
        ConversationState::Failed
        | ConversationState::Gone
        | ConversationState::Forbidden
        | ConversationState::Partial => 1,
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
