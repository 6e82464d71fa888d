//! Asking a run to stop: once, for one reason, seen by everybody who holds a clone.
//!
//! The first signal asks for a graceful stop. What a second one does is the caller's: this
//! module never ends the process.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::model::StopReason;

/// A request to stop that every part of a run can see. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    token: CancellationToken,
    reason: OnceLock<StopReason>,
}

impl Shutdown {
    /// Nothing asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens to SIGINT and SIGTERM: the first asks for a graceful stop, any later one calls
    /// `abort`. Listens on a thread of its own, so that it works while every worker is busy.
    ///
    /// # Errors
    /// The system gives no thread or no signal handler.
    pub fn on_signals(abort: impl Fn(StopReason) + Send + 'static) -> io::Result<Self> {
        let shutdown = Self::new();
        let asked = shutdown.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            )
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(asked.listen(interrupt, terminate, abort)))?;
        Ok(shutdown)
    }

    async fn listen(
        self,
        mut interrupt: Signal,
        mut terminate: Signal,
        abort: impl Fn(StopReason) + Send,
    ) {
        loop {
            let reason = tokio::select! {
                Some(()) = interrupt.recv() => StopReason::Interrupted,
                Some(()) = terminate.recv() => StopReason::Terminated,
                else => return,
            };
            if !self.request(reason) {
                abort(reason);
            }
        }
    }

    /// Asks to stop. The first reason stands; gives whether this one was the first.
    pub fn request(&self, reason: StopReason) -> bool {
        let first = self.0.reason.set(reason).is_ok();
        self.0.token.cancel();
        first
    }

    /// Why to stop, if anybody has asked.
    pub fn requested(&self) -> Option<StopReason> {
        self.0.reason.get().copied()
    }

    /// Waits until somebody asks; returns at once if that has happened.
    pub async fn cancelled(&self) {
        self.0.token.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stands_and_everybody_sees_it() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.requested(), None);
        let clone = shutdown.clone();
        assert!(clone.request(StopReason::Terminated));
        assert!(!clone.request(StopReason::Interrupted));
        shutdown.cancelled().await;
        assert_eq!(shutdown.requested(), Some(StopReason::Terminated));
    }
}
