//! One conversation, a page of a hundred messages at a time: the newest ones, those next to a
//! place, those around a message, or those from a day on.

use std::sync::Arc;

use axum::extract::State;
use jiff::civil::Date;
use maud::{Markup, html};

use super::{
    Site,
    figures::{counted, grouped, length},
    layout::{Frame, Part, badge},
    local::Local,
    query::{Asked, link, message_place, message_place_text},
    refusal::Refusal,
    search,
    timeline::Timeline,
};
use crate::{
    clock::Clock,
    model::{ConversationId, ConversationKey, MessageId},
    store::{Browsing, ConversationHead, MessagePage, MessagePlace, PageEnd},
};

/// Messages of one page; of each side where a message is in the middle.
const PAGE: u32 = 100;
const HALF: u32 = 50;

/// Which messages are asked for.
enum Wanted {
    Newest,
    Beginning,
    Before(MessagePlace),
    After(MessagePlace),
    Day(Date),
    Around(MessageId),
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Refusal> {
        if let Some(id) = asked.get("message") {
            return Ok(Self::Around(MessageId::new(id)));
        }
        if let Some(place) = asked.read("before", message_place)? {
            return Ok(Self::Before(place));
        }
        if let Some(place) = asked.read("after", message_place)? {
            return Ok(Self::After(place));
        }
        if let Some(day) = asked.read("day", |text| text.parse().ok())? {
            return Ok(Self::Day(day));
        }
        Ok(match asked.get("from") {
            Some("beginning") => Self::Beginning,
            _ => Self::Newest,
        })
    }
}

/// The page of one conversation.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let id = ConversationId::new(asked.must("id")?);
    let from = Wanted::of(&asked)?;
    let mut archive = site.browse().await?;
    let head = read_head(&mut archive, &id).await?;
    let local = Local::new(archive.zone().await?);
    let (page, here) = read_page(&mut archive, head.key, &from, &local).await?;
    let timeline = Timeline::read(&mut archive, head.key, &head.id, &page.messages).await?;
    let around = Around {
        id: head.id.as_str(),
        page: &page,
    };
    let body = html! {
        h1 { "Conversation " bdi.id { (head.id) } }
        (facts(&head, &local, &site.clock))
        div.tools {
            (jump(&head, &local))
            (search::box_for(Some(head.id.as_str())))
        }
        @if page.messages.is_empty() {
            p.empty { (nothing(&from)) }
            @if !matches!(from, Wanted::Newest | Wanted::Beginning) { (around.all()) }
        } @else {
            (around.older())
            (timeline.markup(&local, here))
            (around.newer())
        }
    };
    archive.close().await?;
    Ok(Frame {
        title: format!("Conversation {}", head.id),
        part: Part::Conversations,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

/// The head of a conversation that the archive knows.
pub(super) async fn read_head(
    archive: &mut Browsing,
    id: &ConversationId,
) -> Result<ConversationHead, Refusal> {
    let found = archive.conversation(id).await?;
    found.ok_or_else(|| Refusal::NotArchived {
        what: "conversation",
        id: id.to_string(),
    })
}

async fn read_page(
    archive: &mut Browsing,
    key: ConversationKey,
    from: &Wanted,
    local: &Local,
) -> Result<(MessagePage, Option<i64>), Refusal> {
    let page = match from {
        Wanted::Newest => PageEnd::Before(MessagePlace::LAST),
        Wanted::Beginning => PageEnd::After(MessagePlace::FIRST),
        Wanted::Before(place) => PageEnd::Before(*place),
        Wanted::After(place) => PageEnd::After(*place),
        Wanted::Day(day) => PageEnd::After(MessagePlace::at(local.beginning_of(*day))),
        Wanted::Around(id) => return read_around(archive, key, id).await,
    };
    let mut page = archive.message_page(key, page, PAGE).await?;
    // What lies behind the place that the page began at was not looked for: there may be some.
    match from {
        Wanted::Newest | Wanted::Beginning | Wanted::Around(_) => {}
        Wanted::Before(_) => page.newer = true,
        Wanted::After(_) | Wanted::Day(_) => page.older = true,
    }
    Ok((page, None))
}

/// A message with those next to it.
async fn read_around(
    archive: &mut Browsing,
    key: ConversationKey,
    id: &MessageId,
) -> Result<(MessagePage, Option<i64>), Refusal> {
    let message = archive.message(key, id).await?;
    let message = message.ok_or_else(|| Refusal::NotArchived {
        what: "message",
        id: id.to_string(),
    })?;
    let place = message.place;
    let just_before = MessagePlace {
        key: place.key - 1,
        ..place
    };
    let older = archive.message_page(key, PageEnd::Before(place), HALF);
    let mut page = older.await?;
    let newer = archive.message_page(key, PageEnd::After(just_before), HALF);
    let newer = newer.await?;
    page.messages.extend(newer.messages);
    page.newer = newer.newer;
    Ok((page, Some(place.key)))
}

/// Links from one page of a conversation to the next.
struct Around<'a> {
    id: &'a str,
    page: &'a MessagePage,
}

impl Around<'_> {
    fn to(&self, name: &str, value: &str) -> String {
        link("/conversation", &[("id", self.id), (name, value)])
    }

    fn older(&self) -> Markup {
        let first = self.page.messages.first().filter(|_| self.page.older);
        html! {
            nav.onward aria-label="Older messages" {
                @if let Some(first) = first {
                    a.button href=(self.to("from", "beginning")) { "To the beginning" }
                    a.button rel="prev" href=(self.to("before", &message_place_text(first.place))) { "Load older" }
                } @else {
                    p.edge { "The beginning of what is archived" }
                }
            }
        }
    }

    fn newer(&self) -> Markup {
        let last = self.page.messages.last().filter(|_| self.page.newer);
        html! {
            nav.onward aria-label="Newer messages" {
                @if let Some(last) = last {
                    a.button rel="next" href=(self.to("after", &message_place_text(last.place))) { "Load newer" }
                    a.button href=(link("/conversation", &[("id", self.id)])) { "To the newest" }
                } @else {
                    p.edge { "The newest message that is archived" }
                }
            }
        }
    }

    fn all(&self) -> Markup {
        html! {
            nav.onward aria-label="Messages" {
                a.button href=(self.to("from", "beginning")) { "To the beginning" }
                a.button href=(link("/conversation", &[("id", self.id)])) { "To the newest" }
            }
        }
    }
}

const fn nothing(from: &Wanted) -> &'static str {
    match from {
        Wanted::Newest | Wanted::Beginning => "No message of this conversation is archived.",
        Wanted::Day(_) => "No message of this conversation is archived from that day on.",
        Wanted::Before(_) | Wanted::After(_) | Wanted::Around(_) => {
            "There are no more messages here."
        }
    }
}

fn facts(head: &ConversationHead, local: &Local, clock: &Clock) -> Markup {
    let proof = head
        .proven_at
        .map(|proven| length(clock.now().since(proven)));
    html! {
        dl.facts {
            div class=[head.reason.as_ref().map(|_| "whole")] {
                dt { "State" }
                dd { (badge(head.state.as_str())) @if let Some(reason) = &head.reason { " " (reason) } }
            }
            div {
                dt { "Messages" }
                dd {
                    (grouped(head.live))
                    @if head.deleted > 0 { ", and " (grouped(head.deleted)) " deleted" }
                    @if head.missing > 0 { ", and " (grouped(head.missing)) " missing" }
                }
            }
            div { dt { "First" } dd { (local.maybe_stamp(head.first_at)) } }
            div { dt { "Newest" } dd { (local.maybe_stamp(head.last_at)) } }
            div {
                dt { "Proven" }
                dd {
                    @match proof {
                        Some(age) => { (local.maybe_stamp(head.proven_at)) " (" (age) " ago)" }
                        None => "not yet whole",
                    }
                }
            }
            div { dt { "Checked" } dd { (local.maybe_stamp(head.checked_at)) } }
            @if head.open_failures + head.waived_failures > 0 {
                div {
                    dt { "Failures" }
                    dd { (counted(head.open_failures, "open one")) ", " (grouped(head.waived_failures)) " waived" }
                }
            }
            @if let Some(organization) = &head.organization_id {
                div { dt { "Organisation" } dd { bdi { (organization) } } }
            }
            @if let Some(unit) = &head.business_unit_id {
                div { dt { "Business unit" } dd { bdi { (unit) } } }
            }
        }
    }
}

fn jump(head: &ConversationHead, local: &Local) -> Markup {
    let day = |time| local.date(time).map(|day| day.to_string());
    let (first, last) = (head.first_at.and_then(day), head.last_at.and_then(day));
    html! {
        form.filter action="/conversation" method="get" {
            input type="hidden" name="id" value=(head.id);
            label { "From the day " input type="date" name="day" required min=[first] max=[last.clone()] value=[last]; }
            button type="submit" { "Show" }
        }
    }
}
