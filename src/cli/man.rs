//! `convault man`: manual pages in roff.

use super::{
    outcome::{Exit, Failure},
    output,
};

/// Print the manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  convault man sync | man -l -")]
pub(super) struct ManCommand {
    /// The command whose page to print; the program's own where none is named.
    command: Vec<String>,
}

impl ManCommand {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let mut page = super::command();
        page.build();
        let mut wanted = &page;
        for name in &self.command {
            wanted = wanted.find_subcommand(name).ok_or_else(|| {
                Failure::usage(format!("there is no command `{name}`"))
                    .with_hint("`convault --help` lists them")
            })?;
        }
        let mut roff = Vec::new();
        clap_mangen::Man::new(wanted.clone()).render(&mut roff)?;
        output::print(&String::from_utf8_lossy(&roff))?;
        Ok(Exit::Done)
    }
}
