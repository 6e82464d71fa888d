//! The end of a walk: the closing read of the head, and the number of live messages against
//! `count`.

use super::{MaybeTail, Purpose, Walk};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{Claim, Interval, Ledger, PageFacts, Verdict},
};

impl Walk {
    /// Every hole is filled. If that took several pages, the head is read again; then the number
    /// of live messages must agree with `count`.
    pub(super) fn conclude_cover(&mut self) {
        if self.pages_with_rows > 1 && !self.closing {
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
        if let Some((class, reason)) = self.trouble.take() {
            self.verdict = Some(Verdict::Partial { class, reason });
            return;
        }
        self.judge_deficit();
    }

    /// D = live + b - count, from the last page at the head.
    pub(super) fn deficit(&self) -> Option<i64> {
        let count = self.head_count?;
        let unlisted = self.unlisted?;
        Some(i64::try_from(self.live).unwrap_or(i64::MAX) + unlisted - count)
    }

    pub(super) fn judge_deficit(&mut self) {
        match self.deficit() {
            None | Some(0) => self.complete(),
            Some(_) if !self.tail_probed => {
                self.tail_probed = true;
                let full = u64::from(self.full_page.unwrap_or(self.limit));
                let overlap = self.rules.overlap(full).max(1);
                self.ask(Purpose::TailProbe, self.live.saturating_sub(overlap));
            }
            Some(_) if !self.rewalked => self.walk_again(),
            Some(deficit) => {
                let reason = format!(
                    "{} messages are archived and live, the gateway counts {} of which {} are \
                     not listed: {} unexplained after a whole walk",
                    self.live,
                    self.head_count.unwrap_or(0),
                    self.unlisted.unwrap_or(0),
                    deficit.abs()
                );
                self.verdict = Some(Verdict::Partial {
                    class: FailureClass::CountDeficit,
                    reason,
                });
            }
        }
    }

    pub(super) fn complete(&mut self) {
        if let Some(second) = self.second.take() {
            self.ledger = second;
        }
        self.verdict = Some(Verdict::Complete);
    }

    pub(super) fn accept_tail_probe(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.end() == self.live || (page.is_empty() && page.skip == self.live) {
            self.maybe_tail = Some(MaybeTail {
                rows: page.len(),
                end: page.end(),
                count: page.count,
                before: None,
                sent_at: page.sent_at,
            });
            self.ask(Purpose::TailProbeEnd, page.end());
        } else {
            self.walk_again();
        }
        Vec::new()
    }

    pub(super) fn accept_tail_probe_end(&mut self, page: &PageFacts) -> Vec<Claim> {
        let probe = self.maybe_tail.take();
        let ends_there = page.is_empty()
            && page.count.is_some()
            && probe.is_some_and(|probe| probe.count == page.count && probe.end == self.live);
        if !ends_there {
            self.walk_again();
            return Vec::new();
        }
        let live = i64::try_from(self.live).unwrap_or(i64::MAX);
        self.unlisted = page.count.map(|count| count - live);
        if self.deficit() == Some(0) {
            self.complete();
        } else {
            self.walk_again();
        }
        Vec::new()
    }

    /// A deficit that the tail does not explain: everything is read once more, so that what is
    /// gone shows as absent.
    pub(super) fn walk_again(&mut self) {
        if self.rewalked {
            self.judge_deficit();
            return;
        }
        self.rewalked = true;
        self.closing = false;
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
