//! Messages by their words: the same search as the command's, with links into conversations.

use std::sync::Arc;

use axum::extract::State;
use jiff::{ToSpan as _, civil::Date};
use maud::{Markup, html};

use super::{
    Site,
    figures::grouped,
    layout::{Frame, Part, onward},
    local::Local,
    people::side,
    query::{Asked, conversation_link, link, message_in_place},
    refusal::Refusal,
};
use crate::{
    model::{ConversationId, Deleted, MessageFilter},
    store::{SearchHit, SearchPage, SearchQuery, SearchSort, StoreError},
};

/// Hits of one page.
const PAGE: usize = 50;
/// The longest words that are looked for.
const WORDS_MAX: &str = "500";

const SORTS: [(SearchSort, &str, &str); 2] = [
    (SearchSort::Newest, "newest", "newest first"),
    (SearchSort::Rank, "best", "best of the newest first"),
];
const DELETED: [(Deleted, &str, &str); 3] = [
    (Deleted::Include, "include", "with deleted ones"),
    (Deleted::Exclude, "exclude", "without deleted ones"),
    (Deleted::Only, "only", "deleted ones alone"),
];

/// What is asked for, as it stands in the form.
struct Wanted {
    words: String,
    conversation: String,
    sender: String,
    kind: String,
    from: Option<Date>,
    until: Option<Date>,
    deleted: Deleted,
    sort: SearchSort,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Refusal> {
        let text = |name| asked.get(name).unwrap_or_default().trim().to_owned();
        let sort = asked.read("sort", |word| {
            let known = SORTS.into_iter().find(|(_, name, _)| *name == word);
            known.map(|(sort, _, _)| sort)
        })?;
        let deleted = asked.read("deleted", |word| {
            let known = DELETED.into_iter().find(|(_, name, _)| *name == word);
            known.map(|(deleted, _, _)| deleted)
        })?;
        Ok(Self {
            words: text("words"),
            conversation: text("conversation"),
            sender: text("sender"),
            kind: text("type"),
            from: asked.read("from", |text| text.parse().ok())?,
            until: asked.read("until", |text| text.parse().ok())?,
            deleted: deleted.unwrap_or_default(),
            sort: sort.unwrap_or_default(),
        })
    }

    /// The last day is among the days that are meant.
    fn filter(&self, local: &Local) -> MessageFilter {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let after = |day: Date| day.saturating_add(1.day());
        MessageFilter {
            conversations: some(&self.conversation)
                .map(ConversationId::new)
                .into_iter()
                .collect(),
            senders: some(&self.sender).into_iter().collect(),
            types: some(&self.kind).into_iter().collect(),
            from: self.from.map(|day| local.beginning_of(day)),
            to: self.until.map(|day| local.beginning_of(after(day))),
            deleted: self.deleted,
        }
    }

    fn link(&self, after: &str) -> String {
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let (from, until) = (day(self.from), day(self.until));
        let deleted = DELETED.iter().find(|(known, _, _)| *known == self.deleted);
        let sort = SORTS.iter().find(|(known, _, _)| *known == self.sort);
        let parameters = [
            ("words", self.words.as_str()),
            ("conversation", self.conversation.as_str()),
            ("sender", self.sender.as_str()),
            ("type", self.kind.as_str()),
            ("from", from.as_str()),
            ("until", until.as_str()),
            ("deleted", deleted.map_or("", |(_, word, _)| word)),
            ("sort", sort.map_or("", |(_, word, _)| word)),
            ("after", after),
        ];
        link("/search", &parameters)
    }
}

/// The page of a search.
pub(super) async fn show(State(site): State<Arc<Site>>, asked: Asked) -> Result<Frame, Refusal> {
    let wanted = Wanted::of(&asked)?;
    let after = asked.read("after", |text| text.parse().ok())?;
    let mut archive = site.browse().await?;
    let local = Local::new(archive.zone().await?);
    archive.close().await?;
    let query = SearchQuery {
        words: wanted.words.clone(),
        filter: wanted.filter(&local),
        sort: wanted.sort,
        limit: PAGE,
        after,
    };
    let found = if wanted.words.is_empty() {
        None
    } else {
        match site.store.search(&query).await {
            // Words that mean nothing are the person's to mend; the form is still there.
            Err(StoreError::Words(flaw)) => Some(Err(flaw.to_string())),
            found => Some(Ok(found?)),
        }
    };
    let body = html! {
        h1 { "Search" }
        (form(&wanted))
        @match &found {
            None => (help()),
            Some(Err(flaw)) => { p role="alert" { "Nothing was looked for: " (flaw) "." } (help()) }
            Some(Ok(page)) => (answer(page, &wanted, after.is_some(), &local)),
        }
    };
    Ok(Frame {
        title: "Search".to_owned(),
        part: Part::Search,
        archive: Some(site.archive.clone()),
        zone: Some(local.name()),
        body,
    })
}

fn form(wanted: &Wanted) -> Markup {
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    html! {
        form.filter role="search" action="/search" method="get" {
            label.wider { "Words " input type="search" name="words" value=(wanted.words) maxlength=(WORDS_MAX) autocomplete="off" dir="auto"; }
            label { "Conversation " input type="text" name="conversation" value=(wanted.conversation) maxlength="200" autocomplete="off"; }
            label { "Sender " input type="text" name="sender" value=(wanted.sender) maxlength="200" autocomplete="off"; }
            label { "Type " input type="text" name="type" value=(wanted.kind) maxlength="100" autocomplete="off"; }
            label { "From the day " input type="date" name="from" value=[day(wanted.from)]; }
            label { "Until the day " input type="date" name="until" value=[day(wanted.until)]; }
            label {
                "Deleted "
                select name="deleted" {
                    @for (deleted, word, name) in DELETED {
                        option value=(word) selected[wanted.deleted == deleted] { (name) }
                    }
                }
            }
            label {
                "Order "
                select name="sort" {
                    @for (sort, word, name) in SORTS {
                        option value=(word) selected[wanted.sort == sort] { (name) }
                    }
                }
            }
            button type="submit" { "Search" }
        }
    }
}

/// A short form that leads to the page of searches, from elsewhere; of one conversation where one
/// is named.
pub(super) fn box_for(conversation: Option<&str>) -> Markup {
    let label = match conversation {
        Some(_) => "Words in this conversation ",
        None => "Words in any message ",
    };
    html! {
        form.filter role="search" action="/search" method="get" {
            @if let Some(id) = conversation { input type="hidden" name="conversation" value=(id); }
            label { (label) input type="search" name="words" required maxlength=(WORDS_MAX) autocomplete="off" dir="auto"; }
            button type="submit" { "Search" }
        }
    }
}

fn help() -> Markup {
    html! {
        p.empty {
            "A message is found if it holds every word, in any order, whatever the case and the accents. "
            code { "\"was denied\"" } " are words that follow each other, " code { "refun*" }
            " is how a word begins, " code { "-shipping" } " is not there. Of Chinese, Japanese, Korean and Thai any part is found."
        }
    }
}

fn answer(page: &SearchPage, wanted: &Wanted, goes_on: bool, local: &Local) -> Markup {
    let next = page.next.map(|cursor| wanted.link(&cursor.to_string()));
    let first = goes_on.then(|| wanted.link(""));
    html! {
        @match page.total {
            Some(0) => p.empty role="status" { "No message is found." },
            Some(1) => p.mark role="status" { "One message is found." },
            Some(total) => p.mark role="status" { (grouped(total)) " messages are found." },
            None if page.hits.is_empty() => p.empty { "Nothing more is found." },
            None => {},
        }
        @if page.unindexed > 10_000 {
            p.mark { (grouped(page.unindexed)) " messages are not in the index of words yet and were read; the next run makes this quick." }
        }
        @if !page.hits.is_empty() {
            ol.hits { @for hit in &page.hits { li { (shown(hit, local)) } } }
        }
        (onward(first.as_deref(), next.as_deref()))
    }
}

fn shown(hit: &SearchHit, local: &Local) -> Markup {
    let sender = hit.sender_id.as_deref();
    let name = hit
        .sender_name
        .as_deref()
        .or(sender)
        .unwrap_or("unknown sender");
    let place = message_in_place(&hit.conversation_id, &hit.message_id);
    html! {
        article.hit {
            h2 {
                a href=(place) { bdi { (name) } ", " (local.maybe_stamp(hit.created_at)) }
            }
            p dir="auto" {
                @for piece in &hit.snippet {
                    @if piece.is_hit { mark { (piece.text) } } @else { (piece.text) }
                }
            }
            p.mark {
                (side(sender).as_str())
                @if let Some(kind) = hit.media_kind.as_deref().or(hit.kind.as_deref()) { ", " (kind) }
                @if let Some(time) = hit.deleted_at { ", deleted: not there any more on " (local.stamp(time)) }
                " · in " a href=(conversation_link(&hit.conversation_id)) { bdi.id { (hit.conversation_id) } }
            }
        }
    }
}
