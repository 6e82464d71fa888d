//! From a list to a plan, by what the archive knows of each conversation.

use super::{Plan, PlanOptions, Planner, Probed};
use crate::{
    model::{ConversationId, ConversationKey},
    store::{Coverage, Store, StoreError},
};

/// Conversations that are looked up at once: a million at once would not fit the memory.
const CHUNK: usize = 1_000;

/// What to plan for.
#[derive(Debug, Clone, Copy)]
pub enum List<'a> {
    /// These conversations, each once.
    Ids(&'a [ConversationId]),
    /// Every conversation that the archive knows.
    AllKnown,
}

/// A conversation whose length is to be asked for before it is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsized {
    /// Which conversation.
    pub id: ConversationId,
    /// What the archive knows of it; `None` where it knows nothing.
    pub coverage: Option<Coverage>,
}

impl Unsized {
    /// Adds it, with what was found out.
    pub fn settle(&self, planner: &mut Planner, probed: Probed) {
        match &self.coverage {
            Some(coverage) => planner.add(coverage, probed),
            None => planner.add_unknown(probed),
        }
    }
}

/// Adds a list to the plan; without an archive everything is new. With `set_aside` the
/// conversations whose length matters and is not known are given back in place of being added.
pub async fn survey(
    store: Option<&Store>,
    list: List<'_>,
    planner: &mut Planner,
    set_aside: bool,
) -> Result<Vec<Unsized>, StoreError> {
    let mut aside = Vec::new();
    match (list, store) {
        (List::AllKnown, None) => {}
        (List::AllKnown, Some(store)) => {
            let keys = store.read_conversation_keys().await?;
            for chunk in keys.chunks(CHUNK) {
                add_known(store, chunk, planner, set_aside, &mut aside).await?;
            }
        }
        (List::Ids(ids), None) => {
            for id in ids {
                add_new(id, planner, set_aside, &mut aside);
            }
        }
        (List::Ids(ids), Some(store)) => {
            for chunk in ids.chunks(CHUNK) {
                let found = store.find_conversations(chunk).await?;
                for (id, _) in chunk.iter().zip(&found).filter(|(_, key)| key.is_none()) {
                    add_new(id, planner, set_aside, &mut aside);
                }
                let keys: Vec<ConversationKey> = found.into_iter().flatten().collect();
                add_known(store, &keys, planner, set_aside, &mut aside).await?;
            }
        }
    }
    Ok(aside)
}

/// The plan of a run whose conversations are registered: from the archive alone.
pub(in crate::sync) async fn of_run(
    store: &Store,
    keys: &[ConversationKey],
    phones: u64,
    options: PlanOptions,
) -> Result<Plan, StoreError> {
    let mut planner = Planner::new(options);
    if phones > 0 {
        planner.add_phones(phones, 0);
    }
    for chunk in keys.chunks(CHUNK) {
        add_known(store, chunk, &mut planner, false, &mut Vec::new()).await?;
    }
    Ok(planner.finish())
}

async fn add_known(
    store: &Store,
    keys: &[ConversationKey],
    planner: &mut Planner,
    set_aside: bool,
    aside: &mut Vec<Unsized>,
) -> Result<(), StoreError> {
    for coverage in store.read_coverage(keys).await? {
        if set_aside && planner.wants_size(&coverage) {
            aside.push(Unsized {
                id: coverage.id.clone(),
                coverage: Some(coverage),
            });
        } else {
            planner.add(&coverage, Probed::Nothing);
        }
    }
    Ok(())
}

fn add_new(id: &ConversationId, planner: &mut Planner, set_aside: bool, aside: &mut Vec<Unsized>) {
    if set_aside {
        aside.push(Unsized {
            id: id.clone(),
            coverage: None,
        });
    } else {
        planner.add_unknown(Probed::Nothing);
    }
}
