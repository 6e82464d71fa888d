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

/// How many rows above the place a page begins that holds it. The archive counts what is missing
/// above it, and the list does not, so it takes more rows the further down the place is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seek {
    rows: u64,
    least: u64,
    too_few: u64,
    too_many: Option<u64>,
}

impl Seek {
    fn at_least(&mut self, rows: u64) {
        self.least = rows.max(1);
        self.rows = self.rows.max(self.least);
    }

    fn found(&mut self) {
        self.too_few = 0;
        self.too_many = None;
    }

    /// The page was too low, or too high: false if there is none between that and the ones before.
    fn go_on(&mut self, is_too_low: bool) -> bool {
        if is_too_low {
            self.too_few = self.rows;
        } else {
            self.too_many = Some(self.rows);
        }
        let next = match self.too_many {
            Some(many) => u64::midpoint(self.too_few, many),
            None => self.rows.saturating_mul(2),
        };
        let goes_on = next > self.too_few.max(self.least - 1) && self.too_many != Some(next);
        *self = if goes_on {
            Self {
                rows: next,
                ..*self
            }
        } else {
            Self::default()
        };
        goes_on
    }
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
        // Within a page as long as this gateway gives them, and high enough for a group of equal
        // times to end before the page does.
        self.seek.at_least(self.longest_page / 4);
        self.request = Request {
            position: Position::Above(time, self.seek.rows),
            limit: self.limit,
            after_commit: true,
        };
        true
    }

    /// The page speaks for its own interior, wherever it lies. Where the place is below its last
    /// row, what is missing may have been the oldest message: then the end is looked at too.
    pub(super) fn accept_confirm(&mut self, page: &PageFacts) -> Vec<Claim> {
        let Some(sought) = self.confirming.take() else {
            return Vec::new();
        };
        let is_below = page.oldest().is_some_and(|oldest| sought <= oldest);
        let is_short = page.len() < u64::from(self.tail.full_page.unwrap_or(page.limit));
        let is_end = (is_below && is_short) || (page.is_empty() && page.skip == 0);
        let is_tail = self.ends_by_count(page);
        if is_end && !is_tail {
            self.check_end_of(page);
        }
        let claims = self.claim_own(page, is_tail);
        if claims.iter().any(|claim| claim.interval.contains(sought)) {
            self.seek.found();
            return claims;
        }
        let is_too_low = page.newest().is_none_or(|newest| newest <= sought) && page.skip > 0;
        if is_end || !self.seek.go_on(is_too_low) {
            // No page can speak for what is below an end without a count.
            let is_countless = is_end && self.tail.is_uncounted(page.count);
            self.look_at(|place| place == sought || (is_countless && place < sought));
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
