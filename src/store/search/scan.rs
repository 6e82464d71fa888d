//! What the index does not hold, read and matched in our own code.

use std::{borrow::Cow, collections::HashMap};

use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::{
    super::{
        StoreError,
        backend::Select,
        filter::Conditions,
        statement::{Statement, search::WORDS},
        value::{Kind, Row, Value},
    },
    order::{Found, Newest},
    words,
};
use crate::{
    model::MessageFilter,
    terms::{Entry, Query, cut, cut_for_index, score},
};

/// Messages whose sizes are read at once.
const MESSAGES_AT_ONCE: i64 = 2_000;
/// Bytes of words that are held at once, but for a message that alone has more.
const BYTES_AT_ONCE: i64 = 4 << 20;

/// What was read.
pub(super) struct Scanned {
    pub(super) newest: Newest,
    /// Messages that match.
    pub(super) matched: u64,
    /// Messages that were read.
    pub(super) read: u64,
}

/// Messages that the index does not hold.
#[derive(Clone, Copy)]
enum Source {
    /// Those that came after the last one that is indexed.
    Tail,
    /// Those that are too long for it.
    Long,
}

/// Reads every message that the filter means and the index does not hold, which is up to a key, and
/// ranks what matches, so that long words need not be read twice.
pub(super) async fn scan<S: Select + ?Sized>(
    reader: &mut S,
    query: &Query,
    filter: &MessageFilter,
    indexed_to: i64,
    (newest, ranks): (Newest, bool),
) -> Result<Scanned, StoreError> {
    let mut scanned = Scanned {
        newest,
        matched: 0,
        read: 0,
    };
    // Where the index is none of this program's terms, every message is behind it.
    let sources = if indexed_to > 0 { 2 } else { 1 };
    for (source, mut last) in [(Source::Tail, indexed_to), (Source::Long, 0)]
        .into_iter()
        .take(sources)
    {
        let (statement, conditions) = sizes(source, filter);
        loop {
            let mut args: Vec<Value> = vec![last.into(), MESSAGES_AT_ONCE.into()];
            args.extend(conditions.iter().cloned());
            let mut found = Vec::new();
            for mut row in reader.select(&statement, args).await? {
                let of_message = Found {
                    key: row.int()?,
                    created_at: row.maybe_time()?,
                    rank: 0,
                };
                found.push((of_message, row.int()?));
            }
            let Some((newest, _)) = found.last() else {
                break;
            };
            last = newest.key;
            for chunk in by_size(&found) {
                read_chunk(reader, (query, ranks), chunk, &mut scanned).await?;
            }
        }
    }
    Ok(scanned)
}

async fn read_chunk<S: Select + ?Sized>(
    reader: &mut S,
    (query, ranks): (&Query, bool),
    chunk: &[(Found, i64)],
    scanned: &mut Scanned,
) -> Result<(), StoreError> {
    let keys = chunk.iter().map(|(found, _)| found.key).collect();
    let entries = entries(reader, keys).await?;
    for (found, _) in chunk {
        scanned.read += 1;
        if let Some(entry) = entries.get(&found.key).filter(|entry| query.matches(entry)) {
            let found = Found {
                rank: if ranks { score(query, entry) } else { 0 },
                ..*found
            };
            scanned.matched += 1;
            scanned.newest.add(found);
        }
    }
    Ok(())
}

/// Key, time and bytes of words of some messages after a key.
fn sizes(source: Source, filter: &MessageFilter) -> (Statement, Vec<Value>) {
    let conditions = Conditions::of(filter, 3);
    let (from, is_wanted) = match source {
        Source::Tail => ("messages m", "m.key > $1"),
        Source::Long => (
            "search_long_messages l cross join messages m",
            "l.message_key > $1 and m.key = l.message_key",
        ),
    };
    let text = format!(
        "select m.key, m.created_at,
                coalesce(octet_length(m.title), 0) + coalesce(octet_length(m.text), 0)
         from {from} where {is_wanted}{} order by m.key limit $2",
        conditions.sql
    );
    let statement = Statement {
        purpose: "looking for messages that the index of words does not hold",
        text: Cow::Owned(text),
        columns: &[Kind::Int, Kind::Time, Kind::Int],
        arguments: 2 + conditions.args.len(),
    };
    (statement, conditions.args)
}

/// Parts of a list of messages and their sizes, each small enough to be held.
pub(super) fn by_size<T>(sized: &[(T, i64)]) -> impl Iterator<Item = &[(T, i64)]> {
    let mut rest = sized;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(_, size)| {
            bytes += size;
            bytes <= BYTES_AT_ONCE
        });
        let (part, after) = rest.split_at_checked(fits.count().max(1))?;
        rest = after;
        Some(part)
    })
}

/// The terms of messages, by key.
pub(super) async fn entries<S: Select + ?Sized>(
    reader: &mut S,
    keys: Vec<i64>,
) -> Result<HashMap<i64, Entry>, StoreError> {
    entries_by(reader, keys, cut).await
}

/// The terms of messages as an index has them, by key: long ones are not cut.
pub(super) async fn entries_for_index<S: Select + ?Sized>(
    reader: &mut S,
    keys: Vec<i64>,
) -> Result<HashMap<i64, Entry>, StoreError> {
    entries_by(reader, keys, cut_for_index).await
}

async fn entries_by<S: Select + ?Sized>(
    reader: &mut S,
    keys: Vec<i64>,
    cut: fn([Option<&str>; 3]) -> Entry,
) -> Result<HashMap<i64, Entry>, StoreError> {
    let rows = reader.select(&WORDS, vec![keys.into()]).await?;
    cut_rows(rows, cut)
}

fn cut_rows(
    rows: Vec<Row>,
    cut: fn([Option<&str>; 3]) -> Entry,
) -> Result<HashMap<i64, Entry>, StoreError> {
    let entry = |mut row: Row| {
        let (key, texts) = (row.int()?, words(&mut row)?);
        Ok((key, cut(texts.each_ref().map(Option::as_deref))))
    };
    rows.into_iter().map(entry).collect()
}

/// Messages whose words are being cut into terms, on another thread.
pub(super) struct Cutting(JoinHandle<Result<HashMap<i64, Entry>, StoreError>>);

impl Cutting {
    /// The terms as an index has them, by key.
    pub(super) async fn entries(self) -> Result<HashMap<i64, Entry>, StoreError> {
        match self.0.await.map_err(JoinError::try_into_panic) {
            Ok(entries) => entries,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // Cut off: the runtime is ending, and this task with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }
}

/// Reads the words of messages, and begins to cut them as an index has them.
pub(super) async fn begin_to_cut<S: Select + ?Sized>(
    reader: &mut S,
    keys: Vec<i64>,
) -> Result<Cutting, StoreError> {
    let rows = reader.select(&WORDS, vec![keys.into()]).await?;
    Ok(Cutting(spawn_blocking(move || {
        cut_rows(rows, cut_for_index)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_at_once_is_bounded_and_nothing_is_left_out() {
        let half = BYTES_AT_ONCE / 2;
        let bytes = [half, half, 1, BYTES_AT_ONCE + 1, 0, half];
        let sized: Vec<(usize, i64)> = bytes.into_iter().enumerate().collect();
        let parts: Vec<usize> = by_size(&sized).map(<[_]>::len).collect();
        assert_eq!(parts, [2, 1, 1, 2]);
    }
}
