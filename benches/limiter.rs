//! How much of the allowed rate is spent while work is left, and how an unknown limit is found.
//!
//!     cargo bench --bench limiter [-- SECONDS]
//!
//! The client and a simulated gateway in one process. First 50, 500 and 5,000 requests a second are
//! allowed, for SECONDS each (10 unless told): granted is the rate times the time, spent is what the
//! gateway was asked. Then the gateway has a limit of its own that the client is not told, a token
//! bucket of 100 requests a second: requests and refusals (429) of each tenth of six times SECONDS,
//! with a recovery of twice SECONDS in place of five minutes, so that the bench ends soon. Figures
//! over time are of real time; the ratios hold as long as the machine can do the rate.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use convault::{
    api::{Gateway, GatewayOptions, RetryPolicy},
    model::ConversationId,
    monitor::{Counter, Monitor},
    simulator::{CorpusOptions, Faults, RateLimit, Simulator, SimulatorOptions},
};
use secrecy::SecretString;

/// Requests that always wait to be sent.
const WORKERS: u32 = 64;
/// What the gateway allows in the second part, and what the client is told.
const UNKNOWN: &str = "100/s";
const TOLD: &str = "400/s";
/// How many parts of the time are told apart in the second part.
const PARTS: u32 = 10;

#[tokio::main]
async fn main() -> Result<()> {
    let told = std::env::args().skip(1).find(|text| text != "--bench");
    let seconds = told.map_or(Ok(10), |text| text.parse::<u32>())?;
    let time = Duration::from_secs(seconds.into());
    println!("| rate | granted | spent | share |\n|---|---|---|---|");
    for rate in ["50/s", "500/s", "5000/s"] {
        spend(rate, time).await?;
    }
    println!("\nallowed {UNKNOWN}, told {TOLD}\n\n| seconds | requests/s | 429 |\n|---|---|---|");
    find_limit(time).await
}

async fn spend(rate: &str, time: Duration) -> Result<()> {
    let simulator = start(None).await?;
    let monitor = Monitor::new();
    let gateway = client(&simulator, rate, RetryPolicy::default(), &monitor)?;
    let workers = keep_asking(&gateway, &simulator)?;
    // The first connections are made before the time begins.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (start, before) = (Instant::now(), monitor.get(Counter::Requests));
    tokio::time::sleep(time).await;
    let spent = monitor.get(Counter::Requests) - before;
    let granted = start.elapsed().as_secs_f64() * per_second(rate)?;
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    let share = 100.0 * f64::from(u32::try_from(spent)?) / granted;
    println!("| {rate} | {granted:.0} | {spent} | {share:.1} % |");
    simulator.stop().await;
    Ok(())
}

async fn find_limit(time: Duration) -> Result<()> {
    let simulator = start(Some(UNKNOWN.parse()?)).await?;
    let monitor = Monitor::new();
    let policy = RetryPolicy {
        recovery: time * 2,
        ..RetryPolicy::default()
    };
    let gateway = client(&simulator, TOLD, policy, &monitor)?;
    let workers = keep_asking(&gateway, &simulator)?;
    let part = time * 6 / PARTS;
    let (mut refused, mut done) = (0, 0);
    for number in 1..=PARTS {
        tokio::time::sleep(part).await;
        let now = monitor.get(Counter::Throttled);
        let answered = monitor.get(Counter::Requests) - now;
        println!(
            "| {:.0} | {:.0} | {} |",
            (part * number).as_secs_f64(),
            f64::from(u32::try_from(answered - done)?) / part.as_secs_f64(),
            now - refused
        );
        (refused, done) = (now, answered);
    }
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    let granted = per_second(UNKNOWN)? * (part * PARTS).as_secs_f64();
    let share = 100.0 * f64::from(u32::try_from(done)?) / granted;
    println!("\n{done} answered of {granted:.0} allowed ({share:.0} %), {refused} refused");
    simulator.stop().await;
    Ok(())
}

async fn start(rate_limit: Option<RateLimit>) -> Result<Simulator> {
    let options = SimulatorOptions {
        corpus: CorpusOptions {
            conversations: WORKERS,
            messages: 1_000,
            ..CorpusOptions::default()
        },
        faults: Faults::default(),
        rate_limit,
        ..SimulatorOptions::default()
    };
    Simulator::start(options).await.context("the simulator")
}

fn client(
    simulator: &Simulator,
    rate: &str,
    retry: RetryPolicy,
    monitor: &Monitor,
) -> Result<Gateway> {
    let base = simulator.base_url().parse()?;
    let options = GatewayOptions {
        rate: rate.parse().map_err(anyhow::Error::msg)?,
        in_flight_max: WORKERS as usize,
        retry,
        monitor: monitor.clone(),
        ..GatewayOptions::new(base, SecretString::from(simulator.token()))
    };
    Ok(Gateway::new(options)?)
}

fn keep_asking(
    gateway: &Gateway,
    simulator: &Simulator,
) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let ids = simulator.conversation_ids();
    let id = ids.first().context("a conversation")?;
    let ask = |_| {
        let (gateway, id) = (gateway.clone(), ConversationId::new(id.as_str()));
        tokio::spawn(async move { while gateway.messages(&id, 0, 1).await.is_ok() {} })
    };
    Ok((0..WORKERS).map(ask).collect())
}

fn per_second(rate: &str) -> Result<f64> {
    let requests = rate.split('/').next().context("a rate")?;
    Ok(requests.parse()?)
}
