//! Several pages of one conversation under way at once, where the line is open down to its
//! beginning: planned at strides from the count, accepted in any order.
//!
//! Each page claims its own interval, so the proof is the one of a sequential walk. What shifted
//! meanwhile stays open, and the sequential walk fills it afterwards.

use super::{Purpose, Walk, is_ordered};
use crate::walk::{
    Claim, PageFacts, Position, Request,
    switch::{self, Rule},
};

/// Pages to ask for ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead {
    next: u64,
    /// No page begins here or further down.
    end: u64,
    stride: u64,
    asked: u64,
    answered: u64,
}

impl Ahead {
    /// Whether pages were asked for that the sequential walk does not know of.
    pub(super) fn is_under_way(&self) -> bool {
        self.asked > 0
    }
}

impl Walk {
    /// Plans the pages below a full page that links, if nothing further down is covered yet.
    pub(super) fn plan_ahead(&mut self, page: &PageFacts) {
        let Position::Skip(next) = self.request.position else {
            return;
        };
        let listed = self.tail.listed(page.count).or(page.count);
        let end = listed
            .and_then(|listed| u64::try_from(listed).ok())
            .unwrap_or(0);
        // Two pages link by a row of the upper one that is not its last.
        let stride = self.full().saturating_sub(self.overlap().max(2)).max(1);
        // The last page is left to the walk itself, which then looks past its end.
        let end = end.saturating_sub(self.full());
        // What a round of pages ahead did not cover, another one would not cover either.
        let is_fresh = next >= self.ahead_to || !switch::holds(Rule::AheadOnce);
        if is_fresh
            && !self.narrow.is_under_way()
            && self.cover.is_open_below()
            && next + stride < end
        {
            self.ahead = Some(Ahead {
                next,
                end,
                stride,
                asked: 0,
                answered: 0,
            });
        }
    }

    /// A page that may be asked for beside others that are under way; `None` if there is none, or
    /// none is left. Hand each answer to [`Walk::accept_ahead`], in any order, and end with
    /// [`Walk::end_ahead`] when none is under way any more.
    pub fn ask_ahead(&mut self) -> Option<Request> {
        let budget = self.budget.unwrap_or(u64::MAX);
        let idle_left = self.progress.idle_left();
        let ahead = self.ahead.as_mut()?;
        let under_way = ahead.asked - ahead.answered;
        if ahead.next >= ahead.end || self.pages + under_way >= budget || under_way >= idle_left {
            return None;
        }
        let request = Request {
            position: Position::Skip(ahead.next),
            limit: self.rules.limit,
            after_commit: false,
        };
        ahead.next += ahead.stride;
        ahead.asked += 1;
        self.ahead_to = self.ahead_to.max(ahead.next);
        Some(request)
    }

    /// How many pages [`Walk::ask_ahead`] can give.
    pub fn pages_ahead(&self) -> u64 {
        self.ahead.as_ref().map_or(0, |ahead| {
            ahead.end.saturating_sub(ahead.next).div_ceil(ahead.stride)
        })
    }

    /// Takes a page that was asked for ahead, and gives the intervals that it certifies.
    pub fn accept_ahead(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.pages += 1;
        self.learn_from(page);
        if let Some(ahead) = &mut self.ahead {
            ahead.answered += 1;
            if page.is_empty() {
                ahead.end = ahead.end.min(page.skip);
            }
        }
        if page.is_empty() || !is_ordered(page) {
            return Vec::new();
        }
        self.pages_with_rows += 1;
        let is_tail = self.ends_by_count(page);
        self.claim_own(page, is_tail)
    }

    /// No page is under way ahead any more: on with the topmost hole that is left.
    pub fn end_ahead(&mut self) {
        self.ahead = None;
        if self.verdict.is_some() {
            return;
        }
        self.step_back = 0;
        self.limit = self.rules.limit;
        if self.cover.covers_all() {
            self.purpose = Purpose::Cover;
            self.conclude_cover();
        } else {
            self.go_on_below();
        }
        self.check_budget();
    }
}
