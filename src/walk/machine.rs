//! One conversation's walk: which page to ask for next, what each page proves, how it ends.

use std::time::Duration;

use super::{Interval, Ledger, PageFacts};
use crate::model::{FailureClass, Piece, Proof, TailProof, Timestamp};

/// The constants of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Rows asked for in one page.
    pub limit: u32,
    /// The most that is asked for where a group of equal times does not fit a page.
    pub limit_max: u32,
    /// λ: how long after its created time a message may become visible.
    pub lag: Duration,
}

impl Rules {
    /// Rows that a page shares with the one above it: 4 at limit 100, at most a quarter page.
    fn overlap(self, full: u64) -> u64 {
        (u64::from(self.limit) / 25).max(1).min(full / 4)
    }
}

/// What is known before the walk begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The stored ledger in force.
    pub ledger: Vec<Piece>,
    /// The stored second cover, where a `--full` was interrupted.
    pub full_ledger: Vec<Piece>,
    /// Whether a second cover is to be built (or built on).
    pub full: bool,
    /// Archived messages that are neither missing nor deleted.
    pub live: u64,
    /// b: counted and not listed, where it was learnt.
    pub unlisted: Option<i64>,
    /// The largest page that the gateway was shown to return for this limit.
    pub full_page: Option<u32>,
}

/// Where a page is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// At this rank.
    Skip(u64),
    /// At the rank that the archive gives to this time, this many rows above it: the number of
    /// live archived messages strictly newer, less the rows.
    Above(Timestamp, u64),
}

/// A page to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Where it is to begin.
    pub position: Position,
    /// How many rows.
    pub limit: u32,
    /// Whether every page before must be committed first, because the archive is asked for ranks
    /// or for what is absent.
    pub after_commit: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for a page and hand it to [`Walk::accept`], then tell [`Walk::count_live`].
    Ask(Request),
    /// The walk is over.
    Done(Verdict),
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The cover is whole, the tail is proven, nothing is unexplained.
    Complete,
    /// Something is missing or unproven.
    Partial {
        /// What class of trouble.
        class: FailureClass,
        /// Why, for a person.
        reason: String,
    },
}

/// Which page an interval was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimedPage {
    /// The page that was just accepted.
    This,
    /// The page before it, whose end an empty page has proven.
    Previous,
}

/// An interval that a page certifies: archived messages inside it that are not in the page were
/// absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The interval.
    pub interval: Interval,
    /// Whose it is.
    pub page: ClaimedPage,
    /// T of that page.
    pub sent_at: Timestamp,
}

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
    request: Request,
    purpose: Purpose,
    maybe_tail: Option<MaybeTail>,
    pages: u64,
    pages_with_rows: u64,
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
            request: Request {
                position: Position::Skip(0),
                limit: rules.limit,
                after_commit: false,
            },
            purpose: Purpose::Cover,
            maybe_tail: None,
            pages: 0,
            pages_with_rows: 0,
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
            Purpose::Blind => self.accept_blind(page),
        };
        self.check_budget();
        claims
    }

    /// Says how many messages are live after the page that was just accepted, and lets the walk
    /// conclude if its cover is whole.
    pub fn count_live(&mut self, live: u64) {
        self.live = live;
        if self.verdict.is_none() && self.purpose == Purpose::Cover && self.cover.covers_all() {
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
        if page.skip == 0 {
            self.head_count = page.count;
        }
        if self.budget.is_none() {
            let listed = page
                .count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0);
            self.budget = Some(self.budget_for(listed.max(page.len()).max(self.live)));
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
        self.purpose == Purpose::Cover && self.cover.covers_all()
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
        if let Some(second) = &mut self.second {
            second.claim(interval, sent_at);
        }
        Claim {
            interval,
            page,
            sent_at,
        }
    }

    /// Whether a page of `rows` rows that ends at `end` is the tail by its own `count`.
    fn is_tail(&mut self, page: &PageFacts) -> bool {
        let short = page.len() < u64::from(self.full_page.unwrap_or(1));
        let by_count = match (page.count, self.unlisted) {
            (Some(count), Some(unlisted)) => i64::try_from(page.end()) == Ok(count - unlisted),
            _ => false,
        };
        let uncounted = page.count.is_none() && self.full_page.is_some();
        if short && by_count {
            self.tail_proof = Some(TailProof::Count);
        } else if short && uncounted {
            self.tail_proof = Some(TailProof::ShortPage);
        }
        short && (by_count || uncounted)
    }

    fn accept_cover(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.is_empty() && page.skip > 0 {
            self.restart_at_count(page);
            return Vec::new();
        }
        if !page.is_empty() && page.newest().is_none() {
            let reason = format!(
                "no row of the page at skip {} has a readable created_at",
                page.skip
            );
            self.go_blind(FailureClass::OrderViolation, reason);
            return self.accept_blind(page);
        }
        let edge = self.cover.bottom_of_top();
        let linked = page.skip == 0 || links(page, edge.flatten());
        let before = if page.skip == 0 { None } else { page.newest() };
        let is_tail = linked && self.is_tail(page);
        let after = if is_tail { None } else { page.oldest() };
        if !page.is_empty() {
            self.pages_with_rows += 1;
        }
        let mut claims = Vec::new();
        if !page.is_empty() || is_tail {
            claims.push(self.claim(Interval { after, before }, ClaimedPage::This, page.sent_at));
        }
        if !self.cover.covers_all() {
            self.plan_after(page, linked);
        }
        claims
    }

    /// An empty page past the head: the list has shrunk; go on at where it says that it ends.
    fn restart_at_count(&mut self, page: &PageFacts) {
        self.step_back = (self.step_back * 2).max(u64::from(self.limit) / 2).max(1);
        let by_count = page
            .count
            .and_then(|count| u64::try_from(count - self.unlisted.unwrap_or(0)).ok())
            .filter(|&end| end < page.skip);
        let from = by_count.unwrap_or(page.skip);
        self.ask(Purpose::Cover, from.saturating_sub(self.step_back));
    }

    fn plan_after(&mut self, page: &PageFacts, linked: bool) {
        let full = u64::from(self.full_page.unwrap_or(self.limit));
        let overlap = self.rules.overlap(full);
        if !linked {
            self.step_back = (self.step_back * 2).max(2 * overlap).max(1);
            self.ask(Purpose::Cover, page.skip.saturating_sub(self.step_back));
            return;
        }
        self.step_back = 0;
        let edge = self.cover.bottom_of_top().flatten();
        if page.oldest() < edge {
            // The page joins a piece that was covered before: on below that.
            self.go_on_below();
            return;
        }
        if page.len() < u64::from(self.full_page.unwrap_or(page.limit)) {
            self.maybe_tail = Some(MaybeTail {
                rows: page.len(),
                end: page.end(),
                count: page.count,
                before: if page.skip == 0 { None } else { page.newest() },
                sent_at: page.sent_at,
            });
            self.ask(Purpose::EndCheck, page.end());
            return;
        }
        self.step_on(page, overlap);
    }

    /// The page is full and links: on to the last row that is strictly newer than its oldest.
    fn step_on(&mut self, page: &PageFacts, overlap: u64) {
        let place = page
            .last_above_oldest()
            .unwrap_or(0)
            .min(page.len().saturating_sub(overlap));
        if place > 0 {
            self.limit = self.rules.limit;
            self.ask(Purpose::Cover, page.skip + place);
            return;
        }
        let honoured = page.len() >= u64::from(page.limit);
        if honoured && page.limit < self.rules.limit_max {
            self.limit = page.limit.saturating_mul(2).min(self.rules.limit_max);
            self.ask(Purpose::Cover, page.skip);
            return;
        }
        self.pass_tie_group(page);
    }

    /// More messages share one time than fit a page: that point stays a hole, the walk goes on
    /// below it.
    fn pass_tie_group(&mut self, page: &PageFacts) {
        let Some(time) = page.oldest() else { return };
        let reason = format!(
            "more messages share the time {time} than one page of {} holds; whether all of them \
             are archived cannot be proven, everything else can",
            page.len()
        );
        self.trouble
            .get_or_insert((FailureClass::TieGroupExceedsPage, reason));
        let point = Interval {
            after: Some(Timestamp::from_millis(time.as_millis() - 1)),
            before: Some(Timestamp::from_millis(time.as_millis() + 1)),
        };
        self.cover.claim(point, page.sent_at);
        self.limit = self.rules.limit;
        self.ask(
            Purpose::Cover,
            page.end().saturating_sub(1).max(page.skip + 1),
        );
    }

    fn accept_end_check(&mut self, page: &PageFacts) -> Vec<Claim> {
        let Some(tail) = self.maybe_tail.take() else {
            return self.accept_cover(page);
        };
        let same_count = page.count.is_some() && page.count == tail.count;
        self.purpose = Purpose::Cover;
        if page.is_empty() && same_count && page.skip == tail.end {
            self.unlisted = page
                .count
                .zip(i64::try_from(tail.end).ok())
                .map(|(count, end)| count - end);
            self.tail_proof = Some(TailProof::EmptyPage);
            let interval = Interval {
                after: None,
                before: tail.before,
            };
            let claim = self.claim(interval, ClaimedPage::Previous, tail.sent_at);
            if !self.cover.covers_all() {
                self.go_on_below();
            }
            return vec![claim];
        }
        if page.is_empty() && page.count.is_none() {
            let reason = "the gateway gives no count, and no page was seen to be full: \
                          an empty page proves no end"
                .to_owned();
            self.verdict = Some(Verdict::Partial {
                class: FailureClass::TailUnproven,
                reason,
            });
            return Vec::new();
        }
        if !page.is_empty() && same_count && page.limit == self.rules.limit {
            let rows = u32::try_from(tail.rows).unwrap_or(u32::MAX);
            self.full_page = Some(self.full_page.unwrap_or(0).max(rows));
        }
        if page.is_empty() && page.skip == 0 {
            return self.accept_empty_head(page);
        }
        self.accept_cover(page)
    }

    /// The head was empty twice with different counts: once more.
    fn accept_empty_head(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.maybe_tail = Some(MaybeTail {
            rows: 0,
            end: 0,
            count: page.count,
            before: None,
            sent_at: page.sent_at,
        });
        self.ask(Purpose::EndCheck, 0);
        Vec::new()
    }

    fn go_on_below(&mut self) {
        self.purpose = Purpose::Cover;
        if let Some(edge) = self.cover.bottom_of_top().flatten() {
            let overlap = self
                .rules
                .overlap(u64::from(self.full_page.unwrap_or(self.limit)));
            self.request = Request {
                position: Position::Above(edge, overlap),
                limit: self.limit,
                after_commit: true,
            };
        }
    }

    /// Every hole is filled. If that took several pages, the head is read again; then the number
    /// of live messages must agree with `count`.
    fn conclude_cover(&mut self) {
        if self.pages_with_rows > 1 && !self.closing {
            self.closing = true;
            let linked = self.first_newest.max(self.horizon_at_start);
            self.cover = Ledger::default();
            self.cover.claim(
                Interval {
                    after: None,
                    before: linked,
                },
                Timestamp::from_millis(i64::MIN),
            );
            if linked.is_some() {
                self.limit = self.rules.limit;
                self.ask(Purpose::Cover, 0);
                return;
            }
        }
        if let Some((class, reason)) = self.trouble.take() {
            self.verdict = Some(Verdict::Partial { class, reason });
            return;
        }
        self.judge_deficit();
    }

    /// D = live + b - count, from the last page at the head.
    fn deficit(&self) -> Option<i64> {
        let count = self.head_count?;
        let unlisted = self.unlisted?;
        Some(i64::try_from(self.live).unwrap_or(i64::MAX) + unlisted - count)
    }

    fn judge_deficit(&mut self) {
        match self.deficit() {
            None | Some(0) => self.complete(),
            Some(_) if !self.tail_probed => {
                self.tail_probed = true;
                let full = u64::from(self.full_page.unwrap_or(self.limit));
                let overlap = self.rules.overlap(full).max(1);
                self.ask(Purpose::TailProbe, self.live.saturating_sub(overlap));
            }
            Some(_) if !self.rewalked => self.walk_again(),
            Some(deficit) => {
                let reason = format!(
                    "{} messages are archived and live, the gateway counts {} of which {} are \
                     not listed: {} unexplained after a whole walk",
                    self.live,
                    self.head_count.unwrap_or(0),
                    self.unlisted.unwrap_or(0),
                    deficit.abs()
                );
                self.verdict = Some(Verdict::Partial {
                    class: FailureClass::CountDeficit,
                    reason,
                });
            }
        }
    }

    fn complete(&mut self) {
        if let Some(second) = self.second.take() {
            self.ledger = second;
        }
        self.verdict = Some(Verdict::Complete);
    }

    fn accept_tail_probe(&mut self, page: &PageFacts) -> Vec<Claim> {
        if page.end() == self.live || (page.is_empty() && page.skip == self.live) {
            self.maybe_tail = Some(MaybeTail {
                rows: page.len(),
                end: page.end(),
                count: page.count,
                before: None,
                sent_at: page.sent_at,
            });
            self.ask(Purpose::TailProbeEnd, page.end());
        } else {
            self.walk_again();
        }
        Vec::new()
    }

    fn accept_tail_probe_end(&mut self, page: &PageFacts) -> Vec<Claim> {
        let probe = self.maybe_tail.take();
        let ends_there = page.is_empty()
            && page.count.is_some()
            && probe.is_some_and(|probe| probe.count == page.count && probe.end == self.live);
        if !ends_there {
            self.walk_again();
            return Vec::new();
        }
        let live = i64::try_from(self.live).unwrap_or(i64::MAX);
        self.unlisted = page.count.map(|count| count - live);
        if self.deficit() == Some(0) {
            self.complete();
        } else {
            self.walk_again();
        }
        Vec::new()
    }

    /// A deficit that the tail does not explain: everything is read once more, so that what is
    /// gone shows as absent.
    fn walk_again(&mut self) {
        if self.rewalked {
            self.judge_deficit();
            return;
        }
        self.rewalked = true;
        self.closing = false;
        self.pages_with_rows = 0;
        self.cover = Ledger::default();
        self.horizon_at_start = None;
        self.first_newest = None;
        self.step_back = 0;
        self.limit = self.rules.limit;
        self.budget = self
            .budget
            .map(|budget| budget + self.budget_for(self.live));
        self.ask(Purpose::Cover, 0);
        self.request.after_commit = true;
    }
}

/// Whether the page's first row is strictly newer than the edge of what is covered above.
fn links(page: &PageFacts, edge: Option<Timestamp>) -> bool {
    edge.is_none_or(|edge| page.newest().is_some_and(|newest| newest > edge))
}
