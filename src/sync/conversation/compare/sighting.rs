//! What one message of a page is to the archive, from what is known of it. Pure.

use super::Digest;

/// A message in a page, and what is known of it. The archive that was read may lack what this
/// visit has sent there and the writer has not committed.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, in any combination"
)]
pub(super) struct Sighting {
    /// Of the message as it is in the page.
    pub(super) digest: Digest,
    /// As the first or one of the last pages of this visit had it, whichever came last.
    pub(super) again: Option<Digest>,
    /// As the archive had it when it was read.
    pub(super) archived: Option<Digest>,
    /// This visit has sent it to the archive as a new one, or as one that is back.
    pub(super) met: bool,
    /// This visit had shown it absent.
    pub(super) back: bool,
    /// The archive had it missing or deleted.
    pub(super) gone: bool,
    /// The archive had noted an older state that a later page has shown: seeing the current one is
    /// news.
    pub(super) pending: bool,
}

/// What a sighting is to the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing, for certain: it need not be sent there.
    Unchanged,
    /// It may be something; what is committed by then says.
    Perhaps,
    Changed,
    Back,
    New,
}

impl Sighting {
    /// Does not hang on how far the writer has come, but in whether it is [`News::Perhaps`].
    pub(super) fn news(self) -> News {
        if self.back || (self.gone && !self.met) {
            return News::Back;
        }
        if self.again == Some(self.digest) {
            return News::Unchanged;
        }
        // Another state of it may still be on its way, so that the archive's says nothing.
        let met_otherwise = self.again.is_some();
        match self.archived {
            _ if met_otherwise => News::Changed,
            Some(archived) if archived != self.digest => News::Changed,
            Some(_) if self.gone || self.pending => News::Perhaps,
            Some(_) => News::Unchanged,
            None if self.met => News::Perhaps,
            None => News::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Option<Digest> = Some([1; 16]);
    const B: Option<Digest> = Some([2; 16]);
    const SEEN_A: Sighting = Sighting {
        digest: [1; 16],
        again: None,
        archived: None,
        met: false,
        back: false,
        gone: false,
        pending: false,
    };

    #[test]
    fn a_message_is_new_changed_or_unchanged_by_what_the_archive_has() {
        let with = |archived| Sighting { archived, ..SEEN_A }.news();
        assert_eq!(with(None), News::New);
        assert_eq!(with(A), News::Unchanged);
        assert_eq!(with(B), News::Changed);
    }

    #[test]
    fn what_this_visit_has_met_counts_the_same_whether_or_not_it_is_committed() {
        for (again, news) in [(A, News::Unchanged), (B, News::Changed)] {
            for archived in [None, A, B] {
                let sighting = Sighting {
                    again,
                    archived,
                    met: true,
                    ..SEEN_A
                };
                assert_eq!(sighting.news(), news, "{again:?} {archived:?}");
            }
        }
        let long_ago = Sighting {
            met: true,
            ..SEEN_A
        };
        assert_eq!(long_ago.news(), News::Perhaps);
    }

    #[test]
    fn a_state_that_returns_is_sent_though_the_archive_seems_to_have_it() {
        let returned = Sighting {
            archived: A,
            again: B,
            ..SEEN_A
        };
        assert_eq!(returned.news(), News::Changed);
    }

    #[test]
    fn the_current_state_is_sent_where_an_older_one_waits_to_be_seen_again() {
        let pending = Sighting {
            archived: A,
            pending: true,
            ..SEEN_A
        };
        assert_eq!(pending.news(), News::Perhaps);
    }

    #[test]
    fn what_was_absent_is_back_once() {
        let gone = Sighting {
            archived: A,
            gone: true,
            ..SEEN_A
        };
        assert_eq!(gone.news(), News::Back);
        let met = Sighting { met: true, ..gone };
        assert_eq!(met.news(), News::Perhaps);
        let absent_in_this_visit = Sighting {
            back: true,
            again: A,
            met: true,
            ..SEEN_A
        };
        assert_eq!(absent_in_this_visit.news(), News::Back);
    }
}
