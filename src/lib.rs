//! convault archives chat conversations from the iMBRACE gateway into SQL, and proves what it
//! calls complete.
//!
//! # The tour
//!
//! A run is [`sync::run`]: it is given a gateway, an archive, a list and the clock, and answers
//! with a [`sync::Summary`]. It never fails; how it went is in the summary. From there, downwards:
//!
//! | layer | what it owns | begin with |
//! |---|---|---|
//! | [`cli`] | arguments, what is printed, exit codes | [`cli::run`] |
//! | [`config`], [`telemetry`] | settings and secrets; log lines | [`config::GatewayArgs`] |
//! | [`sync`] | the order of work, concurrency, the one writer, the report | [`sync::run`] |
//! | [`verify`] | what must hold of an archive, and what is told where it does not | [`verify::offline`] |
//! | [`viewer`] | a read-only site over one archive | [`viewer::serve`] |
//! | [`export`] | messages on their way out, in one state of the archive | [`export::run`] |
//! | [`renormalize`] | derived rows anew from raw ones | [`renormalize::run`] |
//! | [`walk`] | which page to ask for next, and what a page proves | [`walk::Walk`] |
//! | [`api`] | one request to the gateway: limit, retries, what a status means | [`api::Gateway`] |
//! | [`normalize`] | one raw message into rows | [`normalize::message`] |
//! | [`store`] | the archive in SQLite or Postgres | [`store::Store`] |
//! | [`terms`] | text into what is looked for, questions, snippets | [`terms::Query`] |
//! | [`wire`] | what the gateway sends, kept to the byte | [`wire::Page`] |
//! | [`model`] | our own nouns | [`model::Message`] |
//! | [`page`] | how an exported page looks: style, bubbles | [`page::Bubble`] |
//! | [`monitor`], [`clock`] | counters; the time of day as a parameter | [`monitor::Monitor`] |
//! | [`simulator`] | a gateway from a seed, for the demo and for tests | [`simulator::Simulator`] |
//!
//! Lower layers never import higher ones; `tests/it/layers.rs` reads the source and says so.
//! The simulator shares only [`wire`], [`clock`] and [`model`] with the program: a misreading of
//! the gateway must not hide in both.
//!
//! # What is always true
//!
//! * [`walk`] is pure: no I/O, no clock, no randomness, no async. *Complete* means that certified
//!   intervals of time cover the whole line, never that a counter agreed.
//! * The rows of a page, its absences and its interval commit together ([`store::Store::write`]),
//!   so what the archive claims never exceeds what it holds, whenever it is killed.
//! * Odd data is a value ([`model::Anomaly`]), stored and counted, and ends nothing. Failure is a
//!   type: [`api::ApiError`], [`store::StoreError`], [`config::ConfigError`].
//! * The token is read in [`config`], looked into in [`api`], and shown nowhere.
//! * One run at a time: [`store::RunLock`], and an epoch that each transaction asserts.
//!
//! `ARCHITECTURE.md` names the test that holds each of these, and tells two stories: a message on
//! its way to disk, and a crash with its resume. The library has no stable interface; the views
//! of the archive, the exit codes and the report have (see `CHANGELOG.md`).

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod export;
pub mod model;
pub mod monitor;
pub mod normalize;
pub mod page;
pub mod renormalize;
pub mod simulator;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod terms;
pub mod verify;
pub mod viewer;
pub mod walk;
pub mod wire;
