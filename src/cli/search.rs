//! `convault search`: messages by their words, with the words around each hit.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
};

use serde_json::{Value, json};

use super::{
    context::Context,
    filter::FilterArgs,
    outcome::{Exit, Failure},
    output::{self, counted, grouped, printable},
};
use crate::{
    config::{ArchiveArgs, colour_welcome},
    store::{SearchHit, SearchPage, SearchQuery, SearchSort, Store, StoreError},
    terms::Piece,
};

/// Hits that are read at once.
const HITS_AT_ONCE: usize = 500;
/// Messages outside of the index that are worth a word, since they make a search slow.
const UNINDEXED_TOLD: u64 = 10_000;
/// Of more hits only the newest are ranked.
const RANKED: u64 = 1_000;

/// Find messages by their words, captions and titles.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A message is found if it holds every word, in any order, whatever the case and the accents.
  \"was denied\"   these words, one after the other
  refun*         words that begin like this
  -shipping      not this word (quote the whole, so that it is no option)
  退款           also within a longer run; of Chinese, Japanese, Korean and Thai any part is found
Results go to standard output, their number to standard error.

Examples:
  convault search refund denied
  convault search '\"not delivered\" refund* -shipping' --from 2026-03-01
  convault search 退款 --conversation conv_5d1f9c0a --sort rank
  convault search refund --json --limit 1000 | jq -r '.[].message_id'")]
pub(super) struct SearchCommand {
    /// The words; several arguments are as one.
    #[arg(value_name = "WORDS", required = true)]
    words: Vec<String>,

    /// The order: the newest first, or those that answer best (of the newest 1,000 hits).
    #[arg(long, value_name = "ORDER", default_value = "newest")]
    sort: SortArg,

    /// Hits at most, up to 10000.
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// One JSON array in place of text.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    archive: ArchiveArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SortArg {
    Newest,
    Rank,
}

impl SearchCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let store = context.open_to_read("search", &self.archive).await?;
        let found = self.search(&store).await;
        store.close().await;
        let page = found?;
        if self.json {
            let hits: Vec<Value> = page.hits.iter().map(as_json).collect();
            output::print_json(&hits)?;
        } else {
            let mark = Mark::for_output();
            let hits: Vec<String> = page.hits.iter().map(|hit| as_text(hit, mark)).collect();
            output::print(&hits.join("\n"))?;
        }
        context.tell(&self.summary(&page));
        Ok(Exit::Done)
    }

    /// As many hits as are asked for, read page by page.
    async fn search(&self, store: &Store) -> Result<SearchPage, Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut query = SearchQuery {
            words: self.words.join(" "),
            filter: self.filter.resolve(store).await?,
            sort: match self.sort {
                SortArg::Newest => SearchSort::Newest,
                SortArg::Rank => SearchSort::Rank,
            },
            limit: limit.min(HITS_AT_ONCE),
            after: None,
        };
        let found = store.search(&query).await;
        let mut whole = found.map_err(|error| match error {
            StoreError::Words(_) => {
                Failure::from(error).with_hint("such as: convault search 'refund* -shipping'")
            }
            error => error.into(),
        })?;
        while let Some(next) = whole.next
            && whole.hits.len() < limit
        {
            query.after = Some(next);
            query.limit = (limit - whole.hits.len()).min(HITS_AT_ONCE);
            let page = store.search(&query).await?;
            whole.hits.extend(page.hits);
            whole.next = page.next;
        }
        Ok(whole)
    }

    fn summary(&self, page: &SearchPage) -> String {
        let total = page.total.unwrap_or_default();
        let shown = page.hits.len() as u64;
        let mut text = match total {
            0 => "No hits".to_owned(),
            total => counted(total, "hit"),
        };
        let is_ranked = matches!(self.sort, SortArg::Rank);
        if is_ranked && total > RANKED {
            text.push_str(", of which the newest 1 000 were ranked");
        }
        if shown < total {
            let which = if is_ranked { "best" } else { "newest" };
            let shown = grouped(shown);
            // Writing to a string cannot fail.
            let _ = write!(text, "; the {which} {shown} are shown (--limit)");
        }
        text.push('.');
        if page.unindexed >= UNINDEXED_TOLD {
            let messages = counted(page.unindexed, "message");
            let _ = write!(
                text,
                "\n{messages} had to be read, because the index does not hold them yet: the next \
                 `convault sync` takes them in, and this becomes quick."
            );
        }
        text
    }
}

/// How a hit is marked.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Bold,
    Brackets,
}

impl Mark {
    fn for_output() -> Self {
        if io::stdout().is_terminal() && colour_welcome() {
            Self::Bold
        } else {
            Self::Brackets
        }
    }

    fn on(self, text: &str) -> String {
        match self {
            Self::Bold => format!("\u{1b}[1m{text}\u{1b}[22m"),
            Self::Brackets => format!("[{text}]"),
        }
    }
}

/// A line about the message, and one of its words.
fn as_text(hit: &SearchHit, mark: Mark) -> String {
    let time = hit.created_at.map(|time| time.to_string());
    let sender = hit.sender_name.as_ref().or(hit.sender_id.as_ref());
    let deleted = hit.deleted_at.map(|time| format!("deleted {time}"));
    let parts = [
        time.as_deref().unwrap_or("(no time)"),
        sender.map_or("(no sender)", String::as_str),
        hit.kind.as_deref().unwrap_or("(no type)"),
        &hit.conversation_id,
        &hit.message_id,
        deleted.as_deref().unwrap_or_default(),
    ];
    let about: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(printable)
        .collect();
    let words: String = hit
        .snippet
        .iter()
        .map(|Piece { text, is_hit }| {
            let text = printable(text);
            if *is_hit { mark.on(&text) } else { text }
        })
        .collect();
    format!("{}\n    {}\n", about.join("  "), words.trim())
}

fn as_json(hit: &SearchHit) -> Value {
    let snippet = hit.snippet.iter();
    let snippet: Vec<Value> = snippet
        .map(|piece| json!({ "text": piece.text, "hit": piece.is_hit }))
        .collect();
    json!({
        "conversation_id": hit.conversation_id,
        "message_id": hit.message_id,
        "created_at": hit.created_at.map(|time| time.to_string()),
        "sender_id": hit.sender_id,
        "sender_name": hit.sender_name,
        "type": hit.kind,
        "media_kind": hit.media_kind,
        "deleted_at": hit.deleted_at.map(|time| time.to_string()),
        "rank": hit.rank,
        "snippet": snippet,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_hit_is_marked_and_can_do_nothing_to_a_terminal() {
        let piece = |text: &str, is_hit| Piece {
            text: text.to_owned(),
            is_hit,
        };
        let hit = SearchHit {
            conversation_id: "conv_1".to_owned(),
            message_id: "m\u{1b}[2J".to_owned(),
            created_at: Some(Timestamp::from_millis(0)),
            sender_id: Some("u_1".to_owned()),
            sender_name: Some("Ivy\u{202e}".to_owned()),
            kind: None,
            media_kind: None,
            deleted_at: Some(Timestamp::from_millis(1)),
            snippet: vec![
                piece("…申请", false),
                piece("退\u{7}款", true),
                piece(" ", false),
            ],
            rank: 1.5,
        };
        assert_eq!(
            as_text(&hit, Mark::Brackets),
            "1970-01-01T00:00:00.000Z  Ivy  (no type)  conv_1  m[2J  deleted \
             1970-01-01T00:00:00.001Z\n    …申请[退款]\n"
        );
        assert!(as_text(&hit, Mark::Bold).contains("\u{1b}[1m退款\u{1b}[22m"));
    }
}
