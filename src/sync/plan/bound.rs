//! Within how many runs the sweep comes round: the bound for deep edits and for deletions that
//! the count does not show.

use std::time::Duration;

use super::cost::Pages;
use crate::{model::Timestamp, store::Size};

/// A run of the past, as far as its pace is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRun {
    /// When it started.
    pub started_at: Timestamp,
    /// The requests that its sweep spent; `None` where the run has no end, so that nobody counted.
    pub swept: Option<u64>,
}

/// Within what every edit and every deletion is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepBound {
    /// Every complete conversation fits one page, which each run reads anyway.
    EachRun,
    /// There are pages to sweep, and no run has swept yet.
    NotYet {
        /// How many pages.
        pages: u64,
    },
    /// The sweep comes round.
    Within {
        /// Pages to sweep.
        pages: u64,
        /// Runs that it takes.
        runs: u64,
        /// Requests that the sweeps of the last runs have spent together ...
        swept: u64,
        /// ... and how many runs those were.
        swept_by: u64,
        /// How long so many runs take, where there were two to tell the interval from.
        takes: Option<Duration>,
    },
}

impl SweepBound {
    /// The bound for complete conversations of these sizes, by pages of `page_size`, at the pace
    /// of the last runs, newest first: pages to sweep ÷ sweep requests a run × the median
    /// interval between their starts.
    pub fn new(sizes: &[Size], page_size: u32, last: &[PastRun]) -> Self {
        let each = Pages::of(page_size);
        let pages: u64 = sizes
            .iter()
            .map(|size| each.below_head(size.messages) * size.conversations)
            .sum();
        if pages == 0 {
            return Self::EachRun;
        }
        let swept: u64 = last.iter().filter_map(|run| run.swept).sum();
        let swept_by = last.iter().filter(|run| run.swept.is_some()).count() as u64;
        if swept == 0 {
            return Self::NotYet { pages };
        }
        let runs = pages.saturating_mul(swept_by).div_ceil(swept);
        let takes = median_interval(last)
            .map(|interval| interval.saturating_mul(u32::try_from(runs).unwrap_or(u32::MAX)));
        Self::Within {
            pages,
            runs,
            swept,
            swept_by,
            takes,
        }
    }
}

fn median_interval(last: &[PastRun]) -> Option<Duration> {
    let mut between: Vec<Duration> = last
        .windows(2)
        .map(|pair| pair[0].started_at.since(pair[1].started_at))
        .collect();
    between.sort_unstable();
    between.get(between.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(messages: u64, conversations: u64) -> Vec<Size> {
        vec![Size {
            messages,
            conversations,
        }]
    }

    /// Newest first.
    fn runs(of: &[(u64, Option<u64>)]) -> Vec<PastRun> {
        of.iter()
            .map(|&(minute, swept)| PastRun {
                started_at: Timestamp::from_millis(i64::try_from(minute).unwrap() * 60_000),
                swept,
            })
            .collect()
    }

    #[test]
    fn it_is_pages_by_requests_a_run_times_the_median_interval() {
        // 200 conversations of 3 pages below the head; 60 requests a run, hourly but for a gap.
        let last = runs(&[
            (1_300, Some(60)),
            (120, Some(60)),
            (60, Some(60)),
            (0, Some(60)),
        ]);
        assert_eq!(
            SweepBound::new(&sizes(388, 200), 100, &last),
            SweepBound::Within {
                pages: 600,
                runs: 10,
                swept: 240,
                swept_by: 4,
                takes: Some(Duration::from_hours(10)),
            }
        );
    }

    #[test]
    fn a_part_of_a_run_is_a_run_and_a_killed_run_counts_for_the_interval_alone() {
        let last = runs(&[(60, Some(7)), (30, None), (0, Some(0))]);
        assert_eq!(
            SweepBound::new(&sizes(101, 8), 100, &last),
            SweepBound::Within {
                pages: 8,
                runs: 3,
                swept: 7,
                swept_by: 2,
                takes: Some(Duration::from_mins(90)),
            }
        );
    }

    #[test]
    fn one_run_tells_no_interval_and_none_tells_no_bound() {
        let bound = |last: &[PastRun]| SweepBound::new(&sizes(196, 5), 100, last);
        assert!(matches!(
            bound(&runs(&[(0, Some(5))])),
            SweepBound::Within {
                runs: 1,
                takes: None,
                ..
            }
        ));
        assert_eq!(bound(&[]), SweepBound::NotYet { pages: 5 });
        assert_eq!(
            bound(&runs(&[(9, None), (5, Some(0))])),
            SweepBound::NotYet { pages: 5 }
        );
    }

    #[test]
    fn what_fits_the_head_page_is_found_by_each_run() {
        assert_eq!(
            SweepBound::new(&sizes(100, 1_000), 100, &[]),
            SweepBound::EachRun
        );
        assert_eq!(SweepBound::new(&[], 100, &[]), SweepBound::EachRun);
    }
}
