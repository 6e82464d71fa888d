//! The real program is killed, stopped and started twenty times at once, and the archive ends
//! as the gateway's truth all the same, at few requests. `scripts/soak` does it more often.
//!
//! Moments are drawn from a seed, in requests that the gateway has answered rather than in time,
//! so that they hit the middle of a run on a slow machine too. What was fetched and what was
//! kept is counted in messages: the corpus stands still, so a request says which ones it got.

mod every_call;
mod every_send;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use convault::simulator::{Faults, SimulatorOptions};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use tokio::process::Child;

use crate::{
    effort,
    program::{Engine, Stage, claims_on_both_engines, ended, latency, signal, small},
    scenario::{Name, has_archive},
};

claims_on_both_engines! {
    twenty_five_kills_lose_nothing_and_double_nothing
    ten_sigterms_lose_no_page_that_was_answered
    of_twenty_that_start_at_once_one_runs_and_the_others_are_code_6
    twenty_that_start_at_once_on_little_work_leave_one_whole_archive
}

const PAGE: usize = 20;
const CONCURRENCY: usize = 4;
/// How many SIGTERMs a corpus has room for.
const SIGTERMS: usize = 10;
const STARTS: usize = 20;

/// 380 pages and more, with the rows that pages share.
fn corpus() -> SimulatorOptions {
    SimulatorOptions {
        faults: Faults {
            jitter: Duration::from_millis(2),
            ..latency(5)
        },
        record: true,
        ..small(12, 600)
    }
}

/// No sweep: it looks again at what is archived, on purpose.
fn arguments() -> [&'static str; 6] {
    [
        "--page-size",
        "20",
        "--concurrency",
        "4",
        "--audit-share",
        "0",
    ]
}

/// What the runs of one archive fetched and kept.
struct Books {
    listed: HashMap<String, Vec<String>>,
    archived: HashSet<Name>,
    /// Requests that were accounted for.
    read: usize,
    lost_most: usize,
}

impl Books {
    fn new(stage: &Stage) -> Self {
        let ids = stage.simulator.conversation_ids();
        let listed = ids.into_iter().map(|id| {
            let contents = stage.simulator.contents(&id).unwrap();
            (id, contents.into_iter().map(|m| m.id).collect())
        });
        Self {
            listed: listed.collect(),
            archived: HashSet::new(),
            read: stage.simulator.records().len(),
            lost_most: 0,
        }
    }

    /// Accounts for a run that has ended: nothing that was archived before it was fetched again,
    /// but for the pages where a walk begins, meets what it has, goes on below, and reads the
    /// head once more at its end, and for those that fill what was lost of the pages that were
    /// under way at once. Gives how many messages it was sent and did not archive.
    async fn close_run(&mut self, stage: &Stage) -> usize {
        let records = stage.simulator.records();
        let mut served: HashSet<Name> = HashSet::new();
        let mut again: HashMap<String, usize> = HashMap::new();
        for record in &records[self.read..] {
            if record.status != 200 {
                continue;
            }
            for name in self.names_of(&record.target) {
                if self.archived.contains(&name) {
                    *again.entry(name.0.clone()).or_default() += 1;
                }
                served.insert(name);
            }
        }
        for (id, messages) in again {
            assert!(
                messages <= (4 + CONCURRENCY) * PAGE,
                "{messages} archived messages of {id} were fetched again"
            );
        }
        self.read = records.len();
        let names = "select conversation_id, id from v_messages";
        let now: HashSet<Name> = if has_archive(stage).await {
            stage.rows::<Name>(names).await.into_iter().collect()
        } else {
            HashSet::new()
        };
        assert!(self.archived.is_subset(&now), "what was committed stays");
        let lost = served.difference(&now).count();
        self.lost_most = self.lost_most.max(lost);
        self.archived = now;
        lost
    }

    /// The messages that a request gets: `/3rd/conversations/ID/messages?limit=20&skip=0`.
    fn names_of(&self, target: &str) -> Vec<Name> {
        let (path, query) = target.split_once('?').unwrap();
        let id = path.split('/').nth(3).unwrap();
        let number = |name: &str| -> usize {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(own, _)| *own == name).unwrap();
            found.1.parse().unwrap()
        };
        let messages = &self.listed[id];
        messages
            .iter()
            .skip(number("skip"))
            .take(number("limit"))
            .map(|message| (id.to_owned(), message.clone()))
            .collect()
    }
}

/// Waits for so many more requests; `false` if the child ended before.
async fn reached(stage: &Stage, child: &mut Child, requests: u64) -> bool {
    while stage.simulator.stats().requests < requests {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}

async fn twenty_five_kills_lose_nothing_and_double_nothing(engine: Engine) {
    let wanted = effort::count("CONVAULT_TEST_KILLS", 25);
    let mut random = ChaCha8Rng::seed_from_u64(effort::seed(20_260_101));
    let mut stage = Stage::new(engine, corpus()).await;
    let mut books = Books::new(&stage);
    let (mut kills, mut in_the_middle, mut lost_most) = (0, 0, 0);
    while kills < wanted {
        let before = stage.simulator.stats().requests;
        let mut child = stage.sync_command(&arguments()).spawn().unwrap();
        // Some at the start, where the archive is made or the lock is taken.
        let requests = before + random.random_range(0..170_u64).saturating_sub(20);
        let running = reached(&stage, &mut child, requests).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..12))).await;
        if !running || child.try_wait().unwrap().is_some() {
            let ended = ended(child).await;
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            stage.assert_whole().await;
            stage.end().await;
            stage = Stage::new(engine, corpus()).await;
            lost_most = books.lost_most.max(lost_most);
            books = Books::new(&stage);
            continue;
        }
        signal(&child, Signal::KILL);
        child.wait().await.unwrap();
        kills += 1;
        let archived = books.archived.len();
        books.close_run(&stage).await;
        in_the_middle += usize::from(books.archived.len() > archived);
    }
    let (ended, _) = stage.sync(&arguments()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        books.close_run(&stage).await,
        0,
        "a run to the end keeps all"
    );
    stage.assert_whole().await;
    assert!(
        in_the_middle >= wanted / 4,
        "only {in_the_middle} of {wanted} kills hit a run that had committed"
    );
    println!(
        "{engine:?}: {wanted} kills, {in_the_middle} after a commit; the most that one lost: {} pages",
        books.lost_most.max(lost_most).div_ceil(PAGE)
    );
    let (ended, report) = stage.sync(&arguments()).await;
    assert_eq!((ended.code, &report["messages"]["new"]), (0, &0.into()));
    assert_eq!(report["messages"]["changed"], 0);
}

async fn ten_sigterms_lose_no_page_that_was_answered(engine: Engine) {
    let mut left = effort::count("CONVAULT_TEST_TERMS", SIGTERMS);
    let mut random = ChaCha8Rng::seed_from_u64(effort::seed(20_260_102));
    while left > 0 {
        let now = left.min(SIGTERMS);
        terminate(engine, now, &mut random).await;
        left -= now;
    }
}

async fn terminate(engine: Engine, times: usize, random: &mut ChaCha8Rng) {
    let stage = Stage::new(engine, corpus()).await;
    let mut books = Books::new(&stage);
    for _ in 0..times {
        let before = stage.simulator.stats().requests;
        let mut child = stage.sync_command(&arguments()).spawn().unwrap();
        let requests = before + random.random_range(1..50_u64);
        assert!(
            reached(&stage, &mut child, requests).await,
            "it ended early"
        );
        signal(&child, Signal::TERM);
        let ended = ended(child).await;
        assert_eq!(ended.code, 143, "{}", ended.stderr);
        let report = stage.report(143);
        let archived = books.archived.len();
        let lost = books.close_run(&stage).await;
        assert!(lost <= CONCURRENCY * PAGE, "{lost} messages were in flight");
        assert_eq!(report["messages"]["new"], books.archived.len() - archived);
    }
    let (ended, _) = stage.sync(&arguments()).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(books.close_run(&stage).await, 0);
    stage.assert_whole().await;
    stage.end().await;
}

async fn end_codes(children: Vec<Child>) -> Vec<i32> {
    let all = children.into_iter().map(ended);
    let ended = futures::future::join_all(all).await;
    for one in &ended {
        assert!([0, 6].contains(&one.code), "{}: {}", one.code, one.stderr);
        assert_eq!(
            one.code == 6,
            one.stderr.contains("held by"),
            "{}",
            one.stderr
        );
    }
    ended.iter().map(|one| one.code).collect()
}

/// How often so many are started at once.
fn rounds() -> usize {
    effort::count("CONVAULT_TEST_STARTS", STARTS).div_ceil(STARTS)
}

async fn of_twenty_that_start_at_once_one_runs_and_the_others_are_code_6(engine: Engine) {
    for _ in 0..rounds() {
        start_on_much_work(engine).await;
    }
}

/// The one that runs is kept waiting by the gateway until all others have given up.
async fn start_on_much_work(engine: Engine) {
    let options = SimulatorOptions {
        faults: latency(400),
        ..small(300, 3)
    };
    let stage = Stage::new(engine, options).await;
    let start = |_| stage.sync_command(&["--concurrency", "1"]).spawn().unwrap();
    let mut children: Vec<Child> = (0..STARTS).map(start).collect();
    let mut codes = Vec::new();
    while children.len() > 1 {
        let mut running = Vec::new();
        for mut child in children {
            match child.try_wait().unwrap() {
                None => running.push(child),
                Some(_) => codes.extend(end_codes(vec![child]).await),
            }
        }
        children = running;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.simulator.set_faults(Faults::default());
    assert_eq!(end_codes(children).await, [0]);
    assert_eq!(codes, [6; STARTS - 1]);
    stage.assert_whole().await;
    let runs = "select count(*) from v_runs";
    assert_eq!(stage.number(runs).await, 1, "the others left no trace");
    stage.end().await;
}

async fn twenty_that_start_at_once_on_little_work_leave_one_whole_archive(engine: Engine) {
    for _ in 0..rounds() {
        let stage = Stage::new(engine, small(3, 30)).await;
        let start = |_| stage.sync_command(&[]).spawn().unwrap();
        let codes = end_codes((0..STARTS).map(start).collect()).await;
        let ran = codes.iter().filter(|code| **code == 0).count();
        assert!(ran >= 1, "{codes:?}");
        stage.assert_whole().await;
        let runs = "select count(*) from v_runs where outcome = 'complete'";
        assert_eq!(stage.number(runs).await, i64::try_from(ran).unwrap());
        stage.end().await;
    }
}
