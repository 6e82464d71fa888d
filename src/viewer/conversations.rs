//! The list of conversations: which, in which order, a page at a time.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};

use super::{
    Site,
    figures::{counted, cut, grouped},
    layout::{Frame, Part, badge, onward},
    local::Local,
    people::{People, side},
    query::{Asked, conversation_link, conversation_place, conversation_place_text, link},
    refusal::Refusal,
};
use crate::{
    model::{ConversationState, Direction},
    store::{ConversationLine, ConversationQuery, ConversationSort, NewestMessage},
};

/// Conversations of one page.
const PAGE: u32 = 50;
/// Characters of the newest message that are shown.
const PREVIEW: usize = 120;

const SORTS: [(ConversationSort, &str, &str); 4] = [
    (ConversationSort::Newest, "newest", "newest message first"),
    (ConversationSort::Longest, "longest", "longest first"),
    (ConversationSort::OldestProof, "proof", "oldest proof first"),
    (ConversationSort::FirstListed, "listed", "as first listed"),
];

/// The page of conversations.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let sort = asked.read("sort", |word| {
        let known = SORTS.into_iter().find(|(_, name, _)| *name == word);
        known.map(|(sort, _, _)| sort)
    })?;
    let query = ConversationQuery {
        state: asked.read("state", ConversationState::parse)?,
        id_part: asked.get("words").unwrap_or_default().trim().to_owned(),
        sort: sort.unwrap_or_default(),
        after: asked.read("after", conversation_place)?,
        limit: PAGE,
    };
    let mut archive = site.browse().await?;
    let listed = archive.conversations(&query).await?;
    let local = Local::new(archive.zone().await?);
    let senders = listed.rows.iter().flat_map(|line| {
        let newest = line
            .newest
            .as_ref()
            .and_then(|newest| newest.sender_id.as_ref());
        [line.contact.as_ref(), newest]
    });
    let people = People::read(&mut archive, senders).await?;
    archive.close().await?;
    let to = |after: &str| {
        let state = query.state.map_or("", ConversationState::as_str);
        let parameters = [
            ("words", query.id_part.as_str()),
            ("state", state),
            ("sort", asked.get("sort").unwrap_or_default()),
            ("after", after),
        ];
        link("/conversations", &parameters)
    };
    let last = listed.rows.last().filter(|_| listed.more);
    let next = last.map(|line| to(&conversation_place_text(line.place)));
    let first = query.after.map(|_| to(""));
    let body = html! {
        h1 { "Conversations" }
        (filter(&query))
        @if listed.rows.is_empty() {
            p.empty { "No conversation " @if query.after.is_some() { "is left" } @else { "is like that" } "." }
        } @else {
            ul.conversations {
                @for line in &listed.rows { li { (shown(line, &local, &people)) } }
            }
        }
        (onward(first.as_deref(), next.as_deref()))
    };
    Ok(Frame {
        title: "Conversations".to_owned(),
        part: Part::Conversations,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

fn filter(query: &ConversationQuery) -> Markup {
    html! {
        form.filter action="/conversations" method="get" {
            label { "Id has " input type="search" name="words" value=(query.id_part) maxlength="200" autocomplete="off"; }
            label {
                "State "
                select name="state" {
                    option value="" { "any" }
                    @for state in ConversationState::ALL {
                        option value=(state.as_str()) selected[query.state == Some(state)] { (state.as_str()) }
                    }
                }
            }
            label {
                "Order "
                select name="sort" {
                    @for (sort, word, name) in SORTS {
                        option value=(word) selected[query.sort == sort] { (name) }
                    }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn shown(line: &ConversationLine, local: &Local, people: &People) -> Markup {
    html! {
        article.conversation {
            h2 {
                a href=(conversation_link(line.id.as_str())) {
                    @if line.contact.is_some() { bdi { (people.name(line.contact.as_deref())) } }
                    @else { bdi.id { (line.id) } }
                }
                @if line.state != ConversationState::Complete { " " (badge(line.state.as_str())) }
                @if line.open_failures > 0 { " " span.mark { (counted(line.open_failures, "open failure")) } }
            }
            @if let Some(newest) = &line.newest { (preview(newest, people)) }
            @else { p.preview { "No message is archived." } }
            p.mark {
                bdi.id { (line.id) } " · " (counted(line.live, "message"))
                @if let Some(newest) = &line.newest { " · newest " (local.stamp(newest.created_at)) }
                @if let Some(proven) = line.proven_at { " · proven " (local.stamp(proven)) }
                @else { " · not proven" }
            }
            @if let Some(reason) = &line.reason { p.mark { (reason) } }
        }
    }
}

fn preview(newest: &NewestMessage, people: &People) -> Markup {
    let words = newest.text.as_deref().or(newest.title.as_deref());
    let kind = newest.media_kind.as_deref().or(newest.kind.as_deref());
    let sender = newest.sender_id.as_deref();
    html! {
        p.preview {
            @if side(sender) != Direction::Inbound { bdi.sender { (people.name(sender)) } ": " }
            @match words {
                _ if newest.is_deleted => i { "deleted" },
                Some(words) => {
                    @let (shown, is_cut) = cut(words, PREVIEW);
                    span dir="auto" { (shown) @if is_cut { "…" } }
                },
                None => span.kind { (kind.unwrap_or("no words")) },
            }
        }
    }
}

/// How many conversations are in a state, as a link to them.
pub(super) fn count_link(state: &str, number: u64) -> Markup {
    html! { a href=(link("/conversations", &[("state", state)])) { (grouped(number)) } }
}
