//! The index of words: right at every moment.
//!
//! What holds after each transaction: the index has every message up to `archive.indexed_to` with
//! its present words, and no other. Where it has all, a batch takes its new messages in, in the
//! transaction that writes them; where it has not, they lie behind that mark, and
//! [`Store::catch_up_index`] takes them in. A message that changes and is indexed is taken out and
//! put in with its new words by the transaction that changes it.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use async_trait::async_trait;

use super::{
    super::{
        Store, StoreError,
        apply::Texts,
        backend::{Select, Step},
        session::{Session, Work},
        statement::search::{
            CLEAR_INDEX, CLEAR_LONG_MESSAGES, FORGET_LONG_MESSAGES, INDEX, INDEX_STATE,
            SET_INDEXED_TO, SIZES_AFTER, UNINDEX,
        },
        table::{self, Rows},
        value::Row,
    },
    scan::{begin_to_cut, by_size, entries_for_index},
};
use crate::terms::{Entry, VERSION, cut_for_index};

/// Messages that are indexed in one transaction.
const MESSAGES_AT_ONCE: i64 = 10_000;
/// Messages of them whose terms are held together.
const MESSAGES_CUT: usize = 1_000;

/// How far the index is.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct State {
    indexed_to: i64,
    terms_version: i64,
    /// The last message that there is.
    newest: i64,
}

impl State {
    pub(super) async fn read<S: Select + ?Sized>(source: &mut S) -> Result<Self, StoreError> {
        Self::of(&mut source.select(&INDEX_STATE, Vec::new()).await?)
    }

    pub(in crate::store) fn of(rows: &mut [Row]) -> Result<Self, StoreError> {
        let [row] = rows else {
            return Err(StoreError::broken("the archive's own row is missing"));
        };
        Ok(Self {
            indexed_to: row.int()?,
            terms_version: row.int()?,
            newest: row.int()?,
        })
    }

    /// Up to which message the index is one of this program's terms; 0 where it is none of them.
    pub(in crate::store) const fn indexed_to(&self) -> i64 {
        if self.terms_version == VERSION {
            self.indexed_to
        } else {
            0
        }
    }

    const fn is_behind(&self) -> bool {
        self.newest > self.indexed_to()
    }

    /// How far it is after a transaction that may have taken new messages in; `newest` is the last
    /// message that there is by then.
    pub(in crate::store) const fn after(&self, words: Option<&TakingIn>, newest: i64) -> Self {
        match words {
            Some(TakingIn(keys)) if keys.start < keys.end => Self {
                indexed_to: keys.end - 1,
                terms_version: VERSION,
                newest,
            },
            _ => Self { newest, ..*self },
        }
    }

    /// For new messages with these keys, where every one before them is in the index.
    pub(in crate::store) fn taking_in(&self, keys: Range<i64>) -> Option<TakingIn> {
        (self.indexed_to() == keys.start - 1).then_some(TakingIn(keys))
    }
}

/// New messages on their way into the index, by the transaction that writes them.
#[derive(Debug)]
pub(in crate::store) struct TakingIn(Range<i64>);

impl TakingIn {
    /// What takes some of them in, by their texts.
    pub(in crate::store) fn take_in(texts: Vec<(i64, Texts)>) -> Vec<Step> {
        let entries = texts.into_iter();
        let cut = |texts: &Texts| cut_for_index(texts.each_ref().map(Option::as_deref));
        steps(entries.map(|(key, texts)| (key, cut(&texts))))
    }

    /// What keeps that all of them are in.
    pub(in crate::store) fn finish(self) -> Vec<Step> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let args = vec![(self.0.end - 1).into(), VERSION.into()];
        vec![Step::Run(&SET_INDEXED_TO, args)]
    }
}

/// Takes the next messages into the index.
struct CatchUp;

#[async_trait]
impl Work for CatchUp {
    /// How many there were.
    type Outcome = u64;

    async fn run(&self, session: &mut Session) -> Result<u64, StoreError> {
        let state = State::read(session).await?;
        if state.terms_version != VERSION {
            clear(session).await?;
        }
        let from = state.indexed_to();
        let args = vec![from.into(), MESSAGES_AT_ONCE.into()];
        let mut sized = Vec::new();
        for mut row in session.select(&SIZES_AFTER, args).await? {
            sized.push((row.int()?, row.int()?));
        }
        let Some(part) = by_size(&sized).next() else {
            return Ok(0);
        };
        let keys: Vec<i64> = part.iter().map(|(key, _)| *key).collect();
        let to = keys.last().copied().unwrap_or(from);
        // While some are put into the index, the next are cut into terms.
        let mut cut = HashMap::new();
        for chunk in keys.chunks(MESSAGES_CUT) {
            let cutting = begin_to_cut(session, chunk.to_vec()).await?;
            put(session, cut).await?;
            cut = cutting.entries().await?;
        }
        put(session, cut).await?;
        let args = vec![to.into(), VERSION.into()];
        session.execute(&SET_INDEXED_TO, args).await?;
        Ok(part.len() as u64)
    }
}

/// Puts messages that are not there into the index.
async fn put(session: &mut Session, entries: HashMap<i64, Entry>) -> Result<(), StoreError> {
    let mut entries: Vec<(i64, Entry)> = entries.into_iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    session.write(steps(entries)).await?;
    Ok(())
}

/// What puts messages that are not there into the index.
fn steps(entries: impl IntoIterator<Item = (i64, Entry)>) -> Vec<Step> {
    let wordy = entries.into_iter().filter(|(_, entry)| !entry.is_empty());
    let (short, long): (Vec<_>, Vec<_>) = wordy.partition(|(_, entry)| entry.fits());
    let long = long.into_iter().map(|(key, _)| vec![key.into()]);
    let long = Rows::of(&table::SEARCH_LONG_MESSAGES, long);
    let mut steps = vec![Step::Put(long)];
    if !short.is_empty() {
        steps.push(Step::Run(&INDEX, vec![short.into()]));
    }
    steps
}

async fn clear(session: &mut Session) -> Result<(), StoreError> {
    session.execute(&CLEAR_INDEX, Vec::new()).await?;
    session.execute(&CLEAR_LONG_MESSAGES, Vec::new()).await?;
    let args = vec![0_i64.into(), VERSION.into()];
    session.execute(&SET_INDEXED_TO, args).await?;
    Ok(())
}

struct Forget;

#[async_trait]
impl Work for Forget {
    type Outcome = ();

    async fn run(&self, session: &mut Session) -> Result<(), StoreError> {
        clear(session).await
    }
}

/// The words of indexed messages before a transaction changes them.
pub(in crate::store) struct WordsBefore(BTreeMap<i64, Entry>);

/// Reads the words of those of the messages that are in the index, before they change.
pub(in crate::store) async fn words_before(
    session: &mut Session,
    keys: &[i64],
) -> Result<WordsBefore, StoreError> {
    if keys.is_empty() {
        return Ok(WordsBefore(BTreeMap::new()));
    }
    let state = State::read(session).await?;
    if ![0, VERSION].contains(&state.terms_version) {
        // Another program's index, which what changes now would make wrong for that program too.
        let args = vec![0_i64.into(), 0_i64.into()];
        session.execute(&SET_INDEXED_TO, args).await?;
    }
    let indexed_to = state.indexed_to();
    let indexed: Vec<i64> = keys
        .iter()
        .copied()
        .filter(|key| *key <= indexed_to)
        .collect();
    let mut before: BTreeMap<i64, Entry> = BTreeMap::new();
    if !indexed.is_empty() {
        before.extend(entries_for_index(session, indexed).await?);
    }
    Ok(WordsBefore(before))
}

/// Indexes messages anew whose words are others than before; in the transaction that changed them.
pub(in crate::store) async fn reword(
    session: &mut Session,
    WordsBefore(mut before): WordsBefore,
) -> Result<(), StoreError> {
    if before.is_empty() {
        return Ok(());
    }
    let keys = before.keys().copied().collect();
    let mut after = entries_for_index(session, keys).await?;
    before.retain(|key, entry| after.get(key).is_none_or(|now| !same(entry, now)));
    after.retain(|key, _| before.contains_key(key));
    let (short, long): (Vec<_>, Vec<_>) = before
        .into_iter()
        .filter(|(_, entry)| !entry.is_empty())
        .partition(|(_, entry)| entry.fits());
    if !short.is_empty() {
        session.execute(&UNINDEX, vec![short.into()]).await?;
    }
    if !long.is_empty() {
        let keys: Vec<i64> = long.into_iter().map(|(key, _)| key).collect();
        session
            .execute(&FORGET_LONG_MESSAGES, vec![keys.into()])
            .await?;
    }
    put(session, after).await
}

fn same(one: &Entry, other: &Entry) -> bool {
    one.positions().eq(other.positions())
}

impl Store {
    /// Takes every message that is not in the index of words into it, some thousand in a
    /// transaction; gives how many. Ends early, without harm, once `stop` says so. Writes nothing
    /// where nothing is missing.
    pub async fn catch_up_index(&self, stop: impl Fn() -> bool + Send) -> Result<u64, StoreError> {
        let mut state = self.select(&INDEX_STATE, Vec::new()).await?;
        let mut indexed = 0;
        let mut is_behind = State::of(&mut state)?.is_behind();
        while is_behind && !stop() {
            let more = self.transact(&CatchUp).await?;
            indexed += more;
            is_behind = more > 0;
        }
        Ok(indexed)
    }

    /// Empties the index of words, so that [`Store::catch_up_index`] makes it anew.
    pub async fn forget_index(&self) -> Result<(), StoreError> {
        self.transact(&Forget).await
    }
}
