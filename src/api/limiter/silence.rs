//! What the limiter does about a gateway that does not answer: whose fault it is, how long
//! everybody waits, and when it is enough.

use std::time::Duration;

use tokio::time::Instant;

use super::{Blame, Limiter, Permit};
use crate::{
    api::{ApiError, ApiErrorKind, RetryPolicy},
    model::Timestamp,
};

/// A request that got no answer.
#[derive(Debug)]
pub(in crate::api) struct Unanswered {
    /// When it was sent, by this machine's clock.
    pub(in crate::api) sent_at: Timestamp,
    /// How long the gateway's proxy asks to wait.
    pub(in crate::api) retry_after: Option<Duration>,
}

impl Limiter {
    /// Notes that the gateway has answered what was sent with `permit`, whatever it said.
    pub(in crate::api) fn answered(&self, permit: &Permit) {
        self.answered_what_was_sent(permit.granted_at);
    }

    fn answered_what_was_sent(&self, sent: Instant) {
        if let Some(away) = self.gate.answered(sent) {
            let seconds = away.as_secs();
            tracing::info!("the gateway answers again, after {seconds} s");
        }
    }

    /// Finds out whose fault it is that the request that was sent with `permit` got no answer.
    /// Where nobody knows, nothing more is sent while `ask` sees whether the gateway answers at
    /// all (`None`: it does; else what came instead). If it does not, requests go one at a
    /// time, after pauses that grow, until it has been silent for `give_up_after`.
    ///
    /// # Errors
    /// That was too long, or the run has ended for another reason.
    pub(in crate::api) async fn unanswered(
        &self,
        permit: &Permit,
        request: &Unanswered,
        (policy, give_up_after): (&RetryPolicy, Duration),
        ask: impl Future<Output = Result<Option<String>, ApiError>>,
    ) -> Result<Blame, ApiError> {
        let times = (permit.granted_at, Instant::now());
        let lock = async { Ok(self.gate.asking.lock().await) };
        let _asking = self.unless_ended(lock).await?;
        let known = self.gate.blame(times, permit.scout.is_some());
        if let Some(blame) = known {
            return Ok(blame);
        }
        let asking = self.gate.close(permit.granted_at);
        let before = permit.granted_at.saturating_duration_since(asking.since());
        let since = request.sent_at.minus(before);
        let was_silent = asking.asked() > 0;
        let said = format!("the gateway has not answered since {since}");
        let shown =
            was_silent.then(|| self.monitor.waiting_for(format!("{said}; asking it again")));
        let asked_at = Instant::now();
        let asked = ask.await?;
        drop(shown);
        let Some(detail) = asked else {
            self.answered_what_was_sent(asked_at);
            return Ok(if was_silent {
                Blame::Gateway
            } else {
                Blame::Request
            });
        };
        let silent_for = asking.since().elapsed();
        if silent_for >= give_up_after {
            let seconds = give_up_after.as_secs_f64();
            let message = format!(
                "the gateway is unreachable: no answer since {since}, which is {seconds} s or more \
                 (--give-up-after): {detail}"
            );
            return Err(self.end(ApiError::new(ApiErrorKind::Unreachable, message)));
        }
        if !was_silent {
            self.warn_of_silence(&detail, give_up_after);
        }
        let pause = policy.silence_wait(asking.asked(), request.retry_after);
        let pause = pause.min(give_up_after.saturating_sub(silent_for));
        let seconds = pause.as_secs_f64().ceil();
        asking.in_vain(
            pause,
            format!("{said}; trying again in {seconds} s: {detail}"),
        );
        Ok(Blame::Gateway)
    }

    /// Says at once what a run is going to wait for, and what may be wrong if nothing was ever
    /// answered.
    fn warn_of_silence(&self, detail: &str, give_up_after: Duration) {
        let seconds = give_up_after.as_secs_f64();
        let advice = if self.gate.has_heard() {
            ""
        } else {
            "; nothing was answered yet: check the address (--gateway-url), the network and any proxy"
        };
        tracing::warn!(
            "the gateway does not answer, trying again for up to {seconds} s (--give-up-after)\
             {advice}: {detail}"
        );
    }
}
