//! Draws that depend on nothing but their key.
//!
//! Every draw of the simulator is keyed by what it is about (seed, purpose, conversation, n-th
//! request or message), so it is the same whatever was drawn before it: messages can be made on
//! demand and faults do not depend on the order of requests. The generator is `SplitMix64`, spelled
//! out here because a corpus must not change with the version of a library.

/// What a draw is for; keeps the streams of two purposes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Purpose {
    Size = 1,
    Identity,
    Plan,
    Script,
    Times,
    Wording,
    Fault,
    Latency,
    Count,
    Ties,
    Row,
    Mutation,
    Arrival,
    Hidden,
    Split,
}

/// A stream of draws.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of `purpose` for the thing that `key` names.
    pub(super) fn new(seed: u64, purpose: Purpose, key: [u64; 2]) -> Self {
        let mut state = mix(seed.wrapping_add(STEP));
        for part in [purpose as u64, key[0], key[1]] {
            state = mix(state ^ part.wrapping_mul(STEP).wrapping_add(STEP));
        }
        Self(state)
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("a product of two 64-bit numbers has 128 bits")
    }

    /// A number from `from` to `to`, both included.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// A signed number from 0 to `to`, both included; 0 if `to` is negative.
    pub(super) fn millis(&mut self, to: i64) -> i64 {
        let bound = u64::try_from(to).map_or(0, |to| to + 1);
        i64::try_from(self.below(bound)).expect("it is at most `to`")
    }

    /// An index below `bound`, which must not be 0 if it is to be used as one.
    pub(super) fn index(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("usize has at most 64 bits");
        usize::try_from(self.below(bound)).expect("it is below a usize")
    }

    /// True with this probability (1 or more: always).
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fit a double exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }

    /// True in `percent` of 100 draws.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_draws_and_another_key_gives_others() {
        let draws = |seed, purpose, key| {
            let mut dice = Dice::new(seed, purpose, key);
            [dice.next(), dice.next(), dice.next()]
        };
        let first = draws(7, Purpose::Fault, [1, 2]);
        assert_eq!(first, draws(7, Purpose::Fault, [1, 2]));
        assert_ne!(first, draws(8, Purpose::Fault, [1, 2]));
        assert_ne!(first, draws(7, Purpose::Row, [1, 2]));
        assert_ne!(first, draws(7, Purpose::Fault, [2, 1]));
        assert_ne!(first, draws(7, Purpose::Fault, [1, 3]));
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut dice = Dice::new(1, Purpose::Size, [0, 0]);
        assert!((0..1000).all(|_| dice.below(7) < 7));
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
        assert!((0..1000).all(|_| !dice.chance(0.0)));
        assert!((0..1000).all(|_| dice.chance(1.0)));
        assert_eq!(dice.millis(-5), 0);
        let hits = (0..10_000).filter(|_| dice.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
    }
}
