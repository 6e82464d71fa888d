//! Hashes of ids, as a visit remembers them.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// Hashes up to which a table holds them: it is quick, and sixteen of them take some 5 MB.
const TABLE_MAX: usize = 16_384;

/// Something by the hash of an id.
pub(super) type ByHash<T> = HashMap<u64, T, BuildHasherDefault<Hashed>>;

/// What has been hashed already is not hashed again: nobody can choose ids that collide, since the
/// hash is keyed.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        unreachable!("{} bytes are no hash", bytes.len());
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The ids that a visit has met: the one thing that grows with a conversation.
#[derive(Debug)]
pub(super) enum Met {
    Few(HashSet<u64, BuildHasherDefault<Hashed>>),
    Many(Lists),
}

impl Met {
    pub(super) fn new() -> Self {
        Self::Few(HashSet::default())
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        match self {
            Self::Few(table) => table.contains(&hash),
            Self::Many(lists) => lists.contains(hash),
        }
    }

    pub(super) fn insert(&mut self, hash: u64) {
        match self {
            Self::Few(table) if table.len() < TABLE_MAX => {
                table.insert(hash);
            }
            Self::Few(table) => {
                let mut lists = Lists::new();
                for met in table.drain() {
                    lists.insert(met);
                }
                lists.insert(hash);
                *self = Self::Many(lists);
            }
            Self::Many(lists) => lists.insert(hash),
        }
    }
}

/// Many hashes: a list in order for each of their beginnings. By calculation a million take 9 MB, where a
/// tree of them took 14 and a table would take up to 28.
#[derive(Debug)]
pub(super) struct Lists(Vec<Vec<u64>>);

impl Lists {
    /// Bits of a hash that tell its list: hashes are spread evenly.
    const BITS: u32 = 12;

    fn new() -> Self {
        Self(vec![Vec::new(); 1 << Self::BITS])
    }

    fn place_of(hash: u64) -> usize {
        let first_bits = u16::try_from(hash >> (u64::BITS - Self::BITS));
        first_bits.map_or(0, usize::from)
    }

    fn contains(&self, hash: u64) -> bool {
        let list = &self.0[Self::place_of(hash)];
        list.binary_search(&hash).is_ok()
    }

    fn insert(&mut self, hash: u64) {
        let list = &mut self.0[Self::place_of(hash)];
        if let Err(place) = list.binary_search(&hash) {
            if list.len() == list.capacity() {
                // Were it doubled, up to half of the room would stay empty.
                list.reserve_exact(list.len() / 8 + 4);
            }
            list.insert(place, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_known_however_many_there_are() {
        let mut met = Met::new();
        let hashes =
            |from: u64| (from..from + 40_000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for (hash, other) in hashes(0).zip(hashes(40_000)) {
            assert!(!met.contains(hash));
            met.insert(hash);
            met.insert(hash);
            assert!(met.contains(hash) && !met.contains(other));
        }
        let Met::Many(Lists(lists)) = &met else {
            panic!("they are many");
        };
        assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), 40_000);
        assert!(lists.iter().all(|list| list.is_sorted()));
        assert!(hashes(0).all(|hash| met.contains(hash)));
    }
}
