//! What changes in a conversation during a run: in its order, after so many of its requests.

use std::time::Duration;

use convault::{
    model::Timestamp,
    simulator::{Mutation, Planned},
};
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use super::scenario::GRID;

/// Between two changes of a conversation.
const STEP: Duration = Duration::from_millis(700);
/// No request of a run is so late: the change comes when the run is over.
const AFTERWARDS: u64 = u64::MAX / 2;

/// What the changes of one conversation and run are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Quiet,
    Growing,
    Shrinking,
    Edited,
    Wild,
}

/// The changes of a conversation that had `length` messages in the beginning. Where messages have
/// no ids nothing tells an edit or a deletion from a new message: there are arrivals alone.
pub(super) fn draw(
    dice: &mut ChaCha8Rng,
    at: Timestamp,
    lag: Duration,
    length: u32,
    arrivals_alone: bool,
) -> Vec<Planned> {
    let moods = [
        Mood::Quiet,
        Mood::Quiet,
        Mood::Growing,
        Mood::Shrinking,
        Mood::Edited,
        Mood::Wild,
    ];
    let mood = match *moods.choose(dice).unwrap() {
        Mood::Quiet => Mood::Quiet,
        _ if arrivals_alone => Mood::Growing,
        mood => mood,
    };
    if mood == Mood::Quiet {
        return Vec::new();
    }
    let mut after = 0;
    (0..dice.random_range(1..=8))
        .map(|number| {
            after = if dice.random_bool(0.15) {
                AFTERWARDS
            } else {
                after + dice.random_range(0..=3)
            };
            Planned {
                after: after.max(1),
                at: at.plus(STEP * number),
                mutation: mutation(dice, mood, lag, length as usize + 8),
            }
        })
        .collect()
}

fn mutation(dice: &mut ChaCha8Rng, mood: Mood, lag: Duration, length: usize) -> Mutation {
    let lot = match mood {
        Mood::Quiet | Mood::Growing => dice.random_range(0..50),
        Mood::Shrinking => dice.random_range(30..85),
        Mood::Edited => dice.random_range(80..100),
        Mood::Wild => dice.random_range(0..103),
    };
    let place = dice.random_range(0..length);
    match lot {
        0..30 => Mutation::Arrive {
            n: dice.random_range(1..=3),
        },
        30..37 => Mutation::Late {
            by: GRID * dice.random_range(0..=u32::from(lag > 2 * GRID) + 1),
        },
        37..43 => Mutation::Tie {
            n: dice.random_range(2..=4),
        },
        // Half of them where the first page ends.
        43..45 => Mutation::TieWith { position: place },
        45..47 => Mutation::TieWith {
            position: dice.random_range(6..12),
        },
        47..50 => Mutation::Late {
            by: GRID * dice.random_range(3..3_000),
        },
        50..70 => Mutation::Delete {
            positions: vec![place],
        },
        70..76 => Mutation::Delete {
            positions: (place..place + dice.random_range(2..30)).collect(),
        },
        76..80 => Mutation::DeleteNewest {
            n: dice.random_range(1..12),
        },
        80..85 => Mutation::Restore {
            n: dice.random_range(1..4),
        },
        85..100 => Mutation::Edit {
            positions: (0..dice.random_range(1..=3))
                .map(|_| dice.random_range(0..length))
                .collect(),
        },
        _ => Mutation::DeleteAll,
    }
}
