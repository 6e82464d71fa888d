//! `convault rename-gateway`: for a vendor that moved.

use super::{
    context::Context,
    outcome::{Exit, Failure},
};
use crate::config::{ArchiveArgs, gateway_identity, parse_base};

/// Bind the archive to the new URL of a gateway that has moved.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One archive belongs to one gateway, so that the conversations of two never mix. Use this only
where the same conversations are served from another address.

Example:\n  convault rename-gateway https://app-gateway.imbrace.co \
                        https://app-gatewayv2.imbrace.co")]
pub(super) struct RenameGatewayCommand {
    /// The URL that the archive is bound to.
    #[arg(value_name = "OLD")]
    old: String,
    /// The URL to bind it to.
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    archive: ArchiveArgs,
}

impl RenameGatewayCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let old = gateway_identity(&parse_base(&self.old, "OLD")?);
        let new = gateway_identity(&parse_base(&self.new, "NEW")?);
        let (store, _lock) = context
            .open_to_write("rename-gateway", &self.archive)
            .await?;
        let renamed = store.rename_gateway(&old, &new).await;
        store.close().await;
        renamed?;
        context.tell(&format!(
            "The archive now belongs to {new}, as it did to {old}."
        ));
        Ok(Exit::Done)
    }
}
