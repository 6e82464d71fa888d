//! Which archive: the database, its schema, its time zone.

use std::{convert::Infallible, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, text_variable};
use crate::{
    clock::Clock,
    store::{DatabaseUrl, StoreOptions},
};

/// How long another run's lock is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The longest name that Postgres keeps whole.
const SCHEMA_BYTES_MAX: usize = 63;

/// The options that say which archive.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveArgs {
    /// The archive: `sqlite:PATH` or `postgres://…`. A password belongs into the environment.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", default_value = "sqlite:convault.db",
          value_parser = secret)]
    pub db: SecretString,

    /// The Postgres schema that holds the archive; `public` where none is named.
    #[arg(long, value_name = "NAME", env = "CONVAULT_DB_SCHEMA")]
    pub db_schema: Option<String>,
}

/// An archive that can be opened.
#[derive(Debug, Clone)]
pub struct ArchiveSettings {
    /// Which database.
    pub url: DatabaseUrl,
    /// The Postgres schema.
    pub schema: Option<String>,
    /// The zone of the archive's local days, a name of the IANA database; `None` where the
    /// archive is to keep its own.
    pub time_zone: Option<String>,
}

impl ArchiveArgs {
    /// Validates all of it; opens nothing.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn resolve(&self) -> Result<ArchiveSettings, ConfigError> {
        let time_zone = checked_time_zone(text_variable("CONVAULT_TIME_ZONE")?)?;
        let schema = self.db_schema.as_deref().map(checked_schema).transpose()?;
        let url = self.db.expose_secret().parse().map_err(|error| {
            ConfigError::new(format!("--db: {error}"))
                .with_hint("say sqlite:PATH or postgres://USER@HOST/DATABASE")
        })?;
        Ok(ArchiveSettings {
            url,
            schema,
            time_zone,
        })
    }
}

impl ArchiveSettings {
    /// How `command` opens it.
    pub fn store_options(&self, command: &str, clock: &Clock) -> StoreOptions {
        let host = rustix::system::uname();
        StoreOptions {
            url: self.url.clone(),
            schema: self.schema.clone(),
            lock_wait: LOCK_WAIT,
            holder: format!(
                "{command}, pid {} on {}",
                std::process::id(),
                host.nodename().to_string_lossy()
            ),
            clock: clock.clone(),
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the form that clap asks of a value parser"
)]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text.to_owned()))
}

fn checked_schema(name: &str) -> Result<String, ConfigError> {
    let mut characters = name.chars();
    let fits = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_')
        && name.len() <= SCHEMA_BYTES_MAX;
    if fits {
        Ok(name.to_owned())
    } else {
        Err(ConfigError::new("--db-schema is no plain name")
            .with_hint("letters, digits and _, at most 63, and no digit first"))
    }
}

fn checked_time_zone(name: Option<String>) -> Result<Option<String>, ConfigError> {
    let Some(name) = name else {
        return Ok(None);
    };
    let zone = jiff::tz::TimeZone::get(name.trim()).ok();
    let known = zone.and_then(|zone| zone.iana_name().map(ToOwned::to_owned));
    match known {
        Some(name) => Ok(Some(name)),
        None => Err(
            ConfigError::new("CONVAULT_TIME_ZONE is no name of the time zone database")
                .with_hint("say it as Asia/Hong_Kong"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_plain_name() {
        assert_eq!(checked_schema("archive_2").unwrap(), "archive_2");
        for odd in ["", "2x", "a-b", "a;drop table x", "a\"b", &"x".repeat(64)] {
            assert!(checked_schema(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_time_zone_is_one_that_exists() {
        assert_eq!(checked_time_zone(None).unwrap(), None);
        for zone in ["UTC", "Asia/Hong_Kong"] {
            let checked = checked_time_zone(Some(zone.to_owned())).unwrap();
            assert_eq!(checked.as_deref(), Some(zone));
        }
        assert!(checked_time_zone(Some("Mars/Olympus".to_owned())).is_err());
    }
}
