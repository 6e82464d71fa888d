//! `convault status`: coverage, the last runs, failures, the age of the oldest proof.

use serde_json::{Map, Value, json};

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted, grouped, human, printable, table},
};
use crate::{
    config::ArchiveArgs,
    model::Timestamp,
    store::{RunRow, Status},
    sync::{
        plan::{PastRun, SweepBound},
        usual_share,
    },
};

/// The pages by which the sweep's bound is told: the default length. What a run used is not kept.
const PAGE_SIZE: u32 = 100;

/// Show coverage, the last runs, failures and the age of the oldest proof.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault status\n  convault status --json | jq .conversations"
)]
pub(super) struct StatusCommand {
    /// One JSON object in place of tables.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

impl StatusCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let store = context.open_to_read("status", &self.archive).await?;
        let status = store.read_status().await;
        let sizes = store.read_sizes().await;
        let hidden = usual_share(&store).await;
        store.close().await;
        let (status, hidden) = (status?, hidden?);
        let bound = SweepBound::new(&sizes?, PAGE_SIZE, &past_runs(&status.runs));
        if self.json {
            output::print_json(&as_json(&status, bound, hidden))?;
        } else {
            let mut text = as_text(&status, bound, context.clock.now());
            if let Some(thousandths) = hidden {
                text.push_str(&hidden_in_words(thousandths));
            }
            output::print(&text)?;
        }
        Ok(Exit::Done)
    }
}

/// The runs that sync; a run without an end has not counted its sweep.
fn past_runs(runs: &[RunRow]) -> Vec<PastRun> {
    runs.iter()
        .filter(|run| run.command == "sync")
        .filter_map(|run| {
            Some(PastRun {
                started_at: run.started_at.parse().ok()?,
                swept: run.finished_at.is_some().then_some(run.swept),
            })
        })
        .collect()
}

/// Within what a deep edit, and a deletion that the count does not show, is found.
fn bound_as_json(bound: SweepBound) -> Value {
    let (pages, runs, swept, takes) = match bound {
        SweepBound::EachRun => (0, Some(1), None, None),
        SweepBound::NotYet { pages } => (pages, None, None, None),
        SweepBound::Within {
            pages,
            runs,
            swept,
            swept_by,
            takes,
        } => (pages, Some(runs), Some((swept, swept_by)), takes),
    };
    json!({
        "page_size": PAGE_SIZE,
        "pages": pages,
        "within_runs": runs,
        "within_seconds": takes.map(|takes| takes.as_secs()),
        "swept": swept.map(|(requests, _)| requests),
        "swept_by_runs": swept.map(|(_, runs)| runs),
    })
}

fn bound_in_words(bound: SweepBound) -> String {
    match bound {
        SweepBound::EachRun => format!(
            "Every edit and deletion is found by the next run: no complete conversation is longer \
             than the page of {PAGE_SIZE} that each run reads."
        ),
        SweepBound::NotYet { pages } => format!(
            "It is not known within how many runs every edit and deletion is found: no run has \
             swept yet ({} of {PAGE_SIZE} to sweep). `convault sync --full` reads everything.",
            counted(pages, "page")
        ),
        SweepBound::Within {
            pages,
            runs,
            swept,
            swept_by,
            takes,
        } => {
            let takes = takes.map_or_else(String::new, |takes| {
                format!(" (about {} at the last runs' pace)", human(takes))
            });
            format!(
                "Every edit and deletion is found within {}{takes}: {} of {PAGE_SIZE} to sweep, \
                 {} swept by the last {}.",
                counted(runs, "run"),
                counted(pages, "page"),
                grouped(swept),
                counted(swept_by, "run")
            )
        }
    }
}

/// What this gateway usually counts and does not list, in thousandths of the count.
fn hidden_in_words(thousandths: u64) -> String {
    format!(
        "\nThis gateway counts more messages than it lists, usually {}.{} % of a conversation: they \
         are taken for hidden ones (notes, events) and are no failure.\n",
        thousandths / 10,
        thousandths % 10
    )
}

fn as_json(status: &Status, bound: SweepBound, hidden: Option<u64>) -> Value {
    let by_name = |pairs: &[(String, u64)]| -> Map<String, Value> {
        pairs
            .iter()
            .map(|(name, number)| (name.clone(), json!(number)))
            .collect()
    };
    json!({
        "gateway_url": status.gateway_url,
        "conversations": by_name(&status.conversations),
        "waived": status.waived,
        "messages": status.messages,
        "missing": status.missing,
        "anomalies": status.anomalies,
        "failures": by_name(&status.failures),
        "oldest_proof": status.oldest_proof,
        "newest_message": status.newest_message,
        "deep_edits": bound_as_json(bound),
        "usually_hidden_per_thousand": hidden,
        "runs": status.runs,
    })
}

fn as_text(status: &Status, bound: SweepBound, now: Timestamp) -> String {
    let aged = |time: &Option<String>| match time {
        None => "none yet".to_owned(),
        Some(text) => match text.parse::<Timestamp>() {
            Ok(time) => format!("{text} ({} ago)", human(now.since(time))),
            Err(_) => text.clone(),
        },
    };
    let mut text = table(
        [
            "archive of",
            status.gateway_url.as_deref().unwrap_or("no gateway yet"),
        ]
        .map(printable)
        .each_ref()
        .map(String::as_str),
        [
            ["messages".to_owned(), grouped(status.messages)],
            ["newest message".to_owned(), aged(&status.newest_message)],
            ["oldest proof".to_owned(), aged(&status.oldest_proof)],
            [
                "missing, not yet confirmed".to_owned(),
                grouped(status.missing),
            ],
            ["anomalies".to_owned(), grouped(status.anomalies)],
        ],
    );
    text.push('\n');
    let waived = [("waived, among these".to_owned(), status.waived)];
    // States that no conversation is in say nothing, but for the one that is hoped for.
    let by_state = status
        .conversations
        .iter()
        .filter(|(state, number)| *number > 0 || state == "complete");
    text.push_str(&table(
        ["conversations", "number"],
        by_state
            .chain(waived.iter().filter(|(_, number)| *number > 0))
            .map(|(state, number)| [state.clone(), grouped(*number)]),
    ));
    if !status.failures.is_empty() {
        text.push('\n');
        text.push_str(&table(
            ["open failures", "number"],
            status
                .failures
                .iter()
                .map(|(class, number)| [class.clone(), grouped(*number)]),
        ));
    }
    if !status.runs.is_empty() {
        text.push('\n');
        text.push_str(&runs_table(&status.runs));
        text.push('\n');
        text.push_str(&bound_in_words(bound));
        text.push('\n');
    }
    if !status.failures.is_empty() {
        text.push_str(
            "\nnext: `convault failures list` names them, `convault explain ID` says why\n",
        );
    }
    text
}

fn runs_table(runs: &[RunRow]) -> String {
    table(
        [
            "run",
            "started (UTC)",
            "took",
            "outcome",
            "code",
            "complete",
            "new",
            "requests",
        ],
        runs.iter().map(run_row),
    )
}

fn run_row(run: &RunRow) -> [String; 8] {
    let took = run.finished_at.as_ref().and_then(|finished| {
        let started: Timestamp = run.started_at.parse().ok()?;
        Some(human(finished.parse::<Timestamp>().ok()?.since(started)))
    });
    [
        run.id.0.to_string(),
        to_the_second(&run.started_at),
        took.unwrap_or_else(|| "-".to_owned()),
        run.outcome
            .clone()
            .unwrap_or_else(|| "running or killed".to_owned()),
        run.exit_code
            .map_or_else(|| "-".to_owned(), |code| code.to_string()),
        format!("{}/{}", grouped(run.complete), grouped(run.listed)),
        grouped(run.new_messages),
        grouped(run.requests),
    ]
}

/// `2025-01-02 09:00:00` of a time as the archive gives it.
fn to_the_second(time: &str) -> String {
    time.get(..19)
        .map_or_else(|| time.to_owned(), |time| time.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::RunId;

    fn status() -> Status {
        Status {
            gateway_url: Some("https://a.example".to_owned()),
            conversations: vec![("complete".to_owned(), 1_198), ("gone".to_owned(), 2)],
            waived: 1,
            messages: 1_234_567,
            missing: 3,
            anomalies: 0,
            failures: vec![("gone".to_owned(), 1)],
            oldest_proof: Some("1970-01-01T00:00:00.000Z".to_owned()),
            newest_message: None,
            runs: vec![RunRow {
                id: RunId(7),
                command: "sync".to_owned(),
                started_at: "1970-01-01T00:00:00.000Z".to_owned(),
                finished_at: Some("1970-01-01T00:01:30.000Z".to_owned()),
                outcome: Some("incomplete".to_owned()),
                exit_code: Some(3),
                listed: 1_200,
                complete: 1_198,
                new_messages: 42,
                requests: 1_210,
                planned: Some(1_200),
                swept: 10,
            }],
        }
    }

    const BOUND: SweepBound = SweepBound::Within {
        pages: 1_150,
        runs: 12,
        swept: 1_000,
        swept_by: 10,
        takes: Some(Duration::from_hours(12)),
    };

    #[test]
    fn people_are_shown_tables() {
        let now = Timestamp::from_millis(7_200_000);
        insta::assert_snapshot!(as_text(&status(), BOUND, now));
    }

    #[test]
    fn programs_are_given_objects_by_name() {
        insta::assert_json_snapshot!(as_json(&status(), BOUND, Some(31)));
    }

    #[test]
    fn a_bound_that_is_not_known_is_said_to_be_so() {
        insta::assert_snapshot!(
            [
                SweepBound::EachRun,
                SweepBound::NotYet { pages: 1 },
                SweepBound::Within {
                    pages: 3,
                    runs: 1,
                    swept: 5,
                    swept_by: 1,
                    takes: None,
                },
            ]
            .map(bound_in_words)
            .join("\n")
        );
        assert_eq!(
            bound_as_json(SweepBound::NotYet { pages: 1 })["within_runs"],
            Value::Null
        );
    }

    #[test]
    fn only_runs_that_sync_tell_the_pace() {
        let run = status().runs.remove(0);
        let other = RunRow {
            command: "renormalize".to_owned(),
            ..run.clone()
        };
        let killed = RunRow {
            finished_at: None,
            ..run.clone()
        };
        let swept: Vec<_> = past_runs(&[other, killed, run])
            .iter()
            .map(|run| run.swept)
            .collect();
        assert_eq!(swept, [None, Some(10)]);
    }
}
