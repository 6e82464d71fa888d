//! What went wrong: open failures, or all that ever were.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Site,
    layout::{Frame, Part, badge, onward, wide},
    local::Local,
    query::{Asked, conversation_link, link, number},
    refusal::Refusal,
    runs::run_link,
};
use crate::{
    model::{FailureClass, RunId},
    store::{FailureQuery, FailureRow},
};

/// Failures of one page.
const PAGE: u32 = 50;

/// The page of failures.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let is_class = |word: &str| {
        let known = FailureClass::ALL.iter().any(|class| class.as_str() == word);
        known.then(|| word.to_owned())
    };
    let query = FailureQuery {
        all: asked.get("all").is_some(),
        class: asked.read("class", is_class)?,
        run: asked.read("run", number)?.map(RunId),
        before: asked.read("before", number)?,
        limit: PAGE,
    };
    let mut archive = site.browse().await?;
    let listed = archive.failures(&query).await?;
    let local = Local::new(archive.zone().await?);
    archive.close().await?;
    let run = query.run.map(|run| run.0.to_string()).unwrap_or_default();
    let to = |before: &str| {
        let parameters = [
            ("all", if query.all { "yes" } else { "" }),
            ("class", query.class.as_deref().unwrap_or_default()),
            ("run", run.as_str()),
            ("before", before),
        ];
        link("/failures", &parameters)
    };
    let last = listed.rows.last().filter(|_| listed.more);
    let next = last.map(|failure| to(&failure.key.to_string()));
    let first = query.before.map(|_| to(""));
    let body = html! {
        h1 { "Failures" @if let Some(run) = query.run { " of run " (run.0) } }
        (filter(&query, &run))
        @if listed.rows.is_empty() {
            p.empty { @if query.all { "There are none." } @else { "None is open." } }
        } @else {
            (table(&listed.rows, &local))
            p.mark { "A failure is resolved by the run that completes its conversation, or waived by somebody: " code { "convault failures waive" } "." }
        }
        (onward(first.as_deref(), next.as_deref()))
    };
    Ok(Frame {
        title: "Failures".to_owned(),
        part: Part::Failures,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

fn filter(query: &FailureQuery, run: &str) -> Markup {
    html! {
        form.filter action="/failures" method="get" {
            @if !run.is_empty() { input type="hidden" name="run" value=(run); }
            label {
                "Class "
                select name="class" {
                    option value="" { "any" }
                    @for class in FailureClass::ALL {
                        option value=(class.as_str()) selected[query.class.as_deref() == Some(class.as_str())] { (class.as_str()) }
                    }
                }
            }
            label.check { input type="checkbox" name="all" value="yes" checked[query.all]; " resolved and waived ones too" }
            button type="submit" { "Show" }
        }
    }
}

/// Failures as a table.
pub(super) fn table(failures: &[FailureRow], local: &Local) -> Markup {
    let stamp = |text: &str| {
        html! {
            @if let Ok(time) = text.parse() { (local.stamp(time)) } @else { (text) }
        }
    };
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Conversation" } th scope="col" { "What happened" }
                    th scope="col" { "Class" } th scope="col" { "When" } th scope="col" { "Run" }
                    th scope="col" { "Now" }
                }
            }
            tbody {
                @for failure in failures {
                    tr {
                        td {
                            @match &failure.conversation_id {
                                Some(id) => a href=(conversation_link(id)) { bdi.id { (id) } },
                                None => "the whole run",
                            }
                        }
                        td.told { (failure.reason) }
                        td { (failure.class) }
                        td { (stamp(&failure.occurred_at)) }
                        td { a href=(run_link(failure.run_id)) { (failure.run_id.0) } }
                        td { (now(failure, stamp)) }
                    }
                }
            }
        }
    };
    wide("Failures", &table)
}

fn now(failure: &FailureRow, stamp: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @if let Some(run) = failure.resolved_run {
            (badge("resolved")) " by " a href=(run_link(run)) { "run " (run.0) }
        } @else if let Some(time) = &failure.waived_at {
            (badge("waived")) " " (stamp(time))
            @if let Some(reason) = &failure.waived_reason { ": " bdi { (reason) } }
        } @else {
            (badge("open"))
        }
    }
}
