//! `convault serve`: the archive in a browser.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;
use tokio::net::TcpListener;

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted},
};
use crate::{
    config::ArchiveArgs,
    model::{RunOutcome, StopReason},
    sync::Shutdown,
    viewer::{self, ViewerOptions},
};

/// Show the archive in a browser on this machine, until it is interrupted.
///
/// It only reads, also beside a running sync. Nobody is asked for a password: whoever can open the
/// address reads the whole archive, and on this machine that is every user of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  convault serve                          then open http://127.0.0.1:8080/
  convault serve --listen 127.0.0.1:0     any free port; it says which
  convault serve --db postgres://reader@db.example.com/chats
  ssh -L 8080:127.0.0.1:8080 server       to look from another machine, safely")]
pub(super) struct ServeCommand {
    /// Where to listen; port 0 takes a free one and says which.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,

    /// Listen on an address that other machines reach, without any password: all who reach it may
    /// read the whole archive.
    #[arg(long)]
    anyone_may_read: bool,

    /// Answer under this name too, besides localhost; more than one may be given.
    #[arg(long = "allow-host", value_name = "NAME")]
    allow_hosts: Vec<String>,

    /// One JSON object on standard output, once it serves: where.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    archive: ArchiveArgs,
}

/// An address with its port; `localhost` is the one of IPv4.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix("localhost:") {
        let port = port.parse().map_err(|_| format!("{port} is no port"))?;
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let say = "say an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
    text.parse().map_err(|_| say.to_owned())
}

impl ServeCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if !self.listen.ip().is_loopback() && !self.anyone_may_read {
            let message = format!(
                "{} is not an address of this machine alone, and there is no password: all who \
                 reach it could read the whole archive",
                self.listen.ip()
            );
            return Err(Failure::usage(message).with_hint(
                "listen on 127.0.0.1 and reach it through ssh -L, or say --anyone-may-read if \
                 that is what you want",
            ));
        }
        let archive = self.archive.resolve()?.url.to_string();
        let store = context.open_to_read("serve", &self.archive).await?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            let message = format!("listening on {}: {error}", self.listen);
            Failure::usage(message).with_hint("--listen 127.0.0.1:0 takes any port that is free")
        })?;
        let address = listener.local_addr()?;
        let shutdown = Shutdown::on_signals(super::sync::abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        let url = format!("http://{address}/");
        if self.json {
            output::print_json(&json!({ "url": url, "archive": archive }))?;
        }
        context.tell(&format!("{archive} at {url}; Ctrl-C ends it"));
        if self.anyone_may_read && !address.ip().is_loopback() {
            context.tell("without a password: all who reach this address may read the archive");
        }
        let options = ViewerOptions {
            archive,
            hosts: self.allow_hosts.clone(),
            clock: context.clock.clone(),
        };
        let stop = shutdown.clone();
        let served = viewer::serve(listener, store.clone(), options, async move {
            stop.cancelled().await;
        });
        let served = served.await;
        store.close().await;
        context.tell(&format!("answered {}", counted(served?, "request")));
        let reason = shutdown.requested().unwrap_or(StopReason::Interrupted);
        Ok(Exit::Code(RunOutcome::Stopped(reason).exit_code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_localhost_is_one() {
        assert_eq!(
            address("localhost:0").unwrap(),
            "127.0.0.1:0".parse().unwrap()
        );
        assert!(address("[::1]:80").unwrap().ip().is_loopback());
        for nonsense in ["", "8080", "127.0.0.1", "localhost:x", "example.org:80"] {
            assert!(address(nonsense).is_err(), "{nonsense}");
        }
    }
}
