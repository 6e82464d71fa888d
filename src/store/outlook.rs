//! What the archive will be once the transaction that is under way is committed, so that the next
//! one can be decided meanwhile, without asking for what is not there yet.
//!
//! An outlook is told when a batch begins to be written and holds for one state of the archive, by
//! the session's [`Standing`]: what was decided upon it is written only where the archive stands
//! so, and decided anew where anything else has come between.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Batch,
    apply::{LeftConversation, Met, NextKeys},
    search::State,
    session::Standing,
};
use crate::model::ConversationKey;

/// The archive as a transaction leaves it.
#[derive(Debug)]
pub(super) struct Outlook {
    pub(super) standing: Standing,
    /// The next keys to give.
    pub(super) keys: NextKeys,
    /// How far the index of words is.
    pub(super) indexed: State,
    /// Those that the transaction touches; whatever else there is was committed before it.
    pub(super) conversations: HashMap<ConversationKey, LeftConversation>,
}

impl Outlook {
    /// The archive as it stands, with no conversation told.
    pub(super) fn of(standing: Standing, keys: NextKeys, indexed: State) -> Self {
        Self {
            standing,
            keys,
            indexed,
            conversations: HashMap::new(),
        }
    }

    /// Whether nothing that the batch asks for is changed by the transaction, but for what is told:
    /// it must name no message that the archive may hold, for that one may be on its way there.
    pub(super) fn suffices_for(&self, batch: &Batch) -> bool {
        let is_told = |key: ConversationKey, told: fn(&LeftConversation) -> bool| {
            self.conversations.get(&key).is_none_or(told)
        };
        batch.links.is_empty()
            && batch.pages.iter().all(|page| {
                let names_no_other = page.absent.is_empty()
                    && page.absent_again.is_empty()
                    && page.deleted.is_empty()
                    && page.perhaps_known().next().is_none();
                let is_walked = page.progress.is_some();
                names_no_other
                    && (!is_walked || is_told(page.conversation, |left| left.ledgers.is_some()))
            })
            && batch
                .outcomes
                .iter()
                .all(|outcome| is_told(outcome.conversation, |left| !left.ended))
    }

    /// Whether the conversation is told.
    pub(super) fn has(&self, key: ConversationKey) -> bool {
        self.conversations.contains_key(&key)
    }

    /// Tells of the conversations that it has, as if they had been looked up.
    pub(super) fn tell(
        &self,
        touched: &BTreeSet<ConversationKey>,
        walked: &BTreeSet<ConversationKey>,
        met: &mut Met,
    ) {
        for key in touched {
            let Some(left) = self.conversations.get(key) else {
                continue;
            };
            met.conversations.insert(*key, left.stored.clone());
            let ledgers = left.ledgers.iter().flatten();
            for (layer, pieces) in (0..).zip(ledgers.filter(|_| walked.contains(key))) {
                if !pieces.is_empty() {
                    met.ledgers.insert((*key, layer), pieces.clone());
                }
            }
        }
    }
}

/// What is guarded; whoever held it and panicked has left it whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
