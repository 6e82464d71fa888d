//! Messages: their versions, their raw bytes, and the rows that follow from them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Check, Checked, Findings, Place, times::Times, tombstone};
use crate::{
    model::{ConversationId, Message, Timestamp},
    monitor::{Counter, Monitor},
    normalize,
    store::{
        ArchivedMessage, ArchivedVersion, Difference, Redecoded, Snapshot, StoreError, in_chunks,
    },
    wire::Json,
};

const VERSIONS: &str = "message_versions";

/// What each run wrote, by the versions that name it: created, changed, deleted.
pub(super) type Written = HashMap<i64, [u64; 3]>;

/// The state of checking messages.
pub(super) struct Messages<'a> {
    pub(super) snapshot: &'a mut Snapshot,
    pub(super) lag: Option<Duration>,
    pub(super) findings: &'a mut Findings,
    pub(super) checked: &'a mut Checked,
    pub(super) written: &'a mut Written,
    pub(super) times: &'a mut Times,
    pub(super) monitor: &'a Monitor,
}

/// A state that was decoded, as far as the newest is looked for.
struct State {
    version: i64,
    updated_at: Option<Timestamp>,
    observed_at: Timestamp,
    run_id: i64,
}

impl Messages<'_> {
    /// Checks a batch.
    pub(super) async fn check(&mut self, batch: &[ArchivedMessage]) -> Result<(), StoreError> {
        let mut unsound = HashSet::new();
        for message in batch {
            if !self.check_rows(message).await? {
                unsound.insert(message.key);
            }
        }
        let mut states: HashMap<i64, Vec<State>> = HashMap::new();
        for chunk in in_chunks(batch) {
            self.check_raw(&chunk, &mut states, &mut unsound).await?;
        }
        self.check_changes(batch, &unsound).await?;
        for message in batch {
            let states = states.remove(&message.key).unwrap_or_default();
            if let Some(newer) = newer_than_current(message, &states) {
                self.findings.add(
                    Check::Current,
                    place(message).column("messages", "version"),
                    format!("version {newer}, which was updated and seen later"),
                    format!("version {}", message.version),
                );
            }
        }
        self.checked.messages += batch.len() as u64;
        self.monitor.add(Counter::MessagesRead, batch.len() as u64);
        Ok(())
    }

    /// What can be said without the raw JSON; gives whether the versions tell one story.
    async fn check_rows(&mut self, message: &ArchivedMessage) -> Result<bool, StoreError> {
        self.times
            .check_message(message, &|| place(message), self.findings);
        for version in &message.versions {
            let place = match version.event.as_str() {
                "created" => 0,
                "edited" | "restored" | "reappeared" => 1,
                "deleted" => 2,
                _ => continue,
            };
            self.written.entry(version.run_id).or_default()[place] += 1;
        }
        let flaw = flaw_of_versions(message);
        let is_sound = flaw.is_none();
        if let Some((place, expected, found)) = flaw {
            self.findings.add(Check::Versions, place, expected, found);
        }
        let Some(flaw) = tombstone::flaw(message, self.lag) else {
            return Ok(is_sound);
        };
        if flaw.is_of_place
            && self
                .snapshot
                .has_moved_messages(message.conversation)
                .await?
        {
            return Ok(is_sound);
        }
        let place = place(message).column(flaw.table, flaw.column);
        self.findings
            .add(Check::Tombstones, place, flaw.expected, flaw.found);
        Ok(is_sound)
    }

    /// What edits have changed, of messages whose versions are sound.
    async fn check_changes(
        &mut self,
        batch: &[ArchivedMessage],
        unsound: &HashSet<i64>,
    ) -> Result<(), StoreError> {
        let sound = batch.iter().filter(|one| !unsound.contains(&one.key));
        let sound: Vec<&ArchivedMessage> = sound.collect();
        let described_to = self.times.described_to();
        let differences = self.snapshot.change_differences(&sound, described_to);
        for difference in differences.await? {
            let of = |message: &&&ArchivedMessage| message.key == difference.key;
            if let Some(message) = sound.iter().find(of) {
                self.note(message, difference);
            }
        }
        Ok(())
    }

    /// Hashes, JSON, and everything that follows from it.
    async fn check_raw(
        &mut self,
        chunk: &[(&ArchivedMessage, &ArchivedVersion)],
        states: &mut HashMap<i64, Vec<State>>,
        unsound: &mut HashSet<i64>,
    ) -> Result<(), StoreError> {
        let names: Vec<(i64, i64)> = chunk
            .iter()
            .filter(|(_, version)| version.raw_bytes.is_some())
            .map(|(message, version)| (message.key, version.version))
            .collect();
        let mut raws = self.snapshot.raws(&names).await?;
        let mut decoded: Vec<Option<Message>> = Vec::with_capacity(chunk.len());
        let mut is_sound = Vec::with_capacity(chunk.len());
        for (message, version) in chunk {
            let raw = raws.remove(&(message.key, version.version));
            let (read, sound) = self.decode(message, version, raw.as_deref());
            if !sound {
                unsound.insert(message.key);
            }
            if let Some(read) = &read
                && message.versions.len() > 1
            {
                states.entry(message.key).or_default().push(State {
                    version: version.version,
                    updated_at: read.updated_at,
                    observed_at: version.observed_at,
                    run_id: version.run_id,
                });
            }
            decoded.push(read);
            is_sound.push(sound);
        }
        let versions: Vec<Redecoded<'_>> = chunk
            .iter()
            .zip(&decoded)
            .zip(&is_sound)
            .filter(|(_, sound)| **sound)
            .map(|(((message, version), decoded), _)| Redecoded {
                key: message.key,
                version: version.version,
                is_current: version.version == message.version,
                first_seen_run: message.first_seen_run,
                message: decoded.as_ref(),
            })
            .collect();
        self.checked.versions += chunk.len() as u64;
        self.compare(chunk, &versions).await
    }

    /// Decodes a version; gives whether what follows from it can be checked.
    fn decode(
        &mut self,
        message: &ArchivedMessage,
        version: &ArchivedVersion,
        raw: Option<&str>,
    ) -> (Option<Message>, bool) {
        let place = || place(message).version(version.version);
        let Some(raw) = raw else {
            if version.sha256.is_some() {
                let place = place().column(VERSIONS, "sha256");
                self.findings.add(
                    Check::RawHash,
                    place,
                    "no hash where there is no raw",
                    "a hash",
                );
            }
            return (None, version.sha256.is_none());
        };
        let conversation = ConversationId::new(message.conversation_id.as_str());
        let decoded = normalize::message(raw, &conversation);
        if version.sha256.as_deref() != Some(decoded.sha256.as_slice()) {
            self.findings.add(
                Check::RawHash,
                place().column(VERSIONS, "sha256"),
                hex(version.sha256.as_deref()),
                format!(
                    "{} of the {} bytes there are",
                    hex(Some(&decoded.sha256)),
                    raw.len()
                ),
            );
            return (None, false);
        }
        if let Err(error) = Json::parse(raw) {
            let place = place().column(VERSIONS, "raw");
            self.findings
                .add(Check::RawJson, place, "one JSON value", error.to_string());
            return (None, false);
        }
        self.check_id(message, version, &decoded);
        (Some(decoded), true)
    }

    /// The id is never written anew, so one that an earlier program could not read stays.
    fn check_id(&mut self, message: &ArchivedMessage, version: &ArchivedVersion, read: &Message) {
        let by_hash = || format!("sha256:{}", hex(Some(&read.sha256)));
        if version.version == message.version
            && read.id != message.id
            && message.id.as_str() != by_hash()
        {
            self.findings.add(
                Check::Versions,
                place(message).column("messages", "id"),
                "the id that its raw JSON names",
                "another id",
            );
        }
    }

    async fn compare(
        &mut self,
        chunk: &[(&ArchivedMessage, &ArchivedVersion)],
        versions: &[Redecoded<'_>],
    ) -> Result<(), StoreError> {
        for difference in self.snapshot.differences(versions).await? {
            let message = chunk
                .iter()
                .find(|(message, _)| message.key == difference.key);
            if let Some((message, _)) = message {
                self.note(message, difference);
            }
        }
        Ok(())
    }

    fn note(&mut self, message: &ArchivedMessage, difference: Difference) {
        let mut place = place(message)
            .version(difference.version)
            .table(difference.table);
        place.column = difference.column;
        place.position = difference.position;
        let check = match difference.column {
            Some("digest") => Check::Digest,
            _ => Check::Derived,
        };
        self.findings
            .add(check, place, difference.expected, difference.found);
    }
}

fn place(message: &ArchivedMessage) -> Place {
    Place::conversation(&message.conversation_id).message(message.id.as_str())
}

/// The first thing that is wrong with the versions of a message, if anything is.
fn flaw_of_versions(message: &ArchivedMessage) -> Option<(Place, &'static str, String)> {
    let column = |column| place(message).column(VERSIONS, column);
    let versions = &message.versions;
    for (number, version) in (1..).zip(versions) {
        let at = |name| column(name).version(version.version);
        if version.version != number {
            let found = format!("{} in place of {number}", version.version);
            return Some((at("version"), "versions from 1 without a gap", found));
        }
        let fits = match version.event.as_str() {
            "created" => number == 1,
            "edited" | "restored" | "reappeared" | "deleted" => number > 1,
            _ => false,
        };
        if !fits {
            let expected =
                "created for the first version; edited, restored, deleted or reappeared after it";
            return Some((at("event"), expected, "another event".to_owned()));
        }
        if version.raw_bytes.is_none() != (version.event == "deleted") {
            let expected = "raw JSON, but none for a deletion";
            return Some((at("raw"), expected, "the contrary".to_owned()));
        }
    }
    if let Some(pair) = versions
        .windows(2)
        .find(|pair| pair[1].run_id < pair[0].run_id)
    {
        let found = format!("run {} after run {}", pair[1].run_id, pair[0].run_id);
        let place = column("run_id").version(pair[1].version);
        return Some((place, "runs that do not go back", found));
    }
    let Some(first) = versions.first() else {
        return Some((
            place(message).table(VERSIONS),
            "a version at least",
            "none".to_owned(),
        ));
    };
    if first.run_id != message.first_seen_run {
        let found = format!("run {} and run {}", message.first_seen_run, first.run_id);
        let place = place(message).column("messages", "first_seen_run");
        return Some((place, "the run of version 1", found));
    }
    let current = versions
        .iter()
        .find(|version| version.version == message.version);
    match current.filter(|version| version.raw_bytes.is_some()) {
        None => Some((
            place(message).column("messages", "version"),
            "the number of a version that has raw JSON",
            message.version.to_string(),
        )),
        // A later run's sighting is later, whatever the gateway's clock said in the earlier one.
        Some(current)
            if current.observed_at > message.observed_at
                && message.observed_run.is_none_or(|run| run <= current.run_id) =>
        {
            Some((
                place(message).column("messages", "observed_at"),
                "no time before that of its current version",
                format!("{} before {}", message.observed_at, current.observed_at),
            ))
        }
        Some(_) => None,
    }
}

/// A version that must have become the current one: updated later than the current one, and seen
/// later than it was last seen. (Which of two states counts whose `updated_at` does not tell them
/// apart depends on sightings that leave no row.)
fn newer_than_current(message: &ArchivedMessage, states: &[State]) -> Option<i64> {
    let current = states
        .iter()
        .find(|state| state.version == message.version)?;
    let updated_at = current.updated_at?;
    states
        .iter()
        .filter(|state| state.updated_at.is_some_and(|other| other > updated_at))
        .find(|state| match message.observed_run {
            Some(run) if run != state.run_id => run < state.run_id,
            _ => state.observed_at > message.observed_at,
        })
        .map(|state| state.version)
}

fn hex(bytes: Option<&[u8]>) -> String {
    use std::fmt::Write as _;
    let Some(bytes) = bytes else {
        return "none".to_owned();
    };
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConversationKey, MessageId};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn version(number: i64, event: &str, raw_bytes: Option<u64>) -> ArchivedVersion {
        ArchivedVersion {
            version: number,
            event: event.to_owned(),
            observed_at: at(100 * number),
            recorded_at: at(100 * number + 50),
            run_id: number,
            sha256: None,
            raw_bytes,
        }
    }

    fn message(versions: Vec<ArchivedVersion>) -> ArchivedMessage {
        ArchivedMessage {
            key: 1,
            conversation: ConversationKey(1),
            conversation_id: "conv_1".to_owned(),
            id: MessageId::new("m"),
            version: 1,
            created_at: Some(at(1)),
            observed_at: at(100),
            observed_run: None,
            first_seen_run: 1,
            missing_since: None,
            missing_run: None,
            deleted_at: None,
            versions,
            absences: Vec::new(),
        }
    }

    fn sound() -> ArchivedMessage {
        message(vec![
            version(1, "created", Some(9)),
            version(2, "deleted", None),
            version(3, "reappeared", Some(9)),
        ])
    }

    fn column(change: impl FnOnce(&mut ArchivedMessage)) -> Option<&'static str> {
        let mut message = sound();
        change(&mut message);
        flaw_of_versions(&message).map(|(place, ..)| place.column.unwrap_or(""))
    }

    #[test]
    fn versions_tell_one_story() {
        assert_eq!(column(|_| {}), None);
        assert_eq!(column(|m| drop(m.versions.remove(1))), Some("version"));
        assert_eq!(column(|m| drop(m.versions.remove(0))), Some("version"));
        assert_eq!(column(|m| m.versions.clear()), Some(""));
        assert_eq!(
            column(|m| m.versions[2].event = "created".into()),
            Some("event")
        );
        assert_eq!(
            column(|m| m.versions[2].event = "guessed".into()),
            Some("event")
        );
        assert_eq!(column(|m| m.versions[2].raw_bytes = None), Some("raw"));
        assert_eq!(column(|m| m.versions[1].raw_bytes = Some(1)), Some("raw"));
        assert_eq!(column(|m| m.versions[2].run_id = 1), Some("run_id"));
        assert_eq!(column(|m| m.first_seen_run = 2), Some("first_seen_run"));
        assert_eq!(column(|m| m.version = 2), Some("version"));
        assert_eq!(column(|m| m.version = 4), Some("version"));
        assert_eq!(column(|m| m.observed_at = at(99)), Some("observed_at"));
    }

    #[test]
    fn a_state_that_was_updated_and_seen_later_is_the_current_one() {
        let state = |version, updated: Option<i64>, observed| State {
            version,
            updated_at: updated.map(at),
            observed_at: at(observed),
            run_id: 1,
        };
        let newer = |states: &[State]| newer_than_current(&sound(), states);
        assert_eq!(
            newer(&[state(1, Some(5), 100), state(2, Some(6), 101)]),
            Some(2)
        );
        assert_eq!(
            newer(&[state(1, Some(5), 100), state(2, Some(5), 101)]),
            None
        );
        assert_eq!(
            newer(&[state(1, Some(5), 100), state(2, Some(6), 100)]),
            None
        );
        assert_eq!(newer(&[state(1, None, 100), state(2, Some(6), 101)]), None);
    }
}
