//! A gateway that goes away and comes back, on tokio's paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{super::*, *};
use crate::model::Timestamp;

const BEGIN: Timestamp = Timestamp::from_millis(1_733_824_397_127);
const GIVE_UP_AFTER: Duration = Duration::from_mins(5);

/// A gateway that answers nobody between two times, and what was asked of it.
struct Away {
    limiter: Limiter,
    start: Instant,
    silent_s: std::ops::Range<u64>,
    under_way: AtomicUsize,
    /// When each request came, and how many were under way then.
    sent: Mutex<Vec<(Duration, usize)>>,
}

impl Away {
    fn new(silent_s: std::ops::Range<u64>, requests_max: Option<u64>) -> Arc<Self> {
        let rate = "100000/s".parse().unwrap();
        Arc::new(Self {
            limiter: Limiter::new(rate, 16, requests_max, Monitor::new()),
            start: Instant::now(),
            silent_s,
            under_way: AtomicUsize::new(0),
            sent: Mutex::default(),
        })
    }

    /// Whether it answers a request that comes now.
    async fn answers(&self) -> bool {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        let at = self.start.elapsed();
        self.sent.lock().unwrap().push((at, under_way));
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        !self.silent_s.contains(&at.as_secs())
    }

    /// One request, sent again while it is the gateway that does not answer.
    async fn ask(&self) -> Result<Blame, ApiError> {
        loop {
            let permit = self.limiter.acquire().await?;
            if self.answers().await {
                self.limiter.answered(&permit);
                return Ok(Blame::Gateway);
            }
            let blame = self.blame(&permit).await?;
            if blame == Blame::Request {
                return Ok(blame);
            }
        }
    }

    async fn blame(&self, permit: &Permit) -> Result<Blame, ApiError> {
        let request = Unanswered {
            sent_at: BEGIN.plus(permit.granted_at - self.start),
            retry_after: None,
        };
        let policy = (&RetryPolicy::default(), GIVE_UP_AFTER);
        let health = async {
            self.limiter.acquire_beside(permit).await?;
            Ok((!self.answers().await).then(|| "no connection".to_owned()))
        };
        self.limiter
            .unanswered(permit, &request, policy, health)
            .await
    }

    /// Sixteen workers that each ask until `time` is over or the run ends.
    async fn worked(self: &Arc<Self>, time: Duration) -> Vec<Result<(), ApiError>> {
        let workers: Vec<_> = (0..16)
            .map(|_| {
                let gateway = Arc::clone(self);
                tokio::spawn(async move {
                    while gateway.start.elapsed() < time {
                        let blame = gateway.ask().await?;
                        assert_eq!(blame, Blame::Gateway, "no request is to blame");
                    }
                    Ok(())
                })
            })
            .collect();
        let mut ended = Vec::new();
        for worker in workers {
            ended.push(worker.await.unwrap());
        }
        ended
    }

    fn sent_within(&self, from_s: u64, to_s: u64) -> Vec<(Duration, usize)> {
        let range = Duration::from_secs(from_s)..Duration::from_secs(to_s);
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .filter(|(at, _)| range.contains(at))
            .copied()
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_restarts_is_asked_by_one_at_a_time_ever_more_rarely_and_nothing_fails() {
    let gateway = Away::new(10..70, None);
    let ended = gateway.worked(Duration::from_mins(2)).await;
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    // Those under way when it went, the health of one of them, then two for each pause.
    let silent = gateway.sent_within(10, 70);
    assert!(silent.len() <= 16 + 1 + 2 * 7, "{silent:?}");
    let volley = Duration::from_millis(10_100);
    let probes = silent.iter().filter(|(at, _)| *at > volley);
    assert!(probes.clone().count() >= 12, "{silent:?}");
    assert!(
        probes.clone().all(|(_, under_way)| *under_way == 1),
        "{silent:?}"
    );
    let waits: Vec<u64> = probes
        .clone()
        .zip(probes.skip(1))
        .map(|((one, _), (next, _))| next.saturating_sub(*one).as_secs())
        .filter(|wait_s| *wait_s > 0)
        .collect();
    assert_eq!(
        waits,
        [1, 2, 4, 8, 16],
        "the first pause of 0.5 s comes before"
    );
    let back = gateway.sent_within(102, 120);
    assert!(
        back.len() > 10_000,
        "everybody is at work again: {}",
        back.len()
    );
    assert_eq!(gateway.limiter.monitor.waits_for(), None);
}

#[tokio::test(start_paused = true)]
async fn only_time_without_any_answer_makes_a_gateway_unreachable() {
    let gateway = Away::new(10..10_000, None);
    let ended = gateway.worked(Duration::from_secs(20_000)).await;
    for ended in ended {
        let error = ended.unwrap_err();
        assert_eq!(error.kind, ApiErrorKind::Unreachable);
        assert!(error.message.contains("--give-up-after"), "{error}");
    }
    let last = gateway.sent.lock().unwrap().last().unwrap().0.as_secs();
    assert_eq!(last, 310, "the first that got no answer was sent at 10 s");
}

#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_shown_from_the_first_pause_to_the_answer() {
    let gateway = Away::new(0..20, None);
    let worker = tokio::spawn({
        let gateway = Arc::clone(&gateway);
        async move { gateway.ask().await }
    });
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    assert_eq!(
        gateway.limiter.monitor.waits_for().as_deref(),
        Some(
            "the gateway has not answered since 2024-12-10T09:53:17.127Z; trying again in 4 s: \
             no connection"
        )
    );
    worker.await.unwrap().unwrap();
    assert_eq!(gateway.limiter.monitor.waits_for(), None);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_to_blame_itself_where_the_gateway_answers_what_was_sent_later() {
    let gateway = Away::new(0..0, None);
    let one = gateway.limiter.acquire().await.unwrap();
    let other = gateway.limiter.acquire().await.unwrap();
    // Both fail at once; one asks for both.
    let blamed = tokio::join!(gateway.blame(&one), gateway.blame(&other));
    assert_eq!(blamed.0.unwrap(), Blame::Request);
    assert_eq!(blamed.1.unwrap(), Blame::Request);
    assert_eq!(
        gateway.sent.lock().unwrap().len(),
        1,
        "health was asked once"
    );
    assert!(!gateway.limiter.gate.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_says_nothing_of_a_gateway_that_has_gone_since() {
    let gateway = Away::new(0..5, None);
    let answered = gateway.limiter.acquire().await.unwrap();
    let failed = gateway.limiter.acquire().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    gateway.limiter.answered(&answered);
    let (blame, ()) = tokio::join!(gateway.blame(&failed), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        gateway.limiter.answered(&answered);
    });
    assert_eq!(blame.unwrap(), Blame::Gateway);
    assert!(gateway.limiter.gate.is_closed());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_dropped_while_it_asks_or_is_the_one_to_go_leaves_the_way_free() {
    let gateway = Away::new(0..5, None);
    for _ in 0..3 {
        let asked = tokio::time::timeout(Duration::from_millis(30), gateway.ask()).await;
        assert!(asked.is_err(), "dropped in the middle of asking");
    }
    let scout = gateway.limiter.acquire().await.unwrap();
    assert!(scout.scout.is_some());
    drop(scout);
    gateway.ask().await.unwrap();
    assert!(!gateway.limiter.gate.is_closed());
}

#[tokio::test(start_paused = true)]
async fn the_budget_pays_for_each_question_and_ends_the_wait() {
    let gateway = Away::new(0..10_000, Some(9));
    for ended in gateway.worked(Duration::from_secs(20_000)).await {
        assert_eq!(ended.unwrap_err().kind, ApiErrorKind::BudgetSpent);
    }
    assert_eq!(gateway.sent.lock().unwrap().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn others_that_fail_too_make_it_everybodys_for_a_time() {
    let streak = Streak::default();
    assert!(!streak.is_everybodys("a", GIVE_UP_AFTER));
    assert!(
        !streak.is_everybodys("a", GIVE_UP_AFTER),
        "alone, however often"
    );
    assert!(streak.is_everybodys("b", GIVE_UP_AFTER));
    assert!(streak.is_everybodys("a", GIVE_UP_AFTER));
    streak.end();
    assert!(!streak.is_everybodys("a", GIVE_UP_AFTER));
    assert!(streak.is_everybodys("b", GIVE_UP_AFTER));
    tokio::time::sleep(GIVE_UP_AFTER).await;
    assert!(!streak.is_everybodys("c", GIVE_UP_AFTER), "for no longer");
}
