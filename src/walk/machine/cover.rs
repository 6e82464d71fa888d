//! Filling the holes of the cover from the top: linking, stepping on and back, ties, the tail.

use super::{MaybeTail, Purpose, Walk};
use crate::{
    model::{FailureClass, Piece, TailProof, Timestamp},
    walk::{
        Claim, ClaimedPage, Interval, PageFacts, Position, Request, Verdict,
        switch::{self, Rule},
    },
};

impl Walk {
    /// Whether the page, which is linked, is the tail; notes by which proof.
    pub(super) fn is_tail(&mut self, page: &PageFacts) -> bool {
        let proof = self.tail.proof_of(page);
        self.tail_proof = proof.or(self.tail_proof);
        proof.is_some()
    }

    /// Whether the page is the tail by its own `count`, wherever it lies.
    pub(super) fn ends_by_count(&mut self, page: &PageFacts) -> bool {
        let proven = self.tail.proof_of(page) == Some(TailProof::Count);
        if proven {
            self.tail_proof = Some(TailProof::Count);
        }
        proven
    }

    pub(super) fn accept_cover(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.is_empty() && page.skip > 0 {
            self.restart_at_count(page);
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
        let edge = self.cover.bottom_of_top();
        let linked = page.skip == 0 || links(page, edge.flatten());
        let before = if page.skip == 0 { None } else { page.newest() };
        let is_tail = linked && self.is_tail(page);
        let after = if is_tail { None } else { page.oldest() };
        if !page.is_empty() {
            self.pages_with_rows += 1;
        }
        let mut claims = Vec::new();
        if !page.is_empty() || is_tail {
            claims.push(self.claim(Interval { after, before }, ClaimedPage::This, page.sent_at));
        }
        if !self.cover.covers_all() {
            // What was covered by the rows above, or by a tie that is passed over, is no piece
            // that this page has met.
            let reaches_new = edge.is_none_or(|edge| edge >= page.oldest());
            self.plan_after(page, linked, reaches_new);
        }
        claims
    }

    /// An empty page past the head: the list has shrunk; go on at where it says that it ends.
    pub(super) fn restart_at_count(&mut self, page: &PageFacts) {
        self.step_back = (self.step_back * 2).max(u64::from(self.limit) / 2).max(1);
        let by_count = page
            .count
            .and_then(|count| u64::try_from(count - self.tail.unlisted().unwrap_or(0)).ok())
            .filter(|&end| end < page.skip);
        let from = by_count.unwrap_or(page.skip);
        self.ask(Purpose::Cover, from.saturating_sub(self.step_back));
    }

    pub(super) fn plan_after(&mut self, page: &PageFacts, linked: bool, reaches_new: bool) {
        let overlap = self.overlap();
        if !linked {
            self.step_back = (self.step_back * 2).max(2 * overlap).max(1);
            self.ask(Purpose::Cover, page.skip.saturating_sub(self.step_back));
            return;
        }
        self.step_back = 0;
        let edge = self.cover.bottom_of_top().flatten();
        if reaches_new && edge < page.oldest() {
            // The page joins a piece that was covered before: on below that.
            self.go_on_below();
            return;
        }
        if page.len() < u64::from(self.tail.full_page.unwrap_or(page.limit)) {
            self.check_end_of(page);
            return;
        }
        self.step_on(page, overlap);
    }

    /// Asks whether the list ends where the page ends.
    pub(super) fn check_end_of(&mut self, page: &PageFacts) {
        self.maybe_tail = Some(MaybeTail {
            rows: page.len(),
            end: page.end(),
            count: page.count,
            before: if page.skip == 0 { None } else { page.newest() },
            sent_at: page.sent_at,
        });
        self.ask(Purpose::EndCheck, page.end());
    }

    /// The page is full and links: on to the last row that is strictly newer than its oldest.
    pub(super) fn step_on(&mut self, page: &PageFacts, overlap: u64) {
        let place = page
            .last_above_oldest()
            .unwrap_or(0)
            .min(page.len().saturating_sub(overlap));
        if place > 0 {
            self.limit = self.rules.limit;
            self.ask(Purpose::Cover, page.skip + place);
            self.plan_ahead(page);
            return;
        }
        let honoured = page.len() >= u64::from(page.limit);
        if honoured && page.limit < self.rules.limit_max {
            self.limit = page.limit.saturating_mul(2).min(self.rules.limit_max);
            self.ask(Purpose::Cover, page.skip);
            return;
        }
        self.pass_tie_group(page);
    }

    /// More messages share one time than fit a page: that point stays a hole, the walk goes on
    /// below it.
    pub(super) fn pass_tie_group(&mut self, page: &PageFacts) {
        let Some(time) = page.oldest() else { return };
        let point = Piece {
            after: Some(Timestamp::from_millis(time.as_millis() - 1)),
            before: Some(Timestamp::from_millis(time.as_millis() + 1)),
            sent_at: page.sent_at,
            settled: true,
        };
        if !self
            .tie_points
            .iter()
            .any(|known| known.after == point.after)
        {
            self.tie_points.push(point);
        }
        self.pass_over(point);
        self.limit = self.rules.limit;
        self.ask(
            Purpose::Cover,
            page.end().saturating_sub(1).max(page.skip + 1),
        );
    }

    /// Goes past the times that an earlier walk has found to be shared by too many.
    pub(super) fn pass_known_tie_groups(&mut self) {
        self.tie_points = std::mem::take(&mut self.tie_points_before);
        for point in self.tie_points.clone() {
            self.pass_over(point);
        }
    }

    fn pass_over(&mut self, point: Piece) {
        let Piece { after, before, .. } = point;
        let time = before.map_or(0, |before| before.as_millis() - 1);
        let reason = format!(
            "more messages share the time {} than a page holds: whether all of them are archived \
             cannot be proven, everything else can; a larger --page-size with --full may do it",
            Timestamp::from_millis(time)
        );
        self.trouble
            .get_or_insert((FailureClass::TieGroupExceedsPage, reason));
        self.cover.claim(Interval { after, before }, point.sent_at);
    }

    pub(super) fn accept_end_check(&mut self, page: &PageFacts) -> Vec<Claim> {
        let Some(tail) = self.maybe_tail.take() else {
            return self.accept_cover(page);
        };
        let same_count =
            page.count.is_some() && (page.count == tail.count || !switch::holds(Rule::SameCount));
        let ends_there = page.is_empty() && page.skip == tail.end;
        if ends_there && page.count.is_some() && !same_count {
            self.tail.contradict();
        }
        self.purpose = Purpose::Cover;
        if ends_there && same_count && self.tail.is_doubtful(page) {
            self.ask(Purpose::Cover, tail.end - tail.rows);
            return Vec::new();
        }
        if ends_there && same_count && !self.tail.is_uncounted(page.count) {
            self.tail.learn_unlisted(page.count.unwrap_or(0), tail.end);
            self.tail_proof = Some(TailProof::EmptyPage);
            let interval = Interval {
                after: None,
                before: tail.before,
            };
            return vec![self.claim(interval, ClaimedPage::Previous, tail.sent_at)];
        }
        if page.is_empty() && self.tail.is_uncounted(page.count) {
            if ends_there && same_count {
                // No proof, but what makes the count trusted again once it stays the same.
                self.tail.measure(page.count, tail.end);
            }
            let reason = "the gateway gives no count that can be relied on, and no page was seen \
                          to be full: an empty page proves no end"
                .to_owned();
            self.verdict = Some(Verdict::Partial {
                class: FailureClass::TailUnproven,
                reason,
            });
            return Vec::new();
        }
        if !page.is_empty() && same_count && page.limit == self.rules.limit {
            let rows = u32::try_from(tail.rows).unwrap_or(u32::MAX);
            self.tail.full_page = Some(self.tail.full_page.unwrap_or(0).max(rows));
        }
        if page.is_empty() && page.skip == 0 {
            return self.accept_empty_head(page);
        }
        self.accept_cover(page)
    }

    /// The head was empty twice with different counts: once more.
    pub(super) fn accept_empty_head(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.maybe_tail = Some(MaybeTail {
            rows: 0,
            end: 0,
            count: page.count,
            before: None,
            sent_at: page.sent_at,
        });
        self.ask(Purpose::EndCheck, 0);
        Vec::new()
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
