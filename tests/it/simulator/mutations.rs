//! Changes while the conversation is read, drawn and made.

use std::{collections::BTreeMap, time::Duration};

use convault::{
    model::Timestamp,
    simulator::{Faults, Mutation, Mutations, Simulator, SimulatorOptions},
};
use serde_json::Value;

use super::{page, small};

#[tokio::test]
async fn faults_and_changes_of_a_conversation_do_not_depend_on_the_order_across_conversations() {
    let options = || SimulatorOptions {
        faults: Faults::parse("502=0.2,429=0.1,401=0.1,truncated=0.1,repeat=0.1,count=wobbling")
            .unwrap(),
        mutations: Mutations::parse(
            "arrive=0.2,late=0.1,later=0.1,delete=0.2,burst=0.05,edit=0.3,tie=0.1",
        )
        .unwrap(),
        tick: Duration::from_secs(1),
        ..small(7, 4, 400)
    };
    let mut outcomes = Vec::new();
    for by_conversation in [true, false] {
        let simulator = Simulator::start(options()).await.unwrap();
        let ids = simulator.conversation_ids();
        let mut order: Vec<(usize, usize)> = (0..4)
            .flat_map(|id| (0..25).map(move |n| (id, n)))
            .collect();
        if !by_conversation {
            order.sort_by_key(|&(id, n)| (n, 4 - id));
        }
        let mut answers: BTreeMap<(usize, usize), (u16, Vec<u8>)> = BTreeMap::new();
        for (id, n) in order {
            let response = page(&simulator, &ids[id], n % 5 * 10, 10).await;
            answers.insert((id, n), (response.status, response.body));
        }
        let contents: Vec<_> = ids
            .iter()
            .map(|id| simulator.contents(id).unwrap())
            .collect();
        outcomes.push((answers, contents));
    }
    assert!(
        outcomes[0] == outcomes[1],
        "an answer depended on the order"
    );
    let statuses: Vec<u16> = outcomes[0].0.values().map(|(status, _)| *status).collect();
    assert!(
        [200, 401, 429, 502]
            .iter()
            .all(|status| statuses.contains(status))
    );
}

#[tokio::test]
async fn changes_made_by_a_test_show_in_the_next_page() {
    let options = SimulatorOptions {
        record: true,
        ..small(9, 1, 40)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let id = simulator.conversation_ids().remove(0);
    let before = simulator.contents(&id).unwrap();
    let touched = |mutation| simulator.mutate(&id, &mutation).unwrap();

    assert_eq!(touched(Mutation::Arrive { n: 3 }), 3);
    let arrived = simulator.contents(&id).unwrap();
    assert_eq!(arrived[3..], before[..]);
    assert_eq!(
        arrived[0].created_at,
        Timestamp::from_millis(1_790_000_000_123)
    );
    assert!(arrived.is_sorted_by(|newer, older| newer.created_at >= older.created_at));

    assert_eq!(
        touched(Mutation::Delete {
            positions: vec![0, 5, 5, 99]
        }),
        2
    );
    assert_eq!(touched(Mutation::TieWith { position: 10 }), 1);
    let tied = simulator.contents(&id).unwrap();
    assert_eq!(tied.len(), 42);
    assert!(tied[10].created_at == tied[11].created_at && !before.contains(&tied[10]));

    assert_eq!(touched(Mutation::Edit { positions: vec![7] }), 1);
    let edited = simulator.contents(&id).unwrap();
    assert_eq!(
        (&edited[7].id, edited[7].created_at),
        (&tied[7].id, tied[7].created_at)
    );
    assert_ne!(edited[7].raw, tied[7].raw);
    let value: Value = serde_json::from_str(&edited[7].raw).unwrap();
    assert_eq!(value["updated_at"], "2026-09-21T14:13:20.123Z");
    assert_eq!(edited[8..], tied[8..]);

    let by = Duration::from_hours(24 * 500);
    assert_eq!(touched(Mutation::Late { by }), 1);
    let late = simulator.contents(&id).unwrap();
    assert!(late.is_sorted_by(|newer, older| newer.created_at >= older.created_at));
    let shown = page(&simulator, &id, 0, 100).await.ids();
    let expected: Vec<String> = late
        .iter()
        .map(|listed| format!("\"{}\"", listed.id))
        .collect();
    assert_eq!(shown, expected);

    assert_eq!(touched(Mutation::DeleteAll), 43);
    assert_eq!(page(&simulator, &id, 0, 100).await.json()["count"], 0);
    assert_eq!(simulator.records().len(), 2);
    assert!(simulator.mutate("conv_x", &Mutation::DeleteAll).is_err());
}

#[tokio::test]
async fn drawn_changes_come_after_the_request_that_draws_them() {
    let simulator = Simulator::start(SimulatorOptions {
        mutations: Mutations::parse("wipe=@2,arrive=@4").unwrap(),
        ..small(9, 2, 80)
    })
    .await
    .unwrap();
    let id = simulator.conversation_ids().remove(0);
    let full = simulator.contents(&id).unwrap().len();
    let mut counts = Vec::new();
    for _ in 0..4 {
        let answer = page(&simulator, &id, 0, 10).await.json();
        counts.push(usize::try_from(answer["count"].as_u64().unwrap()).unwrap());
    }
    assert_eq!(counts, [full, full, 0, 0]);
    assert!(!simulator.contents(&id).unwrap().is_empty());
}
