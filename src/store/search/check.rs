//! Whether the index holds what the messages say: every place of every term, in sums that both
//! sides give alike. Told for `verify`; reads every message up to the index's mark.

use super::{
    super::{
        StoreError,
        backend::Select,
        statement::search::{INDEX_SUMS, LONG_MESSAGES_SUMS, SIZES_UP_TO},
    },
    index::State,
    scan::{by_size, entries_for_index},
};

/// Messages whose sizes are read at once.
const MESSAGES_AT_ONCE: i64 = 2_000;

/// Sums over the places of terms, and over the messages that are too long for the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    places: i64,
    messages: i64,
    mixed: i64,
    long: i64,
    long_messages: i64,
}

/// How an index differs from the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFlaw {
    /// What the messages say.
    pub expected: String,
    /// What the index says.
    pub found: String,
}

/// Compares the index with the messages that it stands for.
pub(in crate::store) async fn compare<S: Select + ?Sized>(
    reader: &mut S,
) -> Result<Option<IndexFlaw>, StoreError> {
    let indexed_to = State::read(reader).await?.indexed_to();
    if indexed_to == 0 {
        // It is none, or one of another program's terms: nothing relies on it.
        return Ok(None);
    }
    let found = read_index(reader).await?;
    let expected = read_messages(reader, indexed_to).await?;
    Ok((found != expected).then(|| IndexFlaw {
        expected: expected.shown(),
        found: found.shown(),
    }))
}

async fn read_index<S: Select + ?Sized>(reader: &mut S) -> Result<Sums, StoreError> {
    let mut index = reader.select(&INDEX_SUMS, Vec::new()).await?;
    let mut long = reader.select(&LONG_MESSAGES_SUMS, Vec::new()).await?;
    let ([index], [long]) = (index.as_mut_slice(), long.as_mut_slice()) else {
        return Err(StoreError::broken("a sum gave no row"));
    };
    Ok(Sums {
        places: index.int()?,
        messages: index.int()?,
        mixed: index.int()?,
        long: long.int()?,
        long_messages: long.int()?,
    })
}

async fn read_messages<S: Select + ?Sized>(
    reader: &mut S,
    indexed_to: i64,
) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    let mut last = i64::MIN;
    loop {
        let args = vec![last.into(), indexed_to.into(), MESSAGES_AT_ONCE.into()];
        let mut sized = Vec::new();
        for mut row in reader.select(&SIZES_UP_TO, args).await? {
            sized.push((row.int()?, row.int()?));
        }
        let Some((newest, _)) = sized.last() else {
            return Ok(sums);
        };
        last = *newest;
        for part in by_size(&sized) {
            let keys = part.iter().map(|(key, _)| *key).collect();
            for (key, entry) in entries_for_index(reader, keys).await? {
                if !entry.is_empty() && !entry.fits() {
                    sums.long += 1;
                    sums.long_messages += key;
                    continue;
                }
                for (place, term) in entry.positions() {
                    sums.add(key, place, term.len());
                }
            }
        }
    }
}

impl Sums {
    /// As [`INDEX_SUMS`] adds it; what is added is bounded, so that no sum overflows.
    fn add(&mut self, key: i64, place: usize, length: usize) {
        let offset = i64::try_from(place).unwrap_or(i64::MAX) - 1;
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        self.places += 1;
        self.messages += key % 1_000_003;
        self.mixed += (key % 99_991) * (offset % 1_009 + 1) * length % 1_000_003;
    }

    fn shown(&self) -> String {
        format!(
            "{} places of terms and {} long messages (sums {}, {} and {})",
            self.places, self.long, self.messages, self.mixed, self.long_messages
        )
    }
}
