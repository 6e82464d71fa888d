//! Each fault, one by one.

use std::time::Duration;

use convault::simulator::{CountMode, Fault, Faults, Mutation, RetryAfter, Schedule};
use serde_json::{Value, json};

use super::{Response, page, with_fault, with_faults};

#[tokio::test]
async fn each_wrong_status_has_its_documented_body() {
    for (fault, status, kind, words) in [
        (
            Fault::Unauthorized,
            401,
            "application/json",
            "Invalid third party token",
        ),
        (
            Fault::ServerError,
            500,
            "text/plain",
            "Error occurred while trying to proxy: ",
        ),
        (Fault::BadGateway, 502, "text/html", "<center>nginx"),
        (
            Fault::Unavailable,
            503,
            "application/json",
            "\"code\":99999",
        ),
        (
            Fault::GatewayTimeout,
            504,
            "text/plain",
            "Error occurred while trying to proxy: ",
        ),
        (
            Fault::TooManyRequests,
            429,
            "text/html",
            "Too many requests. Please try again later.",
        ),
        (Fault::Html, 200, "text/html", "<!DOCTYPE html>"),
    ] {
        let (simulator, id) = with_fault(fault).await;
        let response = page(&simulator, &id, 0, 10).await;
        assert_eq!(response.status, status);
        assert!(
            response.header("content-type").unwrap().starts_with(kind),
            "{fault:?}"
        );
        assert!(
            response.text().contains(words),
            "{fault:?}: {}",
            response.text()
        );
        assert_eq!(simulator.stats().of_status(status), 1);
    }
}

#[tokio::test]
async fn a_429_says_when_to_come_again_in_each_form_or_not_at_all() {
    for (form, expected) in [
        (RetryAfter::Seconds, Some("7")),
        (RetryAfter::Date, Some("Mon, 21 Sep 2026 14:13:27 GMT")),
        (RetryAfter::Missing, None),
    ] {
        let faults = Faults {
            retry_after: form,
            retry_after_secs: 7,
            ..Faults::default()
        };
        let (simulator, id) =
            with_faults(faults.with(Fault::TooManyRequests, Schedule::at(1))).await;
        let response = page(&simulator, &id, 0, 10).await;
        assert_eq!(
            (response.status, response.header("retry-after")),
            (429, expected)
        );
        assert_eq!(page(&simulator, &id, 0, 10).await.status, 200);
    }
}

#[tokio::test]
async fn broken_bodies_break_as_they_are_named() {
    let (simulator, id) = with_fault(Fault::Truncated).await;
    let cut = page(&simulator, &id, 0, 10).await;
    assert_eq!((cut.status, cut.declared_length()), (200, cut.body.len()));
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());

    let (simulator, id) = with_fault(Fault::EmptyBody).await;
    assert_eq!(page(&simulator, &id, 0, 10).await.declared_length(), 0);

    let (simulator, id) = with_fault(Fault::WrongLength).await;
    let mut too_large = 0;
    for _ in 0..20 {
        let wrong = page(&simulator, &id, 0, 10).await;
        assert_ne!(wrong.declared_length(), wrong.body.len());
        too_large += usize::from(wrong.declared_length() > wrong.body.len());
    }
    assert!((1..20).contains(&too_large), "{too_large}");

    let (simulator, id) = with_fault(Fault::Reset).await;
    let reset = page(&simulator, &id, 0, 10).await;
    assert!(reset.broken && reset.body.len() < reset.declared_length());
}

#[tokio::test]
async fn a_slow_body_arrives_whole_byte_by_byte() {
    let faults = Faults {
        byte_every: Duration::from_micros(1),
        ..Faults::default()
    };
    let (simulator, id) = with_faults(faults.with(Fault::Slow, Schedule::at(1))).await;
    let slow = page(&simulator, &id, 0, 1).await;
    let quick = page(&simulator, &id, 0, 1).await;
    assert_eq!(slow.body, quick.body);
}

#[tokio::test]
async fn redirects_name_the_same_or_another_host() {
    let (simulator, id) = with_fault(Fault::Redirect).await;
    let response = page(&simulator, &id, 0, 10).await;
    assert_eq!(response.status, 302);
    let location = response.header("location").unwrap();
    assert!(location.starts_with("/3rd/conversations/"), "{location}");
    let (simulator, id) = with_fault(Fault::RedirectAway).await;
    let response = page(&simulator, &id, 0, 10).await;
    let location = response.header("location").unwrap();
    assert!(
        location.starts_with("http://gateway.invalid/3rd/"),
        "{location}"
    );
}

#[tokio::test]
async fn a_bomb_is_small_on_the_wire() {
    let (simulator, id) = with_fault(Fault::Bomb).await;
    let bomb = page(&simulator, &id, 0, 10).await;
    assert_eq!(bomb.header("content-encoding"), Some("gzip"));
    assert!(bomb.body.len() < 200_000);
    let mut gzip = flate2::read::GzDecoder::new(bomb.body.as_slice());
    let unfolded = std::io::copy(&mut gzip, &mut std::io::sink()).unwrap();
    assert!(unfolded > 64 << 20);
}

#[tokio::test]
async fn pages_repeat_and_disorder_rows_only_when_told() {
    let faults = Faults {
        repeat: Schedule::at(1),
        disorder: Schedule::at(2),
        ..Faults::default()
    };
    let (simulator, id) = with_faults(faults).await;
    let repeated = page(&simulator, &id, 0, 10).await.ids();
    let disordered = page(&simulator, &id, 0, 10).await;
    let sound = page(&simulator, &id, 0, 10).await;
    assert_eq!(repeated.len(), 10);
    assert!(repeated.windows(2).any(|two| two[0] == two[1]));
    let times = |response: &Response| -> Vec<String> {
        let page = response.json();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["created_at"].to_string()).collect()
    };
    assert!(times(&sound).is_sorted_by(|newer, older| newer >= older));
    assert!(!times(&disordered).is_sorted_by(|newer, older| newer >= older));
    let (mut one, mut other) = (disordered.ids(), sound.ids());
    one.sort_unstable();
    other.sort_unstable();
    assert_eq!(one, other);
}

#[tokio::test]
async fn ties_come_in_another_order_and_every_page_still_is_a_slice() {
    let (simulator, id) = with_faults(Faults {
        shuffle_ties: true,
        ..Faults::default()
    })
    .await;
    simulator.mutate(&id, &Mutation::Tie { n: 8 }).unwrap();
    let first = page(&simulator, &id, 0, 20).await.ids();
    let mut orders = Vec::new();
    for _ in 0..5 {
        let again = page(&simulator, &id, 0, 20).await.ids();
        let (mut one, mut other) = (first.clone(), again.clone());
        one.sort_unstable();
        other.sort_unstable();
        assert_eq!(one, other);
        orders.push(again);
    }
    assert!(orders.iter().any(|order| order[..8] != first[..8]));
    let half = page(&simulator, &id, 4, 4).await.ids();
    assert!(half.iter().all(|id| first[..8].contains(id)));
}

#[tokio::test]
async fn counts_lie_wobble_are_missing_or_hold_hidden_messages() {
    for (count, hidden, expected) in [
        (CountMode::Honest, 5, Some(65)),
        (CountMode::Lying, 0, Some(127)),
        (CountMode::Missing, 0, None),
    ] {
        let faults = Faults {
            count,
            hidden,
            ..Faults::default()
        };
        let (simulator, id) = with_faults(faults).await;
        let answer = page(&simulator, &id, 50, 20).await.json();
        assert_eq!(answer.get("count").and_then(Value::as_u64), expected);
        assert_eq!(answer["total"], 10);
    }
    let (simulator, id) = with_faults(Faults::parse("count=wobbling").unwrap()).await;
    let mut counts = Vec::new();
    for _ in 0..30 {
        counts.push(
            page(&simulator, &id, 0, 1).await.json()["count"]
                .as_u64()
                .unwrap(),
        );
    }
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts, [59, 60, 61]);
}

#[tokio::test]
async fn a_capped_limit_more_for_ever_and_an_endless_conversation() {
    let (simulator, id) = with_faults(Faults::parse("limit-cap=25").unwrap()).await;
    assert_eq!(page(&simulator, &id, 0, 100).await.ids().len(), 25);
    let (simulator, id) = with_faults(Faults::parse("more-for-ever").unwrap()).await;
    let past = page(&simulator, &id, 60, 10).await.json();
    assert_eq!(
        (&past["total"], &past["has_more"]),
        (&json!(0), &json!(true))
    );
    let (simulator, id) = with_faults(Faults::parse("endless").unwrap()).await;
    let first = page(&simulator, &id, 0, 10).await.ids();
    assert_eq!(page(&simulator, &id, 60, 10).await.ids(), first);
}

#[tokio::test]
async fn odd_rows_are_the_same_rows_each_time() {
    let faults = Faults::parse("numeric-ids=0.2,nulls=0.2,bare=0.2,unknown-type=0.2").unwrap();
    let (simulator, id) = with_faults(faults).await;
    let one = page(&simulator, &id, 0, 60).await;
    let other = page(&simulator, &id, 0, 60).await;
    assert_eq!(one.body, other.body);
    let answer = one.json();
    let items = answer["items"].as_array().unwrap();
    let count = |test: fn(&Value) -> bool| items.iter().filter(|item| test(item)).count();
    assert!(count(|item| item["_id"].is_u64() && item["public_id"] == item["_id"]) > 3);
    assert!(count(|item| item["_id"].is_null() && item["created_at"].is_null()) > 3);
    assert!(count(|item| item["content"].is_null() && item["created_at"].is_string()) > 3);
    assert!(count(|item| item["type"] == "hologram") > 3);
    let truth = simulator.contents(&id).unwrap();
    for (item, listed) in items.iter().zip(&truth) {
        let id = item["_id"].to_string();
        assert_eq!(id.trim_matches('"').replace("null", ""), listed.id);
    }
}

async fn ids_of(faults: Faults, asked: &[(usize, usize)]) -> Vec<(Vec<String>, u64)> {
    let (simulator, id) = with_faults(faults).await;
    let mut pages = Vec::new();
    for &(skip, limit) in asked {
        let answer = page(&simulator, &id, skip, limit).await;
        pages.push((answer.ids(), answer.json()["count"].as_u64().unwrap()));
    }
    pages
}

#[tokio::test]
async fn a_window_and_a_skip_that_is_ignored_leave_the_count_as_it_is() {
    let asked = [(0, 10), (4, 10), (8, 10)];
    let sound = ids_of(Faults::default(), &asked).await;
    let count = sound[0].1;
    let window = Faults {
        window: Some(7),
        ..Faults::default()
    };
    let cut = ids_of(window, &asked).await;
    let lengths: Vec<usize> = cut.iter().map(|(ids, _)| ids.len()).collect();
    assert_eq!(lengths, [7, 3, 0]);
    assert_eq!(cut[1].0, sound[1].0[..3]);
    assert!(cut.iter().all(|(_, own)| *own == count));
    let deaf = Faults {
        skip_ignored: true,
        ..Faults::default()
    };
    let deaf = ids_of(deaf, &asked).await;
    assert!(deaf.iter().all(|page| *page == sound[0]));
}

#[tokio::test]
async fn a_page_is_cut_by_bytes_after_a_whole_row_and_not_before_the_first() {
    for (bytes, rows) in [(1, 1..=1), (3_000, 2..=9)] {
        let cut = Faults {
            page_bytes: Some(bytes),
            ..Faults::default()
        };
        let (simulator, id) = with_faults(cut).await;
        let answer = page(&simulator, &id, 0, 10).await;
        let sent = answer.ids().len();
        assert!(rows.contains(&sent), "{bytes}: {sent}");
        assert_eq!(answer.json()["total"], sent);
        assert_eq!(answer.json()["has_more"], true);
        assert!(sent == 1 || answer.body.len() < bytes + 60);
    }
}

#[tokio::test]
async fn a_poisoned_message_spoils_each_page_that_it_is_in_and_no_other() {
    let sound = ids_of(Faults::default(), &[(0, 10)]).await;
    let (count, oldest) = (usize::try_from(sound[0].1).unwrap(), 1);
    let poisoned = Faults {
        poison: Some((oldest, Fault::ServerError)),
        ..Faults::default()
    };
    let (simulator, id) = with_faults(poisoned).await;
    for (skip, limit, status) in [
        (0, 5, 200),
        (count - 5, 5, 500),
        (count - 2, 1, 500),
        (count - 1, 1, 200),
        (count - 3, 1, 200),
    ] {
        let answer = page(&simulator, &id, skip, limit).await;
        assert_eq!(answer.status, status, "{skip} {limit}");
    }
}

#[tokio::test]
async fn two_backends_answer_in_turn_and_each_lacks_what_the_other_holds() {
    let split = Faults {
        split: 0.5,
        ..Faults::default()
    };
    let asked = [(0, 1_000); 4];
    let pages = ids_of(split, &asked).await;
    assert_eq!(pages[0], pages[2]);
    assert_eq!(pages[1], pages[3]);
    let only =
        |one: &[String], other: &[String]| one.iter().filter(|id| !other.contains(id)).count();
    assert!(only(&pages[0].0, &pages[1].0) > 0 && only(&pages[1].0, &pages[0].0) > 0);
    assert_eq!(pages[0].0.len() as u64, pages[0].1, "each counts its own");
}

#[tokio::test]
async fn a_count_drifts_no_further_than_it_may_and_hides_its_share() {
    let asked = [(0, 1_000); 40];
    let honest = ids_of(Faults::default(), &asked[..1]).await[0].1;
    for (count, from, to) in [
        (CountMode::Wobbling, honest - 4, honest + 4),
        (CountMode::Lagging, honest - 4, honest),
    ] {
        let drifting = Faults {
            count,
            drift: 4,
            ..Faults::default()
        };
        let counts: Vec<u64> = ids_of(drifting, &asked)
            .await
            .iter()
            .map(|page| page.1)
            .collect();
        assert!(
            counts.iter().all(|own| (from..=to).contains(own)),
            "{counts:?}"
        );
        assert!(counts.contains(&from) && counts.contains(&to), "{counts:?}");
    }
    let hidden = Faults {
        hidden_share: 0.5,
        ..Faults::default()
    };
    let counted = ids_of(hidden, &asked[..2]).await;
    assert_eq!(counted[0], counted[1]);
    let most = honest + honest * 3 / 4;
    assert!((honest..=most).contains(&counted[0].1), "{}", counted[0].1);
}

#[tokio::test]
async fn a_gateway_that_is_down_is_down_on_every_route() {
    let down = Faults {
        down: Some(Fault::BadGateway),
        ..Faults::default()
    };
    let (simulator, id) = with_faults(down).await;
    assert_eq!(page(&simulator, &id, 0, 10).await.status, 502);
    assert_eq!(super::ask(&simulator, "/", &[]).await.status, 502);
    assert_eq!(
        simulator.requests_of(&id).unwrap(),
        0,
        "nobody was there to count"
    );
}
