//! Claims about transactions that are cut short.

use std::time::Duration;

use convault::store::Batch;

use super::{
    place::Place,
    sample::{message, page},
};

/// The future of a write is dropped at many points; what it wrote is there whole or not at all,
/// and the next write finds keys that are free.
pub(super) async fn a_transaction_that_was_dropped_half_way_harms_nothing(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    for round in 0..20_u64 {
        let messages = (0..40)
            .map(|n| message(&format!("m{round}_{n}"), n, &format!("[{round},{n}]")))
            .collect();
        let batch = Batch {
            run: Some(opened.run),
            pages: vec![page(key, 10, messages)],
            ..Batch::default()
        };
        let limit = Duration::from_micros(round * 300);
        let _ = tokio::time::timeout(limit, opened.store.write(&batch)).await;
        opened.store.write(&batch).await.unwrap();
        assert_eq!(opened.live_count(key).await, (round + 1) * 40);
    }
    assert_eq!(place.number("select count(*) from messages").await, 800);
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        800
    );
}
