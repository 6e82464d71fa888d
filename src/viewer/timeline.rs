//! Messages of one conversation under the days on which they were sent, with what only their
//! neighbours tell: which option was chosen, what an edit changed.

use std::collections::HashMap;

use jiff::civil::Date;
use maud::{Markup, html};

use super::{
    bubble::{Bubble, WORDS_MAX},
    figures::{counted, cut},
    local::{Local, spoken},
    people::People,
    query::message_link,
    words::difference,
};
use crate::{
    model::{ConversationId, ConversationKey},
    normalize,
    store::{Browsing, Choice, OfferedOption, ShownMessage, StoreError, VersionMark},
};

/// JSON of earlier versions that is read for one page, in bytes.
const EARLIER_BYTES_MAX: u64 = 4 << 20;

/// Messages that are shown together, oldest first.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    conversation: &'a ConversationId,
    messages: &'a [ShownMessage],
    people: People,
    choices: Vec<Choice>,
    /// The words of the version before the current one, by key of the message.
    earlier: HashMap<i64, Option<String>>,
}

impl<'a> Timeline<'a> {
    /// Reads what the messages do not carry themselves.
    pub(super) async fn read(
        archive: &mut Browsing,
        key: ConversationKey,
        conversation: &'a ConversationId,
        messages: &'a [ShownMessage],
    ) -> Result<Self, StoreError> {
        let senders = messages.iter().map(|message| message.sender_id.as_ref());
        let people = People::read(archive, senders).await?;
        let oldest_offer = messages
            .iter()
            .filter(|message| !message.options.is_empty())
            .find_map(|message| message.place.created_at);
        let mut choices = match oldest_offer {
            Some(time) => archive.choices(key, time).await?,
            None => Vec::new(),
        };
        // The newest message's answer may lie further on than the oldest one's.
        if let Some(newest) = messages.last().and_then(|last| last.place.created_at)
            && oldest_offer.is_some()
        {
            choices.extend(archive.choices(key, newest).await?);
        }
        choices.sort_by_key(|choice| choice.place);
        choices.dedup_by_key(|choice| choice.place);
        Ok(Self {
            conversation,
            messages,
            people,
            choices,
            earlier: earlier_words(archive, conversation, messages).await?,
        })
    }

    /// The messages, each day under its own heading; `here` is the one that was looked for.
    pub(super) fn markup(&self, local: &Local, here: Option<i64>) -> Markup {
        let day = |message: &ShownMessage| message.place.created_at.and_then(|at| local.date(at));
        html! {
            @for messages in self.messages.chunk_by(|a, b| day(a) == day(b)) {
                section.day {
                    h2 { (heading(day(&messages[0]))) }
                    ol.messages {
                        @for message in messages {
                            @let is_here = here == Some(message.place.key);
                            li id=[is_here.then_some("here")] tabindex=[is_here.then_some("-1")] {
                                (self.bubble(message, is_here, WORDS_MAX).markup(local, &self.people))
                            }
                        }
                    }
                }
            }
        }
    }

    /// One message alone.
    pub(super) fn alone(&self, local: &Local, words_max: usize) -> Markup {
        html! {
            @for message in self.messages {
                (self.bubble(message, false, words_max).markup(local, &self.people))
            }
        }
    }

    fn bubble<'b>(
        &'b self,
        message: &'b ShownMessage,
        is_here: bool,
        words_max: usize,
    ) -> Bubble<'b> {
        Bubble {
            conversation: self.conversation,
            message,
            is_here,
            chosen: self.chosen(message),
            edit: self.edit(message),
            words_max,
        }
    }

    /// Which options were chosen: those that the message names itself, and the first one whose
    /// word comes back before the same word is offered again.
    fn chosen(&self, offer: &ShownMessage) -> Vec<usize> {
        let mut found: Vec<usize> = (0..offer.options.len())
            .filter(|place| offer.options[*place].answered == Some(true))
            .collect();
        if !found.is_empty() {
            return found;
        }
        let first = offer
            .options
            .iter()
            .enumerate()
            .filter_map(|(place, option)| {
                let word = word(option.title.as_deref(), option.payload.as_deref())?;
                let choice = self.choices.iter().find(|choice| {
                    choice.place > offer.place
                        && self::word(choice.title.as_deref(), choice.payload.as_deref())
                            == Some(word)
                })?;
                let is_offered_again = self.messages.iter().any(|between| {
                    between.place > offer.place
                        && between.place < choice.place
                        && between
                            .options
                            .iter()
                            .any(|again| word_of(again) == Some(word))
                });
                (!is_offered_again).then_some((choice.place, place))
            });
        found.extend(first.min().map(|(_, place)| place));
        found
    }

    fn edit(&self, message: &ShownMessage) -> Option<Markup> {
        let last = last_edit(message)?;
        let link = message_link(self.conversation.as_str(), message.id.as_str());
        let words = message.text.as_deref().or(message.title.as_deref());
        let earlier = self.earlier.get(&message.place.key);
        let told = html! {
            @if let Some(earlier) = earlier { (compared(earlier.as_deref(), words)) }
            @else { p { "The version before is too long to be compared here." } }
        };
        let highest = message.versions.iter().map(|mark| mark.version).max();
        let number = u64::try_from(highest.unwrap_or(message.version)).unwrap_or(0);
        Some(html! {
            div.edit {
                p.mark {
                    "Edited: version " (last.version) ". "
                    a href=(link) { "All " (counted(number, "version")) }
                }
                (told)
            }
        })
    }
}

/// What an edit did to the words.
pub(super) fn compared(before: Option<&str>, after: Option<&str>) -> Markup {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before == after {
        return html! { p { "The words stayed the same; something else was changed." } };
    }
    let (shown, is_cut) = cut(before, WORDS_MAX);
    let told = if is_cut {
        None
    } else {
        difference(shown, cut(after, WORDS_MAX).0)
    };
    html! {
        @if let Some(told) = told { div.words.diff dir="auto" { (told) } }
        @else {
            p { "Too long to be compared word by word. Before:" }
            div.words dir="auto" { (shown) @if is_cut { "…" } }
        }
    }
}

fn heading(day: Option<Date>) -> String {
    day.map_or_else(|| "Without a readable time".to_owned(), spoken)
}

/// What joins an option to its choice: the payload, else the caption.
fn word<'a>(title: Option<&'a str>, payload: Option<&'a str>) -> Option<&'a str> {
    payload.filter(|payload| !payload.is_empty()).or(title)
}

fn word_of(option: &OfferedOption) -> Option<&str> {
    word(option.title.as_deref(), option.payload.as_deref())
}

/// The last edit of the state that stands. A page that came late may have shown an older state
/// since, which is a version with a higher number and not what is shown.
fn last_edit(message: &ShownMessage) -> Option<&VersionMark> {
    let mut upto = message.versions.iter().rev();
    upto.find(|mark| {
        matches!(mark.event.as_str(), "edited" | "restored") && mark.version <= message.version
    })
}

/// The words before the last edit of each message, as its JSON had them.
async fn earlier_words(
    archive: &mut Browsing,
    conversation: &ConversationId,
    messages: &[ShownMessage],
) -> Result<HashMap<i64, Option<String>>, StoreError> {
    let mut left = EARLIER_BYTES_MAX;
    let mut wanted = Vec::new();
    for message in messages {
        let Some(edit) = last_edit(message) else {
            continue;
        };
        let mut earlier = message.versions.iter().rev();
        let is_before =
            |mark: &&VersionMark| mark.version < edit.version && mark.raw_bytes.is_some();
        let Some(before) = earlier.find(is_before) else {
            continue;
        };
        let bytes = before.raw_bytes.unwrap_or_default();
        if bytes <= left {
            left -= bytes;
            wanted.push((message.place.key, before.version));
        }
    }
    let found = archive.raws(&wanted).await?;
    let words = found.into_iter().map(|((key, _), raw)| {
        let decoded = normalize::message(&raw, conversation);
        (key, decoded.text.or(decoded.title).map(String::from))
    });
    Ok(words.collect())
}
