//! Claims about local days and hours: those of the archive's zone, the same on both engines.

use convault::{model::Timestamp, store::dictionary::VIEWS};
use jiff::tz::TimeZone;

use super::{
    place::{Opened, Place, time},
    sample::{message, page},
};

/// Midnights, changes to and from summer time, ordinary days, before 1970.
const TIMES: [&str; 12] = [
    "1970-01-01T00:00:00.000Z",
    "1999-12-31T23:59:59.999Z",
    "2000-02-29T12:00:00.000Z",
    "2024-03-10T06:59:59.999Z",
    "2024-03-10T07:00:00.000Z",
    "2024-11-03T05:59:59.999Z",
    "2024-11-03T06:00:00.000Z",
    "2025-03-30T00:59:59.999Z",
    "2025-03-30T01:00:00.000Z",
    "2025-12-31T15:59:59.999Z",
    "2025-12-31T16:00:00.000Z",
    "2099-07-01T00:00:00.000Z",
];

const LOCAL: &str = "
    select cast(local_day as text) || ' ' || cast(local_hour as text) || ' '
        || cast(local_weekday as text) || ' ' || cast(created_ms as text)
    from v_messages where conversation_id = 'conv_1' order by created_ms";

async fn local(place: &Place) -> Vec<String> {
    let found = place.texts(LOCAL).await;
    found.into_iter().map(Option::unwrap).collect()
}

fn expected(zone: &str) -> Vec<String> {
    let zone = TimeZone::get(zone).unwrap();
    let of_time = |text: &&str| {
        let time: jiff::Timestamp = text.parse().unwrap();
        let local = time.to_zoned(zone.clone());
        let weekday = local.weekday().to_monday_one_offset();
        let (day, hour, ms) = (local.date(), local.hour(), time.as_millisecond());
        format!("{day} {hour} {weekday} {ms}")
    };
    TIMES.iter().map(of_time).collect()
}

async fn with_messages(place: &Place) -> Opened {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let messages = TIMES.iter().enumerate().map(|(number, text)| {
        let created: Timestamp = text.parse().unwrap();
        message(
            &format!("m_{number}"),
            created.as_millis(),
            &format!("[{number}]"),
        )
    });
    opened.write(vec![page(key, 10, messages.collect())]).await;
    opened
}

pub(super) async fn local_days_and_hours_are_those_of_the_archives_zone(place: Place) {
    let opened = with_messages(&place).await;
    assert_eq!(local(&place).await, expected("UTC"));
    for zone in [
        "America/New_York",
        "Asia/Hong_Kong",
        "Europe/Berlin",
        "Asia/Kathmandu",
    ] {
        let kept = opened.store.keep_time_zone(Some(zone)).await.unwrap();
        assert_eq!(kept, zone);
        assert_eq!(local(&place).await, expected(zone), "{zone}");
    }
}

pub(super) async fn a_zone_stays_until_another_is_named(place: Place) {
    let opened = with_messages(&place).await;
    assert_eq!(opened.store.keep_time_zone(None).await.unwrap(), "UTC");
    let store = &opened.store;
    store.keep_time_zone(Some("Asia/Tokyo")).await.unwrap();
    let written = place.number("select batch_seq from archive").await;
    assert_eq!(store.keep_time_zone(None).await.unwrap(), "Asia/Tokyo");
    assert_eq!(local(&place).await, expected("Asia/Tokyo"));
    assert_eq!(
        store.keep_time_zone(Some("Mars/Olympus")).await.unwrap(),
        "Asia/Tokyo"
    );
    let after = place.number("select batch_seq from archive").await;
    assert_eq!(after, written, "nothing was to be written");

    // What another version of the zone database wrote is put right.
    place
        .execute("update time_zone_offsets set offset_seconds = offset_seconds + 60")
        .await;
    store.keep_time_zone(None).await.unwrap();
    assert_eq!(local(&place).await, expected("Asia/Tokyo"));
    let found = place.texts("select time_zone from v_archive").await;
    assert_eq!(found, [Some("Asia/Tokyo".to_owned())]);
}

/// It trusts no schema: a view may use only what cannot do harm.
pub(super) async fn the_program_itself_may_read_every_view(place: Place) {
    let opened = with_messages(&place).await;
    for view in VIEWS {
        let count = format!(
            "select cast(count(*) as text) from (select * from {}) v",
            view.name
        );
        let rows = opened.store.query_texts::<1>(count.leak()).await;
        assert_eq!(rows.unwrap().len(), 1, "{}", view.name);
    }
}

/// Whatever time a message claims, the views answer.
pub(super) async fn times_out_of_reason_have_a_local_day_too(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let far = [i64::MIN, -62_167_219_200_000, -1, i64::MAX];
    let messages = far.iter().enumerate().map(|(number, millis)| {
        message(
            &format!("m_{number}"),
            time(*millis).as_millis(),
            &format!("[{number}]"),
        )
    });
    opened.write(vec![page(key, 10, messages.collect())]).await;
    for zone in ["America/New_York", "Pacific/Kiritimati"] {
        opened.store.keep_time_zone(Some(zone)).await.unwrap();
        assert_eq!(local(&place).await.len(), far.len());
    }
}
