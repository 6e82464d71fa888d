//! Claims about keeping the index of words: with a batch, behind it, and where a message changes.

use convault::{
    model::{ConversationKey, Message},
    store::SearchQuery,
};

use super::{
    ids, index,
    said::{saying, with_words},
    search,
};
use crate::store::{
    place::{Opened, Place},
    sample::page,
};

/// How many terms the index holds of a message, as the engine itself tells.
pub(super) async fn indexed_terms(place: &Place) -> i64 {
    place
        .number("select count(*) from search_index_vocabulary")
        .await
}

/// Leaves a message behind the index, so that every later one stays there too. It has no words, so
/// the index holds just what its mark says.
pub(super) async fn leave_behind(place: &Place, opened: &Opened, key: ConversationKey) {
    let keys = "select count(*) from messages";
    let id = format!("wordless{}", place.number(keys).await);
    let wordless = with_words(&id, 0, [None; 3]);
    opened.write(vec![page(key, 5, vec![wordless])]).await;
    place
        .execute("update archive set indexed_to = indexed_to - 1")
        .await;
}

pub(in crate::store) async fn an_edit_is_found_by_its_new_words_alone(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let at = |observed, messages| page(key, observed, messages);
    opened
        .write(vec![at(
            10,
            vec![saying("a", 1, "old words"), saying("b", 2, "old")],
        )])
        .await;
    let terms = indexed_terms(&place).await;
    assert_eq!(terms, 3);
    // One that is indexed, one that is not, and one that says the same in other JSON.
    leave_behind(&place, &opened, key).await;
    opened
        .write(vec![at(20, vec![saying("c", 3, "old tail")])])
        .await;
    let mut same = saying("b", 2, "old");
    same.raw = "{}".into();
    same.sha256 = [7; 32];
    opened
        .write(vec![at(
            30,
            vec![
                saying("a", 1, "new words"),
                saying("c", 3, "new tail"),
                same,
            ],
        )])
        .await;
    assert_eq!(indexed_terms(&place).await, terms);
    for _ in 0..2 {
        assert_eq!(ids(&opened.store, "old").await, ["b"]);
        assert_eq!(ids(&opened.store, "new").await, ["a", "c"]);
        assert_eq!(ids(&opened.store, "words").await, ["a"]);
        assert_eq!(ids(&opened.store, "new -tail").await, ["a"]);
        index(&opened).await;
    }
    opened
        .write(vec![at(40, vec![with_words("a", 1, [None; 3])])])
        .await;
    assert_eq!(ids(&opened.store, "new").await, ["c"]);
    opened
        .write(vec![at(
            50,
            vec![with_words("a", 1, [None, None, Some("captioned")])],
        )])
        .await;
    assert_eq!(ids(&opened.store, "captioned").await, ["a"]);
    assert_eq!(indexed_terms(&place).await, 4);
}

pub(in crate::store) async fn an_index_that_is_half_made_is_finished(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let said: Vec<Message> = (0..12_500)
        .map(|number| {
            saying(
                &format!("m{number}"),
                number,
                &format!("n{} word", number % 4_500),
            )
        })
        .collect();
    for (at, part) in (10..).zip(said.chunks(2_500)) {
        opened.write(vec![page(key, at, part.to_vec())]).await;
    }
    assert_eq!(indexed_terms(&place).await, 25_000);
    opened.store.forget_index().await.unwrap();
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let stop = || looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0;
    assert_eq!(opened.store.catch_up_index(stop).await.unwrap(), 10_000);
    let unindexed = async || {
        let query = SearchQuery {
            words: "n7".into(),
            ..SearchQuery::default()
        };
        let page = search(&opened.store, &query).await;
        assert_eq!(page.total, Some(3));
        page.unindexed
    };
    assert_eq!(unindexed().await, 2_500);
    assert_eq!(index(&opened).await, 2_500);
    assert_eq!(
        (unindexed().await, indexed_terms(&place).await),
        (0, 25_000)
    );
    // Terms that another program cut are none of ours.
    place.execute("update archive set terms_version = 0").await;
    assert_eq!(unindexed().await, 12_500);
    opened
        .write(vec![page(key, 90, vec![saying("m7", 7, "other")])])
        .await;
    assert_eq!(index(&opened).await, 12_500);
    let query = SearchQuery {
        words: "n7".into(),
        ..SearchQuery::default()
    };
    assert_eq!(search(&opened.store, &query).await.total, Some(2));
    assert_eq!(indexed_terms(&place).await, 24_999);
}

/// A search need not read a list beside the index once a run has ended.
#[tokio::test]
async fn words_that_wait_are_in_the_index_once_the_archive_is_synced() {
    let place = Place::postgres();
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let waiting = "select gin_clean_pending_list('search_index_terms')";
    for (round, is_synced) in [(0, false), (1, true)] {
        let said = saying(&format!("m{round}"), round, "words that wait");
        opened.write(vec![page(key, 10, vec![said])]).await;
        if is_synced {
            opened.store.sync().await.unwrap();
        }
        let pages = place.number(waiting).await;
        assert_eq!(pages == 0, is_synced, "{pages} pages of the list");
    }
    assert_eq!(ids(&opened.store, "\"that wait\"").await, ["m0", "m1"]);
}
