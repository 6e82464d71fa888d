//! Pages that are not what was asked for: cut, failing, out of order, or without a count.

use std::collections::BTreeSet;

use super::*;

const WIDE: Rules = Rules {
    limit: 100,
    limit_max: 400,
    ..RULES
};

/// A list that stands still, newest first, and how far a page goes that begins at a rank: `None`
/// where it cannot be had.
struct List<F> {
    times: Vec<i64>,
    is_counted: bool,
    page_to: F,
}

/// What a walk came to.
#[derive(Debug)]
struct Walked {
    /// The ranks that were archived.
    archived: BTreeSet<usize>,
    verdict: Option<Verdict>,
    asked: u64,
    walk: Walk,
}

impl<F: Fn(usize, usize) -> Option<usize>> List<F> {
    /// Answers a walk that knows these ranks to be archived, to its end.
    fn serve(&self, mut walk: Walk, archived: impl IntoIterator<Item = usize>) -> Walked {
        let mut archived: BTreeSet<usize> = archived.into_iter().collect();
        let mut asked = 0;
        let verdict = loop {
            let request = match walk.step() {
                Step::Done(verdict) => break Some(verdict),
                Step::Ask(request) => request,
            };
            asked += 1;
            assert!(asked < 2_000, "it has no end");
            let skip = match request.position {
                Position::Skip(skip) => skip,
                Position::Above(time, rows) => {
                    let newer = |rank: &&usize| self.times[**rank] > time.as_millis();
                    (archived.iter().filter(newer).count() as u64).saturating_sub(rows)
                }
            };
            let from = usize::try_from(skip).unwrap().min(self.times.len());
            let limit = (request.limit as usize).min(self.times.len() - from);
            let Some(to) = (self.page_to)(from, limit) else {
                if walk.page_failed(skip, FailureClass::Server, "500") {
                    continue;
                }
                break None;
            };
            let row = |rank: usize| RowFacts {
                id_hash: rank as u64,
                created_at: Some(at(self.times[rank])),
            };
            let page = PageFacts {
                skip,
                limit: request.limit,
                sent_at: at(1_000_000),
                count: self
                    .is_counted
                    .then_some(self.times.len().try_into().unwrap()),
                rows: (from..to).map(row).collect(),
            };
            walk.accept(&page);
            archived.extend(from..to);
            let live = archived.len() as u64;
            walk.stored(Stored { live, ranks: None });
        };
        Walked {
            archived,
            verdict,
            asked,
            walk,
        }
    }
}

#[test]
fn a_stretch_of_large_messages_is_read_a_few_at_a_time() {
    // Three of them fill an answer, and so do 300 of the others.
    let page_to = |from: usize, limit: usize| {
        let mut left = 300_usize;
        let size = |rank: usize| if rank < 150 { 1 } else { 100 };
        let fits = (from..from + limit).take_while(|&rank| {
            let fits = rank == from || left >= size(rank);
            left = left.saturating_sub(size(rank));
            fits
        });
        Some(from + fits.count())
    };
    let list = List {
        times: down_from(900_000, 400),
        is_counted: true,
        page_to,
    };
    let walked = list.serve(Walk::new(WIDE, &Known::default()), []);
    assert_eq!(walked.verdict, Some(Verdict::Complete));
    assert_eq!(walked.archived.len(), 400);
    assert!(walked.walk.cuts_pages());
    assert!(walked.asked < 300, "{}", walked.asked);
}

#[test]
fn a_message_that_cannot_be_had_below_a_few_of_one_time_costs_itself_alone() {
    let mut times = down_from(900_000, 300);
    times[121] = times[120];
    times[122] = times[120];
    let list = List {
        times,
        is_counted: true,
        page_to: |from, limit| (!(from..from + limit).contains(&123)).then_some(from + limit),
    };
    let walked = list.serve(Walk::new(WIDE, &Known::default()), []);
    let lacking: Vec<_> = (0..300)
        .filter(|rank| !walked.archived.contains(rank))
        .collect();
    assert_eq!(lacking, [123]);
    let Some(Verdict::Partial { class, reason }) = walked.verdict else {
        panic!("{:?}", walked.verdict);
    };
    assert_eq!(class, FailureClass::Server);
    assert!(reason.contains("rank 123"), "{reason}");
    assert!(walked.asked < 40, "{}", walked.asked);
}

#[test]
fn what_is_read_blindly_is_read_to_its_end_though_most_of_it_is_archived() {
    let mut times = down_from(900_000, 2_000);
    for pair in times.chunks_mut(2) {
        pair.swap(0, 1);
    }
    let list = List {
        times,
        is_counted: true,
        page_to: |from, limit| Some(from + limit),
    };
    let known = Known {
        live: 1_500,
        ..Known::default()
    };
    let walked = list.serve(Walk::new(RULES, &known), 0..1_500);
    let class = match walked.verdict {
        Some(Verdict::Partial { class, .. }) => class,
        other => panic!("{other:?}"),
    };
    assert_eq!(class, FailureClass::OrderViolation);
    assert_eq!(walked.archived.len(), 2_000);
}

#[test]
fn a_short_list_without_a_count_ends_where_it_was_seen_to_end_twice() {
    for rows in [0, 1, 30] {
        let list = List {
            times: down_from(900_000, rows),
            is_counted: false,
            page_to: |from, limit| Some(from + limit),
        };
        let first = list.serve(Walk::new(WIDE, &Known::default()), []);
        assert_eq!(first.verdict, Some(Verdict::Complete), "{rows}");
        assert_eq!(first.walk.tail_proof(), Some(TailProof::ShortPage));
        assert_eq!(first.asked, 4, "{rows}");
    }
}

#[test]
fn an_arrival_between_a_page_and_the_look_past_it_does_not_make_it_a_cut_one() {
    let known = Known {
        full_page: Some(20),
        ..Known::default()
    };
    for (count_after, is_cut) in [(7, false), (6, true)] {
        let mut walk = Walk::new(RULES, &known);
        let head = page(&walk, 0, Some(6), &down_from(5_000, 5));
        take(&mut walk, &head, 5);
        assert_eq!(asks(&walk), Position::Skip(5));
        let more = page(&walk, 5, Some(count_after), &[4_960]);
        take(&mut walk, &more, 6);
        assert_eq!(walk.cuts_pages(), is_cut, "{count_after}");
    }
}
