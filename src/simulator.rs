//! A gateway inside the program, deterministic from a seed.
//!
//! It serves the two documented routes over HTTP on loopback in the vendor's exact JSON, with
//! every fault of safety.md and every change of walk.md as a switch. Owns the corpus (what was
//! said), mutations (what changes while it is read), faults (what goes wrong) and the server.
//!
//! Invariants: what a conversation answers depends on (seed, conversation, n-th request of it)
//! alone, never on the order across conversations; a page is a contiguous slice of one state by
//! non-increasing `created_at`, unless a fault says otherwise; nothing here is shared with the
//! client (never api, walk, normalize or store), so that one misreading cannot hide in both.

mod corpus;
mod dice;
mod faults;
mod gateway;
mod listing;
mod mutations;
mod plan;
mod schedule;
mod server;

pub use self::{
    corpus::CorpusOptions,
    faults::{CountMode, Fault, Faults, RetryAfter},
    gateway::{Answer, LinksShape, RateLimit, RequestRecord, SimulatorStats},
    mutations::{Mutation, Mutations},
    plan::Planned,
    schedule::{Schedule, SpecError},
    server::{Listed, Simulator, SimulatorOptions, UnknownConversation},
};

/// The token that the simulator takes unless it is told another. It opens nothing else.
pub const DEMO_TOKEN: &str = "api_demo00000-0000-4000-8000-000000000000";
