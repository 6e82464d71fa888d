//! One run of one conversation: what `sync` does, without a network and without a database.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    archive::Archive,
    server::{Listed, Server, UnderWay},
};
use crate::{
    model::{FailureClass, Timestamp},
    walk::{PageFacts, Position, Request, Step, Stretch, Sweep, Verdict, Walk},
};

/// How a run is driven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drive {
    /// The process dies after so many pages.
    pub(super) kill_after: Option<u64>,
    /// Pages under way at once, where the walk can give them.
    pub(super) window: usize,
    /// Pages that the sweep may spend.
    pub(super) sweep_pages: u64,
    /// How far the look-back goes, in ms.
    pub(super) lookback_ms: i64,
}

impl Drive {
    pub(super) const PLAIN: Self = Self {
        kill_after: None,
        window: 1,
        sweep_pages: 0,
        lookback_ms: 0,
    };
}

/// The verdict, or `None` if the run was killed.
pub(super) fn run(
    server: &mut Server,
    archive: &mut Archive,
    drive: Drive,
    seed: u64,
) -> Option<Verdict> {
    archive.begin_run();
    let mut walk = Walk::new(archive.rules(), &archive.known());
    let mut previous = EMPTY;
    let asked_before = server.requests;
    let verdict = loop {
        assert_within_budget(&walk, server.requests - asked_before, seed);
        let request = match walk.step() {
            Step::Done(verdict) => break verdict,
            Step::Ask(request) => request,
        };
        let is_killed = |walk: &Walk| drive.kill_after.is_some_and(|pages| walk.pages() >= pages);
        if is_killed(&walk) {
            return None;
        }
        if drive.window > 1 && walk.pages_ahead() > 1 {
            if !run_ahead(server, archive, &mut walk, drive, seed) {
                return None;
            }
            continue;
        }
        let sent = server.send(skip_of(archive, request), request.limit);
        let Some(page) = server.try_answer(sent) else {
            if walk.page_failed(sent.skip, FailureClass::Server, "500") {
                continue;
            }
            return None;
        };
        let sent_after = archive.accepted;
        let claims = walk.accept(&page);
        let ranks = walk.asks_ranks_of().map(|time| archive.ranks(time));
        archive.store(&page, &previous, &claims, sent_after, server, seed);
        previous = page;
        archive.tell(&mut walk, ranks);
    };
    if archive.is_inconsistent() {
        return Some(Verdict::Partial {
            class: FailureClass::InconsistentGateway,
            reason: String::new(),
        });
    }
    archive.bury(server, seed);
    if server.schedule.lacks_one_in.is_some() {
        return Some(verdict);
    }
    if verdict == Verdict::Complete {
        assert_claims(&walk, server, archive, seed);
        sweep(server, archive, drive, seed);
    }
    Some(verdict)
}

/// Whatever comes back, a walk ends within the budget that it has fixed at its first page.
fn assert_within_budget(walk: &Walk, asked: u64, seed: u64) {
    assert_eq!(walk.pages(), asked, "seed {seed}: a page was not counted");
    let budget = walk.budget().unwrap_or(0);
    assert!(
        asked <= budget,
        "seed {seed}: {asked} pages over the budget of {budget}"
    );
}

const EMPTY: PageFacts = PageFacts {
    skip: 0,
    limit: 0,
    sent_at: Timestamp::from_millis(0),
    count: None,
    rows: Vec::new(),
};

/// Several pages at once, answered and accepted in any order; false if the process dies.
fn run_ahead(
    server: &mut Server,
    archive: &mut Archive,
    walk: &mut Walk,
    drive: Drive,
    seed: u64,
) -> bool {
    // A page that was sent, the pages accepted by then, and the answer where it is there.
    let mut under_way: Vec<(UnderWay, u64, Option<PageFacts>)> = Vec::new();
    let mut failed = false;
    loop {
        while !failed && under_way.len() < drive.window {
            let Some(request) = walk.ask_ahead() else {
                break;
            };
            let sent = server.send(skip_of(archive, request), request.limit);
            under_way.push((sent, archive.accepted, None));
        }
        if under_way.is_empty() {
            walk.end_ahead();
            archive.tell(walk, None);
            return true;
        }
        let place = server.random.random_range(0..under_way.len());
        let (sent, sent_after, answer) = &mut under_way[place];
        match answer.take() {
            None => {
                *answer = server.try_answer(*sent);
                // The walk asks for a page that failed again, one at a time.
                if answer.is_none() {
                    under_way.swap_remove(place);
                    failed = true;
                }
            }
            Some(page) => {
                if drive.kill_after.is_some_and(|pages| walk.pages() >= pages) {
                    return false;
                }
                let claims = walk.accept_ahead(&page);
                archive.store(&page, &EMPTY, &claims, *sent_after, server, seed);
                archive.tell(walk, None);
                under_way.swap_remove(place);
            }
        }
    }
}

/// The youngest first, then on from the cursor, as far as the pages go.
fn sweep(server: &mut Server, archive: &mut Archive, drive: Drive, seed: u64) {
    let mut left = drive.sweep_pages;
    if left == 0 {
        return;
    }
    let lookback = Timestamp::from_millis(server.now - drive.lookback_ms);
    for stretch in [Stretch::DownTo(lookback), Stretch::Cycle] {
        let mut sweep = Sweep::new(
            archive.rules(),
            &archive.known(),
            archive.swept_below,
            stretch,
        );
        while left > 0
            && let Some(request) = sweep.request()
        {
            left -= 1;
            let sent = server.send(skip_of(archive, request), request.limit);
            let Some(page) = server.try_answer(sent) else {
                return;
            };
            let sent_after = archive.accepted;
            let claims = sweep.accept(&page);
            archive.store(&page, &EMPTY, &claims, sent_after, server, seed);
            archive.keep_sweep(&sweep);
        }
    }
}

pub(super) fn skip_of(archive: &Archive, request: Request) -> u64 {
    match request.position {
        Position::Skip(skip) => skip,
        Position::Above(time, rows) => archive.rank(time).saturating_sub(rows),
    }
}

/// What `complete` says: nothing listed below the horizon is missing, but what came later than λ.
fn assert_claims(walk: &Walk, server: &Server, archive: &Archive, seed: u64) {
    assert!(
        walk.ledger().covers_all(),
        "seed {seed}: complete without a cover"
    );
    let horizon = walk.proof().horizon.expect("a whole cover has a horizon");
    // So few that are out of reach are taken for hidden ones (A3), and the list shifts meanwhile.
    let reached = server.reached();
    let is_lost = |message: &&Listed| !archive.is_live(message.id);
    let out_of_reach = server.list[reached..].iter().filter(is_lost).count();
    assert!(
        out_of_reach <= 2 * (server.list.len() / 50).max(5),
        "seed {seed}: {out_of_reach} are out of reach, {:?}",
        server.schedule
    );
    if server.schedule.window.is_some() {
        return;
    }
    for message in &server.list[..reached] {
        let claimed = Timestamp::from_millis(message.time) < horizon
            && !server.fates[message.id as usize].far_late;
        assert!(
            !claimed || archive.is_live(message.id),
            "seed {seed}: message {} of {} is below the horizon {} and not archived: {:?}, {:?}",
            message.id,
            message.time,
            horizon.as_millis(),
            walk.tail_proof(),
            server.schedule
        );
    }
}

/// Draws how a run is driven.
pub(super) fn draw(random: &mut ChaCha8Rng) -> Drive {
    Drive {
        kill_after: random.random_bool(0.3).then(|| random.random_range(0..12)),
        window: if random.random_bool(0.3) {
            random.random_range(2..9)
        } else {
            1
        },
        sweep_pages: if random.random_bool(0.3) {
            random.random_range(1..6)
        } else {
            0
        },
        lookback_ms: random.random_range(0..3_000),
    }
}
