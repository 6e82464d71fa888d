//! Finding where list and archive part, by rank: the number of live archived messages above a
//! page's first row, against its `skip`, tells how many were deleted or inserted above it.
//!
//! Each page applies the rules of rows and absences to itself, so finding the place mends it. A
//! place is found in about log2(pages) requests; what is not found within the bound is left to a
//! whole walk. Bisection spends requests and claims intervals, it decides nothing else.

use super::{Purpose, Walk, signed};
use crate::{
    model::Timestamp,
    walk::{Claim, PageFacts, Ranks, Stored},
};

/// How far the search for the place of a deficit has come.
#[derive(Debug, Clone)]
pub(super) enum Search {
    /// There was no need yet.
    NotYet,
    /// It is under way.
    UnderWay(Bisection),
    /// It has ended, or a whole walk has taken its place.
    Over,
}

/// The stretch of ranks in which list and archive part.
#[derive(Debug, Clone)]
pub(super) struct Bisection {
    /// Down to here they agree.
    agree_to: u64,
    /// Ranks at which they are known to differ, the topmost last.
    bounds: Vec<Bound>,
    probes_left: u64,
}

#[derive(Debug, Clone, Copy)]
struct Bound {
    skip: u64,
    /// How many more the archive has above it than the list.
    offset: i64,
}

/// A page that was accepted and whose rank is awaited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probed {
    skip: u64,
    end: u64,
    count: Option<i64>,
    pub(super) newest: Option<Timestamp>,
}

impl Walk {
    /// Begins to look for the place of a deficit, between the head and the end of the list.
    pub(super) fn bisect(&mut self, deficit: i64) {
        let listed = self.live.saturating_add_signed(-deficit);
        let pages = self.pages_for(self.live.max(listed));
        self.search = Search::UnderWay(Bisection {
            agree_to: self.head.map_or(0, |head| head.end),
            bounds: vec![Bound {
                skip: self.live.max(listed),
                offset: deficit,
            }],
            probes_left: (pages / 2).max(2 * u64::from(pages.max(1).ilog2()) + 4),
        });
        self.probe_next();
    }

    fn bisection(&mut self) -> Option<&mut Bisection> {
        match &mut self.search {
            Search::UnderWay(bisection) => Some(bisection),
            Search::NotYet | Search::Over => None,
        }
    }

    /// Asks for the page that halves the topmost stretch, or that covers it if it is short.
    fn probe_next(&mut self) {
        let (full, overlap) = (self.full(), self.overlap());
        let skip = self.bisection().and_then(|bisection| {
            bisection.probes_left = bisection.probes_left.checked_sub(1)?;
            let (from, to) = (bisection.agree_to, bisection.bounds.last()?.skip);
            if to.saturating_sub(from) <= full - overlap {
                Some(from.saturating_sub(overlap))
            } else {
                Some(from + (to - from) / 2)
            }
        });
        match skip {
            Some(skip) => {
                self.limit = self.rules.limit;
                self.ask(Purpose::Bisect, skip);
                self.request.after_commit = true;
            }
            None => self.walk_again(),
        }
    }

    pub(super) fn accept_bisect(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.probed = Some(Probed {
            skip: page.skip,
            end: page.end(),
            count: page.count,
            newest: page.newest(),
        });
        let is_tail = self.ends_by_count(page);
        self.claim_own(page, is_tail)
    }

    /// What a page that was probed tells, now that it is stored and its rank is known.
    pub(super) fn narrow(&mut self, probed: Probed, stored: Stored, live_before: u64) {
        if self.deficit() == Some(0) {
            self.search = Search::Over;
            self.judge_deficit();
            return;
        }
        let shifted = match (probed.count, self.head.and_then(|head| head.count)) {
            (Some(count), Some(at_head)) => count - at_head,
            _ => 0,
        };
        let mended = signed(live_before) - signed(stored.live);
        if let Some(bisection) = self.bisection() {
            for bound in &mut bisection.bounds {
                if bound.skip >= probed.end {
                    bound.offset -= mended;
                }
            }
            match stored
                .ranks
                .map(|ranks| offset(ranks, probed.skip, shifted))
            {
                Some(0) => bisection.agree_to = bisection.agree_to.max(probed.end),
                Some(offset) => bisection.bounds.push(Bound {
                    skip: probed.skip,
                    offset,
                }),
                // Past the end of the list.
                None => bisection.bounds.push(Bound {
                    skip: probed.skip,
                    offset: 1,
                }),
            }
            let agree_to = bisection.agree_to;
            bisection
                .bounds
                .retain(|bound| bound.skip > agree_to && bound.offset != 0);
        }
        self.probe_next();
    }
}

/// How many more messages the archive has above a page than the list: its rank against its skip,
/// less what has come in at the head since. Rows that share the page's first time may stand on
/// either side of it.
fn offset(ranks: Ranks, skip: u64, shifted: i64) -> i64 {
    let place = signed(skip) - shifted;
    let (first, last) = (
        signed(ranks.newer),
        signed(ranks.newer_or_same.saturating_sub(1).max(ranks.newer)),
    );
    if place < first {
        first - place
    } else if place > last {
        last - place
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_beyond_the_skip_is_a_deletion_above_and_one_before_it_an_insertion() {
        let ranks = |newer, same| Ranks {
            newer,
            newer_or_same: newer + same,
        };
        assert_eq!(offset(ranks(50, 1), 50, 0), 0);
        assert_eq!(offset(ranks(53, 1), 50, 0), 3);
        assert_eq!(offset(ranks(49, 1), 50, 0), -1);
        assert_eq!(offset(ranks(50, 1), 52, 2), 0, "two came in at the head");
        assert_eq!(offset(ranks(48, 5), 50, 0), 0, "within its tie group");
        assert_eq!(offset(ranks(50, 0), 50, 0), 0, "its first row is new");
    }
}
