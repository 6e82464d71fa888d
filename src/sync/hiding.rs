//! What the runs have seen of messages that this gateway counts and does not list, and of pages
//! that it gives shorter than it could: learnt from all conversations, for each of them.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    store::{Store, StoreError},
    walk::{Hiding, Sample},
};

/// Conversations that are looked at: the newest of the archive, and those of the run.
const SAMPLES_MAX: usize = 1_000;

/// What is known of the gateway by now.
#[derive(Debug, Default)]
pub(super) struct SeenHiding {
    seen: Mutex<Seen>,
    cuts_pages: AtomicBool,
}

#[derive(Debug, Default)]
struct Seen {
    samples: Vec<Sample>,
    known: Hiding,
}

impl SeenHiding {
    /// Begins with what the archive knows.
    pub(super) async fn begin(&self, store: &Store) -> Result<(), StoreError> {
        let samples = read_samples(store).await?;
        self.with(|seen| {
            seen.known = Hiding::learn(&samples);
            seen.samples = samples;
        });
        Ok(())
    }

    pub(super) fn known(&self) -> Hiding {
        self.with(|seen| seen.known.clone())
    }

    /// What one conversation has shown. All is looked at again when there is twice as much, and
    /// where something was not explained: others may end like it.
    pub(super) fn note(&self, sample: Sample) {
        self.with(|seen| {
            if seen.samples.len() >= 2 * SAMPLES_MAX {
                seen.samples.drain(..SAMPLES_MAX);
            }
            seen.samples.push(sample);
            if seen.samples.len().is_power_of_two() || !seen.known.explains(sample) {
                seen.known = Hiding::learn(&seen.samples);
            }
        });
    }

    /// A page of this gateway was shorter than it could be.
    pub(super) fn note_cut(&self) {
        self.cuts_pages.store(true, Ordering::Relaxed);
    }

    pub(super) fn cuts_pages(&self) -> bool {
        self.cuts_pages.load(Ordering::Relaxed)
    }

    /// Says once a run what is usual at this gateway.
    pub(super) fn report(&self) {
        let usual = self.with(|seen| Hiding::learn(&seen.samples).habit());
        if let Some(thousandths) = usual {
            tracing::info!(
                thousandths,
                "this gateway counts more messages than it lists, in most conversations and in \
                 proportion: they are taken for hidden ones, such as notes"
            );
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn read_samples(store: &Store) -> Result<Vec<Sample>, StoreError> {
    let read = store.read_count_samples(SAMPLES_MAX).await?;
    let sample = |(listed, unlisted)| Sample { listed, unlisted };
    Ok(read.into_iter().map(sample).collect())
}

/// The share of a count, in thousandths, that this gateway usually does not list, where most
/// conversations of the archive show one.
pub async fn usual_share(store: &Store) -> Result<Option<u64>, StoreError> {
    Ok(Hiding::learn(&read_samples(store).await?).habit())
}
