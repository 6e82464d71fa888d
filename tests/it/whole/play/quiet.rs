//! The quiet at the end of a scenario: the archive becomes equal to the gateway, and stays idle.

use convault::sync::Summary;

use super::{Order, Play};
use crate::whole::{Tally, dump::Dump, scenario::GRID};

/// Runs over a quiet gateway until everything is complete, at most.
const QUIET_RUNS: u32 = 3;
/// As many more until a count that was not relied on is: its difference must stay the same for
/// three runs after the one that measured it.
const DISTRUSTFUL_RUNS: u32 = 4;

impl Play<'_> {
    /// Nothing goes wrong any more, nothing changes: the archive becomes equal to the gateway.
    pub(super) async fn fall_quiet(&mut self, tally: &mut Tally) {
        self.simulator.set_faults(self.scenario.standing.clone());
        self.truth.note_faults(&self.scenario.standing);
        for id in &self.ids {
            self.simulator.set_answer(id, None);
        }
        let mut runs = 0;
        let mut runs_max = QUIET_RUNS;
        loop {
            if self.distrusted().await > 0 {
                runs_max = QUIET_RUNS + DISTRUSTFUL_RUNS;
            }
            let summary = self.quiet_run(false, tally).await;
            runs += 1;
            let counts = summary.report.conversations;
            if self.truth.is_unprovable() {
                tally.add("unprovable scenarios", 1);
                return;
            }
            if counts.complete == counts.listed || runs == runs_max {
                break;
            }
        }
        tally.add("quiet runs until complete", u64::from(runs));
        self.truth.assert_complete(self.lane).await;
        self.truth.assert_same_ids(self.lane).await;
        // Deep edits, and what was masked, are found where everything is read again.
        if !self.truth.is_equal(self.lane).await || self.scenario.seed.is_multiple_of(4) {
            self.quiet_run(true, tally).await;
            tally.add("whole readings in the quiet", 1);
            self.truth.assert_complete(self.lane).await;
        }
        self.bury(tally).await;
        self.idle_run(tally).await;
        self.truth.assert_equal(self.lane).await;
        let missing = self.truth.missing(self.lane).await;
        assert_eq!(missing, 0, "seed {}: no tombstone", self.scenario.seed);
    }

    /// What is missing gets its tombstone by one more look. One that shares its time with many
    /// may not be enclosed by a page of that look, and waits for a whole reading.
    async fn bury(&mut self, tally: &mut Tally) {
        for full in [false, true] {
            if self.truth.missing(self.lane).await == 0 {
                return;
            }
            if full {
                tally.add("tombstones that waited for a whole reading", 1);
                self.quiet_run(true, tally).await;
            }
            self.quiet_run(false, tally).await;
        }
    }

    /// Conversations whose count is not relied on.
    async fn distrusted(&mut self) -> u64 {
        let sql = "select count(*) from conversations where count_steady_runs is not null";
        self.lane.rows(sql).await[0][0].parse().unwrap()
    }

    async fn idle_run(&mut self, tally: &mut Tally) {
        let before = Dump::of_messages(self.lane).await;
        let distrusted = self.distrusted().await;
        tally.add("idle looks at a tail that no count proves", distrusted);
        let summary = self.quiet_run(false, tally).await;
        let seed = self.scenario.seed;
        let messages = summary.report.messages;
        assert_eq!(
            summary.report.requests.total,
            self.ids.len() as u64 + distrusted,
            "seed {seed}: an idle run asks once for each conversation, twice without a count"
        );
        assert_eq!(
            (messages.new, messages.changed, messages.deleted),
            (0, 0, 0),
            "seed {seed}: an idle run"
        );
        let after = Dump::of_messages(self.lane).await;
        before.assert_same(
            &after,
            &format!("seed {seed}: before and after an idle run"),
        );
    }

    async fn quiet_run(&mut self, full: bool, tally: &mut Tally) -> Summary {
        self.truth.begin_run(self.clock.now());
        self.note_lengths(true);
        let order = Order {
            full,
            accept_deletions: true,
            stop: None,
        };
        let summary = self.run(order).await;
        self.truth
            .check_run(&self.simulator, self.lane, Some(&summary), tally)
            .await;
        self.clock.advance(6 * GRID);
        summary
    }
}
