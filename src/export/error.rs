//! Why an export could not be made.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    model::StopReason,
    store::{SelectedMessage, StoreError},
};

/// Why an export could not be made. Nothing is left under the name that was asked for but what
/// was there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The archive could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for cannot be: usage.
    #[error("{message}")]
    Refused {
        /// What is wrong.
        message: String,
        /// What the person can do.
        hint: String,
    },
    /// The archive holds no JSON for a version that stands.
    #[error(
        "the archive holds no JSON for version {version} of message {id} of {conversation}; \
         `convault verify` says what is damaged"
    )]
    Damaged {
        /// Whose message it is.
        conversation: String,
        /// Which message.
        id: String,
        /// Which version.
        version: i64,
    },
    /// A file could not be written.
    #[error("{doing} {}", .path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("writing to standard output")]
    Stdout(#[source] io::Error),
    /// Somebody asked to stop.
    #[error("stopped before the export was whole")]
    Stopped(StopReason),
}

impl ExportError {
    pub(super) fn damaged(selected: &SelectedMessage) -> Self {
        Self::Damaged {
            conversation: selected.conversation_id.clone(),
            id: selected.id.clone(),
            version: selected.version,
        }
    }

    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }
}
