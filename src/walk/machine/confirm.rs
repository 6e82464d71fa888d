//! Looking a second time at what is missing: two pages at the place of each message, before the
//! walk concludes.

use super::{Purpose, Walk};
use crate::{
    model::Timestamp,
    walk::{
        Claim, PageFacts, Position, Request,
        switch::{self, Rule},
    },
};

/// Pages that look at the place of a message that is missing.
pub(super) fn looks() -> u8 {
    1 + u8::from(switch::holds(Rule::ConfirmTwice))
}

impl Walk {
    /// Asks for the place of the next missing message that no page of this walk has spoken for;
    /// false if there is none. A place is asked for twice in a row, since backends that hold
    /// different lists answer by turns; one that cannot be enclosed waits for the next full walk.
    pub(super) fn ask_to_confirm(&mut self) -> bool {
        let Some(&(time, _)) = self.to_confirm.last() else {
            return false;
        };
        self.purpose = Purpose::Confirm;
        self.confirming = Some(time);
        self.limit = self.rules.limit;
        self.request = Request {
            // Within a page as long as this gateway gives them, and high enough for a group of equal
            // times to end before the page does.
            position: Position::Above(time, (self.longest_page / 4).max(1)),
            limit: self.limit,
            after_commit: true,
        };
        true
    }

    /// The page speaks for its own interior, wherever it lies. Where the place is below its last
    /// row, what is missing may have been the oldest message: then the end is looked at too.
    pub(super) fn accept_confirm(&mut self, page: &PageFacts) -> Vec<Claim> {
        let sought = self.confirming.take();
        let below = page
            .oldest()
            .is_some_and(|oldest| sought.is_some_and(|time| time <= oldest));
        let short = page.len() < u64::from(self.tail.full_page.unwrap_or(page.limit));
        let is_tail = self.ends_by_count(page);
        if below && short && !is_tail {
            self.check_end_of(page);
        }
        let claims = self.claim_own(page, is_tail);
        let encloses = |time| claims.iter().any(|claim| claim.interval.contains(time));
        if let Some(time) = sought.filter(|&time| !encloses(time)) {
            self.look_at(|place| place == time);
        }
        claims
    }

    /// A page has looked at these places, each of which is to be looked at twice.
    pub(super) fn look_at(&mut self, at: impl Fn(Timestamp) -> bool) {
        for (time, looks) in &mut self.to_confirm {
            *looks -= u8::from(at(*time));
        }
        self.to_confirm.retain(|(_, looks)| *looks > 0);
    }
}
