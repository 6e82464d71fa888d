//! The end of a walk: the closing read of the head, and the number of live messages against
//! what the gateway counts.

use super::{MaybeTail, Purpose, Walk, bisect::Search, narrow::Narrow, signed};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{
        Claim, Interval, Ledger, PageFacts, Verdict,
        switch::{self, Rule},
    },
};

impl Walk {
    /// Every hole is filled. If that took several pages, the head is read again; then the number
    /// of live messages must agree with `count`.
    pub(super) fn conclude_cover(&mut self) {
        let reads_head = self.pages_with_rows > 1 && !self.closing && self.failed == 0;
        if reads_head && switch::holds(Rule::ClosingRead) {
            self.closing = true;
            let linked = self.first_newest.max(self.horizon_at_start);
            self.cover = Ledger::default();
            self.cover.claim(
                Interval {
                    after: None,
                    before: linked,
                },
                Timestamp::from_millis(i64::MIN),
            );
            if linked.is_some() {
                self.limit = self.rules.limit;
                self.ask(Purpose::Cover, 0);
                return;
            }
        }
        if self.ask_to_confirm() {
            return;
        }
        let leaves_end = |(class, _): &(FailureClass, String)| *class == FailureClass::CountDeficit;
        if self.trouble.as_ref().is_none_or(leaves_end) {
            self.judge_deficit();
        } else {
            self.complete();
        }
    }

    /// How many the list holds: by the last page at the head, or, where the count cannot be
    /// relied on, by the end of the list that this walk has seen.
    fn listed(&self) -> Option<i64> {
        let head = self.head?;
        if self.tail.is_uncounted(head.count) {
            return i64::try_from(self.measured?).ok();
        }
        self.tail.listed(head.count)
    }

    /// D = live + b - count: how many more are archived and live than the gateway lists.
    pub(super) fn deficit(&self) -> Option<i64> {
        let live = signed(self.live);
        self.listed().map(|listed| live - listed)
    }

    /// Whether the walk has relied on what earlier runs covered and nothing has counted since.
    fn must_measure(&self) -> bool {
        let uncounted = self
            .head
            .is_some_and(|head| self.tail.is_uncounted(head.count));
        uncounted && !self.tail_probed && !self.rewalked && self.horizon_at_start.is_some()
    }

    pub(super) fn judge_deficit(&mut self) {
        match self.deficit() {
            Some(0) => self.complete(),
            None if !self.must_measure() => self.complete(),
            _ if !switch::holds(Rule::Deficit) => self.complete(),
            _ if !self.tail_probed => {
                self.tail_probed = true;
                let overlap = self.overlap().max(1);
                self.limit = self.rules.limit;
                self.ask(Purpose::TailProbe, self.live.saturating_sub(overlap));
                self.request.after_commit = true;
            }
            Some(deficit) if matches!(self.search, Search::NotYet) => self.bisect(deficit),
            Some(deficit) => self.leave_deficit(deficit),
            None => self.complete(),
        }
    }

    fn leave_deficit(&mut self, deficit: i64) {
        if self.trouble.is_some() {
            self.complete();
            return;
        }
        let reason = format!(
            "{} messages are archived and live, the gateway lists {}: {} unexplained after a \
             whole walk",
            self.live,
            self.listed().unwrap_or(0),
            deficit.abs()
        );
        self.verdict = Some(Verdict::Partial {
            class: FailureClass::CountDeficit,
            reason,
        });
    }

    /// Ends the walk: complete, but for the trouble that was met on the way.
    fn complete(&mut self) {
        if self.trouble.is_none() && !self.tail.explains_end(self.live) {
            let counted = self.head.and_then(|head| head.count).unwrap_or(0);
            self.note_deficit(counted, self.live, self.live);
        }
        if let Some((class, reason)) = self.trouble.take() {
            self.verdict = Some(Verdict::Partial { class, reason });
            return;
        }
        if let Some(second) = self.second.take() {
            self.ledger = second;
        }
        self.verdict = Some(Verdict::Complete);
    }

    pub(super) fn accept_tail_probe(&mut self, page: &PageFacts) -> Vec<Claim> {
        let full = self.tail.full_page.map_or(self.longest_page, u64::from);
        if !page.is_empty() && page.len() < full {
            self.measured = Some(page.end());
            self.tail.measure(page.count, page.end());
        }
        self.maybe_tail = Some(MaybeTail {
            rows: page.len(),
            limit: page.limit,
            end: page.end(),
            count: page.count,
            before: None,
            oldest: page.oldest(),
            is_short: false,
            sent_at: page.sent_at,
        });
        let is_tail = self.ends_by_count(page);
        self.claim_own(page, is_tail)
    }

    /// The page where the archive ends is stored. If the list ends there too, only b has moved.
    pub(super) fn judge_tail(&mut self) {
        let probe = self.maybe_tail.filter(|probe| probe.end == self.live);
        match (self.deficit(), probe) {
            (Some(0), _) => self.judge_deficit(),
            // Neither short nor measured: the list ends elsewhere.
            (None, _) => self.walk_again(),
            (Some(_), Some(probe)) if !self.tail.is_uncounted(probe.count) => {
                self.ask(Purpose::TailProbeEnd, probe.end);
            }
            (Some(_), _) => self.judge_deficit(),
        }
    }

    pub(super) fn accept_tail_probe_end(&mut self, page: &PageFacts) -> Vec<Claim> {
        let probe = self.maybe_tail.take();
        let ends_there = page.is_empty()
            && probe.is_some_and(|probe| probe.count == page.count && probe.end == self.live);
        if let Some(count) = page.count.filter(|_| ends_there) {
            let unlisted = count - signed(self.live);
            if self.tail.is_explained(self.live, unlisted) {
                self.tail.learn_unlisted(count, self.live);
            } else {
                self.leave_end(Some(count), self.live);
            }
        }
        self.judge_deficit();
        Vec::new()
    }

    /// A deficit that nothing cheaper explains: everything is read once more, so that what is
    /// gone shows as absent.
    pub(super) fn walk_again(&mut self) {
        self.search = Search::Over;
        if self.rewalked {
            self.judge_deficit();
            return;
        }
        self.rewalked = true;
        self.trouble = None;
        self.narrow = Narrow::default();
        self.tail.forget_doubt();
        self.ahead_to = 0;
        self.stuck_at = None;
        self.paired = None;
        self.closing = false;
        self.measured = None;
        self.pages_with_rows = 0;
        self.cover = Ledger::default();
        self.horizon_at_start = None;
        self.first_newest = None;
        self.step_back = 0;
        self.limit = self.rules.limit;
        self.budget = self
            .budget
            .map(|budget| budget + self.budget_for(self.live));
        self.ask(Purpose::Cover, 0);
        self.request.after_commit = true;
    }
}
