//! The model of an archive: it does what the walk says, and checks each word of it against the
//! server's own truth.

use std::{collections::HashMap, time::Duration};

use super::server::Server;
use crate::{
    model::{CountTrust, Piece, Timestamp},
    walk::{
        Claim, ClaimedPage, Hiding, Known, Ledger, PageFacts, Ranks, Rules, Stored, Strike, Sweep,
        Walk, is_inconsistent, is_mass_deletion, strike, was_sent_since,
    },
};

pub(super) const RULES: Rules = Rules {
    limit: 20,
    limit_max: 80,
    lag: Duration::from_millis(600),
};

/// What the archive holds, and what it stored of the walk.
#[derive(Default, Clone)]
pub(super) struct Archive {
    /// By id.
    pub(super) messages: Vec<Option<Message>>,
    pub(super) live: u64,
    /// Rows asked for in one page, where not those of [`RULES`].
    pub(super) limit: Option<u32>,
    pub(super) ledger: Vec<Piece>,
    pub(super) full_ledger: Vec<Piece>,
    pub(super) tie_points: Vec<Piece>,
    pub(super) full: bool,
    pub(super) run: u64,
    pub(super) braked: bool,
    /// Of this run: the page that a message was absent from, or back in.
    pub(super) absent: HashMap<u32, u64>,
    pub(super) back: HashMap<u32, u64>,
    pub(super) contradictions: u64,
    pub(super) unlisted: Option<i64>,
    pub(super) count_trust: CountTrust,
    pub(super) full_page: Option<u32>,
    pub(super) hiding: Hiding,
    pub(super) cuts_pages: bool,
    pub(super) swept_below: Option<Timestamp>,
    /// T of the last page from the head.
    pub(super) last_head_at: i64,
    /// Pages that were accepted in all.
    pub(super) accepted: u64,
    /// Pages that stored or changed a message.
    pub(super) writes: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    pub(super) time: i64,
    pub(super) edition: u32,
    /// The page, counted over all runs, that held it last.
    seen: u64,
    /// First absence, and the run that met it.
    pub(super) missing: Option<(Timestamp, u64)>,
    pub(super) confirmed: bool,
    pub(super) deleted: bool,
}

impl Archive {
    pub(super) fn rules(&self) -> Rules {
        let limit = self.limit.unwrap_or(RULES.limit);
        Rules {
            limit,
            limit_max: 4 * limit,
            ..RULES
        }
    }

    pub(super) fn stored_messages(&self) -> impl Iterator<Item = (u32, Message)> + '_ {
        (0..)
            .zip(&self.messages)
            .filter_map(|(id, message)| message.map(|message| (id, message)))
    }

    pub(super) fn is_live(&self, id: u32) -> bool {
        matches!(self.messages.get(id as usize), Some(Some(message)) if message.missing.is_none())
    }

    pub(super) fn rank(&self, time: Timestamp) -> u64 {
        let newer =
            |message: &&Message| message.missing.is_none() && message.time > time.as_millis();
        self.messages.iter().flatten().filter(newer).count() as u64
    }

    pub(super) fn ranks(&self, time: Timestamp) -> Ranks {
        Ranks {
            newer: self.rank(time),
            newer_or_same: self.rank(Timestamp::from_millis(time.as_millis() - 1)),
        }
    }

    /// Takes a page's rows and claims, sent when `sent_after` pages had been accepted, and the
    /// walk's own state with them: one transaction.
    pub(super) fn store(
        &mut self,
        page: &PageFacts,
        previous: &PageFacts,
        claims: &[Claim],
        sent_after: u64,
        server: &Server,
        seed: u64,
    ) {
        self.accepted += 1;
        if page.skip == 0 {
            self.last_head_at = page.sent_at.as_millis();
        }
        let mut writes = false;
        for row in &page.rows {
            self.note_listed(u32::try_from(row.id_hash).unwrap(), sent_after);
            writes |= self.put(row.id_hash, row.created_at.unwrap().as_millis(), server);
        }
        self.writes += u64::from(writes);
        for claim in claims {
            let held = match claim.page {
                ClaimedPage::This => page,
                ClaimedPage::Previous => previous,
            };
            self.strike(claim, held, sent_after, server, seed);
        }
    }

    pub(super) fn begin_run(&mut self) {
        self.run += 1;
        self.absent.clear();
        self.back.clear();
        self.contradictions = 0;
    }

    pub(super) fn is_inconsistent(&self) -> bool {
        is_inconsistent(self.contradictions)
    }

    fn note_listed(&mut self, id: u32, sent_after: u64) {
        if let Some(page) = self.absent.remove(&id) {
            self.contradictions += u64::from(was_sent_since(sent_after, page));
        }
        let stored = self.messages.get(id as usize).copied().flatten();
        if let Some(message) = stored.filter(|message| message.missing.is_some()) {
            self.contradictions += u64::from(message.confirmed);
            self.back.insert(id, self.accepted);
        }
    }

    /// Whether that wrote anything.
    fn put(&mut self, id: u64, time: i64, server: &Server) -> bool {
        let place = usize::try_from(id).unwrap();
        if self.messages.len() <= place {
            self.messages.resize(place + 1, None);
        }
        let edition = server.fates[place].edition;
        let known = self.messages[place];
        let was_live = known.is_some_and(|message| message.missing.is_none());
        self.live += u64::from(!was_live);
        self.messages[place] = Some(Message {
            time,
            edition,
            seen: self.accepted,
            missing: None,
            confirmed: false,
            deleted: false,
        });
        !was_live || known.is_some_and(|message| message.edition != edition)
    }

    /// Marks what a claim shows absent; every mark must be true, but where a replica may lag.
    fn strike(
        &mut self,
        claim: &Claim,
        held: &PageFacts,
        sent_after: u64,
        server: &Server,
        seed: u64,
    ) {
        let (after, before) = (
            claim.interval.after.map_or(i64::MIN, Timestamp::as_millis),
            claim.interval.before.map_or(i64::MAX, Timestamp::as_millis),
        );
        for (id, slot) in (0_u32..).zip(&mut self.messages) {
            let Some(message) = slot else { continue };
            let inside = after < message.time && message.time < before;
            if !inside || message.deleted || !was_sent_since(sent_after, message.seen) {
                continue;
            }
            if held.rows.iter().any(|row| row.id_hash == u64::from(id)) {
                continue;
            }
            let since = message.missing.map(|(since, _)| since);
            let this_run = message.missing.is_some_and(|(_, run)| run == self.run);
            let struck = strike(since, this_run, claim.sent_at, RULES.lag);
            assert!(
                struck.is_none()
                    || !server.is_listed(id)
                    || server.schedule.lagging > 0.0
                    || server.schedule.lacks_one_in.is_some()
                    || server.seems_hidden(id),
                "seed {seed}: message {id} is listed and was called absent: {:?}",
                server.schedule
            );
            if struck.is_some() {
                self.absent.insert(id, self.accepted);
                if let Some(page) = self.back.remove(&id) {
                    self.contradictions += 2 * u64::from(was_sent_since(sent_after, page));
                }
            }
            if struck.is_some() && message.missing.is_none() {
                message.missing = Some((claim.sent_at, self.run));
                self.live -= 1;
                self.writes += 1;
            }
            message.confirmed |= struck == Some(Strike::Second);
        }
    }

    /// The end of a run: what was absent twice becomes a tombstone, unless it is too much.
    pub(super) fn bury(&mut self, server: &Server, seed: u64) {
        let due = |message: &Message| message.confirmed && !message.deleted;
        let known = self.messages.iter().flatten();
        let confirmed = known.clone().filter(|message| due(message)).count() as u64;
        let known = known.filter(|message| !message.deleted).count() as u64;
        self.braked = is_mass_deletion(confirmed, known, server.list.is_empty());
        if self.braked || confirmed == 0 {
            return;
        }
        for (id, slot) in (0_u32..).zip(&mut self.messages) {
            if let Some(message) = slot.as_mut().filter(|message| due(message)) {
                assert!(
                    !server.is_listed(id) || server.seems_hidden(id),
                    "seed {seed}: a false tombstone for message {id}"
                );
                message.deleted = true;
            }
        }
    }

    /// The places of missing messages, each once.
    fn to_confirm(&self) -> Vec<Timestamp> {
        let mut places: Vec<Timestamp> = self
            .messages
            .iter()
            .flatten()
            .filter(|message| message.missing.is_some() && !message.confirmed)
            .map(|message| Timestamp::from_millis(message.time))
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    pub(super) fn known(&self) -> Known {
        Known {
            ledger: self.ledger.clone(),
            full_ledger: self.full_ledger.clone(),
            tie_points: self.tie_points.clone(),
            full: self.full,
            live: self.live,
            unlisted: self.unlisted,
            count_trust: self.count_trust,
            to_confirm: self.to_confirm(),
            full_page: self.full_page,
            hiding: self.hiding.clone(),
            cuts_pages: self.cuts_pages,
        }
    }

    /// Tells the walk what became of its page, and stores what it has come to.
    pub(super) fn tell(&mut self, walk: &mut Walk, ranks: Option<Ranks>) {
        walk.stored(Stored {
            live: self.live,
            ranks,
        });
        self.ledger = walk.ledger().pieces();
        self.full_ledger = walk.second_cover().map(Ledger::pieces).unwrap_or_default();
        self.full = self.full && walk.second_cover().is_some();
        self.tie_points = walk.tie_points();
        self.unlisted = walk.unlisted();
        self.count_trust = walk.count_trust();
        self.full_page = walk.full_page();
        self.cuts_pages = walk.cuts_pages();
    }

    pub(super) fn keep_sweep(&mut self, sweep: &Sweep) {
        self.ledger = sweep.ledger().pieces();
        self.full_ledger = sweep.second_cover().map(Ledger::pieces).unwrap_or_default();
        self.swept_below = sweep.cursor();
    }
}
