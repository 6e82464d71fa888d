//! The end of a visit: what was absent twice becomes a tombstone, unless it is too much at once.

use super::{Broken, Visit};
use crate::{
    model::{FailureClass, MessageId, Timestamp},
    store::{MissingMessage, PageWrite},
    sync::outcome::Trouble,
    walk::is_mass_deletion,
};

impl Visit<'_> {
    /// Buries what two pages have shown absent; gives the trouble where the brake holds it back.
    pub(super) async fn bury(&mut self) -> Result<Option<Trouble>, Broken> {
        if !self.compared.any_confirmed {
            return Ok(None);
        }
        // The strikes of this visit are on their way to the archive: tombstones follow from the
        // stored ones alone.
        self.context.queue.flush().await?;
        let missing = self.context.store.read_missing(self.record.key).await?;
        let confirmed: Vec<MessageId> = missing
            .iter()
            .filter(|message| message.confirmed)
            .map(|message| message.id.clone())
            .collect();
        let known = self.compared.live + missing.len() as u64;
        let count = confirmed.len() as u64;
        let answers_empty = self.head.is_some_and(|head| head.rows == 0);
        let braked = is_mass_deletion(count, known, answers_empty);
        if braked && !self.context.options.accept_deletions {
            return Ok(Some(Trouble {
                class: FailureClass::MassDeletion,
                reason: format!(
                    "{count} of {known} messages are gone from the gateway at once; none is called \
                     deleted: look at the source, and if it is true, run with --accept-deletions"
                ),
                unlisted: None,
            }));
        }
        if confirmed.is_empty() {
            return Ok(None);
        }
        if let Some(head) = self.head {
            self.compared.counts.deleted += count;
            let write = PageWrite {
                deleted: confirmed,
                ..PageWrite::of(self.record.key, head.observed_at)
            };
            self.context.queue.page(write).await?;
        }
        Ok(None)
    }
}

/// The trouble of a conversation whose pages contradict each other.
pub(super) fn inconsistent() -> Trouble {
    Trouble {
        class: FailureClass::InconsistentGateway,
        reason:
            "answers of this run cannot be states of one list: messages were absent from a page \
                 and listed by a later one, or the other way round, as if backends held different \
                 lists; none is called deleted"
                .to_owned(),
        unlisted: None,
    }
}

/// The places of messages that are due to be looked for a second time: missing for λ by now, or
/// since a time to come, which a wrong clock has noted.
pub(super) fn places_to_confirm(
    missing: &[MissingMessage],
    now: Timestamp,
    lag: std::time::Duration,
) -> Vec<Timestamp> {
    let mut places: Vec<Timestamp> = missing
        .iter()
        .filter(|message| !message.confirmed)
        .filter(|message| {
            message.missing_since.plus(lag) <= now || message.missing_since > now.plus(lag)
        })
        .filter_map(|message| message.created_at)
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_for_the_lag_and_not_confirmed_is_looked_for_once_at_each_place() {
        let missing = |created_at: Option<i64>, since: i64, confirmed: bool| MissingMessage {
            id: MessageId::new("m"),
            created_at: created_at.map(Timestamp::from_millis),
            missing_since: Timestamp::from_millis(since),
            confirmed,
        };
        let due = [
            missing(Some(30), 1_000, false),
            missing(Some(10), 400, false),
            missing(Some(30), 900, false),
            // Confirmed, without a place, and one that is missing for too short a time.
            missing(Some(20), 400, true),
            missing(None, 400, false),
            missing(Some(40), 1_001, false),
        ];
        let lag = std::time::Duration::from_millis(600);
        assert_eq!(
            places_to_confirm(&due, Timestamp::from_millis(1_600), lag),
            [10, 30].map(Timestamp::from_millis)
        );
    }
}
