//! Times against the runs that wrote them: what no clock explains.
//!
//! Two clocks are stored. A run's machine says when the run began, when it ended and when a
//! version was recorded in between; it may be set right meanwhile, so a day is allowed. The
//! gateway says when a page was sent, and may be wrong by any amount: a whole run in the future
//! is its clock. A time in the future beside others of the same run that are not, by more than a
//! year, is no clock's.
//!
//! Holds a span for each run, and the few times that are suspected: memory does not grow with
//! the messages.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Check, Findings, Place};
use crate::{
    model::{ConversationState, Timestamp},
    store::{ArchivedConversation, ArchivedMessage, ArchivedRun, ArchivedVersion},
};

/// What the clock of a run's machine may be set by while the run goes on.
pub(super) const SET_RIGHT: Duration = Duration::from_hours(24);
/// What the clocks behind one gateway may differ by.
const GATEWAY: Duration = Duration::from_hours(24 * 366);
/// Suspects that are kept; one is enough for a finding.
const SUSPECTS_MAX: usize = 1_000;

/// The times of runs, and what is suspected so far.
#[derive(Debug, Default)]
pub(super) struct Times {
    runs: HashMap<i64, Span>,
    /// The latest time by the clock of any run's machine.
    latest: Option<Timestamp>,
    /// The latest time by the gateway's clock that came with a message, present or absent.
    seen: Option<Timestamp>,
    suspects: Vec<Suspect>,
    /// Runs that have left a complete conversation without a time in the future.
    sane: HashSet<i64>,
    /// The last run that must have described what its versions changed; see [`Times::note_run`].
    described_to: i64,
}

#[derive(Debug)]
struct Span {
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    /// Whether the gateway's clock was not far ahead when some page was sent.
    is_sane: bool,
    /// The first time that is far ahead.
    ahead: Option<(Timestamp, Place)>,
}

/// A time of the gateway that is later than any run.
#[derive(Debug)]
struct Suspect {
    time: Timestamp,
    place: Place,
    run: Option<i64>,
}

impl Times {
    /// Takes a run; all of them are taken, in order, before anything else.
    pub(super) fn note_run(&mut self, run: &ArchivedRun) {
        self.latest = self.latest.max(Some(run.started_at)).max(run.finished_at);
        self.runs.insert(
            run.id.0,
            Span {
                started_at: run.started_at,
                finished_at: run.finished_at,
                is_sane: false,
                ahead: None,
            },
        );
        // A run that was not stopped describes every version that is not described yet; a
        // renormalize takes all descriptions away before it makes them again.
        let ended_by_itself = matches!(run.exit_code, Some(0 | 3));
        match run.command.as_str() {
            "sync" | "renormalize" if ended_by_itself => self.described_to = run.id.0,
            "renormalize" => self.described_to = 0,
            _ => {}
        }
    }

    /// The last run whose versions must have been described.
    pub(super) const fn described_to(&self) -> i64 {
        self.described_to
    }

    /// Checks when the versions of a message were recorded, and notes when pages were sent.
    pub(super) fn check_message(
        &mut self,
        message: &ArchivedMessage,
        place: &dyn Fn() -> Place,
        findings: &mut Findings,
    ) {
        for version in &message.versions {
            let place = |column| {
                let place = place().column("message_versions", column);
                place.version(version.version)
            };
            if let Some((expected, found)) = self.flaw_of(version) {
                findings.add(Check::Times, place("recorded_at"), expected, found);
            }
            self.note_sent(version.run_id, version.observed_at, &|| {
                place("observed_at")
            });
        }
        for absence in &message.absences {
            let place = || place().column("absences", "sent_at");
            self.note_sent(absence.run_id, absence.sent_at, &place);
        }
        self.suspect(message.observed_at, None, &|| {
            place().column("messages", "observed_at")
        });
    }

    fn flaw_of(&self, version: &ArchivedVersion) -> Option<(String, String)> {
        let run = self.runs.get(&version.run_id)?;
        is_outside(run, version.recorded_at).then(|| {
            (
                format!("a time of run {}, {}", version.run_id, shown(run)),
                version.recorded_at.to_string(),
            )
        })
    }

    /// Checks when a run was done with conversations.
    pub(super) fn check_outcomes(&self, run: &ArchivedRun, findings: &mut Findings) {
        let (Some(span), Some((first, last))) = (self.runs.get(&run.id.0), run.reported.finished)
        else {
            return;
        };
        if let Some(time) = [first, last]
            .into_iter()
            .find(|time| is_outside(span, *time))
        {
            let place = Place {
                run_id: Some(run.id.0),
                ..Place::archive().column("run_conversations", "finished_at")
            };
            let expected = format!("a time of the run, {}", shown(span));
            findings.add(Check::Times, place, expected, time.to_string());
        }
    }

    /// Notes when the pages of a conversation's proof were sent.
    pub(super) fn note_conversation(&mut self, conversation: &ArchivedConversation) {
        let place = || Place::conversation(&conversation.id);
        let before = self.suspects.len();
        for archived in &conversation.pieces {
            self.suspect(archived.piece.sent_at, conversation.last_run, &|| {
                let place = place().column("coverage_pieces", "sent_at");
                place.at(archived.position)
            });
        }
        if let Some(checked_at) = conversation.checked_at {
            self.suspect(checked_at, conversation.last_run, &|| {
                place().column("conversation_proofs", "checked_at")
            });
        }
        let is_complete = conversation.state == ConversationState::Complete.as_str();
        if let Some(run) = conversation.last_run
            && is_complete
            && self.suspects.len() == before
        {
            self.sane.insert(run);
        }
    }

    /// What can be said once everything was looked at.
    pub(super) fn finish(self, findings: &mut Findings) {
        let mut add = |time: Timestamp, place| {
            let expected = "a time that some clock explains: others of the same run are not ahead";
            findings.add(Check::Times, place, expected, time.to_string());
        };
        let mut runs: Vec<(i64, Span)> = self.runs.into_iter().collect();
        runs.sort_unstable_by_key(|(run, _)| *run);
        for (_, span) in runs {
            if let Some((time, place)) = span.ahead.filter(|_| span.is_sane) {
                add(time, place);
            }
        }
        let explained = self.seen.map(|seen| seen.plus(GATEWAY));
        for suspect in self.suspects {
            let is_alone = match suspect.run {
                Some(run) => self.sane.contains(&run),
                None => !self.sane.is_empty(),
            };
            if is_alone && explained.is_some_and(|explained| suspect.time > explained) {
                add(suspect.time, suspect.place);
            }
        }
    }

    fn note_sent(&mut self, run: i64, time: Timestamp, place: &dyn Fn() -> Place) {
        self.seen = self.seen.max(Some(time));
        let latest = self.latest;
        let Some(span) = self.runs.get_mut(&run) else {
            return;
        };
        let end = span.finished_at.or(latest).unwrap_or(span.started_at);
        if time <= end.plus(GATEWAY) {
            span.is_sane = true;
        } else if span.ahead.is_none() {
            span.ahead = Some((time, place()));
        }
    }

    fn suspect(&mut self, time: Timestamp, run: Option<i64>, place: &dyn Fn() -> Place) {
        let is_ahead = self
            .latest
            .is_some_and(|latest| time > latest.plus(GATEWAY));
        if is_ahead && self.suspects.len() < SUSPECTS_MAX {
            let place = place();
            self.suspects.push(Suspect { time, place, run });
        }
    }
}

/// Whether a time by the clock of the run's machine is not one of the run. How long a run was at
/// work that has no end is not known.
fn is_outside(run: &Span, time: Timestamp) -> bool {
    time < run.started_at.minus(SET_RIGHT)
        || run
            .finished_at
            .is_some_and(|end| time > end.plus(SET_RIGHT))
}

fn shown(run: &Span) -> String {
    let end = run.finished_at;
    let end = end.map_or("without an end".to_owned(), |end| format!("to {end}"));
    format!("{} {end}", run.started_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ConversationKey, MessageId, RunId},
        store::{ArchivedOutcomes, ArchivedVersion},
    };

    const HOUR_MS: i64 = 3_600_000;
    const YEAR_MS: i64 = HOUR_MS * 24 * 366;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A run of an hour, by its own clock.
    fn run(id: i64, command: &str, exit_code: Option<i64>) -> ArchivedRun {
        ArchivedRun {
            id: RunId(id),
            command: command.to_owned(),
            started_at: at(0),
            finished_at: exit_code.map(|_| at(HOUR_MS)),
            outcome: None,
            exit_code,
            listed: 0,
            complete: 0,
            waived: 0,
            otherwise: 0,
            not_reached: 0,
            empty: 0,
            messages: [0; 3],
            requests: [0; 3],
            reported: ArchivedOutcomes::default(),
        }
    }

    /// A message that one run saw first, recorded and asked for at these times.
    fn message(run_id: i64, recorded_at: i64, observed_at: i64) -> ArchivedMessage {
        ArchivedMessage {
            key: 1,
            conversation: ConversationKey(1),
            conversation_id: "conv_1".to_owned(),
            id: MessageId::new("m"),
            version: 1,
            created_at: None,
            observed_at: at(observed_at),
            observed_run: Some(run_id),
            first_seen_run: run_id,
            missing_since: None,
            missing_run: None,
            deleted_at: None,
            versions: vec![ArchivedVersion {
                version: 1,
                event: "created".to_owned(),
                observed_at: at(observed_at),
                recorded_at: at(recorded_at),
                run_id,
                sha256: None,
                raw_bytes: None,
            }],
            absences: Vec::new(),
        }
    }

    fn of_runs(runs: &[ArchivedRun]) -> Times {
        let mut times = Times::default();
        for run in runs {
            times.note_run(run);
        }
        times
    }

    fn found(runs: &[ArchivedRun], messages: &[ArchivedMessage]) -> Vec<&'static str> {
        let (mut times, mut findings) = (of_runs(runs), Findings::keeping(9));
        for message in messages {
            times.check_message(message, &Place::archive, &mut findings);
        }
        times.finish(&mut findings);
        let found = findings.kept().iter();
        found.map(|one| one.place.column.unwrap_or("")).collect()
    }

    #[test]
    fn a_version_is_recorded_while_its_run_goes_on_but_for_a_clock_that_is_set_right() {
        let runs = [run(1, "sync", Some(0)), run(2, "sync", None)];
        let one = |run, recorded| found(&runs, &[message(run, recorded, 0)]);
        for recorded in [-23 * HOUR_MS, 0, HOUR_MS, 24 * HOUR_MS] {
            assert_eq!(one(1, recorded), Vec::<&str>::new(), "{recorded}");
        }
        assert_eq!(one(1, -25 * HOUR_MS), ["recorded_at"]);
        assert_eq!(one(1, 26 * HOUR_MS), ["recorded_at"]);
        // When a run was killed is not known.
        assert_eq!(one(2, 26 * HOUR_MS), Vec::<&str>::new());
        assert_eq!(one(2, -25 * HOUR_MS), ["recorded_at"]);
    }

    #[test]
    fn a_gateway_may_live_in_the_future_but_not_in_two_times_at_once() {
        let runs = [run(1, "sync", Some(0)), run(2, "sync", Some(0))];
        let far = 9 * YEAR_MS;
        let ahead = [message(1, 0, far), message(1, 0, far + 1)];
        assert_eq!(found(&runs, &ahead), Vec::<&str>::new());
        let set_right = [message(1, 0, far), message(2, 0, 0)];
        assert_eq!(found(&runs, &set_right), Vec::<&str>::new());
        let both = [message(1, 0, 0), message(1, 0, far)];
        assert_eq!(found(&runs, &both), ["observed_at"]);
        let behind = [message(1, 0, 0), message(1, 0, -far)];
        assert_eq!(found(&runs, &behind), Vec::<&str>::new());
    }

    #[test]
    fn what_versions_changed_is_described_once_a_run_ends_by_itself() {
        let described_to = |runs: &[ArchivedRun]| of_runs(runs).described_to();
        let complete = || run(1, "sync", Some(0));
        assert_eq!(described_to(&[run(1, "sync", None)]), 0);
        assert_eq!(described_to(&[complete(), run(2, "sync", Some(143))]), 1);
        let rebuilt = |exit_code| run(2, "renormalize", exit_code);
        assert_eq!(described_to(&[complete(), rebuilt(Some(0))]), 2);
        assert_eq!(described_to(&[complete(), rebuilt(None)]), 0);
        let after = run(3, "sync", Some(3));
        assert_eq!(described_to(&[complete(), rebuilt(None), after]), 3);
    }
}
