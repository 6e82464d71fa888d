//! Names of senders: brought in by people, because the gateway gives ids alone.
//!
//! Kept apart from `senders`, which the gateway fills, so that neither writer touches the other's
//! rows. Only rows that differ are written.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    Store, StoreError,
    session::{Session, Work},
    statement::people::{NAMES, SEEN_SENDERS, SENDERS_WITH_NAMES},
    table,
    value::{Row, Value, clean},
};
use crate::clock::Clock;

/// How many names are looked up and written at once.
const CHUNK: usize = 1_000;

/// What people call a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderName {
    /// The sender's id as received.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whether it is a bot; the outer `None` leaves what the archive says.
    pub is_bot: Option<Option<bool>>,
    /// The team; the outer `None` leaves what the archive says.
    pub team: Option<Option<String>>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct NamesStats {
    /// Senders that had no name.
    pub new: u64,
    /// Senders whose name, kind or team is another one now.
    pub changed: u64,
    /// Senders that were known so.
    pub unchanged: u64,
    /// Of all of these, senders that no archived message is from.
    pub unseen: u64,
}

/// A sender with its name, and how much came from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedSender {
    /// The sender's id as received.
    pub id: String,
    /// The name; `None` while nobody has given one.
    pub name: Option<String>,
    /// Whether it is a bot; `None` where nobody has said so.
    pub is_bot: Option<bool>,
    /// The team.
    pub team: Option<String>,
    /// `contact`, `user` or `unknown`.
    pub kind: String,
    /// Messages from it that are not deleted.
    pub messages: u64,
    /// When the newest of them was created, ISO-8601 UTC.
    pub last_message_at: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Known {
    name: String,
    is_bot: Option<bool>,
    team: Option<String>,
}

struct ImportNames<'a> {
    names: &'a [SenderName],
    clock: &'a Clock,
}

#[async_trait]
impl Work for ImportNames<'_> {
    type Outcome = NamesStats;

    async fn run(&self, session: &mut Session) -> Result<NamesStats, StoreError> {
        let mut stats = NamesStats::default();
        for chunk in self.names.chunks(CHUNK) {
            let ids: Vec<String> = chunk.iter().map(|name| clean(&name.id)).collect();
            let seen = session
                .select(&SEEN_SENDERS, vec![ids.clone().into()])
                .await;
            stats.unseen += chunk.len() as u64 - seen?.first_mut().map_or(Ok(0), Row::count)?;
            let mut known = known(session.select(&NAMES, vec![ids.into()]).await?)?;
            let mut rows = Vec::new();
            for name in chunk {
                let before = known.remove(&clean(&name.id));
                let now = merged(name, before.as_ref());
                match before {
                    None => stats.new += 1,
                    Some(before) if before == now => {
                        stats.unchanged += 1;
                        continue;
                    }
                    Some(_) => stats.changed += 1,
                }
                rows.push(row(&name.id, &now, self.clock));
            }
            session.put(&table::SENDER_NAMES, rows).await?;
        }
        Ok(stats)
    }
}

fn merged(name: &SenderName, before: Option<&Known>) -> Known {
    let (was_bot, was_team) = match before {
        Some(known) => (known.is_bot, known.team.clone()),
        None => (None, None),
    };
    Known {
        name: clean(&name.name),
        is_bot: name.is_bot.unwrap_or(was_bot),
        team: match &name.team {
            Some(team) => team.as_deref().map(clean),
            None => was_team,
        },
    }
}

fn row(id: &str, name: &Known, clock: &Clock) -> Vec<Value> {
    vec![
        id.into(),
        (&name.name).into(),
        name.is_bot.into(),
        (&name.team).into(),
        clock.now().into(),
    ]
}

fn known(rows: Vec<Row>) -> Result<HashMap<String, Known>, StoreError> {
    let of_row = |mut row: Row| {
        let id = row.text()?;
        let name = Known {
            name: row.text()?,
            is_bot: row.maybe_bool()?,
            team: row.maybe_text()?,
        };
        Ok((id, name))
    };
    rows.into_iter().map(of_row).collect()
}

impl Store {
    /// Keeps the names, all of them or none. No id may be there twice.
    pub async fn import_names(&self, names: &[SenderName]) -> Result<NamesStats, StoreError> {
        let work = ImportNames {
            names,
            clock: &self.shared.clock,
        };
        self.transact(&work).await
    }

    /// The senders without a name, or all of them, those with most messages first; of one kind
    /// where one is named.
    pub async fn read_senders(
        &self,
        with_named: bool,
        kind: Option<&str>,
    ) -> Result<Vec<NamedSender>, StoreError> {
        let args = vec![i64::from(with_named).into(), kind.unwrap_or("").into()];
        let mut rows = self.select(&SENDERS_WITH_NAMES, args).await?;
        let senders: Result<Vec<NamedSender>, StoreError> = rows.iter_mut().map(sender).collect();
        let mut senders = senders?;
        // Here and not in SQL: engines order text each in its own way.
        senders.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.id.cmp(&b.id)));
        Ok(senders)
    }
}

fn sender(row: &mut Row) -> Result<NamedSender, StoreError> {
    Ok(NamedSender {
        id: row.text()?,
        name: row.maybe_text()?,
        is_bot: row.maybe_bool()?,
        team: row.maybe_text()?,
        kind: row.text()?,
        messages: row.count()?,
        last_message_at: row.maybe_time()?.map(|time| time.to_string()),
    })
}
