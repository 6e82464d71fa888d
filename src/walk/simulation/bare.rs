//! The walk that everybody else does: add the page size to `skip` until a page is empty, and
//! compare the number of distinct ids with `count`.

use std::fmt;

use super::{archive::RULES, server::Server};

/// What bare walks lost.
#[derive(Debug, Default, Clone)]
pub(super) struct Losses {
    pub(super) walks: u64,
    /// Walks that lost a message which was listed throughout.
    pub(super) lossy: u64,
    /// Of these, those where the number of distinct ids agreed with the last count.
    pub(super) lossy_and_counted_right: u64,
    pub(super) messages: u64,
    requests: u64,
}

impl Losses {
    pub(super) fn add(&mut self, other: &Self) {
        self.walks += other.walks;
        self.lossy += other.lossy;
        self.lossy_and_counted_right += other.lossy_and_counted_right;
        self.messages += other.messages;
        self.requests += other.requests;
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The bare offset walk, once a seed: {} of {} lost messages that were there throughout \
             ({} messages), {} of these with a count that agreed; {} requests",
            self.lossy, self.walks, self.messages, self.lossy_and_counted_right, self.requests
        )
    }
}

/// One bare walk over the server.
pub(super) fn walk(server: &mut Server) -> Losses {
    let before = server.list.clone();
    let mut seen = vec![false; before.len()];
    let (mut skip, mut distinct, mut count) = (0, 0_i64, None);
    let mut late = std::collections::HashSet::new();
    loop {
        let sent = server.send(skip, RULES.limit);
        let page = server.answer(sent);
        count = page.count.or(count);
        for row in &page.rows {
            let place = usize::try_from(row.id_hash).unwrap();
            let fresh = match seen.get_mut(place) {
                Some(seen) => !std::mem::replace(seen, true),
                None => late.insert(row.id_hash),
            };
            distinct += i64::from(fresh);
        }
        skip += page.len();
        if page.is_empty() || skip > 100_000 {
            break;
        }
    }
    let lost = before
        .iter()
        .filter(|message| server.is_listed(message.id) && !seen[message.id as usize])
        .count() as u64;
    Losses {
        walks: 1,
        lossy: u64::from(lost > 0),
        lossy_and_counted_right: u64::from(lost > 0 && count == Some(distinct)),
        messages: lost,
        requests: server.requests,
    }
}
