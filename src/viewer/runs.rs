//! The list of runs, and one of them: its counts, its failures, what it did to conversations.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Site, failures,
    figures::{grouped, length},
    layout::{Frame, Part, badge, onward, wide},
    local::Local,
    query::{Asked, conversation_link, link, number},
    refusal::Refusal,
};
use crate::{
    model::{ConversationKey, RunId},
    store::{FailureQuery, RunConversation, RunFacts},
};

/// Runs of one page.
const PAGE: u32 = 50;
/// Conversations of one page of a run.
const CONVERSATIONS: u32 = 100;
/// Failures that are shown with a run.
const FAILURES: u32 = 20;

/// The page of all runs.
pub(super) async fn list(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let below = asked.read("below", number)?.map(RunId);
    let mut archive = site.browse().await?;
    let listed = archive.runs(below, PAGE).await?;
    let local = Local::new(archive.zone().await?);
    archive.close().await?;
    let last = listed.rows.last().filter(|_| listed.more);
    let next = last.map(|run| link("/runs", &[("below", &run.id.0.to_string())]));
    let body = html! {
        h1 { "Runs" }
        @if listed.rows.is_empty() { p.empty { "There are no runs here." } }
        @else { (table(&listed.rows, &local)) }
        (onward(below.map(|_| "/runs"), next.as_deref()))
    };
    Ok(Frame {
        title: "Runs".to_owned(),
        part: Part::Runs,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

/// Runs as a table.
pub(super) fn table(runs: &[RunFacts], local: &Local) -> Markup {
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Run" } th scope="col" { "Command" } th scope="col" { "Started" }
                    th scope="col" { "Took" } th scope="col" { "Outcome" }
                    th.number scope="col" { "Complete" } th.number scope="col" { "New" }
                    th.number scope="col" { "Changed" } th.number scope="col" { "Requests" }
                }
            }
            tbody {
                @for run in runs {
                    tr {
                        th scope="row" { a href=(run_link(run.id)) { (run.id.0) } }
                        td { (run.command) }
                        td { (local.stamp(run.started_at)) }
                        td { (took(run)) }
                        td { (outcome(run)) }
                        td.number { (grouped(run.conversations.complete)) " of " (grouped(run.conversations.listed)) }
                        td.number { (grouped(run.messages.new)) }
                        td.number { (grouped(run.messages.changed)) }
                        td.number { (grouped(run.requests)) }
                    }
                }
            }
        }
    };
    wide("Runs", &table)
}

/// A link to a run.
pub(super) fn run_link(run: RunId) -> String {
    link("/run", &[("id", &run.0.to_string())])
}

fn took(run: &RunFacts) -> String {
    match run.finished_at {
        Some(finished) => length(finished.since(run.started_at)),
        None => "–".to_owned(),
    }
}

fn outcome(run: &RunFacts) -> Markup {
    html! {
        (badge(run.outcome.as_deref().unwrap_or("running or killed")))
        @if let Some(code) = run.exit_code { " code " (code) }
    }
}

/// The page of one run.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let text = asked.must("id")?;
    let unknown = || Refusal::NotArchived {
        what: "run",
        id: text.to_owned(),
    };
    let id = RunId(number(text).ok_or_else(unknown)?);
    let after = asked.read("after", number)?.map(ConversationKey);
    let mut archive = site.browse().await?;
    let run = archive.run(id).await?.ok_or_else(unknown)?;
    let local = Local::new(archive.zone().await?);
    let query = FailureQuery {
        all: true,
        run: Some(id),
        limit: FAILURES,
        ..FailureQuery::default()
    };
    let failed = archive.failures(&query).await?;
    let touched = archive.conversations_of_run(id, after, CONVERSATIONS);
    let touched = touched.await?;
    archive.close().await?;
    let to = |after: &str| link("/run", &[("id", text), ("after", after)]);
    let last = touched.rows.last().filter(|_| touched.more);
    let next = last.map(|line| to(&line.key.0.to_string()));
    let first = after.map(|_| to(""));
    let body = html! {
        h1 { "Run " (id.0) }
        (facts(&run, &local))
        h2 { "Counts" }
        (counts(&run))
        h2 #failures { "Failures" }
        @if failed.rows.is_empty() { p.empty { "None." } }
        @else { (failures::table(&failed.rows, &local)) }
        @if failed.more { p { a href=(link("/failures", &[("run", text), ("all", "yes")])) { "All failures of this run" } } }
        h2 { "Conversations that changed, or are not complete" }
        @if touched.rows.is_empty() { p.empty { "None." } }
        @else { (conversations(&touched.rows)) }
        (onward(first.as_deref(), next.as_deref()))
    };
    Ok(Frame {
        title: format!("Run {}", id.0),
        part: Part::Runs,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

fn facts(run: &RunFacts, local: &Local) -> Markup {
    html! {
        dl.facts {
            div { dt { "Outcome" } dd { (outcome(run)) } }
            div { dt { "Command" } dd { (run.command) " of convault " (run.program_version) } }
            div { dt { "Run by" } dd { (run.holder) } }
            div { dt { "Started" } dd { (local.stamp(run.started_at)) } }
            div { dt { "Finished" } dd { (local.maybe_stamp(run.finished_at)) } }
            div { dt { "Took" } dd { (took(run)) } }
        }
    }
}

fn counts(run: &RunFacts) -> Markup {
    let conversations = &run.conversations;
    let messages = &run.messages;
    let planned = run.planned.and_then(|planned| u64::try_from(planned).ok());
    let groups: [(&str, Vec<(&str, u64)>); 3] = [
        (
            "Conversations",
            vec![
                ("listed", conversations.listed),
                ("complete", conversations.complete),
                ("partial", conversations.partial),
                ("gone", conversations.gone),
                ("forbidden", conversations.forbidden),
                ("failed", conversations.failed),
                ("waived", conversations.waived),
                ("not reached", conversations.not_reached),
                ("empty", conversations.empty),
            ],
        ),
        (
            "Messages",
            vec![
                ("new", messages.new),
                ("changed", messages.changed),
                ("deleted", messages.deleted),
                ("unchanged", messages.unchanged),
                ("unrecognised", messages.unrecognised),
            ],
        ),
        (
            "Requests",
            [("sent", run.requests)]
                .into_iter()
                .chain(planned.map(|planned| ("planned", planned)))
                .chain([
                    ("retried", run.retried),
                    ("throttled", run.throttled),
                    ("of the sweep", run.swept),
                ])
                .collect(),
        ),
    ];
    html! {
        div.groups {
            @for (name, numbers) in groups {
                table.narrow {
                    caption { (name) }
                    tbody {
                        @for (word, number) in numbers {
                            tr { th scope="row" { (word) } td.number { (grouped(number)) } }
                        }
                    }
                }
            }
        }
    }
}

fn conversations(rows: &[RunConversation]) -> Markup {
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Conversation" } th scope="col" { "State" } th scope="col" { "Why" }
                    th.number scope="col" { "New" } th.number scope="col" { "Changed" }
                    th.number scope="col" { "Deleted" } th.number scope="col" { "Requests" }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { a href=(conversation_link(row.id.as_str())) { bdi.id { (row.id) } } }
                        td { (badge(row.state.as_str())) }
                        td.told { (row.reason.as_deref().unwrap_or("")) }
                        td.number { (grouped(row.new)) }
                        td.number { (grouped(row.changed)) }
                        td.number { (grouped(row.deleted)) }
                        td.number { (grouped(row.requests)) }
                    }
                }
            }
        }
    };
    wide("Conversations of the run", &table)
}
