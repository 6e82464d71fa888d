//! How well a message answers a query: often, in few words.
//!
//! BM25 without the rarity of terms: every hit holds all of them, so rarity would move no hit much
//! above another. Computed from the message alone, so it is the same on every engine.

use super::{Entry, Query};

/// How soon more of the same counts no more.
const SATURATION: f64 = 1.2;
/// How much the length counts.
const LENGTH_WEIGHT: f64 = 0.75;
/// A message of usual length, in terms.
const USUAL_TERMS: f64 = 20.0;
/// Steps of a rank: a whole number is the same wherever it was computed.
const STEPS: f64 = 1_000_000.0;

/// The rank in millionths; more is better, 0 where nothing that is wanted is there.
pub fn score(query: &Query, entry: &Entry) -> u32 {
    let length = number(entry.len()) / USUAL_TERMS;
    let brake = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length);
    let score: f64 = query
        .wanted
        .iter()
        .map(|phrase| {
            let fields = entry.fields.iter();
            let often = number(
                fields
                    .map(|field| phrase.places(&field.terms).count())
                    .sum(),
            );
            often * (SATURATION + 1.0) / (often + brake)
        })
        .sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 2.2 for each of some hundred phrases"
    )]
    let steps = (score * STEPS).round() as u32;
    steps
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
