//! When an absence counts, and when many of them are too many to believe.

use std::time::Duration;

use super::switch::{self, Rule};
use crate::model::Timestamp;

/// Deletions that the brake lets through whatever the size of the conversation.
const BRAKE_MESSAGES: u64 = 20;
/// The share of a conversation, one in so many, that the brake lets through.
const BRAKE_ONE_IN: u64 = 20;

/// Which sign of a message's absence a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The first one: the message is missing.
    First,
    /// The second one, in a later run and at least λ later: it may become a tombstone.
    Second,
}

/// Whether a page that was sent when `sent_after` pages had been accepted can speak of the
/// absence of a message that the `seen`-th page held: only if it was sent after that one came.
pub fn was_sent_since(sent_after: u64, seen: u64) -> bool {
    seen <= sent_after || !switch::holds(Rule::SentAfterSeen)
}

/// What it means that a page, sent at `sent_at`, does not hold a message of its interval that
/// the archive calls missing since `missing_since`, by a page of this run, or of one that had not
/// ended λ ago by this machine's clock, or not. `None` if it proves nothing new: two pages of one
/// run, or closer than λ, may show one lagging replica. A first absence in the future was noted by
/// a wrong clock, and is replaced.
pub fn strike(
    missing_since: Option<Timestamp>,
    is_recent: bool,
    sent_at: Timestamp,
    lag: Duration,
) -> Option<Strike> {
    match missing_since {
        None if !switch::holds(Rule::SecondStrike) => Some(Strike::Second),
        None => Some(Strike::First),
        Some(since) if !is_recent && since > sent_at.plus(lag) => Some(Strike::First),
        Some(since)
            if !is_recent && (sent_at >= since.plus(lag) || !switch::holds(Rule::StrikeLag)) =>
        {
            Some(Strike::Second)
        }
        Some(_) => None,
    }
}

/// Whether answers of one run cannot be states of one list: messages were absent from a page and
/// listed by one that was sent after it came, or the other way round. One message may have been
/// deleted while a replica lags; one that was missing for longer than that counts as two.
pub fn is_inconsistent(contradictions: u64) -> bool {
    contradictions > 1 && switch::holds(Rule::OneList)
}

/// Whether so many confirmed absences at once are rather a fault than deletions: more than 20
/// and more than 5 % of the conversation's `known` messages, or every one of a conversation
/// that answers empty.
pub fn is_mass_deletion(confirmed: u64, known: u64, answers_empty: bool) -> bool {
    if !switch::holds(Rule::Brake) {
        return false;
    }
    let bound = BRAKE_MESSAGES.max(known / BRAKE_ONE_IN);
    confirmed > bound || (answers_empty && confirmed > 0 && confirmed >= known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Duration = Duration::from_millis(600);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_page_speaks_of_messages_that_were_seen_before_it_was_sent() {
        assert!(was_sent_since(5, 4) && was_sent_since(5, 5));
        assert!(!was_sent_since(5, 6));
    }

    #[test]
    fn the_second_strike_needs_another_run_and_the_lag() {
        assert_eq!(strike(None, false, at(0), LAG), Some(Strike::First));
        assert_eq!(
            strike(Some(at(0)), false, at(600), LAG),
            Some(Strike::Second)
        );
        assert_eq!(strike(Some(at(0)), false, at(599), LAG), None);
        assert_eq!(strike(Some(at(0)), true, at(10_000), LAG), None);
    }

    #[test]
    fn a_first_strike_in_the_future_is_replaced_by_a_later_run() {
        let future = Some(at(10_601));
        assert_eq!(strike(future, false, at(10_000), LAG), Some(Strike::First));
        assert_eq!(strike(future, true, at(10_000), LAG), None);
        assert_eq!(strike(Some(at(10_600)), false, at(10_000), LAG), None);
    }

    #[test]
    fn the_brake_lets_twenty_or_five_in_a_hundred_through() {
        assert!(!is_mass_deletion(20, 25, false));
        assert!(is_mass_deletion(21, 25, false));
        assert!(is_mass_deletion(21, 420 - 1, false));
        assert!(!is_mass_deletion(21, 420, false));
        assert!(is_mass_deletion(22, 420, false));
        assert!(!is_mass_deletion(0, 0, true));
        assert!(
            is_mass_deletion(3, 3, true),
            "all of one that answers empty"
        );
        assert!(!is_mass_deletion(3, 4, true));
    }
}
