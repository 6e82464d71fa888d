//! Claims about a batch that is decided while the one before it is being written.

use std::{future, time::Duration};

use convault::{
    model::{ConversationKey, ConversationState, CountTrust, FailureClass, Proof, Timestamp},
    store::{Batch, BatchStats, PageWrite, WalkProgress},
};
use futures::FutureExt as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::{sync::oneshot, time::timeout};

use super::{
    place::{Opened, Place, time},
    sample::{failed, message, outcome, page, piece, with_children},
};

/// Everything that a batch may have changed, as text.
const ARCHIVED: [&str; 9] = [
    "select key || ' ' || conversation_key || ' ' || id || ' ' || version || ' ' || first_seen_run
     from messages order by key",
    "select message_key || ' ' || version || ' ' || event || ' ' || run_id || ' ' || raw
     from message_versions order by message_key, version",
    "select message_key || ' ' || position from quick_reply_options order by message_key, position",
    "select key || ' ' || state || ' ' || coalesce(reason, '-') || ' ' || live_count || ' '
            || coalesce(organization_id, '-') || ' ' || coalesce(unlisted, -1)
     from conversations order by key",
    "select conversation_key || ' ' || layer || ' ' || position || ' ' || cast(settled as integer)
     from coverage_pieces order by conversation_key, layer, position",
    "select conversation_key || ' ' || class || ' ' || coalesce(resolved_run, 0)
     from failures order by key",
    "select conversation_key || ' ' || state from run_conversations order by conversation_key",
    "select id from senders order by id",
    "select batch_seq || ' ' || indexed_to from archive",
];

async fn archived(place: &Place) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for sql in ARCHIVED {
        all.extend(place.texts(sql).await);
    }
    all
}

fn walked(key: ConversationKey, at: i64, progress: i64) -> PageWrite {
    let ledger = vec![piece(Some(100 - progress), None, at)];
    PageWrite {
        progress: Some(WalkProgress {
            ledger,
            full_ledger: Vec::new(),
            tie_points: vec![piece(Some(progress), Some(progress + 2), at)],
            full_since: None,
            unlisted: Some(progress),
            count_trust: CountTrust::default(),
            swept_below: None,
            tail_proof: None,
            proof: Proof {
                proven_at: None::<Timestamp>,
                horizon: Some(time(at)),
            },
        }),
        ..page(key, at, Vec::new())
    }
}

/// Pages of some conversations, mostly with messages that nothing can know, and now and then one
/// that was written before, one that is absent, an end, a failure.
fn random_batches(opened: &Opened, keys: &[ConversationKey], seed: u64) -> Vec<Batch> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut batches = Vec::new();
    let mut next_id = 0;
    for at in 10..40 {
        let mut batch = Batch {
            run: Some(opened.run),
            ..Batch::default()
        };
        for _ in 0..random.random_range(1..5) {
            let key = keys[random.random_range(0..keys.len())];
            let mut page = walked(key, at, at);
            for _ in 0..random.random_range(0..4) {
                next_id += 1;
                let new = message(&format!("m{next_id}"), next_id, "{}");
                page.messages.push(with_children(new));
                page.surely_new.push(true);
            }
            if next_id > 0 && random.random_ratio(1, 8) {
                let known = random.random_range(1..=next_id);
                let raw = format!("{{\"at\":{at}}}");
                page.messages
                    .push(message(&format!("m{known}"), known, &raw));
                page.surely_new.push(false);
            }
            batch.pages.push(page);
        }
        let ended = keys[random.random_range(0..keys.len())];
        match random.random_range(0..6) {
            0 => batch
                .outcomes
                .push(outcome(ended, ConversationState::Complete)),
            1 => batch.outcomes.push(failed(
                ended,
                ConversationState::Partial,
                FailureClass::Timeout,
            )),
            _ => {}
        }
        batches.push(batch);
    }
    batches
}

/// Writes each batch while the next is decided.
async fn write_in_turn(opened: &Opened, batches: &[Batch]) -> Vec<BatchStats> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut written = Vec::new();
    let mut under_way = opened
        .store
        .write_next(&batches[0], future::ready(()))
        .boxed();
    for batch in &batches[1..] {
        let (tell, told) = oneshot::channel::<()>();
        let mut next = opened.store.write_next(batch, told.map(drop)).boxed();
        // It is decided at any moment of the other's transaction, or after it.
        let delay = Duration::from_micros(random.random_range(0..3_000));
        let stats = if let Ok(stats) = timeout(delay, &mut under_way).await {
            stats
        } else {
            tokio::select! {
                biased;
                stats = &mut under_way => stats,
                _ = &mut next => panic!("it was written before its turn"),
            }
        };
        written.push(stats.unwrap());
        tell.send(()).unwrap();
        under_way = next;
    }
    written.push(under_way.await.unwrap());
    written
}

/// A fresh place of the same engine.
fn beside(place: &Place) -> Place {
    match place.folder {
        Some(_) => Place::sqlite(),
        None => Place::postgres(),
    }
}

pub(super) async fn what_is_decided_meanwhile_is_what_is_decided_afterwards(place: Place) {
    for seed in 0..6 {
        let (one, other) = (beside(&place), beside(&place));
        let mut stats = Vec::new();
        for (place, in_turn) in [(&one, true), (&other, false)] {
            let opened = place.open().await;
            let mut keys = Vec::new();
            for id in ["conv_1", "conv_2", "conv_3"] {
                keys.push(opened.register(id).await);
            }
            let batches = random_batches(&opened, &keys, seed);
            stats.push(if in_turn {
                write_in_turn(&opened, &batches).await
            } else {
                let mut written = Vec::new();
                for batch in &batches {
                    written.push(opened.store.write(batch).await.unwrap());
                }
                written
            });
        }
        assert_eq!(archived(&one).await, archived(&other).await, "seed {seed}");
        assert_eq!(stats[0], stats[1], "seed {seed}");
    }
}

pub(super) async fn what_comes_between_is_neither_lost_nor_doubled(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let batch = |number: i64| {
        let mut page = walked(key, number, number);
        page.messages = vec![message(&format!("m{number}"), number, "{}")];
        page.surely_new = vec![true];
        Batch {
            run: Some(opened.run),
            pages: vec![page],
            ..Batch::default()
        }
    };
    let (first, second, between) = (batch(1), batch(2), batch(3));
    opened.store.write(&first).await.unwrap();
    let (tell, told) = oneshot::channel::<()>();
    let mut next = opened.store.write_next(&second, told.map(drop)).boxed();
    let waited = timeout(Duration::from_millis(300), &mut next).await;
    assert!(waited.is_err(), "it waits for its turn");
    opened.store.write(&between).await.unwrap();
    let other = opened.register("conv_2").await;
    tell.send(()).unwrap();
    next.await.unwrap();
    assert_eq!(opened.live_count(key).await, 3);
    assert_eq!(opened.live_count(other).await, 0);
    let ids = place.texts("select id from messages order by key").await;
    let ids: Vec<String> = ids.into_iter().map(Option::unwrap).collect();
    assert_eq!(ids, ["m1", "m3", "m2"]);
    let record = opened.store.read_records(&[key]).await.unwrap().remove(0);
    assert_eq!(record.ledger, [piece(Some(98), None, 2)]);
}
