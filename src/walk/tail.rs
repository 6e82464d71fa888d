//! What is known of the end of the list: the largest page, b, and how far `count` is trusted
//! (walk.md "The tail").

use super::{
    Hiding, Known, PageFacts, Sample,
    switch::{self, Rule},
};
use crate::model::{CountTrust, Timestamp};

/// Runs in a row in which b may come out different before the count is called unreliable.
const MOVES_MAX: u32 = 3;
/// Runs in a row with one difference after which the count is trusted again.
const STEADY_RUNS: u32 = 3;
/// How often b may come out different within one walk.
const WOBBLES_MAX: u32 = 3;
/// How many empty pages in a row may have another count than the page before them. Deletions do
/// that too, but not so often in a row.
const CONTRADICTIONS_MAX: u32 = 8;

/// By how much a count may be wrong that is said to be right: a page that ends further from the
/// end is not the last one.
const COUNT_SLACK: i64 = 10;

/// An end as it was seen: its rank, the count there, and the times of the first and the last row
/// of the page above it.
type Doubted = (u64, Option<i64>, [Option<Timestamp>; 2]);

/// What is known of the end of the list of one conversation.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// The largest page that the gateway was shown to return for the walk's limit.
    pub(super) full_page: Option<u32>,
    /// b: counted and not listed.
    unlisted: Option<i64>,
    unlisted_at_start: Option<i64>,
    trust_at_start: CountTrust,
    unreliable: bool,
    /// The end that did not look right and is being looked at again.
    doubted: Option<Doubted>,
    wobbles: u32,
    contradictions: u32,
    /// `count` less what was listed, measured in this walk where the count is unreliable.
    difference: Option<i64>,
    /// What this gateway's other conversations show of b.
    hiding: Hiding,
    cuts_pages: bool,
}

impl Tail {
    pub(super) fn new(known: &Known) -> Self {
        Self {
            full_page: known.full_page,
            unlisted: known.unlisted,
            unlisted_at_start: known.unlisted,
            trust_at_start: known.count_trust,
            unreliable: known.count_trust.is_unreliable(),
            doubted: None,
            wobbles: 0,
            contradictions: 0,
            difference: None,
            hiding: known.hiding.clone(),
            cuts_pages: known.cuts_pages,
        }
    }

    /// b, where it was learnt.
    pub(super) fn unlisted(&self) -> Option<i64> {
        self.unlisted
    }

    /// How many were known to be hidden before this walk, of a list that ends at `listed`.
    pub(super) fn hidden_at_start(&self, listed: u64) -> i64 {
        let explained = |unlisted: &i64| self.is_explained(listed, *unlisted);
        self.unlisted_at_start.filter(explained).unwrap_or(0)
    }

    /// How many the list holds by the gateway's word, where that can be told and is trusted.
    pub(super) fn listed(&self, count: Option<i64>) -> Option<i64> {
        if self.unreliable {
            return None;
        }
        Some(count? - self.unlisted?)
    }

    /// Whether this `count` can prove nothing.
    pub(super) fn is_uncounted(&self, count: Option<i64>) -> bool {
        self.unreliable || count.is_none()
    }

    /// Whether the page is shorter than a full one, for as many rows as were asked for.
    pub(super) fn is_short(&self, page: &PageFacts) -> bool {
        let full = self.full_page.unwrap_or(1).min(page.limit.max(1));
        page.len() < u64::from(full) || !switch::holds(Rule::FullPage)
    }

    /// Whether the page ends where its own `count` says that the list ends, and is short.
    pub(super) fn ends_by_count(&self, page: &PageFacts) -> bool {
        !self.cuts_pages
            && self.is_short(page)
            && self.listed(page.count) == i64::try_from(page.end()).ok()
    }

    /// Whether a list of `listed` messages may end so far short of its count: nothing is claimed
    /// of an end where it may not.
    pub(super) fn is_explained(&self, listed: u64, unlisted: i64) -> bool {
        self.hiding.explains(Sample { listed, unlisted })
    }

    /// The same where the count cannot be relied on: half of the difference may be its wobbling.
    pub(super) fn is_nearly_explained(&self, listed: u64, count: i64) -> bool {
        let unlisted = count - i64::try_from(listed).unwrap_or(i64::MAX);
        self.is_explained(listed, unlisted / 2)
    }

    /// The same of b as it is known.
    pub(super) fn explains_end(&self, listed: u64) -> bool {
        let explains = |unlisted| self.unreliable || self.is_explained(listed, unlisted);
        self.unlisted.is_none_or(explains)
    }

    /// Whether the list seems to end at a result window of the gateway.
    pub(super) fn is_window(&self, listed: u64) -> bool {
        self.hiding.is_window(listed)
    }

    /// b where some messages are out of reach.
    pub(super) fn keep_unlisted(&mut self, unlisted: i64) {
        self.unlisted = Some(unlisted);
    }

    /// An empty page at `end` with the same count as the page before it has shown b.
    pub(super) fn learn_unlisted(&mut self, count: i64, end: u64) {
        let unlisted = count - i64::try_from(end).unwrap_or(i64::MAX);
        if self.unlisted.is_some_and(|known| known != unlisted) {
            self.wobbles += 1;
            self.unreliable |= self.wobbles >= WOBBLES_MAX;
        }
        self.contradictions = 0;
        self.unlisted = Some(unlisted);
    }

    /// Whether an empty page is to be believed only if the page above it shows the same once more:
    /// where no count agrees, the page above may have been capped or cut, and rows may have been
    /// deleted since. Where a full page is known, that matters if `live` messages reach below the end;
    /// where pages are known to be cut, a count that lags may hide it.
    pub(super) fn is_doubtful(
        &mut self,
        empty: &PageFacts,
        above: [Option<Timestamp>; 2],
        live: u64,
    ) -> bool {
        let count = empty.count.filter(|_| !self.unreliable);
        let listed = count.map(|count| count - self.unlisted.unwrap_or(0));
        let fits = listed == i64::try_from(empty.end()).ok();
        let matters = self.full_page.is_none() || live > empty.end();
        let seen = Some((empty.end(), count, above));
        let may_go_on = self.cuts_pages || count.is_none() || (!fits && matters);
        may_go_on && std::mem::replace(&mut self.doubted, seen) != seen
    }

    /// Something else was seen between the two looks at an end.
    pub(super) fn forget_doubt(&mut self) {
        self.doubted = None;
    }

    /// Learns from a page whether the gateway gives fewer rows than it could.
    pub(super) fn learn_cuts(&mut self, page: &PageFacts) {
        let ends = i64::try_from(page.end()).unwrap_or(i64::MAX);
        let is_inside = self
            .listed(page.count)
            .is_some_and(|listed| ends + COUNT_SLACK < listed);
        self.cuts_pages |= is_inside && !page.is_empty() && self.is_short(page);
    }

    /// A page that was shorter than a full one was followed by more.
    pub(super) fn saw_cut(&mut self) {
        self.cuts_pages = true;
    }

    /// Whether the gateway was seen to give fewer rows than it could: then a short page is no sign
    /// of the end.
    pub(super) fn cuts_pages(&self) -> bool {
        self.cuts_pages
    }

    /// A page past the end was empty, and its count was another one.
    pub(super) fn contradict(&mut self) {
        self.contradictions += 1;
        self.unreliable |= self.contradictions >= CONTRADICTIONS_MAX;
    }

    /// The list was seen to end at `listed` where the count is unreliable.
    pub(super) fn measure(&mut self, count: Option<i64>, listed: u64) {
        if let Some(count) = count.filter(|_| self.unreliable) {
            let difference = count - i64::try_from(listed).unwrap_or(i64::MAX);
            self.difference = Some(difference);
            self.unlisted = Some(difference);
        }
    }

    /// What is to be remembered of the count after this walk.
    pub(super) fn trust(&self) -> CountTrust {
        let before = self.trust_at_start;
        if let Some(steady) = before.steady_runs {
            return match self.difference {
                None => before,
                // The first run of a difference is one of the runs that it has lasted for.
                Some(difference) if Some(difference) != self.unlisted_at_start => CountTrust {
                    moves: 0,
                    steady_runs: Some(1),
                },
                Some(_) if steady + 1 >= STEADY_RUNS => CountTrust::default(),
                Some(_) => CountTrust {
                    moves: 0,
                    steady_runs: Some(steady + 1),
                },
            };
        }
        let known = self.unlisted_at_start.is_some();
        let moves = if known && self.unlisted != self.unlisted_at_start {
            before.moves + 1
        } else {
            0
        };
        if self.unreliable || moves >= MOVES_MAX {
            CountTrust {
                moves: 0,
                steady_runs: Some(0),
            }
        } else {
            CountTrust {
                moves,
                steady_runs: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::RowFacts;

    const ABOVE: [Option<Timestamp>; 2] = [None; 2];

    fn page(rows: u64, skip: u64, count: Option<i64>) -> PageFacts {
        let row = |place: u64| RowFacts {
            id_hash: place,
            created_at: Some(Timestamp::from_millis(-i64::try_from(place).unwrap())),
        };
        PageFacts {
            skip,
            limit: 10,
            sent_at: Timestamp::from_millis(0),
            count,
            rows: (skip..skip + rows).map(row).collect(),
        }
    }

    fn tail_of(full_page: Option<u32>, unlisted: Option<i64>, count_trust: CountTrust) -> Tail {
        Tail::new(&Known {
            full_page,
            unlisted,
            count_trust,
            ..Known::default()
        })
    }

    #[test]
    fn a_short_page_that_ends_where_the_count_says_is_the_end() {
        let tail = tail_of(Some(10), Some(2), CountTrust::default());
        assert!(tail.ends_by_count(&page(5, 20, Some(27))));
        assert!(!tail.ends_by_count(&page(5, 20, Some(28))));
        assert!(!tail.ends_by_count(&page(5, 20, None)));
        let full = page(10, 20, Some(32));
        assert!(!tail.ends_by_count(&full), "a full page may go on");
        let unlearnt = tail_of(Some(10), None, CountTrust::default());
        assert!(!unlearnt.ends_by_count(&page(5, 20, Some(25))));
        let uncapped = tail_of(None, Some(0), CountTrust::default());
        let five = page(5, 20, Some(25));
        assert!(!uncapped.ends_by_count(&five), "five may be the cap");
        assert!(uncapped.ends_by_count(&page(0, 20, Some(20))));
        // All that was asked for came.
        let asked = PageFacts { limit: 5, ..five };
        assert!(!tail_of(Some(10), Some(0), CountTrust::default()).ends_by_count(&asked));
    }

    #[test]
    fn a_count_that_is_not_relied_on_ends_nothing() {
        let unreliable = CountTrust {
            moves: 0,
            steady_runs: Some(1),
        };
        let tail = tail_of(Some(10), Some(0), unreliable);
        assert!(!tail.ends_by_count(&page(5, 20, Some(25))));
        assert_eq!(tail.listed(Some(25)), None);
    }

    /// What becomes of a trust in a run that learns b anew, or measures a difference.
    fn after(trust: CountTrust, known: i64, seen: i64) -> CountTrust {
        let mut tail = tail_of(Some(10), Some(known), trust);
        if trust.is_unreliable() {
            tail.measure(Some(seen + 50), 50);
        } else {
            tail.learn_unlisted(seen + 50, 50);
        }
        tail.trust()
    }

    #[test]
    fn a_count_that_wobbles_is_distrusted_until_it_was_steady_for_three_runs() {
        let mut trust = CountTrust::default();
        for run in 0..2 {
            trust = after(trust, run, run + 1);
            assert!(!trust.is_unreliable(), "after {run}");
        }
        assert_eq!(
            after(trust, 2, 2),
            CountTrust::default(),
            "a steady run forgives"
        );
        trust = after(trust, 2, 3);
        assert_eq!(trust.steady_runs, Some(0));
        trust = after(trust, 3, 5);
        assert_eq!(trust.steady_runs, Some(1), "another difference");
        trust = after(trust, 5, 5);
        assert_eq!(trust.steady_runs, Some(2));
        trust = after(trust, 5, 4);
        assert_eq!(trust.steady_runs, Some(1), "another difference");
        // The first run of a difference and two that see the same: three.
        trust = after(trust, 4, 4);
        assert!(trust.is_unreliable());
        assert_eq!(after(trust, 4, 4), CountTrust::default());
    }

    #[test]
    fn an_end_that_the_count_denies_is_looked_at_twice_where_no_page_was_full() {
        let other = [None, Some(Timestamp::from_millis(7))];
        let mut tail = tail_of(None, Some(2), CountTrust::default());
        for (end, count, above, is_doubtful, why) in [
            (20, 22, ABOVE, false, "as it says"),
            (20, 25, ABOVE, true, "more are counted"),
            (20, 25, ABOVE, false, "the same again"),
            (20, 26, ABOVE, true, "another count"),
            (19, 26, ABOVE, true, "another end"),
            (19, 26, ABOVE, false, "the same again"),
            (19, 26, other, true, "other rows above"),
        ] {
            let empty = page(0, end, Some(count));
            assert_eq!(tail.is_doubtful(&empty, above, 20), is_doubtful, "{why}");
        }
        let more = page(0, 20, Some(25));
        let mut full = tail_of(Some(10), Some(2), CountTrust::default());
        assert!(!full.is_doubtful(&more, ABOVE, 20), "it is known");
        assert!(full.is_doubtful(&more, ABOVE, 21), "one would be absent");
        let mut unlearnt = tail_of(None, None, CountTrust::default());
        assert!(!unlearnt.is_doubtful(&page(0, 20, Some(20)), ABOVE, 20));
        assert!(unlearnt.is_doubtful(&page(0, 20, Some(22)), ABOVE, 20));
    }

    #[test]
    fn only_a_count_that_is_distrusted_is_measured() {
        let distrusted = CountTrust {
            moves: 0,
            steady_runs: Some(0),
        };
        let mut tail = tail_of(Some(10), Some(2), distrusted);
        assert_eq!(tail.trust(), distrusted, "nothing was measured");
        tail.measure(None, 50);
        assert_eq!((tail.unlisted(), tail.trust()), (Some(2), distrusted));
        tail.measure(Some(57), 50);
        assert_eq!(tail.unlisted(), Some(7));
        let mut trusted = tail_of(Some(10), Some(2), CountTrust::default());
        trusted.measure(Some(57), 50);
        assert_eq!(trusted.unlisted(), Some(2));
        assert!(!trusted.is_uncounted(Some(57)) && trusted.is_uncounted(None));
    }

    #[test]
    fn b_that_is_learnt_for_the_first_time_or_again_is_no_move() {
        let mut tail = tail_of(None, None, CountTrust::default());
        for _ in 0..4 {
            tail.learn_unlisted(53, 50);
            assert_eq!(tail.listed(Some(53)), Some(50));
        }
        assert_eq!(tail.trust(), CountTrust::default());
        // An end with the same count forgives those with another.
        for _ in 0..2 {
            for _ in 0..7 {
                tail.contradict();
            }
            tail.learn_unlisted(53, 50);
        }
        assert_eq!(tail.listed(Some(53)), Some(50));
    }

    #[test]
    fn a_count_that_wobbles_within_one_walk_is_distrusted_at_once() {
        let mut tail = tail_of(Some(10), Some(0), CountTrust::default());
        for b in 1..3 {
            tail.learn_unlisted(50 + b, 50);
            assert_eq!(tail.listed(Some(50 + b)), Some(50));
        }
        tail.learn_unlisted(50, 50);
        assert_eq!(tail.listed(Some(50)), None);
        assert!(tail.trust().is_unreliable());

        let mut tail = tail_of(Some(10), Some(0), CountTrust::default());
        for _ in 0..7 {
            tail.contradict();
        }
        assert!(!tail.trust().is_unreliable(), "deletions do that too");
        tail.contradict();
        assert!(tail.trust().is_unreliable());
    }
}
