//! Going through a list link by link meets each of its rows once, also among equal times.

use std::collections::BTreeSet;

use convault::model::Message;

use crate::program::{Engine, claims_on_both_engines};

use super::{
    archive::{Place, text},
    site::{Site, link_named},
};

claims_on_both_engines! {
    each_message_is_met_once_from_either_end
    each_conversation_is_met_once_in_every_order
    messages_that_come_meanwhile_move_no_page
}

const MESSAGES: u64 = 1_050;

/// Of ten messages seven share their time; every 97th has none that can be read.
fn many() -> Vec<Message> {
    (0..MESSAGES)
        .map(|number| {
            let time = (!number.is_multiple_of(97)).then_some(number / 10 * 60 + number % 10 / 7);
            text(
                &format!("m{number}"),
                "con_1",
                time,
                &format!("words {number}."),
            )
        })
        .collect()
}

fn met(page: &str) -> Vec<u64> {
    let after = page.split(">words ").skip(1);
    let numbers = after.filter_map(|rest| rest.split('.').next()?.parse().ok());
    numbers.collect()
}

async fn each_message_is_met_once_from_either_end(engine: Engine) {
    let place = Place::new(engine);
    let writing = place.write().await;
    let keys = writing.register(&["conv_1", "conv_2"]).await;
    writing.messages(keys[0], 1, many()).await;
    let other = vec![text("x", "con_1", Some(5), "words 77777.")];
    writing.messages(keys[1], 1, other).await;
    writing.close().await;
    let site = Site::over(&place).await;
    let mut orders = Vec::new();
    for (first, on) in [
        ("/conversation?id=conv_1", "Load older"),
        ("/conversation?id=conv_1&from=beginning", "Load newer"),
    ] {
        let mut path = Some(first.to_owned());
        let mut pages = Vec::new();
        while let Some(here) = path {
            let page = site.page(&here).await;
            pages.push(met(&page));
            path = link_named(&page, on);
            assert!(pages.len() <= 11, "{on} does not end");
        }
        assert_eq!(pages.len(), 11);
        assert!(pages.iter().all(|page| page.len() <= 100));
        if on == "Load older" {
            pages.reverse();
        }
        orders.push(pages.concat());
    }
    assert_eq!(orders[0], orders[1], "both ways are one order");
    let once: BTreeSet<u64> = orders[0].iter().copied().collect();
    assert_eq!(orders[0].len() as u64, MESSAGES);
    assert_eq!(once.len() as u64, MESSAGES);
    let timed = |number: &u64| !number.is_multiple_of(97);
    let untimed = orders[0].iter().take_while(|number| !timed(number)).count();
    assert_eq!(
        untimed as u64,
        MESSAGES.div_ceil(97),
        "those without a time are first"
    );
    let minutes: Vec<u64> = orders[0]
        .iter()
        .filter(|n| timed(n))
        .map(|n| n / 10)
        .collect();
    assert!(minutes.is_sorted());
    site.end().await;
}

async fn each_conversation_is_met_once_in_every_order(engine: Engine) {
    let place = Place::new(engine);
    let writing = place.write().await;
    let ids: Vec<String> = (0..125).map(|number| format!("conv_{number:03}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let keys = writing.register(&names).await;
    for (number, key) in (0_u64..).zip(&keys) {
        // Some have no message, and many have as many as others, at the same times.
        let messages = (0..number % 4)
            .map(|m| text(&format!("m{m}"), "con_1", Some(m * (number % 3)), "words"))
            .collect();
        writing.messages(*key, 1, messages).await;
    }
    writing.close().await;
    let site = Site::over(&place).await;
    for sort in ["newest", "longest", "proof", "listed"] {
        let mut found = Vec::new();
        let mut path = Some(format!("/conversations?sort={sort}"));
        while let Some(here) = path {
            let page = site.page(&here).await;
            let rows = page.split("<article class=\"conversation\">").skip(1);
            for row in rows {
                let id = row.split("/conversation?id=").nth(1).unwrap();
                found.push(id.split('"').next().unwrap().to_owned());
            }
            path = link_named(&page, "Next page");
            assert!(found.len() <= 125, "{sort} does not end");
        }
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(sorted, ids, "{sort}");
    }
    let some = site.page("/conversations?words=_01").await;
    assert_eq!(some.matches("<article class=\"conversation\">").count(), 10);
    let none = site.page("/conversations?state=complete").await;
    assert!(none.contains("is like that"));
    site.end().await;
}

/// A page is told by its place, so what a run writes meanwhile neither repeats nor hides a message.
async fn messages_that_come_meanwhile_move_no_page(engine: Engine) {
    let place = Place::new(engine);
    let writing = place.write().await;
    let key = writing.register(&["conv_1"]).await[0];
    writing.messages(key, 1, many()).await;
    let site = Site::over(&place).await;
    let first = site.page("/conversation?id=conv_1").await;
    let older = link_named(&first, "Load older").unwrap();
    let before = met(&site.page(&older).await);
    let new = (0..150)
        .map(|number| text(&format!("n{number}"), "con_1", Some(90_000 + number), "new"))
        .collect();
    writing.messages(key, 2, new).await;
    assert_eq!(met(&site.page(&older).await), before);
    let newest = site.page("/conversation?id=conv_1").await;
    assert!(
        met(&newest).is_empty(),
        "the page that is asked for anew has the new ones"
    );
    writing.close().await;
    site.end().await;
}
