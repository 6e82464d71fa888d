//! Groups of messages with one time that fill a page, or more than one.
//!
//! A page says nothing of the times of its first and its last row, so a group is proven where one
//! page holds it together with a row above and a row below, where the list ends with it, or where
//! two pages of one state hold the same of it, one with a row above and one with a row below.

use std::cmp::Ordering;

use super::{Purpose, Walk, just_after};
use crate::{
    model::{FailureClass, Piece, Timestamp},
    walk::{Claim, ClaimedPage, Interval, PageFacts},
};

/// A group that begins below a newer row and fills its page to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpperPart {
    time: Timestamp,
    ids: Vec<u64>,
    count: i64,
}

impl Walk {
    /// The page links and no row of it is newer than its oldest but the first: the walk cannot
    /// step on by it.
    pub(super) fn leave_tie_group(&mut self, page: &PageFacts) {
        let Some(time) = page.oldest() else { return };
        let stuck = Some((time, page.limit));
        let is_new = std::mem::replace(&mut self.stuck_at, stuck) != stuck;
        // Asked for more rows than a page has, the gateway gives all that it will.
        let came_short = page.len() < u64::from(page.limit);
        let is_longer = page.len() > self.full();
        if came_short && !is_longer {
            self.rules.limit_max = self.rules.limit;
        }
        let counted_end = self.tail.listed(page.count).or(page.count);
        let is_short = came_short && page.len() != self.full();
        let may_end = is_short || counted_end == i64::try_from(page.end()).ok();
        if is_new && may_end {
            self.check_end_of(page);
        } else if !came_short && page.limit < self.rules.limit_max && !self.narrow.is_under_way() {
            self.limit = page.limit.saturating_mul(2).min(self.rules.limit_max);
            self.ask(Purpose::Cover, page.skip);
        } else if let Some(rows_above) = self.begin_pair(page, time) {
            self.limit = self.rules.limit;
            self.ask(Purpose::LowerPart, page.skip + rows_above);
        } else {
            self.pass_tie_group(page);
        }
    }

    /// Keeps what the page holds of the group, if it holds a newer row too and a count; gives how
    /// many rows are newer.
    fn begin_pair(&mut self, page: &PageFacts, time: Timestamp) -> Option<u64> {
        let is_newer = |created_at: Option<Timestamp>| created_at.is_some_and(|at| at > time);
        let rows_above = page
            .rows
            .iter()
            .filter(|row| is_newer(row.created_at))
            .count() as u64;
        if rows_above == 0 || self.paired.replace(time) == Some(time) {
            return None;
        }
        self.upper_part = Some(UpperPart {
            time,
            ids: ids_at(page, time),
            count: page.count?,
        });
        Some(rows_above)
    }

    /// The page that begins where the group began: with the same messages of it, the same count
    /// and an older row it is the rest of the state that the page above was cut from.
    pub(super) fn accept_lower_part(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.purpose = Purpose::Cover;
        let Some(upper) = self.upper_part.take() else {
            return self.accept_cover(page);
        };
        let time = upper.time;
        let goes_below = page.oldest().is_some_and(|oldest| oldest < time);
        let is_rest = page.newest() == Some(time)
            && page.count == Some(upper.count)
            && ids_at(page, time) == upper.ids;
        if goes_below && is_rest {
            let interval = Interval {
                after: page.oldest(),
                before: Some(just_after(time)),
            };
            self.pages_with_rows += 1;
            let claim = self.claim(interval, ClaimedPage::This, page.sent_at);
            self.plan_after(page, true, Ordering::Greater);
            return vec![claim];
        }
        if page.newest() == Some(time) {
            self.note_tie_group(time, page.sent_at);
        }
        self.accept_cover(page)
    }

    /// More messages share one time than fit a page: that point stays a hole, the walk goes on
    /// below it.
    pub(super) fn pass_tie_group(&mut self, page: &PageFacts) {
        let Some(time) = page.oldest() else { return };
        self.note_tie_group(time, page.sent_at);
        self.limit = self.rules.limit;
        self.ask(
            Purpose::Cover,
            page.end().saturating_sub(1).max(page.skip + 1),
        );
    }

    fn note_tie_group(&mut self, time: Timestamp, sent_at: Timestamp) {
        let point = Piece {
            after: Some(Timestamp::from_millis(time.as_millis() - 1)),
            before: Some(just_after(time)),
            sent_at,
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
    }

    /// Goes past the times that an earlier walk has found to be shared by too many, but for those
    /// that a page has proven since.
    pub(super) fn pass_known_tie_groups(&mut self) {
        self.tie_points = std::mem::take(&mut self.tie_points_before);
        let ledger = &self.ledger;
        self.tie_points
            .retain(|&Piece { after, before, .. }| !ledger.covers(Interval { after, before }));
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
}

/// The ids of the page's messages of one time, in order.
fn ids_at(page: &PageFacts, time: Timestamp) -> Vec<u64> {
    let rows = page.rows.iter();
    let mut ids: Vec<u64> = rows
        .filter(|row| row.created_at == Some(time))
        .map(|row| row.id_hash)
        .collect();
    ids.sort_unstable();
    ids
}
