//! The first page: what there is, how well it is proven, what needs attention, how much was said.

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use jiff::{ToSpan as _, civil::Date};
use maud::{Markup, html};
use tokio::sync::Mutex;

use super::{
    Site, chart,
    conversations::count_link,
    figures::{counted, grouped, length},
    layout::{Frame, Part, badge},
    local::Local,
    query::link,
    refusal::Refusal,
    runs, search,
};
use crate::{
    model::Timestamp,
    store::{Browsing, DayVolume, Status},
};

/// Days of the chart.
const DAYS: i64 = 60;
/// Runs that are shown here.
const RUNS: u32 = 5;

/// The volume of the last days, kept while the archive stays as it is: it is the one thing here
/// that reads every message of these days.
#[derive(Debug, Default)]
pub(super) struct Volumes(Mutex<Option<(i64, Vec<DayVolume>)>>);

impl Volumes {
    /// Days without a message have a row too; none where there is no message.
    async fn read(
        &self,
        writes: i64,
        archive: &mut Browsing,
        local: &Local,
        newest: Option<Timestamp>,
    ) -> Result<Vec<DayVolume>, Refusal> {
        let mut kept = self.0.lock().await;
        if let Some((known, days)) = kept.as_ref().filter(|(known, _)| *known == writes) {
            let _ = known;
            return Ok(days.clone());
        }
        let Some(last) = newest.and_then(|newest| local.date(newest)) else {
            return Ok(Vec::new());
        };
        let first = last.saturating_sub((DAYS - 1).days());
        let days = archive.volume(local.beginning_of(first)).await?;
        let days = without_gaps(days, first, last);
        *kept = Some((writes, days.clone()));
        Ok(days)
    }
}

fn without_gaps(days: Vec<DayVolume>, first: Date, last: Date) -> Vec<DayVolume> {
    let mut by_day: HashMap<String, DayVolume> =
        days.into_iter().map(|day| (day.day.clone(), day)).collect();
    let all = first.series(1.day()).take_while(|day| *day <= last);
    all.take(usize::try_from(DAYS).unwrap_or_default())
        .map(|day| {
            let day = day.to_string();
            let empty = DayVolume {
                day: day.clone(),
                messages: 0,
                inbound: 0,
                outbound: 0,
            };
            by_day.remove(&day).unwrap_or(empty)
        })
        .collect()
}

/// The overview.
pub(super) async fn show(State(site): State<Arc<Site>>) -> Result<Frame, Refusal> {
    let writes = site.store.read_writes().await?;
    let status = site.store.read_status().await?;
    let mut archive = site.browse().await?;
    let local = Local::new(archive.zone().await?);
    let runs = archive.runs(None, RUNS).await?.rows;
    let newest = time(status.newest_message.as_deref());
    let volume = site.volumes.read(writes, &mut archive, &local, newest);
    let volume = volume.await?;
    archive.close().await?;
    let last_code = runs.iter().find_map(|run| Some((run.id.0, run.exit_code?)));
    let body = html! {
        h1 { "Overview" }
        (search::box_for(None))
        (totals(&status, &local))
        section aria-labelledby="attention" {
            h2 #attention { "What needs attention" }
            (attention(&status, last_code, site.clock.now()))
        }
        section aria-labelledby="coverage" {
            h2 #coverage { "Coverage" }
            (chart::coverage(&status.conversations, count_link))
        }
        section aria-labelledby="volume" {
            h2 #volume { "Messages a day" }
            (chart::volume(&volume))
        }
        section aria-labelledby="runs" {
            h2 #runs { "Last runs" }
            @if runs.is_empty() { p.empty { "Nothing was run on this archive yet." } }
            @else { (runs::table(&runs, &local)) }
            p { a href="/runs" { "All runs" } }
        }
    };
    Ok(Frame {
        title: "Overview".to_owned(),
        part: Part::Overview,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn totals(status: &Status, local: &Local) -> Markup {
    let conversations = status.conversations.iter().map(|(_, number)| number).sum();
    let newest = time(status.newest_message.as_deref());
    html! {
        dl.facts.large {
            div { dt { "Conversations" } dd { (grouped(conversations)) } }
            div { dt { "Messages" } dd { (grouped(status.messages)) } }
            div { dt { "Newest message" } dd { (local.maybe_stamp(newest)) } }
            div { dt { "Gateway" } dd { (status.gateway_url.as_deref().unwrap_or("none yet")) } }
        }
    }
}

fn attention(overview: &Status, last: Option<(i64, i64)>, now: Timestamp) -> Markup {
    let failures: u64 = overview.failures.iter().map(|(_, number)| number).sum();
    let classes: Vec<String> = overview
        .failures
        .iter()
        .map(|(class, number)| format!("{} {class}", grouped(*number)))
        .collect();
    let states = overview
        .conversations
        .iter()
        .filter(|(state, number)| state != "complete" && *number > 0);
    let states: Vec<_> = states.collect();
    let bad_run = last.filter(|(_, code)| *code != 0);
    let is_calm = failures == 0
        && states.is_empty()
        && bad_run.is_none()
        && overview.missing == 0
        && overview.anomalies == 0;
    html! {
        ul.attention {
            @if is_calm { li { (badge("complete")) " Nothing: every conversation is complete." } }
            @if let Some((run, code)) = bad_run {
                li { a href=(link("/run", &[("id", &run.to_string())])) { "The last run" } " ended with code " strong { (code) } "." }
            }
            @if failures > 0 {
                li { a href="/failures" { (counted(failures, "open failure")) } ": " (classes.join(", ")) "." }
            }
            @for (state, number) in states {
                li {
                    a href=(link("/conversations", &[("state", state)])) { (counted(*number, "conversation")) }
                    " " (badge(state)) @if overview.waived > 0 && state != "pending" { " (waived in all: " (grouped(overview.waived)) ")" }
                }
            }
            @if overview.missing > 0 {
                li { (counted(overview.missing, "message")) " missing at the gateway, not yet confirmed to be deleted." }
            }
            @if overview.anomalies > 0 {
                li { a href="/anomalies" { (grouped(overview.anomalies)) " oddities" } " in what was received; nothing was dropped for them." }
            }
            li {
                @match time(overview.oldest_proof.as_deref()) {
                    Some(proven) => { "The " a href="/conversations?sort=proof&state=complete" { "oldest proof" } " is from " strong { (length(now.since(proven))) " ago" } "." }
                    None => "No conversation is proven complete yet.",
                }
            }
        }
    }
}
