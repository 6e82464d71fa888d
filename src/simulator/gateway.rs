//! The gateway without its sockets: a request in, a reply out.
//!
//! Owns the order in which things are looked at (rate, route, token, organisation, faults, data)
//! and the state of every conversation. Each conversation has its own lock, so one answer is cut
//! from one state and the change that follows it comes strictly after.

mod limit;
mod links;
mod page;
mod reply;
mod routes;
mod trouble;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use self::limit::Bucket;
pub use self::limit::RateLimit;
pub(super) use self::reply::{Delivery, Reply, Request};
use super::{
    SimulatorOptions,
    corpus::Corpus,
    faults::Faults,
    listing::{Conversation, Listing},
    mutations::Mutations,
    plan::Alarm,
};

/// What the gateway says of one conversation, in place of its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 404 `{"message":"Conversation not found"}`
    NotFound,
    /// 404 with the HTML page of an unknown route.
    NoRoute,
    /// 403 `{"message":"Forbidden"}`
    Forbidden,
    /// 403 about the licence of a self-hosted gateway.
    Unlicensed,
    /// 400 `{"message":"conversation_id is required"}`
    BadRequest,
    /// 401 `{"message":"Unauthorized"}`
    Unauthorized,
    /// 200 with no messages, as a foreign id may be answered.
    Empty,
    /// 200 with no messages and this `count`.
    Withheld(u64),
}

/// Which of the two documented shapes the links route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinksShape {
    /// A bare array, as in the vendor's sample.
    #[default]
    Array,
    /// `{data, count, found, not_found}`, as in the vendor's list of fields.
    Object,
}

/// What was asked of the simulator so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimulatorStats {
    /// All requests.
    pub requests: u64,
    /// Requests by route (`messages`, `links`, `health`, `other`) and status.
    pub by_route: BTreeMap<(&'static str, u16), u64>,
    /// Rows sent in pages.
    pub rows: u64,
    /// The most requests that were under way at one time, from their arrival to the end of their
    /// delay.
    pub at_once: u64,
}

impl SimulatorStats {
    /// Requests of this route, whatever came of them.
    pub fn of_route(&self, route: &str) -> u64 {
        let of_route = self.by_route.iter().filter(|((own, _), _)| *own == route);
        of_route.map(|(_, requests)| requests).sum()
    }

    /// Requests that were answered with this status.
    pub fn of_status(&self, status: u16) -> u64 {
        let of_status = self.by_route.iter().filter(|((_, own), _)| *own == status);
        of_status.map(|(_, requests)| requests).sum()
    }
}

/// One request, kept where [`SimulatorOptions::record`] asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// Path and query as received.
    pub target: String,
    /// Headers as received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The status that was sent.
    pub status: u16,
}

/// The state of the gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    options: SimulatorOptions,
    pub(super) corpus: Corpus,
    listings: Vec<Mutex<Listing>>,
    live: Mutex<Live>,
    stats: Mutex<SimulatorStats>,
    under_way: AtomicU64,
    records: Mutex<Vec<RequestRecord>>,
    alarm: Mutex<Option<Alarm>>,
}

/// What a test may change while the gateway runs.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) faults: std::sync::Arc<Faults>,
    pub(super) mutations: std::sync::Arc<Mutations>,
    pub(super) token: String,
    pub(super) answers: HashMap<String, Answer>,
    /// Requests that concern no conversation of the corpus.
    elsewhere: u64,
    bucket: Option<Bucket>,
}

impl Gateway {
    pub(super) fn new(options: SimulatorOptions) -> Self {
        let corpus = Corpus::new(options.corpus.clone());
        let listings = corpus.sizes().iter().map(|_| Mutex::default()).collect();
        let live = Live {
            faults: options.faults.clone().into(),
            mutations: options.mutations.clone().into(),
            token: options.token.clone(),
            answers: options.answers.iter().cloned().collect(),
            elsewhere: 0,
            bucket: options.rate_limit.map(Bucket::new),
        };
        Self {
            options,
            corpus,
            listings,
            live: Mutex::new(live),
            stats: Mutex::default(),
            under_way: AtomicU64::new(0),
            records: Mutex::default(),
            alarm: Mutex::default(),
        }
    }

    /// Answers one request and writes it into the books.
    pub(super) fn answer(&self, request: &Request<'_>) -> Reply {
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        let reply = self.route(request);
        let mut stats = lock(&self.stats);
        stats.at_once = stats.at_once.max(under_way);
        stats.requests += 1;
        let requests = stats.requests;
        stats.rows += reply.rows;
        *stats
            .by_route
            .entry((reply.route, reply.status))
            .or_default() += 1;
        drop(stats);
        let alarm = lock(&self.alarm).take_if(|alarm| alarm.request <= requests);
        if let Some(alarm) = alarm {
            (alarm.act)();
        }
        if self.options.record {
            lock(&self.records).push(RequestRecord {
                target: request.target.to_owned(),
                headers: request.headers_owned(),
                status: reply.status,
            });
        }
        reply
    }

    /// The delay of an answer is over.
    pub(super) fn let_go(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> SimulatorStats {
        lock(&self.stats).clone()
    }

    pub(super) fn records(&self) -> Vec<RequestRecord> {
        lock(&self.records).clone()
    }

    /// Has something done at the n-th request from now, in place of what was to be done before;
    /// `None`: nothing.
    pub(super) fn set_alarm(&self, n: u64, act: Option<Box<dyn FnOnce() + Send>>) {
        let request = lock(&self.stats).requests.saturating_add(n);
        *lock(&self.alarm) = act.map(|act| Alarm { request, act });
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }

    /// How many requests were answered for a conversation.
    pub(super) fn requests_of(&self, index: u32) -> u64 {
        lock(&self.listings[index as usize]).requests
    }

    /// Opens a conversation under its lock.
    pub(super) fn with_conversation<T>(
        &self,
        index: u32,
        act: impl FnOnce(&mut Conversation<'_>) -> T,
    ) -> T {
        let mut listing = lock(&self.listings[index as usize]);
        act(&mut Conversation::open(&self.corpus, index, &mut listing))
    }

    /// The gateway's time at the n-th request of a conversation.
    pub(super) fn now_ms(&self, request: u64) -> i64 {
        let tick_ms = i64::try_from(self.options.tick.as_millis()).unwrap_or(i64::MAX);
        let ticks = i64::try_from(request).unwrap_or(i64::MAX);
        self.options
            .clock
            .now()
            .as_millis()
            .saturating_add(self.options.clock_skew_ms)
            .saturating_add(tick_ms.saturating_mul(ticks))
    }
}

/// A lock that outlives a panic elsewhere: the state is plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
