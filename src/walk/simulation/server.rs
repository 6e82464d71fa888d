//! The model of a gateway whose list shifts between any two requests.
//!
//! It keeps the assumptions A1 to A5 of the walk (one contiguous slice of one state, equal times
//! in any order, messages up to λ late, replicas included) unless a schedule says otherwise, and
//! breaks everything else.

use std::collections::VecDeque;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::clocks::Clocks;
use crate::{
    model::Timestamp,
    walk::{PageFacts, RowFacts},
};

pub(super) const LAG_MS: i64 = 600;

/// How the gateway counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// What is listed, and the hidden ones.
    True,
    /// The same, and the hidden ones come and go.
    Drifting,
    /// Something else at each request.
    Wobbling,
    /// What was listed a few changes ago.
    Lagging,
    /// Not at all.
    Missing,
}

/// How wild a schedule is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) arrivals: f64,
    pub(super) late: f64,
    /// Of the arrivals, those later than λ, which only a deficit or a sweep finds.
    pub(super) far_late: f64,
    pub(super) deletions: f64,
    pub(super) burst: usize,
    pub(super) edits: f64,
    pub(super) ties: f64,
    pub(super) cap: Option<u32>,
    pub(super) hidden: i64,
    pub(super) counts: Counts,
    /// How often a page comes from a replica that is up to half of λ behind.
    pub(super) lagging: f64,
    /// How often the rows of a page are not in order (A1 broken).
    pub(super) disorder: f64,
    /// So many messages have one and the same time, more than fit a page.
    pub(super) block: usize,
    /// Equal times come in one order always.
    pub(super) steady_ties: bool,
    /// Nothing is listed from this rank on.
    pub(super) window: Option<usize>,
    /// How often a page is cut short, as by its bytes.
    pub(super) cut: f64,
    /// Every page is the first one.
    pub(super) deaf: bool,
    /// A page that would hold one of these messages, one in so many, cannot be had.
    pub(super) broken_one_in: Option<u32>,
    /// Another backend answers every second request, which lacks one message in so many.
    pub(super) lacks_one_in: Option<u32>,
}

pub(super) const QUIET: Schedule = Schedule {
    arrivals: 0.0,
    late: 0.0,
    far_late: 0.0,
    deletions: 0.0,
    burst: 1,
    edits: 0.0,
    ties: 0.0,
    cap: None,
    hidden: 0,
    counts: Counts::True,
    lagging: 0.0,
    disorder: 0.0,
    block: 0,
    steady_ties: false,
    window: None,
    cut: 0.0,
    deaf: false,
    broken_one_in: None,
    lacks_one_in: None,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: u32,
    pub(super) time: i64,
}

/// A message as the gateway knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    pub(super) edition: u32,
    pub(super) deleted: bool,
    /// It came later than λ after its time: no claim below the horizon speaks of it.
    pub(super) far_late: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) random: ChaCha8Rng,
    pub(super) now: i64,
    /// Listed messages, newest first.
    pub(super) list: Vec<Listed>,
    /// By id.
    pub(super) fates: Vec<Fate>,
    pub(super) schedule: Schedule,
    pub(super) requests: u64,
    pub(super) hidden: i64,
    pub(super) clocks: Clocks,
    /// Earlier states of the list, oldest first, for lagging replicas.
    past: Vec<(i64, Vec<Listed>)>,
    /// Lengths of the list after each of the last changes, oldest first.
    lengths: VecDeque<usize>,
}

/// A request that was sent and not answered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderWay {
    pub(super) skip: u64,
    pub(super) limit: u32,
    pub(super) sent_at: i64,
}

/// Whether a message cannot be had where one in so many cannot.
pub(super) fn is_broken(id: u32, one_in: u32) -> bool {
    id % one_in == one_in / 2
}

impl Server {
    pub(super) fn new(seed: u64, size: usize, schedule: Schedule) -> Self {
        let mut server = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            now: 1_000_000,
            list: Vec::with_capacity(size + 64),
            fates: Vec::with_capacity(size + 64),
            schedule,
            requests: 0,
            hidden: schedule.hidden,
            clocks: Clocks::right(),
            past: Vec::new(),
            lengths: VecDeque::new(),
        };
        let mut time = 1_000_000 - 20 * i64::try_from(size).unwrap() - 10 * LAG_MS;
        let block = server.random.random_range(0..=size);
        for place in 0..size {
            if place == block {
                time += 1;
                (0..schedule.block).for_each(|_| server.insert(time, false));
                time += 1;
            }
            if schedule.ties == 0.0 || !server.random.random_bool(schedule.ties) {
                time += server.random.random_range(1..20);
            }
            server.insert(time, false);
        }
        server
    }

    pub(super) fn insert(&mut self, time: i64, far_late: bool) {
        let at = self.list.partition_point(|other| other.time > time);
        let id = u32::try_from(self.fates.len()).unwrap();
        self.list.insert(at, Listed { id, time });
        self.fates.push(Fate {
            edition: 0,
            deleted: false,
            far_late,
        });
    }

    pub(super) fn delete(&mut self, from: usize, to: usize) {
        for message in self.list.drain(from..to) {
            self.fates[message.id as usize].deleted = true;
        }
    }

    /// How many messages a page can reach.
    pub(super) fn reached(&self) -> usize {
        self.reached_of(self.list.len())
    }

    /// Whether a message is out of reach with so few others that they are taken for hidden ones
    /// (A3).
    pub(super) fn seems_hidden(&self, id: u32) -> bool {
        let (listed, reached) = (self.list.len(), self.reached());
        let few = 2 * (listed / 50).max(5);
        listed - reached <= few && self.list[reached..].iter().any(|message| message.id == id)
    }

    fn reached_of(&self, listed: usize) -> usize {
        let window = self.schedule.window;
        window.map_or(listed, |window| window.min(listed))
    }

    pub(super) fn is_listed(&self, id: u32) -> bool {
        !self.fates[id as usize].deleted
    }

    /// Lets a while pass in which the list shifts.
    pub(super) fn mutate(&mut self) {
        self.now += self.random.random_range(1..40);
        let schedule = self.schedule;
        let draws: [f64; 3] = [
            self.random.random(),
            self.random.random(),
            self.random.random(),
        ];
        if draws[0] < schedule.arrivals {
            for _ in 0..self.random.random_range(1..4) {
                self.arrive();
            }
        }
        if !self.list.is_empty() && draws[1] < schedule.deletions {
            let from = self.random.random_range(0..self.list.len());
            let to = (from + self.random.random_range(1..=schedule.burst)).min(self.list.len());
            self.delete(from, to);
        }
        if !self.list.is_empty() && draws[2] < schedule.edits {
            let place = self.random.random_range(0..self.list.len());
            self.fates[self.list[place].id as usize].edition += 1;
        }
        if schedule.counts == Counts::Drifting && self.random.random_bool(0.05) {
            self.hidden = (self.hidden + self.random.random_range(-1..=1)).clamp(0, 5);
        }
        self.lengths.push_back(self.list.len());
        if self.lengths.len() > 4 {
            self.lengths.pop_front();
        }
        if schedule.lagging > 0.0 {
            let oldest = self.now - LAG_MS / 2;
            self.past.retain(|(at, _)| *at >= oldest);
            self.past.push((self.now, self.list.clone()));
        }
    }

    fn arrive(&mut self) {
        let schedule = self.schedule;
        let draw: f64 = self.random.random();
        // Where replicas lag, half of λ is theirs.
        let late_max = if schedule.lagging > 0.0 {
            LAG_MS / 2
        } else {
            LAG_MS
        };
        let (delay, far_late) = if draw < schedule.far_late {
            (self.random.random_range(LAG_MS..40 * LAG_MS), true)
        } else if draw < schedule.far_late + schedule.late {
            (self.random.random_range(0..late_max), false)
        } else {
            (0, false)
        };
        self.insert(self.now - delay, far_late);
    }

    pub(super) fn send(&mut self, skip: u64, limit: u32) -> UnderWay {
        self.now += 1;
        UnderWay {
            skip,
            limit,
            sent_at: self.now - i64::from(self.random.next_u32() % 3),
        }
    }

    /// Answers, unless the page would hold a message that cannot be had.
    pub(super) fn try_answer(&mut self, sent: UnderWay) -> Option<PageFacts> {
        if let Some(one_in) = self.schedule.broken_one_in {
            let rows = self.list.iter().skip(usize::try_from(sent.skip).ok()?);
            if rows
                .take(sent.limit as usize)
                .any(|message| is_broken(message.id, one_in))
            {
                return None;
            }
        }
        Some(self.answer(sent))
    }

    /// Answers from a state that the list has now, or had a little while ago.
    pub(super) fn answer(&mut self, sent: UnderWay) -> PageFacts {
        self.mutate();
        self.requests += 1;
        let lags = self.schedule.lagging > 0.0 && self.random.random_bool(self.schedule.lagging);
        if lags && !self.past.is_empty() {
            let place = self.random.random_range(0..self.past.len());
            let mut list = self.past[place].1.clone();
            return self.cut(&mut list, sent);
        }
        if self.schedule.disorder > 0.0 && self.random.random_bool(self.schedule.disorder) {
            let page = self.cut_disorderly(sent);
            // What cannot be seen cannot be reported: A1 is assumed then.
            if !page.is_ordered() {
                return page;
            }
        }
        let mut list = std::mem::take(&mut self.list);
        let page = self.cut(&mut list, sent);
        self.list = list;
        page
    }

    fn cut_disorderly(&mut self, sent: UnderWay) -> PageFacts {
        let mut list = self.list.clone();
        for _ in 0..list.len() / 4 {
            let (one, other) = (0..list.len(), 0..list.len());
            list.swap(
                self.random.random_range(one),
                self.random.random_range(other),
            );
        }
        self.cut(&mut list, sent)
    }

    fn cut(&mut self, list: &mut [Listed], sent: UnderWay) -> PageFacts {
        let rows_max = self
            .schedule
            .cap
            .map_or(sent.limit, |cap| sent.limit.min(cap)) as usize;
        let mut lacking = Vec::new();
        let list = match self.schedule.lacks_one_in {
            Some(one_in) if self.random.random_bool(0.5) => {
                let holds = |message: &&Listed| !message.id.is_multiple_of(one_in);
                lacking.extend(list.iter().filter(holds).copied());
                &mut lacking[..]
            }
            _ => list,
        };
        let reach = self.reached_of(list.len());
        let skip = if self.schedule.deaf { 0 } else { sent.skip };
        let from = usize::try_from(skip).unwrap_or(usize::MAX).min(reach);
        let mut to = (from + rows_max).min(reach);
        if to > from + 1 && self.schedule.cut > 0.0 && self.random.random_bool(self.schedule.cut) {
            to = self.random.random_range(from + 1..to);
        }
        if !self.schedule.steady_ties {
            self.shuffle_ties(list, from, to);
        }
        let rows: Vec<RowFacts> = list[from..to]
            .iter()
            .map(|message| RowFacts {
                id_hash: u64::from(message.id),
                created_at: Some(Timestamp::from_millis(message.time)),
            })
            .collect();
        let listed = i64::try_from(list.len()).unwrap() + self.hidden;
        let before = self.lengths.front().map_or(list.len(), |length| *length);
        let count = match self.schedule.counts {
            Counts::Lagging => Some(i64::try_from(before).unwrap() + self.hidden),
            Counts::True | Counts::Drifting => Some(listed),
            Counts::Wobbling => Some(listed + i64::from(self.random.next_u32() % 7)),
            Counts::Missing => None,
        };
        PageFacts {
            skip: sent.skip,
            limit: sent.limit,
            sent_at: Timestamp::from_millis(self.page_time(sent)),
            count,
            rows,
        }
    }

    /// Equal times come in any order, and in another order next time.
    fn shuffle_ties(&mut self, list: &mut [Listed], from: usize, to: usize) {
        if from >= to {
            return;
        }
        let (newest, oldest) = (list[from].time, list[to - 1].time);
        let first = from
            - list[..from]
                .iter()
                .rev()
                .take_while(|message| message.time == newest)
                .count();
        let past = to
            + list[to..]
                .iter()
                .take_while(|message| message.time == oldest)
                .count();
        let mut start = first;
        while start < past {
            let time = list[start].time;
            let length = list[start..past]
                .iter()
                .take_while(|message| message.time == time)
                .count();
            for place in (1..length).rev() {
                let other = self.random.random_range(0..=place);
                list.swap(start + place, start + other);
            }
            start += length;
        }
    }
}
