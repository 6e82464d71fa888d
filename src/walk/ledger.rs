//! The arithmetic of covered intervals.
//!
//! Inside, a piece is a closed range of whole milliseconds; outside, an open interval between
//! the times of two rows. On the grid of milliseconds both say the same: the open interval
//! (a, b) holds a+1 to b-1, so two pages join exactly if the lower one's first row is strictly
//! newer than the upper one's last row, which is the rule of linking.

use std::time::Duration;

use super::switch::{self, Rule};
use crate::model::{Piece, Proof, Timestamp};

/// An open interval of `created_at` that a page certifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The open lower end: the time of the page's last row; `None` is minus infinity (the tail).
    pub after: Option<Timestamp>,
    /// The open upper end: the time of the page's first row; `None` is plus infinity (the head).
    pub before: Option<Timestamp>,
}

impl Interval {
    /// The whole line of time.
    pub const ALL: Self = Self {
        after: None,
        before: None,
    };

    /// Whether a time lies strictly inside.
    pub fn contains(self, time: Timestamp) -> bool {
        self.after.is_none_or(|after| after < time)
            && self.before.is_none_or(|before| time < before)
    }
}

/// The pieces of the line that are covered, oldest first, disjoint. Small: the pages of one walk
/// are one piece, and settled pieces beyond [`Ledger::SETTLED_MAX`] are merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    spans: Vec<Span>,
}

/// A closed range of milliseconds; the smallest and largest number stand for the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
    sent_at: Timestamp,
    settled: bool,
}

impl Span {
    const fn joins(&self, above: &Self) -> bool {
        self.to.saturating_add(1) >= above.from
    }
}

impl Ledger {
    /// How many settled pieces are kept apart at most; more are merged, oldest proof kept.
    pub const SETTLED_MAX: usize = 64;

    /// A ledger of stored pieces.
    pub fn from_pieces(pieces: &[Piece]) -> Self {
        let mut spans: Vec<Span> = pieces
            .iter()
            .map(|piece| Span {
                from: piece.after.map_or(i64::MIN, |time| time.as_millis() + 1),
                to: piece.before.map_or(i64::MAX, |time| time.as_millis() - 1),
                sent_at: piece.sent_at,
                settled: piece.settled,
            })
            .filter(|span| span.from <= span.to)
            .collect();
        spans.sort_unstable_by_key(|span| span.from);
        Self { spans }
    }

    /// The pieces to store, oldest first.
    pub fn pieces(&self) -> Vec<Piece> {
        self.spans
            .iter()
            .map(|span| Piece {
                after: (span.from != i64::MIN).then(|| Timestamp::from_millis(span.from - 1)),
                before: (span.to != i64::MAX).then(|| Timestamp::from_millis(span.to + 1)),
                sent_at: span.sent_at,
                settled: span.settled,
            })
            .collect()
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Covers an interval by a page that was sent at `sent_at`. A newer page replaces what it
    /// covers; what a still newer page of the same run covers stays as it is. What earlier runs
    /// covered is older whatever its T says: T is a bound, and may be seconds early.
    pub fn claim(&mut self, interval: Interval, sent_at: Timestamp) {
        let from = interval.after.map_or(i64::MIN, |time| {
            let open = i64::from(switch::holds(Rule::StrictLink));
            time.as_millis().saturating_add(open)
        });
        let to = interval
            .before
            .map_or(i64::MAX, |time| time.as_millis().saturating_sub(1));
        if from > to {
            return;
        }
        let mut kept = Vec::with_capacity(self.spans.len() + 2);
        let mut fresh = vec![Span {
            from,
            to,
            sent_at,
            settled: false,
        }];
        for span in self.spans.drain(..) {
            if span.sent_at > sent_at && !span.settled {
                fresh = fresh
                    .into_iter()
                    .flat_map(|part| without(part, span))
                    .collect();
                kept.push(span);
            } else {
                kept.extend(without(
                    span,
                    Span {
                        from,
                        to,
                        sent_at,
                        settled: false,
                    },
                ));
            }
        }
        kept.append(&mut fresh);
        kept.sort_unstable_by_key(|span| span.from);
        self.spans = kept;
        self.merge_pages();
    }

    /// Cuts every piece of earlier runs back to what is final, below T - λ, for good: a message
    /// may become visible up to λ after its created time, so a page says nothing final about the
    /// last λ before it was sent (A5).
    pub fn settle(&mut self, lag: Duration) {
        for span in &mut self.spans {
            if !span.settled && switch::holds(Rule::Settling) {
                span.to = span
                    .to
                    .min(span.sent_at.minus(lag).as_millis().saturating_sub(1));
                span.settled = true;
            }
        }
        self.spans.retain(|span| span.from <= span.to);
        while self.spans.len() > Self::SETTLED_MAX {
            if !self.merge_closest() {
                break;
            }
        }
    }

    /// Whether nothing is covered below the piece that reaches plus infinity.
    pub(super) fn is_open_below(&self) -> bool {
        let (Some(lowest), Some(bottom)) = (self.spans.first(), self.bottom_of_top()) else {
            return false;
        };
        lowest.from != i64::MIN && bottom == Some(Timestamp::from_millis(lowest.from - 1))
    }

    /// Whether earlier runs have proven something that this one has not looked at.
    pub fn has_settled(&self) -> bool {
        self.spans.iter().any(|span| span.settled)
    }

    /// The topmost stretch below `below` that an earlier run has proven and this one has not
    /// looked at again: the largest time of it. `None` if there is none.
    pub(super) fn topmost_settled(&self, below: Option<Timestamp>) -> Option<Timestamp> {
        let below = below.map_or(i64::MAX, Timestamp::as_millis);
        self.spans
            .iter()
            .rev()
            .find(|span| span.settled && span.from < below)
            .map(|span| Timestamp::from_millis(span.to.min(below - 1)))
    }

    /// Whether an interval is covered.
    pub(super) fn covers(&self, interval: Interval) -> bool {
        let mut from = interval
            .after
            .map_or(i64::MIN, |time| time.as_millis().saturating_add(1));
        let to = interval
            .before
            .map_or(i64::MAX, |time| time.as_millis().saturating_sub(1));
        for span in &self.spans {
            if span.from <= from && from <= span.to {
                if span.to >= to {
                    return true;
                }
                from = span.to + 1;
            }
        }
        from > to
    }

    /// Opens the end again that a ledger was thought to prove: what reaches down to it is read once
    /// more.
    pub(super) fn open_end(&mut self) {
        self.spans.retain(|span| span.from != i64::MIN);
    }

    /// Whether the whole line is covered.
    pub fn covers_all(&self) -> bool {
        self.bottom_of_top() == Some(None)
    }

    /// The open lower end of the piece that reaches plus infinity: `None` if there is no such
    /// piece, `Some(None)` if it reaches down to minus infinity.
    pub fn bottom_of_top(&self) -> Option<Option<Timestamp>> {
        let mut bottom = *self.spans.last().filter(|span| span.to == i64::MAX)?;
        for span in self.spans.iter().rev().skip(1) {
            if !span.joins(&bottom) {
                break;
            }
            bottom = *span;
        }
        Some((bottom.from != i64::MIN).then(|| Timestamp::from_millis(bottom.from - 1)))
    }

    /// The open upper end of the cover that reaches minus infinity: everything below it is
    /// covered. `None` if the tail is not covered; the largest time if the whole line is.
    pub fn top_of_bottom(&self) -> Option<Timestamp> {
        let mut top = *self.spans.first().filter(|span| span.from == i64::MIN)?;
        for span in &self.spans[1..] {
            if !top.joins(span) {
                break;
            }
            top = *span;
        }
        Some(Timestamp::from_millis(top.to.saturating_add(1)))
    }

    /// What the ledger proves, for pages that become final λ after they were sent.
    pub fn proof(&self, lag: Duration) -> Proof {
        let proven_at = if self.covers_all() {
            self.spans.iter().map(|span| span.sent_at).min()
        } else {
            None
        };
        let mut settled = self.clone();
        settled.settle(lag);
        Proof {
            proven_at,
            horizon: settled.top_of_bottom(),
        }
    }

    /// The holes between the pieces, newest first, as open intervals.
    pub fn holes(&self) -> Vec<Interval> {
        let mut holes = Vec::new();
        let mut above: Option<i64> = None;
        for span in self.spans.iter().rev() {
            let open = above.map_or(span.to != i64::MAX, |from| span.to.saturating_add(1) < from);
            if open {
                holes.push(Interval {
                    after: Some(Timestamp::from_millis(span.to)),
                    before: above.map(Timestamp::from_millis),
                });
            }
            above = Some(span.from);
        }
        if above != Some(i64::MIN) {
            holes.push(Interval {
                after: None,
                before: above.map(Timestamp::from_millis),
            });
        }
        holes
    }

    /// Pages of this run that touch become one piece with the smallest T; the head stays apart,
    /// for its T is what the horizon grows by.
    fn merge_pages(&mut self) {
        let mut merged: Vec<Span> = Vec::with_capacity(self.spans.len());
        for span in self.spans.drain(..) {
            match merged.last_mut() {
                Some(below)
                    if !below.settled
                        && !span.settled
                        && span.to != i64::MAX
                        && below.joins(&span) =>
                {
                    below.to = below.to.max(span.to);
                    if switch::holds(Rule::SmallestT) {
                        below.sent_at = below.sent_at.min(span.sent_at);
                    } else {
                        below.sent_at = below.sent_at.max(span.sent_at);
                    }
                }
                _ => merged.push(span),
            }
        }
        self.spans = merged;
    }

    /// Merges the two neighbours whose send times are closest; false if none touch.
    fn merge_closest(&mut self) -> bool {
        let closest = (1..self.spans.len())
            .filter(|&at| self.spans[at - 1].joins(&self.spans[at]))
            .min_by_key(|&at| {
                self.spans[at]
                    .sent_at
                    .as_millis()
                    .abs_diff(self.spans[at - 1].sent_at.as_millis())
            });
        let Some(at) = closest else { return false };
        let above = self.spans.remove(at);
        let below = &mut self.spans[at - 1];
        below.to = above.to;
        below.sent_at = below.sent_at.min(above.sent_at);
        true
    }
}

/// Stored pieces without those that say to have been sent after `latest`: a wrong clock has said so,
/// and how far below it they are true nobody knows.
pub fn without_future(pieces: &[Piece], latest: Timestamp) -> Vec<Piece> {
    let is_past = |piece: &&Piece| piece.sent_at <= latest;
    pieces.iter().filter(is_past).copied().collect()
}

/// What is left of `span` beside `hole`: nothing, one part or two.
fn without(span: Span, hole: Span) -> impl Iterator<Item = Span> {
    let below = (span.from < hole.from).then(|| Span {
        to: span.to.min(hole.from - 1),
        ..span
    });
    let above = (span.to > hole.to).then(|| Span {
        from: span.from.max(hole.to + 1),
        ..span
    });
    [below, above].into_iter().flatten()
}

#[cfg(test)]
mod tests;
