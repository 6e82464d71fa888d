//! The one place that every request passes before it is sent.
//!
//! Here meet the rate (governor), the slower pace after a refusal, the bound on requests in
//! flight, the pause that a 429 asks of everybody, the gate that a silent gateway closes, the
//! budget of requests, and the end of the run. Knows nothing of HTTP.
//!
//! Invariants: never more requests than the budget; never more than `burst + time × rate` plus
//! what [`LATENESS_FORGIVEN`] lets through; once ended, nobody passes and everybody who waits
//! is told at once. A request that is dropped while it waits has used up nothing.

mod gate;
mod pace;
mod silence;
mod streak;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

pub(super) use self::{gate::Blame, silence::Unanswered, streak::Streak};

use self::{
    gate::{Gate, Scout},
    pace::Pace,
};
use super::{ApiError, ApiErrorKind, Rate, RetryPolicy};
use crate::monitor::{Monitor, Waiting};

/// A timer wakes up a millisecond or two late. Where the burst is 1 that would be lost at each
/// request (2 ms of the 20 ms between two at 50/s are 10 % of the rate), so a request that
/// waited for its turn and woke up late, by no more than this, counts as sent in time.
const LATENESS_FORGIVEN: Duration = Duration::from_millis(5);

/// Waits longer than this are shown.
pub(super) const SHOWN_FROM: Duration = Duration::from_secs(2);

/// Lets requests pass. Shared by all clones of a gateway.
#[derive(Debug)]
pub(super) struct Limiter {
    in_flight: Arc<Semaphore>,
    /// A fair queue: the head waits for the pause and the rate, the others for the head.
    turnstile: tokio::sync::Mutex<Turnstile>,
    throttle: Mutex<Throttle>,
    gate: Gate,
    /// How fast the rate's clock runs; never locked while anybody waits.
    pace: Mutex<Slowed>,
    epoch: Instant,
    budget: Option<AtomicU64>,
    end: watch::Sender<Option<ApiError>>,
    monitor: Monitor,
}

/// Leave to send one request; it is in flight until this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _in_flight: OwnedSemaphorePermit,
    scout: Option<Scout>,
    granted_at: Instant,
}

/// The pause that all requests keep, because one was answered 429.
#[derive(Debug, Default)]
struct Throttle {
    pause: Option<(Instant, String)>,
    declared_at: Option<Instant>,
    /// How often a pause was followed by a 429 again, with no success between.
    streak: usize,
}

/// The pace, and when the last refusal slowed it.
#[derive(Debug)]
struct Slowed {
    pace: Pace,
    at: Option<Instant>,
}

impl Limiter {
    pub(super) fn new(
        rate: Rate,
        in_flight_max: usize,
        requests_max: Option<u64>,
        monitor: Monitor,
    ) -> Self {
        let in_flight_max = in_flight_max.clamp(1, Semaphore::MAX_PERMITS);
        let pace = Slowed {
            pace: Pace::new(rate.each()),
            at: None,
        };
        Self {
            in_flight: Arc::new(Semaphore::new(in_flight_max)),
            turnstile: tokio::sync::Mutex::new(Turnstile::new(rate)),
            throttle: Mutex::default(),
            gate: Gate::new(),
            pace: Mutex::new(pace),
            epoch: Instant::now(),
            budget: requests_max.map(AtomicU64::new),
            end: watch::Sender::new(None),
            monitor,
        }
    }

    /// Waits until a request may be sent, and takes it from the budget.
    ///
    /// # Errors
    /// The reason for which the run has ended, at once, also in the middle of the wait.
    pub(super) async fn acquire(&self) -> Result<Permit, ApiError> {
        self.unless_ended(async {
            if self
                .budget
                .as_ref()
                .is_some_and(|left| left.load(Ordering::SeqCst) == 0)
            {
                return Err(self.budget_spent());
            }
            let in_flight = Arc::clone(&self.in_flight)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let scout = self.turn().await;
            if !self.spend() {
                return Err(self.budget_spent());
            }
            Ok(Permit {
                _in_flight: in_flight,
                scout,
                granted_at: Instant::now(),
            })
        })
        .await
    }

    /// As [`Limiter::acquire`], for a second request in place of the one that `_permit` was for,
    /// while the gate is closed.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn acquire_beside(&self, _permit: &Permit) -> Result<(), ApiError> {
        self.unless_ended(async {
            let mut turnstile = self.turnstile.lock().await;
            self.rated(&mut turnstile, true).await;
            if self.spend() {
                return Ok(());
            }
            Err(self.budget_spent())
        })
        .await
    }

    /// Sleeps, unless the run ends.
    pub(super) async fn sleep(&self, wait: Duration) -> Result<(), ApiError> {
        self.unless_ended(async {
            tokio::time::sleep(wait).await;
            Ok(())
        })
        .await
    }

    /// Ends the run for this reason, or for the earlier one, which is returned.
    pub(super) fn end(&self, error: ApiError) -> ApiError {
        let mut first = error;
        self.end.send_if_modified(|end| {
            if let Some(earlier) = end {
                first = earlier.clone();
                return false;
            }
            *end = Some(first.clone());
            true
        });
        first
    }

    /// Makes everybody wait, because a request that was sent with `permit` was answered 429 and
    /// asked for `asked`. Returns how long; `None` if that is more than `patience`.
    ///
    /// A request that was already under way when the pause began joins it: sixteen answers to
    /// one overload are one 429 in a row, not sixteen.
    pub(super) fn throttled(
        &self,
        permit: &Permit,
        asked: Option<Duration>,
        patience: Duration,
        policy: &RetryPolicy,
    ) -> Option<Duration> {
        let now = Instant::now();
        let mut throttle = self.throttle();
        let joins = throttle
            .declared_at
            .is_some_and(|declared| permit.granted_at <= declared);
        let left = throttle
            .pause
            .as_ref()
            .map(|(until, _)| until.saturating_duration_since(now));
        let left = left.unwrap_or_default();
        if joins && asked.is_none() && !left.is_zero() {
            return Some(left).filter(|left| *left <= patience);
        }
        if !joins {
            throttle.streak += 1;
            throttle.declared_at = Some(now);
        }
        let wait = policy.throttle_wait(throttle.streak.saturating_sub(1), asked, patience)?;
        if wait > left {
            let text = throttle_text(asked, wait);
            tracing::warn!(wait_ms = u64::try_from(wait.as_millis()).ok(), "{text}");
            throttle.pause = Some((now + wait, text));
        }
        Some(wait.max(left))
    }

    /// Halves the pace, because a request that was sent with `permit` was refused for there being
    /// too many (429, 503); it grows back linearly, from the end of a pause on where there is one.
    /// A request that was already under way when the pace was last halved says nothing new. Gives
    /// the share of the rate that is left, if halved.
    pub(super) fn refused(&self, permit: &Permit, policy: &RetryPolicy) -> Option<f64> {
        let now = Instant::now();
        let begin = self.pause().map_or(now, |(until, _)| until);
        let mut slowed = self.slowed();
        let (now_ns, begin_ns) = (self.since_epoch(now), self.since_epoch(begin));
        if slowed.at.is_some_and(|at| permit.granted_at <= at) {
            slowed.pace.hold(begin_ns, now_ns);
            return None;
        }
        let before = slowed.pace.share(begin_ns);
        slowed.at = Some(now);
        slowed.pace.halve(begin_ns, policy.recovery);
        let after = slowed.pace.share(begin_ns);
        (after < before).then_some(after)
    }

    /// Notes that a request that was sent with `permit` succeeded: the next 429 starts anew.
    pub(super) fn relieved(&self, permit: &Permit) {
        let mut throttle = self.throttle();
        if throttle.streak > 0 && throttle.declared_at.is_none_or(|at| permit.granted_at > at) {
            throttle.streak = 0;
        }
    }

    async fn unless_ended<T>(
        &self,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let mut end = self.end.subscribe();
        tokio::select! {
            biased;
            ended = end.wait_for(Option::is_some) => {
                let error = ended.expect("the sender lives in self").clone();
                Err(error.expect("waited until there is one"))
            }
            done = work => done,
        }
    }

    /// Waits for the gate, and then for the end of the pause and the rate, in the order of arrival.
    async fn turn(&self) -> Option<Scout> {
        loop {
            let scout = self.gate.pass(&self.monitor).await;
            let mut turnstile = self.turnstile.lock().await;
            if self.rated(&mut turnstile, scout.is_some()).await {
                return scout;
            }
        }
    }

    /// Waits for the end of the pause and for the rate. Gives up, and takes nothing, where the
    /// gate is closed before that, unless this request may go all the same.
    async fn rated(&self, turnstile: &mut Turnstile, goes_anyhow: bool) -> bool {
        while goes_anyhow || !self.gate.is_closed() {
            if let Some((until, text)) = self.pause() {
                let _shown = self.monitor.waiting_for(text);
                tokio::time::sleep_until(until).await;
                continue;
            }
            let Err(ready_at) = self.pass(turnstile, Instant::now()) else {
                return true;
            };
            let wait = ready_at.saturating_duration_since(Instant::now());
            let _shown = (wait > SHOWN_FROM).then(|| self.show_turn(wait));
            tokio::time::sleep_until(ready_at).await;
            let forgiven = Instant::now()
                .checked_sub(LATENESS_FORGIVEN)
                .unwrap_or(ready_at);
            let as_of = ready_at.max(forgiven);
            let may_go = goes_anyhow || !self.gate.is_closed();
            if may_go && self.pause().is_none() && self.pass(turnstile, as_of).is_ok() {
                return true;
            }
        }
        false
    }

    /// Takes one request as of then, or says when there will be one at this pace.
    fn pass(&self, turnstile: &mut Turnstile, as_of: Instant) -> Result<(), Instant> {
        let slowed = self.slowed();
        let shown_ns = slowed.pace.shows(self.since_epoch(as_of));
        turnstile.pass(shown_ns).map_err(|ready_ns| {
            let then_ns = slowed.pace.when_shown(ready_ns);
            self.epoch + Duration::from_nanos(then_ns)
        })
    }

    fn show_turn(&self, wait: Duration) -> Waiting {
        let seconds = wait.as_secs();
        let share = self.slowed().pace.share(self.since_epoch(Instant::now()));
        let slower = if share < 1.0 {
            format!(
                ", at {:.0} % of it since the gateway refused",
                share * 100.0
            )
        } else {
            String::new()
        };
        let text = format!("the allowed rate{slower}: next request in {seconds} s");
        self.monitor.waiting_for(text)
    }

    fn since_epoch(&self, then: Instant) -> u64 {
        let since = then.saturating_duration_since(self.epoch);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn slowed(&self) -> MutexGuard<'_, Slowed> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> Option<(Instant, String)> {
        let mut throttle = self.throttle();
        throttle
            .pause
            .take_if(|(until, _)| *until <= Instant::now());
        throttle.pause.clone()
    }

    fn spend(&self) -> bool {
        let Some(left) = &self.budget else {
            return true;
        };
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    }

    fn budget_spent(&self) -> ApiError {
        self.end(ApiError::new(
            ApiErrorKind::BudgetSpent,
            "the budget of requests (--max-requests) is spent; run again to go on",
        ))
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn throttle_text(asked: Option<Duration>, wait: Duration) -> String {
    let seconds = wait.as_secs_f64().ceil();
    match asked {
        Some(_) => format!("the gateway said 429 and asked to wait; waiting {seconds} s"),
        None => format!("the gateway said 429 without Retry-After; waiting {seconds} s"),
    }
}

/// governor on a clock that says as of when the next request is counted, so that a late timer
/// costs nothing, a paused tokio clock holds in tests, and the pace can slow it.
#[derive(Debug)]
struct Turnstile {
    limiter: RateLimiter<NotKeyed, InMemoryState, AsOf, NoOpMiddleware<Nanos>>,
    as_of: AsOf,
}

/// What the clock of the rate shows, in nanoseconds.
#[derive(Debug, Clone, Default)]
struct AsOf(Arc<AtomicU64>);

impl governor::clock::Clock for AsOf {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.load(Ordering::Relaxed))
    }
}

impl Turnstile {
    fn new(rate: Rate) -> Self {
        let as_of = AsOf::default();
        let limiter = RateLimiter::direct_with_clock(quota(rate), as_of.clone());
        Self { limiter, as_of }
    }

    /// Takes one request as of then, or says when there will be one; nanoseconds of the clock.
    fn pass(&mut self, as_of_ns: u64) -> Result<(), u64> {
        self.as_of.0.store(as_of_ns, Ordering::Relaxed);
        let passed = self.limiter.check();
        passed.map_err(|not_until| not_until.earliest_possible().as_u64())
    }
}

/// One request each `per / requests`, and a burst.
fn quota(rate: Rate) -> Quota {
    Quota::with_period(rate.each())
        .expect("a nanosecond at least")
        .allow_burst(rate.burst())
}

#[cfg(test)]
mod tests;
