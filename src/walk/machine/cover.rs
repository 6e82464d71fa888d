//! Filling the holes of the cover from the top: linking, stepping on and back.

use std::cmp::Ordering;

use super::{Purpose, Walk};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{
        Claim, ClaimedPage, Interval, PageFacts, Position, Request,
        switch::{self, Rule},
    },
};

impl Walk {
    pub(super) fn accept_cover(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.is_empty() && page.skip > 0 {
            if self.narrow.past_gap {
                self.pass_gap(page);
            } else {
                self.restart_at_count(page);
            }
            return Vec::new();
        }
        if !page.is_empty() && page.newest().is_none() {
            let reason = format!(
                "no row of the page at skip {} has a readable created_at",
                page.skip
            );
            self.go_blind(FailureClass::OrderViolation, reason);
            return self.accept_blind(page);
        }
        self.pass_gap(page);
        let edge = self.cover.bottom_of_top();
        let linked = page.skip == 0 || links(page, edge.flatten());
        let before = if page.skip == 0 { None } else { page.newest() };
        let is_tail = linked && self.ends_by_count(page);
        let after = if is_tail { None } else { page.oldest() };
        if !page.is_empty() {
            self.pages_with_rows += 1;
        }
        let mut claims = Vec::new();
        if !page.is_empty() || is_tail {
            claims.push(self.claim(Interval { after, before }, ClaimedPage::This, page.sent_at));
        }
        if linked && !is_tail && self.ends_in_deficit(page) {
            return claims;
        }
        if !self.cover.covers_all() {
            let reached = edge.map_or(Ordering::Greater, |edge| edge.cmp(&page.oldest()));
            self.plan_after(page, linked, reached);
        }
        claims
    }

    /// An empty page past the head: the list has shrunk; go on at where it says that it ends.
    pub(super) fn restart_at_count(&mut self, page: &PageFacts) {
        self.step_back = self
            .step_back
            .saturating_mul(2)
            .max(u64::from(self.limit) / 2)
            .max(1);
        let by_count = page
            .count
            .and_then(|count| u64::try_from(count - self.tail.unlisted().unwrap_or(0)).ok())
            .filter(|&end| end < page.skip);
        let from = by_count.unwrap_or(page.skip);
        self.ask(Purpose::Cover, from.saturating_sub(self.step_back));
    }

    /// Plans the request after a page. `reached` compares the lower edge that the cover had before
    /// the page with the page's oldest row: `Greater` if the page goes further down.
    pub(super) fn plan_after(&mut self, page: &PageFacts, linked: bool, reached: Ordering) {
        let rows = if self.tail.cuts_pages() {
            page.len()
        } else {
            self.full().min(u64::from(page.limit.max(1)))
        };
        let overlap = self.rules.overlap(rows);
        if !linked {
            self.step_back = (self.step_back * 2).max(2 * overlap).max(1);
            self.ask(Purpose::Cover, page.skip.saturating_sub(self.step_back));
            return;
        }
        self.step_back = 0;
        let edge = self.cover.bottom_of_top().flatten();
        // What was covered by the rows above, or by a tie that is passed over, is no piece that this
        // page has met.
        if reached.is_ge() && edge < page.oldest() {
            // The page joins a piece that was covered before: on below that.
            self.go_on_below();
            return;
        }
        let full = self.tail.full_page.unwrap_or(page.limit).min(page.limit);
        // Where pages are cut short, each is one of many until one brings nothing further.
        let goes_on = reached.is_gt() || page.last_above_oldest() > Some(0);
        let is_cut = self.tail.cuts_pages() && goes_on && page.len() > 1;
        if page.len() < u64::from(full) && !is_cut {
            self.check_end_of(page);
            if !switch::holds(Rule::EmptyPastShort)
                && self.tail.is_uncounted(page.count)
                && let Some(tail) = self.maybe_tail.take()
            {
                self.purpose = Purpose::Cover;
                self.end_without_count(true, tail);
            }
            return;
        }
        self.step_on(page, overlap);
    }

    /// The page is full and links: on to the last row that is strictly newer than its oldest.
    pub(super) fn step_on(&mut self, page: &PageFacts, overlap: u64) {
        let place = page
            .last_above_oldest()
            .unwrap_or(0)
            .min(page.len().saturating_sub(overlap));
        if place > 0 {
            self.limit = self.limit_at(page.skip + place);
            self.ask(Purpose::Cover, page.skip + place);
            self.plan_ahead(page);
        } else {
            self.leave_tie_group(page);
        }
    }

    pub(super) fn go_on_below(&mut self) {
        self.purpose = Purpose::Cover;
        if let Some(edge) = self.cover.bottom_of_top().flatten() {
            self.request = Request {
                // As many rows as two pages share: the edge itself is one of them.
                position: Position::Above(edge, self.overlap().max(2) - 1),
                limit: self.limit,
                after_commit: true,
            };
        }
    }
}

/// Whether the page's first row is strictly newer than the edge of what is covered above.
fn links(page: &PageFacts, edge: Option<Timestamp>) -> bool {
    edge.is_none_or(|edge| page.newest().is_some_and(|newest| newest > edge))
}
