//! The rows of runs: against themselves, and against the versions that name them.

use super::{Check, Findings, Place, message::Written, times::SET_RIGHT};
use crate::{
    model::{RunOutcome, StopReason},
    store::ArchivedRun,
};

const OUTCOMES: [RunOutcome; 13] = [
    RunOutcome::Complete,
    RunOutcome::Incomplete,
    RunOutcome::Stopped(StopReason::MaxRequests),
    RunOutcome::Stopped(StopReason::MaxDuration),
    RunOutcome::Stopped(StopReason::RateLimited),
    RunOutcome::Stopped(StopReason::Unreachable),
    RunOutcome::Stopped(StopReason::Interrupted),
    RunOutcome::Stopped(StopReason::Terminated),
    RunOutcome::Stopped(StopReason::Unauthorized),
    RunOutcome::Stopped(StopReason::Configuration),
    RunOutcome::Stopped(StopReason::Database),
    RunOutcome::Stopped(StopReason::Held),
    RunOutcome::Stopped(StopReason::Unexpected),
];

/// The command whose runs write messages.
const SYNC: &str = "sync";

/// Checks the row of one run; `written` is what the versions say, where all of them were read.
pub(super) fn check(run: &ArchivedRun, written: &Written, findings: &mut Findings) {
    let flaws = [flaw(run, written), flaw_of_reported(run)];
    for Flaw {
        place,
        expected,
        found,
    } in flaws.into_iter().flatten()
    {
        let place = Place {
            run_id: Some(run.id.0),
            ..Place::archive().column(place.0, place.1)
        };
        findings.add(Check::Runs, place, expected, found);
    }
}

/// What is wrong with a run, and in which table and column.
#[derive(Debug)]
struct Flaw {
    place: (&'static str, &'static str),
    expected: String,
    found: String,
}

/// What it reported of conversations against its own counts, and against what they say of it.
fn flaw_of_reported(run: &ArchivedRun) -> Option<Flaw> {
    if run.reported.disowned > 0 {
        return Some(Flaw {
            place: ("conversations", "last_run"),
            expected: format!("run {} or a later one, which reported it", run.id.0),
            found: format!("an earlier one, {} times", run.reported.disowned),
        });
    }
    let outcome = known(run.outcome.as_deref()?)?;
    let troubled = run.waived + run.otherwise - run.not_reached;
    let has_all = run.command == SYNC && !may_have_failed_to_write(outcome);
    (has_all && run.reported.incomplete < troubled).then(|| Flaw {
        place: ("run_conversations", "state"),
        expected: format!("{troubled} conversations that are not complete, as the run counts"),
        found: run.reported.incomplete.to_string(),
    })
}

fn known(word: &str) -> Option<RunOutcome> {
    OUTCOMES.into_iter().find(|known| known.as_str() == word)
}

/// A run whose database failed has counted what may not be there, and the other way round.
fn may_have_failed_to_write(outcome: RunOutcome) -> bool {
    matches!(outcome.exit_code(), 1 | 8)
}

/// The first thing that is wrong with its row, if anything is.
fn flaw(run: &ArchivedRun, written: &Written) -> Option<Flaw> {
    let told = |column, expected: &str, found: String| {
        Some(Flaw {
            place: ("runs", column),
            expected: expected.to_owned(),
            found,
        })
    };
    let has_end = [run.outcome.is_some(), run.exit_code.is_some()];
    if has_end != [run.finished_at.is_some(); 2] {
        let expected = "a time, an outcome and an exit code, or none of them";
        return told("finished_at", expected, "some of them".to_owned());
    }
    if let Some(end) = run.finished_at
        && run.started_at.minus(SET_RIGHT) > end
    {
        let found = format!("{}, ended {end}", run.started_at);
        return told("started_at", "a time before its end", found);
    }
    let word = run.outcome.as_deref()?;
    let Some(outcome) = known(word) else {
        return told(
            "outcome",
            "an outcome that is known",
            "another word".to_owned(),
        );
    };
    if run.exit_code != Some(i64::from(outcome.exit_code())) {
        let found = run.exit_code.unwrap_or_default().to_string();
        let expected = format!("{} of {word}", outcome.exit_code());
        return told("exit_code", &expected, found);
    }
    let ended = run.complete + run.waived + run.otherwise;
    if ended != run.listed {
        let found = format!("{} listed", run.listed);
        return told("conversations_listed", &ended.to_string(), found);
    }
    if outcome == RunOutcome::Complete && run.otherwise != 0 {
        let found = format!("{} that are neither", run.otherwise);
        return told("outcome", "all complete or waived", found);
    }
    if run.empty > run.complete {
        let expected = format!("{} at most, the complete ones", run.complete);
        return told("conversations_empty", &expected, run.empty.to_string());
    }
    let [total, retried, throttled] = run.requests;
    if retried > total || throttled > total {
        let found = format!("{retried} repeated and {throttled} throttled of {total}");
        return told(
            "requests_total",
            "no more requests of a kind than in all",
            found,
        );
    }
    flaw_of_messages(run, outcome, written)
}

/// A run that ended by itself has counted what it committed. One whose database failed may have
/// committed more than it was told of.
fn flaw_of_messages(run: &ArchivedRun, outcome: RunOutcome, written: &Written) -> Option<Flaw> {
    if run.command != SYNC || may_have_failed_to_write(outcome) {
        return None;
    }
    let versions = written.get(&run.id.0).copied().unwrap_or_default();
    ["messages_new", "messages_changed", "messages_deleted"]
        .into_iter()
        .zip(versions.into_iter().zip(run.messages))
        .find(|(_, (versions, counted))| i64::try_from(*versions) != Ok(*counted))
        .map(|(column, (versions, counted))| Flaw {
            place: ("runs", column),
            expected: format!("{versions} by the versions"),
            found: counted.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{RunId, Timestamp},
        store::ArchivedOutcomes,
    };

    fn sound() -> ArchivedRun {
        ArchivedRun {
            id: RunId(4),
            command: "sync".to_owned(),
            started_at: Timestamp::from_millis(0),
            finished_at: Some(Timestamp::from_millis(60_000)),
            outcome: Some("incomplete".to_owned()),
            exit_code: Some(3),
            listed: 6,
            complete: 3,
            waived: 1,
            otherwise: 2,
            not_reached: 1,
            empty: 1,
            messages: [5, 1, 0],
            requests: [9, 2, 1],
            reported: ArchivedOutcomes {
                incomplete: 2,
                ..ArchivedOutcomes::default()
            },
        }
    }

    fn column(change: impl FnOnce(&mut ArchivedRun)) -> Option<&'static str> {
        let mut run = sound();
        change(&mut run);
        let written = Written::from([(4, [5, 1, 0])]);
        let flaw = flaw(&run, &written).or_else(|| flaw_of_reported(&run));
        flaw.map(|flaw| flaw.place.1)
    }

    #[test]
    fn a_run_agrees_with_itself_and_with_what_it_wrote() {
        assert_eq!(column(|_| {}), None);
        assert_eq!(column(|run| run.outcome = None), Some("finished_at"));
        assert_eq!(column(|run| run.finished_at = None), Some("finished_at"));
        let later = |ms| move |run: &mut ArchivedRun| run.started_at = Timestamp::from_millis(ms);
        assert_eq!(column(later(80_000_000)), None, "the clock was set");
        assert_eq!(column(later(90_000_000)), Some("started_at"));
        assert_eq!(column(|run| run.reported.incomplete = 1), Some("state"));
        assert_eq!(column(|run| run.reported.disowned = 1), Some("last_run"));
        assert_eq!(
            column(|run| run.outcome = Some("fine".into())),
            Some("outcome")
        );
        assert_eq!(column(|run| run.exit_code = Some(0)), Some("exit_code"));
        assert_eq!(column(|run| run.listed = 5), Some("conversations_listed"));
        assert_eq!(
            column(|run| (run.outcome, run.exit_code) = (Some("complete".into()), Some(0))),
            Some("outcome")
        );
        assert_eq!(column(|run| run.empty = 4), Some("conversations_empty"));
        assert_eq!(column(|run| run.requests[1] = 10), Some("requests_total"));
        assert_eq!(column(|run| run.messages[0] = 6), Some("messages_new"));
        assert_eq!(column(|run| run.messages[2] = 1), Some("messages_deleted"));
    }

    #[test]
    fn a_run_that_was_killed_or_whose_database_failed_may_have_written_more() {
        let killed = |run: &mut ArchivedRun| {
            (run.finished_at, run.outcome, run.exit_code) = (None, None, None);
            run.messages = [0; 3];
        };
        assert_eq!(column(killed), None);
        let failed = |run: &mut ArchivedRun| {
            (run.outcome, run.exit_code) = (Some("database".into()), Some(8));
            run.messages = [0; 3];
        };
        assert_eq!(column(failed), None);
        assert_eq!(
            column(|run| (run.command, run.messages) = ("renormalize".into(), [0, 9, 0])),
            None
        );
    }
}
