//! Postgres: one schema, one session that holds the lock, one connection that writes, a pool
//! that reads.
//!
//! Times travel in Postgres' own binary form, whole microseconds, so that no millisecond is
//! lost to floating point. Bulk rows travel as one array a column.

mod connection;
mod lock;
mod open;
mod read;
mod schema;
mod search;
mod write;

pub(super) use open::{open, open_read_only};
