//! Hashes of ids, as a visit remembers them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
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

/// The ids that a visit has met: the one thing that grows with a conversation. Of many in a tree, since
/// a table takes up to three times the bytes.
#[derive(Debug)]
pub(super) enum Met {
    Few(HashSet<u64, BuildHasherDefault<Hashed>>),
    Many(BTreeSet<u64>),
}

impl Met {
    pub(super) fn new() -> Self {
        Self::Few(HashSet::default())
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        match self {
            Self::Few(table) => table.contains(&hash),
            Self::Many(tree) => tree.contains(&hash),
        }
    }

    pub(super) fn insert(&mut self, hash: u64) {
        match self {
            Self::Few(table) if table.len() < TABLE_MAX => {
                table.insert(hash);
            }
            Self::Few(table) => {
                let mut tree: BTreeSet<u64> = table.drain().collect();
                tree.insert(hash);
                *self = Self::Many(tree);
            }
            Self::Many(tree) => {
                tree.insert(hash);
            }
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
        assert!(matches!(&met, Met::Many(tree) if tree.len() == 40_000));
        assert!(hashes(0).all(|hash| met.contains(hash)));
    }
}
