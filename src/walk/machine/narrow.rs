//! Reading around what the gateway cannot give: a page that always fails is halved down to single
//! messages. The one that fails alone is a hole with its reason, and the walk goes on below it.

use super::{Purpose, Walk, just_after};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{Claim, Interval, PageFacts, Verdict},
};

/// The shortest page that can link to the one above it and go further down.
const LINKING_MIN: u32 = 4;
/// Messages in a row that cannot be given, after which the rest is left alone.
const IN_A_ROW_MAX: u32 = 4;
/// Requests of one walk that may fail.
const FAILED_MAX: u32 = 100;

/// A place that is read in shorter pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Narrow {
    /// What cannot be given lies above this rank, while such a place is read.
    until: Option<u64>,
    /// Messages are asked for one by one, and so many in a row could not be given.
    in_a_row: u32,
    /// Why the last page failed that did.
    class: Option<FailureClass>,
    /// The next page is below messages that could not be had.
    pub(super) past_gap: bool,
}

impl Narrow {
    pub(super) fn is_under_way(self) -> bool {
        self.until.is_some()
    }

    fn begin(&mut self, until: u64, class: FailureClass) {
        self.until = Some(until);
        self.class = Some(class);
        self.in_a_row = 0;
    }
}

impl Walk {
    /// The page that was asked for at `skip` could not be had, and others can: asks for less of it.
    /// False where there is nothing less to ask for, or it has failed too often.
    pub fn page_failed(&mut self, skip: u64, class: FailureClass, reason: &str) -> bool {
        self.failed += 1;
        let limit = self.request.limit;
        let is_cover = matches!(
            self.purpose,
            Purpose::Cover | Purpose::EndCheck | Purpose::EndAgain | Purpose::LowerPart
        );
        if self.failed > FAILED_MAX || self.is_past_end(skip) {
            return false;
        }
        if self.purpose == Purpose::Single {
            return self.skip_message(skip, class, reason);
        } else if is_cover && limit > LINKING_MIN {
            self.narrow.begin(skip + u64::from(limit), class);
            self.limit = (limit / 2).max(LINKING_MIN);
            self.ask(Purpose::Cover, skip);
        } else if is_cover {
            self.narrow.begin(skip + u64::from(limit), class);
            self.ask_single(skip);
        } else {
            self.verdict = Some(Verdict::Partial {
                class,
                reason: format!("the page at skip {skip} could not be read: {reason}"),
            });
        }
        true
    }

    /// Whether the list is counted to end here: nothing is missed if this page cannot be had.
    fn is_past_end(&self, skip: u64) -> bool {
        let count = self.head.and_then(|head| head.count);
        let listed = self.tail.listed(count).or(count);
        skip > 0 && listed.is_some_and(|listed| u64::try_from(listed).is_ok_and(|end| end <= skip))
    }

    fn ask_single(&mut self, skip: u64) {
        self.limit = 1;
        self.ask(Purpose::Single, skip);
    }

    fn skip_message(&mut self, skip: u64, class: FailureClass, reason: &str) -> bool {
        let below = self
            .cover
            .bottom_of_top()
            .flatten()
            .map_or_else(String::new, |time| format!(" (older than {time})"));
        let reason = format!(
            "the gateway does not give the message at rank {skip}{below}: {reason}; everything \
             around it is archived"
        );
        self.trouble.get_or_insert((class, reason));
        self.narrow.in_a_row += 1;
        if self.narrow.in_a_row >= IN_A_ROW_MAX {
            let trouble = self.trouble.take().filter(|_| self.pages > 0);
            self.verdict = trouble.map(|(class, reason)| Verdict::Partial { class, reason });
            return self.verdict.is_some();
        }
        self.after_single(skip + 1);
        true
    }

    /// A message that came alone: it is stored, and proves nothing but that it is the newest.
    pub(super) fn accept_single(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.is_empty() {
            self.end_past_gap();
            return Vec::new();
        }
        self.narrow.in_a_row = 0;
        self.after_single(page.end());
        if page.skip == 0 {
            self.claim_own(page, false)
        } else {
            Vec::new()
        }
    }

    fn after_single(&mut self, next: u64) {
        if self.narrow.until.is_some_and(|until| next < until) {
            self.ask_single(next);
            return;
        }
        self.narrow = Narrow {
            past_gap: true,
            class: self.narrow.class,
            ..Narrow::default()
        };
        self.limit = self.rules.limit;
        self.ask(Purpose::Cover, next);
    }

    /// Messages could not be had between what is covered above and this page: that stays a hole of
    /// the ledger, and the walk goes on as if it were filled.
    pub(super) fn pass_gap(&mut self, page: &PageFacts) {
        if !std::mem::take(&mut self.narrow.past_gap) {
            return;
        }
        let Some(newest) = page.newest() else {
            self.end_past_gap();
            return;
        };
        self.note_gap();
        let gap = Interval {
            after: Some(Timestamp::from_millis(newest.as_millis().saturating_sub(1))),
            before: self.edge_above(),
        };
        self.cover.claim(gap, Timestamp::from_millis(i64::MIN));
    }

    /// The list ends within the place that cannot be read.
    fn end_past_gap(&mut self) {
        self.note_gap();
        self.narrow = Narrow::default();
        self.purpose = Purpose::Cover;
        let below = Interval {
            after: None,
            before: self.edge_above(),
        };
        self.cover.claim(below, Timestamp::from_millis(i64::MIN));
    }

    /// Just above the lowest time that is covered, so that its own millisecond is passed too.
    fn edge_above(&self) -> Option<Timestamp> {
        self.cover.bottom_of_top().flatten().map(just_after)
    }

    fn note_gap(&mut self) {
        let reason = "the gateway gave some messages one by one only: what stands between them is \
                      not proven; the next run reads the place again"
            .to_owned();
        let class = self.narrow.class.unwrap_or(FailureClass::Server);
        self.trouble.get_or_insert((class, reason));
    }

    /// The limit of the next page, which begins at `next`: half of what is left of a place that is
    /// read in shorter pages.
    pub(super) fn limit_at(&mut self, next: u64) -> u32 {
        let Some(until) = self.narrow.until else {
            return self.rules.limit;
        };
        if next < until {
            let half = u32::try_from((until - next) / 2).unwrap_or(u32::MAX);
            return half.clamp(LINKING_MIN.min(self.rules.limit), self.rules.limit);
        }
        // Every part of it came: it was too long, and so will others be.
        self.narrow.until = None;
        self.halve_rules();
        self.rules.limit
    }
}
