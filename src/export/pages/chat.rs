//! One conversation: its messages as bubbles, page after page.

use std::{
    collections::{HashMap, VecDeque},
    io::Write as _,
};

use maud::{Render as _, html};

use super::{
    AHEAD_MESSAGES, About, ConversationFacts, ConversationKey, ExportError, FileEntry,
    HELD_BYTES_MAX, Outgoing, PAGE_MESSAGES, Path, Zone, create, frame,
    index::{Line, PAGE_LINES},
    index_path, path_of, whilst_writing,
};
use crate::{
    export::state::decoded,
    model::{MediaKind, Message, Timestamp},
    page::{Bubble, Contact, Earlier, File, Offer, Place},
    store::SelectedVersion,
    wire::{differences, same_json},
};

/// Names of people that the index shows of a conversation.
const PEOPLE_MAX: usize = 4;
/// Places of the JSON that are named where the words of an earlier state are the same.
const CHANGED_MAX: usize = 5;

/// A conversation while its pages are written.
#[derive(Debug)]
pub(super) struct Chat {
    number: u64,
    key: ConversationKey,
    id: String,
    facts: Option<ConversationFacts>,
    pending: VecDeque<Outgoing>,
    pending_bytes: usize,
    /// Pages that are written.
    pages: u64,
    /// Messages that are written.
    written: u64,
    messages: u64,
    deleted: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    people: Vec<String>,
}

impl Chat {
    pub(super) fn new(number: u64, first: &Outgoing, facts: Option<ConversationFacts>) -> Self {
        Self {
            number,
            key: first.conversation(),
            id: first.selected.conversation_id.clone(),
            facts,
            pending: VecDeque::new(),
            pending_bytes: 0,
            pages: 0,
            written: 0,
            messages: 0,
            deleted: 0,
            first: None,
            last: None,
            people: Vec::new(),
        }
    }

    pub(super) const fn key(&self) -> ConversationKey {
        self.key
    }

    pub(super) fn add(&mut self, message: Outgoing) {
        self.messages += 1;
        self.deleted += u64::from(message.deleted_at.is_some());
        let at = message.message.created_at;
        self.first = self.first.or(at);
        self.last = at.or(self.last);
        if let Some(name) = message.name.as_ref().map(|name| &name.name)
            && self.people.len() < PEOPLE_MAX
            && !self.people.contains(name)
        {
            self.people.push(name.clone());
        }
        self.pending_bytes += bytes_of(&message);
        self.pending.push_back(message);
    }

    /// Whether a page can be written, with what comes after it in sight.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= PAGE_MESSAGES + AHEAD_MESSAGES
            || (self.pending_bytes > HELD_BYTES_MAX && self.pending.len() > 1)
    }

    /// Whether more follows the next page; `None` where there is none to be written.
    pub(super) fn what_is_left(&self) -> Option<bool> {
        (!self.pending.is_empty()).then_some(self.pending.len() > PAGE_MESSAGES)
    }

    /// The conversation as the index shows it.
    pub(super) fn line(&self, zone: &Zone) -> Line {
        let shown =
            |time: Option<Timestamp>| time.map_or_else(String::new, |time| spelled(time, zone));
        Line {
            path: path_of(self.number, 1),
            pages: self.pages,
            id: self.id.clone(),
            people: self.people.clone(),
            messages: self.messages,
            deleted: self.deleted,
            first: shown(self.first),
            last: shown(self.last),
            state: self.facts.as_ref().map(|facts| facts.state.as_str()),
        }
    }

    /// Writes the next page.
    pub(super) fn write_page(
        &mut self,
        folder: &Path,
        about: &About,
        more: bool,
    ) -> Result<FileEntry, ExportError> {
        self.pages += 1;
        let path = path_of(self.number, self.pages);
        let mut sink = create(folder, &path)?;
        let chosen = choices(&self.pending, &about.zone);
        let count = if more {
            // One at least stays, so that the link to the next page leads somewhere.
            PAGE_MESSAGES.min(self.pending.len() - 1)
        } else {
            self.pending.len()
        };
        let mut text = frame::begin(&self.id, &self.header(about));
        let mut day = None;
        for (place, message) in self.pending.drain(..count).enumerate() {
            let local = message
                .message
                .created_at
                .and_then(|time| about.zone.local(time));
            let date = local.map(jiff::civil::DateTime::date);
            if date.is_some() && date != day {
                let shown = date.map(|date| date.strftime("%A, %Y-%m-%d").to_string());
                text.push_str(&html! { h2 class="day" { (shown.unwrap_or_default()) } }.0);
                day = date;
            }
            self.written += 1;
            self.pending_bytes -= bytes_of(&message);
            let bubble = bubble(&message, self.written, chosen.get(&place), &about.zone);
            text.push_str(&bubble.0);
            text.push('\n');
            sink.write_all(text.as_bytes())
                .map_err(whilst_writing(folder, &path))?;
            text.clear();
        }
        text.push_str(&frame::end(&self.links(more)));
        sink.write_all(text.as_bytes())
            .map_err(whilst_writing(folder, &path))?;
        let written = sink.finish().map_err(whilst_writing(folder, &path))?;
        Ok(FileEntry::new(path, written, count as u64))
    }

    fn header(&self, about: &About) -> maud::Markup {
        html! {
            h1 { (self.id) @if self.pages > 1 { ", page " (self.pages) } }
            p class="facts" {
                @if let Some(facts) = &self.facts {
                    "Archived: " (facts.state.as_str())
                    @if let Some(proven) = facts.proven_at { ", proven " (spelled(proven, &about.zone)) }
                    ". "
                }
                "Exported " (about.made_at) ". Times are those of " (about.zone.name) "."
                @if let Some(selection) = &about.selection { " Only " (selection) "." }
            }
            (self.links(false))
        }
    }

    fn links(&self, more: bool) -> maud::Markup {
        let index = index_path((self.number - 1) / PAGE_LINES + 1);
        let page = |page: u64| {
            let path = path_of(self.number, page);
            path.rsplit('/').next().map(ToOwned::to_owned)
        };
        frame::links(&[
            ("all conversations", Some(format!("../../{index}"))),
            (
                "earlier messages",
                (self.pages > 1).then(|| page(self.pages - 1)).flatten(),
            ),
            (
                "later messages",
                more.then(|| page(self.pages + 1)).flatten(),
            ),
        ])
    }
}

fn bytes_of(message: &Outgoing) -> usize {
    let history = message.selected.versions.iter();
    let history: usize = history
        .filter_map(|version| version.raw.as_ref().map(String::len))
        .sum();
    message.raw().len() + history
}

/// A time for people, in the zone of the page.
fn spelled(time: Timestamp, zone: &Zone) -> String {
    zone.local(time).map_or_else(
        || time.to_string(),
        |local| local.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// What an option is recognised by when it is chosen: its payload, else its title.
fn word<'a>(payload: Option<&'a str>, title: Option<&'a str>) -> Option<&'a str> {
    payload.filter(|payload| !payload.is_empty()).or(title)
}

/// For each message that offers, the options that were chosen and when. A choice is of the last offer
/// before it that had its word; of several choices of one offer the first counts.
fn choices(messages: &VecDeque<Outgoing>, zone: &Zone) -> HashMap<usize, (usize, String)> {
    let mut offered: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut chosen = HashMap::new();
    for (place, outgoing) in messages.iter().enumerate() {
        let message = &outgoing.message;
        for (option, offer) in message.quick_reply_options.iter().enumerate() {
            if let Some(word) = word(offer.payload.as_deref(), offer.title.as_deref()) {
                offered.insert(word, (place, option));
            }
        }
        let reply = message.quick_reply.as_ref();
        let word = reply.and_then(|reply| word(reply.payload.as_deref(), reply.title.as_deref()));
        if let Some((offer, option)) = word.and_then(|word| offered.get(word)) {
            let when = message.created_at.map_or_else(
                || "chosen".to_owned(),
                |time| format!("chosen {}", spelled(time, zone)),
            );
            chosen.entry(*offer).or_insert((*option, when));
        }
    }
    chosen
}

fn bubble(
    outgoing: &Outgoing,
    number: u64,
    chosen: Option<&(usize, String)>,
    zone: &Zone,
) -> maud::Markup {
    let message = &outgoing.message;
    let shown = |time: Timestamp| spelled(time, zone);
    let name = outgoing.name.as_ref();
    let sender = message.sender_id.as_deref().unwrap_or("nobody named");
    let choice = message
        .quick_reply
        .as_ref()
        .and_then(|reply| reply.title.as_deref());
    let earlier = earlier(outgoing, zone);
    let bubble = Bubble {
        anchor: format!("m{number}"),
        side: message.direction.into(),
        sender: name.map_or(sender, |name| &name.name),
        role: name.and_then(|name| name.team.as_deref()),
        sent: message
            .created_at
            .map(|time| (time.to_string(), shown(time))),
        kind: message.kind.as_deref().filter(|kind| *kind != "text"),
        title: message
            .title
            .as_deref()
            .filter(|title| Some(*title) != message.text.as_deref()),
        text: message.text.as_deref(),
        offers: offers(message, chosen),
        choice: choice.filter(|choice| Some(*choice) != message.text.as_deref()),
        file: message.attachment.as_ref().map(|file| File {
            kind: MediaKind::as_str(file.media_kind),
            url: &file.url,
            caption: file
                .caption
                .as_deref()
                .filter(|words| Some(*words) != message.text.as_deref()),
        }),
        place: message.location.as_ref().map(|place| Place {
            name: place.name.as_deref(),
            address: place.address.as_deref(),
            degrees: place.latitude.zip(place.longitude),
        }),
        contacts: contacts(message),
        edited: edited(outgoing).map(shown),
        earlier,
        deleted: outgoing.deleted_at.map(shown),
        missing: outgoing
            .missing_since
            .filter(|_| outgoing.deleted_at.is_none())
            .map(shown),
    };
    bubble.render()
}

fn offers<'a>(message: &'a Message, chosen: Option<&(usize, String)>) -> Vec<Offer<'a>> {
    let offer = |(place, option): (usize, &'a crate::model::QuickReplyOption)| Offer {
        title: option
            .title
            .as_deref()
            .or(option.payload.as_deref())
            .unwrap_or("(no title)"),
        description: option.description.as_deref(),
        chosen: match chosen {
            Some((chosen, when)) if *chosen == place => Some(when.clone()),
            _ => (option.answered == Some(true)).then(|| "chosen".to_owned()),
        },
    };
    message
        .quick_reply_options
        .iter()
        .enumerate()
        .map(offer)
        .collect()
}

fn contacts(message: &Message) -> Vec<Contact<'_>> {
    let cards = message.shared_contacts.iter().map(|contact| Contact {
        name: contact.name.as_deref(),
        phone_number: contact.phone_number.as_deref(),
        email: contact.email.as_deref(),
    });
    cards.collect()
}

/// When the state that is shown was first seen, where it is not the first one. A message that is
/// there again as it was has not been edited by that.
fn edited(outgoing: &Outgoing) -> Option<Timestamp> {
    let states = states(outgoing);
    let mut pairs = states.windows(2).rev();
    let last = pairs.find(|pair| !same_json(pair[0].1, pair[1].1))?;
    Some(last[1].0.observed_at)
}

/// The states up to the one that is shown, oldest first, with their JSON.
fn states(outgoing: &Outgoing) -> Vec<(&SelectedVersion, &str)> {
    let versions = outgoing.selected.versions.iter();
    versions
        .filter(|version| version.version <= outgoing.version)
        .filter_map(|version| Some((version, version.raw.as_deref()?)))
        .collect()
}

/// The states before the one that is shown, oldest first.
fn earlier(outgoing: &Outgoing, zone: &Zone) -> Vec<Earlier> {
    let states = states(outgoing);
    let mut earlier = Vec::new();
    for pair in states.windows(2) {
        let ((_, before), (next, after)) = (pair[0], pair[1]);
        if same_json(before, after) {
            continue;
        }
        let (was, is) = (
            words(&decoded(before, &outgoing.selected)),
            words(&decoded(after, &outgoing.selected)),
        );
        let changed = differences(before, after)
            .into_iter()
            .map(|difference| difference.path);
        earlier.push(Earlier {
            until: spelled(next.observed_at, zone),
            changed: if was == is {
                changed.take(CHANGED_MAX).collect()
            } else {
                Vec::new()
            },
            words: (was != is).then_some(was),
        });
    }
    earlier
}

/// The words of a message, its title and caption among them.
fn words(message: &Message) -> String {
    let caption = message
        .attachment
        .as_ref()
        .and_then(|file| file.caption.as_deref());
    let mut parts: Vec<&str> = Vec::new();
    for part in [message.title.as_deref(), message.text.as_deref(), caption]
        .into_iter()
        .flatten()
    {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        "(no words)".to_owned()
    } else {
        parts.join("\n")
    }
}
