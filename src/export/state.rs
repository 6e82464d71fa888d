//! Which version of a message stands, and what became of it since a run.
//!
//! *As of* a time means: what was committed up to the first commit that the clock of the machine that
//! ran the sync places later. It is what an export at that time would have given, never what was learnt
//! later about it. Where that clock was set back, the commits that follow count from the time on at
//! which it had been before: a past state is always what the archive once was.

use super::error::ExportError;
use crate::{
    model::{ConversationId, Message, RunId, Timestamp},
    normalize,
    store::{SelectedMessage, SelectedVersion},
};

/// The message as it stands, or stood.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) version: i64,
    /// Its JSON, decoded.
    pub(super) message: Message,
    pub(super) missing_since: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
}

/// A state that the archive once had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub(super) time: Timestamp,
    /// The first run that recorded anything later; none of the runs after it counts, whatever their
    /// clock said. Within a run the times follow the order of its commits.
    pub(super) first_run_after: Option<RunId>,
}

impl Past {
    fn holds(self, version: &SelectedVersion) -> bool {
        let is_before = |run: RunId| version.run_id <= run.0;
        version.recorded_at <= self.time && self.first_run_after.is_none_or(is_before)
    }

    /// The last run that this state holds as a whole, of those that the archive has.
    pub(super) fn last_whole_run(self, last: RunId) -> RunId {
        self.first_run_after.map_or(last, |run| RunId(run.0 - 1))
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Changed,
    Deleted,
    Reappeared,
}

impl Change {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Reappeared => "reappeared",
        }
    }
}

/// The state of now.
///
/// # Errors
/// The JSON of the current version is not there.
pub(super) fn now(selected: &SelectedMessage) -> Result<Standing, ExportError> {
    let current = selected
        .versions
        .iter()
        .find(|v| v.version == selected.version);
    let raw = current.and_then(|version| version.raw.as_deref());
    let raw = raw.ok_or_else(|| ExportError::damaged(selected))?;
    Ok(Standing {
        version: selected.version,
        message: decoded(raw, selected),
        missing_since: selected.missing_since,
        deleted_at: selected.deleted_at,
    })
}

/// The state of then; `None` where the message was not archived yet. A first absence leaves no
/// version, so nothing is known to have been missing then. The versions must hold their JSON.
///
/// # Errors
/// The JSON of the version that stood is not there.
pub(super) fn as_of(
    selected: &SelectedMessage,
    past: Past,
) -> Result<Option<Standing>, ExportError> {
    let recorded: Vec<&SelectedVersion> = selected
        .versions
        .iter()
        .take_while(|version| past.holds(version))
        .collect();
    if recorded.is_empty() {
        return Ok(None);
    }
    let deleted_at = recorded
        .iter()
        .rev()
        .find_map(|version| match &*version.event {
            "deleted" => Some(Some(version.observed_at)),
            "reappeared" => Some(None),
            _ => None,
        })
        .flatten();
    if recorded.len() == selected.versions.len() {
        let standing = now(selected)?;
        return Ok(Some(Standing {
            missing_since: None,
            deleted_at,
            ..standing
        }));
    }
    let mut standing: Option<(&SelectedVersion, Message)> = None;
    for version in recorded {
        let Some(raw) = version.raw.as_deref() else {
            continue;
        };
        let message = decoded(raw, selected);
        if standing
            .as_ref()
            .is_none_or(|before| replaces(before, version, &message))
        {
            standing = Some((version, message));
        }
    }
    let (version, message) = standing.ok_or_else(|| ExportError::damaged(selected))?;
    Ok(Some(Standing {
        version: version.version,
        message,
        missing_since: None,
        deleted_at,
    }))
}

/// Whether a later version took the place of the one that stood, by the rule that the sync
/// follows: the newer `updated_at` wins, unless an older state was restored; else the later run, and
/// within one the page that was requested later.
fn replaces(
    (before, old): &(&SelectedVersion, Message),
    after: &SelectedVersion,
    new: &Message,
) -> bool {
    match (old.updated_at, new.updated_at) {
        (Some(ours), Some(theirs)) if ours != theirs => ours < theirs || after.event == "restored",
        _ => before.run_id < after.run_id || before.observed_at <= after.observed_at,
    }
}

/// What became of a message since a run, and the run that recorded it; `None` where nothing did:
/// an older state that a late page showed changes nothing.
pub(super) fn change(selected: &SelectedMessage, since: RunId) -> Option<(Change, RunId)> {
    let later: Vec<&SelectedVersion> = selected
        .versions
        .iter()
        .filter(|version| version.run_id > since.0)
        .collect();
    let last = RunId(later.last()?.run_id);
    let has = |event: &str| later.iter().any(|version| version.event == event);
    let change = if has("created") {
        Change::New
    } else if selected.deleted_at.is_some() && has("deleted") {
        Change::Deleted
    } else if has("reappeared") {
        Change::Reappeared
    } else if later
        .iter()
        .any(|version| version.version == selected.version)
    {
        Change::Changed
    } else {
        return None;
    };
    Some((change, last))
}

/// The JSON of one version, decoded.
pub(super) fn decoded(raw: &str, selected: &SelectedMessage) -> Message {
    let conversation = ConversationId::new(selected.conversation_id.as_str());
    normalize::message(raw, &conversation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConversationKey;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// A version that run N recorded at N, with these words.
    fn version(number: i64, event: &str, run: i64, words: Option<&str>) -> SelectedVersion {
        let raw = words
            .map(|words| format!(r#"{{"_id":"m","type":"text","content":{{"text":"{words}"}}}}"#));
        SelectedVersion {
            version: number,
            event: event.to_owned(),
            observed_at: at(run * 10),
            recorded_at: at(run * 10 + 1),
            run_id: run,
            raw_bytes: raw.as_ref().map(|raw| raw.len() as u64),
            raw,
        }
    }

    fn selected(current: i64, deleted: bool, versions: Vec<SelectedVersion>) -> SelectedMessage {
        SelectedMessage {
            key: 1,
            conversation: ConversationKey(1),
            conversation_id: "conv_1".to_owned(),
            id: "m".to_owned(),
            version: current,
            created_at: None,
            first_seen_run: versions[0].run_id,
            missing_since: None,
            deleted_at: deleted.then(|| at(30)),
            versions,
        }
    }

    fn past(time: Timestamp) -> Past {
        Past {
            time,
            first_run_after: None,
        }
    }

    fn story() -> SelectedMessage {
        let versions = vec![
            version(1, "created", 1, Some("one")),
            version(2, "edited", 2, Some("two")),
            version(3, "deleted", 3, None),
        ];
        selected(2, true, versions)
    }

    #[test]
    fn the_state_of_then_is_what_was_recorded_by_then() {
        let words = |time| {
            as_of(&story(), past(time)).unwrap().map(|standing| {
                let deleted = standing.deleted_at.is_some();
                (standing.version, standing.message.text.unwrap(), deleted)
            })
        };
        assert_eq!(words(at(10)), None, "observed, and not recorded yet");
        assert_eq!(words(at(11)), Some((1, "one".into(), false)));
        assert_eq!(words(at(21)), Some((2, "two".into(), false)));
        assert_eq!(words(at(31)), Some((2, "two".into(), true)));
        let mut back = story();
        back.versions.push(version(4, "reappeared", 4, Some("two")));
        back.versions.push(version(5, "edited", 5, Some("five")));
        back.version = 5;
        let standing = as_of(&back, past(at(41))).unwrap().unwrap();
        assert_eq!((standing.version, standing.deleted_at), (4, None));
    }

    #[test]
    fn a_run_after_one_that_recorded_later_does_not_count_whatever_its_clock_said() {
        let mut back = story();
        // The clock was set back before the deletion, which no state before it can hold.
        back.versions[2].recorded_at = at(1);
        assert!(as_of(&back, past(at(5))).unwrap().is_none());
        let time = at(11);
        let of_then = Past {
            time,
            first_run_after: Some(RunId(2)),
        };
        let standing = as_of(&back, of_then).unwrap().unwrap();
        assert_eq!((standing.version, standing.deleted_at), (1, None));
        let mut other = story();
        other.versions.truncate(1);
        (other.versions[0].run_id, other.version) = (3, 1);
        assert!(as_of(&other, of_then).unwrap().is_none());
        assert_eq!(of_then.last_whole_run(RunId(3)), RunId(1));
    }

    #[test]
    fn an_older_state_that_came_late_stood_at_no_time() {
        let mut late = version(2, "edited", 2, Some("older"));
        (late.observed_at, late.run_id) = (at(5), 1);
        let versions = vec![
            version(1, "created", 1, Some("one")),
            late,
            version(3, "edited", 3, Some("three")),
        ];
        let standing = as_of(&selected(3, false, versions), past(at(21)))
            .unwrap()
            .unwrap();
        assert_eq!(standing.version, 1);
    }

    #[test]
    fn a_change_is_what_came_of_it_in_all() {
        let change = |message: &SelectedMessage, since| {
            change(message, RunId(since)).map(|(change, run)| (change.as_str(), run.0))
        };
        assert_eq!(change(&story(), 0), Some(("new", 3)));
        assert_eq!(change(&story(), 1), Some(("deleted", 3)));
        assert_eq!(change(&story(), 2), Some(("deleted", 3)));
        assert_eq!(change(&story(), 3), None);
        let mut back = story();
        back.versions.push(version(4, "reappeared", 4, Some("two")));
        (back.version, back.deleted_at) = (4, None);
        assert_eq!(change(&back, 3), Some(("reappeared", 4)));
        assert_eq!(change(&back, 1), Some(("reappeared", 4)));
        let edited = selected(2, false, story().versions[..2].to_vec());
        assert_eq!(change(&edited, 1), Some(("changed", 2)));
        let late = selected(1, false, story().versions[..2].to_vec());
        assert_eq!(change(&late, 1), None);
    }

    #[test]
    fn json_that_is_not_there_is_told() {
        let mut broken = story();
        broken.versions[1].raw = None;
        assert!(matches!(
            now(&broken),
            Err(ExportError::Damaged { version: 2, .. })
        ));
    }
}
