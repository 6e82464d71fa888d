//! What a finished run tells a person, on standard error.

use std::time::Duration;

use super::{
    context::Context,
    outcome::code_of_run,
    output::{counted, grouped, human, printable},
};
use crate::{
    model::{ConversationCounts, RunOutcome, StopReason},
    sync::{ReportedFailure, Summary},
};

/// How many failures are named; the archive and the report hold them all.
const FAILURES_SHOWN: usize = 10;

/// The longest reason that is shown in one line.
const REASON_CHARS_MAX: usize = 160;

/// Tells how the run went: lines for a person, or one log line where those are JSON.
pub(super) fn tell(context: &Context, bad_lines_skipped: usize, summary: &Summary) {
    let code = code_of_run(summary.report.outcome, &summary.also);
    if context.speaks_json() {
        tell_json(summary, code);
        return;
    }
    if context.logging.quiet && code == 0 {
        return;
    }
    let text = text(bad_lines_skipped, summary);
    context.telemetry.tell(text.trim_end());
}

fn tell_json(summary: &Summary, code: u8) {
    let report = &summary.report;
    tracing::info!(
        run_id = report.run_id.map(|run| run.0),
        outcome = report.outcome.as_str(),
        exit_code = code,
        listed = report.conversations.listed,
        complete = report.conversations.complete,
        partial = report.conversations.partial,
        gone = report.conversations.gone,
        forbidden = report.conversations.forbidden,
        failed = report.conversations.failed,
        waived = report.conversations.waived,
        empty = report.conversations.empty,
        not_reached = report.conversations.not_reached,
        new_messages = report.messages.new,
        changed_messages = report.messages.changed,
        deleted_messages = report.messages.deleted,
        requests = report.requests.total,
        requests_planned = report.requests.planned,
        wrong_dates = summary.wrong_dates,
        stopped_because = summary.stopped_because.as_deref().map(printable),
        "run finished"
    );
    for failure in summary.failures.iter().take(FAILURES_SHOWN) {
        tracing::warn!(
            conversation_id = printable(name_of(failure)),
            class = failure.class,
            reason = printable(&failure.reason),
            "not complete"
        );
    }
}

fn text(bad_lines_skipped: usize, summary: &Summary) -> String {
    let report = &summary.report;
    let took = report.finished_at.since(report.started_at);
    let mut lines = vec![headline(report.outcome, report.conversations, took)];
    if let Some(because) = &summary.stopped_because {
        lines.push(format!("  stopped because: {}", printable(because)));
    }
    let messages = report.messages;
    let mut line = format!(
        "  {}, {} changed",
        counted(messages.new, "new message"),
        grouped(messages.changed)
    );
    push_if(&mut line, messages.deleted, "deleted");
    push_if(
        &mut line,
        messages.unrecognised,
        "of a form not known yet (kept whole)",
    );
    lines.push(line);
    lines.extend(of_requests(summary));
    if let Some(phones) = summary.phones {
        lines.push(format!(
            "  {}: {} with a conversation, {} without",
            counted(phones.asked, "phone number"),
            grouped(phones.found),
            grouped(phones.not_found)
        ));
    }
    if report.conversations.empty > 0 {
        lines.push(format!(
            "  {} empty at first sight; an id of another organisation may look so",
            counted(report.conversations.empty, "conversation")
        ));
        lines.extend(
            summary
                .empty
                .iter()
                .map(|id| format!("  - {}", printable(id))),
        );
        let unnamed = report
            .conversations
            .empty
            .saturating_sub(summary.empty.len() as u64);
        if unnamed > 0 {
            lines.push(format!("  - and {} more", grouped(unnamed)));
        }
    }
    if bad_lines_skipped > 0 {
        let skipped = bad_lines_skipped as u64;
        lines.push(format!("  {} left out", counted(skipped, "bad line")));
    }
    push_failures(&mut lines, summary);
    if let Some(next) = next_step(report.outcome) {
        lines.push(format!("  next: {next}"));
    }
    lines.join("\n")
}

/// What was asked, and what of the answers was odd.
fn of_requests(summary: &Summary) -> Vec<String> {
    let requests = summary.report.requests;
    let mut line = format!("  {}", counted(requests.total, "request"));
    push_if(&mut line, requests.retried, "repeated");
    push_if(&mut line, requests.throttled, "answered 429");
    if let Some(plan) = &summary.plan {
        line.push_str(if plan.at_least {
            "; planned were at least "
        } else {
            "; planned were "
        });
        line.push_str(&grouped(plan.requests));
    }
    let mut lines = vec![line];
    if summary.wrong_dates > 0 {
        lines.push(format!(
            "  {} with a Date that this machine's clock contradicts; `convault doctor` compares the \
             clocks",
            counted(summary.wrong_dates, "answer")
        ));
    }
    lines
}

fn headline(outcome: RunOutcome, counts: ConversationCounts, took: Duration) -> String {
    let verb = match outcome {
        RunOutcome::Complete => "Complete in",
        RunOutcome::Incomplete => "Finished in",
        RunOutcome::Stopped(_) => "Stopped early after",
    };
    let mut line = format!(
        "{verb} {}: {} of {} complete",
        human(took),
        grouped(counts.complete),
        counted(counts.listed, "conversation")
    );
    push_if(&mut line, counts.partial, "partial");
    push_if(&mut line, counts.gone, "gone");
    push_if(&mut line, counts.forbidden, "forbidden");
    push_if(&mut line, counts.failed, "failed");
    push_if(&mut line, counts.waived, "waived");
    push_if(&mut line, counts.not_reached, "not reached");
    line
}

fn push_if(line: &mut String, number: u64, what: &str) {
    if number > 0 {
        line.push_str(", ");
        line.push_str(&grouped(number));
        line.push(' ');
        line.push_str(what);
    }
}

/// The conversation, or what failed in its place.
fn name_of(failure: &ReportedFailure) -> &str {
    failure.conversation_id.as_deref().unwrap_or("discovery")
}

fn push_failures(lines: &mut Vec<String>, summary: &Summary) {
    for failure in summary.failures.iter().take(FAILURES_SHOWN) {
        let reason: String = printable(&failure.reason)
            .chars()
            .take(REASON_CHARS_MAX)
            .collect();
        lines.push(format!(
            "  - {}  {}: {reason}",
            printable(name_of(failure)),
            failure.class
        ));
    }
    let hidden = summary.failures.len().saturating_sub(FAILURES_SHOWN) as u64;
    let more = hidden + summary.failures_omitted;
    if more > 0 {
        lines.push(format!(
            "  - and {} more; `convault failures list` shows them",
            grouped(more)
        ));
    }
}

fn next_step(outcome: RunOutcome) -> Option<&'static str> {
    Some(match outcome {
        RunOutcome::Complete => return None,
        RunOutcome::Incomplete => {
            "`convault explain ID` says why, `convault failures retry` tries again, \
             `convault failures waive` settles it"
        }
        RunOutcome::Stopped(reason) => match reason {
            StopReason::MaxRequests
            | StopReason::MaxDuration
            | StopReason::RateLimited
            | StopReason::Interrupted
            | StopReason::Terminated => {
                "run the same command again; it goes on where this one stopped"
            }
            StopReason::Unreachable => {
                "run the same command again; if it never gets through, `convault doctor` looks why"
            }
            StopReason::Unauthorized => "renew the token and run again; progress is kept",
            StopReason::Configuration => "`convault doctor` checks URL, token and database",
            StopReason::Database => "`convault doctor` looks at the database; progress is kept",
            StopReason::Held => "wait for the other run to end",
            StopReason::Unexpected => "run again; if it happens again it is worth a bug report",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Timestamp,
        sync::{PhoneCounts, ReportedFailure},
    };

    fn summary(outcome: RunOutcome) -> Summary {
        let mut summary = Summary::stopped_before_start(
            StopReason::Unexpected,
            String::new(),
            Timestamp::from_millis(0),
            Timestamp::from_millis(125_000),
        );
        summary.stopped_because = None;
        summary.report.outcome = outcome;
        summary.report.conversations.listed = 1_200;
        summary.report.conversations.complete = 1_187;
        summary.report.messages.new = 20_000;
        summary.report.requests.total = 1_412;
        summary
    }

    #[test]
    fn a_complete_run_is_told_in_three_lines() {
        insta::assert_snapshot!(text(0, &summary(RunOutcome::Complete)));
    }

    #[test]
    fn an_incomplete_run_names_ten_failures_and_what_to_do() {
        let mut summary = summary(RunOutcome::Incomplete);
        summary.report.conversations.partial = 1;
        summary.report.conversations.failed = 12;
        summary.report.conversations.empty = 2;
        summary.empty = vec!["conv_empty\u{7}".to_owned()];
        summary.report.requests.throttled = 3;
        summary.phones = Some(PhoneCounts {
            asked: 3,
            found: 2,
            not_found: 1,
            failed: 0,
        });
        for number in 0..12 {
            summary.failures.push(ReportedFailure {
                conversation_id: Some(format!("conv_{number}")),
                class: "server".to_owned(),
                reason: "502 after 5 retries\u{1b}[2J".to_owned(),
            });
        }
        summary.failures_omitted = 1;
        insta::assert_snapshot!(text(0, &summary));
    }

    #[test]
    fn a_run_that_stopped_says_why_and_that_it_goes_on() {
        let mut summary = summary(RunOutcome::Stopped(StopReason::MaxRequests));
        summary.stopped_because = Some("--max-requests 1412 is spent".to_owned());
        summary.report.conversations.not_reached = 13;
        insta::assert_snapshot!(text(0, &summary));
    }
}
