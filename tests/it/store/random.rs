//! Random batches against a model.

use std::collections::BTreeMap;

use convault::store::PageWrite;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    place::Place,
    sample::{absence, message, page},
};

/// What the model knows of a message: its state, its versions, whether it is missing.
struct Known {
    state: u32,
    versions: i64,
    missing: bool,
}

/// Pages come in the order of time here, so the model is the plain reading of each page.
pub(super) async fn live_count_and_versions_follow_a_model(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut model: BTreeMap<u32, Known> = BTreeMap::new();
    let mut at = 1_000;
    for _ in 0..60 {
        let mut pages: Vec<PageWrite> = Vec::new();
        for _ in 0..random.random_range(1..4) {
            at += 1;
            let mut messages = Vec::new();
            let mut gone = Vec::new();
            for id in 0..25_u32 {
                match random.random_range(0..6) {
                    0 => {
                        let state = random.random_range(0..1_000_000);
                        let known = model.entry(id).or_insert(Known {
                            state,
                            versions: 1,
                            missing: false,
                        });
                        if known.state != state {
                            known.versions += 1;
                        }
                        (known.state, known.missing) = (state, false);
                        messages.push(sample(id, state));
                    }
                    1 => {
                        if let Some(known) = model.get_mut(&id) {
                            known.missing = false;
                            messages.push(sample(id, known.state));
                        }
                    }
                    2 => {
                        gone.push(format!("m{id}"));
                        if let Some(known) = model.get_mut(&id) {
                            known.missing = true;
                        }
                    }
                    _ => {}
                }
            }
            let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
            pages.push(PageWrite {
                absent: absence(key, at, &gone).absent,
                ..page(key, at, messages)
            });
        }
        opened.write(pages).await;

        let live = model.values().filter(|known| !known.missing).count();
        assert_eq!(opened.live_count(key).await, live as u64);
    }
    let versions: i64 = model.values().map(|known| known.versions).sum();
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        versions
    );
    assert_eq!(
        place
            .number("select count(*) from messages where missing_since is not null")
            .await,
        i64::try_from(model.values().filter(|known| known.missing).count()).unwrap()
    );
    let stale = "select count(*) from messages m join message_versions v
                 on v.message_key = m.key and v.version = m.version
                 where v.version <> (select max(w.version) from message_versions w
                                     where w.message_key = m.key)";
    assert_eq!(place.number(stale).await, 0);
}

fn sample(id: u32, state: u32) -> convault::model::Message {
    message(
        &format!("m{id}"),
        i64::from(id),
        &format!(r#"{{"state":{state}}}"#),
    )
}
