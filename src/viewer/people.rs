//! Who sent a message: a side, and a name where somebody has given one.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::{
    model::Direction,
    store::{Browsing, KnownName, StoreError},
};

/// The names of the senders of a page.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<String, KnownName>);

impl People {
    /// Looks the names of some senders up.
    pub(super) async fn read<'a>(
        archive: &mut Browsing,
        ids: impl Iterator<Item = Option<&'a String>>,
    ) -> Result<Self, StoreError> {
        let mut ids: Vec<String> = ids.flatten().cloned().collect();
        ids.sort();
        ids.dedup();
        Ok(Self(archive.names(ids).await?))
    }

    /// The name, or the id where there is none.
    pub(super) fn name<'a>(&'a self, id: Option<&'a str>) -> &'a str {
        match id {
            None => "unknown sender",
            Some(id) => self.0.get(id).map_or(id, |known| known.name.as_str()),
        }
    }

    /// The name with what else is known: team, bot, and the id under it.
    pub(super) fn shown(&self, id: Option<&str>) -> Markup {
        let known = id.and_then(|id| self.0.get(id));
        html! {
            bdi.name title=[id] { (self.name(id)) }
            @if let Some(known) = known {
                @if let Some(team) = &known.team { " " bdi.team { (team) } }
                @if known.is_bot == Some(true) { " " span.team { "bot" } }
            }
        }
    }
}

/// The side that a sender is on, as its id tells.
pub(super) fn side(sender: Option<&str>) -> Direction {
    match sender {
        Some(id) if id.starts_with("con_") => Direction::Inbound,
        Some(id) if id.starts_with("u_") => Direction::Outbound,
        _ => Direction::Unknown,
    }
}
