//! The end of the list: what proves it, and what is only said to end there.
//!
//! An end that its count contradicts beyond what hidden messages explain is a deficit: the walk
//! goes no further down, claims nothing below, and ends `partial`.

use super::{MaybeTail, Purpose, Walk, just_after, signed};
use crate::{
    model::{FailureClass, TailProof, Timestamp},
    walk::{
        Claim, ClaimedPage, Interval, PageFacts, Sample, Verdict,
        switch::{self, Rule},
    },
};

/// The shortest list that a result window may have cut: no gateway's window is smaller.
const WINDOW_MIN: u64 = 500;

impl Walk {
    /// Whether the page is the tail by its own `count`, wherever it lies.
    pub(super) fn ends_by_count(&mut self, page: &PageFacts) -> bool {
        let proven = self.tail.ends_by_count(page) && self.tail.explains_end(page.end());
        if proven {
            self.tail_proof = Some(TailProof::Count);
        }
        proven
    }

    /// Whether the page, which is linked, ends where its count says, and too much is counted
    /// beyond it: then the walk goes no further down.
    pub(super) fn ends_in_deficit(&mut self, page: &PageFacts) -> bool {
        let in_deficit = self.tail.ends_by_count(page) && !self.tail.explains_end(page.end());
        if in_deficit {
            self.leave_end(page.count, page.end());
        }
        in_deficit
    }

    /// Asks whether the list ends where the page ends.
    pub(super) fn check_end_of(&mut self, page: &PageFacts) {
        self.maybe_tail = Some(MaybeTail {
            rows: page.len(),
            limit: page.limit,
            end: page.end(),
            count: page.count,
            before: if page.skip == 0 { None } else { page.newest() },
            oldest: page.oldest(),
            is_short: self.tail.full_page.is_some() && self.tail.is_short(page),
            sent_at: page.sent_at,
        });
        self.ask(Purpose::EndCheck, page.end());
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
        let is_shown = ends_there && (same_count || self.tail.is_uncounted(page.count));
        if !is_shown {
            self.tail.forget_doubt();
        } else if self
            .tail
            .is_doubtful(page, [tail.before, tail.oldest], self.live)
        {
            self.ask(Purpose::EndAgain, tail.end - tail.rows);
            return Vec::new();
        }
        if ends_there && same_count && !self.tail.is_uncounted(page.count) {
            return self.end_with_count(page.count.unwrap_or(0), tail);
        }
        if page.is_empty() && self.tail.is_uncounted(page.count) {
            if ends_there && same_count {
                // No proof, but what makes the count trusted again once it stays the same.
                self.tail.measure(page.count, tail.end);
            }
            return self.end_without_count(ends_there, tail);
        }
        if !page.is_empty() && same_count && tail.limit == self.rules.limit {
            let rows = u32::try_from(tail.rows).unwrap_or(u32::MAX);
            self.tail.full_page = Some(self.tail.full_page.unwrap_or(0).max(rows));
        }
        // Followed by more, and not by an arrival: it was cut.
        if !page.is_empty() && page.count == tail.count && self.is_short_tail(tail) {
            self.tail.saw_cut();
        }
        if page.is_empty() && page.skip == 0 {
            return self.accept_empty_head(page);
        }
        self.accept_cover(page)
    }

    /// The page above the end once more, before the end is believed.
    pub(super) fn accept_end_again(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.purpose = Purpose::Cover;
        if page.len() >= self.full() || (page.is_empty() && page.skip > 0) {
            return self.accept_cover(page);
        }
        self.check_end_of(page);
        self.claim_own(page, false)
    }

    /// An empty page with the same count: the list ends, and b is what is counted beyond it.
    fn end_with_count(&mut self, count: i64, tail: MaybeTail) -> Vec<Claim> {
        let unlisted = count - signed(tail.end);
        self.sample = Some(Sample {
            listed: tail.end,
            unlisted,
        });
        let reached = tail.end.max(self.live);
        if !self.tail.is_explained(reached, count - signed(reached)) {
            self.leave_end(Some(count), tail.end);
            return Vec::new();
        }
        self.tail_proof = Some(TailProof::EmptyPage);
        let known = self.tail.unlisted();
        let may_be_window = tail.end >= WINDOW_MIN;
        let is_more = may_be_window && unlisted > self.tail.hidden_at_start(tail.end);
        if is_more && self.live > tail.end {
            // What is archived and not listed was deleted, or pushed out of reach: a whole walk
            // has found what was deleted above the last row.
            let beyond = count - signed(self.live);
            let unless_rewalked = known.unwrap_or(unlisted);
            self.tail.keep_unlisted(if self.rewalked {
                beyond
            } else {
                unless_rewalked
            });
        } else {
            self.tail.learn_unlisted(count, tail.end);
        }
        // What is counted beyond the end, and was not in an earlier run, may be what has left the
        // list there: nothing is deleted by that.
        if is_more {
            self.cover_below(tail);
            return Vec::new();
        }
        let interval = Interval {
            after: None,
            before: tail.before,
        };
        let claim = self.claim(interval, ClaimedPage::Previous, tail.sent_at);
        self.go_on_if_open();
        vec![claim]
    }

    /// Covers what is below the last row, and calls nothing absent there.
    fn cover_below(&mut self, tail: MaybeTail) {
        let below = Interval {
            after: None,
            before: tail.oldest.map(just_after),
        };
        self.cover_only(below, tail.sent_at);
        self.go_on_if_open();
    }

    fn go_on_if_open(&mut self) {
        if !self.cover.covers_all() {
            self.go_on_below();
        }
    }

    /// An empty page, and no count to compare: the list ends where a page was short, so far as
    /// anyone can say. What is below the last row is covered, and nothing is called absent there.
    pub(super) fn end_without_count(&mut self, ends_there: bool, tail: MaybeTail) -> Vec<Claim> {
        if let Some(count) = tail.count
            && !self.tail.is_nearly_explained(tail.end, count)
        {
            self.leave_end(Some(count), tail.end);
            return Vec::new();
        }
        // Where no page was seen to be full, a count that wobbles about the end says so too, or the
        // list is one page that is shorter than was asked for. The end was seen twice by now.
        let is_one_page = tail.rows == tail.end && tail.rows < u64::from(tail.limit);
        let is_unfilled = self.tail.full_page.is_none() && (tail.count.is_some() || is_one_page);
        if ends_there && (self.is_short_tail(tail) || is_unfilled) {
            self.tail_proof = Some(TailProof::ShortPage);
            self.measured = Some(tail.end);
            self.cover_below(tail);
            return Vec::new();
        }
        let reason = "the gateway gives no count that can be relied on, and no page was seen to \
                      be full: an empty page proves no end"
            .to_owned();
        self.verdict = Some(Verdict::Partial {
            class: FailureClass::TailUnproven,
            reason,
        });
        Vec::new()
    }

    /// Whether the page is shorter than one that this gateway was shown to return.
    fn is_short_tail(&self, tail: MaybeTail) -> bool {
        tail.is_short || tail.rows < self.longest_page.min(u64::from(tail.limit))
    }

    /// The head was empty twice with different counts: once more.
    pub(super) fn accept_empty_head(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.check_end_of(page);
        Vec::new()
    }

    /// The list ends at `end` and far more is counted. The place below stays a hole of the ledger;
    /// the walk goes on as if it were filled.
    pub(super) fn leave_end(&mut self, count: Option<i64>, end: u64) {
        let counted = count.unwrap_or(0);
        let reached = end.max(self.live);
        self.tail.keep_unlisted(counted - signed(reached));
        self.note_deficit(counted, end, reached);
        let before = self.cover.bottom_of_top().flatten().map(just_after);
        let below = Interval {
            after: None,
            before,
        };
        self.cover.claim(below, Timestamp::from_millis(i64::MIN));
    }

    /// Whatever else is whole: too much is counted that nobody could read.
    pub(super) fn note_deficit(&mut self, counted: i64, end: u64, reached: u64) {
        let unlisted = counted - signed(reached);
        let cause = if self.tail.is_window(end) {
            format!(
                "its lists end at rank {end} whatever they count (a result window): older \
                 messages are out of reach"
            )
        } else {
            format!("its list ends at rank {end}: the others may be hidden ones, or out of reach")
        };
        let reason = format!(
            "the gateway counts {counted} messages and {reached} could be read, {unlisted} fewer: \
             {cause}; nothing older is claimed. Ask the vendor, and waive it with a reason if \
             nothing is missing"
        );
        self.trouble
            .get_or_insert((FailureClass::CountDeficit, reason));
    }
}
