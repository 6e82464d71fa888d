//! Claims about search: what is found, on both engines alike, whatever the index holds yet.

mod keeping;
mod oracle;
mod said;

use convault::{
    model::{ConversationId, Deleted, Message, MessageFilter},
    store::{PageWrite, SearchHit, SearchPage, SearchQuery, SearchSort, Store, StoreError},
    terms::{Piece, Query},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    place::{Opened, Place, time},
    sample::{absence, page},
};
pub(super) use keeping::{
    an_edit_is_found_by_its_new_words_alone, an_index_that_is_half_made_is_finished,
};
use said::{saying, with_words};

async fn search(store: &Store, query: &SearchQuery) -> SearchPage {
    store.search(query).await.unwrap()
}

/// What these words find, by id in the order of ids.
async fn ids(store: &Store, words: &str) -> Vec<String> {
    let query = SearchQuery {
        words: words.to_owned(),
        limit: 1_000,
        ..SearchQuery::default()
    };
    let page = search(store, &query).await;
    assert_eq!(page.total, Some(page.hits.len() as u64), "{words}");
    let mut ids: Vec<String> = page.hits.into_iter().map(|hit| hit.message_id).collect();
    ids.sort();
    ids
}

async fn index(opened: &Opened) -> u64 {
    opened.store.catch_up_index(|| false).await.unwrap()
}

pub(super) async fn what_is_said_anywhere_in_a_message_is_found(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let messages = vec![
        with_words(
            "chinese",
            1,
            [None, Some("您好，我想申请退款，订单号 A-1023"), None],
        ),
        with_words(
            "english",
            2,
            [Some("Your REFUND"), Some("It was denied today 👍🏽"), None],
        ),
        with_words("caption", 3, [None, None, Some("Café à la carte, refunds")]),
        with_words("nothing", 4, [None, None, None]),
        with_words("other", 5, [None, Some("退货不可以"), Some("款待")]),
    ];
    opened.write(vec![page(key, 10, messages)]).await;
    for round in 0..3 {
        // With the batch, not at all, later.
        match round {
            1 => opened.store.forget_index().await.unwrap(),
            2 => assert_eq!(index(&opened).await, 5),
            _ => assert_eq!(index(&opened).await, 0),
        }
        for (words, expected) in [
            ("退款", vec!["chinese"]),
            ("退", vec!["chinese", "other"]),
            ("款", vec!["chinese", "other"]),
            ("申请退款", vec!["chinese"]),
            ("退款申请", vec![]),
            ("a-1023", vec!["chinese"]),
            ("refund", vec!["english"]),
            ("refund*", vec!["caption", "english"]),
            ("refund today", vec!["english"]),
            ("\"refund it\"", vec![]),
            ("\"was denied\"", vec!["english"]),
            ("\"was den\"*", vec!["english"]),
            ("refund* -denied", vec!["caption"]),
            ("cafe A LA", vec!["caption"]),
            ("👍", vec!["english"]),
            ("款 -退", vec![]),
            ("款 -退款", vec!["other"]),
        ] {
            assert_eq!(ids(&opened.store, words).await, expected, "{words}");
        }
    }
    let query = SearchQuery {
        words: "退款".into(),
        limit: 5,
        ..SearchQuery::default()
    };
    let page = search(&opened.store, &query).await;
    assert_eq!(page.unindexed, 0);
    let pieces = [
        ("您好，我想申请", false),
        ("退款", true),
        ("，订单号 A-1023", false),
    ];
    let pieces = pieces.map(|(text, is_hit)| Piece {
        text: text.into(),
        is_hit,
    });
    assert_eq!(page.hits[0].snippet, pieces);
    assert_eq!(page.hits[0].conversation_id, "conv_1");
    assert_eq!(page.hits[0].created_at, Some(time(1)));
}

pub(super) async fn a_deleted_message_is_found_and_told(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let said = || vec![saying("gone", 1, "refund"), saying("here", 2, "refund")];
    opened.write(vec![page(key, 10, said())]).await;
    index(&opened).await;
    opened.write(vec![absence(key, 20, &["gone"])]).await;
    let deleted = PageWrite {
        deleted: absence(key, 30, &["gone"]).absent,
        ..page(key, 30, Vec::new())
    };
    opened.write(vec![deleted]).await;
    let found = async |deleted| -> Vec<(String, bool)> {
        let query = SearchQuery {
            words: "refund".into(),
            filter: MessageFilter {
                deleted,
                ..MessageFilter::default()
            },
            limit: 9,
            ..SearchQuery::default()
        };
        let page = search(&opened.store, &query).await;
        let hits = page.hits.into_iter();
        hits.map(|hit| (hit.message_id, hit.deleted_at.is_some()))
            .collect()
    };
    let (here, gone) = (("here".to_owned(), false), ("gone".to_owned(), true));
    assert_eq!(found(Deleted::Include).await, [here.clone(), gone.clone()]);
    assert_eq!(found(Deleted::Only).await, [gone]);
    assert_eq!(found(Deleted::Exclude).await, [here]);
    opened
        .write(vec![page(key, 40, vec![saying("gone", 1, "back again")])])
        .await;
    assert_eq!(ids(&opened.store, "back").await, ["gone"]);
    assert_eq!(ids(&opened.store, "refund").await, ["here"]);
}

pub(super) async fn a_filter_leaves_the_others_out(place: Place) {
    let opened = place.open().await;
    let (one, two) = (
        opened.register("conv_1").await,
        opened.register("conv_2").await,
    );
    let mut other = saying("b", 200, "refund");
    (other.sender_id, other.kind) = (Some("u_1".into()), Some("image".into()));
    let mut timeless = saying("d", 0, "refund");
    timeless.created_at = None;
    opened
        .write(vec![page(one, 10, vec![saying("a", 100, "refund"), other])])
        .await;
    opened
        .write(vec![page(
            two,
            10,
            vec![saying("c", 300, "refund"), timeless],
        )])
        .await;
    for _ in 0..2 {
        let found = async |filter: MessageFilter| -> String {
            let query = SearchQuery {
                words: "refund".into(),
                filter,
                limit: 9,
                ..SearchQuery::default()
            };
            let page = search(&opened.store, &query).await;
            assert_eq!(page.total, Some(page.hits.len() as u64));
            page.hits
                .iter()
                .map(|hit| hit.message_id.as_str())
                .collect()
        };
        let all = MessageFilter::default;
        assert_eq!(found(all()).await, "cbad");
        let filter = MessageFilter {
            conversations: vec![ConversationId::new("conv_1")],
            ..all()
        };
        assert_eq!(found(filter).await, "ba");
        let filter = MessageFilter {
            senders: vec!["u_1".into()],
            types: vec!["image".into()],
            ..all()
        };
        assert_eq!(found(filter).await, "b");
        let filter = MessageFilter {
            from: Some(time(100)),
            to: Some(time(300)),
            ..all()
        };
        assert_eq!(found(filter).await, "ba");
        opened.store.forget_index().await.unwrap();
    }
}

pub(super) async fn pages_follow_each_other_and_hold_each_hit_once(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    // Times repeat, and some have none; words are more or less.
    let said = |from: i64, to: i64| -> Vec<Message> {
        let one = |number: i64| {
            let often = usize::try_from(number % 3 + 1).unwrap();
            let mut made = saying(
                &format!("m{number:03}"),
                number / 4,
                &"refund ".repeat(often),
            );
            made.created_at = made.created_at.filter(|_| number % 10 > 0);
            made
        };
        (from..to).map(one).collect()
    };
    opened.write(vec![page(key, 10, said(0, 40))]).await;
    keeping::leave_behind(&place, &opened, key).await;
    opened.write(vec![page(key, 20, said(40, 60))]).await;
    for sort in [SearchSort::Newest, SearchSort::Rank] {
        let query = |limit, after| SearchQuery {
            words: "refund".into(),
            sort,
            limit,
            after,
            ..SearchQuery::default()
        };
        let whole = search(&opened.store, &query(1_000, None)).await;
        assert_eq!(
            (whole.total, whole.next, whole.unindexed),
            (Some(60), None, 21)
        );
        let rank = |hit: &SearchHit| match sort {
            SearchSort::Newest => 0.0,
            SearchSort::Rank => hit.rank,
        };
        let order = |hit: &SearchHit| (rank(hit), hit.created_at);
        let is_in_order = whole
            .hits
            .is_sorted_by(|one, next| order(one) >= order(next));
        assert!(is_in_order, "{sort:?}");
        let (mut pages, mut after, mut number) = (Vec::new(), None, 0);
        loop {
            let page = search(&opened.store, &query(7, after)).await;
            assert_eq!(page.total.is_some(), number == 0);
            pages.extend(page.hits);
            number += 1;
            let Some(next) = page.next else { break };
            after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!((number, pages), (9, whole.hits));
    }
}

pub(super) async fn a_message_of_any_length_is_found(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let many: String =
        (0..20_000).fold(String::new(), |text, number| text + &format!("w{number} "));
    let repeated = format!("{}needle tail", "hay ".repeat(3_000));
    let large = format!("{} needle", "退款申请".repeat(100_000));
    let word = "x".repeat(70_000);
    let messages = [many.as_str(), &repeated, &large, &word];
    let said = (0..).zip(messages);
    let said = said
        .map(|(number, text)| saying(&format!("m{number}"), number, text))
        .collect();
    opened.write(vec![page(key, 10, said)]).await;
    for is_indexed in [true, false] {
        assert_eq!(ids(&opened.store, "w19999").await, ["m0"]);
        assert_eq!(ids(&opened.store, "\"w3 w4\"").await, ["m0"]);
        assert_eq!(ids(&opened.store, "needle").await, ["m1", "m2"]);
        assert_eq!(ids(&opened.store, "\"hay needle tail\"").await, ["m1"]);
        assert_eq!(ids(&opened.store, "请退款").await, ["m2"]);
        assert_eq!(ids(&opened.store, "needle -hay").await, ["m2"]);
        assert_eq!(ids(&opened.store, "xxx*").await, ["m3"]);
        if is_indexed {
            opened.store.forget_index().await.unwrap();
        } else {
            assert_eq!(index(&opened).await, 4);
        }
    }
    let long = "select count(*) from search_long_messages";
    assert_eq!(place.number(long).await, 4);
    opened
        .write(vec![page(key, 20, vec![saying("m0", 0, "short now")])])
        .await;
    assert_eq!(ids(&opened.store, "w5").await, Vec::<String>::new());
    assert_eq!(ids(&opened.store, "short").await, ["m0"]);
    assert_eq!(
        (
            place.number(long).await,
            keeping::indexed_terms(&place).await
        ),
        (3, 2)
    );
    opened
        .write(vec![page(key, 30, vec![saying("m0", 0, &many)])])
        .await;
    assert_eq!(ids(&opened.store, "w5").await, ["m0"]);
    assert_eq!(
        (
            place.number(long).await,
            keeping::indexed_terms(&place).await
        ),
        (4, 0)
    );
}

pub(super) async fn whatever_is_typed_has_an_answer(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let said = vec![
        saying("a", 1, "near and or not col text's \\ x"),
        saying("b", 2, "退款"),
    ];
    opened.write(vec![page(key, 10, said)]).await;
    index(&opened).await;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let parts = [
        "\"", "'", "*", "-", "(", ")", ":", "^", "+", "NEAR(", "AND", "OR", "NOT", "near", "{",
        "}", "&", "|", "!", "<->", "<2>", "\\", "\0", "\u{e000}", "退", "退款", "a", " ",
        "\u{feff}", "％", "𝟘", "\u{301}", "ß", "$1", "?1", "%", "_", ";", "--", "/*", "\n", "👍",
        "\u{202e}", ",",
    ];
    for _ in 0..400 {
        let number = random.random_range(1..9);
        let words: String = (0..number)
            .map(|_| parts[random.random_range(0..parts.len())])
            .collect();
        let query = SearchQuery {
            words: words.clone(),
            ..SearchQuery::default()
        };
        match opened.store.search(&query).await {
            Ok(page) => assert!(page.hits.len() <= 1),
            Err(StoreError::Words(_)) => assert!(Query::parse(&words).is_err()),
            Err(error) => panic!("{words:?}: {error}"),
        }
    }
    let long = format!("{} 退款", "x".repeat(10_000));
    assert!(ids(&opened.store, &long).await.is_empty());
    let error = opened
        .store
        .search(&SearchQuery::default())
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

pub(super) async fn random_words_find_what_a_plain_reading_finds(place: Place) {
    let opened = place.open().await;
    let keys = [
        opened.register("conv_1").await,
        opened.register("conv_2").await,
    ];
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let mut texts: Vec<String> = Vec::new();
    for round in 0..6 {
        let mut pages = Vec::new();
        for number in 0..40_usize {
            let is_edit = !texts.is_empty() && number % 4 == 0;
            let said = if is_edit {
                random.random_range(0..texts.len())
            } else {
                texts.push(String::new());
                texts.len() - 1
            };
            texts[said] = oracle::text(&mut random);
            let at = i64::try_from(said).unwrap();
            let message = saying(&format!("m{said:04}"), at, &texts[said]);
            let observed = 10 + round * 1_000 + i64::try_from(number).unwrap();
            pages.push(page(keys[said % 2], observed, vec![message]));
        }
        if round % 2 == 1 {
            keeping::leave_behind(&place, &opened, keys[0]).await;
        }
        opened.write(pages).await;
        for _ in 0..40 {
            let words = oracle::words(&mut random);
            let expected: Vec<String> = (0..)
                .zip(&texts)
                .filter(|(_, text)| oracle::matches(&words, text))
                .map(|(place, _)| format!("m{place:04}"))
                .collect();
            if Query::parse(&words).is_ok() {
                assert_eq!(ids(&opened.store, &words).await, expected, "{words:?}");
            }
        }
        if round % 2 == 0 {
            assert_eq!(index(&opened).await > 0, round > 0);
        }
    }
}
