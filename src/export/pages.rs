//! HTML: a page for each conversation, and an index. Self-contained, printable, without a script.
//!
//! A long conversation is many numbered pages, so that neither the writer nor a browser holds all of
//! it. Some messages beyond a page are read before it is written: the answer to an offer comes later.

mod chat;
mod frame;
mod index;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use super::{error::ExportError, manifest::FileEntry, place::Sink, row::Outgoing, zone::Zone};
use crate::{model::ConversationKey, store::ConversationFacts};
use chat::Chat;
use index::Index;

/// Messages of a page.
const PAGE_MESSAGES: usize = 1_000;
/// Messages that are read beyond a page.
const AHEAD_MESSAGES: usize = 500;
/// JSON of messages that is held at most before a page is written, however few they are.
const HELD_BYTES_MAX: usize = 8 << 20;

/// What every page says of the export.
#[derive(Debug)]
pub(super) struct About {
    pub(super) zone: Zone,
    /// When it was made.
    pub(super) made_at: String,
    pub(super) gateway_url: Option<String>,
    /// What was left out, in words; `None` where nothing was.
    pub(super) selection: Option<String>,
}

/// The pages of an export while they are written.
#[derive(Debug)]
pub(super) struct Site {
    folder: PathBuf,
    about: About,
    index: Index,
    chat: Option<Chat>,
    /// Conversations begun.
    chats: u64,
}

impl Site {
    pub(super) fn new(folder: &Path, about: About) -> Self {
        Self {
            folder: folder.to_owned(),
            about,
            index: Index::default(),
            chat: None,
            chats: 0,
        }
    }

    /// Writes messages in the order of conversations; gives the files that were ended.
    pub(super) fn write(
        &mut self,
        messages: Vec<Outgoing>,
        facts: &HashMap<ConversationKey, ConversationFacts>,
    ) -> Result<Vec<FileEntry>, ExportError> {
        let mut ended = Vec::new();
        for message in messages {
            let key = message.conversation();
            if self.chat.as_ref().is_some_and(|chat| chat.key() != key) {
                self.end_chat(&mut ended)?;
            }
            let chat = self.chat.get_or_insert_with(|| {
                self.chats += 1;
                Chat::new(self.chats, &message, facts.get(&key).cloned())
            });
            chat.add(message);
            while chat.is_full() {
                ended.push(chat.write_page(&self.folder, &self.about, true)?);
            }
        }
        Ok(ended)
    }

    fn end_chat(&mut self, ended: &mut Vec<FileEntry>) -> Result<(), ExportError> {
        let Some(mut chat) = self.chat.take() else {
            return Ok(());
        };
        while let Some(more) = chat.what_is_left() {
            ended.push(chat.write_page(&self.folder, &self.about, more)?);
        }
        ended.extend(
            self.index
                .add(&self.folder, &self.about, &chat.line(&self.about.zone))?,
        );
        Ok(())
    }

    /// Ends the last conversation and the index.
    pub(super) fn finish(mut self) -> Result<Vec<FileEntry>, ExportError> {
        let mut ended = Vec::new();
        self.end_chat(&mut ended)?;
        ended.push(self.index.finish(&self.folder, &self.about)?);
        Ok(ended)
    }
}

/// Where the page of a conversation is, inside of the export. Numbered, since ids are text from
/// outside; a thousand conversations a folder.
fn path_of(chat: u64, page: u64) -> String {
    let folder = chat.saturating_sub(1) / 1_000;
    match page {
        1 => format!("conversations/{folder:03}/{chat:06}.html"),
        page => format!("conversations/{folder:03}/{chat:06}-{page}.html"),
    }
}

/// The page of the index on which a conversation is, inside of the export.
fn index_path(page: u64) -> String {
    match page {
        1 => "index.html".to_owned(),
        page => format!("index-{page}.html"),
    }
}

fn create(folder: &Path, path: &str) -> Result<Sink, ExportError> {
    let path = folder.join(path);
    Sink::create(&path).map_err(ExportError::file("creating", &path))
}

fn whilst_writing(folder: &Path, path: &str) -> impl FnOnce(io::Error) -> ExportError + use<> {
    ExportError::file("writing", &folder.join(path))
}
