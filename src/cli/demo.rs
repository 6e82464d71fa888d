//! `convault demo`: the whole thing on a simulated gateway, in one command.

use super::{
    context::Context,
    outcome::{Exit, Failure},
};

/// See the whole thing on a simulated gateway: no account, no network, no set-up.
#[derive(Debug, clap::Args)]
pub(super) struct DemoCommand {
    /// What the conversations are made from; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,

    /// How many conversations.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(super) conversations: u32,

    /// About how many messages in all.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) messages: u64,

    /// The archive that is recreated: sqlite:PATH.
    #[arg(long, value_name = "URL", default_value = "sqlite:convault-demo.db")]
    pub(super) db: String,
}

impl DemoCommand {
    #[expect(clippy::unused_async, reason = "every command has this form")]
    pub(super) async fn run(&self, _context: &Context) -> Result<Exit, Failure> {
        Err(Failure::unexpected("the demo is not part of this build"))
    }
}
