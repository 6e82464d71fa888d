//! Checks an archive against itself, and against its gateway.
//!
//! Owns the list of what must hold ([`Check`]) and what is told where it does not ([`Finding`]).
//! Writes nothing: offline it reads one consistent state of the archive, in batches that are
//! bounded in rows and bytes; online it asks the gateway and compares. A broken archive is a
//! result, not an error; an error is an archive that cannot be read.
//!
//! What is checked follows from what the writer promises, no more: where a value cannot be known
//! from what is stored (the lag of an earlier run, the time at which a settled piece was cut), it
//! is not asserted.

mod conversation;
mod finding;
mod message;
mod offline;
mod online;
mod run;
mod times;
mod tombstone;
mod zone;

pub use finding::{Check, Finding, Findings, Place};
pub use offline::{Checked, Report, VerifyError, VerifyOptions, offline};
pub use online::{Compared, OnlineOptions, OnlineReport, Stopped, online};
