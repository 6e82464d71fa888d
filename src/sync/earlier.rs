//! The earlier runs, by this machine's clock: what of them lies λ back.
//!
//! The second witness of every wait: two signs count as λ apart only if the times of their pages
//! say so and this machine's clock does too, so that neither a wrong `Date` nor a wrong clock here
//! makes two of one.

use std::time::Duration;

use crate::{
    model::{RunId, Timestamp},
    store::RunTimes,
};

/// Runs whose times are looked at. That more of them lie within λ only makes a sign wait longer.
pub(super) const RUNS_MAX: u32 = 50;

/// When the earlier runs had ended.
#[derive(Debug)]
pub(super) struct EarlierRuns {
    /// The last ones, newest first, each with a time by which it had ended.
    ended: Vec<(RunId, Timestamp)>,
    /// The latest time that any of them has noted.
    latest: Option<Timestamp>,
}

impl EarlierRuns {
    /// Those before this run; `times` are the last runs, newest first, this one among them.
    pub(super) fn new(run: RunId, times: &[RunTimes]) -> Self {
        let mut ended = Vec::new();
        let mut bound = Timestamp::from_millis(i64::MAX);
        let mut latest = None;
        for times in times {
            latest = latest.max(Some(times.started_at)).max(times.finished_at);
            // It had ended before a later one began: only one runs at a time.
            bound = bound.min(times.finished_at.unwrap_or(bound));
            if times.run < run {
                ended.push((times.run, bound));
            }
            bound = bound.min(times.started_at);
        }
        Self { ended, latest }
    }

    /// The last run that had ended λ before `now`; 0 where none had.
    pub(super) fn apart(&self, now: Timestamp, lag: Duration) -> RunId {
        let is_apart = |(_, ended): &&(RunId, Timestamp)| ended.plus(lag) <= now;
        let found = self.ended.iter().find(is_apart);
        found.map_or(RunId(0), |(run, _)| *run)
    }

    /// The latest time that this machine's clock has shown: it may have been set back since.
    pub(super) fn latest(&self, now: Timestamp) -> Timestamp {
        self.latest.map_or(now, |latest| latest.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_millis(600);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn times(run: i64, started: i64, finished: Option<i64>) -> RunTimes {
        RunTimes {
            run: RunId(run),
            started_at: at(started),
            finished_at: finished.map(at),
        }
    }

    /// The last run that lies λ back at a time, of those before run 4, oldest first.
    fn apart(earlier: &[RunTimes], now: i64) -> i64 {
        let mut all = earlier.to_vec();
        all.push(times(4, 10_000, None));
        all.reverse();
        EarlierRuns::new(RunId(4), &all).apart(at(now), LAG).0
    }

    #[test]
    fn a_run_lies_the_lag_back_when_it_had_ended_by_then() {
        let runs = [times(1, 100, Some(200)), times(3, 9_000, Some(9_500))];
        assert_eq!(apart(&runs, 10_099), 1);
        assert_eq!(apart(&runs, 10_100), 3);
        assert_eq!(apart(&[], 10_100), 0);
    }

    #[test]
    fn one_that_was_killed_had_ended_when_the_next_began() {
        let runs = [times(2, 100, None), times(3, 9_000, None)];
        assert_eq!(apart(&runs, 10_000), 2);
        assert_eq!(apart(&runs, 10_600), 3);
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_keeps_nothing_waiting_for_a_year() {
        let ahead = [times(3, 900_000, Some(900_100))];
        assert_eq!(apart(&ahead, 10_600), 3);
    }
}
