//! What a check can find: a value, never an error.
//!
//! A finding says which check, where, what was expected and found, and what to do. It never
//! holds text of a message: text is told by its length and the beginning of its hash.

use std::collections::BTreeMap;

use serde::Serialize;

/// What is checked. The words are stable: programs read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The database itself: its own check of pages, indexes and types.
    Integrity,
    /// Tables, views, triggers, constraints, migrations and dictionary are as the migrations make
    /// them.
    Schema,
    /// The indexes that only speed reading up are those of the migrations.
    Indexes,
    /// What is stored can be read as what it stands for.
    Readable,
    /// Every reference leads to a row.
    References,
    /// The state of a conversation, its reason and its failures agree.
    State,
    /// The number of live messages is that of the messages.
    LiveCount,
    /// The pieces of a ledger are in order, apart, and of layers that are known.
    LedgerShape,
    /// A complete conversation is covered whole, and its tail is proven.
    LedgerCover,
    /// The stored proof is what the ledger gives.
    LedgerProof,
    /// The ends of the pieces are times of archived messages.
    LedgerRows,
    /// Versions are numbered from 1 without a gap, and tell one story.
    Versions,
    /// The current version is the newest state.
    Current,
    /// The hash of a version is that of its raw bytes.
    RawHash,
    /// Raw messages are JSON.
    RawJson,
    /// The short hash of a message is that of its current version.
    Digest,
    /// What is missing or deleted has its evidence, and what lives has none.
    Tombstones,
    /// Derived rows are what decoding the raw JSON gives.
    Derived,
    /// The index of words holds what the messages say.
    SearchIndex,
    /// The row of a run agrees with itself, with the versions that it wrote and with what it
    /// reported of conversations.
    Runs,
    /// Times are those of the run that wrote them.
    Times,
    /// The offsets of the archive's zone are those that its name gives.
    TimeZone,
    /// Online: a message that the archive should hold and the gateway lists.
    OnlineMissing,
    /// Online: a message that lives in the archive and is not listed.
    OnlineUnlisted,
    /// Online: a message whose content differs though nothing says that it is newer.
    OnlineContent,
    /// Online: the gateway's count, where the messages do not explain it.
    OnlineCount,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 26] = [
        Self::Integrity,
        Self::Schema,
        Self::Indexes,
        Self::Readable,
        Self::References,
        Self::State,
        Self::LiveCount,
        Self::LedgerShape,
        Self::LedgerCover,
        Self::LedgerProof,
        Self::LedgerRows,
        Self::Versions,
        Self::Current,
        Self::RawHash,
        Self::RawJson,
        Self::Digest,
        Self::Tombstones,
        Self::Derived,
        Self::SearchIndex,
        Self::Runs,
        Self::Times,
        Self::TimeZone,
        Self::OnlineMissing,
        Self::OnlineUnlisted,
        Self::OnlineContent,
        Self::OnlineCount,
    ];

    /// The word that findings, JSON and people use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Schema => "schema",
            Self::Indexes => "indexes",
            Self::Readable => "readable",
            Self::References => "references",
            Self::State => "state",
            Self::LiveCount => "live_count",
            Self::LedgerShape => "ledger_shape",
            Self::LedgerCover => "ledger_cover",
            Self::LedgerProof => "ledger_proof",
            Self::LedgerRows => "ledger_rows",
            Self::Versions => "versions",
            Self::Current => "current",
            Self::RawHash => "raw_hash",
            Self::RawJson => "raw_json",
            Self::Digest => "digest",
            Self::Tombstones => "tombstones",
            Self::Derived => "derived",
            Self::SearchIndex => "search_index",
            Self::Runs => "runs",
            Self::Times => "times",
            Self::TimeZone => "time_zone",
            Self::OnlineMissing => "online_missing",
            Self::OnlineUnlisted => "online_unlisted",
            Self::OnlineContent => "online_content",
            Self::OnlineCount => "online_count",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Integrity | Self::Readable | Self::References => {
                "keep a copy as it is, restore the last backup, and run `convault sync`"
            }
            Self::Schema => {
                "somebody has changed the archive's structure: put back what is expected, or export \
                 into a new archive; until then do not rely on what its views show"
            }
            Self::Indexes => {
                "no data is affected, only how fast it is read: put back what is expected, or drop \
                 what was added"
            }
            Self::State => "run `convault sync` with its id: the outcome is written anew",
            Self::LiveCount => "run `convault renormalize`: it counts the messages again",
            Self::LedgerShape | Self::LedgerCover | Self::LedgerRows => {
                "run `convault sync --full` with its id: it builds a second cover and puts it in place"
            }
            Self::LedgerProof => {
                "run `convault sync` with its id: each run writes the proof anew from the ledger"
            }
            Self::Versions | Self::Current | Self::RawHash | Self::RawJson => {
                "what was archived is damaged: compare with a backup; `convault sync --full` with its \
                 id keeps what the gateway has now as a new version"
            }
            Self::Tombstones => {
                "do not rely on this deletion: compare with a backup, and look at the source"
            }
            Self::Digest | Self::Derived => {
                "run `convault renormalize`: it rebuilds derived rows from raw"
            }
            Self::SearchIndex => "run `convault renormalize`: it builds the index of words anew",
            Self::Runs => {
                "no message is touched by it: compare with the report of that run, or a backup"
            }
            Self::Times => {
                "unless a clock was set by that much just then, somebody has changed it: compare \
                 with the report of that run, or a backup"
            }
            Self::TimeZone => {
                "run `convault sync`: it writes the offsets again; until then local days and hours \
                 in the views are wrong"
            }
            Self::OnlineMissing => {
                "run `convault sync --full` with its id; if it appeared later than --visibility-lag, \
                 raise that"
            }
            Self::OnlineUnlisted => {
                "if it was deleted since the last run, two runs of `convault sync` say so; look at the \
                 source before you believe it"
            }
            Self::OnlineContent => {
                "run `convault sync --full` with its id: both states are kept, and one with an older \
                 updated_at counts once two runs have seen it, the visibility lag apart; then ask \
                 who changed it without a trace"
            }
            Self::OnlineCount => "run `convault sync --full` with its id, then verify again",
        }
    }
}

impl Serialize for Check {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where a finding is: as much of it as there is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// The conversation.
    pub conversation_id: Option<String>,
    /// The message.
    pub message_id: Option<String>,
    /// The version of the message.
    pub version: Option<i64>,
    /// The run.
    pub run_id: Option<i64>,
    /// The table.
    pub table: Option<&'static str>,
    /// The column.
    pub column: Option<&'static str>,
    /// The place in a list or a ledger, from 0.
    pub position: Option<i64>,
}

impl Place {
    /// The whole archive.
    pub fn archive() -> Self {
        Self::default()
    }

    /// A conversation.
    pub fn conversation(id: &str) -> Self {
        Self {
            conversation_id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    /// A message of it.
    #[must_use]
    pub fn message(mut self, id: &str) -> Self {
        self.message_id = Some(id.to_owned());
        self
    }

    /// A version of the message.
    #[must_use]
    pub const fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }

    /// A column of a table.
    #[must_use]
    pub const fn column(mut self, table: &'static str, column: &'static str) -> Self {
        self.table = Some(table);
        self.column = Some(column);
        self
    }

    /// A table.
    #[must_use]
    pub const fn table(mut self, table: &'static str) -> Self {
        self.table = Some(table);
        self
    }

    /// A place in a list.
    #[must_use]
    pub const fn at(mut self, position: i64) -> Self {
        self.position = Some(position);
        self
    }
}

/// One broken promise of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check found it.
    pub check: Check,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub found: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// The findings so far: the first of them whole, all of them counted.
#[derive(Debug, Default)]
pub struct Findings {
    kept_max: usize,
    kept: Vec<Finding>,
    counts: BTreeMap<Check, u64>,
}

impl Findings {
    /// Keeps this many; counts all.
    pub fn keeping(kept_max: usize) -> Self {
        Self {
            kept_max,
            ..Self::default()
        }
    }

    /// Takes one.
    pub fn add(
        &mut self,
        check: Check,
        place: Place,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        *self.counts.entry(check).or_default() += 1;
        if self.kept.len() < self.kept_max {
            self.kept.push(Finding {
                check,
                place,
                expected: expected.into(),
                found: found.into(),
                remedy: check.remedy(),
            });
        }
    }

    /// Takes those of another check of the same archive.
    pub fn append(&mut self, other: Self) {
        let room = self.kept_max.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
        for (check, number) in other.counts {
            *self.counts.entry(check).or_default() += number;
        }
    }

    /// Those that were kept, in the order found.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are of each check that found any.
    pub const fn counts(&self) -> &BTreeMap<Check, u64> {
        &self.counts
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many were not kept.
    pub fn omitted(&self) -> u64 {
        self.total() - self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_word_of_its_own_and_a_remedy() {
        let mut words: Vec<&str> = Check::ALL.iter().map(|check| check.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Check::ALL.len());
        assert!(Check::ALL.iter().all(|check| check.remedy().len() > 20));
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut findings = Findings::keeping(2);
        for _ in 0..3 {
            findings.add(Check::Runs, Place::archive(), "a", "b");
        }
        let mut other = Findings::keeping(2);
        other.add(Check::State, Place::archive(), "a", "b");
        findings.append(other);
        assert_eq!((findings.kept().len(), findings.omitted()), (2, 2));
        assert_eq!(findings.counts()[&Check::Runs], 3);
        assert_eq!(findings.counts()[&Check::State], 1);
    }
}
