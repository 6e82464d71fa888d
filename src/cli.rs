//! The command line: what a person can ask for, and how it is answered.
//!
//! Owns the clap types, one file a subcommand, and everything that is printed: data on standard
//! output, all else on standard error. The only layer that knows exit codes as numbers to end
//! with.

mod completions;
mod context;
mod demo;
mod doctor;
mod explain;
mod export;
mod failures;
mod filter;
mod man;
mod outcome;
mod output;
mod plan;
mod progress;
mod rename_gateway;
mod renormalize;
mod search;
mod senders;
mod serve;
mod simulate;
mod status;
mod summary;
mod sync;
mod verify;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{ConfigError, ENVIRONMENT_ONLY, LoggingArgs, with_environment};
use context::Context;
use outcome::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  convault demo                                   a minute's tour, no account needed
  convault sync --ids-from ids.txt                bring the listed conversations up to date
  convault plan --ids-from ids.txt --probe        first: how many requests, how long?
  convault sync                                   ... or every conversation already archived
  convault status                                 what is there and how well it is proven
  convault explain conv_5d1f9c0a                  why a conversation is in its state
  convault failures retry                         try again what failed
  convault search 'refund* -shipping'             find messages by their words
  convault export --format csv -o messages.csv    take messages out, for others to read
  convault serve                                  look at the archive in a browser
  convault verify                                 check it against itself
  convault senders import names.csv               give names to the senders' ids";

const EXIT_CODES: &str = "\
Exit codes:
  0  every listed conversation is complete or waived    6  another run holds this archive
  1  unexpected failure                                 7  verify found a mismatch
  2  usage or configuration                             8  database trouble
  3  finished, some conversations partial or failed   130  SIGINT, after a clean flush
  4  the gateway refuses the token                    143  SIGTERM, after a clean flush
  5  stopped early; run again";

/// Archives chat conversations from the iMBRACE gateway into SQL that people can query and prove.
#[derive(Debug, Parser)]
#[command(
    name = "convault",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    logging: LoggingArgs,
}

/// What each one does is said once, on its own type.
#[derive(Debug, Subcommand)]
enum Command {
    Sync(sync::SyncCommand),
    Plan(plan::PlanCommand),
    Status(status::StatusCommand),
    Explain(explain::ExplainCommand),
    Failures(failures::FailuresCommand),
    Search(search::SearchCommand),
    Export(export::ExportCommand),
    Serve(serve::ServeCommand),
    Verify(verify::VerifyCommand),
    Renormalize(renormalize::RenormalizeCommand),
    Senders(senders::SendersCommand),
    Doctor(doctor::DoctorCommand),
    RenameGateway(rename_gateway::RenameGatewayCommand),
    Demo(demo::DemoCommand),
    Simulate(Box<simulate::SimulateCommand>),
    Completions(completions::CompletionsCommand),
    Man(man::ManCommand),
}

/// Parses the arguments of this process, does what they say, and gives the exit code.
/// `dotenv` is how reading `.env` went; it is told only if a command runs.
pub fn run(dotenv: Result<(), ConfigError>) -> u8 {
    let parsed = with_environment(command())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody to tell if the stream is gone; the code still tells.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let context = Context::start(&cli.logging);
    let result = match dotenv {
        Ok(()) => execute(cli.command, &context),
        Err(error) => Err(Failure::from(error)),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(failure) if failure.is_closed_output() => 0,
        Err(failure) => {
            context.tell_failure(&failure);
            failure.code
        }
    }
}

fn execute(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Sync(command) => Context::block_on(command.run(context)),
        Command::Plan(command) => Context::block_on(command.run(context)),
        Command::Status(command) => Context::block_on(command.run(context)),
        Command::Explain(command) => Context::block_on(command.run(context)),
        Command::Failures(command) => Context::block_on(command.run(context)),
        Command::Search(command) => Context::block_on(command.run(context)),
        Command::Export(command) => Context::block_on(command.run(context)),
        Command::Serve(command) => Context::block_on(command.run(context)),
        Command::Verify(command) => Context::block_on(command.run(context)),
        Command::Renormalize(command) => Context::block_on(command.run(context)),
        Command::Senders(command) => Context::block_on(command.run(context)),
        Command::Doctor(command) => Context::block_on(command.run(context)),
        Command::RenameGateway(command) => Context::block_on(command.run(context)),
        Command::Demo(command) => Context::block_on(command.run(context)),
        Command::Simulate(command) => Context::block_on(command.run(context)),
    }
}

/// The whole command line, as `--help`, completions and the manual show it.
fn command() -> clap::Command {
    let width = ENVIRONMENT_ONLY.iter().map(|(name, _)| name.len()).max();
    let width = width.unwrap_or_default();
    let environment: Vec<String> = ENVIRONMENT_ONLY
        .iter()
        .map(|(name, meaning)| format!("  {name:width$}  {meaning}"))
        .collect();
    let environment = format!(
        "Environment (flags win, then the environment, then `.env` in this directory):\n{}\n  \
         An option that has a variable too names it in the --help of its command.",
        environment.join("\n")
    );
    Cli::command().after_help(format!("{EXAMPLES}\n\n{environment}\n\n{EXIT_CODES}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    fn variables_of(command: &clap::Command, into: &mut BTreeSet<String>) {
        into.extend(
            command
                .get_arguments()
                .filter_map(|arg| arg.get_env())
                .map(|name| name.to_string_lossy().into_owned()),
        );
        for child in command.get_subcommands() {
            variables_of(child, into);
        }
    }

    #[test]
    fn the_example_environment_names_every_setting_and_nothing_else() {
        let mut read = BTreeSet::new();
        variables_of(&command(), &mut read);
        read.extend(ENVIRONMENT_ONLY.map(|(name, _)| name.to_owned()));
        let written: BTreeSet<String> = include_str!("../.env.example")
            .lines()
            .map(|line| line.trim_start_matches(['#', ' ']))
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name)
            .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
            .map(ToOwned::to_owned)
            .collect();
        assert_eq!(written, read);
    }

    #[test]
    fn there_is_no_flag_for_a_secret() {
        fn flags(command: &clap::Command) -> Vec<String> {
            let own = command.get_arguments().filter_map(|arg| arg.get_long());
            let below = command.get_subcommands().flat_map(flags);
            own.map(ToOwned::to_owned).chain(below).collect()
        }
        let real = command().mut_subcommand("simulate", |_| clap::Command::new("simulate"));
        for flag in flags(&real) {
            assert!(
                !flag.contains("token") && !flag.contains("secret"),
                "--{flag}"
            );
        }
    }
}
