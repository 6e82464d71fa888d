//! Plays a scenario: the gateway, the archive, and the runs between them.

mod quiet;

use std::{
    num::NonZeroU32,
    thread,
    time::{Duration, Instant},
};

use convault::{
    api::{Gateway, GatewayOptions, Rate, RetryPolicy},
    clock::Clock,
    model::{ConversationCounts, ConversationId, MessageCounts, RequestCounts, StopReason},
    monitor::Monitor,
    simulator::{Simulator, SimulatorOptions},
    store::{RunLock, Store},
    sync::{self, Input, Shutdown, Summary, SyncOptions},
    verify::{self, VerifyOptions},
};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use secrecy::SecretString;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Tally,
    dump::Dump,
    lane::Lane,
    scenario::{Leg, START, Scenario, Stop},
    truth::Truth,
};

/// In which order a scenario's conversations are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    concurrency: usize,
    /// The list is in an order drawn from this.
    shuffled: Option<u64>,
}

impl Manner {
    pub(super) fn one_by_one() -> Self {
        Self {
            concurrency: 1,
            shuffled: None,
        }
    }

    pub(super) fn at_once(seed: u64) -> Self {
        Self {
            concurrency: 4,
            shuffled: Some(seed),
        }
    }
}

/// What a scenario came to.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) runs: Vec<Facts>,
    /// Ids and raw JSON of what the gateway lists, of each conversation.
    pub(super) contents: Vec<Vec<(String, String)>>,
    pub(super) states: Vec<Vec<String>>,
    /// `None` where it is not to be compared.
    pub(super) dump: Option<Dump>,
    /// No conversation was so short that it had to learn from another what a full page is.
    pub(super) stays_independent: bool,
}

/// What a run came to, without times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    outcomes: String,
    conversations: ConversationCounts,
    messages: MessageCounts,
    requests: RequestCounts,
    /// Conversations and classes of failures.
    failures: Vec<(Option<String>, String)>,
}

/// A run to be done.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    full: bool,
    accept_deletions: bool,
    stop: Option<Stop>,
}

struct Play<'a> {
    scenario: &'a Scenario,
    manner: Manner,
    lane: &'a mut Lane,
    simulator: Simulator,
    ids: Vec<String>,
    clock: Clock,
    truth: Truth,
    runs: Vec<Facts>,
    stays_independent: bool,
    /// The open archive; a run that was stopped is followed by one that opens it anew.
    store: Option<(Store, RunLock)>,
    /// Whether it is told what happens.
    aloud: bool,
    /// Requests that were told.
    told: usize,
    /// Lets the clock run on between its jumps.
    ticking: JoinHandle<()>,
}

pub(super) async fn play(
    scenario: &Scenario,
    lane: &mut Lane,
    manner: Manner,
    tally: &mut Tally,
) -> Ended {
    lane.clear().await;
    let clock = Clock::manual(START);
    let options = SimulatorOptions {
        corpus: scenario.corpus(),
        faults: scenario.standing.clone(),
        clock: clock.clone(),
        gzip: false,
        record: true,
        ..SimulatorOptions::default()
    };
    let simulator = Simulator::start(options).await.unwrap();
    let ids = simulator.conversation_ids();
    let mut play = Play {
        scenario,
        manner,
        lane,
        truth: Truth::new(scenario, &ids, &simulator),
        simulator,
        ids,
        runs: Vec::new(),
        stays_independent: true,
        store: None,
        aloud: super::number(super::ALONE).is_some(),
        told: 0,
        ticking: tokio::spawn(tick(clock.clone())),
        clock,
    };
    let mut now = START;
    for leg in &scenario.legs {
        play.clock.advance(leg.at.since(now));
        now = leg.at;
        play.leg(leg, tally).await;
    }
    play.clock.advance(scenario.quiet_from().since(now));
    play.fall_quiet(tally).await;
    let dump = if scenario.is_independent() && play.stays_independent {
        Some(Dump::of(play.lane).await)
    } else {
        None
    };
    let states = "select id, state from v_conversations order by id";
    let ended = Ended {
        states: play.lane.rows(states).await,
        contents: play.truth.contents(&play.simulator),
        dump,
        runs: std::mem::take(&mut play.runs),
        stays_independent: play.stays_independent,
    };
    play.close().await;
    play.ticking.abort();
    play.simulator.stop().await;
    ended
}

/// Between its jumps the clock goes as this machine's does: what the gateway says of the time
/// must agree with how long its answers take.
async fn tick(clock: Clock) {
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let elapsed = Duration::from_millis(u64::try_from(last.elapsed().as_millis()).unwrap());
        clock.advance(elapsed);
        last += elapsed;
    }
}

impl Play<'_> {
    /// One run while the gateway misbehaves and conversations change.
    async fn leg(&mut self, leg: &Leg, tally: &mut Tally) {
        self.simulator.set_faults(leg.faults.clone());
        for (number, id) in self.ids.iter().enumerate() {
            let answer = leg.answers.iter().find(|(own, _)| *own == number);
            self.simulator
                .set_answer(id, answer.map(|&(_, answer)| answer));
        }
        self.truth.begin_run(leg.at);
        self.truth.note_faults(&leg.faults);
        self.note_lengths(leg.faults.answers.is_empty());
        for (id, changes) in self.ids.iter().zip(&leg.changes) {
            self.simulator.plan(id, changes.clone()).unwrap();
        }
        let order = Order {
            full: leg.full,
            accept_deletions: leg.accept_deletions,
            stop: leg.stop,
        };
        let summary = match leg.stop {
            Some(Stop::Kill(request)) => {
                self.run_and_kill(order, request).await;
                None
            }
            _ => Some(self.run(order).await),
        };
        self.truth
            .check_run(&self.simulator, self.lane, summary.as_ref(), tally)
            .await;
        self.assert_sound().await;
        self.simulator.finish_plans();
        self.truth.look(&self.simulator);
    }

    /// A conversation that begins with a full page learns from that alone what a full page is;
    /// one that shrinks before its first page has come through may not.
    fn note_lengths(&mut self, is_faultless: bool) {
        let page = self.scenario.page_size as usize;
        let least = if is_faultless { page } else { page + 60 };
        let lengths = self.truth.lengths();
        self.stays_independent &= self.ids.len() == 1 || lengths.iter().all(|&own| own >= least);
    }

    /// One run as a process of its own would do it.
    async fn run(&mut self, order: Order) -> Summary {
        let store = self.open().await;
        let shutdown = Shutdown::new();
        if let Some(Stop::Signal(request)) = order.stop {
            let shutdown = shutdown.clone();
            self.simulator.at_request(request, move || {
                shutdown.request(StopReason::Terminated);
            });
        }
        let gateway = self.gateway(order.stop);
        let monitor = gateway.monitor.clone();
        let summary = sync::run(
            &Gateway::new(gateway).unwrap(),
            &store,
            Input::of_ids(self.list()),
            &self.options(order),
            &shutdown,
            &monitor,
            &self.clock,
        )
        .await;
        self.simulator.at_no_request();
        drop(store);
        if order.stop.is_some() {
            self.close().await;
        }
        self.runs.push(Facts::of(&summary));
        if self.aloud {
            println!("run at {}: {order:?}", self.clock.now());
            println!("  {:?}", self.runs.last());
            for failure in &summary.failures {
                println!("  {failure:?}");
            }
            self.tell().await;
        }
        summary
    }

    /// A run in a runtime of its own, which is gone when the gateway has answered so many
    /// requests, unless the run has ended before.
    async fn run_and_kill(&mut self, order: Order, request: u64) {
        self.close().await;
        let (kill, killed) = oneshot::channel();
        self.simulator.at_request(request, move || {
            let _ = kill.send(());
        });
        let place = self.lane.options(&self.clock);
        let (gateway, input) = (self.gateway(None), Input::of_ids(self.list()));
        let (options, clock) = (self.options(order), self.clock.clone());
        let run = async move {
            let (store, _lock) = Store::open(&place).await.unwrap();
            let monitor = gateway.monitor.clone();
            let gateway = Gateway::new(gateway).unwrap();
            let (gateway, shutdown) = (&gateway, &Shutdown::new());
            sync::run(gateway, &store, input, &options, shutdown, &monitor, &clock).await;
            store.close().await;
        };
        let (gone, is_gone) = oneshot::channel();
        thread::spawn(move || {
            let runtime = super::new_runtime();
            runtime.block_on(async {
                tokio::select! {
                    () = run => {}
                    _ = killed => {}
                }
            });
            runtime.shutdown_background();
            let _ = gone.send(());
        });
        is_gone.await.expect("the run does not panic");
        self.simulator.at_no_request();
        // From here on nothing can be committed that was still on its way.
        self.open().await;
        if self.aloud {
            println!("run at {}, killed: {order:?}", self.clock.now());
            self.tell().await;
        }
    }

    /// However the run ended, `verify` finds nothing.
    async fn assert_sound(&mut self) {
        let store = self.open().await;
        let options = VerifyOptions {
            findings_max: 5,
            ..VerifyOptions::default()
        };
        let report = verify::offline(&store, &options, &Monitor::new()).await;
        let report = report.unwrap();
        let seed = self.scenario.seed;
        assert_eq!(report.findings.kept(), [], "seed {seed}");
        assert!(
            report.stopped.is_none(),
            "seed {seed}: {:?}",
            report.stopped
        );
    }

    async fn open(&mut self) -> Store {
        if self.store.is_none() {
            let options = self.lane.options(&self.clock);
            self.store = Some(Store::open(&options).await.unwrap());
        }
        let (store, _lock) = self.store.as_ref().unwrap();
        store.clone()
    }

    async fn close(&mut self) {
        if let Some((store, _lock)) = self.store.take() {
            store.close().await;
        }
    }

    /// Prints what was asked and what came of it.
    async fn tell(&mut self) {
        let records = self.simulator.records();
        for record in &records[self.told..] {
            println!("  {} {}", record.status, record.target);
        }
        self.told = records.len();
        let listed = self.truth.contents(&self.simulator);
        let lengths: Vec<usize> = listed.iter().map(Vec::len).collect();
        println!("  listed now: {lengths:?}");
        for row in self.lane.rows(super::dump::LEDGER).await {
            println!("  covered: {}", row.join(" "));
        }
    }

    fn list(&self) -> Vec<ConversationId> {
        let mut ids: Vec<_> = self
            .ids
            .iter()
            .map(|id| ConversationId::new(id.as_str()))
            .collect();
        if let Some(seed) = self.manner.shuffled {
            let number = self.runs.len() as u64;
            ids.shuffle(&mut ChaCha8Rng::seed_from_u64(seed << 8 | number));
        }
        ids
    }

    fn options(&self, order: Order) -> SyncOptions {
        SyncOptions {
            page_size: self.scenario.page_size,
            concurrency: self.manner.concurrency,
            full: order.full,
            visibility_lag: self.scenario.lag,
            accept_deletions: order.accept_deletions,
            // The share of a run that is not what is asked about here.
            audit_share: 0.0,
            holder: "sync, pid 12 on anvil".to_owned(),
            ..SyncOptions::default()
        }
    }

    fn gateway(&self, stop: Option<Stop>) -> GatewayOptions {
        let ms = Duration::from_millis;
        let base = self.simulator.base_url().parse().unwrap();
        let token = SecretString::from(self.simulator.token());
        GatewayOptions {
            rate: Rate {
                requests: NonZeroU32::new(100_000).unwrap(),
                per: Duration::from_secs(1),
            },
            retries_max: 3,
            requests_max: match stop {
                Some(Stop::Budget(requests)) => Some(requests),
                _ => None,
            },
            retry: RetryPolicy {
                backoff_base: ms(1),
                backoff_max: ms(2),
                throttle_waits: vec![ms(1), ms(2)],
                throttle_wait_max: ms(5_000),
                unauthorized_waits_first: vec![ms(1)],
                unauthorized_waits: vec![ms(1), ms(1)],
                recovery: ms(100),
                give_up_after: None,
            },
            visibility_lag: self.scenario.lag,
            clock: self.clock.clone(),
            ..GatewayOptions::new(base, token)
        }
    }
}

impl Facts {
    fn of(summary: &Summary) -> Self {
        let report = &summary.report;
        let failures = summary.failures.iter();
        let mut failures: Vec<_> = failures
            .map(|failure| (failure.conversation_id.clone(), failure.class.clone()))
            .collect();
        failures.sort();
        Self {
            outcomes: format!("{:?} {:?}", report.outcome, summary.also),
            conversations: report.conversations,
            messages: report.messages,
            requests: report.requests,
            failures,
        }
    }
}
