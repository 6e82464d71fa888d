//! Open while the gateway answers. A request that gets no answer closes it until something is
//! answered again: meanwhile one request at a time goes to see, after pauses that grow.
//!
//! Owns what is known of the gateway's silence. Leaves asking it to `request`, and how long a
//! silence may last to its caller. Invariants: while closed, one request is sent at a time, each
//! time that of whoever has waited longest; a request that is dropped while it is the one, or
//! while it asks, leaves the next one free to go.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use crate::monitor::Monitor;

/// Whose fault it is that a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Blame {
    /// Its own: the gateway answers others.
    Request,
    /// The gateway's, which was away or still is: the request is sent again, at no cost to it.
    Gateway,
}

/// The right to be the one request that is sent while the gate is closed.
pub(super) type Scout = OwnedSemaphorePermit;

#[derive(Debug)]
pub(super) struct Gate {
    away: watch::Sender<Option<Away>>,
    one: Arc<Semaphore>,
    heard: Mutex<Heard>,
    /// Held while somebody finds out whether the gateway answers at all.
    pub(super) asking: tokio::sync::Mutex<()>,
}

/// The gateway does not answer.
#[derive(Debug, Clone)]
struct Away {
    /// When the first request was sent that got no answer.
    since: Instant,
    /// When that was noticed.
    closed_at: Instant,
    /// How often it was asked in vain whether it answers at all.
    asked: usize,
    /// When the next request may go, and what is shown until then; `None` while somebody asks.
    next: Option<(Instant, String)>,
}

#[derive(Debug, Default)]
struct Heard {
    /// When the latest request was sent that was answered.
    sent: Option<Instant>,
    /// When it last answered after it had been away.
    back_at: Option<Instant>,
}

/// The gate is closed, and whoever holds this asks whether the gateway answers at all.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    gate: &'a Gate,
    away: Away,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            away: watch::Sender::new(None),
            one: Arc::new(Semaphore::new(1)),
            heard: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until a request may go; while the gate is closed, until it is its turn to see.
    pub(super) async fn pass(&self, monitor: &Monitor) -> Option<Scout> {
        if !self.is_closed() {
            return None;
        }
        let mut away = self.away.subscribe();
        let scout = tokio::select! {
            biased;
            _ = away.wait_for(Option::is_none) => return None,
            scout = Arc::clone(&self.one).acquire_owned() => scout,
        };
        let scout = scout.expect("the semaphore is never closed");
        loop {
            let next = away.borrow_and_update().as_ref()?.next.clone();
            let wait = async {
                match next {
                    None => std::future::pending().await,
                    Some((at, text)) => {
                        let _shown = monitor.waiting_for(text);
                        tokio::time::sleep_until(at).await;
                    }
                }
            };
            tokio::select! {
                biased;
                _ = away.changed() => {}
                () = wait => return Some(scout),
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.away.borrow().is_some()
    }

    /// Whether the gateway has ever answered.
    pub(super) fn has_heard(&self) -> bool {
        self.heard().sent.is_some()
    }

    /// Notes that the gateway has answered a request that was sent then; gives how long it was
    /// away, if it was. An answer to an earlier request says nothing of a gateway that fell silent
    /// later.
    pub(super) fn answered(&self, sent: Instant) -> Option<Duration> {
        let now = Instant::now();
        let mut heard = self.heard();
        heard.sent = heard.sent.max(Some(sent));
        let mut was_away = None;
        self.away.send_if_modified(|away| {
            was_away = away.take_if(|away| away.closed_at <= sent);
            was_away.is_some()
        });
        let away = was_away.filter(|away| away.asked > 0)?;
        heard.back_at = Some(now);
        Some(now.saturating_duration_since(away.since))
    }

    /// Whose fault it is that a request got no answer that was sent and failed at these times;
    /// `None` where nobody knows, and the gateway is to be asked. What it answered to requests
    /// that were sent before the failure says nothing: it may have gone since.
    pub(super) fn blame(
        &self,
        (sent, failed): (Instant, Instant),
        is_scout: bool,
    ) -> Option<Blame> {
        let heard = self.heard();
        if self.is_closed() {
            return (!is_scout).then_some(Blame::Gateway);
        }
        if heard.back_at.is_some_and(|at| at > sent) {
            return Some(Blame::Gateway);
        }
        let answers = heard.sent.is_some_and(|later| later >= failed);
        answers.then_some(Blame::Request)
    }

    /// Closes the gate, because a request got no answer that was sent then. Whoever calls this
    /// holds `asking`.
    pub(super) fn close(&self, sent: Instant) -> Asking<'_> {
        let away = Away {
            next: None,
            ..self.away.borrow().clone().unwrap_or(Away {
                since: sent,
                closed_at: Instant::now(),
                asked: 0,
                next: None,
            })
        };
        self.away.send_replace(Some(away.clone()));
        Asking { gate: self, away }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// When the first request was sent that got no answer.
    pub(super) const fn since(&self) -> Instant {
        self.away.since
    }

    /// How often the gateway was asked in vain.
    pub(super) const fn asked(&self) -> usize {
        self.away.asked
    }

    /// The gateway did not answer: the next request may go after the pause.
    pub(super) fn in_vain(mut self, pause: Duration, text: String) {
        self.away.asked += 1;
        self.away.next = Some((Instant::now() + pause, text));
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut left = self.away.clone();
        left.next
            .get_or_insert_with(|| (Instant::now(), String::new()));
        self.gate.away.send_if_modified(|away| {
            let is_closed = away.is_some();
            if is_closed {
                *away = Some(left);
            }
            is_closed
        });
    }
}

#[cfg(test)]
mod tests;
