//! convault archives chat conversations from the iMBRACE gateway into SQL.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod model;
pub mod monitor;
pub mod normalize;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod walk;
pub mod wire;
