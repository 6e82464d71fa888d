//! What was odd about messages: where in their JSON, and in which words of ours.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Site,
    layout::{Frame, Part, onward, wide},
    query::{Asked, anomaly_place, anomaly_place_text, conversation_link, link, message_link},
    refusal::Refusal,
};
use crate::store::AnomalyLine;

/// Oddities of one page.
const PAGE: u32 = 100;

/// The page of oddities.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let before = asked.read("before", anomaly_place)?;
    let kind = asked.get("kind").unwrap_or_default();
    let mut archive = site.browse().await?;
    let listed = archive.anomalies(kind, before, PAGE).await?;
    archive.close().await?;
    let to = |before: &str| link("/anomalies", &[("kind", kind), ("before", before)]);
    let last = listed.rows.last().filter(|_| listed.more);
    let next = last.map(|line| to(&anomaly_place_text(line.place)));
    let first = before.map(|_| to(""));
    let body = html! {
        h1 { "Oddities" @if !kind.is_empty() { " of the kind " (kind) } }
        p { "What was odd or unknown about messages. Each of them is archived all the same, with its JSON as received." }
        @if !kind.is_empty() { p { a href="/anomalies" { "Oddities of every kind" } } }
        @if listed.rows.is_empty() { p.empty { "There are none." } }
        @else { (table(&listed.rows)) }
        (onward(first.as_deref(), next.as_deref()))
    };
    Ok(Frame {
        title: "Oddities".to_owned(),
        part: Part::Anomalies,
        archive: Some(site.archive.clone()),
        zone: None,
        body,
    })
}

fn table(lines: &[AnomalyLine]) -> Markup {
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Kind" } th scope="col" { "Place" } th scope="col" { "Found" }
                    th scope="col" { "Message" } th.number scope="col" { "Version" }
                    th scope="col" { "Conversation" }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        td { a href=(link("/anomalies", &[("kind", &line.kind)])) { (line.kind) } }
                        td { code { @if line.path.is_empty() { "the whole" } @else { (line.path) } } }
                        td { (line.detail) }
                        td { a href=(message_link(&line.conversation_id, &line.message_id)) { bdi.id { (line.message_id) } } }
                        td.number { (line.place.version) }
                        td { a href=(conversation_link(&line.conversation_id)) { bdi.id { (line.conversation_id) } } }
                    }
                }
            }
        }
    };
    wide("Oddities", &table)
}
