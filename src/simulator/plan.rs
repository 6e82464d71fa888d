//! Changes that a test has planned for a conversation, and what it may want to know afterwards.
//!
//! A plan is kept in its order: a change waits for the one before it. So what a conversation
//! holds once its plan is done does not depend on how many requests were spent meanwhile; only
//! when each change strikes does. Drawn changes are [`super::mutations`]' business.

use std::{collections::VecDeque, fmt};

use super::Mutation;
use crate::model::Timestamp;

/// A change that waits for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// After so many requests of the conversation, counted from when the plan is made, from 1.
    pub after: u64,
    /// The gateway's time that the change has: of what arrives, and of an edit.
    pub at: Timestamp,
    /// What changes.
    pub mutation: Mutation,
}

/// The changes still to come, the next one first; `after` counts all requests.
#[derive(Debug, Default)]
pub(super) struct Plan(VecDeque<Planned>);

impl Plan {
    /// Adds changes to the end; `requests` were answered so far.
    pub(super) fn extend(&mut self, requests: u64, planned: Vec<Planned>) {
        self.0.extend(planned.into_iter().map(|planned| Planned {
            after: planned.after.saturating_add(requests),
            ..planned
        }));
    }

    /// The next change that is due after `requests`, if it is.
    pub(super) fn next_due(&mut self, requests: u64) -> Option<Planned> {
        self.0.pop_front_if(|planned| planned.after <= requests)
    }
}

/// What is to be done at a request of any conversation.
pub(super) struct Alarm {
    /// The number of the request, counted from 1 over all.
    pub(super) request: u64,
    pub(super) act: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alarm(at request {})", self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(after: u64, n: u32) -> Planned {
        Planned {
            after,
            at: Timestamp::from_millis(0),
            mutation: Mutation::Arrive { n },
        }
    }

    #[test]
    fn a_change_waits_for_its_request_and_for_the_one_before_it() {
        let mut plan = Plan::default();
        plan.extend(10, vec![planned(1, 1), planned(5, 2), planned(3, 3)]);
        assert_eq!(plan.next_due(10), None);
        assert_eq!(plan.next_due(11), Some(planned(11, 1)));
        assert_eq!(
            plan.next_due(14),
            None,
            "the second one holds back the third"
        );
        assert_eq!(plan.next_due(15), Some(planned(15, 2)));
        assert_eq!(plan.next_due(15), Some(planned(13, 3)));
        assert_eq!(plan.next_due(u64::MAX), None);
    }
}
