//! A list of ids, in the order given: a million of them are one text and where each ends.

use std::fmt;

use crate::model::ConversationId;

/// Conversations, in the order given. Of a million some 50 MB are held, all of which go back at once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IdList {
    /// One id after the other.
    text: String,
    /// Where each ends there, in bytes.
    ends: Vec<usize>,
}

impl IdList {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Each as it was given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// All of them, each on its own.
    pub fn to_vec(&self) -> Vec<ConversationId> {
        self.iter().map(ConversationId::new).collect()
    }

    pub(super) fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[place]]
    }

    /// Without those that were there before, and how many these were. Sorts numbers and not a set
    /// of copies, so that a million ids cost four bytes each.
    pub(super) fn each_once(mut self) -> (Self, u64) {
        let repeated = repeated(self.len(), |place| self.get(place));
        let kept = repeated.iter().filter(|is_repeated| !**is_repeated).count();
        let duplicates = (self.len() - kept) as u64;
        if duplicates > 0 {
            let mut once = Self::default();
            let ids = self.iter().zip(&repeated);
            for (id, _) in ids.filter(|(_, is_repeated)| !**is_repeated) {
                once.push(id);
            }
            self = once;
        }
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        (self, duplicates)
    }
}

impl FromIterator<ConversationId> for IdList {
    fn from_iter<I: IntoIterator<Item = ConversationId>>(ids: I) -> Self {
        let mut list = Self::default();
        for id in ids {
            list.push(id.as_str());
        }
        list
    }
}

impl fmt::Debug for IdList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Of so many items whether each is the same as one before it.
pub(super) fn repeated<T: Ord>(count: usize, item: impl Fn(usize) -> T) -> Vec<bool> {
    let mut order: Vec<u32> =
        (0..u32::try_from(count).expect("memory ends before 2^32 items")).collect();
    order.sort_unstable_by(|a, b| {
        let of = |place: &u32| item(*place as usize);
        of(a).cmp(&of(b)).then(a.cmp(b))
    });
    let mut repeated = vec![false; count];
    for pair in order.windows(2) {
        let (first, second) = (pair[0] as usize, pair[1] as usize);
        repeated[second] = item(first) == item(second);
    }
    repeated
}
