//! One conversation's walk: which page to ask for next, what each page proves, how it ends.

mod confirm;
mod cover;
mod deficit;

use super::{
    Claim, ClaimedPage, Interval, Known, Ledger, PageFacts, Position, Request, Rules, Step, Verdict,
};
use crate::model::{FailureClass, Proof, TailProof, Timestamp};

/// Why a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To fill the topmost hole.
    Cover,
    /// To see whether the list ends where the page before ended.
    EndCheck,
    /// To see whether the list ends where the archive ends.
    TailProbe,
    /// The same, one page on.
    TailProbeEnd,
    /// To look a second time for a message that is missing.
    Confirm,
    /// To store what can be read where nothing can be proven.
    Blind,
}

/// A page that may be the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MaybeTail {
    rows: u64,
    end: u64,
    count: Option<i64>,
    before: Option<Timestamp>,
    sent_at: Timestamp,
}

/// The walk of one conversation.
#[derive(Debug, Clone)]
pub struct Walk {
    rules: Rules,
    limit: u32,
    full_page: Option<u32>,
    unlisted: Option<i64>,
    tail_proof: Option<TailProof>,
    live: u64,
    ledger: Ledger,
    second: Option<Ledger>,
    /// What is still to be covered is what this leaves open. Holds pieces beyond the ledger where
    /// the walk went on past a hole that cannot be filled.
    cover: Ledger,
    horizon_at_start: Option<Timestamp>,
    /// Missing messages whose place no page of this walk has spoken for yet.
    to_confirm: Vec<Timestamp>,
    /// The place that the page under way is about.
    confirming: Option<Timestamp>,
    request: Request,
    purpose: Purpose,
    maybe_tail: Option<MaybeTail>,
    pages: u64,
    pages_with_rows: u64,
    longest_page: u64,
    budget: Option<u64>,
    first_newest: Option<Timestamp>,
    head_count: Option<i64>,
    step_back: u64,
    refetches: u32,
    closing: bool,
    tail_probed: bool,
    rewalked: bool,
    trouble: Option<(FailureClass, String)>,
    verdict: Option<Verdict>,
}

const REFETCHES_MAX: u32 = 2;
const LIMIT_MIN: u32 = 5;

impl Walk {
    /// A walk that has asked for nothing yet.
    pub fn new(rules: Rules, known: &Known) -> Self {
        let mut ledger = Ledger::from_pieces(&known.ledger);
        ledger.settle(rules.lag);
        let second = known.full.then(|| {
            let mut second = Ledger::from_pieces(&known.full_ledger);
            second.settle(rules.lag);
            second
        });
        let cover = second.clone().unwrap_or_else(|| ledger.clone());
        Self {
            rules,
            limit: rules.limit,
            full_page: known.full_page,
            unlisted: known.unlisted,
            tail_proof: None,
            live: known.live,
            horizon_at_start: cover.top_of_bottom(),
            cover,
            second,
            ledger,
            to_confirm: known.to_confirm.clone(),
            confirming: None,
            request: Request {
                position: Position::Skip(0),
                limit: rules.limit,
                after_commit: false,
            },
            purpose: Purpose::Cover,
            maybe_tail: None,
            pages: 0,
            pages_with_rows: 0,
            longest_page: 0,
            budget: None,
            first_newest: None,
            head_count: None,
            step_back: 0,
            refetches: 0,
            closing: false,
            tail_probed: false,
            rewalked: false,
            trouble: None,
            verdict: None,
        }
    }

    /// What to do next.
    pub fn step(&self) -> Step {
        self.verdict
            .clone()
            .map_or(Step::Ask(self.request), Step::Done)
    }

    /// The ledger to store, after the claims so far.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The second cover to store; `None` if there is none, or if it has become the ledger.
    pub fn second_cover(&self) -> Option<&Ledger> {
        self.second.as_ref()
    }

    /// What the ledger proves.
    pub fn proof(&self) -> Proof {
        self.ledger.proof(self.rules.lag)
    }

    /// b, as far as it was learnt.
    pub fn unlisted(&self) -> Option<i64> {
        self.unlisted
    }

    /// How the tail was proven in this walk, if it was.
    pub fn tail_proof(&self) -> Option<TailProof> {
        self.tail_proof
    }

    /// The largest page that the gateway was shown to return for the walk's own limit.
    pub fn full_page(&self) -> Option<u32> {
        self.full_page
    }

    /// How many pages were accepted.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// The budget of pages, fixed at the first one.
    pub fn budget(&self) -> Option<u64> {
        self.budget
    }

    /// The `count` of the last page from the head.
    pub fn head_count(&self) -> Option<i64> {
        self.head_count
    }

    /// Takes the page that was asked for and gives the intervals that it certifies. The caller
    /// stores the rows and the claims together, and then says what they did to the number of
    /// live messages through [`Walk::count_live`].
    pub fn accept(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.pages += 1;
        self.learn_from(page);
        if !page.is_ordered() && self.purpose != Purpose::Blind {
            self.refuse_disorder(page);
            self.check_budget();
            return Vec::new();
        }
        self.refetches = 0;
        let claims = match self.purpose {
            Purpose::Cover => self.accept_cover(page),
            Purpose::EndCheck => self.accept_end_check(page),
            Purpose::TailProbe => self.accept_tail_probe(page),
            Purpose::TailProbeEnd => self.accept_tail_probe_end(page),
            Purpose::Confirm => self.accept_confirm(page),
            Purpose::Blind => self.accept_blind(page),
        };
        self.check_budget();
        claims
    }

    /// Says how many messages are live after the page that was just accepted, and lets the walk
    /// conclude if its cover is whole.
    pub fn count_live(&mut self, live: u64) {
        self.live = live;
        if self.verdict.is_none() && self.ready_to_conclude() {
            self.conclude_cover();
        }
    }

    /// Halves the page, for a gateway that could not give it in time; false if it is as small
    /// as it may be.
    pub fn halve_limit(&mut self) -> bool {
        let halved = self.request.limit / 2;
        if halved < LIMIT_MIN {
            return false;
        }
        self.rules.limit = halved;
        self.limit = halved;
        self.request.limit = halved;
        self.full_page = None;
        true
    }

    fn learn_from(&mut self, page: &PageFacts) {
        if page.limit == self.rules.limit && page.len() > u64::from(self.full_page.unwrap_or(0)) {
            let rows = u32::try_from(page.len()).unwrap_or(u32::MAX);
            if rows >= page.limit || self.full_page.is_some() {
                self.full_page = Some(rows);
            }
        }
        self.longest_page = self.longest_page.max(page.len());
        if page.skip == 0 {
            self.head_count = page.count;
        }
        if self.budget.is_none() {
            let listed = page
                .count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0);
            let to_confirm = self.to_confirm.len() as u64;
            self.budget = Some(self.budget_for(listed.max(page.len()).max(self.live)) + to_confirm);
            self.first_newest = page.newest();
        }
    }

    fn budget_for(&self, listed: u64) -> u64 {
        let full = u64::from(self.full_page.unwrap_or(self.rules.limit).max(1));
        let stride = full - self.rules.overlap(full);
        4 * listed.div_ceil(stride.max(1)) + 30
    }

    fn check_budget(&mut self) {
        let budget = self.budget.unwrap_or(u64::MAX);
        if self.verdict.is_none() && self.pages >= budget && !self.ready_to_conclude() {
            let (class, reason) = self.trouble.take().unwrap_or_else(|| {
                let reason = format!(
                    "the walk used up its {budget} requests before every hole was filled; \
                     what was read is kept and the next run goes on"
                );
                (FailureClass::WalkBudgetSpent, reason)
            });
            self.verdict = Some(Verdict::Partial { class, reason });
        }
    }

    fn ready_to_conclude(&self) -> bool {
        match self.purpose {
            Purpose::Cover => self.cover.covers_all(),
            Purpose::Confirm => true,
            _ => false,
        }
    }

    fn ask(&mut self, purpose: Purpose, skip: u64) {
        self.purpose = purpose;
        self.request = Request {
            position: Position::Skip(skip),
            limit: self.limit,
            after_commit: false,
        };
    }

    /// A1 is broken: the page is asked for again, and in the end the rest is read blindly.
    fn refuse_disorder(&mut self, page: &PageFacts) {
        if self.refetches < REFETCHES_MAX {
            self.refetches += 1;
            return;
        }
        let reason = format!(
            "the page at skip {} is not ordered by created_at, or holds a message twice, \
             {} times in a row; its rows are kept, nothing is proven by it",
            page.skip,
            REFETCHES_MAX + 1
        );
        self.go_blind(FailureClass::OrderViolation, reason);
        self.accept_blind(page);
    }

    fn go_blind(&mut self, class: FailureClass, reason: String) {
        self.trouble = Some((class, reason));
        self.ask(Purpose::Blind, 0);
    }

    fn accept_blind(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.is_empty() {
            let (class, reason) = self.trouble.take().unwrap_or_else(|| {
                (
                    FailureClass::OrderViolation,
                    "the pages are not in order".to_owned(),
                )
            });
            self.verdict = Some(Verdict::Partial { class, reason });
        } else {
            let overlap = self.rules.overlap(page.len());
            self.ask(Purpose::Blind, page.end() - overlap);
        }
        Vec::new()
    }

    fn claim(&mut self, interval: Interval, page: ClaimedPage, sent_at: Timestamp) -> Claim {
        self.ledger.claim(interval, sent_at);
        self.cover.claim(interval, sent_at);
        self.to_confirm.retain(|&time| !interval.contains(time));
        if let Some(second) = &mut self.second {
            second.claim(interval, sent_at);
        }
        Claim {
            interval,
            page,
            sent_at,
        }
    }
}
