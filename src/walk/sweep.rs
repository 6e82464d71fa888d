//! Looking again at what was proven before, a page at a time: the youngest messages first, then
//! down from a cursor that is kept from run to run and begins again at the top.
//!
//! A cycle renews every piece of the cover and finds every edit, deletion and late arrival
//! however deep. Each page speaks for its own interior, so nothing here links or counts.
//!
//! Is given the ledger as this run's walk has left it: what earlier runs proven is settled, what
//! this run has looked at is not, and is not looked at again.

use super::{
    Claim, ClaimedPage, Interval, Known, Ledger, PageFacts, Position, Request, Rules, tail::Tail,
};
use crate::model::{Proof, Timestamp};

/// The part of the line that a sweep looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// Everything from the top down to this time, the look-back.
    DownTo(Timestamp),
    /// What lies below the cursor.
    Cycle,
}

/// The sweep of one conversation in one run.
#[derive(Debug, Clone)]
pub struct Sweep {
    rules: Rules,
    tail: Tail,
    ledger: Ledger,
    second: Option<Ledger>,
    cursor: Option<Timestamp>,
    stretch: Stretch,
    /// Above here this sweep has nothing more to look at.
    edge: Option<Timestamp>,
    ended: bool,
}

impl Sweep {
    /// A sweep of the stretch; `cursor` is where the last one has stopped.
    pub fn new(rules: Rules, known: &Known, cursor: Option<Timestamp>, stretch: Stretch) -> Self {
        Self {
            rules,
            tail: Tail::new(known),
            ledger: Ledger::from_pieces(&known.ledger),
            second: known.full.then(|| Ledger::from_pieces(&known.full_ledger)),
            cursor,
            stretch,
            edge: match stretch {
                Stretch::DownTo(_) => None,
                Stretch::Cycle => cursor,
            },
            ended: false,
        }
    }

    /// The next page to ask for; `None` if nothing is left of the stretch.
    pub fn request(&self) -> Option<Request> {
        if self.ended {
            return None;
        }
        let top = self.ledger.topmost_settled(self.edge)?;
        if let Stretch::DownTo(down_to) = self.stretch
            && top < down_to
        {
            return None;
        }
        let full = u64::from(self.tail.full_page.unwrap_or(self.rules.limit));
        Some(Request {
            position: Position::Above(top, self.rules.overlap(full).max(1)),
            limit: self.rules.limit,
            after_commit: true,
        })
    }

    /// Takes the page that was asked for and gives the intervals that it certifies.
    pub fn accept(&mut self, page: &PageFacts) -> Vec<Claim> {
        let asked = self.ledger.topmost_settled(self.edge);
        let (Some(newest), Some(oldest)) = (page.newest(), page.oldest()) else {
            // The list has shrunk: the next run's head will say by how much.
            self.begin_again();
            return Vec::new();
        };
        let is_tail = self.tail.ends_by_count(page) && self.tail.explains_end(page.end());
        let full = self.tail.full_page.unwrap_or(self.rules.limit);
        // No row is older than the time that was asked for, and the rows do not share one time.
        let stands =
            asked.is_some_and(|asked| asked < oldest || (asked == oldest && newest > oldest));
        let tells_the_end = self.tail.full_page.is_some() && !self.tail.cuts_pages();
        let ends = page.len() < u64::from(full) && (stands || tells_the_end);
        // The next page covers the time of this one's last row too. A group of equal times that is
        // longer than a page is passed, else the sweep would stand still.
        let next = Timestamp::from_millis(oldest.as_millis().saturating_add(1));
        self.edge = Some(asked.map_or(next, |asked| next.min(asked)));
        if ends {
            self.begin_again();
        } else if self.stretch == Stretch::Cycle {
            self.cursor = self.edge;
        }
        if !page.is_ordered() {
            return Vec::new();
        }
        let interval = Interval {
            after: if is_tail { None } else { Some(oldest) },
            before: if page.skip == 0 { None } else { Some(newest) },
        };
        self.ledger.claim(interval, page.sent_at);
        if let Some(second) = &mut self.second {
            second.claim(interval, page.sent_at);
        }
        vec![Claim {
            interval,
            page: ClaimedPage::This,
            sent_at: page.sent_at,
        }]
    }

    fn begin_again(&mut self) {
        self.ended = true;
        if self.stretch == Stretch::Cycle {
            self.cursor = None;
        }
    }

    /// Where the next sweep goes on.
    pub fn cursor(&self) -> Option<Timestamp> {
        self.cursor
    }

    /// The ledger to store, after the claims so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The second cover to store, where one is being built.
    pub fn second_cover(&self) -> Option<&Ledger> {
        self.second.as_ref()
    }

    /// What the ledger proves.
    pub fn proof(&self) -> Proof {
        self.ledger.proof(self.rules.lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{CountTrust, Piece},
        walk::RowFacts,
    };

    const RULES: Rules = Rules {
        limit: 10,
        limit_max: 40,
        lag: std::time::Duration::ZERO,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn piece(after: Option<i64>, before: Option<i64>, settled: bool) -> Piece {
        Piece {
            after: after.map(at),
            before: before.map(at),
            sent_at: at(if settled { 5_000 } else { 9_000 }),
            settled,
        }
    }

    /// A list of a message each 10 ms, of which this run has read the head down to 900.
    fn known() -> Known {
        Known {
            ledger: vec![piece(None, Some(901), true), piece(Some(900), None, false)],
            live: 100,
            unlisted: Some(0),
            full_page: Some(10),
            count_trust: CountTrust::default(),
            ..Known::default()
        }
    }

    /// The page at a request, from messages at 10, 20 .. 1,000.
    fn answer(request: Request) -> PageFacts {
        let Position::Above(time, rows) = request.position else {
            panic!("a sweep asks by time");
        };
        let newer = (1_000 - time.as_millis()) / 10;
        let skip = u64::try_from(newer).unwrap() - rows;
        let row = |rank: u64| RowFacts {
            id_hash: rank,
            created_at: Some(at(1_000 - 10 * i64::try_from(rank).unwrap())),
        };
        PageFacts {
            skip,
            limit: 10,
            sent_at: at(10_000),
            count: Some(100),
            rows: (skip..(skip + 10).min(100)).map(row).collect(),
        }
    }

    #[test]
    fn a_cycle_goes_down_to_the_end_and_begins_again_at_the_top() {
        let (mut cursor, mut pages, mut known) = (None, 0, known());
        // Two pages a run, as the budget might have it.
        for _ in 0..20 {
            let mut sweep = Sweep::new(RULES, &known, cursor, Stretch::Cycle);
            for _ in 0..2 {
                let Some(request) = sweep.request() else {
                    break;
                };
                pages += 1;
                assert_eq!(sweep.accept(&answer(request)).len(), 1);
            }
            known.ledger = sweep.ledger().pieces();
            cursor = sweep.cursor();
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(cursor, None, "the cycle has come to its end");
        assert_eq!(pages, 12, "90 rows, 8 new ones a page");
        let proof = Ledger::from_pieces(&known.ledger).proof(RULES.lag);
        assert_eq!(
            proof.proven_at,
            Some(at(9_000)),
            "nothing of the old cover is left"
        );
        assert_eq!(
            Sweep::new(RULES, &known, cursor, Stretch::Cycle).request(),
            None,
            "what this run has looked at is not looked at again"
        );
    }

    #[test]
    fn a_cycle_ends_at_the_bottom_whatever_is_known_of_pages() {
        for (full_page, cuts_pages) in [(Some(10), true), (None, false), (None, true)] {
            let known = Known {
                full_page,
                cuts_pages,
                ..known()
            };
            let mut sweep = Sweep::new(RULES, &known, Some(at(40)), Stretch::Cycle);
            let mut pages = 0;
            while let Some(request) = sweep.request() {
                sweep.accept(&answer(request));
                pages += 1;
                assert!(pages < 4, "{full_page:?} {cuts_pages}");
            }
            assert_eq!(sweep.cursor(), None);
        }
    }

    #[test]
    fn the_look_back_ends_at_its_time_and_leaves_the_cursor_alone() {
        let mut sweep = Sweep::new(RULES, &known(), Some(at(300)), Stretch::DownTo(at(750)));
        let mut pages = 0;
        while let Some(request) = sweep.request() {
            sweep.accept(&answer(request));
            pages += 1;
        }
        assert_eq!(pages, 2);
        assert_eq!(sweep.cursor(), Some(at(300)));
    }

    #[test]
    fn a_second_cover_is_renewed_beside_the_first() {
        let building = Known {
            full: true,
            full_ledger: vec![piece(Some(950), None, true)],
            ..known()
        };
        let mut sweep = Sweep::new(RULES, &building, Some(at(501)), Stretch::Cycle);
        let page = answer(sweep.request().unwrap());
        sweep.accept(&page);
        let second = sweep.second_cover().map(Ledger::pieces).unwrap();
        let read = Piece {
            sent_at: page.sent_at,
            ..piece(Some(420), Some(510), false)
        };
        assert_eq!(second, [read, piece(Some(950), None, true)]);
        let sweep = Sweep::new(RULES, &known(), None, Stretch::Cycle);
        assert_eq!(sweep.second_cover(), None);
    }

    #[test]
    fn the_look_back_reads_the_message_of_its_very_time() {
        let request = |down_to| {
            let stretch = Stretch::DownTo(at(down_to));
            Sweep::new(RULES, &known(), None, stretch).request()
        };
        assert!(request(900).is_some());
        assert_eq!(request(901), None);
    }

    #[test]
    fn a_short_page_ends_the_cycle_whether_or_not_the_count_agrees() {
        for (rows, ends, after) in [(9, true, Some(at(430))), (10, false, Some(at(420)))] {
            let mut sweep = Sweep::new(RULES, &known(), Some(at(501)), Stretch::Cycle);
            let mut page = answer(sweep.request().unwrap());
            page.rows.truncate(rows);
            let claims = sweep.accept(&page);
            assert_eq!(claims[0].interval.after, after, "no proof of the end");
            assert_eq!(sweep.request().is_none(), ends);
            let cursor = after.map(|time| at(time.as_millis() + 1));
            assert_eq!(sweep.cursor(), cursor.filter(|_| !ends));
        }
    }

    #[test]
    fn a_page_that_brings_nothing_is_passed() {
        let mut sweep = Sweep::new(RULES, &known(), Some(at(500)), Stretch::Cycle);
        let tied = |request| {
            let mut page = answer(request);
            for row in &mut page.rows {
                row.created_at = Some(at(499));
            }
            page
        };
        let request = sweep.request().unwrap();
        sweep.accept(&tied(request));
        assert_eq!(sweep.cursor(), Some(at(499)));
        let mut shrunk = answer(sweep.request().unwrap());
        shrunk.rows.clear();
        assert_eq!(sweep.accept(&shrunk), []);
        assert_eq!((sweep.request(), sweep.cursor()), (None, None));
    }
}
