//! Claims about what an edit changed, as the views tell it.

use super::{
    place::{Opened, Place},
    sample::{absence, message, page},
};

const TOLD: &str = "
    select conversation_id || ' ' || message_id || ' ' || version || ' ' || path || ' '
        || coalesce(before, '-') || ' ' || coalesce(after, '-')
    from v_message_changes order by conversation_id, message_id, version, position";

async fn told(place: &Place) -> Vec<String> {
    let found = place.texts(TOLD).await;
    found.into_iter().map(Option::unwrap).collect()
}

/// `m` in three states, the last two with other words; deleted and seen again as it was.
async fn edited(place: &Place) -> Opened {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let states = [
        r#"{"content":{"text":"on Monday"},"n":1}"#,
        r#"{"content":{"text":"on Friday"},"n":1}"#,
        r#"{"content":{"text":"on Friday","bold":true},"n":2}"#,
    ];
    for (at, raw) in (10..).zip(states) {
        let untouched = message("m_2", 2, "[2]");
        let pages = vec![page(key, at, vec![message("m_1", 1, raw), untouched])];
        opened.write(pages).await;
    }
    opened
}

pub(super) async fn what_each_later_version_changed_is_told_once(place: Place) {
    let opened = edited(&place).await;
    assert_eq!(told(&place).await, Vec::<String>::new());
    assert_eq!(opened.store.describe_changes(|| false).await.unwrap(), 2);
    let expected = [
        "conv_1 m_1 2 content.text on Monday on Friday",
        "conv_1 m_1 3 content.bold - true",
        "conv_1 m_1 3 n 1 2",
    ];
    assert_eq!(told(&place).await, expected);
    let changed = place
        .texts("select changed from v_message_history order by message_id, version")
        .await;
    let changed: Vec<_> = changed.iter().map(Option::as_deref).collect();
    assert_eq!(
        changed,
        [None, Some("content.text"), Some("content.bold, n"), None]
    );

    let written = place.number("select batch_seq from archive").await;
    assert_eq!(opened.store.describe_changes(|| false).await.unwrap(), 0);
    let after = place.number("select batch_seq from archive").await;
    assert_eq!(after, written, "nothing was to be written");

    opened.store.forget_changes().await.unwrap();
    opened.store.describe_changes(|| false).await.unwrap();
    assert_eq!(told(&place).await, expected);
}

/// A run that was told to stop describes nothing; a deletion changes no words, and a return
/// with other ones is compared with what was there before it.
pub(super) async fn what_was_not_described_is_described_later(place: Place) {
    let opened = edited(&place).await;
    assert_eq!(opened.store.describe_changes(|| true).await.unwrap(), 0);
    let key = opened.register("conv_1").await;
    drop(opened);
    for at in [20, 21] {
        let opened = place.open().await;
        opened
            .write(vec![absence(key, at * 1_000_000, &["m_1"])])
            .await;
    }
    let opened = place.open().await;
    let back = message(
        "m_1",
        1,
        r#"{"content":{"text":"on Sunday","bold":true},"n":2}"#,
    );
    opened.write(vec![page(key, 30_000_000, vec![back])]).await;
    assert_eq!(opened.store.describe_changes(|| false).await.unwrap(), 3);
    let last = told(&place).await.pop().unwrap();
    assert!(
        last.ends_with(" content.text on Friday on Sunday"),
        "{last}"
    );
}
