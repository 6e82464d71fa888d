//! How many requests a list will take, by class of conversation, before the first one is sent.
//!
//! Owns the estimate ([`Planner`], pure) and what feeds it: what the archive knows ([`survey()`])
//! and, where it is asked for, one small request for each size that matters ([`Probe`]). `sync`
//! and `convault plan` share all of it but the probe. Writes nothing.
//!
//! What is estimated is a gateway that has every new conversation of the list, on which nothing
//! moves meanwhile, where every answer comes at the first attempt and pages are as long as they
//! were asked for. Where something that matters is
//! not known, the lowest number of requests is counted and the line says *at least*.

mod bound;
mod cost;
mod probe;
mod survey;
#[cfg(test)]
mod tests;

pub use bound::{PastRun, SweepBound};
pub use probe::{Probe, ProbeError, Probed};
pub use survey::{List, Unsized, survey};

pub(super) use survey::of_run;

use serde::Serialize;

use super::{SyncOptions, discovery::PHONES_PER_REQUEST, sweep::allowance};
use crate::{
    model::{ConversationState, RunId},
    store::{Coverage, SecondCover, Size},
};
use cost::Pages;

/// What an estimate depends on besides the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanOptions {
    /// Messages asked for in one page.
    pub page_size: u32,
    /// Whether everything is to be read again.
    pub full: bool,
    /// The share of the other requests that the sweep may spend, 0 to 1.
    pub audit_share: f64,
    /// The number of the run: a share is kept over the runs.
    pub run: RunId,
}

impl PlanOptions {
    /// Those of a run.
    pub(super) fn of(options: &SyncOptions, run: RunId) -> Self {
        Self {
            page_size: options.page_size,
            full: options.full,
            audit_share: options.audit_share,
            run,
        }
    }

    /// The requests that the sweep may spend where so many are planned for everything else.
    fn sweep_of(self, others: u64) -> u64 {
        allowance(self.audit_share, others, self.run)
    }
}

/// What requests are planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanClass {
    /// Looking phone numbers up.
    Discovery,
    /// Conversations of which nothing is proven yet.
    NeverRead,
    /// Conversations that are read in part, or failed.
    Unfinished,
    /// Conversations that `--full` reads again, now or since it was interrupted.
    Full,
    /// Complete conversations: their head is looked at.
    Idle,
    /// Conversations that were gone or forbidden.
    GoneOrForbidden,
    /// Looking again at what is proven.
    Sweep,
}

impl PlanClass {
    const ALL: [Self; 7] = [
        Self::Discovery,
        Self::NeverRead,
        Self::Unfinished,
        Self::Full,
        Self::Idle,
        Self::GoneOrForbidden,
        Self::Sweep,
    ];
}

/// The plan for one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// What the requests are for.
    pub class: PlanClass,
    /// Conversations of it.
    pub conversations: u64,
    /// Requests.
    pub requests: u64,
    /// Whether more are likely, because something that matters is not known.
    pub at_least: bool,
    /// Messages that are to be read for the first time, as far as that is known.
    pub messages: u64,
}

/// A finished estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One line a class that there is anything of, in the order of [`PlanClass`].
    pub lines: Vec<PlanLine>,
    /// Conversations, as far as they are known before phone numbers are looked up.
    pub conversations: u64,
    /// Requests in all.
    pub requests: u64,
    /// Whether more are likely.
    pub at_least: bool,
    /// Conversations that were never read and whose length is not known: counted are two
    /// requests each, or what is archived of them without proof.
    pub unsized_conversations: u64,
    /// Phone numbers of which it is not known what conversations they have.
    pub unsized_phones: u64,
    /// What those add to `requests`.
    unsized_requests: u64,
    options: PlanOptions,
    sweep_pages: u64,
}

/// What a plan comes to if conversations of unknown length are like those that are archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Likely {
    /// Requests in all.
    pub requests: u64,
    /// The complete conversations that it rests on.
    pub conversations: u64,
    /// How many messages those have on average, rounded up.
    pub messages_each: u64,
}

/// Gathers a list; [`Planner::finish`] adds it up.
#[derive(Debug, Clone)]
pub struct Planner {
    options: PlanOptions,
    pages: Pages,
    lines: [PlanLine; PlanClass::ALL.len()],
    unsized_conversations: u64,
    unsized_requests: u64,
    unsized_phones: u64,
    /// Conversations of a second cover that fit a page and whose b is known: one request each
    /// once the length of a full page was seen.
    short_again: u64,
    /// Whether any conversation of the list shows how long a full page is.
    any_full_page: bool,
    sweep_pages: u64,
}

impl Planner {
    /// Nothing planned for yet.
    pub fn new(options: PlanOptions) -> Self {
        Self {
            options,
            pages: Pages::of(options.page_size),
            lines: PlanClass::ALL.map(|class| PlanLine {
                class,
                conversations: 0,
                requests: 0,
                at_least: false,
                messages: 0,
            }),
            unsized_conversations: 0,
            unsized_requests: 0,
            unsized_phones: 0,
            short_again: 0,
            any_full_page: false,
            sweep_pages: 0,
        }
    }

    /// Phone numbers to look up; `unknown` is how many of them may have conversations that are
    /// not in the list.
    pub fn add_phones(&mut self, phones: u64, unknown: u64) {
        let line = self.line(PlanClass::Discovery);
        line.requests += phones.div_ceil(PHONES_PER_REQUEST as u64);
        line.at_least |= unknown > 0;
        self.unsized_phones += unknown;
    }

    /// A conversation that the archive does not know.
    pub fn add_unknown(&mut self, probed: Probed) {
        self.add_unread(0, None, probed);
    }

    /// A conversation as the archive knows it, and what a probe has shown.
    pub fn add(&mut self, coverage: &Coverage, probed: Probed) {
        match self.class_of(coverage) {
            PlanClass::GoneOrForbidden => self.put(PlanClass::GoneOrForbidden, 1, false, 0),
            PlanClass::NeverRead => self.add_unread(coverage.live, coverage.unlisted, probed),
            PlanClass::Idle => self.add_idle(coverage),
            _ if probed == Probed::Refused => self.put(PlanClass::GoneOrForbidden, 1, false, 0),
            PlanClass::Full => self.add_full(coverage, probed),
            _ => self.add_unfinished(coverage, probed),
        }
    }

    /// Whether the plan for a conversation depends on how many messages the gateway counts.
    pub fn wants_size(&self, coverage: &Coverage) -> bool {
        match self.class_of(coverage) {
            PlanClass::NeverRead => true,
            PlanClass::Unfinished | PlanClass::Full => !coverage.cover.is_whole(),
            _ => false,
        }
    }

    /// Adds it all up, the sweep last: it may spend its share of everything else, and no more
    /// than there are pages to sweep.
    pub fn finish(mut self) -> Plan {
        let short_each = if self.any_full_page { 1 } else { 2 };
        let short_again = self.short_again;
        let full = self.line(PlanClass::Full);
        full.requests += short_again * short_each;
        // Those that are read before the first full page was seen cost one more.
        full.at_least |= short_again > 0 && short_each == 1;
        let others: u64 = self.lines.iter().map(|line| line.requests).sum();
        let at_least = self.lines.iter().any(|line| line.at_least);
        let swept = self.options.sweep_of(others).min(self.sweep_pages);
        let may_grow = at_least && swept < self.sweep_pages;
        let sweep = self.line(PlanClass::Sweep);
        sweep.requests = swept;
        sweep.at_least = may_grow && swept > 0;
        Plan {
            conversations: self.lines.iter().map(|line| line.conversations).sum(),
            lines: self
                .lines
                .into_iter()
                .filter(|line| line.conversations + line.requests > 0)
                .collect(),
            requests: others + swept,
            at_least,
            unsized_conversations: self.unsized_conversations,
            unsized_phones: self.unsized_phones,
            unsized_requests: self.unsized_requests,
            options: self.options,
            sweep_pages: self.sweep_pages,
        }
    }

    fn class_of(&self, coverage: &Coverage) -> PlanClass {
        match coverage.state {
            ConversationState::Gone | ConversationState::Forbidden => PlanClass::GoneOrForbidden,
            _ if coverage.cover.pieces == 0 => PlanClass::NeverRead,
            _ if self.options.full || coverage.second.is_some() => PlanClass::Full,
            ConversationState::Complete if coverage.cover.is_whole() => PlanClass::Idle,
            _ => PlanClass::Unfinished,
        }
    }

    fn add_unread(&mut self, live: u64, unlisted: Option<i64>, probed: Probed) {
        let end_is_known = unlisted.is_some();
        match probed {
            Probed::Refused => self.put(PlanClass::GoneOrForbidden, 1, false, 0),
            Probed::Counted(count) => {
                let messages = listed(count, unlisted);
                self.note_length(messages);
                let requests = self.pages.whole(messages, end_is_known);
                let unread = messages.saturating_sub(live);
                self.put(PlanClass::NeverRead, requests, false, unread);
            }
            Probed::Nothing => {
                let requests = self.pages.whole(live, end_is_known);
                self.unsized_conversations += 1;
                self.unsized_requests += requests;
                self.put(PlanClass::NeverRead, requests, true, 0);
            }
        }
    }

    fn add_idle(&mut self, coverage: &Coverage) {
        self.note_length(coverage.live);
        self.sweep_pages += self.pages.below_head(coverage.live);
        // Each place is looked at twice, and the head is one of the looks where it holds them all.
        let places = coverage.to_confirm.min(self.pages.down(coverage.live));
        let by_head = u64::from(places > 0 && self.pages.below_head(coverage.live) == 0);
        self.put(PlanClass::Idle, 1 + 2 * places - by_head, false, 0);
    }

    fn add_unfinished(&mut self, coverage: &Coverage, probed: Probed) {
        let (unread, at_least) = match probed {
            Probed::Counted(count) => {
                let listed = listed(count, coverage.unlisted);
                (listed.saturating_sub(coverage.live), false)
            }
            _ => (0, true),
        };
        let cover = coverage.cover;
        let messages = coverage.live + unread;
        let end_is_known = coverage.unlisted.is_some();
        self.note_length(messages);
        let requests = if cover.is_whole() {
            // It was not the cover that was lacking: the head alone, and what its trouble takes.
            return self.put(PlanClass::Unfinished, 1, true, 0);
        } else if self.pages.hold(messages) {
            self.pages.whole(messages, end_is_known)
        } else if cover.has_tail {
            self.pages.between(unread, cover.holes)
        } else {
            // The lowest row that is covered is read again: the page must join.
            self.pages.down_from(unread + 1, cover.holes, end_is_known)
        };
        self.put(PlanClass::Unfinished, requests, at_least, unread);
    }

    fn add_full(&mut self, coverage: &Coverage, probed: Probed) {
        let (messages, known) = match probed {
            Probed::Counted(count) => (listed(count, coverage.unlisted), true),
            _ => (coverage.live, coverage.cover.is_whole()),
        };
        let unread = messages.saturating_sub(coverage.live);
        let end_is_known = coverage.unlisted.is_some();
        self.note_length(messages);
        let requests = if self.pages.hold(messages) {
            if end_is_known {
                self.short_again += 1;
                0
            } else {
                2
            }
        } else {
            match coverage.second {
                Some(SecondCover { extent, left }) if extent.pieces > 0 => {
                    if extent.has_tail {
                        self.pages.between(unread, extent.holes)
                    } else {
                        self.pages
                            .down_from(left + unread, extent.holes, end_is_known)
                    }
                }
                _ => self.pages.whole(messages, end_is_known),
            }
        };
        self.put(PlanClass::Full, requests, !known, unread);
    }

    fn note_length(&mut self, messages: u64) {
        self.any_full_page |= !self.pages.hold(messages);
    }

    fn put(&mut self, class: PlanClass, requests: u64, at_least: bool, messages: u64) {
        let line = self.line(class);
        line.conversations += 1;
        line.requests += requests;
        line.at_least |= at_least;
        line.messages += messages;
    }

    fn line(&mut self, class: PlanClass) -> &mut PlanLine {
        &mut self.lines[class as usize]
    }
}

impl Plan {
    /// What it comes to if the conversations whose length is not known are, each, what the
    /// archive's complete ones are on average. `None` where there are none of either.
    pub fn likely(&self, sizes: &[Size]) -> Option<Likely> {
        let pages = Pages::of(self.options.page_size);
        let (mut conversations, mut messages, mut requests) = (0_u64, 0_u64, 0_u64);
        for size in sizes {
            conversations += size.conversations;
            messages += size.messages * size.conversations;
            requests += pages.whole(size.messages, false) * size.conversations;
        }
        if self.unsized_conversations == 0 || conversations == 0 {
            return None;
        }
        let swept = self.line(PlanClass::Sweep).map_or(0, |line| line.requests);
        let expected = (self.unsized_conversations * requests).div_ceil(conversations);
        let others = self.requests - swept - self.unsized_requests + expected;
        Some(Likely {
            requests: others + self.options.sweep_of(others).min(self.sweep_pages),
            conversations,
            messages_each: messages.div_ceil(conversations),
        })
    }

    /// The line of a class, where there is anything of it.
    pub fn line(&self, class: PlanClass) -> Option<&PlanLine> {
        self.lines.iter().find(|line| line.class == class)
    }
}

/// The messages that a gateway lists where it counts so many; b is 0 until it is learnt.
fn listed(count: u64, unlisted: Option<i64>) -> u64 {
    count.saturating_add_signed(unlisted.unwrap_or(0).saturating_neg())
}
