//! The model: a gateway whose list shifts between any two requests, and an archive that does
//! what the walk says.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    model::{Piece, Timestamp},
    walk::{Claim, Known, PageFacts, RowFacts, Rules, Strike, is_mass_deletion, strike},
};

pub(super) const LAG_MS: i64 = 600;

/// How wild a schedule is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) arrivals: f64,
    pub(super) late: f64,
    pub(super) deletions: f64,
    pub(super) burst: usize,
    pub(super) ties: f64,
    pub(super) cap: Option<u32>,
    pub(super) hidden: i64,
    pub(super) counts: bool,
}

pub(super) struct Server {
    pub(super) random: ChaCha8Rng,
    pub(super) now: i64,
    /// Listed messages, newest first, equal times in the order of this moment.
    pub(super) list: Vec<(u64, i64)>,
    pub(super) next_id: u64,
    pub(super) schedule: Schedule,
    pub(super) requests: u64,
}

impl Server {
    pub(super) fn new(seed: u64, size: usize, schedule: Schedule) -> Self {
        let mut server = Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            now: 1_000_000,
            list: Vec::new(),
            next_id: 0,
            schedule,
            requests: 0,
        };
        let mut time = 1_000_000 - 20 * i64::try_from(size).unwrap() - 10 * LAG_MS;
        for _ in 0..size {
            if !server.random.random_bool(schedule.ties) {
                time += server.random.random_range(1..20);
            }
            server.insert(time);
        }
        server
    }

    pub(super) fn insert(&mut self, time: i64) {
        let at = self.list.partition_point(|&(_, other)| other > time);
        self.list.insert(at, (self.next_id, time));
        self.next_id += 1;
    }

    pub(super) fn mutate(&mut self) {
        self.now += self.random.random_range(1..40);
        if self.random.random_bool(self.schedule.arrivals) {
            for _ in 0..self.random.random_range(1..4) {
                let time = if self.random.random_bool(self.schedule.late) {
                    self.now - self.random.random_range(0..LAG_MS)
                } else {
                    self.now
                };
                self.insert(time);
            }
        }
        if !self.list.is_empty() && self.random.random_bool(self.schedule.deletions) {
            let from = self.random.random_range(0..self.list.len());
            let to =
                (from + self.random.random_range(1..=self.schedule.burst)).min(self.list.len());
            self.list.drain(from..to);
        }
    }

    pub(super) fn page(&mut self, skip: u64, limit: u32) -> PageFacts {
        self.mutate();
        let sent_at = Timestamp::from_millis(self.now - self.random.random_range(0..3));
        self.requests += 1;
        // Equal times come in any order, and in another order next time.
        let mut list = self.list.clone();
        list.shuffle(&mut self.random);
        list.sort_by_key(|&(_, time)| std::cmp::Reverse(time));
        let limit_given = self.schedule.cap.map_or(limit, |cap| limit.min(cap));
        let rows = list
            .iter()
            .skip(usize::try_from(skip).unwrap())
            .take(limit_given as usize)
            .map(|&(id, time)| RowFacts {
                id_hash: id,
                created_at: Some(Timestamp::from_millis(time)),
            })
            .collect();
        let listed = i64::try_from(self.list.len()).unwrap();
        let count = self
            .schedule
            .counts
            .then_some(listed + self.schedule.hidden);
        PageFacts {
            skip,
            limit,
            sent_at,
            count,
            rows,
        }
    }
}

/// What the archive holds, and what it stored of the walk.
#[derive(Default, Clone)]
pub(super) struct Archive {
    pub(super) messages: BTreeMap<u64, Stored>,
    pub(super) ledger: Vec<Piece>,
    pub(super) full_ledger: Vec<Piece>,
    pub(super) full: bool,
    pub(super) run: u64,
    pub(super) braked: bool,
    pub(super) unlisted: Option<i64>,
    pub(super) full_page: Option<u32>,
}

#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) time: i64,
    /// First absence, and the run that met it.
    pub(super) missing: Option<(Timestamp, u64)>,
    pub(super) confirmed: bool,
    pub(super) deleted: bool,
}

impl Stored {
    pub(super) fn is_live(self) -> bool {
        self.missing.is_none()
    }
}

impl Archive {
    pub(super) fn live(&self) -> u64 {
        self.messages
            .values()
            .filter(|message| message.is_live())
            .count() as u64
    }

    pub(super) fn rank(&self, time: Timestamp) -> u64 {
        let newer = |m: &&Stored| m.is_live() && m.time > time.as_millis();
        self.messages.values().filter(newer).count() as u64
    }

    pub(super) fn store(&mut self, page: &PageFacts) {
        for row in &page.rows {
            let time = row.created_at.expect("the model gives times").as_millis();
            self.messages.insert(
                row.id_hash,
                Stored {
                    time,
                    missing: None,
                    confirmed: false,
                    deleted: false,
                },
            );
        }
    }

    /// Marks what a claim shows absent; every mark must be true.
    pub(super) fn strike(
        &mut self,
        claim: &Claim,
        rows: &HashSet<u64>,
        server: &Server,
        seed: u64,
    ) {
        for (id, message) in &mut self.messages {
            let inside = claim
                .interval
                .contains(Timestamp::from_millis(message.time));
            if !inside || rows.contains(id) || message.deleted {
                continue;
            }
            let since = message.missing.map(|(since, _)| since);
            let this_run = message.missing.is_some_and(|(_, run)| run == self.run);
            let struck = strike(since, this_run, claim.sent_at, RULES.lag);
            let listed = server.list.iter().any(|(other, _)| other == id);
            assert!(
                !listed || struck.is_none(),
                "seed {seed}: message {id} is listed and was called absent"
            );
            match struck {
                Some(Strike::First) => message.missing = Some((claim.sent_at, self.run)),
                Some(Strike::Second) => message.confirmed = true,
                None => {}
            }
        }
    }

    /// The end of a run: what was absent twice becomes a tombstone, unless it is too much.
    pub(super) fn bury(&mut self, server: &Server, seed: u64) {
        let due = |message: &Stored| message.confirmed && !message.deleted;
        let confirmed = self
            .messages
            .values()
            .filter(|message| due(message))
            .count() as u64;
        let known = self
            .messages
            .values()
            .filter(|message| !message.deleted)
            .count() as u64;
        self.braked = is_mass_deletion(confirmed, known, server.list.is_empty());
        if self.braked {
            return;
        }
        for (id, message) in &mut self.messages {
            if due(message) {
                let listed = server.list.iter().any(|(other, _)| other == id);
                assert!(!listed, "seed {seed}: a false tombstone for message {id}");
                message.deleted = true;
            }
        }
    }

    /// The places of missing messages, each once.
    pub(super) fn to_confirm(&self) -> Vec<Timestamp> {
        let missing = self
            .messages
            .values()
            .filter(|m| m.missing.is_some() && !m.confirmed);
        missing
            .map(|message| Timestamp::from_millis(message.time))
            .collect()
    }

    pub(super) fn known(&self) -> Known {
        Known {
            ledger: self.ledger.clone(),
            full_ledger: self.full_ledger.clone(),
            full: self.full,
            live: self.live(),
            unlisted: self.unlisted,
            to_confirm: self.to_confirm(),
            full_page: self.full_page,
        }
    }
}

pub(super) const RULES: Rules = Rules {
    limit: 20,
    limit_max: 80,
    lag: Duration::from_millis(600),
};
