//! What a run seldom meets, one world after the other upon one archive: times that many messages
//! share, an emptied conversation, answers that break promises, clocks that go wrong, runs that end
//! before they began.

use std::time::Duration;

use convault::simulator::{Answer, CountMode, Faults, Mutation, Schedule};
use rustix::process::Signal;

use super::place::Lived;
use crate::program::{ended, latency, signal};

/// What happens in turn. An archive has no finding after each.
pub(super) const WORLDS: [&str; 20] = [
    "two times that more messages share than fit a page, a millisecond apart",
    "a third one, and an idle run",
    "a full walk that is cut short beside them",
    "a full walk with pages that hold them",
    "everything deleted at once",
    "the mass deletion accepted",
    "some of it back",
    "another one forbidden, one gone that is back",
    "what failed waived",
    "a run that is killed",
    "a run that is told to stop",
    "a run that nobody lets in, and one without time",
    "messages without id and time",
    "ids as numbers, and nulls",
    "counts that lie",
    "rows out of order and repeated",
    "zones and names of senders",
    "the gateway's clock five years ahead",
    "the gateway's clock set right",
    "derived rows rebuilt",
];

impl Lived {
    /// One of [`WORLDS`].
    pub(super) async fn rare(&self, world: usize) {
        self.clock.advance(Duration::from_hours(1));
        match world {
            0..=3 => self.ties(world).await,
            4..=8 => self.deletions(world).await,
            9..=11 => self.endings(world).await,
            12..=15 => self.answers(world).await,
            _ => self.clocks(world).await,
        }
    }

    fn faults(&self, faults: Faults) {
        self.stage.simulator.set_faults(faults);
    }

    fn tie(&self) {
        self.mutate(0, &Mutation::Tie { n: 30 });
    }

    async fn ties(&self, world: usize) {
        let limit_cap = Some(20);
        let capped = Faults {
            limit_cap,
            ..Faults::default()
        };
        self.faults(capped);
        match world {
            0 => {
                self.tie();
                self.clock.advance(Duration::from_millis(1));
                self.tie();
                // Below them once more: what is above a point and below it is proven too.
                self.clock.advance(Duration::from_millis(7));
                self.mutate(0, &Mutation::Arrive { n: 2 });
                self.clock.advance(Duration::from_hours(1));
                self.sync_one(0, &[], 3).await;
                self.assert_passed_over(2).await;
            }
            1 => {
                self.tie();
                self.clock.advance(Duration::from_hours(1));
                self.sync_one(0, &[], 3).await;
                self.sync_one(0, &[], 3).await;
                self.assert_passed_over(3).await;
            }
            2 => {
                let arguments = ["--full", "--max-requests", "4"];
                self.sync_one(0, &arguments, 5).await;
            }
            _ => {
                self.faults(Faults::default());
                self.sync_one(0, &["--full"], 0).await;
            }
        }
    }

    async fn assert_passed_over(&self, points: i64) {
        let sql = "select count(*) from coverage_pieces where layer = 2";
        assert_eq!(self.stage.number(sql).await, points);
    }

    async fn deletions(&self, world: usize) {
        match world {
            4 => {
                self.mutate(1, &Mutation::DeleteAll);
                self.sync_one(1, &[], 0).await;
                self.clock.advance(Duration::from_hours(1));
                self.let_runs_grow_old().await;
                self.sync_one(1, &[], 3).await;
            }
            5 => {
                self.sync_one(1, &["--accept-deletions"], 0).await;
            }
            6 => {
                self.mutate(1, &Mutation::Restore { n: 5 });
                self.sync_one(1, &[], 0).await;
            }
            7 => {
                let answer = |place, answer| {
                    let id = self.id(place);
                    self.stage.simulator.set_answer(&id, answer);
                };
                answer(2, None);
                answer(5, Some(Answer::Forbidden));
                self.sync(&[], 3).await;
            }
            _ => {
                let id = self.id(5);
                let waive = ["failures", "waive", &id, "--reason", "known"];
                let waived = self.stage.run(&waive).await;
                assert_eq!(waived.code, 0, "{}", waived.stderr);
                self.sync(&[], 0).await;
                self.stage.simulator.set_answer(&self.id(5), None);
            }
        }
    }

    async fn endings(&self, world: usize) {
        if world == 11 {
            let mut refused = self.stage.sync_command(&[]);
            refused.env("IMBRACE_ACCESS_TOKEN", "api_wrong");
            let refused = crate::program::end(&mut refused).await;
            assert_eq!(refused.code, 4, "{}", refused.stderr);
            self.sync(&["--max-duration", "1ms"], 5).await;
            return;
        }
        for place in 0..6 {
            self.mutate(place, &Mutation::Arrive { n: 60 });
            self.mutate(
                place,
                &Mutation::Edit {
                    positions: vec![70],
                },
            );
        }
        self.faults(latency(20));
        let before = self.stage.simulator.stats().requests;
        let fixed = ["--page-size", "10", "--concurrency", "2"];
        let mut run = self.stage.sync_command(&fixed).spawn().unwrap();
        self.stage.requests_reach(before + 12).await;
        let (kill, is_kill) = match world {
            9 => (Signal::KILL, true),
            _ => (Signal::TERM, false),
        };
        signal(&run, kill);
        if is_kill {
            run.wait().await.unwrap();
        } else {
            let stopped = ended(run).await;
            assert_eq!(stopped.code, 143, "{}", stopped.stderr);
        }
        self.faults(Faults::default());
    }

    async fn answers(&self, world: usize) {
        let sound = Faults::default();
        self.faults(match world {
            12 => Faults { bare: 0.1, ..sound },
            13 => Faults {
                numeric_ids: 0.3,
                nulls: 0.2,
                ..sound
            },
            14 => Faults {
                count: CountMode::Lying,
                ..sound
            },
            _ => Faults {
                disorder: Schedule::always(),
                repeat: Schedule::always(),
                ..sound
            },
        });
        self.mutate(4, &Mutation::Arrive { n: 20 });
        // How it ends is another test's claim.
        let id = self.id(4);
        let run = self.stage.run(&["sync", &id, "--page-size", "20"]).await;
        assert!([0, 3].contains(&run.code), "{}", run.stderr);
        self.faults(Faults::default());
    }

    async fn clocks(&self, world: usize) {
        const YEARS: Duration = Duration::from_hours(24 * 365 * 5);
        match world {
            16 => {
                std::fs::write(self.stage.path("names.csv"), "id,name\nu_1,Ada\n").unwrap();
                let imported = self.stage.run(&["senders", "import", "names.csv"]).await;
                assert_eq!(imported.code, 0, "{}", imported.stderr);
                for zone in ["Asia/Hong_Kong", "America/Sao_Paulo"] {
                    let mut run = self.stage.sync_command(&["--page-size", "20"]);
                    run.env("CONVAULT_TIME_ZONE", zone);
                    let run = crate::program::end(&mut run).await;
                    assert!([0, 3].contains(&run.code), "{}", run.stderr);
                }
            }
            17 => {
                self.clock.advance(YEARS);
                self.mutate(1, &Mutation::Arrive { n: 3 });
                self.run_whatever_it_says().await;
            }
            18 => {
                self.set_back(YEARS);
                self.mutate(1, &Mutation::Edit { positions: vec![1] });
                self.run_whatever_it_says().await;
            }
            _ => {
                let rebuilt = self.stage.run(&["renormalize"]).await;
                assert_eq!(rebuilt.code, 0, "{}", rebuilt.stderr);
            }
        }
    }

    async fn run_whatever_it_says(&self) {
        let (run, _) = self.stage.sync(&["--page-size", "20"]).await;
        assert!([0, 3].contains(&run.code), "{}", run.stderr);
    }
}
