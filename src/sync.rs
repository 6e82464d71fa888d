//! The archiving run: a list of conversations becomes, or stays, an archive.
//!
//! Owns the order of work and the one place where conversations are worked on at once. Leaves
//! paging to `walk`, requests to [`crate::api`] and rows to [`crate::store`].

pub mod input;
pub mod plan;
pub mod report;
pub mod shutdown;

pub use hiding::usual_share;
pub use input::Input;
pub use shutdown::Shutdown;

mod conversation;
mod discovery;
mod earlier;
mod hiding;
mod order;
mod outcome;
mod sweep;
mod tally;
mod worker;
mod writer;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conversation::Broken;
use earlier::EarlierRuns;
use plan::{Plan, PlanOptions};
use tally::{Stop, Tally};
use worker::{Context, Feed};
use writer::Writer;

use crate::{
    api::Gateway,
    clock::Clock,
    model::{
        ConversationId, MessageCounts, RequestCounts, RunId, RunOutcome, RunReport, StopReason,
        Timestamp,
    },
    monitor::{Counter, Monitor},
    store::{RunStart, Store, StoreError, Target},
};

/// Transactions that take words into the index before anything is asked for: what an earlier run
/// left. Few, so that the gateway is not kept waiting; some, so that the index of an archive whose
/// runs are always killed still grows.
const PARTS_INDEXED_FIRST: usize = 25;

/// Ids of the list that are registered at once.
const IDS_AT_ONCE: usize = 1_000;

/// How a run is to be done.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// Messages asked for in one page.
    pub page_size: u32,
    /// Conversations worked on at once.
    pub concurrency: usize,
    /// Whether a second cover is built even where the first stands.
    pub full: bool,
    /// How late a message may become visible (walk.md, A5).
    pub visibility_lag: Duration,
    /// The youngest messages, which the sweep reads first.
    pub lookback: Duration,
    /// The share of a run's requests that the sweep may spend, 0 to 1.
    pub audit_share: f64,
    /// Whether the brake on mass deletions is lifted.
    pub accept_deletions: bool,
    /// When to stop by itself.
    pub max_duration: Option<Duration>,
    /// The organisation, for the links endpoint.
    pub organization_id: Option<String>,
    /// Who runs, as `runs` keeps it: pid and host.
    pub holder: String,
}

impl Default for SyncOptions {
    /// The defaults of product.md.
    fn default() -> Self {
        Self {
            page_size: 100,
            concurrency: 16,
            full: false,
            visibility_lag: Duration::from_mins(10),
            lookback: Duration::from_hours(7 * 24),
            audit_share: 0.1,
            accept_deletions: false,
            max_duration: None,
            organization_id: None,
            holder: String::new(),
        }
    }
}

/// A conversation that did not end complete, as the report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedFailure {
    /// Which conversation; `None` where it was discovery by phone number that failed.
    pub conversation_id: Option<String>,
    /// The class of the failure.
    pub class: String,
    /// What happened, for a person.
    pub reason: String,
}

/// What discovery by phone number came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct PhoneCounts {
    /// Numbers asked for, duplicates folded.
    pub asked: u64,
    /// Numbers with at least one conversation.
    pub found: u64,
    /// Numbers without one.
    pub not_found: u64,
    /// Numbers that could not be asked for.
    pub failed: u64,
}

/// Everything about a finished run that is told to people and written to the report.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The facts that the archive keeps too.
    pub report: RunReport,
    /// The conversations that did not end complete, as many as are worth naming.
    pub failures: Vec<ReportedFailure>,
    /// How many more there were.
    pub failures_omitted: u64,
    /// The first few conversations that were empty at first sight, which foreign ids may be.
    pub empty: Vec<String>,
    /// Discovery, where phone numbers were given.
    pub phones: Option<PhoneCounts>,
    /// What was planned before the first page was asked for.
    pub plan: Option<Plan>,
    /// Answers whose `Date` contradicts what else is known of the time by more than λ.
    pub wrong_dates: u64,
    /// Why the run stopped early, in words.
    pub stopped_because: Option<String>,
    /// Other reasons than the gravest, which is in the report.
    pub also: Vec<RunOutcome>,
}

/// Brings every conversation of `input` up to date. Never fails: how it went is in the summary.
pub async fn run(
    gateway: &Gateway,
    store: &Store,
    input: Input,
    options: &SyncOptions,
    shutdown: &Shutdown,
    monitor: &Monitor,
    clock: &Clock,
) -> Summary {
    let started_at = clock.now();
    let tally = Arc::new(Tally::default());
    let (run_id, written, phones) = match begin(store, &options.holder, started_at).await {
        Err(error) => {
            tally.stop(worker::stop_of_store(&error));
            (None, MessageCounts::default(), None)
        }
        Ok((run_id, earlier)) => {
            if let Err(error) = index(store, shutdown, monitor, PARTS_INDEXED_FIRST).await {
                tracing::warn!(%error, "what an earlier run left was not indexed for search");
            }
            let (queue, writer) =
                Writer::start(store.clone(), run_id, monitor.clone(), Arc::clone(&tally));
            let context = Context::new(
                gateway,
                store,
                options,
                shutdown,
                monitor,
                clock,
                queue,
                Arc::clone(&tally),
                earlier,
            );
            let context = Arc::new(context);
            let phones = archive(&context, run_id, input).await;
            context.hiding.report();
            drop(context);
            let (written, result) = writer.finish().await;
            let described = match result {
                Ok(()) => describe(store, shutdown, monitor).await,
                Err(error) => Err(error),
            };
            if let Err(error) = described {
                tally.stop(worker::stop_of_store(&error));
            }
            (Some(run_id), written, phones)
        }
    };
    if let Some(reason) = shutdown.requested() {
        tally.stop(Stop {
            reason,
            message: words_of(reason).to_owned(),
        });
    }
    // What the row of the run says of the archive is durable before it is said.
    if let Err(error) = store.sync().await {
        tally.stop(worker::stop_of_store(&error));
    }
    let summarise = || summarise(&tally, run_id, started_at, written, phones, monitor, clock);
    let summary = summarise();
    if let Some(run_id) = run_id
        && let Err(error) = store.finish_run(run_id, &summary.report).await
    {
        tally.stop(worker::stop_of_store(&error));
        return summarise();
    }
    summary
}

/// Writes the row of the run, and looks up when the earlier ones had ended.
async fn begin(
    store: &Store,
    holder: &str,
    started_at: Timestamp,
) -> Result<(RunId, EarlierRuns), StoreError> {
    let start = RunStart {
        command: "sync".to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        holder: holder.to_owned(),
        started_at,
    };
    let run_id = store.begin_run(&start).await?;
    let times = store.read_run_times(earlier::RUNS_MAX).await?;
    Ok((run_id, EarlierRuns::new(run_id, &times)))
}

/// Tells what the versions of this run have changed, and of one that was cut short before; takes
/// the words of its messages into the index.
async fn describe(store: &Store, shutdown: &Shutdown, monitor: &Monitor) -> Result<(), StoreError> {
    let stop = || shutdown.requested().is_some();
    store.describe_changes(stop).await?;
    index(store, shutdown, monitor, usize::MAX).await
}

/// Takes what the index of words lacks into it, in so many transactions at most: a batch takes its
/// own messages in, unless some before them were lacking. Who stops the run is not kept waiting, nor
/// is its time limit passed; a run that has spent its budget of requests still does it, since the
/// next one may spend its own.
async fn index(
    store: &Store,
    shutdown: &Shutdown,
    monitor: &Monitor,
    parts: usize,
) -> Result<(), StoreError> {
    let _waiting = monitor.waiting_for("words are taken into the index of search");
    let done = AtomicUsize::new(0);
    let stop = || {
        let is_enough = done.fetch_add(1, Ordering::Relaxed) >= parts;
        is_enough || shutdown.requested().is_some()
    };
    store.catch_up_index(stop).await.map(|_| ())
}

/// Discovers, registers, orders and visits. Returns when every worker is done and the queue has
/// been let go of; trouble that ends the run is in the tally.
async fn archive(context: &Arc<Context>, run_id: RunId, input: Input) -> Option<PhoneCounts> {
    let began = tokio::time::Instant::now();
    let time_limit = context.options.max_duration.map(|limit| {
        let shutdown = context.shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            shutdown.request(StopReason::MaxDuration);
        })
    });
    let mut phones = None;
    match plan(context, run_id, input, &mut phones).await {
        Ok(targets) => {
            context.tally.listed(targets.len() as u64);
            context
                .monitor
                .add(Counter::ConversationsListed, targets.len() as u64);
            let feed = Arc::new(Feed::new(targets));
            let workers: Vec<_> = (0..context.options.concurrency.max(1))
                .map(|_| tokio::spawn(worker::work(Arc::clone(context), Arc::clone(&feed))))
                .collect();
            for worker in workers {
                if let Err(panicked) = worker.await {
                    std::panic::resume_unwind(panicked.into_panic());
                }
            }
        }
        Err(Broken::Stopped | Broken::WriterGone) => {}
        Err(Broken::Store(error)) => context.stop(worker::stop_of_store(&error)),
        Err(Broken::Api(error)) => context.stop_asking(&error),
    }
    if let Some(silence) = context.silence()
        && context.shutdown.requested().is_none()
    {
        context.tally.stop(outcome::stop_of_silence(silence));
    }
    if let Some(time_limit) = time_limit {
        time_limit.abort();
    }
    let limit = context.options.max_duration;
    if !context.tally.has_stopped() && context.shutdown.requested().is_none() {
        let time_left = limit.map(|limit| limit.saturating_sub(began.elapsed()));
        sweep::run(context, run_id, time_left).await;
    }
    phones
}

/// The conversations to visit, in the order of work.
async fn plan(
    context: &Context,
    run_id: RunId,
    input: Input,
    phones: &mut Option<PhoneCounts>,
) -> Result<Vec<Target>, Broken> {
    let mut discovered = Vec::new();
    if !input.phones.is_empty() {
        let (ids, counts) = discovery::discover(context, &input.phones).await?;
        discovered = ids;
        *phones = Some(counts);
    }
    let mut keys = if input.all_known {
        context.store.read_conversation_keys().await?
    } else {
        let mut keys = Vec::with_capacity(input.ids.len());
        let mut ids = input.ids.iter().map(ConversationId::new);
        while ids.len() > 0 {
            let some: Vec<ConversationId> = ids.by_ref().take(IDS_AT_ONCE).collect();
            let registered = context.store.register_conversations(run_id, &some);
            keys.extend(registered.await?);
        }
        keys
    };
    let phones = input.phones.len() as u64;
    // A million ids are no small thing, and from here on keys stand for them.
    drop(input);
    keys.extend(
        context
            .store
            .register_conversations(run_id, &discovered)
            .await?,
    );
    let mut seen = HashSet::with_capacity(keys.len());
    keys.retain(|key| seen.insert(*key));
    drop(seen);
    let planned = plan::of_run(
        &context.store,
        &keys,
        phones,
        PlanOptions::of(&context.options, run_id),
    )
    .await?;
    context.tally.planned(planned);
    context.hiding.begin(&context.store).await?;
    let mut targets = context.store.read_targets(&keys).await?;
    order::sort(&mut targets);
    Ok(targets)
}

fn summarise(
    tally: &Tally,
    run_id: Option<RunId>,
    started_at: Timestamp,
    written: MessageCounts,
    phones: Option<PhoneCounts>,
    monitor: &Monitor,
    clock: &Clock,
) -> Summary {
    let tally = tally.read();
    let mut outcomes = tally.outcomes();
    let outcome = outcomes.remove(0);
    let stopped_because = tally
        .stops
        .iter()
        .find(|stop| RunOutcome::Stopped(stop.reason) == outcome)
        .map(|stop| stop.message.clone());
    let report = RunReport {
        run_id,
        outcome,
        started_at,
        finished_at: clock.now(),
        conversations: tally.conversations(),
        messages: MessageCounts {
            // What the workers knew to be unchanged, and what the archive found to be.
            unchanged: tally.unchanged + written.unchanged,
            ..written
        },
        requests: RequestCounts {
            total: monitor.get(Counter::Requests),
            retried: monitor.get(Counter::Retries),
            throttled: monitor.get(Counter::Throttled),
            swept: monitor.get(Counter::Swept),
            planned: tally.plan.as_ref().map(|plan| plan.requests),
        },
    };
    Summary {
        report,
        failures: tally.failures,
        failures_omitted: tally.failures_omitted,
        empty: tally.empty,
        phones,
        plan: tally.plan,
        wrong_dates: monitor.get(Counter::WrongDates),
        stopped_because,
        also: outcomes,
    }
}

fn words_of(reason: StopReason) -> &'static str {
    match reason {
        StopReason::MaxDuration => "the time that --max-duration allows is over",
        StopReason::MaxRequests => "the requests that --max-requests allows are spent",
        StopReason::Interrupted => "interrupted (SIGINT)",
        StopReason::Terminated => "terminated (SIGTERM)",
        _ => "stopped early",
    }
}
