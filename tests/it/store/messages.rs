//! Claims about messages, their versions and the tables around them.

use std::ops::Range;

use convault::{
    model::{Anomaly, AnomalyKind, RunId},
    store::Batch,
};

use super::{
    place::{Place, read, time, versions},
    sample::{message, page, with_children},
};

pub(super) async fn every_statement_can_be_prepared(place: Place) {
    let opened = place.open().await;
    assert!(opened.store.check_statements().await.unwrap() > 20);
}

const CHILDREN: &str = "
    select 'reply ' || coalesce(title, '-') || coalesce(payload, '-') || coalesce(description, '-')
    from quick_replies
    union all
    select 'option ' || position || option_id || content_type || title || coalesce(payload, '-')
           || coalesce(cast(cast(answered as integer) as text), '-')
    from quick_reply_options
    union all
    select 'file ' || url || ' ' || host || ' ' || declared_type || ' ' || media_kind
           || coalesce(caption, '-') from attachments
    union all
    select 'place ' || cast(cast(latitude * 1000000 as bigint) as text) || ' '
           || cast(cast(longitude * 10000000 as bigint) as text) || coalesce(name, '-') || address
    from locations
    union all
    select 'contact ' || position || name || phone_number || coalesce(email, '-')
    from shared_contacts
    union all
    select 'variable ' || position || coalesce(value, '-') from template_variables
    union all
    select 'sender ' || id || kind from senders";

async fn children(place: &Place) -> Vec<String> {
    let mut rows: Vec<String> = place
        .texts(CHILDREN)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect();
    rows.sort();
    rows
}

pub(super) async fn rows_of_each_child_table_round_trip(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(
            key,
            10,
            vec![with_children(message("m", 1, "{}"))],
        )])
        .await;
    assert_eq!(
        children(&place).await,
        [
            "contact 0A+852 1-",
            "file https://example.org/a.png example.org image image-",
            "option 00text選項 🙂--",
            "option 11text選項 🙂-0",
            "option 22text選項 🙂-1",
            "place 22302711 -1141772165-1 Road",
            "reply Yes-it's \"fine\"",
            "sender con_1contact",
            "variable 1one",
            "variable 2-",
        ]
    );
}

pub(super) async fn an_unchanged_batch_writes_no_row(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let pages = vec![page(key, 10, vec![with_children(message("m", 1, "{}"))])];
    let first = opened.write(pages.clone()).await;
    assert_eq!((first.messages.new, first.messages.unchanged), (1, 0));
    let mark = place.number("select batch_seq from archive").await;

    let mut later = pages;
    later[0].observed_at = time(20);
    let again = opened.write(later).await;
    assert_eq!((again.messages.new, again.messages.unchanged), (0, 1));
    assert_eq!(again.rows, 0);
    assert_eq!(opened.store.write(&Batch::default()).await.unwrap().rows, 0);
    assert_eq!(place.number("select batch_seq from archive").await, mark);
}

/// However many messages that are known and the same stand before, between and after.
pub(super) async fn a_batch_of_thousands_is_written_whole_whatever_is_known_of_it(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let sent = |numbers: Range<i64>, raw: &str| -> Vec<_> {
        let ids = numbers.map(|number| message(&format!("m{number:05}"), number, raw));
        ids.collect()
    };
    let first = opened
        .write(vec![page(key, 10, sent(0..1_300, "{}"))])
        .await;
    assert_eq!(first.messages.new, 1_300);

    let mut second = sent(0..1_100, "{}");
    second.extend(sent(1_100..1_200, r#"{"a":1}"#));
    second.extend(sent(1_200..3_000, "{}"));
    let mut stats = opened.write(vec![page(key, 20, second)]).await.messages;
    assert_eq!(
        (stats.new, stats.changed, stats.unchanged),
        (1_700, 100, 1_200)
    );
    stats = opened
        .write(vec![page(key, 30, sent(0..900, "{}"))])
        .await
        .messages;
    assert_eq!((stats.new, stats.changed, stats.unchanged), (0, 0, 900));

    let counts =
        "select concat_ws(' ', count(*), sum(version), (select count(*) from message_versions),
                         (select live_count from conversations)) from messages";
    let counts = place.texts(counts).await;
    assert_eq!(counts, [Some("3000 3100 3100 3000".to_owned())]);
}

pub(super) async fn an_edit_makes_version_2_and_replaces_children(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened
        .write(vec![page(
            key,
            10,
            vec![with_children(message("m", 1, "{}"))],
        )])
        .await;
    let stats = opened
        .write(vec![page(key, 20, vec![message("m", 1, r#"{"a":1}"#)])])
        .await;
    assert_eq!(stats.messages.changed, 1);
    assert_eq!(children(&place).await, ["sender con_1contact"]);
    assert_eq!(
        versions(&place).await,
        ["1 created 1 {}", r#"2 edited 1 {"a":1}"#]
    );
    assert_eq!(place.number("select version from messages").await, 2);
}

/// Number, event, run and raw JSON of each version.
pub(super) async fn another_spelling_of_the_same_json_is_no_edit(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let (one, other) = (
        r#"{"a":{"x":1,"y":[2]},"b":2}"#,
        r#"{"b":2.0, "a":{"y":[2],"x":1}}"#,
    );
    opened
        .write(vec![page(key, 10, vec![message("m", 1, one)])])
        .await;
    let stats = opened
        .write(vec![page(key, 20, vec![message("m", 1, other)])])
        .await;
    assert_eq!((stats.messages.unchanged, stats.rows), (1, 0));
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        1
    );

    let other = r#"{"b":2, "a":{"y":[2,3],"x":1}}"#;
    let stats = opened
        .write(vec![page(key, 30, vec![message("m", 1, other)])])
        .await;
    assert_eq!(stats.messages.changed, 1);
}

pub(super) async fn what_no_string_can_hold_is_the_same_only_to_the_byte(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let (one, other) = (r#"{"a":"\ud800","b":1}"#, r#"{"a":"\uD800","b":1}"#);
    opened
        .write(vec![page(key, 10, vec![message("m", 1, one)])])
        .await;
    let stats = opened
        .write(vec![page(key, 20, vec![message("m", 1, one)])])
        .await;
    assert_eq!((stats.messages.unchanged, stats.rows), (1, 0));
    let stats = opened
        .write(vec![page(key, 20, vec![message("m", 1, other)])])
        .await;
    assert_eq!(stats.messages.changed, 1);
    assert_eq!(
        place
            .texts("select raw from message_versions order by version")
            .await[1]
            .as_deref(),
        Some(other)
    );
}

pub(super) async fn one_id_in_two_conversations_is_two_rows(place: Place) {
    let opened = place.open().await;
    let one = opened.register("conv_1").await;
    let other = opened.register("conv_2").await;
    let pages = vec![
        page(one, 10, vec![message("m", 1, "[1]")]),
        page(other, 10, vec![message("m", 1, "[2]")]),
    ];
    let stats = opened.write(pages).await;
    assert_eq!(stats.messages.new, 2);
    assert_eq!(
        place
            .number("select count(distinct conversation_key) from messages")
            .await,
        2
    );
    assert_eq!(
        (opened.live_count(one).await, opened.live_count(other).await),
        (1, 1)
    );
}

pub(super) async fn a_message_repeated_in_a_batch_is_one_row_and_each_state_a_version(
    place: Place,
) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let stats = opened
        .write(vec![
            page(
                key,
                10,
                vec![message("m", 1, "[1]"), message("m", 1, "[1]")],
            ),
            page(key, 11, vec![message("m", 1, "[2]")]),
            page(key, 12, vec![message("m", 1, "[2]")]),
        ])
        .await;
    assert_eq!(
        (
            stats.messages.new,
            stats.messages.changed,
            stats.messages.unchanged
        ),
        (1, 1, 2)
    );
    assert_eq!(
        versions(&place).await,
        ["1 created 1 [1]", "2 edited 1 [2]"]
    );
    assert_eq!(place.number("select version from messages").await, 2);
    assert_eq!(opened.live_count(key).await, 1);
}

pub(super) async fn an_older_state_does_not_overwrite_a_newer_one(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let updated = |raw: &str, at: i64| {
        let mut message = message("m", 1, raw);
        message.updated_at = Some(time(at));
        message.text = Some(raw.into());
        message
    };
    opened
        .write(vec![page(key, 10, vec![updated("[1]", 100)])])
        .await;
    opened
        .write(vec![page(key, 30, vec![updated("[3]", 300)])])
        .await;
    // Requested later, but an older state by the gateway's own time.
    let late = opened
        .write(vec![page(key, 40, vec![updated("[2]", 200)])])
        .await;
    assert_eq!(late.messages.changed, 1);
    assert_eq!(
        place.texts("select text from messages").await[0].as_deref(),
        Some("[3]")
    );
    assert_eq!(place.number("select version from messages").await, 2);
    // The same stale states again are no news.
    let stale = opened
        .write(vec![page(
            key,
            50,
            vec![updated("[2]", 200), updated("[1]", 100)],
        )])
        .await;
    assert_eq!((stale.messages.unchanged, stale.rows), (2, 0));
    // The next version is the one after the last, not after the current.
    opened
        .write(vec![page(key, 60, vec![updated("[4]", 400)])])
        .await;
    assert_eq!(
        versions(&place).await,
        [
            "1 created 1 [1]",
            "2 edited 1 [3]",
            "3 edited 1 [2]",
            "4 edited 1 [4]"
        ]
    );
    assert_eq!(place.number("select version from messages").await, 4);

    // Of two states of one time the one that was requested later counts.
    opened
        .write(vec![page(key, 70, vec![updated("[5]", 400)])])
        .await;
    assert_eq!(
        place.texts("select text from messages").await[0].as_deref(),
        Some("[5]")
    );

    // Without `updated_at` the time of the request decides.
    opened
        .write(vec![page(key, 60, vec![message("n", 1, "[9]")])])
        .await;
    opened
        .write(vec![page(key, 55, vec![message("n", 1, "[8]")])])
        .await;
    let slice = read(&opened, key, &["n"]).await;
    assert_eq!(slice[0].1, message("n", 1, "[9]").sha256[..16]);
}

pub(super) async fn stale_states_of_any_message_are_no_news(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let states = |raw: &str, at: i64| {
        let named = |id: &str| {
            let mut message = message(id, 1, &format!(r#"{{"of":"{id}","is":{raw}}}"#));
            message.updated_at = Some(time(at));
            message
        };
        ["first", "second", "third"].map(named).to_vec()
    };
    opened.write(vec![page(key, 10, states("1", 100))]).await;
    let edited = opened.write(vec![page(key, 20, states("2", 200))]).await;
    assert_eq!(edited.messages.changed, 3);
    let stale = opened.write(vec![page(key, 30, states("1", 100))]).await;
    assert_eq!((stale.messages.unchanged, stale.rows), (3, 0));
}

pub(super) async fn a_changed_created_at_is_an_anomaly(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let mut first = message("m", 1, "[1]");
    first.anomalies.push(Anomaly {
        kind: AnomalyKind::UnknownType,
        path: "type".into(),
        detail: "hologram".into(),
    });
    let mut second = message("m", 2, "[2]");
    second.anomalies.clone_from(&first.anomalies);
    let one = opened.write(vec![page(key, 10, vec![first])]).await;
    let two = opened.write(vec![page(key, 20, vec![second])]).await;
    assert_eq!(
        (one.messages.unrecognised, two.messages.unrecognised),
        (1, 1)
    );
    let sql = "select version || ' ' || position || ' ' || kind || ' ' || path || ' ' || detail
               from anomalies order by version, position";
    let found: Vec<String> = place
        .texts(sql)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect();
    assert_eq!(
        found,
        [
            "1 0 unknown_type type hologram",
            "2 0 unknown_type type hologram",
            "2 1 created_at_changed created_at was 1970-01-01T00:00:00.001Z, is 1970-01-01T00:00:00.002Z",
        ]
    );
}

pub(super) async fn text_with_replaced_characters_is_kept(place: Place) {
    let opened = place.open().await;
    let key = opened
        .register("conv \"quoted\" '\u{FFFD}' 🙂 \\ \u{1}")
        .await;
    let mut odd = message("m\u{FFFD}\"\\", 1, r#"{"a":"\u0000"}"#);
    odd.text = Some("a\u{FFFD}b \u{1} 𠜎".into());
    // A slip of another layer must not stop a run either.
    odd.title = Some("nul \0 here".into());
    opened.write(vec![page(key, 10, vec![odd])]).await;
    assert_eq!(
        place.texts("select text from messages").await[0].as_deref(),
        Some("a\u{FFFD}b \u{1} 𠜎")
    );
    assert_eq!(
        place.texts("select title from messages").await[0].as_deref(),
        Some("nul \u{FFFD} here")
    );
    assert_eq!(
        place.texts("select raw from message_versions").await[0].as_deref(),
        Some(r#"{"a":"\u0000"}"#)
    );
    let ids = opened.store.read_records(&[key]).await.unwrap();
    assert_eq!(ids[0].id.as_str(), "conv \"quoted\" '\u{FFFD}' 🙂 \\ \u{1}");
    assert_eq!(
        opened
            .register("conv \"quoted\" '\u{FFFD}' 🙂 \\ \u{1}")
            .await,
        key
    );
    assert_eq!(read(&opened, key, &["m\u{FFFD}\"\\"]).await.len(), 1);
}

pub(super) async fn a_failing_batch_leaves_nothing(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let batch = |run| Batch {
        run: Some(run),
        pages: vec![page(key, 10, vec![with_children(message("m", 1, "{}"))])],
        ..Batch::default()
    };
    // No such run: the last table fails, after rows of others were written.
    let error = opened.store.write(&batch(RunId(999))).await.unwrap_err();
    assert_eq!(error.exit_code(), 8);
    for table in ["messages", "message_versions", "senders", "quick_replies"] {
        assert_eq!(
            place.number(&format!("select count(*) from {table}")).await,
            0,
            "{table}"
        );
    }
    assert_eq!(opened.live_count(key).await, 0);

    assert_eq!(
        opened
            .store
            .write(&batch(opened.run))
            .await
            .unwrap()
            .messages
            .new,
        1
    );
    assert_eq!(place.number("select count(*) from senders").await, 1);
    assert_eq!(place.number("select key from messages").await, 1);
}

pub(super) async fn a_batch_of_a_thousand_messages_is_written_whole(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let pages = |from: i64| {
        (0..10)
            .map(|n| {
                let messages = (0..100)
                    .map(|m| {
                        let n = from + n * 100 + m;
                        with_children(message(&format!("m{n}"), n, &format!("[{n}]")))
                    })
                    .collect();
                page(key, 10, messages)
            })
            .collect::<Vec<_>>()
    };
    let stats = opened.write(pages(0)).await;
    assert_eq!(stats.messages.new, 1_000);
    // 1 + 1 + 1 + 3 + 1 + 1 + 1 + 2 rows and its words for each, one sender, one conversation.
    assert_eq!(stats.rows, 12_002);
    let overlapping = opened.write(pages(997)).await;
    assert_eq!(
        (overlapping.messages.new, overlapping.messages.unchanged),
        (997, 3)
    );
    assert_eq!(opened.live_count(key).await, 1_997);
    assert_eq!(
        place
            .number("select count(*) from template_variables")
            .await,
        3_994
    );
    let mixed = "select count(*) from messages m join message_versions v on v.message_key = m.key
                 where v.raw <> '[' || substr(m.id, 2) || ']'";
    assert_eq!(place.number(mixed).await, 0);
}
