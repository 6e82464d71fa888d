//! The report of a run: one JSON object, written whole or not at all.
//!
//! Owns the shape that product.md fixes (`schema_version` 1) and the way it reaches the disk:
//! a file beside its place, synced, renamed. Keys are only ever added to a schema version.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    PhoneCounts, Summary,
    plan::{PlanClass, PlanLine},
};
use crate::model::{
    ConversationCounts, MessageCounts, RequestCounts, RunId, RunOutcome, RunReport, StopReason,
    Timestamp,
};

/// The version of the shape.
const SCHEMA_VERSION: u32 = 1;

/// A run as `--report` writes it.
#[derive(Debug, Clone, Serialize)]
pub struct Report<'a> {
    schema_version: u32,
    outcome: &'static str,
    exit_code: u8,
    /// The other reasons, where there were several.
    also: Vec<&'static str>,
    /// Why the run stopped early, in words.
    reason: Option<&'a str>,
    run_id: Option<RunId>,
    started_at: String,
    finished_at: String,
    conversations: ConversationCounts,
    messages: MessageCounts,
    requests: RequestCounts,
    /// Answers whose `Date` contradicts what else is known of the time.
    wrong_dates: u64,
    phones: Option<PhoneCounts>,
    /// `None` where the run ended before it could plan.
    plan: Option<PlanFacts>,
    failures: Vec<FailureLine<'a>>,
    failures_omitted: u64,
}

#[derive(Debug, Clone, Serialize)]
struct FailureLine<'a> {
    conversation_id: Option<&'a str>,
    class: &'a str,
    reason: &'a str,
}

/// Planned against actual requests.
#[derive(Debug, Clone, Serialize)]
struct PlanFacts {
    planned: u64,
    actual: u64,
    /// Whether something that matters was not known, so that more were likely.
    at_least: bool,
    classes: Vec<ClassFacts>,
}

#[derive(Debug, Clone, Serialize)]
struct ClassFacts {
    class: PlanClass,
    conversations: u64,
    planned: u64,
    at_least: bool,
    /// `None` where the requests of a class are not counted apart.
    actual: Option<u64>,
}

impl PlanFacts {
    fn new(summary: &Summary) -> Option<Self> {
        let requests = summary.report.requests;
        let plan = summary.plan.as_ref()?;
        let class = |line: &PlanLine| ClassFacts {
            class: line.class,
            conversations: line.conversations,
            planned: line.requests,
            at_least: line.at_least,
            actual: (line.class == PlanClass::Sweep).then_some(requests.swept),
        };
        Some(Self {
            planned: plan.requests,
            actual: requests.total,
            at_least: plan.at_least,
            classes: plan.lines.iter().map(class).collect(),
        })
    }
}

impl<'a> Report<'a> {
    /// The report of a summary.
    pub fn new(summary: &'a Summary) -> Self {
        let RunReport {
            run_id,
            outcome,
            started_at,
            finished_at,
            conversations,
            messages,
            requests,
        } = &summary.report;
        Self {
            schema_version: SCHEMA_VERSION,
            outcome: outcome.as_str(),
            exit_code: outcome.exit_code(),
            also: summary.also.iter().map(|other| other.as_str()).collect(),
            reason: summary.stopped_because.as_deref(),
            run_id: *run_id,
            started_at: started_at.to_string(),
            finished_at: finished_at.to_string(),
            conversations: *conversations,
            messages: *messages,
            requests: *requests,
            wrong_dates: summary.wrong_dates,
            phones: summary.phones,
            plan: PlanFacts::new(summary),
            failures: summary
                .failures
                .iter()
                .map(|failure| FailureLine {
                    conversation_id: failure.conversation_id.as_deref(),
                    class: &failure.class,
                    reason: &failure.reason,
                })
                .collect(),
            failures_omitted: summary.failures_omitted,
        }
    }

    /// The JSON object, indented, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut json =
            serde_json::to_string_pretty(self).expect("strings and numbers always serialise");
        json.push('\n');
        json
    }

    /// Writes the JSON to `path`: what was there before is there until the new file is whole.
    /// A path that is not a file (`/dev/stdout`, a pipe) is written to as it is.
    ///
    /// # Errors
    /// The directory or the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        replace_file(path, self.to_json().as_bytes())
    }
}

impl Summary {
    /// A run that ended before it could begin: nothing was read, nothing was asked.
    pub fn stopped_before_start(
        reason: StopReason,
        because: String,
        started_at: Timestamp,
        finished_at: Timestamp,
    ) -> Self {
        Self {
            report: RunReport {
                run_id: None,
                outcome: RunOutcome::Stopped(reason),
                started_at,
                finished_at,
                conversations: ConversationCounts::default(),
                messages: MessageCounts::default(),
                requests: RequestCounts::default(),
            },
            failures: Vec::new(),
            failures_omitted: 0,
            empty: Vec::new(),
            phones: None,
            plan: None,
            wrong_dates: 0,
            stopped_because: Some(because),
            also: Vec::new(),
        }
    }

    /// The same run, which in the end failed for this reason too.
    #[must_use]
    pub fn but_stopped(mut self, reason: StopReason, because: String) -> Self {
        let stopped = RunOutcome::Stopped(reason);
        let before = self.report.outcome;
        let mut reasons = std::mem::take(&mut self.also);
        reasons.extend([before, stopped]);
        reasons.retain(|reason| *reason != RunOutcome::Complete);
        reasons.sort_by_key(|reason| reason.gravity());
        reasons.dedup();
        self.report.outcome = reasons.remove(0);
        self.also = reasons;
        if self.report.outcome == stopped && before != stopped {
            self.stopped_because = Some(because);
        }
        self
    }
}

fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match fs::canonicalize(path) {
        Ok(target) if !target.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        Ok(target) => target,
        Err(_) => path.to_path_buf(),
    };
    let temporary = beside(&target)?;
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, &target));
    if let Err(error) = written {
        // What could not be written is of no use to anybody; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    match target.parent().filter(|parent| *parent != Path::new("")) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

fn beside(target: &Path) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(temporary))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a killed process that had our number.
            fs::remove_file(path)?;
            OpenOptions::new().write(true).create_new(true).open(path)?
        }
        other => other?,
    };
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::ReportedFailure;

    fn summary() -> Summary {
        let mut summary = Summary::stopped_before_start(
            StopReason::MaxRequests,
            "--max-requests 10 is spent".to_owned(),
            Timestamp::from_millis(0),
            Timestamp::from_millis(1_500),
        );
        summary.report.conversations.listed = 3;
        summary.failures.push(ReportedFailure {
            conversation_id: Some("conv_1".to_owned()),
            class: "gone".to_owned(),
            reason: "404".to_owned(),
        });
        summary.also.push(RunOutcome::Incomplete);
        summary
    }

    #[test]
    fn the_shape_is_the_promised_one() {
        insta::assert_snapshot!(Report::new(&summary()).to_json());
    }

    #[test]
    fn a_report_replaces_the_last_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        Report::new(&summary()).write(&path).unwrap();
        let read: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read["exit_code"], 5);
        assert_eq!(read["conversations"]["listed"], 3);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_report_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("report.json");
        assert!(Report::new(&summary()).write(&path).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        Report::new(&summary())
            .write(Path::new("/dev/null"))
            .unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
