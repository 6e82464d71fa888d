//! The integration tests: one binary, one module a behaviour.
//!
//! Tests of Postgres need `CONVAULT_TEST_POSTGRES_URL`, which `scripts/test` and
//! `scripts/postgres` set; without it they fail, they are not skipped.
#![cfg(test)]

mod api;
mod attacks;
mod canary;
mod cli;
mod cookbook;
mod crash;
mod demo;
mod dictionary;
mod disk;
mod documents;
mod effort;
mod errors;
mod exit_codes;
mod export;
mod fault_server;
mod fuzz_corpus;
mod help;
mod input;
mod layers;
mod manners;
mod migrated;
mod normalize;
mod parsers;
mod plan;
mod postgres;
mod program;
mod scenario;
mod search;
mod senders;
mod simulator;
mod store;
mod strace;
mod sync;
mod verify;
mod viewer;
mod views;
mod whole;
mod wire;
