//! `convault explain ID`: everything known about one conversation, and why it is in its state.

mod json;

use std::fmt::Write as _;

use super::{
    context::Context,
    failures::standing,
    outcome::{Exit, Failure},
    output::{self, grouped, human, printable, table},
};
use crate::{
    config::ArchiveArgs,
    model::{ConversationState, FailureClass, Piece, Timestamp},
    store::ConversationDetail,
    sync::input::parse_id,
};

/// Pieces and holes that are shown; more only says that the line is in tatters.
const HOLES_SHOWN: usize = 10;

/// Show everything known about one conversation and why it is in its state.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault explain conv_5d1f9c0a\n  convault explain conv_5d1f9c0a --json | jq .holes"
)]
pub(super) struct ExplainCommand {
    /// The conversation: its id, or a link of the web application.
    #[arg(value_name = "ID")]
    id: String,
    /// One JSON object in place of tables.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    archive: ArchiveArgs,
}

impl ExplainCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let id = parse_id(&self.id)
            .map_err(|flaw| Failure::usage(format!("the id makes no sense: {flaw}")))?
            .ok_or_else(|| Failure::usage("the id is empty"))?;
        let store = context.open_to_read("explain", &self.archive).await?;
        let detail = store.read_conversation(&id).await;
        store.close().await;
        let detail = detail?.ok_or_else(|| {
            Failure::usage(format!(
                "the archive does not know the conversation {}",
                printable(id.as_str())
            ))
            .with_hint("`convault sync ID` archives it")
        })?;
        if self.json {
            output::print_json(&json::as_json(&detail))?;
        } else {
            output::print(&as_text(&detail, context.clock.now()))?;
        }
        Ok(Exit::Done)
    }
}

fn as_text(detail: &ConversationDetail, now: Timestamp) -> String {
    let mut text = facts(detail, now);
    let holes = holes(&detail.record.ledger);
    if detail.record.state != ConversationState::Pending && !holes.is_empty() {
        text.push('\n');
        text.push_str(&table(
            ["not read yet, after", "before"],
            holes
                .iter()
                .take(HOLES_SHOWN)
                .map(|(after, before)| [end(*after, "the beginning"), end(*before, "now")]),
        ));
        if holes.len() > HOLES_SHOWN {
            writeln!(text, "and {} more", holes.len() - HOLES_SHOWN).expect("a string takes all");
        }
    }
    if !detail.anomalies.is_empty() {
        text.push('\n');
        let anomalies = detail.anomalies.iter();
        text.push_str(&table(
            ["anomalies", "number"],
            anomalies.map(|(kind, number)| [kind.clone(), grouped(*number)]),
        ));
    }
    if !detail.failures.is_empty() {
        text.push('\n');
        text.push_str(&table(
            ["failure", "reason", "when", "run", "now"],
            detail.failures.iter().map(|failure| {
                [
                    failure.class.clone(),
                    failure.reason.clone(),
                    failure.occurred_at.clone(),
                    failure.run_id.0.to_string(),
                    standing(failure),
                ]
            }),
        ));
    }
    if !detail.runs.is_empty() {
        text.push('\n');
        text.push_str(&table(
            ["run", "state after it", "reason"],
            detail.runs.iter().map(|(run, state, reason)| {
                [
                    run.0.to_string(),
                    state.as_str().to_owned(),
                    reason.clone().unwrap_or_default(),
                ]
            }),
        ));
    }
    text
}

fn facts(detail: &ConversationDetail, now: Timestamp) -> String {
    let record = &detail.record;
    let aged = |time: Option<Timestamp>| {
        time.map_or_else(
            || "never".to_owned(),
            |time| format!("{time} ({} ago)", human(now.since(time))),
        )
    };
    let shown = |time: Option<Timestamp>| time.map_or_else(|| "-".to_owned(), |t| t.to_string());
    let mut rows = vec![
        ["state".to_owned(), record.state.as_str().to_owned()],
        ["why".to_owned(), why(detail)],
    ];
    if let Some(reason) = &detail.reason {
        rows.push(["reason".to_owned(), reason.clone()]);
    }
    if detail.state_since.is_some() {
        rows.push(["since".to_owned(), aged(detail.state_since)]);
    }
    rows.extend([
        ["checked at".to_owned(), aged(detail.checked_at)],
        ["proven at".to_owned(), aged(detail.proven_at)],
        [
            "horizon".to_owned(),
            detail.horizon.map_or_else(
                || "none: nothing is proven yet".to_owned(),
                |time| format!("{time}: all before it is proven"),
            ),
        ],
        ["messages".to_owned(), message_counts(detail)],
        ["first message".to_owned(), shown(detail.first_message_at)],
        ["last message".to_owned(), shown(detail.last_message_at)],
        [
            "oldest end".to_owned(),
            record.tail_proof.map_or_else(
                || "not proven yet".to_owned(),
                |proof| format!("proven ({})", proof.as_str()),
            ),
        ],
        [
            "counted, not listed".to_owned(),
            record
                .unlisted
                .map_or_else(|| "not known yet".to_owned(), |b| b.to_string()),
        ],
    ]);
    if let Some(steady) = record.count_trust.steady_runs {
        let trust = format!("no: it wobbles; steady for {steady} of 3 runs by now");
        rows.push(["count trusted".to_owned(), trust]);
    }
    for point in &record.tie_points {
        rows.push(["passed over".to_owned(), passed_over(point)]);
    }
    if let Some(below) = record.swept_below {
        rows.push(["swept down to".to_owned(), below.to_string()]);
    }
    if let Some(since) = record.full_since {
        rows.push(["second cover since".to_owned(), aged(Some(since))]);
    }
    let id = printable(record.id.as_str());
    table(["conversation", &id], rows)
}

/// A time that more messages share than fit a page.
fn passed_over_at(point: &Piece) -> Option<Timestamp> {
    let after = point.after?;
    Some(Timestamp::from_millis(after.as_millis() + 1))
}

fn passed_over(point: &Piece) -> String {
    passed_over_at(point).map_or_else(String::new, |time| {
        format!("{time}: more messages share it than fit a page")
    })
}

fn message_counts(detail: &ConversationDetail) -> String {
    let mut text = grouped(detail.messages);
    for (number, what) in [(detail.missing, "missing"), (detail.deleted, "deleted")] {
        if number > 0 {
            write!(text, ", {} of them {what}", grouped(number)).expect("a string takes all");
        }
    }
    text
}

/// The state in a sentence, and what can be done about it.
fn why(detail: &ConversationDetail) -> String {
    let open_class = detail
        .failures
        .iter()
        .find(|failure| failure.resolved_run.is_none())
        .and_then(|failure| FailureClass::parse(&failure.class));
    match (detail.record.state, open_class) {
        (ConversationState::Pending, _) => "no run has attempted it yet".to_owned(),
        (ConversationState::Complete, _) => {
            "every message is accounted for: the pages read join without a gap down to the end"
                .to_owned()
        }
        (_, Some(class)) => meaning(class).to_owned(),
        (ConversationState::Gone, None) => meaning(FailureClass::Gone).to_owned(),
        (ConversationState::Forbidden, None) => meaning(FailureClass::Forbidden).to_owned(),
        (ConversationState::Partial | ConversationState::Failed, None) => {
            "the last run did not read all of it; the next one goes on there".to_owned()
        }
    }
}

const fn meaning(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Gone => {
            "the gateway says that it does not exist (any more); what was archived stays; waive \
             it if that is as it should be"
        }
        FailureClass::Forbidden => {
            "the token may not read it; another token may, or waive it if that is as it should be"
        }
        FailureClass::Rejected => "the gateway refused the request as such; check the id",
        FailureClass::Systemic => {
            "the gateway's answer was not about this conversation; check URL, licence and \
             organisation with `convault doctor`"
        }
        FailureClass::Server => "the gateway failed at every attempt; the next run tries again",
        FailureClass::Transport => {
            "the connection broke at every attempt; the next run tries again"
        }
        FailureClass::Timeout => {
            "the gateway was too slow at every attempt; a smaller --page-size may help"
        }
        FailureClass::Malformed => "the gateway's answers made no sense; the next run tries again",
        FailureClass::TooLarge => "a page was too large; try a smaller --page-size",
        FailureClass::OrderViolation => {
            "the gateway gave messages out of order, so that nothing could be proven from them"
        }
        FailureClass::TieGroupExceedsPage => {
            "more messages share one millisecond than fit in a page; try a larger --page-size"
        }
        FailureClass::CountDeficit => {
            "the gateway counts another number of messages than it lists, and nothing explains it; \
             ask the vendor, and waive it with a reason if nothing is missing"
        }
        FailureClass::WalkBudgetSpent => {
            "its pages brought nothing new, or it changed too much while it was read; the next run \
             goes on"
        }
        FailureClass::TailUnproven => {
            "the oldest end could not be proven; the next run tries again"
        }
        FailureClass::MassDeletion => {
            "so much vanished at once that it is not believed; if it is true, run once with \
             --accept-deletions"
        }
        FailureClass::InconsistentGateway => {
            "answers of one run contradict each other, as if backends held different lists; nothing \
             is called deleted; tell the vendor if it lasts"
        }
    }
}

fn end(time: Option<Timestamp>, open: &str) -> String {
    time.map_or_else(|| open.to_owned(), |time| time.to_string())
}

/// What the pieces leave open, oldest first. Times are whole milliseconds, so two pieces join
/// if the lower one's `before` is larger than the upper one's `after`.
fn holes(ledger: &[Piece]) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    let Some((first, last)) = ledger.first().zip(ledger.last()) else {
        return vec![(None, None)];
    };
    let mut holes = Vec::new();
    if first.after.is_some() {
        holes.push((None, first.after));
    }
    for pair in ledger.windows(2) {
        let (below, above) = (pair[0].before, pair[1].after);
        if below
            .zip(above)
            .is_some_and(|(below, above)| above >= below)
        {
            holes.push((below, above));
        }
    }
    if last.before.is_some() {
        holes.push((last.before, None));
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ConversationId, ConversationKey, ConversationRecord, CountTrust, RunId},
        store::FailureRow,
    };

    #[expect(clippy::unnecessary_wraps, reason = "the ends of a piece are optional")]
    const fn at(millis: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(millis))
    }

    const fn piece(after: Option<Timestamp>, before: Option<Timestamp>) -> Piece {
        Piece {
            after,
            before,
            sent_at: Timestamp::from_millis(0),
            settled: false,
        }
    }

    #[test]
    fn holes_are_what_the_pieces_leave_open() {
        assert_eq!(holes(&[]), [(None, None)]);
        assert_eq!(holes(&[piece(None, None)]), []);
        assert_eq!(holes(&[piece(None, at(10)), piece(at(9), None)]), []);
        assert_eq!(
            holes(&[piece(at(5), at(10)), piece(at(10), at(20))]),
            [(None, at(5)), (at(10), at(10)), (at(20), None)]
        );
    }

    #[test]
    fn a_conversation_is_explained_with_what_to_do() {
        let detail = ConversationDetail {
            record: ConversationRecord {
                key: ConversationKey(1),
                id: ConversationId::new("conv_1"),
                state: ConversationState::Partial,
                live_count: 90,
                missing_count: 0,
                unlisted: None,
                count_trust: CountTrust::default(),
                swept_below: None,
                tie_points: Vec::new(),
                tail_proof: None,
                ledger: vec![piece(at(5_000), None)],
                full_ledger: Vec::new(),
                full_since: None,
            },
            reason: Some("502 after 5 retries".to_owned()),
            state_since: at(60_000),
            checked_at: None,
            proven_at: None,
            horizon: None,
            messages: 100,
            missing: 0,
            deleted: 10,
            first_message_at: at(5_000),
            last_message_at: at(6_000),
            anomalies: vec![("unknown_type".to_owned(), 2)],
            failures: vec![FailureRow {
                unlisted: None,
                key: 1,
                run_id: RunId(2),
                conversation_id: Some("conv_1".to_owned()),
                class: "server".to_owned(),
                reason: "502 after 5 retries".to_owned(),
                occurred_at: "1970-01-01T00:01:00.000Z".to_owned(),
                resolved_run: None,
                waived_at: None,
                waived_reason: None,
            }],
            runs: vec![(RunId(2), ConversationState::Partial, None)],
        };
        insta::assert_snapshot!(as_text(&detail, Timestamp::from_millis(120_000)));
    }
}
