//! The flags that say which messages are meant, the same for every command that asks for some.

use super::outcome::Failure;
use crate::{
    model::{ConversationId, Deleted, MessageFilter, Timestamp, time_in_zone},
    store::Store,
};

/// Which messages; all of them where nothing is said.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which messages")]
pub(super) struct FilterArgs {
    /// Only this conversation; more than one may be named.
    #[arg(long = "conversation", value_name = "ID")]
    conversations: Vec<String>,
    /// Only what this sender wrote, by id; more than one may be named.
    #[arg(long = "sender", value_name = "ID")]
    senders: Vec<String>,
    /// Only this type, as the gateway spells it (`text`, `image`); more than one may be named.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only what was sent at this time or later: `2026-03-01`, `2026-03-01T18:00` (both in the
    /// archive's zone) or `2026-03-01T18:00:00Z`.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was sent before this time; a day alone means its beginning.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What of messages that were deleted at the gateway.
    #[arg(long, value_name = "WHICH", default_value = "include")]
    deleted: DeletedArg,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DeletedArg {
    Include,
    Exclude,
    Only,
}

impl FilterArgs {
    /// The filter; times without an offset are local to the archive.
    ///
    /// # Errors
    /// A time that is none, an end that is not after the beginning, or a conversation that the
    /// archive does not know (code 2); the archive cannot be read (8).
    pub(super) async fn resolve(&self, store: &Store) -> Result<MessageFilter, Failure> {
        let zone = store.read_time_zone().await?;
        let ids = self.conversations.iter().map(String::as_str);
        let conversations: Vec<ConversationId> = ids.map(ConversationId::new).collect();
        let filter = MessageFilter {
            senders: self.senders.clone(),
            types: self.types.clone(),
            from: time(self.from.as_deref(), "--from", &zone)?,
            to: time(self.to.as_deref(), "--to", &zone)?,
            deleted: match self.deleted {
                DeletedArg::Include => Deleted::Include,
                DeletedArg::Exclude => Deleted::Exclude,
                DeletedArg::Only => Deleted::Only,
            },
            conversations,
        };
        if let (Some(from), Some(to)) = (filter.from, filter.to)
            && from >= to
        {
            let message = format!("nothing lies between --from ({from}) and --to ({to})");
            return Err(Failure::usage(message).with_hint("--to names the first time left out"));
        }
        let unknown = store
            .read_unknown_conversations(&filter.conversations)
            .await?;
        if !unknown.is_empty() {
            let named: Vec<&str> = unknown.iter().map(ConversationId::as_str).collect();
            let message = format!("the archive knows no conversation {}", named.join(", "));
            return Err(Failure::usage(message)
                .with_hint("`select id from v_conversations` lists those that it knows"));
        }
        Ok(filter)
    }
}

/// The time that a flag names, in a zone where it names none itself.
pub(super) fn time(
    text: Option<&str>,
    flag: &str,
    zone: &str,
) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    time_in_zone(text, zone).map(Some).map_err(|_| {
        Failure::usage(format!("{flag} {text:?} is no time"))
            .with_hint("say 2026-03-01, 2026-03-01T18:00 or 2026-03-01T18:00:00Z")
    })
}
