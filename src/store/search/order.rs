//! The order of hits, and the newest of them in bounded memory.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    fmt,
    str::FromStr,
};

use crate::model::Timestamp;

/// A hit, as far as its order needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) key: i64,
    pub(super) created_at: Option<Timestamp>,
    /// In millionths; 0 while it is not ranked.
    pub(super) rank: u32,
}

impl Found {
    /// The newest is the greatest; without a time it is the least.
    fn age(&self) -> (Option<Timestamp>, i64) {
        (self.created_at, self.key)
    }

    pub(super) fn best_first(&self, other: &Self) -> Ordering {
        (other.rank, other.age()).cmp(&(self.rank, self.age()))
    }
}

/// A place between two hits of a search: where the next page begins. As text it has digits, `-`
/// and `.` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor {
    rank: u32,
    pub(super) created_at: Option<Timestamp>,
    pub(super) key: i64,
}

impl SearchCursor {
    /// After this hit.
    pub(super) const fn at(found: &Found) -> Self {
        Self {
            rank: found.rank,
            created_at: found.created_at,
            key: found.key,
        }
    }

    const fn found(&self) -> Found {
        Found {
            key: self.key,
            created_at: self.created_at,
            rank: self.rank,
        }
    }

    /// Whether a hit comes later where the best is first.
    pub(super) fn is_before_by_rank(&self, found: &Found) -> bool {
        self.found().best_first(found) == Ordering::Less
    }

    fn is_before_by_age(&self, found: &Found) -> bool {
        found.age() < self.found().age()
    }
}

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.", self.rank, self.key)?;
        match self.created_at {
            Some(time) => write!(f, "{}", time.as_millis()),
            None => Ok(()),
        }
    }
}

/// The text of a place is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in a list of hits; search again from the first page")]
pub struct NoCursor;

impl FromStr for SearchCursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let parts: Vec<&str> = text.split('.').collect();
        let [rank, key, time] = parts.as_slice() else {
            return Err(NoCursor);
        };
        let created_at = match *time {
            "" => None,
            millis => Some(Timestamp::from_millis(
                millis.parse().map_err(|_| NoCursor)?,
            )),
        };
        Ok(Self {
            rank: rank.parse().map_err(|_| NoCursor)?,
            created_at,
            key: key.parse().map_err(|_| NoCursor)?,
        })
    }
}

/// The newest hits that come after a place, so many at most.
#[derive(Debug)]
pub(super) struct Newest {
    keep: usize,
    after: Option<SearchCursor>,
    /// The oldest is at the top.
    found: BinaryHeap<Reverse<ByAge>>,
}

#[derive(Debug, PartialEq, Eq)]
struct ByAge(Found);

impl Ord for ByAge {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.age().cmp(&other.0.age())
    }
}

impl PartialOrd for ByAge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Newest {
    pub(super) fn keeping(keep: usize, after: Option<SearchCursor>) -> Self {
        Self {
            keep,
            after,
            found: BinaryHeap::new(),
        }
    }

    pub(super) fn add(&mut self, found: Found) {
        if self
            .after
            .is_some_and(|after| !after.is_before_by_age(&found))
        {
            return;
        }
        self.found.push(Reverse(ByAge(found)));
        if self.found.len() > self.keep {
            self.found.pop();
        }
    }

    /// The newest first.
    pub(super) fn into_sorted(self) -> Vec<Found> {
        let sorted = self.found.into_sorted_vec();
        sorted
            .into_iter()
            .map(|Reverse(ByAge(found))| found)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(key: i64, time: Option<i64>) -> Found {
        Found {
            key,
            created_at: time.map(Timestamp::from_millis),
            rank: 0,
        }
    }

    #[test]
    fn the_newest_are_kept_and_those_without_a_time_come_last() {
        let all = [
            found(1, Some(5)),
            found(2, None),
            found(3, Some(9)),
            found(4, Some(5)),
            found(5, None),
        ];
        let order = |keep, after| -> Vec<i64> {
            let mut newest = Newest::keeping(keep, after);
            for found in all {
                newest.add(found);
            }
            newest.into_sorted().iter().map(|found| found.key).collect()
        };
        assert_eq!(order(9, None), [3, 4, 1, 5, 2]);
        assert_eq!(order(2, None), [3, 4]);
        assert_eq!(order(9, Some(SearchCursor::at(&all[3]))), [1, 5, 2]);
        assert_eq!(order(9, Some(SearchCursor::at(&all[4]))), [2]);
    }

    #[test]
    fn a_place_survives_being_text() {
        for time in [Some(-7), None] {
            let cursor = SearchCursor::at(&found(12, time));
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "1.2", "1.2.3.4", "a.2.3", "1.2.x", "-1.2.3"] {
            assert_eq!(text.parse::<SearchCursor>(), Err(NoCursor), "{text}");
        }
    }
}
