//! What the corpus holds, read through pages.

use std::collections::BTreeMap;

use convault::{
    simulator::{CorpusOptions, Mutation, Simulator, SimulatorOptions},
    wire::Page,
};
use serde_json::{Value, json};

use super::{page, small};

#[tokio::test]
async fn the_same_seed_gives_byte_identical_pages_and_another_seed_others() {
    let mut pages = Vec::new();
    for seed in [1, 1, 2] {
        let simulator = Simulator::start(small(seed, 5, 300)).await.unwrap();
        let mut bodies = Vec::new();
        for id in simulator.conversation_ids() {
            bodies.push(page(&simulator, &id, 0, 50).await.body);
        }
        pages.push(bodies);
        simulator.stop().await;
    }
    assert_eq!(pages[0], pages[1]);
    assert_ne!(pages[0], pages[2]);
}

#[tokio::test]
async fn paging_through_an_unchanged_conversation_gives_each_message_once_newest_first() {
    let simulator = Simulator::start(small(4, 6, 2_000)).await.unwrap();
    assert_eq!(simulator.message_count(), 2_000);
    let mut total = 0;
    for id in simulator.conversation_ids() {
        let truth = simulator.contents(&id).unwrap();
        let mut raws: Vec<String> = Vec::new();
        loop {
            let response = page(&simulator, &id, raws.len(), 70).await;
            let (envelope, body) = (response.json(), Page::parse(response.body.into()).unwrap());
            raws.extend(body.items().map(str::to_owned));
            assert_eq!(envelope["count"], truth.len());
            assert_eq!(envelope["total"], body.len());
            assert_eq!(envelope["has_more"], raws.len() < truth.len());
            if envelope["has_more"] == json!(false) {
                break;
            }
        }
        let expected: Vec<&str> = truth.iter().map(|listed| listed.raw.as_str()).collect();
        assert!(raws == expected, "pages and contents differ");
        assert!(truth.is_sorted_by(|newer, older| newer.created_at >= older.created_at));
        let mut ids: Vec<&str> = truth.iter().map(|listed| listed.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), truth.len());
        total += truth.len();
    }
    assert_eq!(total, 2_000);
    assert_eq!(simulator.stats().rows, 2_000);
}

#[tokio::test]
async fn the_demonstration_holds_every_type_and_is_mostly_text() {
    let simulator = Simulator::start(SimulatorOptions::default()).await.unwrap();
    let ids = simulator.conversation_ids();
    assert_eq!((ids.len(), simulator.message_count()), (200, 20_000));
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    let (mut bytes, mut ties, mut refunds) = (0, 0, 0);
    for id in ids {
        let truth = simulator.contents(&id).unwrap();
        let neighbours = truth.windows(2);
        ties += neighbours
            .filter(|two| two[0].created_at == two[1].created_at)
            .count();
        for listed in &truth {
            let message: Value = serde_json::from_str(&listed.raw).unwrap();
            *types
                .entry(message["type"].as_str().unwrap().to_owned())
                .or_default() += 1;
            bytes += listed.raw.len();
            refunds += usize::from(listed.raw.contains("退款"));
        }
    }
    for expected in [
        "text",
        "quick_reply",
        "response",
        "image",
        "audio",
        "video",
        "pdf",
        "csv",
        "file",
        "whatsapp.sticker",
        "whatsapp.template",
        "message_template",
        "jaas.conference",
        "location",
        "contact",
        "emoji",
        "text/csv",
        "carousel",
    ] {
        assert!(
            types.contains_key(expected),
            "{expected} is not among {types:?}"
        );
    }
    assert!(types["text"] > 12_000, "{types:?}");
    assert!(refunds > 50 && ties > 100, "{refunds} refunds, {ties} ties");
    let mean = bytes / 20_000;
    assert!((450..650).contains(&mean), "{mean} bytes a message");
}

#[tokio::test]
async fn messages_have_the_vendors_shape_and_pressed_options_were_offered_before() {
    const VENDORS_KEYS: &str = "_id doc_name public_id organization_id business_unit_id \
                                conversation_id from type content created_at updated_at";
    let simulator = Simulator::start(small(11, 40, 4_000)).await.unwrap();
    let mut pressed = 0;
    for id in simulator.conversation_ids() {
        let mut offered: Vec<Value> = Vec::new();
        for listed in simulator.contents(&id).unwrap().iter().rev() {
            let message: Value = serde_json::from_str(&listed.raw).unwrap();
            let keys = message.as_object().unwrap().keys().map(String::as_str);
            assert!(keys.eq(VENDORS_KEYS.split_whitespace()), "{message}");
            assert_eq!(message["conversation_id"], id.as_str());
            assert_eq!(message["_id"], listed.id.as_str());
            assert_eq!(message["created_at"], listed.created_at.to_string());
            assert!(message["updated_at"].as_str() >= message["created_at"].as_str());
            let content = &message["content"];
            let options = content["quick_replies"].as_array().into_iter().flatten();
            offered.extend(options.map(|option| option["payload"].clone()));
            if message["type"] == "quick_reply" {
                assert!(offered.contains(&content["payload"]), "{message}");
                pressed += 1;
            }
        }
    }
    assert!(pressed > 60, "{pressed} pressed");
}

#[tokio::test]
async fn a_conversation_of_a_million_messages_is_paged_from_both_ends() {
    let options = SimulatorOptions {
        corpus: CorpusOptions {
            conversations: 1,
            messages_each: Some(1_000_000),
            ..CorpusOptions::default()
        },
        ..small(5, 1, 0)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let id = simulator.conversation_ids().remove(0);
    let last = page(&simulator, &id, 999_950, 100).await.json();
    assert_eq!(last["total"], 50);
    assert_eq!(last["count"], 1_000_000);
    simulator
        .mutate(&id, &Mutation::DeleteNewest { n: 3 })
        .unwrap();
    simulator.mutate(&id, &Mutation::Arrive { n: 1 }).unwrap();
    let first = page(&simulator, &id, 0, 10).await.json();
    assert_eq!(first["count"], 999_998);
    let again = page(&simulator, &id, 999_948, 100).await.json();
    assert_eq!(again["items"], last["items"]);
}
