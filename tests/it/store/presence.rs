//! Claims about absence, return, and what a slice of a conversation holds.

use convault::{
    model::{ConversationKey, MessageId},
    store::{PageWrite, Slice},
};

use super::{
    place::{Opened, Place, read, time, versions},
    sample::{absence, message, page},
};

pub(super) async fn an_absence_and_a_return_leave_no_version(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, 10, vec![message("m", 1, "[1]")])])
        .await;
    opened
        .write(vec![absence(key, 20, &["m", "never seen"])])
        .await;
    assert_eq!(opened.live_count(key).await, 0);
    assert_eq!(missing_since(&opened, key).await, Some(20));
    assert_eq!(
        place.number("select missing_run from messages").await,
        opened.run.0
    );
    // The first absence is the one that stays.
    let again = opened.write(vec![absence(key, 30, &["m"])]).await;
    assert_eq!(
        (again.rows, missing_since(&opened, key).await),
        (0, Some(20))
    );

    // A page older than the absence does not take it back.
    opened
        .write(vec![page(key, 15, vec![message("m", 1, "[1]")])])
        .await;
    assert_eq!(missing_since(&opened, key).await, Some(20));
    let back = opened
        .write(vec![page(key, 40, vec![message("m", 1, "[1]")])])
        .await;
    assert_eq!((back.messages.unchanged, back.messages.changed), (1, 0));
    assert_eq!(missing_since(&opened, key).await, None);
    assert_eq!(
        place
            .number("select count(missing_run) from messages")
            .await,
        0
    );
    assert_eq!(opened.live_count(key).await, 1);
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        1
    );
}

pub(super) async fn two_absences_make_a_tombstone_with_its_evidence_and_a_sighting_lifts_it(
    place: Place,
) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(
            key,
            10,
            vec![message("m", 1, "[1]"), message("n", 2, "[2]")],
        )])
        .await;
    opened.write(vec![absence(key, 20, &["m"])]).await;
    let at_once = PageWrite {
        absent_again: vec![MessageId::new("m")],
        ..PageWrite::of(key, time(20))
    };
    opened.write(vec![at_once]).await;
    let missing = opened.store.read_missing(key).await.unwrap();
    assert!(
        !missing[0].confirmed,
        "a page of the same time is no second look"
    );
    let again = PageWrite {
        absent_again: vec![MessageId::new("m"), MessageId::new("n")],
        interval: (Some(time(0)), None),
        ..PageWrite::of(key, time(30))
    };
    opened.write(vec![again]).await;
    let missing = opened.store.read_missing(key).await.unwrap();
    assert_eq!(
        missing.len(),
        1,
        "one that is live cannot be absent again: {missing:?}"
    );
    assert_eq!(
        (missing[0].missing_since, missing[0].confirmed),
        (time(20), true)
    );

    let deletion = PageWrite {
        deleted: vec![MessageId::new("m"), MessageId::new("n")],
        ..PageWrite::of(key, time(30))
    };
    let stats = opened.write(vec![deletion]).await;
    assert_eq!(
        stats.messages.deleted, 1,
        "one that was never missing stays"
    );
    let deletion = "select count(*) from message_versions
                    where version = 2 and event = 'deleted' and raw is null and sha256 is null";
    assert_eq!(place.number(deletion).await, 1);
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        3
    );
    let tombstones = "select count(*) from messages where deleted_at = missing_since";
    assert_eq!(place.number(tombstones).await, 1);
    let evidence = "select count(*) from absences where strike = 2 and before_time is null";
    assert_eq!(place.number(evidence).await, 1);
    assert_eq!(place.number("select count(*) from absences").await, 2);
    let kept = "select count(*) from messages where text is not null or digest is not null";
    assert_eq!(place.number(kept).await, 2, "a deletion is never a delete");
    assert_eq!(opened.live_count(key).await, 1);

    opened
        .write(vec![page(key, 40, vec![message("m", 1, "[1]")])])
        .await;
    assert_eq!(opened.live_count(key).await, 2);
    assert_eq!(place.number("select count(*) from absences").await, 0);
    let last = "select max(version) from message_versions where event = 'reappeared'";
    assert_eq!(place.number(last).await, 3);
}

pub(super) async fn an_absence_in_an_older_page_is_no_absence(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![
            page(key, 10, vec![message("m", 1, "[1]")]),
            absence(key, 10, &["m"]),
            absence(key, 5, &["m"]),
        ])
        .await;
    assert_eq!(opened.live_count(key).await, 1);
    // Gone and back: what was then sent before the return says nothing.
    opened.write(vec![absence(key, 20, &["m"])]).await;
    opened
        .write(vec![page(key, 30, vec![message("m", 1, "[1]")])])
        .await;
    opened.write(vec![absence(key, 25, &["m"])]).await;
    assert_eq!(opened.live_count(key).await, 1);
}

pub(super) async fn a_deleted_message_that_is_seen_again_reappears(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(key, 10, vec![message("m", 1, "[1]")])])
        .await;
    opened.write(vec![absence(key, 20, &["m"])]).await;
    place
        .execute("update messages set deleted_at = missing_since")
        .await;
    assert!(
        read(&opened, key, &[]).await.is_empty(),
        "a deleted one is not in an interval"
    );
    assert_eq!(read(&opened, key, &["m"]).await.len(), 1);

    let absent = opened.write(vec![absence(key, 30, &["m"])]).await;
    assert_eq!(absent.rows, 0);
    let back = opened
        .write(vec![page(key, 40, vec![message("m", 1, "[1]")])])
        .await;
    assert_eq!(back.messages.changed, 1);
    assert_eq!(
        versions(&place).await,
        ["1 created 1 [1]", "2 reappeared 1 [1]"]
    );
    assert_eq!(place.number("select version from messages").await, 2);
    assert_eq!(
        place
            .number("select count(deleted_at) + count(missing_since) from messages")
            .await,
        0
    );
    assert_eq!(opened.live_count(key).await, 1);
}

pub(super) async fn a_slice_is_the_ids_and_the_open_interval(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let other = opened.register("conv_2").await;
    let mut messages: Vec<_> = (1..=5)
        .map(|n| message(&format!("m{n}"), n * 100, &format!("[{n}]")))
        .collect();
    messages[4].created_at = None;
    opened
        .write(vec![
            page(key, 10, messages),
            page(other, 10, vec![message("m2", 200, "[]")]),
        ])
        .await;
    for (after, newer) in [(99, 4), (100, 3), (399, 1), (400, 0)] {
        let live = opened
            .store
            .count_live_after(key, time(after))
            .await
            .unwrap();
        assert_eq!(live, newer, "newer than {after}");
    }

    let ids = [
        MessageId::new("m1"),
        MessageId::new("m5"),
        MessageId::new("unknown"),
    ];
    for (after, before, with_interval, expected) in [
        (Some(100), Some(400), true, vec!["m1", "m2", "m3", "m5"]),
        (Some(300), None, true, vec!["m1", "m4", "m5"]),
        (None, Some(200), true, vec!["m1", "m5"]),
        (None, None, true, vec!["m1", "m2", "m3", "m4", "m5"]),
        (None, None, false, vec!["m1", "m5"]),
    ] {
        let slice = Slice {
            ids: &ids,
            after: after.map(time),
            before: before.map(time),
            with_interval,
        };
        let mut found: Vec<String> = opened
            .store
            .read_slice(key, &slice)
            .await
            .unwrap()
            .into_iter()
            .map(|current| current.id.to_string())
            .collect();
        found.sort();
        assert_eq!(found, expected, "{slice:?}");
    }
    let found = read(&opened, key, &["m1"]).await;
    assert!(found.contains(&(
        "m1".to_owned(),
        message("m1", 100, "[1]").sha256[..16].try_into().unwrap()
    )));
}

async fn missing_since(opened: &Opened, key: ConversationKey) -> Option<i64> {
    let ids = [MessageId::new("m")];
    let slice = Slice {
        ids: &ids,
        after: None,
        before: None,
        with_interval: false,
    };
    let found = opened.store.read_slice(key, &slice).await.unwrap();
    found[0]
        .missing_since
        .map(convault::model::Timestamp::as_millis)
}

pub(super) async fn far_times_are_held_and_never_fatal(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let far = [
        i64::MIN,
        -377_000_000_000_000,
        253_402_207_199_123,
        i64::MAX,
    ];
    let messages = far
        .iter()
        .map(|ms| message(&format!("m{ms}"), *ms, "{}"))
        .collect();
    opened.write(vec![page(key, 10, messages)]).await;
    let ids: Vec<MessageId> = far
        .iter()
        .map(|ms| MessageId::new(format!("m{ms}")))
        .collect();
    let everything = Slice {
        ids: &[],
        after: None,
        before: None,
        with_interval: true,
    };
    let mut found: Vec<(Option<i64>, String)> = opened
        .store
        .read_slice(key, &everything)
        .await
        .unwrap()
        .into_iter()
        .map(|current| {
            (
                current
                    .created_at
                    .map(convault::model::Timestamp::as_millis),
                current.id.to_string(),
            )
        })
        .collect();
    found.sort();
    let times: Vec<i64> = found.iter().map(|(time, _)| time.unwrap()).collect();
    assert_eq!(ids.len(), found.len());
    assert_eq!(
        times,
        [
            -62_167_219_200_000,
            -62_167_219_200_000,
            253_402_207_199_123,
            253_402_207_199_999
        ]
    );
    // Held the same way again: no change is seen.
    let again = far
        .iter()
        .map(|ms| message(&format!("m{ms}"), *ms, "{}"))
        .collect();
    assert_eq!(opened.write(vec![page(key, 20, again)]).await.rows, 0);
}
