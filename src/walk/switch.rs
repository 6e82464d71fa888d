//! The rules that a test can turn off, to show that a claim breaks without each of them. Outside
//! tests every rule holds, and nothing of this is compiled in but `true`.

/// A rule of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A page says nothing of the times of its first and its last row: two pages link only if the
    /// lower one's first row is strictly newer than the upper one's last.
    StrictLink,
    /// Only a page that is smaller than a full one may be the tail.
    FullPage,
    /// An empty page proves the tail only with the same count.
    SameCount,
    /// What earlier runs covered is cut back to T - λ before it is relied on.
    Settling,
    /// Pieces that are merged keep the smallest T.
    SmallestT,
    /// A walk of several pages reads the head again.
    ClosingRead,
    /// The number of live messages must agree with the count.
    Deficit,
    /// A page whose rows are not in order claims nothing.
    Order,
    /// An absence counts only in a page that was sent after the message was last seen.
    SentAfterSeen,
    /// A second absence counts only λ after the first.
    StrikeLag,
    /// A tombstone needs a second absence.
    SecondStrike,
    /// Masses of deletions are held back.
    Brake,
    /// Messages that are counted and not listed are believed to be hidden ones only where they
    /// are few, or as usual at this gateway.
    BoundedUnlisted,
    /// Without a count that can be relied on, a short page is the end only if the page past it is
    /// empty.
    EmptyPastShort,
    /// Pages of a place are asked for ahead once.
    AheadOnce,
    /// What is missing is looked for by two pages in a row.
    ConfirmTwice,
    /// Where a message is absent and listed again within one run, nothing is deleted.
    OneList,
    /// A walk ends where pages bring nothing any more.
    Progress,
}

#[cfg(test)]
thread_local! {
    static OFF: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// Whether the rule is in force.
#[cfg(not(test))]
pub(super) const fn holds(_rule: Rule) -> bool {
    true
}

/// Whether the rule is in force.
#[cfg(test)]
pub(super) fn holds(rule: Rule) -> bool {
    OFF.get() != Some(rule)
}

/// Does something with one rule turned off, on this thread.
#[cfg(test)]
pub(super) fn without<T>(rule: Rule, act: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            OFF.set(None);
        }
    }
    let _restore = Restore;
    OFF.set(Some(rule));
    act()
}
