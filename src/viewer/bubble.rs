//! One message as a bubble: its side, its sender, its words and all that it carries.
//!
//! Everything comes from outside and is escaped; nothing of it is loaded, only linked.

use maud::{Markup, html};

use super::{
    figures::{counted, cut},
    local::Local,
    people::{People, side},
    query::message_link,
};
use crate::{
    model::{ConversationId, Direction},
    store::{OfferedOption, SharedCard, SharedFile, SharedPlace, ShownMessage},
};

/// The words of a bubble are cut off here.
pub(super) const WORDS_MAX: usize = 10_000;

/// A message and what its page knows of it besides.
#[derive(Debug)]
pub(super) struct Bubble<'a> {
    /// The conversation.
    pub(super) conversation: &'a ConversationId,
    /// The message.
    pub(super) message: &'a ShownMessage,
    /// Whether it is the one that was looked for.
    pub(super) is_here: bool,
    /// Which of its options were chosen, by place.
    pub(super) chosen: Vec<usize>,
    /// What its last edit changed.
    pub(super) edit: Option<Markup>,
    /// After how many characters its words are cut off.
    pub(super) words_max: usize,
}

impl Bubble<'_> {
    /// The bubble, without the element of the list that it is in.
    pub(super) fn markup(&self, local: &Local, people: &People) -> Markup {
        let message = self.message;
        let deleted = message.deleted_at.map(|_| "deleted");
        html! {
            article.bubble.(side(message.sender_id.as_deref()).as_str()) .(deleted.unwrap_or("live")) .here[self.is_here] {
                header {
                    (people.shown(message.sender_id.as_deref()))
                    " "
                    a.when href=(message_link(self.conversation.as_str(), message.id.as_str())) {
                        @match message.place.created_at {
                            Some(time) => (local.clock(time)),
                            None => "no time",
                        }
                    }
                    (self.kind())
                }
                (self.marks(local))
                (self.content())
                @if let Some(edit) = &self.edit { (edit) }
            }
        }
    }

    /// Which side it is on, aloud, and the type where the words do not tell it.
    fn kind(&self) -> Markup {
        let way = match side(self.message.sender_id.as_deref()) {
            Direction::Inbound => "from the contact",
            Direction::Outbound => "to the contact",
            Direction::Unknown => "sender unknown",
        };
        let kind = self.message.kind.as_deref().unwrap_or("no type");
        let file = self.message.file.as_ref();
        let is_told = file.is_some_and(|file| file.media_kind == kind);
        html! {
            span.aloud { ", " (way) }
            @if kind != "text" && !is_told { " " span.kind { (kind) } }
            @if self.message.is_mail == Some(true) { " " span.kind { "e-mail" } }
        }
    }

    fn marks(&self, local: &Local) -> Markup {
        let message = self.message;
        html! {
            @if let Some(time) = message.deleted_at {
                p.mark.tombstone { "Deleted at the gateway: not there any more on " (local.stamp(time)) }
            } @else if let Some(time) = message.missing_since {
                p.mark.tombstone { "Missing at the gateway since " (local.stamp(time)) ", not yet confirmed" }
            }
            @if message.anomalies > 0 {
                p.mark { (counted(message.anomalies, "oddity").replace("odditys", "oddities")) " in what was received" }
            }
        }
    }

    fn content(&self) -> Markup {
        let message = self.message;
        let title = message.title.as_deref();
        let words = message.text.as_deref();
        let is_bare = title.is_none()
            && words.is_none()
            && message.file.is_none()
            && message.location.is_none()
            && message.cards.is_empty()
            && message.options.is_empty();
        html! {
            @if let Some(title) = title.filter(|title| Some(*title) != words) {
                p.title dir="auto" { (cut(title, 1_000).0) }
            }
            @if let Some(words) = words { (self.words(words)) }
            @if message.choice.is_some() { p.mark { "An option that the contact chose" } }
            @if !message.options.is_empty() { (options(&message.options, &self.chosen)) }
            @if let Some(file) = &message.file { (file_link(file, words)) }
            @if let Some(place) = &message.location { (map_link(place)) }
            @for card in &message.cards { (contact_card(card)) }
            @if is_bare {
                p.mark { "No words that are known; " a href=(self.link()) { "the message as received" } }
            }
        }
    }

    fn link(&self) -> String {
        message_link(self.conversation.as_str(), self.message.id.as_str())
    }

    fn words(&self, words: &str) -> Markup {
        let (shown, is_cut) = cut(words, self.words_max);
        html! {
            div.words dir="auto" { (shown) @if is_cut { "…" } }
            @if is_cut { p.mark { "Cut off here; " a href=(self.link()) { "more of the message" } } }
        }
    }
}

fn options(options: &[OfferedOption], chosen: &[usize]) -> Markup {
    html! {
        ul.options aria-label="Options offered" {
            @for (place, option) in options.iter().enumerate() {
                @let is_chosen = chosen.contains(&place);
                li class=[is_chosen.then_some("chosen")] {
                    bdi { (option.title.as_deref().or(option.payload.as_deref()).unwrap_or("no caption")) }
                    @if is_chosen { " " span.tick { "✓ chosen" } }
                    @if let Some(description) = &option.description {
                        span.more dir="auto" { (description) }
                    }
                }
            }
        }
    }
}

/// A file is only linked: what is there now may be another one, or somebody may watch who asks.
fn file_link(file: &SharedFile, words: Option<&str>) -> Markup {
    let name = file.url.split(['?', '#']).next().unwrap_or_default();
    let name = name.rsplit('/').next().filter(|name| !name.is_empty());
    let name = name.unwrap_or(&file.url);
    let host = file.host.as_deref().unwrap_or("an unknown host");
    html! {
        p.file {
            span.kind { (file.media_kind) } " "
            @if is_web_address(&file.url) {
                a href=(file.url) rel="noreferrer noopener external" target="_blank" {
                    bdi { (cut(name, 200).0) } span.aloud { " (leaves this site)" }
                }
                span.more { "on " bdi { (host) } ", not in the archive" }
            } @else {
                bdi { (cut(&file.url, 500).0) }
                span.more { "an address that a browser does not open" }
            }
        }
        @if let Some(caption) = file.caption.as_deref().filter(|caption| Some(*caption) != words) {
            p dir="auto" { (cut(caption, WORDS_MAX).0) }
        }
    }
}

fn is_web_address(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn map_link(place: &SharedPlace) -> Markup {
    html! {
        p.file {
            span.kind { "place" } " "
            @if let Some(name) = &place.name { strong dir="auto" { (name) } " " }
            @if let Some(address) = &place.address { span dir="auto" { (address) } " " }
            @if let (Some(latitude), Some(longitude)) = (place.latitude, place.longitude) {
                @let at = format!("{latitude:.6}, {longitude:.6}");
                @let map = format!("https://www.openstreetmap.org/?mlat={latitude:.6}&mlon={longitude:.6}#map=16/{latitude:.6}/{longitude:.6}");
                a href=(map) rel="noreferrer noopener external" target="_blank" {
                    (at) span.aloud { " on OpenStreetMap (leaves this site)" }
                }
                span.more { "the link opens OpenStreetMap" }
            }
        }
    }
}

fn contact_card(card: &SharedCard) -> Markup {
    html! {
        p.file {
            span.kind { "contact" } " "
            strong dir="auto" { (card.name.as_deref().unwrap_or("no name")) }
            @if let Some(number) = &card.phone_number { " " bdi { (number) } }
            @if let Some(email) = &card.email { " " bdi { (email) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_linked() {
        for address in ["https://a.example/b", "http://a.example"] {
            assert!(is_web_address(address), "{address}");
        }
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            "file:///etc",
        ] {
            assert!(!is_web_address(address), "{address}");
            let file = SharedFile {
                url: address.to_owned(),
                host: None,
                media_kind: "file".to_owned(),
                caption: None,
            };
            assert!(!file_link(&file, None).into_string().contains("href"));
        }
    }
}
