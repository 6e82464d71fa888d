//! Reading a conversation that may shift: which page to ask for next, and what each one speaks
//! for. Pure: no I/O, no clock.
//!
//! Pages overlap, and a page counts as linked only if its first row is strictly newer than what
//! is covered above; one that does not link is stepped back from. Covered intervals are kept in
//! the walk's own [`Ledger`], so that *read whole* means here what it means for a run. Nothing is
//! proven by it beyond this reading, and nothing is kept.

use crate::{
    model::Timestamp,
    walk::{Interval, Ledger},
};

/// Times that a page in disorder is asked for.
const REFETCHES_MAX: u32 = 2;
/// The most that is asked for where a group of equal times does not fit a page.
const LIMIT_MAX: u32 = 1_000;

/// A page as the reading sees it.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// How many rows were to be skipped.
    pub(super) skip: u64,
    /// How many were asked for.
    pub(super) limit: u32,
    /// The gateway's `count`.
    pub(super) count: Option<i64>,
    /// Hash of the id and created time of each row, in order.
    pub(super) rows: Vec<(u64, Option<Timestamp>)>,
}

impl View {
    fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The rank past the last row.
    pub(super) fn end(&self) -> u64 {
        self.skip + self.len()
    }

    fn newest(&self) -> Option<Timestamp> {
        self.rows.iter().find_map(|row| row.1)
    }

    /// The time of the last row that has one.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.rows.iter().rev().find_map(|row| row.1)
    }

    /// What the page speaks for by itself: nothing where no row has a time.
    pub(super) fn interval(&self) -> Option<Interval> {
        let (newest, oldest) = (self.newest()?, self.oldest()?);
        Some(Interval {
            after: Some(oldest),
            before: (self.skip > 0).then_some(newest),
        })
    }

    /// Whether times never rise from row to row and no id is there twice.
    pub(super) fn is_ordered(&self) -> bool {
        let times: Vec<Timestamp> = self.rows.iter().filter_map(|row| row.1).collect();
        let mut ids: Vec<u64> = self.rows.iter().map(|row| row.0).collect();
        ids.sort_unstable();
        times.is_sorted_by(|newer, older| newer >= older) && ids.windows(2).all(|w| w[0] != w[1])
    }

    /// The place of the last row that is strictly newer than the oldest.
    fn last_above_oldest(&self) -> Option<u64> {
        let oldest = self.oldest()?;
        let above = |row: &(u64, Option<Timestamp>)| row.1.is_some_and(|time| time > oldest);
        self.rows.iter().rposition(above).map(|place| place as u64)
    }
}

/// Whose rows an interval is to be held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The page that was just accepted.
    This,
    /// The one before it.
    Previous,
}

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The whole line was read.
    Whole,
    /// Pages are not in order, however often they are asked for.
    Disorder,
    /// It did not come to its end within its budget: the list shifts too fast.
    BudgetSpent,
}

/// The page before, which may be the last one.
#[derive(Debug, Clone, Copy)]
struct MaybeTail {
    end: u64,
    rows: u64,
    count: Option<i64>,
    before: Option<Timestamp>,
}

/// One reading of one conversation.
#[derive(Debug)]
pub(super) struct Reading {
    limit: u32,
    /// The longest page that was shown not to be the last: a gateway may cap `limit` silently.
    full: u64,
    unlisted: Option<i64>,
    cover: Ledger,
    ask: (u64, u32),
    step_back: u64,
    refetches: u32,
    /// How many messages there seemed to be at the first page.
    seemed: u64,
    pages: u64,
    maybe_tail: Option<MaybeTail>,
    /// The count of the first page, and whether that of each other is the same.
    count: Option<i64>,
    is_steady: bool,
    listed: Option<u64>,
    passed: u64,
    end: Option<End>,
}

impl Reading {
    /// A reading that has asked for nothing; `unlisted` is how many messages the gateway was
    /// last seen to count and not list.
    pub(super) fn new(limit: u32, unlisted: Option<i64>) -> Self {
        Self {
            limit,
            full: u64::from(limit),
            unlisted,
            cover: Ledger::default(),
            ask: (0, limit),
            step_back: 0,
            refetches: 0,
            seemed: 0,
            pages: 0,
            maybe_tail: None,
            count: None,
            is_steady: true,
            listed: None,
            passed: 0,
            end: None,
        }
    }

    /// The skip and limit of the next page; `Err` with how it ended.
    pub(super) fn next(&self) -> Result<(u64, u32), End> {
        self.end.map_or(Ok(self.ask), Err)
    }

    /// How many messages were listed, where the list was read whole and the gateway's count stood
    /// still all the while.
    pub(super) fn steady(&self) -> Option<u64> {
        let is_sure = self.count.is_some() && self.is_steady && self.passed == 0;
        self.listed.filter(|_| is_sure)
    }

    /// Takes the page that was asked for and gives what it speaks for.
    pub(super) fn accept(&mut self, page: &View) -> Vec<(Interval, Of)> {
        if self.pages == 0 {
            let counted = page.count.and_then(|count| u64::try_from(count).ok());
            self.seemed = counted.unwrap_or(0).max(page.len());
            self.count = page.count;
        }
        self.pages += 1;
        self.is_steady &= self.count == page.count;
        if !page.is_ordered() {
            self.refetches += 1;
            if self.refetches > REFETCHES_MAX {
                self.end = Some(End::Disorder);
            }
            return Vec::new();
        }
        self.refetches = 0;
        let claims = if page.rows.is_empty() {
            self.accept_empty(page)
        } else {
            self.accept_rows(page)
        };
        for (interval, _) in &claims {
            self.cover.claim(*interval, Timestamp::from_millis(0));
        }
        if self.cover.covers_all() {
            self.end = Some(End::Whole);
        } else if self.pages >= self.budget() {
            self.end = Some(End::BudgetSpent);
        }
        claims
    }

    fn budget(&self) -> u64 {
        let stride = self.full.saturating_sub(overlap(self.limit)).max(1);
        4 * self.seemed.div_ceil(stride) + 30
    }

    /// An empty page ends the list where the page before ended, if the list is as long as then.
    fn accept_empty(&mut self, page: &View) -> Vec<(Interval, Of)> {
        if page.skip == 0 {
            self.listed = Some(0);
            return vec![(Interval::ALL, Of::This)];
        }
        match self.maybe_tail.take() {
            Some(tail) if tail.end == page.skip && tail.count == page.count => {
                self.listed = Some(tail.end);
                let interval = Interval {
                    after: None,
                    before: tail.before,
                };
                vec![(interval, Of::Previous)]
            }
            _ => {
                self.go_back(page.skip);
                Vec::new()
            }
        }
    }

    fn accept_rows(&mut self, page: &View) -> Vec<(Interval, Of)> {
        if let Some(tail) = self.maybe_tail.take()
            && tail.end == page.skip
            && tail.count == page.count
        {
            self.full = tail.rows;
        }
        let Some(interval) = page.interval() else {
            // No row has a time: nothing links, and nothing is spoken for.
            self.ask = (page.end(), self.limit);
            return Vec::new();
        };
        let edge = self.cover.bottom_of_top().flatten();
        let is_linked = page.skip == 0 || edge.is_none_or(|edge| page.newest() > Some(edge));
        if !is_linked {
            self.go_back(page.skip);
            return vec![(interval, Of::This)];
        }
        self.step_back = 0;
        let is_last = match (page.count, self.unlisted) {
            (Some(count), Some(unlisted)) => i64::try_from(page.end()) == Ok(count - unlisted),
            _ => false,
        };
        if is_last {
            self.listed = Some(page.end());
            let interval = Interval {
                after: None,
                ..interval
            };
            return vec![(interval, Of::This)];
        }
        self.go_on(page, interval);
        vec![(interval, Of::This)]
    }

    fn go_back(&mut self, skip: u64) {
        self.step_back = (self.step_back * 2).max(2 * overlap(self.limit));
        self.ask = (skip.saturating_sub(self.step_back), self.limit);
    }

    fn go_on(&mut self, page: &View, interval: Interval) {
        if page.len() < self.full.min(u64::from(page.limit)) {
            self.maybe_tail = Some(MaybeTail {
                end: page.end(),
                rows: page.len(),
                count: page.count,
                before: interval.before,
            });
            self.ask = (page.end(), self.limit);
            return;
        }
        let place = page
            .last_above_oldest()
            .unwrap_or(0)
            .min(page.len().saturating_sub(overlap(page.limit)));
        if place > 0 {
            self.ask = (page.skip + place, self.limit);
        } else if page.limit < LIMIT_MAX {
            self.ask = (page.skip, page.limit.saturating_mul(2).min(LIMIT_MAX));
        } else if let Some(time) = page.oldest() {
            // More messages of one time than fit a page: that time is passed over.
            self.passed += 1;
            let point = Interval {
                after: Some(Timestamp::from_millis(time.as_millis() - 1)),
                before: Some(Timestamp::from_millis(time.as_millis() + 1)),
            };
            self.cover.claim(point, Timestamp::from_millis(0));
            self.ask = (page.end(), self.limit);
        }
    }
}

/// Rows that a page shares with the one above: 4 at limit 100.
fn overlap(limit: u32) -> u64 {
    u64::from((limit / 25).max(1).min(limit / 4).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    /// Newest first: id and time.
    type List = Vec<(u64, i64)>;

    fn page(list: &List, skip: u64, limit: u32, cap: usize) -> View {
        let rows = list.iter().skip(usize::try_from(skip).unwrap());
        View {
            skip,
            limit,
            count: Some(i64::try_from(list.len()).unwrap()),
            rows: rows
                .take((limit as usize).min(cap))
                .map(|(id, time)| (*id, Some(Timestamp::from_millis(*time))))
                .collect(),
        }
    }

    /// Reads a list that changes between pages; gives the ids met, and the times that pages spoke
    /// for without holding their ids.
    fn read(
        mut list: List,
        limit: u32,
        cap: usize,
        unlisted: Option<i64>,
        mut change: impl FnMut(&mut List),
    ) -> (Vec<u64>, Result<(), End>, u64) {
        let mut reading = Reading::new(limit, unlisted);
        let mut met = Vec::new();
        loop {
            match reading.next() {
                Ok((skip, limit)) => {
                    let view = page(&list, skip, limit, cap);
                    met.extend(view.rows.iter().map(|row| row.0));
                    reading.accept(&view);
                    change(&mut list);
                }
                Err(End::Whole) => return (met, Ok(()), reading.pages),
                Err(end) => return (met, Err(end), reading.pages),
            }
        }
    }

    fn still(length: u64) -> List {
        let time = |id: u64| i64::try_from(10 * (length - id)).unwrap();
        (0..length).map(|id| (id, time(id))).collect()
    }

    #[test]
    fn a_list_that_stands_still_is_read_once() {
        for (length, limit, cap, unlisted, pages) in [
            (0, 20, 100, None, 1),
            (5, 20, 100, None, 2),
            (5, 20, 100, Some(0), 1),
            (95, 20, 100, Some(0), 6),
            (95, 20, 13, Some(0), 10),
        ] {
            let (mut met, end, asked) = read(still(length), limit, cap, unlisted, |_| {});
            met.sort_unstable();
            met.dedup();
            assert_eq!((met.len() as u64, end), (length, Ok(())));
            assert_eq!(asked, pages, "{length} at {limit} capped {cap}");
        }
    }

    #[test]
    fn what_is_listed_throughout_is_met_whatever_else_comes_and_goes() {
        let mut whole = 0;
        for seed in 0..400 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let list = still(random.random_range(0..200));
            let mut stays: Vec<u64> = list.iter().map(|row| row.0).collect();
            let (mut next, mut newest) = (1_000, 10_000);
            let (met, end, _) = read(list, 20, 100, None, |list| {
                for _ in 0..random.random_range(0..4) {
                    if random.random_bool(0.5) && !list.is_empty() {
                        let place = random.random_range(0..list.len().min(60));
                        let gone = list.remove(place).0;
                        stays.retain(|id| *id != gone);
                    } else {
                        newest += 1;
                        list.insert(0, (next, newest));
                        next += 1;
                    }
                }
            });
            if end == Ok(()) {
                whole += 1;
                for id in &stays {
                    assert!(met.contains(id), "seed {seed}: {id} was missed");
                }
            }
        }
        assert!(whole > 300, "{whole} of 400 were read whole");
    }

    #[test]
    fn disorder_and_endless_growth_end_a_reading() {
        let mut disorder = still(50);
        disorder.reverse();
        let (_, end, pages) = read(disorder, 20, 100, None, |_| {});
        assert_eq!((end, pages), (Err(End::Disorder), 3));
        let mut next = 1_000;
        let (_, end, _) = read(still(50), 20, 100, None, |list| {
            for _ in 0..30 {
                next += 1;
                list.insert(0, (next, i64::try_from(next).unwrap() * 10));
            }
        });
        assert_eq!(end, Err(End::BudgetSpent));
    }

    #[test]
    fn equal_times_that_fit_no_page_are_passed_over() {
        let mut list: List = (0..2_500).map(|id| (id, 500)).collect();
        list.extend((2_500..2_600).map(|id| (id, 3_000 - i64::try_from(id).unwrap())));
        let (mut met, end, _) = read(list, 100, 2_000, None, |_| {});
        met.sort_unstable();
        met.dedup();
        assert_eq!((met.len(), end), (2_600, Ok(())));
    }
}
