//! tokio's clock is paused here: time passes only while everybody sleeps.

use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn limiter(rate_text: &str, in_flight_max: usize, requests_max: Option<u64>) -> Arc<Limiter> {
    let monitor = Monitor::new();
    Arc::new(Limiter::new(
        rate(rate_text),
        in_flight_max,
        requests_max,
        monitor,
    ))
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// When each request passed, in `time`, with `workers` that always want more.
async fn passed(limiter: &Arc<Limiter>, time: Duration, workers: usize) -> Vec<Duration> {
    let start = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let (limiter, times) = (Arc::clone(limiter), Arc::clone(&times));
            tokio::spawn(async move {
                loop {
                    let permit = limiter.acquire().await.unwrap();
                    times.lock().unwrap().push(start.elapsed());
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    drop(permit);
                }
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    for worker in workers {
        worker.abort();
    }
    times.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn over_99_percent_of_any_rate_is_spent_and_never_more() {
    for (text, time_s, granted) in [
        ("5/s", 200, 1_000),
        ("7/s", 200, 1_400),
        ("30/s", 100, 3_000),
        ("49/s", 100, 4_900),
        ("333/s", 20, 6_660),
        ("100/30m", 36_000, 2_000),
        ("10000/s", 2, 20_000),
    ] {
        let limiter = limiter(text, 64, None);
        let sent = passed(&limiter, secs(time_s), 64).await.len();
        let burst = usize::try_from(quota(rate(text)).burst_size().get()).unwrap();
        assert!(sent * 100 > granted * 99, "{text}: {sent} of {granted}");
        assert!(sent <= granted + burst + 1, "{text}: {sent} of {granted}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_evenly_where_the_burst_is_one() {
    let limiter = limiter("5/s", 16, None);
    let times = passed(&limiter, secs(60), 16).await;
    for pair in times.windows(2) {
        let gap = pair[1].saturating_sub(pair[0]);
        assert!(
            gap + LATENESS_FORGIVEN >= Duration::from_millis(200),
            "{gap:?}"
        );
    }
}

#[test]
fn the_burst_is_twenty_milliseconds_of_the_rate_and_at_least_one() {
    for (text, each_ns, burst) in [
        ("5/s", 200_000_000, 1),
        ("100/30m", 18_000_000_000, 1),
        ("100/s", 10_000_000, 2),
        ("100000/s", 10_000, 2_000),
        ("4294967295/ms", 1, 20_000_000),
        ("1/24h", 86_400_000_000_000, 1),
    ] {
        let quota = quota(rate(text));
        assert_eq!(quota.replenish_interval().as_nanos(), each_ns, "{text}");
        assert_eq!(quota.burst_size().get(), burst, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_the_bound() {
    let limiter = limiter("100000/s", 2, None);
    let first = limiter.acquire().await.unwrap();
    let _second = limiter.acquire().await.unwrap();
    assert!(
        tokio::time::timeout(secs(60), limiter.acquire())
            .await
            .is_err()
    );
    drop(first);
    assert!(limiter.acquire().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_spent_to_the_last_and_not_beyond() {
    let limiter = limiter("100000/s", 16, Some(37));
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                let mut sent = 0;
                loop {
                    match limiter.acquire().await {
                        Ok(_permit) => sent += 1,
                        Err(error) => return (sent, error.kind),
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut sent = 0;
    for worker in workers {
        let (of_worker, kind) = worker.await.unwrap();
        assert_eq!(kind, ApiErrorKind::BudgetSpent);
        sent += of_worker;
    }
    assert_eq!(sent, 37);
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_while_it_waits_has_used_up_nothing() {
    let limiter = limiter("1/10s", 1, Some(2));
    drop(limiter.acquire().await.unwrap());
    for _ in 0..5 {
        assert!(
            tokio::time::timeout(secs(1), limiter.acquire())
                .await
                .is_err()
        );
    }
    let before = Instant::now();
    drop(limiter.acquire().await.unwrap());
    assert!(
        before.elapsed() <= Duration::from_millis(5_010),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_429_makes_everybody_wait_and_says_so() {
    let limiter = limiter("100000/s", 16, None);
    let permit = limiter.acquire().await.unwrap();
    let other = limiter.acquire().await.unwrap();
    let policy = RetryPolicy::default();
    let start = Instant::now();
    tokio::time::sleep(secs(1)).await;
    let patience = policy.throttle_wait_max;
    assert_eq!(
        limiter.throttled(&permit, None, patience, &policy),
        Some(secs(60))
    );
    tokio::time::sleep(secs(10)).await;
    let joined = limiter.throttled(&other, None, patience, &policy);
    assert_eq!(joined, Some(secs(50)), "it was under way already: it joins");
    let waiter = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.acquire().await.map(|_| start.elapsed()) }
    });
    tokio::time::sleep(secs(1)).await;
    assert_eq!(
        limiter.monitor.waits_for().as_deref(),
        Some("the gateway said 429 without Retry-After; waiting 60 s")
    );
    let passed_at = waiter.await.unwrap().unwrap();
    assert!(
        passed_at >= secs(61) && passed_at < secs(62),
        "{passed_at:?}"
    );
    assert_eq!(limiter.monitor.waits_for(), None);
}

#[tokio::test(start_paused = true)]
async fn a_429_after_the_pause_waits_longer_and_a_success_starts_anew() {
    let limiter = limiter("100000/s", 16, None);
    let policy = RetryPolicy::default();
    let patience = policy.throttle_wait_max;
    let old = limiter.acquire().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    for expected in [60, 120, 240] {
        let permit = limiter.acquire().await.unwrap();
        let wait = limiter.throttled(&permit, None, patience, &policy);
        assert_eq!(wait, Some(secs(expected)));
    }
    limiter.relieved(&old);
    tokio::time::sleep(secs(1)).await;
    let permit = limiter.acquire().await.unwrap();
    let wait = limiter.throttled(&permit, None, patience, &policy);
    assert_eq!(
        wait,
        Some(secs(480)),
        "an answer to an old request says nothing"
    );
    tokio::time::sleep(secs(1)).await;
    limiter.relieved(&limiter.acquire().await.unwrap());
    let permit = limiter.acquire().await.unwrap();
    assert_eq!(
        limiter.throttled(&permit, None, patience, &policy),
        Some(secs(60))
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_reaches_everybody_who_waits_and_the_first_reason_stays() {
    let limiter = limiter("1/h", 2, None);
    let start = Instant::now();
    let _held = limiter.acquire().await.unwrap();
    let waiters: Vec<_> = (0..5)
        .map(|at| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                if at == 0 {
                    return limiter.sleep(secs(3_600)).await.unwrap_err().kind;
                }
                limiter.acquire().await.unwrap_err().kind
            })
        })
        .collect();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(
        limiter.monitor.waits_for().as_deref(),
        Some("the allowed rate: next request in 3600 s")
    );
    let first = limiter.end(ApiError::new(ApiErrorKind::Unauthorized, "first"));
    let second = limiter.end(ApiError::new(ApiErrorKind::Unreachable, "second"));
    assert_eq!(
        (first.message.as_str(), second.message.as_str()),
        ("first", "first")
    );
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), ApiErrorKind::Unauthorized);
    }
    assert!(start.elapsed() < secs(2), "nobody waited on");
    assert_eq!(
        limiter.acquire().await.unwrap_err().kind,
        ApiErrorKind::Unauthorized
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_halves_the_rate_once_and_it_grows_back_linearly() {
    let limiter = limiter("100/s", 16, None);
    let policy = RetryPolicy {
        recovery: secs(200),
        ..RetryPolicy::default()
    };
    let under_way: Vec<_> = [limiter.acquire().await, limiter.acquire().await].into();
    tokio::time::sleep(secs(1)).await;
    let shares: Vec<_> = under_way
        .iter()
        .map(|permit| limiter.refused(permit.as_ref().unwrap(), &policy))
        .collect();
    assert_eq!(shares, [Some(0.5), None], "one overload, one refusal");
    drop(under_way);
    // From the half to the whole in 100 s: three quarters of the rate meanwhile.
    let times = passed(&limiter, secs(150), 16).await;
    let within = |from_s: u64, to_s: u64| {
        let is_within = |time: &&Duration| (secs(from_s)..secs(to_s)).contains(*time);
        times.iter().filter(is_within).count()
    };
    for (from_s, to_s, expected) in [
        (0, 10, 525),
        (45, 55, 750),
        (0, 100, 7_500),
        (110, 150, 4_000),
    ] {
        let sent = within(from_s, to_s);
        assert!(
            sent.abs_diff(expected) * 100 <= expected,
            "{from_s}: {sent}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slower_pace_says_so_while_it_is_waited_for() {
    let limiter = limiter("1/5s", 2, None);
    let permit = limiter.acquire().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    limiter.refused(&permit, &RetryPolicy::default());
    let waiter = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.acquire().await.map(drop) }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(
        limiter.monitor.waits_for().as_deref(),
        Some("the allowed rate, at 50 % of it since the gateway refused: next request in 7 s")
    );
    waiter.await.unwrap().unwrap();
}

/// A gateway that allows a rate which nobody has told: a bucket that holds a second of it.
struct Unknown {
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl Unknown {
    fn takes(&mut self) -> bool {
        let now = Instant::now();
        let since = (now - self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + since * self.per_second).min(self.per_second);
        let takes = self.tokens >= 1.0;
        if takes {
            self.tokens -= 1.0;
        }
        takes
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_limit_is_found_and_mostly_used_with_few_refusals() {
    let limiter = limiter("200/s", 16, None);
    let policy = RetryPolicy::default();
    let gateway = Mutex::new(Unknown {
        per_second: 50.0,
        tokens: 50.0,
        filled: Instant::now(),
    });
    let (start, time) = (Instant::now(), secs(1_800));
    let (mut taken, mut refused) = (0_u32, 0_u32);
    while start.elapsed() < time {
        let permit = limiter.acquire().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        if gateway.lock().unwrap().takes() {
            taken += 1;
            limiter.relieved(&permit);
        } else {
            refused += 1;
            let asked = Some(secs(1));
            limiter.throttled(&permit, asked, policy.throttle_wait_max, &policy);
            limiter.refused(&permit, &policy);
        }
    }
    // Up and down between an eighth and a quarter of the rate, at 2/3 of a request/s each second:
    // about 40 s from one refusal to the next, and three quarters of what was allowed.
    assert!((25..=60).contains(&refused), "{refused}");
    assert!(taken >= 60_000, "{taken} of 90,000 allowed");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_declared_later_holds_up_the_recovery_too() {
    let limiter = limiter("100/s", 16, None);
    let policy = RetryPolicy {
        recovery: secs(200),
        ..RetryPolicy::default()
    };
    let one = limiter.acquire().await.unwrap();
    let other = limiter.acquire().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(limiter.refused(&one, &policy), Some(0.5));
    // A 429 to a request of the same volley says nothing new of the pace, but everybody waits.
    let asked = Some(secs(300));
    limiter.throttled(&other, asked, policy.throttle_wait_max, &policy);
    assert_eq!(limiter.refused(&other, &policy), None);
    let times = passed(&limiter, secs(320), 16).await;
    assert!(times[0] >= secs(300), "{:?}", times[0]);
    let sent = times.iter().filter(|time| **time < secs(310)).count();
    assert!((500..560).contains(&sent), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_slow_already_is_not_called_slowed() {
    let limiter = limiter("100/30m", 2, None);
    let permit = limiter.acquire().await.unwrap();
    tokio::time::sleep(secs(1)).await;
    assert_eq!(limiter.refused(&permit, &RetryPolicy::default()), None);
}
