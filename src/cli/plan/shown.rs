//! A plan as people and programs are shown it: a table by class, the time at this rate, in how
//! many runs, and what all of it rests on.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    api::Rate,
    cli::output::{counted, grouped, human, table},
    sync::plan::{Likely, Plan, PlanClass, PlanLine},
};

/// The version of the JSON's shape; keys are only ever added to it.
const SCHEMA_VERSION: u32 = 1;

/// What the probe came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probes {
    /// Conversations asked for.
    pub(super) asked: u64,
    /// Those of which nothing could be told.
    pub(super) untold: u64,
}

/// A plan and what it is held against.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) plan: &'a Plan,
    pub(super) likely: Option<Likely>,
    /// `None` where the gateway was not asked.
    pub(super) probes: Option<Probes>,
    pub(super) rate: Rate,
    pub(super) page_size: u32,
    /// The sweep's share of the other requests, 0 to 1.
    pub(super) audit_share: f64,
    pub(super) max_requests: Option<u64>,
    pub(super) max_duration: Option<Duration>,
    /// Where an archive was looked for and there was none.
    pub(super) missing: Option<String>,
}

/// Which bound stops a run before the plan is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stop {
    option: &'static str,
    requests_a_run: u64,
    /// `None` where no run would get anywhere.
    runs: Option<u64>,
}

impl Shown<'_> {
    pub(super) fn as_json(&self) -> Value {
        let plan = self.plan;
        let seconds = |requests: u64| self.rate.least_time(requests).as_secs_f64();
        json!({
            "schema_version": SCHEMA_VERSION,
            "classes": plan.lines,
            "conversations": plan.conversations,
            "requests": plan.requests,
            "at_least": plan.at_least,
            "rate": self.rate.to_string(),
            "page_size": self.page_size,
            "audit_share": self.audit_share,
            "seconds": seconds(plan.requests),
            "likely": self.likely.map(|likely| json!({
                "requests": likely.requests,
                "seconds": seconds(likely.requests),
                "archived_conversations": likely.conversations,
                "messages_each": likely.messages_each,
            })),
            "stops_early": self.stop(plan.requests).map(|stop| json!({
                "option": stop.option,
                "requests_a_run": stop.requests_a_run,
                "runs": stop.runs,
            })),
            "probed": self.probes.map(|probes| json!({
                "asked": probes.asked,
                "untold": probes.untold,
            })),
            "unsized_conversations": plan.unsized_conversations,
            "unsized_phones": plan.unsized_phones,
            "rests_on": self.rests_on(),
        })
    }

    pub(super) fn as_text(&self) -> String {
        let plan = self.plan;
        let total = PlanLine {
            class: PlanClass::Sweep,
            conversations: plan.conversations,
            requests: plan.requests,
            at_least: plan.at_least,
            messages: 0,
        };
        let lines = plan.lines.iter().map(|line| row(name(line.class), line));
        let mut text = table(
            [
                "planned for",
                "conversations",
                "requests",
                "messages not read yet",
            ],
            lines.chain([row("all", &total)]),
        );
        text.push('\n');
        let mut say = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        say(format!(
            "time at {}: {}{}",
            self.rate,
            least(plan.at_least),
            human(self.rate.least_time(plan.requests))
        ));
        if let Some(stop) = self.stop(plan.requests) {
            say(stop_in_words(stop, plan.at_least));
        }
        if let Some(likely) = self.likely {
            say(self.likely_in_words(likely));
        }
        say("\nThis rests on:".to_owned());
        for reason in self.rests_on() {
            say(format!("- {reason}"));
        }
        text
    }

    fn likely_in_words(&self, likely: Likely) -> String {
        let mut text = format!(
            "likely: {}, {}, if those never read are like the {} that are complete here \
             ({} each on average)",
            counted(likely.requests, "request"),
            human(self.rate.least_time(likely.requests)),
            grouped(likely.conversations),
            counted(likely.messages_each, "message")
        );
        if let Some(Stop {
            runs: Some(runs), ..
        }) = self.stop(likely.requests)
        {
            write!(text, ", in {}", counted(runs, "run")).expect("a string takes all");
        }
        text
    }

    /// What was known, and what was taken for granted.
    fn rests_on(&self) -> Vec<String> {
        let plan = self.plan;
        let mut reasons = Vec::new();
        reasons.push(match &self.missing {
            Some(archive) => {
                format!("no archive: there is none at {archive} yet, so everything is new")
            }
            None => "what the archive knows".to_owned(),
        });
        reasons.push(match self.probes {
            None => "nothing that the gateway says: it was not asked".to_owned(),
            Some(probes) => format!(
                "what the gateway said to {}, one for the length of each conversation that is new \
                 or not finished; {} could not be told",
                counted(probes.asked, "request"),
                grouped(probes.untold)
            ),
        });
        if plan.unsized_conversations > 0 {
            let mut reason = format!(
                "{} never read, of a length that is not known: the fewest requests are counted, \
                 two each",
                counted(plan.unsized_conversations, "conversation")
            );
            if self.probes.is_none() {
                reason.push_str("; --probe asks, one request each");
            }
            reasons.push(reason);
        }
        let is_least = |class| plan.line(class).is_some_and(|line| line.at_least);
        if is_least(PlanClass::Unfinished) {
            reasons.push(
                "the fewest requests for what is not finished and has no known length, or was \
                 read whole and left in doubt"
                    .to_owned(),
            );
        }
        if is_least(PlanClass::Full) {
            reasons.push(
                "the fewest requests for what is read again: a conversation that fits a page \
                 takes one more until a longer one has shown how long a full page is"
                    .to_owned(),
            );
        }
        if plan.unsized_phones > 0 {
            reasons.push(format!(
                "{} never looked up: their conversations are not in the plan; --probe looks",
                counted(plan.unsized_phones, "phone number")
            ));
        }
        reasons.push(format!(
            "pages of {} messages; a gateway that gives fewer takes more requests",
            self.page_size
        ));
        if plan.line(PlanClass::Sweep).is_some() {
            reasons.push(format!(
                "a sweep that spends {:.0} % of the other requests (--audit-share), or as many as \
                 there are pages to sweep",
                self.audit_share * 100.0
            ));
        }
        reasons.push(
            "a gateway that has every conversation that is new here, on which nothing moves \
             meanwhile, and that answers each request at once: what has come since the last run, \
             and what has to be repeated, comes on top"
                .to_owned(),
        );
        reasons
    }

    /// The narrower of both bounds, where it is narrower than the plan.
    fn stop(&self, requests: u64) -> Option<Stop> {
        let by_requests = self.max_requests.map(|most| ("--max-requests", most));
        let by_time = self
            .max_duration
            .map(|time| ("--max-duration", self.rate.most_requests(time)));
        let bounds = by_requests.into_iter().chain(by_time);
        let (option, requests_a_run) = bounds.min_by_key(|(_, most)| *most)?;
        (requests_a_run < requests).then(|| Stop {
            option,
            requests_a_run,
            runs: (requests_a_run > 0).then(|| requests.div_ceil(requests_a_run)),
        })
    }
}

const fn name(class: PlanClass) -> &'static str {
    match class {
        PlanClass::Discovery => "looking up phone numbers",
        PlanClass::NeverRead => "never read",
        PlanClass::Unfinished => "not finished, or failed",
        PlanClass::Full => "read again (--full)",
        PlanClass::Idle => "complete: what is new",
        PlanClass::GoneOrForbidden => "gone or forbidden",
        PlanClass::Sweep => "sweep of what is proven",
    }
}

fn row(name: &str, line: &PlanLine) -> [String; 4] {
    let conversations = match line.conversations {
        0 => "-".to_owned(),
        number => grouped(number),
    };
    let is_reading = matches!(line.class, PlanClass::NeverRead | PlanClass::Unfinished);
    let messages = match line.messages {
        0 if is_reading && line.at_least => "not known".to_owned(),
        0 if is_reading => "0".to_owned(),
        0 => "-".to_owned(),
        number => format!("{}{}", least(line.at_least), grouped(number)),
    };
    [
        name.to_owned(),
        conversations,
        format!("{}{}", least(line.at_least), grouped(line.requests)),
        messages,
    ]
}

const fn least(at_least: bool) -> &'static str {
    if at_least { "at least " } else { "" }
}

fn stop_in_words(stop: Stop, at_least: bool) -> String {
    let Stop {
        option,
        requests_a_run,
        runs,
    } = stop;
    match runs {
        None => format!("{option} lets no request through: no run would get anywhere"),
        Some(runs) => format!(
            "{option} stops a run after {}: {}{}, each goes on where the last one stopped",
            counted(requests_a_run, "request"),
            least(at_least),
            counted(runs, "run")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::RunId,
        store::Size,
        sync::plan::{PlanOptions, Planner, Probed},
    };

    fn planned(lengths: &[Probed]) -> Plan {
        let mut planner = Planner::new(PlanOptions {
            page_size: 100,
            full: false,
            audit_share: 0.1,
            run: RunId(2),
        });
        planner.add_phones(120, 0);
        for length in lengths {
            planner.add_unknown(*length);
        }
        planner.finish()
    }

    fn shown(plan: &Plan) -> Shown<'_> {
        Shown {
            plan,
            likely: None,
            probes: None,
            rate: "5/s".parse().unwrap(),
            page_size: 100,
            audit_share: 0.1,
            max_requests: None,
            max_duration: None,
            missing: None,
        }
    }

    #[test]
    fn people_are_shown_what_is_known_and_what_is_not() {
        let plan = planned(&[Probed::Nothing, Probed::Counted(1_060), Probed::Refused]);
        let shown = Shown {
            likely: plan.likely(&[Size {
                messages: 292,
                conversations: 4,
            }]),
            missing: Some("sqlite:convault.db".to_owned()),
            max_duration: Some(Duration::from_secs(1)),
            ..shown(&plan)
        };
        insta::assert_snapshot!(shown.as_text());
    }

    #[test]
    fn programs_are_given_an_object() {
        let plan = planned(&[Probed::Counted(50), Probed::Nothing]);
        let shown = Shown {
            probes: Some(Probes {
                asked: 2,
                untold: 1,
            }),
            max_requests: Some(4),
            ..shown(&plan)
        };
        insta::assert_json_snapshot!(shown.as_json());
    }

    #[test]
    fn the_narrower_bound_says_in_how_many_runs() {
        let plan = planned(&[]);
        let stop = |max_requests, max_duration: Option<u64>, requests| {
            let shown = Shown {
                max_requests,
                max_duration: max_duration.map(Duration::from_secs),
                ..shown(&plan)
            };
            shown
                .stop(requests)
                .map(|stop| (stop.option, stop.requests_a_run, stop.runs))
        };
        assert_eq!(stop(None, None, 1_000), None);
        assert_eq!(stop(Some(100), None, 100), None);
        assert_eq!(
            stop(Some(100), Some(60), 101),
            Some(("--max-requests", 100, Some(2)))
        );
        // 10 s at 5/s, and the one at once.
        assert_eq!(
            stop(Some(100), Some(10), 103),
            Some(("--max-duration", 51, Some(3)))
        );
        assert_eq!(stop(Some(0), None, 1), Some(("--max-requests", 0, None)));
    }
}
