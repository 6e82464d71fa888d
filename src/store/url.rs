//! Which database: the URL that a person gives.

use std::{fmt, path::PathBuf, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

use super::StoreError;

/// Which database: `sqlite:PATH` or `postgres://…`. Displays without the password.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A connection URL; may hold a password and is never shown whole.
    Postgres(SecretString),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |reason: &str| StoreError::Url {
            reason: reason.to_owned(),
        };
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            return match path {
                "" => Err(refuse("the database URL names no file")),
                ":memory:" => Err(refuse("an archive in memory would be gone at the end")),
                _ if path.contains('?') => Err(refuse(
                    "a SQLite archive takes no options after a question mark",
                )),
                _ => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            // The text itself is not repeated: it may hold a password.
            return match sqlx::postgres::PgConnectOptions::from_str(text) {
                Ok(_) => Ok(Self::Postgres(SecretString::from(text))),
                Err(_) => Err(refuse("the Postgres URL cannot be read")),
            };
        }
        Err(refuse("the database URL has another form than is known"))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url.expose_secret())),
        }
    }
}

/// The URL without its password and without its query, which may hold another.
fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return "postgres://…".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "postgres://…".to_owned();
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_both_engines_are_read() {
        for (text, shown) in [
            ("sqlite:a.db", "sqlite:a.db"),
            ("sqlite://a/b.db", "sqlite:a/b.db"),
            ("sqlite:///tmp/b.db", "sqlite:/tmp/b.db"),
            ("postgres://h/d", "postgres://h/d"),
            ("postgresql://u@h:5433/d", "postgresql://u@h:5433/d"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn no_password_is_shown_in_any_way() {
        let url: DatabaseUrl = "postgres://u:hunter2@h/d?password=hunter2".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://u:***@h/d");
        assert!(!format!("{url:?}").contains("hunter2"));
        let error = "mysql://u:hunter2@h/d".parse::<DatabaseUrl>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = "postgres://u:hunter2@h:port/d"
            .parse::<DatabaseUrl>()
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn other_forms_are_refused_with_those_that_are_known() {
        for text in [
            "",
            "a.db",
            "mysql://h/d",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a.db?mode=rwc",
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(error.exit_code(), 2, "{text}");
            assert!(error.to_string().contains("sqlite:PATH"), "{text}");
        }
    }
}
