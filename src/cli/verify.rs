//! `convault verify`: the archive against itself, or against its gateway. Findings are data; code
//! 7 if there is any.

mod online;

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, time::Duration};

use serde::Serialize;

use online::OnlineArgs;

use super::{
    context::Context,
    outcome::{Exit, Failure, gravest},
    output::{self, counted, grouped, printable},
    progress::Progress,
    sync::open_input,
};
use crate::{
    config::{ArchiveArgs, GatewayArgs, parse_duration},
    model::ConversationId,
    monitor::Monitor,
    store::{Store, StoreError},
    sync::input::{Collector, InputError},
    verify::{self, Checked, Finding, Findings, Report, VerifyError, VerifyOptions},
};

/// The exit code where anything was found.
const MISMATCH: u8 = 7;
const SCHEMA_VERSION: u32 = 1;

/// Check the archive against itself: proofs, versions, hashes, derived rows; writes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads one consistent state of the archive, beside a run that may be writing it, and says of each
promise that it does not keep: which, where, what was expected and found, and what to do about it.
No text of a message is shown, only its length and the beginning of its hash.

With conversations named, only these are checked; without, the database checks itself too, and
references and runs are checked. Findings go to standard output, the summary to standard error.

With --online the archive is compared with its gateway instead, by ids, content and count, at the
rate of a run and without writing: whole, or a sample that a seed chooses. What the gateway has
since the last run is counted as newer and is no finding, but for deletions: two pages that do not
hold a message that lives in the archive are one, so verify soon after a run.

Ends with 0 where nothing was found, 7 where anything was, 8 where the archive cannot be read; with
--online also with 3 where a conversation could not be compared, and 2, 4 or 5 as sync does.

Examples:
  convault verify
  convault verify conv_5d1f9c0a --json
  convault verify --ids-from ids.txt --limit 20
  convault verify --online --sample 50
  convault verify --online --sample 50 --seed 17 --json")]
pub(super) struct VerifyCommand {
    #[command(flatten)]
    chosen: ChosenArgs,

    /// Show at most this many findings; all are counted.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// One JSON object: what was checked, the findings, how many of each check.
    #[arg(long)]
    json: bool,

    /// Hold proofs and second absences to this lag too; only where every run was told the same.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    visibility_lag: Option<Duration>,

    #[command(flatten)]
    online: OnlineArgs,

    #[command(flatten)]
    archive: ArchiveArgs,

    #[command(flatten)]
    gateway: GatewayArgs,
}

/// Which conversations; the whole archive where none is named.
#[derive(Debug, clap::Args)]
struct ChosenArgs {
    /// Only these conversations.
    #[arg(value_name = "ID")]
    ids: Vec<String>,

    /// A file with one id a line, or - for standard input.
    #[arg(long, value_name = "FILE")]
    ids_from: Vec<PathBuf>,

    /// The files of --ids-from are CSV, and the ids are in this column.
    #[arg(long, value_name = "NAME", requires = "ids_from")]
    ids_column: Option<String>,

    /// Go on without lines that mean nothing, and say so.
    #[arg(long)]
    skip_bad_lines: bool,
}

impl ChosenArgs {
    /// The conversations that are named; `None` where none is. A list of nothing is a mistake:
    /// it must not mean all.
    fn read(&self) -> Result<Option<Vec<ConversationId>>, Failure> {
        if self.ids.is_empty() && self.ids_from.is_empty() {
            return Ok(None);
        }
        let mut collector = Collector::new();
        collector.add_arguments(self.ids.iter().map(String::as_str));
        for path in &self.ids_from {
            let (name, reader) = open_input(path)?;
            match &self.ids_column {
                Some(column) => collector.add_csv(&name, column, reader)?,
                None => collector.add_ids(&name, reader)?,
            }
        }
        match collector.finish(self.skip_bad_lines, false) {
            Err(InputError::Empty) => Err(Failure::usage("the list is empty: nothing to check")),
            Err(error) => Err(error.into()),
            Ok(input) => {
                for bad_line in &input.bad_lines_skipped {
                    tracing::warn!("left out: {bad_line}");
                }
                Ok(Some(input.ids.to_vec()))
            }
        }
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Store(error) => error.into(),
            unknown @ VerifyError::Unknown { .. } => Self::new(2, unknown),
        }
    }
}

impl VerifyCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if self.online.online {
            return self.run_online(context).await;
        }
        let options = VerifyOptions {
            conversations: self.chosen.read()?,
            findings_max: self.limit,
            visibility_lag: self.visibility_lag,
        };
        let store = context.open_to_read("verify", &self.archive).await?;
        let report = check(context, &store, &options).await;
        store.close().await;
        let report = report?;
        self.show(context, &report)
    }

    fn show(&self, context: &Context, report: &Report) -> Result<Exit, Failure> {
        let findings = &report.findings;
        if self.json {
            output::print_json(&Json::of(
                &report.checked,
                findings,
                report.stopped.as_ref(),
            ))?;
        } else {
            output::print(&as_text(findings))?;
        }
        context.tell(&summary(&report.checked, findings));
        let mut codes = Vec::new();
        if findings.total() > 0 {
            codes.push(MISMATCH);
        }
        if let Some(error) = &report.stopped {
            let message = format!("not everything was checked: {}", chain(error));
            let failure = Failure::new(error.exit_code(), anyhow::Error::msg(message))
                .with_hint("`convault doctor` looks at the database and says more");
            context.tell_failure(&failure);
            codes.push(failure.code);
        }
        Ok(Exit::Code(gravest(codes)))
    }
}

async fn check(
    context: &Context,
    store: &Store,
    options: &VerifyOptions,
) -> Result<Report, VerifyError> {
    let monitor = Monitor::new();
    let progress = Progress::of_messages(context, &monitor);
    let report = verify::offline(store, options, &monitor).await;
    progress.finish().await;
    report
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes all");
        cause = error.source();
    }
    text
}

#[derive(Debug, Serialize)]
struct Json<'a> {
    schema_version: u32,
    checked: Checked,
    stopped_because: Option<String>,
    #[serde(flatten)]
    findings: FindingsJson<'a>,
}

/// Findings as programs read them.
#[derive(Debug, Serialize)]
struct FindingsJson<'a> {
    findings_total: u64,
    findings_by_check: BTreeMap<&'static str, u64>,
    findings_omitted: u64,
    findings: &'a [Finding],
}

impl<'a> Json<'a> {
    fn of(checked: &Checked, findings: &'a Findings, stopped: Option<&StoreError>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            checked: *checked,
            stopped_because: stopped.map(|error| chain(error)),
            findings: FindingsJson::of(findings),
        }
    }
}

impl<'a> FindingsJson<'a> {
    fn of(findings: &'a Findings) -> Self {
        Self {
            findings_total: findings.total(),
            findings_by_check: by_word(findings),
            findings_omitted: findings.omitted(),
            findings: findings.kept(),
        }
    }
}

fn by_word(findings: &Findings) -> BTreeMap<&'static str, u64> {
    let counts = findings.counts().iter();
    counts
        .map(|(check, number)| (check.as_str(), *number))
        .collect()
}

fn as_text(findings: &Findings) -> String {
    let mut text = String::new();
    for finding in findings.kept() {
        let line = format!(
            "{:<14} {}: expected {}; found {}",
            finding.check.as_str(),
            place(finding),
            finding.expected,
            finding.found
        );
        text.push_str(&printable(&line));
        writeln!(text, "\n{:15}-> {}", "", finding.remedy).expect("a string takes all");
    }
    if findings.omitted() > 0 {
        let more = counted(findings.omitted(), "more finding");
        writeln!(text, "{more}; --limit shows more of them").expect("a string takes all");
    }
    text
}

/// `conv_1, message m_1, version 2, attachments.caption`.
fn place(finding: &Finding) -> String {
    let place = &finding.place;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(place.conversation_id.clone());
    parts.extend(place.message_id.as_ref().map(|id| format!("message {id}")));
    parts.extend(place.version.map(|version| format!("version {version}")));
    parts.extend(place.run_id.map(|run| format!("run {run}")));
    let table = match (place.table, place.column) {
        (Some(table), Some(column)) => Some(format!("{table}.{column}")),
        (table, _) => table.map(ToOwned::to_owned),
    };
    let position = place.position.map(|position| format!(" at {position}"));
    parts.extend(table.map(|table| table + &position.unwrap_or_default()));
    if parts.is_empty() {
        parts.push("the archive".to_owned());
    }
    parts.join(", ")
}

fn pieces(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} piece{plural} of proof", grouped(number))
}

fn summary(checked: &Checked, findings: &Findings) -> String {
    let mut parts = vec![
        counted(checked.conversations, "conversation"),
        pieces(checked.pieces),
        format!(
            "{} in {}",
            counted(checked.messages, "message"),
            counted(checked.versions, "version")
        ),
    ];
    if checked.runs > 0 {
        parts.push(counted(checked.runs, "run"));
    }
    format!(
        "Checked {}: {}",
        parts.join(", "),
        told_findings(findings, "nothing is wrong")
    )
}

/// How many of each check; `none` where there are none.
fn told_findings(findings: &Findings, none: &str) -> String {
    if findings.total() == 0 {
        return format!("{none}.");
    }
    let each: Vec<String> = by_word(findings)
        .into_iter()
        .map(|(word, number)| format!("{word} {}", grouped(number)))
        .collect();
    let all = counted(findings.total(), "finding");
    format!("{all} ({}).", each.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Check, Place};

    fn found() -> Findings {
        let mut findings = Findings::keeping(1);
        let place = Place::conversation("conv_1")
            .message("m\u{1b}[31m")
            .version(2)
            .column("attachments", "caption");
        findings.add(Check::Derived, place, "null", "text of 3 bytes");
        findings.add(Check::Runs, Place::archive(), "0", "3");
        findings
    }

    #[test]
    fn a_finding_says_where_what_and_what_to_do_and_obeys_nothing() {
        assert_eq!(
            as_text(&found()),
            "derived        conv_1, message m[31m, version 2, attachments.caption: expected null; \
             found text of 3 bytes\n               -> run `convault renormalize`: it rebuilds \
             derived rows from raw\n1 more finding; --limit shows more of them\n"
        );
    }

    #[test]
    fn the_summary_counts_what_was_checked_and_what_was_found() {
        let checked = Checked {
            conversations: 1,
            pieces: 2,
            messages: 30,
            versions: 31,
            runs: 2,
        };
        assert_eq!(
            summary(&checked, &found()),
            "Checked 1 conversation, 2 pieces of proof, 30 messages in 31 versions, 2 runs: \
             2 findings (derived 1, runs 1)."
        );
        let none = Findings::keeping(1);
        assert!(summary(&checked, &none).ends_with("2 runs: nothing is wrong."));
    }

    #[test]
    fn json_holds_the_place_flat_and_the_rest_counted() {
        let findings = found();
        let json = serde_json::to_value(Json::of(&Checked::default(), &findings, None)).unwrap();
        assert_eq!(json["findings_total"], 2);
        assert_eq!(json["findings_by_check"]["runs"], 1);
        assert_eq!(json["findings_omitted"], 1);
        assert_eq!(json["findings"][0]["check"], "derived");
        assert_eq!(json["findings"][0]["table"], "attachments");
        assert_eq!(json["findings"][0]["position"], serde_json::Value::Null);
    }
}
