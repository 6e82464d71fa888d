//! The access token: from the environment or a file, never from an argument, never shown.

use std::{
    fmt,
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::{ConfigError, text_variable, variable};

/// More than any token; a file that is longer is another file.
const TOKEN_BYTES_MAX: u64 = 16 * 1024;

const VALUE: &str = "IMBRACE_ACCESS_TOKEN";
const FILE: &str = "IMBRACE_ACCESS_TOKEN_FILE";

/// The access token, and what is odd about where it came from.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token, trimmed.
    pub secret: SecretString,
    /// Where it came from.
    pub source: TokenSource,
    /// What the person should know, and nothing that stops the run.
    pub warnings: Vec<String>,
}

/// How the vendor's tokens of users begin, which the archive's route answers with 401.
const SESSION_PREFIXES: [&str; 3] = ["acc_", "login_acc_", "rtk_"];

/// Where a token came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// `IMBRACE_ACCESS_TOKEN`.
    Environment,
    /// The file that `IMBRACE_ACCESS_TOKEN_FILE` names.
    File(PathBuf),
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str(VALUE),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Token {
    /// Reads the token.
    ///
    /// # Errors
    /// There is none, there are two that differ, it is empty or holds spaces or control
    /// characters, or others may write its file.
    pub fn read() -> Result<Self, ConfigError> {
        let value = text_variable(VALUE)?.map(SecretString::from);
        let file = variable(FILE).map(PathBuf::from);
        match (value, file) {
            (None, None) => Err(ConfigError::new("no access token").with_hint(format!(
                "set {VALUE}, or {FILE} to a file that holds it; there is no flag for it, since \
                 every user of a machine can see arguments"
            ))),
            (Some(value), None) => Self::checked(&value, TokenSource::Environment, Vec::new()),
            (None, Some(path)) => Self::read_file(path),
            (Some(value), Some(path)) => {
                let token = Self::read_file(path)?;
                if value.expose_secret().trim() == token.secret.expose_secret() {
                    return Ok(token);
                }
                Err(
                    ConfigError::new(format!("{VALUE} and {FILE} give two different tokens"))
                        .with_hint("keep one of them; `.env` in this directory counts too"),
                )
            }
        }
    }

    /// Whether it looks like the token of a user's session, which is of no use here.
    pub fn is_of_session(&self) -> bool {
        let token = self.secret.expose_secret();
        SESSION_PREFIXES
            .iter()
            .any(|prefix| token.starts_with(prefix))
    }

    /// Reads the token of a file.
    ///
    /// # Errors
    /// As [`Token::read`].
    pub fn read_file(path: PathBuf) -> Result<Self, ConfigError> {
        let (value, warnings) = read_secret_file(&path)?;
        Self::checked(&value, TokenSource::File(path), warnings)
    }

    fn checked(
        value: &SecretString,
        source: TokenSource,
        warnings: Vec<String>,
    ) -> Result<Self, ConfigError> {
        let token = value.expose_secret().trim();
        if token.is_empty() {
            return Err(ConfigError::new(format!(
                "the access token of {source} is empty"
            )));
        }
        if !token.chars().all(|character| character.is_ascii_graphic()) {
            return Err(ConfigError::new(format!(
                "the access token of {source} holds spaces, line ends or characters that no \
                 token has"
            ))
            .with_hint("it is one word, such as api_ and a UUID"));
        }
        Ok(Self {
            secret: SecretString::from(token.to_owned()),
            source,
            warnings,
        })
    }
}

fn read_secret_file(path: &Path) -> Result<(SecretString, Vec<String>), ConfigError> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        ConfigError::new(format!("reading the token file {shown}: {error}"))
            .with_hint(format!("{FILE} names it"))
    };
    let file = File::open(path).map_err(failed)?;
    // Of the open file and not of the path, which may mean another file a moment later.
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(ConfigError::new(format!(
            "others may write the token file {shown} (mode {:04o})",
            mode & 0o7777
        ))
        .with_hint(format!("chmod 600 {shown}")));
    }
    let mut warnings = Vec::new();
    if mode & 0o044 != 0 {
        warnings.push(format!(
            "others may read the token file {shown} (mode {:04o}); chmod 600 keeps it yours",
            mode & 0o7777
        ));
    }
    let mut text = String::new();
    file.take(TOKEN_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > TOKEN_BYTES_MAX {
        return Err(ConfigError::new(format!(
            "the token file {shown} is too long to hold a token"
        )));
    }
    Ok((SecretString::from(text), warnings))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file_with(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_token_is_trimmed_and_not_shown() {
        let (_folder, path) = file_with(0o600, "  api_canary\r\n");
        let token = Token::read_file(path).unwrap();
        assert_eq!(token.secret.expose_secret(), "api_canary");
        assert!(token.warnings.is_empty() && !token.is_of_session());
        assert!(!format!("{token:?}").contains("api_canary"));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        for mode in [0o620, 0o602, 0o666] {
            let (_folder, path) = file_with(mode, "api_canary");
            let error = Token::read_file(path).unwrap_err();
            assert!(error.message.contains("others may write"), "{error}");
            assert!(!error.message.contains("api_canary"));
        }
    }

    #[test]
    fn a_file_that_others_may_read_draws_a_warning() {
        for mode in [0o640, 0o604, 0o644, 0o444] {
            let (_folder, path) = file_with(mode, "api_canary");
            let token = Token::read_file(path).unwrap();
            assert!(token.warnings[0].contains("others may read"), "{mode:o}");
        }
    }

    #[test]
    fn a_token_with_a_newline_inside_or_nothing_in_it_is_refused_unseen() {
        for text in [
            "",
            " \n",
            "api_canary\napi_canary",
            "api canary",
            "api_canary\u{e9}",
        ] {
            let (_folder, path) = file_with(0o600, text);
            let error = Token::read_file(path).unwrap_err();
            assert!(!error.message.contains("canary"), "{error}");
        }
    }
    #[test]
    fn a_session_token_is_recognised() {
        let (_folder, path) = file_with(0o600, "acc_1");
        assert!(Token::read_file(path).unwrap().is_of_session());
    }
}
