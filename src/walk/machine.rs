//! One conversation's walk: which page to ask for next, what each page proves, how it ends.

mod ahead;
mod bisect;
mod confirm;
mod cover;
mod deficit;
mod end;
mod narrow;
#[cfg(test)]
mod tests;
mod tie;

use ahead::Ahead;
use bisect::{Probed, Search};
use confirm::Seek;
use narrow::Narrow;
use tie::UpperPart;

use super::{
    Claim, ClaimedPage, Interval, Known, Ledger, PageFacts, Position, Request, RowFacts, Rules,
    Sample, Step, Stored, Verdict,
    switch::{self, Rule},
    tail::Tail,
};
use crate::model::{CountTrust, FailureClass, Piece, Proof, TailProof, Timestamp};

/// Why a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To fill the topmost hole.
    Cover,
    /// To see whether the list ends where the page before ended.
    EndCheck,
    /// To see the page above that end once more.
    EndAgain,
    /// To see whether the list ends where the archive ends.
    TailProbe,
    /// The same, one page on.
    TailProbeEnd,
    /// To find where list and archive part.
    Bisect,
    /// To see the rest of a group of equal times, with what is below it.
    LowerPart,
    /// To see one message alone, where a page with it cannot be had.
    Single,
    /// To look a second time for a message that is missing.
    Confirm,
    /// To store what can be read where nothing can be proven.
    Blind,
}

/// A page that may be the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MaybeTail {
    rows: u64,
    limit: u32,
    end: u64,
    count: Option<i64>,
    before: Option<Timestamp>,
    oldest: Option<Timestamp>,
    /// It is shorter than a page that this gateway was shown to return.
    is_short: bool,
    sent_at: Timestamp,
}

/// The last page from the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    count: Option<i64>,
    end: u64,
}

/// The walk of one conversation.
#[derive(Debug, Clone)]
pub struct Walk {
    rules: Rules,
    limit: u32,
    tail: Tail,
    tail_proof: Option<TailProof>,
    live: u64,
    ledger: Ledger,
    second: Option<Ledger>,
    /// What is still to be covered is what this leaves open. Holds pieces beyond the ledger where
    /// the walk went on past a hole that cannot be filled.
    cover: Ledger,
    horizon_at_start: Option<Timestamp>,
    /// Times that are passed over in the cover that is being built.
    tie_points: Vec<Piece>,
    /// Those of the first cover, while a second one is built.
    tie_points_before: Vec<Piece>,
    /// The places of missing messages, and how many pages of this walk are still to look at each.
    to_confirm: Vec<(Timestamp, u8)>,
    /// The place that the page under way is about.
    confirming: Option<Timestamp>,
    seek: Seek,
    request: Request,
    purpose: Purpose,
    maybe_tail: Option<MaybeTail>,
    ahead: Option<Ahead>,
    /// Pages that begin above this rank were asked for ahead already.
    ahead_to: u64,
    /// The group of equal times that the walk could not step past by a page of so many rows.
    stuck_at: Option<(Timestamp, u32)>,
    /// The last group that was looked at in two parts.
    paired: Option<Timestamp>,
    upper_part: Option<UpperPart>,
    pages: u64,
    progress: Progress,
    sample: Option<Sample>,
    /// Requests that failed for good.
    failed: u32,
    narrow: Narrow,
    /// The first and the last message of the last page, by the hash of their ids.
    last_ends: (Option<u64>, Option<u64>),
    pages_with_rows: u64,
    longest_page: u64,
    budget: Option<u64>,
    first_newest: Option<Timestamp>,
    head: Option<Head>,
    step_back: u64,
    refetches: u32,
    closing: bool,
    tail_probed: bool,
    /// How many the list holds, seen at its end, where the count is missing or unreliable.
    measured: Option<u64>,
    search: Search,
    probed: Option<Probed>,
    rewalked: bool,
    trouble: Option<(FailureClass, String)>,
    verdict: Option<Verdict>,
}

/// Pages that brought a message or a proof, and those that brought neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    telling: u64,
    idle: u64,
    /// The page that is being taken brings something.
    tells: bool,
}

impl Progress {
    /// Pages that may bring nothing, in all, and for each that brings something.
    const IDLE_MAX: u64 = 30;
    const IDLE_FOR_EACH: u64 = 3;

    /// Counts the page; whether it brought something.
    fn end_page(&mut self, brought_rows: bool) -> bool {
        let tells = std::mem::take(&mut self.tells) || brought_rows;
        self.telling += u64::from(tells);
        self.idle += u64::from(!tells);
        tells
    }

    /// How many more pages may bring nothing: the budget follows what arrives, not what is
    /// counted.
    fn idle_left(&self) -> u64 {
        if !switch::holds(Rule::Progress) {
            return u64::MAX;
        }
        (Self::IDLE_MAX + Self::IDLE_FOR_EACH * self.telling).saturating_sub(self.idle)
    }
}

const REFETCHES_MAX: u32 = 2;
const LIMIT_MIN: u32 = 5;

impl Walk {
    /// A walk that has asked for nothing yet.
    pub fn new(rules: Rules, known: &Known) -> Self {
        let tail = Tail::new(known);
        let settled = |pieces: &[Piece]| {
            let mut ledger = Ledger::from_pieces(pieces);
            ledger.settle(rules.lag);
            if !tail.explains_end(known.live) {
                ledger.open_end();
            }
            ledger
        };
        let ledger = settled(&known.ledger);
        let second = known.full.then(|| settled(&known.full_ledger));
        let cover = second.clone().unwrap_or_else(|| ledger.clone());
        let mut walk = Self {
            rules,
            limit: rules.limit,
            tail,
            tail_proof: None,
            live: known.live,
            horizon_at_start: cover.top_of_bottom(),
            cover,
            second,
            ledger,
            tie_points: Vec::new(),
            tie_points_before: known.tie_points.clone(),
            to_confirm: known
                .to_confirm
                .iter()
                .map(|time| (*time, confirm::looks()))
                .collect(),
            confirming: None,
            seek: Seek::default(),
            request: Request {
                position: Position::Skip(0),
                limit: rules.limit,
                after_commit: false,
            },
            purpose: Purpose::Cover,
            maybe_tail: None,
            ahead: None,
            ahead_to: 0,
            stuck_at: None,
            paired: None,
            upper_part: None,
            pages: 0,
            progress: Progress::default(),
            sample: None,
            failed: 0,
            narrow: Narrow::default(),
            last_ends: (None, None),
            pages_with_rows: 0,
            longest_page: 0,
            budget: None,
            first_newest: None,
            head: None,
            step_back: 0,
            refetches: 0,
            closing: false,
            tail_probed: false,
            measured: None,
            search: Search::NotYet,
            probed: None,
            rewalked: false,
            trouble: None,
            verdict: None,
        };
        if !known.full {
            walk.pass_known_tie_groups();
        }
        walk
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

    /// The times to store as passed over, each as the interval around it.
    pub fn tie_points(&self) -> Vec<Piece> {
        let mut points = self.tie_points.clone();
        if self.second.is_some() {
            points.extend_from_slice(&self.tie_points_before);
            points.sort_unstable_by_key(|point| point.after);
            points.dedup_by_key(|point| point.after);
        }
        points
    }

    /// What the ledger proves.
    pub fn proof(&self) -> Proof {
        self.ledger.proof(self.rules.lag)
    }

    /// b, as far as it was learnt.
    pub fn unlisted(&self) -> Option<i64> {
        self.tail.unlisted()
    }

    /// How far the gateway's `count` is trusted after this walk.
    pub fn count_trust(&self) -> CountTrust {
        self.tail.trust()
    }

    /// How the tail was proven in this walk, if it was.
    pub fn tail_proof(&self) -> Option<TailProof> {
        self.tail_proof
    }

    /// The largest page that the gateway was shown to return for the walk's own limit.
    pub fn full_page(&self) -> Option<u32> {
        self.tail.full_page
    }

    /// Whether the gateway was seen to give fewer rows than it could.
    pub fn cuts_pages(&self) -> bool {
        self.tail.cuts_pages()
    }

    /// What this walk has seen of messages that are counted and not listed, if it has seen the
    /// end of the list.
    pub fn sample(&self) -> Option<Sample> {
        self.sample
    }

    /// How many pages were accepted.
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// The budget of pages. Fixed at the first one, and raised by what comes where there is no count
    /// or where pages are cut.
    pub fn budget(&self) -> Option<u64> {
        self.budget
    }

    /// Takes the page that was asked for and gives the intervals that it certifies. The caller
    /// stores the rows and the claims together, and then tells [`Walk::stored`] what came of it.
    pub fn accept(&mut self, page: &PageFacts) -> Vec<Claim> {
        self.ahead = None;
        self.pages += 1;
        self.learn_from(page);
        if !is_ordered(page) && self.purpose != Purpose::Blind {
            self.refuse_disorder(page);
            return Vec::new();
        }
        self.refetches = 0;
        let is_news = self.is_news_without_proof(page);
        // Looking for what is known to differ has bounds of its own.
        self.progress.tells = is_news
            || !matches!(
                self.purpose,
                Purpose::Cover
                    | Purpose::EndCheck
                    | Purpose::EndAgain
                    | Purpose::LowerPart
                    | Purpose::Single
                    | Purpose::Blind
            );
        match self.purpose {
            Purpose::Cover => self.accept_cover(page),
            Purpose::EndCheck => self.accept_end_check(page),
            Purpose::EndAgain => self.accept_end_again(page),
            Purpose::TailProbe => self.accept_tail_probe(page),
            Purpose::TailProbeEnd => self.accept_tail_probe_end(page),
            Purpose::Bisect => self.accept_bisect(page),
            Purpose::LowerPart => self.accept_lower_part(page),
            Purpose::Single => self.accept_single(page),
            Purpose::Confirm => self.accept_confirm(page),
            Purpose::Blind => self.accept_blind(page),
        }
    }

    /// Whether the walk makes progress by a page that proves nothing: one that is read blindly, or
    /// whose rows all have one time, and that differs from the page before.
    fn is_news_without_proof(&mut self, page: &PageFacts) -> bool {
        let hash = |row: Option<&RowFacts>| row.map(|row| row.id_hash);
        let ends = (hash(page.rows.first()), hash(page.rows.last()));
        let is_another = std::mem::replace(&mut self.last_ends, ends) != ends;
        let is_of_one_time = page.len() > 1 && page.newest() == page.oldest();
        is_another && (self.purpose == Purpose::Blind || is_of_one_time)
    }

    /// The time whose [`Ranks`](super::Ranks) the walk wants to be told with [`Walk::stored`]:
    /// those of the archive as it was before the page.
    pub fn asks_ranks_of(&self) -> Option<Timestamp> {
        self.probed.and_then(|probed| probed.newest)
    }

    /// Says what storing the page came to that was just accepted, and lets the walk conclude if
    /// its cover is whole.
    pub fn stored(&mut self, stored: Stored) {
        let live_before = std::mem::replace(&mut self.live, stored.live);
        if self.head.is_some_and(|head| head.count.is_none()) {
            // Without a count the budget follows what has come.
            let so_far = self.budget_for(self.live);
            self.budget = self.budget.map(|budget| budget.max(so_far));
        }
        let tells = self.progress.end_page(self.live != live_before);
        // Nobody knows how many rows fit a page that is cut.
        self.budget = self
            .budget
            .map(|budget| budget + u64::from(tells && self.tail.cuts_pages()));
        if self.verdict.is_some() || self.ahead.as_ref().is_some_and(Ahead::is_under_way) {
            return;
        }
        if let Some(probed) = self.probed.take() {
            self.narrow(probed, stored, live_before);
        } else if self.purpose == Purpose::TailProbe {
            self.judge_tail();
        } else if self.ready_to_conclude() {
            self.conclude_cover();
        }
        self.check_budget();
    }

    /// Halves the page, for a gateway that could not give it in time; false if it is as small
    /// as it may be.
    pub fn halve_limit(&mut self) -> bool {
        let halved = self.request.limit / 2;
        if halved < LIMIT_MIN {
            return false;
        }
        self.rules.limit = 2 * halved;
        self.halve_rules();
        self.limit = halved;
        self.request.limit = halved;
        self.ahead = None;
        true
    }

    /// From now on pages are half as long.
    fn halve_rules(&mut self) {
        self.rules.limit = (self.rules.limit / 2).max(LIMIT_MIN.min(self.rules.limit));
        self.tail.full_page = None;
    }

    fn learn_from(&mut self, page: &PageFacts) {
        let full_page = self.tail.full_page;
        if page.limit == self.rules.limit && page.len() > u64::from(full_page.unwrap_or(0)) {
            let rows = u32::try_from(page.len()).unwrap_or(u32::MAX);
            if rows >= page.limit || full_page.is_some() {
                self.tail.full_page = Some(rows);
            }
        }
        self.tail.learn_cuts(page);
        self.longest_page = self.longest_page.max(page.len());
        if page.skip == 0 {
            self.head = Some(Head {
                count: page.count,
                end: page.end(),
            });
        }
        if self.budget.is_none() {
            let listed = page
                .count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0);
            let to_confirm = 2 * self.to_confirm.len() as u64;
            self.budget = Some(self.budget_for(listed.max(page.len()).max(self.live)) + to_confirm);
            self.first_newest = page.newest();
        }
    }

    /// Rows of a full page, as far as is known.
    fn full(&self) -> u64 {
        u64::from(self.tail.full_page.unwrap_or(self.limit).max(1))
    }

    fn overlap(&self) -> u64 {
        self.rules.overlap(self.full())
    }

    fn budget_for(&self, listed: u64) -> u64 {
        4 * self.pages_for(listed) + 30
    }

    /// How many pages `listed` rows are.
    fn pages_for(&self, listed: u64) -> u64 {
        let full = u64::from(self.tail.full_page.unwrap_or(self.rules.limit).max(1));
        listed.div_ceil((full - self.rules.overlap(full)).max(1))
    }

    fn check_budget(&mut self) {
        let budget = self.budget.unwrap_or(u64::MAX);
        if self.verdict.is_some() || (self.pages < budget && self.progress.idle_left() > 0) {
            return;
        }
        let (class, reason) = self.trouble.take().unwrap_or_else(|| {
            let reason = if self.pages < budget {
                format!(
                    "{} of {} answers brought no new message and filled no hole: the gateway does \
                     not give what it counts; what was read is kept",
                    self.progress.idle, self.pages
                )
            } else {
                format!(
                    "the walk used up its {budget} requests before every hole was filled; \
                     what was read is kept and the next run goes on"
                )
            };
            (FailureClass::WalkBudgetSpent, reason)
        });
        self.verdict = Some(Verdict::Partial { class, reason });
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
            // An end is claimed for the page just before: that one is read again.
            if self.purpose == Purpose::EndCheck
                && let Some(tail) = self.maybe_tail.take()
            {
                self.ask(Purpose::Cover, tail.end - tail.rows);
            }
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

    /// The interval that a page certifies wherever it lies: its own interior, and the beginning
    /// if it is the tail. Nothing where no row has a readable time.
    fn claim_own(&mut self, page: &PageFacts, is_tail: bool) -> Vec<Claim> {
        let (Some(newest), Some(oldest)) = (page.newest(), page.oldest()) else {
            return Vec::new();
        };
        let interval = Interval {
            after: if is_tail { None } else { Some(oldest) },
            before: if page.skip == 0 { None } else { Some(newest) },
        };
        vec![self.claim(interval, ClaimedPage::This, page.sent_at)]
    }

    fn claim(&mut self, interval: Interval, page: ClaimedPage, sent_at: Timestamp) -> Claim {
        self.cover_only(interval, sent_at);
        self.look_at(|time| interval.contains(time));
        Claim {
            interval,
            page,
            sent_at,
        }
    }

    /// Covers an interval and says nothing of what is absent from it.
    fn cover_only(&mut self, interval: Interval, sent_at: Timestamp) {
        self.progress.tells |= !self.cover.covers(interval);
        self.ledger.claim(interval, sent_at);
        self.cover.claim(interval, sent_at);
        if let Some(second) = &mut self.second {
            second.claim(interval, sent_at);
        }
    }
}

fn just_after(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis().saturating_add(1))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whether the page may claim anything by A1.
fn is_ordered(page: &PageFacts) -> bool {
    page.is_ordered() || !switch::holds(Rule::Order)
}
