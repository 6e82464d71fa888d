//! Failures of all requests since anything last succeeded: one conversation's fault, or
//! everybody's?

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The failures since the last success. Shared by all requests.
#[derive(Debug, Default)]
pub(in crate::api) struct Streak(Mutex<Option<Failing>>);

#[derive(Debug)]
struct Failing {
    since: Instant,
    first: String,
    others: bool,
}

impl Streak {
    /// Notes that a request succeeded, or was refused by a gateway that works.
    pub(in crate::api) fn end(&self) {
        self.with(|failing| *failing = None);
    }

    /// Notes that a request about `what` failed. Gives whether everybody's do, for no longer
    /// than `patience`: others fail too, and nothing has succeeded in between.
    pub(in crate::api) fn is_everybodys(&self, what: &str, patience: Duration) -> bool {
        self.with(|failing| {
            let failing = failing.get_or_insert_with(|| Failing {
                since: Instant::now(),
                first: what.to_owned(),
                others: false,
            });
            failing.others |= failing.first != what;
            failing.others && failing.since.elapsed() < patience
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Option<Failing>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
