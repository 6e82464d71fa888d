//! What is missing or deleted: its evidence, and that what lives has none.
//!
//! A message becomes missing by a page that did not hold it (strike 1), and deleted once a page
//! of a later run has not held it either (strike 2); `deleted_at` is the time of the first. How
//! far apart the two must be was the lag of the run that saw the second, which is not stored: it
//! is checked only where the person names it.

use std::time::Duration;

use crate::store::{ArchivedAbsence, ArchivedMessage};

/// What is wrong with the evidence of one message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
    /// Whether it may be explained by a created time that has changed since.
    pub(super) is_of_place: bool,
}

impl Flaw {
    fn new(
        (table, column): (&'static str, &'static str),
        expected: &str,
        found: impl Into<String>,
    ) -> Self {
        Self {
            table,
            column,
            expected: expected.to_owned(),
            found: found.into(),
            is_of_place: false,
        }
    }
}

const MISSING_SINCE: (&str, &str) = ("messages", "missing_since");
const MISSING_RUN: (&str, &str) = ("messages", "missing_run");
const DELETED_AT: (&str, &str) = ("messages", "deleted_at");
const STRIKE: (&str, &str) = ("absences", "strike");
const SENT_AT: (&str, &str) = ("absences", "sent_at");
const RUN_ID: (&str, &str) = ("absences", "run_id");
const AFTER_TIME: (&str, &str) = ("absences", "after_time");
const EVENT: (&str, &str) = ("message_versions", "event");

/// The first thing that is wrong, if anything is.
pub(super) fn flaw(message: &ArchivedMessage, lag: Option<Duration>) -> Option<Flaw> {
    of_row(message)
        .or_else(|| of_strikes(message, lag))
        .or_else(|| of_place(message))
        .or_else(|| of_story(message))
}

/// The columns of the message against each other.
fn of_row(message: &ArchivedMessage) -> Option<Flaw> {
    if message.missing_since.is_some() != message.missing_run.is_some() {
        let expected = "a run that missed it, where it is missing, and none where it is not";
        let found = message
            .missing_run
            .map_or("null".to_owned(), |run| run.to_string());
        return Some(Flaw::new(MISSING_RUN, expected, found));
    }
    if message.deleted_at.is_some() && message.deleted_at != message.missing_since {
        let found = message
            .missing_since
            .map_or("never missing".to_owned(), |since| {
                format!("missing since {since}")
            });
        return Some(Flaw::new(
            DELETED_AT,
            "the time of the first absence",
            found,
        ));
    }
    let since = message.missing_since?;
    (since <= message.observed_at && !is_of_later_run(message)).then(|| {
        let found = format!("{since}, last seen {}", message.observed_at);
        Flaw::new(MISSING_SINCE, "a time after it was last seen", found)
    })
}

/// Whether a later run missed it than the one that saw it last: that counts, whatever the gateway's
/// clock said then. Where an older program noted no run, a time that is later than it was recorded
/// shows that the clock was wrong.
fn is_of_later_run(message: &ArchivedMessage) -> bool {
    if message.observed_run.is_some() {
        return message.missing_run > message.observed_run;
    }
    let mut versions = message.versions.iter();
    let current = versions.find(|version| version.version == message.version);
    current.is_some_and(|current| {
        message.observed_at > current.recorded_at && message.missing_run > Some(current.run_id)
    })
}

fn strike(message: &ArchivedMessage, number: i64) -> Option<&ArchivedAbsence> {
    message
        .absences
        .iter()
        .find(|absence| absence.strike == number)
}

/// The absences against the message and each other.
fn of_strikes(message: &ArchivedMessage, lag: Option<Duration>) -> Option<Flaw> {
    if let Some(odd) = message
        .absences
        .iter()
        .find(|a| !(1..=2).contains(&a.strike))
    {
        return Some(Flaw::new(STRIKE, "strike 1 or 2", odd.strike.to_string()));
    }
    let Some(since) = message.missing_since else {
        return message.absences.first().map(|absence| {
            let found = format!("one, sent {}", absence.sent_at);
            Flaw::new(STRIKE, "no absence of a message that lives", found)
        });
    };
    let Some(first) = strike(message, 1) else {
        return Some(Flaw::new(STRIKE, "the page that did not hold it", "none"));
    };
    if first.sent_at != since {
        let found = format!("{}, missing since {since}", first.sent_at);
        return Some(Flaw::new(
            SENT_AT,
            "the time since when it is missing",
            found,
        ));
    }
    if Some(first.run_id) != message.missing_run {
        let found = first.run_id.to_string();
        return Some(Flaw::new(RUN_ID, "the run that missed it first", found));
    }
    let Some(second) = strike(message, 2) else {
        return message.deleted_at.map(|_| {
            Flaw::new(
                STRIKE,
                "a second page, of a later run, that did not hold it",
                "one page alone",
            )
        });
    };
    if second.run_id <= first.run_id {
        let found = format!("runs {} and {}", first.run_id, second.run_id);
        return Some(Flaw::new(RUN_ID, "a second page of a later run", found));
    }
    let earliest = first.sent_at.plus(lag.unwrap_or_default());
    (second.sent_at <= first.sent_at || second.sent_at < earliest).then(|| {
        let found = format!("{} and {}", first.sent_at, second.sent_at);
        Flaw::new(
            SENT_AT,
            "a second page that was sent late enough after the first",
            found,
        )
    })
}

/// Each page spoke for the place of the message.
fn of_place(message: &ArchivedMessage) -> Option<Flaw> {
    let outside = |absence: &&ArchivedAbsence| {
        let (after, before) = absence.interval;
        message.created_at.is_none_or(|time| {
            after.is_some_and(|after| time <= after) || before.is_some_and(|before| time >= before)
        })
    };
    let absence = message.absences.iter().find(outside)?;
    let found = format!("strike {} of a page that does not", absence.strike);
    Some(Flaw {
        is_of_place: true,
        ..Flaw::new(AFTER_TIME, "an interval that holds the created time", found)
    })
}

/// The versions tell of the deletion.
fn of_story(message: &ArchivedMessage) -> Option<Flaw> {
    let last = message
        .versions
        .iter()
        .rev()
        .find(|version| matches!(version.event.as_str(), "deleted" | "reappeared"));
    let deletion = last.filter(|version| version.event == "deleted");
    match (message.deleted_at, deletion) {
        (Some(_), None) => Some(Flaw::new(EVENT, "a version that says deleted", "none")),
        (None, Some(version)) => {
            let found = format!("version {} says deleted", version.version);
            Some(Flaw::new(
                EVENT,
                "a message that lives and none that says deleted last",
                found,
            ))
        }
        (Some(deleted_at), Some(version)) if version.observed_at != deleted_at => {
            let found = format!("{}, deleted at {deleted_at}", version.observed_at);
            Some(Flaw::new(
                ("message_versions", "observed_at"),
                "the time of the deletion in the version that says so",
                found,
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ConversationKey, MessageId, Timestamp},
        store::ArchivedVersion,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn version(number: i64, event: &str, observed: i64) -> ArchivedVersion {
        ArchivedVersion {
            version: number,
            event: event.to_owned(),
            observed_at: at(observed),
            recorded_at: at(5_000),
            run_id: number,
            sha256: None,
            raw_bytes: None,
        }
    }

    fn deleted() -> ArchivedMessage {
        let absence = |strike, run_id, sent_at| ArchivedAbsence {
            strike,
            run_id,
            sent_at: at(sent_at),
            interval: (Some(at(10)), None),
        };
        ArchivedMessage {
            key: 1,
            conversation: ConversationKey(1),
            conversation_id: "conv_1".to_owned(),
            id: MessageId::new("m"),
            version: 1,
            created_at: Some(at(50)),
            observed_at: at(100),
            observed_run: None,
            first_seen_run: 1,
            missing_since: Some(at(200)),
            missing_run: Some(2),
            deleted_at: Some(at(200)),
            versions: vec![version(1, "created", 100), version(2, "deleted", 200)],
            absences: vec![absence(1, 2, 200), absence(2, 3, 800)],
        }
    }

    /// The column that is told of after a change.
    fn column(change: impl FnOnce(&mut ArchivedMessage)) -> Option<&'static str> {
        let mut message = deleted();
        change(&mut message);
        flaw(&message, None).map(|flaw| flaw.column)
    }

    #[test]
    fn a_tombstone_with_its_evidence_has_no_flaw() {
        assert_eq!(flaw(&deleted(), None), None);
        let lag = |ms| flaw(&deleted(), Some(Duration::from_millis(ms)));
        assert_eq!(lag(600), None);
        assert_eq!(lag(601).map(|flaw| flaw.column), Some("sent_at"));
    }

    #[test]
    fn what_is_missing_and_not_deleted_needs_one_page() {
        assert_eq!(
            column(|m| {
                m.deleted_at = None;
                m.versions.pop();
                m.absences.pop();
            }),
            None
        );
    }

    #[test]
    fn each_piece_of_evidence_is_needed() {
        assert_eq!(column(|m| m.missing_run = None), Some("missing_run"));
        assert_eq!(column(|m| m.deleted_at = Some(at(201))), Some("deleted_at"));
        assert_eq!(column(|m| m.observed_at = at(200)), Some("missing_since"));
        assert_eq!(column(|m| m.absences.clear()), Some("strike"));
        assert_eq!(column(|m| m.absences.truncate(1)), Some("strike"));
        assert_eq!(column(|m| m.absences[0].strike = 3), Some("strike"));
        assert_eq!(column(|m| m.absences[0].sent_at = at(201)), Some("sent_at"));
        assert_eq!(column(|m| m.absences[0].run_id = 1), Some("run_id"));
        assert_eq!(column(|m| m.absences[1].run_id = 2), Some("run_id"));
        assert_eq!(column(|m| m.absences[1].sent_at = at(200)), Some("sent_at"));
        assert_eq!(
            column(|m| m.absences[1].interval.0 = Some(at(50))),
            Some("after_time")
        );
        assert_eq!(column(|m| m.created_at = None), Some("after_time"));
        assert_eq!(column(|m| drop(m.versions.pop())), Some("event"));
        assert_eq!(
            column(|m| m.versions[1].observed_at = at(1)),
            Some("observed_at")
        );
    }

    #[test]
    fn what_lives_has_no_evidence_of_absence_and_no_deletion_as_its_last_word() {
        let live = |m: &mut ArchivedMessage| {
            (m.missing_since, m.missing_run, m.deleted_at) = (None, None, None);
        };
        assert_eq!(column(live), Some("strike"));
        assert_eq!(
            column(|m| {
                live(m);
                m.absences.clear();
            }),
            Some("event")
        );
        assert_eq!(
            column(|m| {
                live(m);
                m.absences.clear();
                m.versions.push(version(3, "reappeared", 900));
            }),
            None
        );
    }
}
