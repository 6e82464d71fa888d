//! SQLite: one file, one writer, a pool that reads.
//!
//! WAL with `synchronous = NORMAL`: a crash of the program loses nothing; a loss of power may
//! lose the last transactions, whole ones only and never the file. Coverage is lost together
//! with the rows it speaks of, so the next run reads them again. [`sync`](super::Store::sync) and
//! [`close_synced`](super::Store::close_synced) make everything durable, or say that they could not.

mod connection;
mod identity;
mod lock;
mod log;
mod open;
mod read;
mod schema;
mod search;
mod write;

pub(super) use open::{open, open_read_only};
