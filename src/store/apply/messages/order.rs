//! Which observation of a message is the later one. The archive's own order decides, by run, then
//! request: what an earlier run observed is older, whatever the gateway's clock said then.

use std::cmp::Ordering;

use super::{OlderState, Working, digest_of};
use crate::{
    model::{Message, RunId, Timestamp},
    store::{PageWrite, value::storable},
    wire,
};

/// What a state in a page is to the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The current one.
    Same,
    /// A newer one.
    Newer,
    /// An older one, by `updated_at` or by the order of observations.
    Older,
    /// One with an older `updated_at` that two runs have seen, λ apart.
    Restored,
}

impl Working<'_> {
    /// Whether it is absent, and a page of this run that was requested at `at` came no earlier than
    /// the first sign of that.
    pub(super) fn is_absent_before(&self, at: Timestamp, run: RunId) -> bool {
        let since = self.missing_since.min(self.deleted_at);
        let since = since.or(self.missing_since).or(self.deleted_at);
        let is_earlier_run = self.missing_run.is_some_and(|missing| missing < run.0);
        since.is_some_and(|since| is_earlier_run || at >= since)
    }

    /// Whether the current state was observed no later than by a page of this run that was
    /// requested at `at`. The archive's own order counts, run before request: what an earlier run
    /// observed is older, whatever the gateway's clock said then. Of two requests of one time the
    /// later in the order of pages counts.
    pub(super) fn is_seen_before(&self, at: Timestamp, run: RunId) -> bool {
        self.is_of_earlier_run(run) || self.observed_at <= at
    }

    pub(super) fn is_seen_at(&self, at: Timestamp, run: RunId) -> bool {
        !self.is_of_earlier_run(run) && self.observed_at == at
    }

    fn is_of_earlier_run(&self, run: RunId) -> bool {
        self.observed_run.is_none_or(|observed| observed < run.0)
    }

    /// What a state in a page is to the current one: by `updated_at` where both tell and differ,
    /// else by the order of observations. Takes note of an older one that came later: the gateway
    /// may be a lagging replica of what it was, or have been restored from a backup.
    pub(super) fn judge(&mut self, page: &PageWrite, message: &Message, run: RunId) -> Sight {
        let digest = digest_of(message);
        let is_same = self.digest == digest
            || self
                .raw
                .is_some_and(|raw| wire::same_json(raw, &message.raw));
        if is_same {
            return Sight::Same;
        }
        let at = storable(page.observed_at);
        let told = self
            .updated_at
            .zip(message.updated_at.map(storable))
            .map_or(Ordering::Equal, |(ours, theirs)| ours.cmp(&theirs));
        match told {
            Ordering::Less => return Sight::Newer,
            Ordering::Equal if self.is_seen_before(at, run) => return Sight::Newer,
            Ordering::Equal => return Sight::Older,
            // The run that has observed the current state has seen a replica that lags.
            Ordering::Greater if !self.is_of_earlier_run(run) => return Sight::Older,
            Ordering::Greater => {}
        }
        let before = self.older.filter(|older| older.digest == digest);
        // A time to come was noted by a wrong clock.
        let before = before.filter(|older| older.run == run.0 || older.since <= at);
        let Some(before) = before else {
            self.older = Some(OlderState {
                digest,
                since: at,
                run: run.0,
            });
            self.sighted = true;
            return Sight::Older;
        };
        let is_apart = page
            .apart
            .is_some_and(|apart| before.run <= apart.run.0 && before.since <= apart.until);
        if is_apart {
            Sight::Restored
        } else {
            Sight::Older
        }
    }
}
