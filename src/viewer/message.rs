//! One message: as it is now, every version that was observed, and the JSON as received.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Site,
    conversation::read_head,
    figures::{counted, cut},
    layout::{Frame, Part, onward, wide},
    local::Local,
    query::{Asked, conversation_link, link, message_in_place, number},
    refusal::Refusal,
    timeline::{Timeline, compared},
};
use crate::{
    model::{ConversationId, MessageId},
    normalize,
    store::{ArchivedAbsenceTime, ChangedPlace, MessageVersion, ShownMessage},
};

/// Versions of one page.
const PAGE: u32 = 10;
/// The JSON and the words of one version are cut off here, as the store does.
const CHARACTERS_MAX: usize = 100_000;

/// The page of one message.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let conversation = ConversationId::new(asked.must("conversation")?);
    let id = MessageId::new(asked.must("id")?);
    let below = asked.read("below", number)?;
    let mut archive = site.browse().await?;
    let head = read_head(&mut archive, &conversation).await?;
    let message = archive.message(head.key, &id).await?;
    let message = message.ok_or_else(|| Refusal::NotArchived {
        what: "message",
        id: id.to_string(),
    })?;
    let local = Local::new(archive.zone().await?);
    let key = message.place.key;
    // One more than is shown, since each is compared with the one before it.
    let mut versions = archive.versions(key, below, PAGE + 1).await?.rows;
    let absences = archive.absences(key).await?;
    let (newest, oldest) = (versions.first(), versions.last());
    let (newest, oldest) = (
        newest.map_or(0, |found| found.version),
        oldest.map_or(0, |found| found.version),
    );
    let changes = archive.changes(key, oldest, newest).await?;
    let shown = std::slice::from_ref(&message);
    let timeline = Timeline::read(&mut archive, head.key, &head.id, shown).await?;
    archive.close().await?;
    let words = words_of(&versions, &head.id);
    let next = (versions.len() > PAGE as usize).then(|| {
        versions.pop();
        let last = versions.last().map_or(0, |found| found.version).to_string();
        let parameters = [
            ("conversation", head.id.as_str()),
            ("id", message.id.as_str()),
            ("below", last.as_str()),
        ];
        link("/message", &parameters)
    });
    let body = html! {
        h1 { "Message " bdi.id { (message.id) } }
        p {
            "In conversation " a href=(conversation_link(head.id.as_str())) { bdi.id { (head.id) } } ": "
            a href=(message_in_place(head.id.as_str(), message.id.as_str())) { "among those around it" }
        }
        (facts(&message, &local))
        (timeline.alone(&local, CHARACTERS_MAX))
        (absent(&absences, &local))
        h2 { "Versions" }
        @for version in &versions {
            (shown_version(version, &words, &changes, &local))
        }
        (onward(None, next.as_deref()))
    };
    Ok(Frame {
        title: format!("Message {}", message.id),
        part: Part::Conversations,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

/// The words of each version whose JSON is there and whole, by its number, oldest first.
fn words_of(
    versions: &[MessageVersion],
    conversation: &ConversationId,
) -> Vec<(i64, Option<String>)> {
    let mut words: Vec<_> = versions
        .iter()
        .filter_map(|version| {
            let (raw, is_cut) = cut(version.raw.as_deref()?, CHARACTERS_MAX);
            let decoded = (!is_cut).then(|| normalize::message(raw, conversation))?;
            let words = decoded.text.or(decoded.title);
            Some((version.version, words.map(String::from)))
        })
        .collect();
    words.reverse();
    words
}

fn facts(message: &ShownMessage, local: &Local) -> Markup {
    html! {
        dl.facts {
            div { dt { "Created" } dd { (local.maybe_stamp(message.place.created_at)) } }
            div { dt { "Updated" } dd { (local.maybe_stamp(message.updated_at)) } }
            div { dt { "Sender" } dd { bdi { (message.sender_id.as_deref().unwrap_or("–")) } } }
            div { dt { "Type" } dd { (message.kind.as_deref().unwrap_or("–")) } }
        }
    }
}

fn absent(absences: &[ArchivedAbsenceTime], local: &Local) -> Markup {
    html! {
        @if !absences.is_empty() {
            h2 { "Missing at the gateway" }
            ul {
                @for absence in absences {
                    li {
                        @if absence.strike == 1 { "First missed" } @else { "Confirmed" }
                        " by the page that " (run_link(absence.run.0)) " asked for on "
                        (local.stamp(absence.sent_at))
                    }
                }
            }
        }
    }
}

fn run_link(run: i64) -> Markup {
    html! { a href=(link("/run", &[("id", &run.to_string())])) { "run " (run) } }
}

fn shown_version(
    version: &MessageVersion,
    words: &[(i64, Option<String>)],
    places: &[ChangedPlace],
    local: &Local,
) -> Markup {
    let by_number: HashMap<i64, Option<&str>> = words
        .iter()
        .map(|(number, words)| (*number, words.as_deref()))
        .collect();
    let before = words
        .iter()
        .rev()
        .find(|(known, _)| *known < version.version);
    let told = match (by_number.get(&version.version), before) {
        (Some(now), Some((number, before))) => Some((number, compared(before.as_deref(), *now))),
        _ => None,
    };
    let changed: Vec<&ChangedPlace> = places
        .iter()
        .filter(|change| change.version == version.version)
        .collect();
    html! {
        section.version {
            h3 { "Version " (version.version) ": " (version.event) }
            p.mark {
                "Observed " (local.stamp(version.observed_at)) ", kept " (local.stamp(version.recorded_at))
                " by " (run_link(version.run.0))
            }
            @if let Some((number, told)) = told {
                p { "Against version " (number) ":" }
                (told)
            }
            (changed_places(version.version, &changed))
            (raw(version))
        }
    }
}

fn changed_places(version: i64, changed: &[&ChangedPlace]) -> Markup {
    let or_nothing = |text: &Option<String>| {
        let shown = text.as_deref().map(|text| cut(text, 2_000));
        html! {
            @if let Some((shown, is_cut)) = shown { bdi { (shown) @if is_cut { "…" } } }
            @else { i { "nothing" } }
        }
    };
    let table = html! {
        table {
            thead { tr { th scope="col" { "Place" } th scope="col" { "Before" } th scope="col" { "After" } } }
            tbody {
                @for change in changed {
                    tr {
                        th scope="row" { code { @if change.path.is_empty() { "the whole" } @else { (change.path) } } }
                        td.told { (or_nothing(&change.before)) }
                        td.told { (or_nothing(&change.after)) }
                    }
                }
            }
        }
    };
    html! {
        @if !changed.is_empty() { (wide(&format!("What version {version} changed"), &table)) }
    }
}

fn raw(version: &MessageVersion) -> Markup {
    let Some(raw) = &version.raw else {
        return html! { p { "The event brought no JSON." } };
    };
    let (shown, is_cut) = cut(raw, CHARACTERS_MAX);
    let bytes = counted(version.raw_bytes.unwrap_or_default(), "byte");
    html! {
        details {
            summary { "The JSON as received, " (bytes) }
            pre { code { (shown) } }
            @if is_cut { p.mark { "Cut off here; v_message_history has all of it." } }
            @if let Some(sha256) = &version.sha256 { p.mark { "SHA-256 " code.hash { (hex(sha256)) } } }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
