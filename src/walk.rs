//! The paging algorithm as a pure state machine: how a list that shifts while it is read is
//! read without a gap, and what may be claimed afterwards.
//!
//! Owns the ledger arithmetic ([`Ledger`]) and the walk of one conversation ([`Walk`]). A walk
//! is given what the archive knows and each page as it comes; it answers with the next request,
//! the intervals to claim and, in the end, a [`Verdict`]. No I/O, no clock, no randomness, no
//! async: everything hard about the product is decided here and tested here.
//!
//! One rule serves the first walk, a resumed one and an idle one: *fill every hole of the cover,
//! from the top*. A cover begins with the pieces of earlier runs, cut back to what is final; a
//! conversation that was complete has one hole, its head, and one page fills it.
//!
//! Invariants:
//! * an interval is claimed only for a page whose rows are in order and not repeated;
//! * `complete` is said only if the claimed intervals cover the whole line of time and the
//!   number of live messages agrees with the gateway's `count`;
//! * the number of requests is bounded by a budget that is fixed at the first page, and once
//!   more if a deficit makes the walk read everything again.

mod hiding;
mod ledger;
mod machine;
mod page;
#[cfg(test)]
mod simulation;
mod step;
mod sweep;
mod switch;
mod tail;
mod tombstone;

pub use hiding::{Hiding, Sample};
pub use ledger::{Interval, Ledger, without_future};
pub use machine::Walk;
pub use page::{PageFacts, RowFacts};
pub use step::{Claim, ClaimedPage, Known, Position, Ranks, Request, Rules, Step, Stored, Verdict};
pub use sweep::{Stretch, Sweep};
pub use tombstone::{Strike, is_inconsistent, is_mass_deletion, strike, was_sent_since};
