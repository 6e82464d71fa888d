//! Settings: flags, then environment, then `.env`, read and validated once.
//!
//! Owns the names of all settings and is the only place that reads the environment. What comes
//! out is typed; secrets are wrapped. Leaves the commands to `cli`.

mod archive;
mod duration;
mod gateway;
mod logging;
mod run;
mod token;

pub use archive::{ArchiveArgs, ArchiveSettings};
pub use duration::parse_duration;
pub use gateway::{GatewayArgs, GatewaySettings, gateway_identity, parse_base};
pub use logging::{LogFormat, LoggingArgs};
pub use run::{RunArgs, parse_share};
pub use token::{Token, TokenSource};

use std::{ffi::OsStr, fs, io, path::Path};

/// Settings that have no flag: secrets, and what belongs to a place and not to a command.
pub const ENVIRONMENT_ONLY: [(&str, &str); 4] = [
    (
        "IMBRACE_ACCESS_TOKEN",
        "the third-party token of the gateway (api_…)",
    ),
    (
        "IMBRACE_ACCESS_TOKEN_FILE",
        "a file that holds it, in its stead",
    ),
    (
        "IMBRACE_ENV",
        "product, demo, dev, sandbox or stable, where no URL is given",
    ),
    (
        "CONVAULT_TIME_ZONE",
        "the zone of the archive's local days: Asia/Hong_Kong [UTC; kept]",
    ),
];

/// A setting that is missing or makes no sense. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// What the person can do.
    pub hint: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Reads `.env` of the current directory into the environment, without overriding what is
/// there. No such file is fine. To be called once, before there is a second thread.
///
/// # Errors
/// The file cannot be read, or one of its lines means nothing; the line is named, not shown.
pub fn load_dotenv() -> Result<(), ConfigError> {
    let path = Path::new(".env");
    match dotenvy::from_path(path) {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(dotenvy::Error::LineParse(line, _)) => {
            let number = fs::read_to_string(path)
                .ok()
                .and_then(|text| line_number(&text, &line));
            let place = number.map_or_else(String::new, |number| format!(" line {number}"));
            Err(
                ConfigError::new(format!(".env{place} is not of the form NAME=value"))
                    .with_hint("put a value with spaces, quotes or $ in single quotes"),
            )
        }
        Err(dotenvy::Error::Io(error)) => Err(unreadable_dotenv(&error)),
        Err(_) => Err(ConfigError::new(".env cannot be read")),
    }
}

fn unreadable_dotenv(error: &io::Error) -> ConfigError {
    ConfigError::new(format!("reading .env: {error}"))
}

/// Where the text of a bad line begins. The parser hands back the line, which may span several
/// lines of the file, without saying where it was.
fn line_number(text: &str, bad: &str) -> Option<usize> {
    let bad = bad.lines().next().unwrap_or(bad).trim();
    let index = text.lines().position(|line| line.trim() == bad)?;
    Some(index + 1)
}

/// Makes the commands read the environment as this program promises: an empty variable counts
/// as absent, and no value is ever shown by `--help`.
pub fn with_environment(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let empty = arg.get_env().is_some_and(is_empty_variable);
            let arg = arg.hide_env_values(true);
            if empty { arg.env(None::<&str>) } else { arg }
        })
        .mut_subcommands(with_environment)
}

/// Whether text may be coloured, as far as the environment says (`NO_COLOR`).
pub fn colour_welcome() -> bool {
    variable("NO_COLOR").is_none()
}

#[expect(
    clippy::disallowed_methods,
    reason = "config is where the environment is read"
)]
fn is_empty_variable(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|value| value.is_empty())
}

/// A variable of the environment; an empty one counts as absent.
#[expect(
    clippy::disallowed_methods,
    reason = "config is where the environment is read"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable of the environment that must be text.
fn text_variable(name: &str) -> Result<Option<String>, ConfigError> {
    variable(name)
        .map(|value| {
            value
                .into_string()
                .map_err(|_| ConfigError::new(format!("{name} is not UTF-8")))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_of_dotenv_is_found_by_its_number() {
        assert_eq!(line_number("A=1\n\nB C\nD=2\n", "B C"), Some(3));
        assert_eq!(line_number("A=1\nB='x\ny\n", "B='x\ny\n"), Some(2));
        assert_eq!(line_number("A=1\n", "B"), None);
    }
}
