//! Claims about conversations, ledgers, failures, links and runs.

use convault::{
    model::{
        ConversationCounts, ConversationId, ConversationKey, ConversationState, CountTrust,
        FailureClass, MessageCounts, Piece, Proof, RequestCounts, RunOutcome, RunReport, TailProof,
        Timestamp,
    },
    store::{Batch, ConversationOutcome, FailureFilter, LinkRow, PageWrite, WalkProgress},
};

use super::{
    place::{Opened, Place, time},
    sample::{failed, message, outcome, page, piece},
};

async fn end(opened: &Opened, outcomes: Vec<ConversationOutcome>) {
    let batch = Batch {
        run: Some(opened.run),
        outcomes,
        ..Batch::default()
    };
    opened.store.write(&batch).await.unwrap();
}

/// What a walk came to, with something in every field.
fn walked(
    ledger: Vec<Piece>,
    full_ledger: Vec<Piece>,
    full_since: Option<Timestamp>,
) -> WalkProgress {
    WalkProgress {
        ledger,
        full_ledger,
        tie_points: vec![piece(Some(3), Some(5), 6)],
        full_since,
        unlisted: Some(-2),
        count_trust: CountTrust {
            moves: 1,
            steady_runs: Some(2),
        },
        swept_below: Some(time(7)),
        tail_proof: Some(TailProof::EmptyPage),
        proof: Proof {
            proven_at: Some(time(7)),
            horizon: Some(time(9)),
        },
    }
}

pub(super) async fn the_ledger_is_replaced(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let walked = |ledger, full_ledger, full_since| PageWrite {
        progress: Some(walked(ledger, full_ledger, full_since)),
        ..page(key, 10, Vec::new())
    };
    let three = vec![
        piece(None, Some(10), 5),
        piece(Some(20), Some(30), 6),
        piece(Some(40), None, 7),
    ];
    let full = vec![piece(Some(35), None, 8)];
    opened
        .write(vec![walked(three.clone(), full.clone(), Some(time(8)))])
        .await;
    let record = opened.store.read_records(&[key]).await.unwrap().remove(0);
    assert_eq!(
        (record.ledger, record.full_ledger),
        (three.clone(), full.clone())
    );
    assert_eq!(
        (
            record.count_trust.moves,
            record.count_trust.steady_runs,
            record.swept_below
        ),
        (1, Some(2), Some(time(7)))
    );
    assert_eq!(record.tie_points, [piece(Some(3), Some(5), 6)]);
    assert_eq!(
        (record.unlisted, record.tail_proof),
        (Some(-2), Some(TailProof::EmptyPage))
    );
    assert_eq!(record.full_since, Some(time(8)));
    assert!(opened.store.read_targets(&[key]).await.unwrap()[0].full_under_way);

    let same = opened
        .write(vec![walked(three.clone(), full, Some(time(8)))])
        .await;
    assert_eq!(same.rows, 0, "what is there is not written again");

    // The last page of a batch counts.
    let two = vec![piece(None, Some(10), 5), piece(Some(9), None, 9)];
    let stats = opened
        .write(vec![
            walked(Vec::new(), Vec::new(), None),
            walked(two.clone(), Vec::new(), None),
        ])
        .await;
    let record = opened.store.read_records(&[key]).await.unwrap().remove(0);
    assert_eq!((record.ledger, record.full_ledger), (two, Vec::new()));
    assert_eq!(stats.rows, 4, "a piece, two that go, and the conversation");
    let target = opened.store.read_targets(&[key]).await.unwrap()[0];
    assert_eq!(
        (target.proven_at, target.full_under_way),
        (Some(time(7)), false)
    );
}

fn any() -> FailureFilter {
    FailureFilter {
        all: true,
        ..FailureFilter::default()
    }
}

pub(super) async fn failures_are_resolved_by_completeness(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let other = opened.register("conv_2").await;
    end(
        &opened,
        vec![
            failed(key, ConversationState::Partial, FailureClass::CountDeficit),
            failed(other, ConversationState::Failed, FailureClass::Server),
        ],
    )
    .await;
    let open = opened
        .store
        .read_failures(&FailureFilter::default())
        .await
        .unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!(
        open[0].conversation_id.as_deref(),
        Some("conv_2"),
        "newest first"
    );
    assert_eq!(open[1].occurred_at, "1970-01-01T00:33:20.000Z");
    let detail = detail(&opened, "conv_1").await;
    assert_eq!(detail.reason.as_deref(), Some("it was count_deficit"));
    assert_eq!(detail.state_since, Some(time(2_000_000)));
    assert_eq!(detail.runs.len(), 1);

    let mut again = failed(key, ConversationState::Partial, FailureClass::CountDeficit);
    again.finished_at = time(3_000_000);
    end(&opened, vec![again]).await;
    assert_eq!(
        self::detail(&opened, "conv_1").await.state_since,
        Some(time(2_000_000))
    );

    let mut whole = outcome(key, ConversationState::Complete);
    whole.checked_at = Some(time(2_500_000));
    end(&opened, vec![whole]).await;
    let detail = self::detail(&opened, "conv_1").await;
    assert_eq!(
        (detail.record.state, detail.reason),
        (ConversationState::Complete, None)
    );
    assert_eq!(detail.checked_at, Some(time(2_500_000)));
    assert!(
        detail
            .failures
            .iter()
            .all(|row| row.resolved_run == Some(opened.run))
    );
    assert_eq!(detail.failures.len(), 2);
    let left = opened
        .store
        .read_failures(&FailureFilter::default())
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(opened.store.read_failures(&any()).await.unwrap().len(), 3);
}

pub(super) async fn what_changed_or_is_not_complete_has_a_row_of_its_run(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let rows = "select count(*) from run_conversations";
    end(&opened, vec![outcome(key, ConversationState::Complete)]).await;
    assert_eq!(place.number(rows).await, 0);
    let mut grown = outcome(key, ConversationState::Complete);
    grown.messages = MessageCounts {
        new: 3,
        ..MessageCounts::default()
    };
    end(&opened, vec![grown]).await;
    assert_eq!(place.number(rows).await, 1);
    let other = opened.register("conv_2").await;
    end(&opened, vec![outcome(other, ConversationState::Partial)]).await;
    assert_eq!(place.number(rows).await, 2);
}

async fn detail(opened: &Opened, id: &str) -> convault::store::ConversationDetail {
    let id = ConversationId::new(id);
    opened.store.read_conversation(&id).await.unwrap().unwrap()
}

pub(super) async fn a_waiver_stands_while_the_same_trouble_lasts(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let other = opened.register("conv_2").await;
    let gone = || failed(key, ConversationState::Gone, FailureClass::Gone);
    end(
        &opened,
        vec![
            gone(),
            failed(other, ConversationState::Gone, FailureClass::Gone),
        ],
    )
    .await;
    let waived =
        async |key: ConversationKey| opened.store.read_targets(&[key]).await.unwrap()[0].waived;
    assert!(!waived(key).await);

    let filter = FailureFilter {
        conversations: vec!["conv_1".into()],
        class: Some("gone".into()),
        all: false,
    };
    assert_eq!(
        opened
            .store
            .waive_failures(&filter, "it is old")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        opened
            .store
            .waive_failures(&filter, "it is old")
            .await
            .unwrap(),
        0
    );
    assert!(waived(key).await);
    assert!(!waived(other).await);
    let status = opened.store.read_status().await.unwrap();
    assert_eq!(
        (status.waived, status.failures),
        (1, vec![("gone".to_owned(), 1)])
    );
    let all = opened.store.read_failures(&any()).await.unwrap();
    let row = all
        .iter()
        .find(|row| row.conversation_id.as_deref() == Some("conv_1"))
        .unwrap();
    assert_eq!(row.waived_reason.as_deref(), Some("it is old"));
    assert_eq!(row.waived_at.as_deref(), Some("1970-01-01T00:16:40.000Z"));

    // The old story again, then a new one.
    end(&opened, vec![gone()]).await;
    assert!(waived(key).await);
    end(
        &opened,
        vec![failed(key, ConversationState::Failed, FailureClass::Server)],
    )
    .await;
    assert!(!waived(key).await);
}

pub(super) async fn ten_thousand_ids_are_registered_in_their_order(place: Place) {
    let opened = place.open().await;
    let ids: Vec<ConversationId> = (0..10_000)
        .map(|n| ConversationId::new(format!("conv_{}", n * 7_919 % 9_000)))
        .collect();
    let keys = opened
        .store
        .register_conversations(opened.run, &ids)
        .await
        .unwrap();
    assert_eq!(keys.len(), ids.len());
    for (place, key) in keys.iter().enumerate() {
        let first = ids.iter().position(|id| *id == ids[place]).unwrap();
        assert_eq!(*key, keys[first]);
    }
    let known = opened.store.read_conversation_keys().await.unwrap();
    assert_eq!(known.len(), 9_000);
    assert!(known.is_sorted());
    let mark = place.number("select batch_seq from archive").await;
    assert_eq!(
        opened
            .store
            .register_conversations(opened.run, &ids)
            .await
            .unwrap(),
        keys
    );
    assert_eq!(place.number("select batch_seq from archive").await, mark);

    let targets = opened.store.read_targets(&keys).await.unwrap();
    let records = opened.store.read_records(&keys[..500]).await.unwrap();
    assert!(
        targets
            .iter()
            .zip(&keys)
            .all(|(target, key)| target.key == *key)
    );
    assert!(
        targets
            .iter()
            .all(|target| target.state == ConversationState::Pending)
    );
    assert!(
        records
            .iter()
            .zip(&ids)
            .all(|(record, id)| record.id == *id)
    );
    assert!(
        opened
            .store
            .read_targets(&[ConversationKey(123_456)])
            .await
            .is_err()
    );
}

pub(super) async fn links_are_kept_once_for_each_number_and_conversation(place: Place) {
    let opened = place.open().await;
    let link = |number: &str, conversation: Option<&str>, link: &str| LinkRow {
        phone_number: number.to_owned(),
        conversation_id: conversation.map(Into::into),
        link: Some(link.to_owned()),
        created_at: Some(time(5)),
    };
    let batch = |links| Batch {
        run: Some(opened.run),
        links,
        ..Batch::default()
    };
    let first = batch(vec![
        link("+1", Some("conv_1"), "a"),
        link("+1", Some("conv_2"), "b"),
        link("+2", None, "c"),
        link("+2", None, "d"),
    ]);
    assert_eq!(opened.store.write(&first).await.unwrap().rows, 3);
    let second = batch(vec![link("+2", None, "e"), link("+2", Some("conv_3"), "f")]);
    opened.store.write(&second).await.unwrap();
    let sql = "select phone_number || ' ' || coalesce(conversation_id, '-') || ' ' || link
               from conversation_links order by key";
    let found: Vec<String> = place
        .texts(sql)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect();
    assert_eq!(
        found,
        ["+1 conv_1 a", "+1 conv_2 b", "+2 - e", "+2 conv_3 f"]
    );
}

pub(super) async fn a_run_is_told_by_its_row(place: Place) {
    let opened = place.open().await;
    let report = RunReport {
        run_id: Some(opened.run),
        outcome: RunOutcome::Incomplete,
        started_at: time(1_000_000),
        finished_at: time(1_000_999),
        conversations: ConversationCounts {
            listed: 4,
            complete: 2,
            ..Default::default()
        },
        messages: MessageCounts {
            new: 2,
            ..Default::default()
        },
        requests: RequestCounts {
            total: 9,
            retried: 1,
            throttled: 0,
            swept: 2,
            planned: Some(8),
        },
    };
    opened.store.finish_run(opened.run, &report).await.unwrap();
    let status = opened.store.read_status().await.unwrap();
    let run = &status.runs[0];
    assert_eq!(
        (run.outcome.as_deref(), run.exit_code),
        (Some("incomplete"), Some(3))
    );
    assert_eq!(run.finished_at.as_deref(), Some("1970-01-01T00:16:40.999Z"));
    assert_eq!(
        (run.listed, run.complete, run.new_messages, run.requests),
        (4, 2, 2, 9)
    );
    assert_eq!((run.planned, run.swept), (Some(8), 2));
}

pub(super) async fn status_and_explain_count_what_is_there(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let messages = vec![message("m", 1, "{}"), message("n", 5, "{}")];
    opened.write(vec![page(key, 10, messages)]).await;
    let status = opened.store.read_status().await.unwrap();
    assert_eq!((status.messages, status.missing), (2, 0));
    assert_eq!(
        status.newest_message.as_deref(),
        Some("1970-01-01T00:00:00.005Z")
    );
    let words: Vec<&str> = status
        .conversations
        .iter()
        .map(|(state, _)| state.as_str())
        .collect();
    assert_eq!(
        words,
        [
            "pending",
            "complete",
            "partial",
            "gone",
            "forbidden",
            "failed"
        ]
    );
    assert_eq!(status.conversations[0].1, 1);

    let detail = detail(&opened, "conv_1").await;
    assert_eq!((detail.messages, detail.missing, detail.deleted), (2, 0, 0));
    assert_eq!(
        (detail.first_message_at, detail.last_message_at),
        (Some(time(1)), Some(time(5)))
    );
    let organization = "select organization_id from conversations";
    assert_eq!(place.texts(organization).await[0].as_deref(), Some("org_1"));
    let unknown = ConversationId::new("conv_unknown");
    assert!(
        opened
            .store
            .read_conversation(&unknown)
            .await
            .unwrap()
            .is_none()
    );
}
