//! What the paging algorithm itself costs: deciding the next request and what a page proves.
//!
//!     cargo bench --bench walk [-- ROUNDS]
//!
//! A list of 100,000 messages, 100 a page, in memory; only the calls of the walk are timed, not the
//! making of pages. Prints of each scene the requests, and medians of the time of a page and of the
//! messages a second.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use convault::{
    model::{Piece, Timestamp},
    walk::{
        Known, PageFacts, Position, Ranks, Request, RowFacts, Rules, Step, Stored, Verdict, Walk,
    },
};

const MESSAGES: i64 = 100_000;
/// Pages under way at once in the scene that has several.
const AT_ONCE: u64 = 16;
/// Idle walks in the scene of them.
const IDLE_WALKS: u64 = 10_000;
const RULES: Rules = Rules {
    limit: 100,
    limit_max: 1_000,
    lag: Duration::from_secs(1),
};

/// A gateway's list of one conversation: created times in ms, the oldest first, each once.
struct List {
    times: Vec<i64>,
    now: i64,
}

/// What a run has archived, and its ledger.
#[derive(Default)]
struct Archive {
    times: Vec<i64>,
    ledger: Vec<Piece>,
}

/// The time that the walk took, and what it did.
#[derive(Default)]
struct Cost {
    time: Duration,
    pages: u64,
    rows: u64,
}

impl Cost {
    fn of<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = act();
        self.time += start.elapsed();
        result
    }
}

impl List {
    fn of(messages: i64) -> Self {
        let times: Vec<i64> = (1..=messages).map(|number| number * 1_000).collect();
        let now = times.last().map_or(0, |time| time + 3_600_000);
        Self { times, now }
    }

    /// A message arrives, and is older than the lag when the next page is asked for.
    fn grow(&mut self) {
        self.now += 3_000;
        self.times.push(self.now - 2_000);
    }

    fn page(&self, skip: u64, limit: u32) -> Result<PageFacts> {
        let rows = self.times.iter().rev().skip(usize::try_from(skip)?);
        let row = |time: &i64| RowFacts {
            id_hash: time.cast_unsigned(),
            created_at: Some(Timestamp::from_millis(*time)),
        };
        Ok(PageFacts {
            skip,
            limit,
            sent_at: Timestamp::from_millis(self.now),
            count: Some(i64::try_from(self.times.len())?),
            rows: rows.take(usize::try_from(limit)?).map(row).collect(),
        })
    }
}

impl Archive {
    fn known(&self) -> Known {
        Known {
            ledger: self.ledger.clone(),
            live: self.times.len() as u64,
            full_page: (!self.times.is_empty()).then_some(RULES.limit),
            ..Known::default()
        }
    }

    fn newer(&self, time: i64) -> u64 {
        (self.times.len() - self.times.partition_point(|other| *other <= time)) as u64
    }

    fn skip(&self, request: Request) -> u64 {
        match request.position {
            Position::Skip(skip) => skip,
            Position::Above(time, rows) => self.newer(time.as_millis()).saturating_sub(rows),
        }
    }

    /// Takes what a page has; the times stay in order.
    fn store(&mut self, page: &PageFacts) {
        let times = page.rows.iter().filter_map(|row| row.created_at);
        for time in times.map(Timestamp::as_millis) {
            let place = self.times.partition_point(|other| *other < time);
            if self.times.get(place) != Some(&time) {
                self.times.insert(place, time);
            }
        }
    }
}

/// One run to its end; `grows`: a message arrives before each tenth page.
fn run(
    list: &mut List,
    archive: &mut Archive,
    at_once: u64,
    grows: bool,
) -> Result<(Cost, Verdict)> {
    let mut cost = Cost::default();
    let known = archive.known();
    let mut walk = cost.of(|| Walk::new(RULES, &known));
    loop {
        let request = match cost.of(|| walk.step()) {
            Step::Done(verdict) => {
                archive.ledger = walk.ledger().pieces();
                cost.pages = walk.pages();
                return Ok((cost, verdict));
            }
            Step::Ask(request) => request,
        };
        if at_once > 1 && walk.pages_ahead() > 1 {
            run_ahead(list, archive, &mut walk, at_once, &mut cost)?;
            continue;
        }
        if grows && walk.pages().is_multiple_of(10) {
            list.grow();
        }
        let page = list.page(archive.skip(request), request.limit)?;
        cost.rows += page.len();
        cost.of(|| walk.accept(&page));
        let ranks = walk.asks_ranks_of().map(|time| Ranks {
            newer: archive.newer(time.as_millis()),
            newer_or_same: archive.newer(time.as_millis() - 1),
        });
        archive.store(&page);
        let live = archive.times.len() as u64;
        cost.of(|| walk.stored(Stored { live, ranks }));
    }
}

/// Several pages at once, the last that was asked for coming first.
fn run_ahead(
    list: &List,
    archive: &mut Archive,
    walk: &mut Walk,
    at_once: u64,
    cost: &mut Cost,
) -> Result<()> {
    loop {
        let mut under_way = Vec::new();
        while (under_way.len() as u64) < at_once {
            let Some(request) = cost.of(|| walk.ask_ahead()) else {
                break;
            };
            under_way.push(list.page(archive.skip(request), request.limit)?);
        }
        if under_way.is_empty() {
            cost.of(|| walk.end_ahead());
            let live = archive.times.len() as u64;
            cost.of(|| walk.stored(Stored { live, ranks: None }));
            return Ok(());
        }
        while let Some(page) = under_way.pop() {
            cost.rows += page.len();
            cost.of(|| walk.accept_ahead(&page));
            archive.store(&page);
            let live = archive.times.len() as u64;
            cost.of(|| walk.stored(Stored { live, ranks: None }));
        }
    }
}

fn complete((cost, verdict): (Cost, Verdict)) -> Result<Cost> {
    ensure!(verdict == Verdict::Complete, "not complete: {verdict:?}");
    Ok(cost)
}

fn first(at_once: u64, grows: bool) -> Result<Cost> {
    complete(run(
        &mut List::of(MESSAGES),
        &mut Archive::default(),
        at_once,
        grows,
    )?)
}

/// An archive that has the whole list.
fn archived() -> Result<(List, Archive)> {
    let (mut list, mut archive) = (List::of(MESSAGES), Archive::default());
    complete(run(&mut list, &mut archive, AT_ONCE, false)?)?;
    list.now += 3_600_000;
    Ok((list, archive))
}

fn idle() -> Result<Cost> {
    let (mut list, mut archive) = archived()?;
    let mut all = Cost::default();
    for _ in 0..IDLE_WALKS {
        let cost = complete(run(&mut list, &mut archive, 1, false)?)?;
        ensure!(cost.pages == 1, "{} pages", cost.pages);
        all.time += cost.time;
        all.pages += cost.pages;
        all.rows += cost.rows;
    }
    Ok(all)
}

/// The walk of a run that finds 1,000 new messages.
fn grown() -> Result<Cost> {
    let (mut list, mut archive) = archived()?;
    for _ in 0..1_000 {
        list.grow();
    }
    complete(run(&mut list, &mut archive, 1, false)?)
}

type Scene = (&'static str, fn() -> Result<Cost>);

const SCENES: [Scene; 5] = [
    ("first walk, page after page", || first(1, false)),
    ("first walk, 16 pages at once", || first(AT_ONCE, false)),
    (
        "first walk, a message arrives before each tenth page",
        || first(1, true),
    ),
    ("10,000 idle walks", idle),
    ("1,000 new messages", grown),
];

fn main() -> Result<()> {
    let told = std::env::args().skip(1).find(|text| text != "--bench");
    let rounds = match told.as_deref() {
        // `cargo test --benches` runs every bench so.
        Some("--test") => 1,
        Some(text) => text.parse()?,
        None => 11,
    };
    println!("{MESSAGES} messages, {rounds} rounds\n");
    println!("| scene | requests | ns a page | messages/s |\n|---|---|---|---|");
    for (name, scene) in SCENES {
        let mut costs = (0..rounds.max(1))
            .map(|_| scene())
            .collect::<Result<Vec<Cost>>>()?;
        costs.sort_unstable_by_key(|cost| cost.time);
        let median = &costs[costs.len() / 2];
        let seconds = median.time.as_secs_f64();
        let number = |count: u64| u32::try_from(count).map(f64::from);
        println!(
            "| {name} | {} | {:.0} | {:.0} |",
            median.pages,
            seconds / number(median.pages)? * 1e9,
            number(median.rows)? / seconds
        );
    }
    Ok(())
}
