//! What a gateway's conversations show together of messages that are counted and not listed:
//! how much of it is this gateway's habit, and where a result window ends every list.
//!
//! A difference between `count` and the list that nothing here explains is a deficit: messages
//! may be out of reach, so nothing is claimed of them.

use super::switch::{self, Rule};

/// A difference up to this many messages is small whatever the size of the conversation.
const SMALL: u64 = 5;
/// One message in so many is small too: 2 %.
const SMALL_ONE_IN: u64 = 50;
/// A list that ends at a multiple of this looks like one that a result window ends: only a few
/// messages that are counted beyond it are small then.
const ROUND_RANK: u64 = 1_000;
/// Conversations that must be known before they show a habit.
const CONVERSATIONS_MIN: usize = 8;
/// The habit that is believed at most, in thousandths of the count.
const HABIT_MAX: u64 = 500;
/// In so many hundredths of the conversations the difference must be near the usual one.
const NEAR_SHARE: usize = 80;
/// So many hundredths of the longer conversations end just at a window.
const EXACT_SHARE: usize = 25;

/// What one conversation shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How many messages its list holds.
    pub listed: u64,
    /// b: how many more its `count` says.
    pub unlisted: i64,
}

impl Sample {
    fn hidden(self) -> u64 {
        u64::try_from(self.unlisted).unwrap_or(0)
    }

    fn counted(self) -> u64 {
        self.listed.saturating_add(self.hidden())
    }

    fn is_small(self) -> bool {
        let share = if is_round(self.listed) {
            0
        } else {
            self.counted() / SMALL_ONE_IN
        };
        self.hidden() <= SMALL.max(share)
    }

    /// Of the count, in thousandths.
    fn share(self) -> u64 {
        self.hidden().saturating_mul(1_000) / self.counted().max(1)
    }
}

/// What is counted and not listed at this gateway, as far as its conversations show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hiding {
    windows: Vec<u64>,
    habit: Option<u64>,
}

impl Hiding {
    /// Learns from the conversations whose b is known.
    pub fn learn(samples: &[Sample]) -> Self {
        let windows = windows_of(samples);
        let spread: Vec<Sample> = samples
            .iter()
            .copied()
            .filter(|sample| !windows.contains(&sample.listed))
            .collect();
        Self {
            habit: habit_of(&spread),
            windows,
        }
    }

    /// The usual share of the count that is not listed, in thousandths, where most conversations
    /// show one.
    pub fn habit(&self) -> Option<u64> {
        self.habit
    }

    /// Whether a list that ends at this rank, with far more counted, ends at a result window.
    pub fn is_window(&self, listed: u64) -> bool {
        self.windows.contains(&listed) || is_round(listed)
    }

    /// Whether so many messages that are counted and not listed are likely to be hidden ones,
    /// and not messages out of reach.
    pub fn explains(&self, sample: Sample) -> bool {
        if sample.unlisted <= 0 || !switch::holds(Rule::BoundedUnlisted) {
            return true;
        }
        let usual = self.habit.unwrap_or(0).saturating_mul(sample.counted()) / 1_000;
        let is_usual = usual > 0 && sample.hidden() <= 2 * usual + SMALL;
        !self.windows.contains(&sample.listed) && (sample.is_small() || is_usual)
    }
}

fn is_round(listed: u64) -> bool {
    listed > 0 && listed.is_multiple_of(ROUND_RANK)
}

/// The ranks at which at least two lists end short of their count, and which next to no list of
/// a longer conversation passes.
fn windows_of(samples: &[Sample]) -> Vec<u64> {
    let mut ends: Vec<u64> = samples
        .iter()
        .filter(|sample| !sample.is_small())
        .map(|sample| sample.listed)
        .filter(|&listed| listed > 0)
        .collect();
    ends.sort_unstable();
    let mut windows: Vec<u64> = ends
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    windows.dedup();
    windows.retain(|&rank| {
        let longer = samples.iter().filter(|sample| sample.counted() > rank);
        // What has arrived since stands in the archive above the window.
        let ends_near = |sample: &&Sample| sample.listed <= rank + rank / 20;
        let near = longer.clone().filter(ends_near).count();
        // Lists of one length by chance are few among those that count more.
        let exact = samples.iter().filter(|sample| sample.listed == rank);
        let longer = longer.count();
        100 * near >= NEAR_SHARE * longer && 100 * exact.count() >= EXACT_SHARE * longer
    });
    windows
}

/// The median share, where more than half of the conversations hide something and most of them
/// about the same share.
fn habit_of(samples: &[Sample]) -> Option<u64> {
    if samples.len() < CONVERSATIONS_MIN {
        return None;
    }
    let hiding = samples.iter().filter(|sample| sample.unlisted > 0).count();
    let mut shares: Vec<u64> = samples.iter().map(|sample| sample.share()).collect();
    let middle = shares.len() / 2;
    let median = *shares.select_nth_unstable(middle).1;
    let near = |sample: &&Sample| {
        let usual = median.saturating_mul(sample.counted()) / 1_000;
        sample.hidden().abs_diff(usual) <= SMALL.max(usual / 2)
    };
    let near = samples.iter().filter(near).count();
    let is_habit = 2 * hiding > samples.len()
        && 100 * near >= NEAR_SHARE * samples.len()
        && (1..=HABIT_MAX).contains(&median);
    is_habit.then_some(median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(listed: u64, unlisted: i64) -> Sample {
        Sample { listed, unlisted }
    }

    #[test]
    fn only_a_small_difference_is_believed_of_a_conversation_alone() {
        let alone = Hiding::default();
        for (listed, unlisted, believed) in [
            (0, 5, true),
            (0, 6, false),
            (0, 500, false),
            (10, 5, true),
            (10, 6, false),
            (980, 20, true),
            (979, 21, false),
            (10, -500, true),
            (9_999, 150, true),
            (10_000, 150, false),
            (10_000, 5, true),
        ] {
            let explained = alone.explains(sample(listed, unlisted));
            assert_eq!(explained, believed, "{listed} and {unlisted}");
        }
    }

    #[test]
    fn what_most_conversations_hide_in_proportion_is_a_habit() {
        let hiding = |share: fn(u64) -> i64| -> Vec<Sample> {
            (1..=20).map(|n| sample(37 * n, share(37 * n))).collect()
        };
        let third = Hiding::learn(&hiding(|listed| i64::try_from(listed / 2).unwrap()));
        assert_eq!(third.habit(), Some(333));
        assert!(third.explains(sample(1_234, 617)));
        assert!(!third.explains(sample(1_234, 5_000)), "out of proportion");

        let few: Vec<Sample> = (1..=7).map(|n| sample(100 * n + 1, 50)).collect();
        assert_eq!(Hiding::learn(&few).habit(), None, "too few are known");
        let mut half = hiding(|_| 0);
        half.iter_mut().step_by(2).for_each(|it| it.unlisted = 40);
        assert_eq!(Hiding::learn(&half).habit(), None, "one in two is not most");
        // What a gateway lists of the last weeks only is another share of each conversation.
        let recent: Vec<Sample> = (1..=20)
            .map(|n| sample(30 * n, 600 - 30 * i64::try_from(n).unwrap()))
            .collect();
        assert_eq!(Hiding::learn(&recent).habit(), None);
    }

    #[test]
    fn lists_that_end_at_one_rank_whatever_they_count_end_at_a_window() {
        let mut samples: Vec<Sample> = (1..=12).map(|n| sample(321 * n, 0)).collect();
        samples.extend([
            sample(4_950, 2_475),
            sample(4_950, 2_000),
            sample(4_970, 2_300),
        ]);
        let windowed = Hiding::learn(&samples);
        assert!(windowed.is_window(4_950));
        assert!(
            !windowed.explains(sample(4_950, 3)),
            "small, and at the window"
        );
        assert!(windowed.explains(sample(4_949, 3)));
        // All conversations but for the short ones are cut, by the same share even.
        let all: Vec<Sample> = (0..12).map(|_| sample(4_950, 2_475)).collect();
        assert_eq!(Hiding::learn(&all).habit(), None);

        // Short conversations of a gateway that hides a third are often of one length.
        let alike: Vec<Sample> = (0..60).map(|n| sample(40 + n % 20, 20)).collect();
        let habit = Hiding::learn(&alike);
        for listed in 40..60 {
            assert!(!habit.is_window(listed) && habit.explains(sample(listed, 22)));
        }
    }
}
