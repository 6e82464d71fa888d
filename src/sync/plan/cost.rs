//! What a walk costs in requests, on a gateway where nothing moves meanwhile and whose pages are
//! as long as they were asked for. Pure arithmetic, as `walk` asks: tests hold both together.

/// Pages of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    limit: u64,
    overlap: u64,
}

impl Pages {
    pub(super) fn of(limit: u32) -> Self {
        let limit = u64::from(limit.max(1));
        Self {
            limit,
            // `walk::Rules::overlap`.
            overlap: (limit / 25).max(1).min(limit / 4),
        }
    }

    /// Rows from the start of a page to the start of the next one: that begins at a row which is
    /// strictly newer than the page's last one, so at least two rows are read twice.
    fn stride(self) -> u64 {
        self.limit.saturating_sub(self.overlap.max(2)).max(1)
    }

    /// Whether so many messages fit one page with room to spare: a page that is not full.
    pub(super) const fn hold(self, messages: u64) -> bool {
        messages < self.limit
    }

    /// Pages from one place down over so many rows, until one is not full.
    pub(super) fn down(self, rows: u64) -> u64 {
        rows.checked_sub(self.limit)
            .map_or(1, |beyond| beyond / self.stride() + 2)
    }

    /// Everything, from nothing: the pages, the look past the end unless b is known (then the
    /// short page says by its `count` that it is the last), and the closing read of the head
    /// where there was more than one page.
    pub(super) fn whole(self, messages: u64, end_is_known: bool) -> u64 {
        if self.hold(messages) {
            // A first page that is not full says nothing of how long a full one would be.
            return 2;
        }
        self.down(messages) + u64::from(!end_is_known) + 1
    }

    /// What a cover lacks that does not reach the oldest message yet: the head, the pages from
    /// its lowest row down over the rows that are left, one for each hole between its pieces,
    /// the look past the end unless b is known, the closing read of the head.
    pub(super) fn down_from(self, left: u64, holes: u64, end_is_known: bool) -> u64 {
        1 + self.down(left + self.overlap) + holes + u64::from(!end_is_known) + 1
    }

    /// What a cover lacks that has holes between its pieces alone.
    pub(super) fn between(self, unread: u64, holes: u64) -> u64 {
        1 + unread / self.stride() + holes + 1
    }

    /// Pages below the head of a conversation, which no idle run looks at.
    pub(super) fn below_head(self, messages: u64) -> u64 {
        messages.saturating_sub(self.limit).div_ceil(self.stride())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_that_fits_a_page_costs_the_page_and_the_look_past_its_end() {
        let pages = Pages::of(100);
        for messages in [0, 1, 99] {
            assert_eq!(pages.whole(messages, false), 2, "{messages}");
        }
    }

    #[test]
    fn a_full_page_asks_for_another_one_and_for_the_head_at_the_end() {
        let pages = Pages::of(100);
        // Pages begin at 0, 96, 192 ...; the one that is not full is the last.
        for (messages, read) in [(100, 2), (195, 2), (196, 3), (291, 3), (292, 4)] {
            assert_eq!(pages.down(messages), read, "{messages}");
            assert_eq!(pages.whole(messages, false), read + 2, "{messages}");
            assert_eq!(pages.whole(messages, true), read + 1, "{messages}");
        }
    }

    #[test]
    fn small_pages_share_at_least_two_rows() {
        for (limit, stride) in [
            (1, 1),
            (2, 1),
            (3, 1),
            (4, 2),
            (20, 18),
            (50, 48),
            (100, 96),
        ] {
            assert_eq!(Pages::of(limit).stride(), stride, "{limit}");
        }
        assert_eq!(Pages::of(1000).stride(), 960);
    }

    #[test]
    fn what_is_left_begins_at_the_overlap_above_it() {
        let pages = Pages::of(100);
        // Head, one page, the look past the end, head.
        assert_eq!(pages.down_from(1, 0, false), 4);
        assert_eq!(pages.down_from(95, 0, false), 4);
        assert_eq!(pages.down_from(96, 0, false), 5);
        assert_eq!(pages.down_from(96, 2, true), 6);
        assert_eq!(pages.between(0, 1), 3);
        assert_eq!(pages.between(200, 2), 6);
    }

    #[test]
    fn the_head_page_is_not_swept() {
        let pages = Pages::of(100);
        let below: Vec<u64> = [0, 100, 101, 196, 197, 1_060]
            .map(|messages| pages.below_head(messages))
            .to_vec();
        assert_eq!(below, [0, 0, 1, 1, 2, 10]);
    }
}
