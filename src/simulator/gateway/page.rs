//! One page of a conversation's messages, in the vendor's JSON.

use super::{reply::Reply, routes::Query};
use crate::simulator::{
    faults::{Fault, Faults},
    listing::{Conversation, Entry},
    schedule::Occasion,
};

const LIMIT_DEFAULT: usize = 10;
/// No page is larger, so that a wild `limit` cannot exhaust the memory.
const LIMIT_MAX: usize = 10_000;

/// The page, and what spoils it if it holds the message that does.
pub(super) fn page(
    conversation: &mut Conversation<'_>,
    faults: &Faults,
    (query, at, record): (&Query<'_>, Occasion, bool),
) -> (Reply, Option<Fault>) {
    let number = |key: &str| {
        let found = query.iter().find(|(own, _)| own == key);
        found.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let limit = number("limit").filter(|&limit| limit > 0);
    let limit = limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    let limit = limit.min(faults.limit_cap.unwrap_or(LIMIT_MAX));
    let skip = number("skip").unwrap_or(0);
    let skip = if faults.skip_ignored { 0 } else { skip };
    let (skip, mut rows, listed) = rows(conversation, faults, at, (skip, limit));
    let seed = conversation.plan.seed();
    faults.spoil_rows(seed, at, limit, &mut rows, |row| {
        conversation.created_ms(row)
    });
    let poison = faults
        .poison
        .filter(|&(place, _)| rows.iter().any(|row| row.is_of_corpus(place)));
    let oddities = faults.row_oddities();
    let bytes_max = faults.page_bytes.unwrap_or(usize::MAX);
    let mut body = Vec::with_capacity(600 * rows.len() + 80);
    body.extend_from_slice(b"{\"items\":[");
    let mut sent = 0;
    for &row in &rows {
        let before = body.len();
        if sent > 0 {
            body.push(b',');
        }
        let start = body.len();
        conversation.write(&mut body, row, &oddities);
        if sent > 0 && body.len() > bytes_max {
            body.truncate(before);
            break;
        }
        if record {
            conversation.note_served(&body[start..]);
        }
        sent += 1;
    }
    body.push(b']');
    if let Some(count) = faults.count(seed, at, listed) {
        body.extend_from_slice(format!(",\"count\":{count}").as_bytes());
    }
    let has_more = faults.more_for_ever || faults.endless || skip + sent < listed;
    let end = format!(",\"total\":{sent},\"has_more\":{has_more}}}");
    body.extend_from_slice(end.as_bytes());
    let reply = Reply {
        rows: sent as u64,
        ..Reply::json(200, body)
    };
    (reply, poison.map(|(_, fault)| fault))
}

/// Where the page begins, its rows, and how many messages are listed in all.
fn rows(
    conversation: &mut Conversation<'_>,
    faults: &Faults,
    at: Occasion,
    (skip, limit): (usize, usize),
) -> (usize, Vec<Entry>, usize) {
    if faults.split > 0.0 {
        let held = conversation.entries_held(faults, at.request % 2);
        let listed = held.len();
        let rows = held.into_iter().skip(skip).take(limit).collect();
        return (skip, rows, listed);
    }
    let listed = conversation.len();
    let skip = if faults.endless && listed > 0 {
        skip % listed
    } else {
        skip
    };
    let window = faults.window.unwrap_or(usize::MAX);
    let limit = limit.min(window.saturating_sub(skip));
    let rows = if faults.shuffle_ties {
        conversation.entries_ties_shuffled(skip, limit)
    } else {
        conversation.entries(skip, limit)
    };
    (skip, rows, listed)
}
