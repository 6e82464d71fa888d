//! `convault man`: manual pages in roff.

use std::path::{Path, PathBuf};

use super::{
    outcome::{Exit, Failure},
    output,
};

/// Print the manual page, or write all of them into a directory.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  convault man sync | man -l -\n  convault man --into ~/.local/share/man/man1"
)]
pub(super) struct ManCommand {
    /// Write a page for each command into this directory, which is made if need be.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    into: Option<PathBuf>,

    /// The command whose page to print; the program's own where none is named.
    command: Vec<String>,
}

impl ManCommand {
    pub(super) fn run(&self) -> Result<Exit, Failure> {
        let mut page = super::command();
        if let Some(folder) = &self.into {
            return write_all(page, folder);
        }
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

fn write_all(page: clap::Command, folder: &Path) -> Result<Exit, Failure> {
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(page, folder));
    written.map_err(|error| {
        Failure::usage(format!(
            "writing manual pages into {}: {error}",
            folder.display()
        ))
    })?;
    Ok(Exit::Done)
}
