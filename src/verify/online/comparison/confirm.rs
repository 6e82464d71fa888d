//! Looking a second time for what one page did not hold.

use super::{Broken, Comparison};
use crate::{model::Timestamp, walk::Interval};

/// Pages that are asked for to enclose the place of one message a second time.
const TRIES_MAX: u32 = 8;
/// Pages that are asked for a second time in all, for one conversation.
const SECOND_PAGES_MAX: u32 = 400;

impl Comparison<'_> {
    /// Asks for the place of each message that was not listed once more.
    pub(super) async fn confirm(&mut self) -> Result<(), Broken> {
        while let Some((id, suspect)) = self
            .unlisted
            .iter()
            .max_by_key(|(_, suspect)| suspect.created_at)
            .map(|(id, suspect)| (id.clone(), *suspect))
        {
            let mut skip = suspect.skip;
            let mut tries = 0;
            while self.unlisted.contains_key(&id) {
                tries += 1;
                if tries > TRIES_MAX || self.second_pages > SECOND_PAGES_MAX {
                    self.unlisted.remove(&id);
                    self.compared.unconfirmed += 1;
                    break;
                }
                skip = self.look_again(skip, suspect.created_at).await?;
            }
        }
        Ok(())
    }

    /// A second page: whoever it holds is listed, whoever lies inside of it and is not held is
    /// confirmed. Gives where to look next if it did not enclose `time`.
    async fn look_again(&mut self, skip: u64, time: Timestamp) -> Result<u64, Broken> {
        self.second_pages += 1;
        let page = self.fetch(skip, self.limit).await?;
        if !page.view.is_ordered() {
            return Ok(skip);
        }
        let ids = page.ids();
        self.unlisted.retain(|id, _| !ids.contains(id));
        let half = u64::from(self.limit / 2).max(1);
        let Some(mut interval) = page.view.interval() else {
            if skip == 0 && page.messages.is_empty() {
                self.confirm_inside(Interval::ALL);
            }
            return Ok(skip.saturating_sub(half));
        };
        if interval.before.is_some_and(|before| time >= before) {
            return Ok(skip.saturating_sub(half));
        }
        let is_below = interval.after.is_some_and(|after| time <= after);
        if is_below {
            let past = self.fetch(page.view.end(), self.limit).await?;
            let ends = past.messages.is_empty() && past.view.count == page.view.count;
            if !ends {
                return Ok(skip + half);
            }
            interval.after = None;
        }
        self.confirm_inside(interval);
        Ok(skip)
    }

    fn confirm_inside(&mut self, interval: Interval) {
        let confirmed = &mut self.confirmed;
        self.unlisted.retain(|id, suspect| {
            let inside = interval.contains(suspect.created_at);
            if inside {
                confirmed.push(id.clone());
            }
            !inside
        });
    }
}
