//! Changes that are planned, what is kept of what was sent, and what is done at a request.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use convault::{
    model::Timestamp,
    simulator::{CorpusOptions, Mutation, Planned, Simulator, SimulatorOptions},
};
use serde_json::Value;

use super::{page, small};

const AT: Timestamp = Timestamp::from_millis(1_790_000_001_000);

async fn start(lengths: &[u32]) -> (Simulator, Vec<String>) {
    let options = SimulatorOptions {
        corpus: CorpusOptions {
            lengths: lengths.to_vec(),
            ..CorpusOptions::default()
        },
        record: true,
        ..small(9, 0, 0)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let ids = simulator.conversation_ids();
    (simulator, ids)
}

fn changes() -> Vec<Planned> {
    let planned = |after, mutation| Planned {
        after,
        at: AT,
        mutation,
    };
    let positions = vec![1, 2, 3];
    vec![
        planned(1, Mutation::Arrive { n: 2 }),
        planned(3, Mutation::Delete { positions }),
        planned(3, Mutation::Edit { positions: vec![4] }),
        planned(9, Mutation::Restore { n: 1 }),
    ]
}

fn count(simulator: &Simulator, id: &str) -> usize {
    simulator.contents(id).unwrap().len()
}

#[tokio::test]
async fn planned_changes_strike_after_their_request_and_end_alike_however_many_there_were() {
    let mut ends = Vec::new();
    for requests in [0, 2, 12] {
        let (simulator, ids) = start(&[20, 30]).await;
        let id = &ids[0];
        page(&simulator, id, 0, 5).await;
        simulator.plan(id, changes()).unwrap();
        let mut counts = Vec::new();
        for _ in 0..requests {
            page(&simulator, id, 0, 5).await;
            counts.push(count(&simulator, id));
        }
        let expected = [22, 22, 19, 19, 19, 19, 19, 19, 20, 20, 20, 20];
        assert_eq!(counts, expected[..requests]);
        simulator.finish_plans();
        let contents = simulator.contents(id).unwrap();
        assert_eq!(contents[0].created_at, AT);
        assert_eq!(simulator.ever_deleted(id).unwrap().len(), 3);
        assert_eq!(
            count(&simulator, &ids[1]),
            30,
            "the other one was left alone"
        );
        ends.push(contents);
    }
    assert!(ends[0].len() == 20 && ends[0] == ends[1] && ends[0] == ends[2]);
    let edited = |listed: &&convault::simulator::Listed| {
        let value: Value = serde_json::from_str(&listed.raw).unwrap();
        value["updated_at"] == AT.to_string() && listed.created_at < AT
    };
    assert_eq!(ends[0].iter().filter(edited).count(), 1);
}

#[tokio::test]
async fn what_comes_back_stands_where_it_was() {
    let (simulator, ids) = start(&[20]).await;
    let id = &ids[0];
    let before = simulator.contents(id).unwrap();
    let touched = |mutation| simulator.mutate(id, &mutation).unwrap();
    assert_eq!(touched(Mutation::Restore { n: 5 }), 0);
    touched(Mutation::Delete {
        positions: vec![3, 9, 19],
    });
    assert_eq!(touched(Mutation::Restore { n: 5 }), 3);
    let ids_of = |listed: Vec<convault::simulator::Listed>| {
        let mut ids: Vec<_> = listed
            .into_iter()
            .map(|one| (one.created_at, one.id))
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids_of(simulator.contents(id).unwrap()), ids_of(before));
}

#[tokio::test]
async fn a_row_that_was_sent_is_known_by_its_bytes() {
    let (simulator, ids) = start(&[20]).await;
    let id = &ids[0];
    page(&simulator, id, 0, 5).await;
    let contents = simulator.contents(id).unwrap();
    let sent = |place: usize| simulator.was_served(id, &contents[place].raw).unwrap();
    assert!((0..5).all(sent) && !(5..20).any(sent));
    assert!(
        !simulator
            .was_served(id, contents[0].raw.trim_end_matches('}'))
            .unwrap()
    );
}

#[tokio::test]
async fn something_is_done_once_at_a_request_before_it_is_answered() {
    let (simulator, ids) = start(&[20]).await;
    let times = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&times);
    page(&simulator, &ids[0], 0, 5).await;
    simulator.at_request(2, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        page(&simulator, &ids[0], 0, 5).await;
        seen.push(times.load(Ordering::SeqCst));
    }
    assert_eq!(seen, [0, 1, 1]);
    let counted = Arc::clone(&times);
    simulator.at_request(1, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    simulator.at_no_request();
    page(&simulator, &ids[0], 0, 5).await;
    assert_eq!(times.load(Ordering::SeqCst), 1);
}
