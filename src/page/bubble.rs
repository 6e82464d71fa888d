//! The bubble of one message: who, when, what, and what became of it.

use maud::{Markup, Render, html};

use crate::model::Direction;

/// On which side of the page a message stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Side {
    /// From the contact.
    Theirs,
    /// From the organisation.
    Ours,
    /// Nobody knows.
    #[default]
    Other,
}

impl From<Direction> for Side {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Theirs,
            Direction::Outbound => Self::Ours,
            Direction::Unknown => Self::Other,
        }
    }
}

/// A message as a person sees it. Times are spelled out already, in the zone of the page.
#[derive(Debug, Default)]
pub struct Bubble<'a> {
    /// The name of the place in the page.
    pub anchor: String,
    /// On which side it stands.
    pub side: Side,
    /// What people call the sender, else its id.
    pub sender: &'a str,
    /// A word about the sender, such as a team.
    pub role: Option<&'a str>,
    /// When it was sent: for machines in UTC, and for people.
    pub sent: Option<(String, String)>,
    /// The type, where the words do not tell it.
    pub kind: Option<&'a str>,
    /// The title.
    pub title: Option<&'a str>,
    /// The words.
    pub text: Option<&'a str>,
    /// The options that it offers.
    pub offers: Vec<Offer<'a>>,
    /// The option that it chose.
    pub choice: Option<&'a str>,
    /// The file that it names.
    pub file: Option<File<'a>>,
    /// The place that it tells.
    pub place: Option<Place<'a>>,
    /// The contacts that it shares.
    pub contacts: Vec<Contact<'a>>,
    /// When it was last edited, as far as was seen.
    pub edited: Option<String>,
    /// What it said before, oldest first.
    pub earlier: Vec<Earlier>,
    /// Since when it is deleted.
    pub deleted: Option<String>,
    /// Since when it is missing, which nobody has confirmed yet.
    pub missing: Option<String>,
}

/// An option that was offered.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    /// What stands on the button.
    pub title: &'a str,
    /// A longer description.
    pub description: Option<&'a str>,
    /// How it is known to have been chosen.
    pub chosen: Option<String>,
}

/// A file, by its URL as text: it is not loaded, and nothing leads to it by a slip.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// What it seems to be.
    pub kind: &'a str,
    /// Where it was.
    pub url: &'a str,
    /// Its caption, where that is not the words of the message.
    pub caption: Option<&'a str>,
}

/// A place.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its address.
    pub address: Option<&'a str>,
    /// Degrees north and east.
    pub degrees: Option<(f64, f64)>,
}

/// A contact card.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The phone number.
    pub phone_number: Option<&'a str>,
    /// The address for mail.
    pub email: Option<&'a str>,
}

/// An earlier state of a message.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Until when it was seen so.
    pub until: String,
    /// What it said; `None` where its words are those of the next state.
    pub words: Option<String>,
    /// The places of the JSON that changed, where the words did not.
    pub changed: Vec<String>,
}

impl Render for Bubble<'_> {
    fn render(&self) -> Markup {
        let side = match self.side {
            Side::Theirs => "theirs",
            Side::Ours => "ours",
            Side::Other => "other",
        };
        html! {
            article id=(self.anchor) class={ "message " (side) @if self.deleted.is_some() { " gone" } } {
                div class="bubble" {
                    (self.head())
                    @if let Some(title) = self.title { p class="title" dir="auto" { (title) } }
                    @if let Some(text) = self.text { p class="words" dir="auto" { (text) } }
                    (self.around())
                    (self.fate())
                }
            }
        }
    }
}

impl Bubble<'_> {
    fn head(&self) -> Markup {
        html! {
            div class="by" {
                b dir="auto" { (self.sender) }
                @if let Some(role) = self.role { span dir="auto" { (role) } }
                @match &self.sent {
                    Some((machine, shown)) => { time datetime=(machine) { (shown) } }
                    None => { span { "time unknown" } }
                }
                @if let Some(kind) = self.kind { span { (kind) } }
            }
        }
    }

    fn around(&self) -> Markup {
        html! {
            @if let Some(choice) = self.choice {
                p class="note" { span class="tag" { "chose" } " " bdi { (choice) } }
            }
            @if !self.offers.is_empty() {
                ul class="offers" {
                    @for offer in &self.offers { (offer) }
                }
            }
            @if let Some(file) = &self.file { (file) }
            @if let Some(place) = &self.place { (place) }
            @for contact in &self.contacts { (contact) }
        }
    }

    fn fate(&self) -> Markup {
        html! {
            @if let Some(edited) = &self.edited { p class="note" { "edited, seen " (edited) } }
            @for earlier in &self.earlier { (earlier) }
            @if let Some(since) = &self.deleted {
                p class="note alarm" { "deleted at the gateway, first absent " (since) }
            }
            @if let Some(since) = &self.missing {
                p class="note alarm" { "not listed since " (since) ", not confirmed yet" }
            }
        }
    }
}

impl Render for Offer<'_> {
    fn render(&self) -> Markup {
        html! {
            li dir="auto" class=[self.chosen.is_some().then_some("chosen")] {
                bdi { (self.title) }
                @if let Some(description) = self.description { " " span class="note" dir="auto" { (description) } }
                @if let Some(chosen) = &self.chosen { " " span class="tag" { (chosen) } }
            }
        }
    }
}

impl Render for File<'_> {
    fn render(&self) -> Markup {
        html! {
            p class="file" {
                (self.kind) ": " code dir="ltr" { (self.url) }
                @if let Some(caption) = self.caption { br; span dir="auto" { (caption) } }
            }
        }
    }
}

impl Render for Place<'_> {
    fn render(&self) -> Markup {
        html! {
            p class="file" {
                "place: "
                @if let Some(name) = self.name { bdi { (name) } " " }
                @if let Some(address) = self.address { bdi { (address) } " " }
                @if let Some((north, east)) = self.degrees { code dir="ltr" { (north) ", " (east) } }
            }
        }
    }
}

impl Render for Contact<'_> {
    fn render(&self) -> Markup {
        let parts = [self.name, self.phone_number, self.email];
        html! {
            p class="file" {
                "contact:"
                @for part in parts.into_iter().flatten() { " " bdi { (part) } }
            }
        }
    }
}

impl Render for Earlier {
    fn render(&self) -> Markup {
        html! {
            div class="earlier" {
                @match &self.words {
                    Some(words) => {
                        p class="note" { "before " (self.until) ":" }
                        p class="was" dir="auto" { del { (words) } }
                    }
                    None => {
                        p class="note" {
                            "before " (self.until) ", with the same words"
                            @if !self.changed.is_empty() { "; changed since: " (self.changed.join(", ")) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_from_outside_is_escaped() {
        const EVIL: &str = "</p><script src='x'>\"&";
        let bubble = Bubble {
            anchor: "m1".to_owned(),
            sender: EVIL,
            role: Some(EVIL),
            kind: Some(EVIL),
            title: Some(EVIL),
            text: Some(EVIL),
            offers: vec![Offer {
                title: EVIL,
                description: Some(EVIL),
                chosen: Some(EVIL.into()),
            }],
            choice: Some(EVIL),
            file: Some(File {
                kind: EVIL,
                url: EVIL,
                caption: Some(EVIL),
            }),
            place: Some(Place {
                name: Some(EVIL),
                address: Some(EVIL),
                degrees: Some((1.5, -2.0)),
            }),
            contacts: vec![Contact {
                name: Some(EVIL),
                phone_number: Some(EVIL),
                email: Some(EVIL),
            }],
            earlier: vec![
                Earlier {
                    until: "then".into(),
                    words: Some(EVIL.into()),
                    changed: Vec::new(),
                },
                Earlier {
                    until: "then".into(),
                    words: None,
                    changed: vec![EVIL.into()],
                },
            ],
            ..Bubble::default()
        };
        let shown = bubble.render().into_string();
        assert!(!shown.contains("<script"), "{shown}");
        assert_eq!(shown.matches("&lt;script").count(), 19, "{shown}");
        assert!(shown.contains("1.5, -2"), "{shown}");
    }
}
