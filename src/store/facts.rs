//! What an archive says of itself, of its conversations and of the senders' names: what goes out
//! beside the messages.

use std::collections::HashMap;

use super::{
    Snapshot, StoreError,
    statement::{
        self,
        export::{CONVERSATIONS, FIRST_RUN_AFTER, LAST_RUN},
        people::{NAMES, TIME_ZONE, TIME_ZONE_OFFSETS},
    },
    value::Row,
};
use crate::model::{ConversationKey, ConversationState, RunId, Timestamp, ZoneOffset};

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// The gateway that it is bound to.
    pub gateway_url: Option<String>,
    /// The name of its zone.
    pub time_zone: String,
    /// That zone's offsets, oldest first.
    pub offsets: Vec<ZoneOffset>,
    /// Its last run, and whether that one has an end; `None` before the first.
    pub last_run: Option<(RunId, bool)>,
}

/// How far a conversation is archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationFacts {
    /// The outcome of the last run that attempted it.
    pub state: ConversationState,
    /// How old its proof is.
    pub proven_at: Option<Timestamp>,
}

/// What people call a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenName {
    /// The name.
    pub name: String,
    /// Whether it is a bot, where anybody has said so.
    pub is_bot: Option<bool>,
    /// The team.
    pub team: Option<String>,
}

impl Snapshot {
    /// What the archive says of itself.
    pub async fn facts(&mut self) -> Result<ArchiveFacts, StoreError> {
        let mut facts = ArchiveFacts {
            gateway_url: None,
            time_zone: "UTC".to_owned(),
            offsets: Vec::new(),
            last_run: None,
        };
        for mut row in self.0.select(&statement::ARCHIVE, Vec::new()).await? {
            row.int()?;
            row.int()?;
            facts.gateway_url = row.maybe_text()?;
        }
        for mut row in self.0.select(&TIME_ZONE, Vec::new()).await? {
            facts.time_zone = row.maybe_text()?.unwrap_or(facts.time_zone);
        }
        for mut row in self.0.select(&TIME_ZONE_OFFSETS, Vec::new()).await? {
            facts.offsets.push(ZoneOffset {
                since: row.time()?,
                offset_seconds: row.int()?,
            });
        }
        for mut row in self.0.select(&LAST_RUN, Vec::new()).await? {
            facts.last_run = Some((RunId(row.int()?), row.maybe_time()?.is_some()));
        }
        Ok(facts)
    }

    /// The first run that recorded a version later than the time; `None` where none did.
    pub async fn first_run_after(&mut self, time: Timestamp) -> Result<Option<RunId>, StoreError> {
        let mut rows = self.0.select(&FIRST_RUN_AFTER, vec![time.into()]).await?;
        match rows.as_mut_slice() {
            [row] => Ok(row.maybe_int()?.map(RunId)),
            _ => Err(StoreError::broken("a minimum gave no row")),
        }
    }

    /// How far some conversations are archived, by key.
    pub async fn conversation_facts(
        &mut self,
        keys: &[ConversationKey],
    ) -> Result<HashMap<ConversationKey, ConversationFacts>, StoreError> {
        let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.select(&CONVERSATIONS, vec![keys.into()]).await?;
        let facts = |mut row: Row| {
            let key = ConversationKey(row.int()?);
            let word = row.text()?;
            let state = ConversationState::parse(&word)
                .ok_or_else(|| StoreError::broken(format!("a conversation is {word:?}")))?;
            let proven_at = row.maybe_time()?;
            Ok((key, ConversationFacts { state, proven_at }))
        };
        rows.into_iter().map(facts).collect()
    }

    /// The names of those senders that have one, by id.
    pub async fn given_names(
        &mut self,
        ids: Vec<String>,
    ) -> Result<HashMap<String, GivenName>, StoreError> {
        let rows = self.0.select(&NAMES, vec![ids.into()]).await?;
        let named = |mut row: Row| {
            let id = row.text()?;
            let name = GivenName {
                name: row.text()?,
                is_bot: row.maybe_bool()?,
                team: row.maybe_text()?,
            };
            Ok((id, name))
        };
        rows.into_iter().map(named).collect()
    }
}
