//! Claims about what a plan is made from.

use convault::{
    model::{ConversationId, ConversationState, Proof},
    store::{Batch, Coverage, Extent, LinkRow, PageWrite, SecondCover, Size, WalkProgress},
};

use super::{
    place::{Opened, Place, time},
    sample::{absence, failed, message, outcome, page, piece},
};

fn walked() -> WalkProgress {
    WalkProgress {
        ledger: Vec::new(),
        full_ledger: Vec::new(),
        tie_points: Vec::new(),
        full_since: None,
        unlisted: None,
        count_trust: convault::model::CountTrust::default(),
        swept_below: None,
        tail_proof: None,
        proof: Proof {
            proven_at: None,
            horizon: None,
        },
    }
}

async fn coverage(opened: &Opened, id: &str) -> Coverage {
    let ids = [ConversationId::new(id)];
    let keys = opened.store.find_conversations(&ids).await.unwrap();
    let found = opened.store.read_coverage(&[keys[0].unwrap()]).await;
    found.unwrap().remove(0)
}

pub(super) async fn coverage_counts_pieces_holes_and_what_is_left(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    opened.register("conv_2").await;
    let messages = [1, 12, 22, 45, 60].map(|at| message(&format!("m{at}"), at, "{}"));
    let progress = WalkProgress {
        // A hole from 10 to 20, and one from 30 to 40; 50 to 50 joins.
        ledger: vec![
            piece(None, Some(10), 5),
            piece(Some(20), Some(30), 6),
            piece(Some(40), Some(51), 7),
            piece(Some(50), None, 7),
        ],
        full_ledger: vec![piece(Some(22), Some(70), 8)],
        full_since: Some(time(8)),
        unlisted: Some(3),
        ..walked()
    };
    let write = PageWrite {
        progress: Some(progress.clone()),
        ..page(key, 100, messages.to_vec())
    };
    opened.write(vec![write]).await;

    let found = coverage(&opened, "conv_1").await;
    assert_eq!(
        found,
        Coverage {
            key,
            id: ConversationId::new("conv_1"),
            state: found.state,
            live: 5,
            to_confirm: 0,
            unlisted: Some(3),
            cover: Extent {
                pieces: 4,
                holes: 2,
                has_tail: true
            },
            second: Some(SecondCover {
                extent: Extent {
                    pieces: 1,
                    holes: 0,
                    has_tail: false
                },
                left: 3,
            }),
        }
    );
    assert!(!found.cover.is_whole());
    let new = coverage(&opened, "conv_2").await;
    assert_eq!(new.state, ConversationState::Pending);
    assert_eq!(
        (new.live, new.cover, new.second),
        (0, Extent::default(), None)
    );

    // A point that is passed over is a hole that no run fills.
    let passed = PageWrite {
        progress: Some(WalkProgress {
            ledger: vec![piece(None, Some(10), 5), piece(Some(10), None, 6)],
            tie_points: vec![piece(Some(9), Some(11), 6)],
            full_ledger: Vec::new(),
            full_since: None,
            ..progress
        }),
        ..page(key, 101, Vec::new())
    };
    opened.write(vec![passed]).await;
    let found = coverage(&opened, "conv_1").await;
    assert_eq!((found.cover.pieces, found.cover.holes), (2, 0));
    assert!(found.cover.is_whole());
    assert_eq!(found.second, None);
}

pub(super) async fn only_what_waits_for_a_second_look_is_to_be_confirmed(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let messages = ["a", "b", "c"].map(|id| message(id, 5, "{}"));
    let later = message("d", 6, "{}");
    opened
        .write(vec![page(
            key,
            10,
            [messages.to_vec(), vec![later]].concat(),
        )])
        .await;
    opened.write(vec![absence(key, 20, &["a", "b", "d"])]).await;
    // Two of them share a time: one place to look at.
    assert_eq!(coverage(&opened, "conv_1").await.to_confirm, 2);
    let again = PageWrite {
        absent_again: absence(key, 0, &["d"]).absent,
        ..page(key, 30, Vec::new())
    };
    opened.write(vec![again]).await;
    let found = coverage(&opened, "conv_1").await;
    assert_eq!((found.to_confirm, found.live), (1, 1));
}

pub(super) async fn sizes_are_those_of_complete_conversations(place: Place) {
    let opened = place.open().await;
    let mut outcomes = Vec::new();
    for (id, messages) in [("conv_1", 2), ("conv_2", 2), ("conv_3", 0), ("conv_4", 1)] {
        let key = opened.register(id).await;
        let rows = (0..messages).map(|at| message(&format!("m{at}"), at, "{}"));
        opened.write(vec![page(key, 10, rows.collect())]).await;
        outcomes.push(if id == "conv_4" {
            failed(
                key,
                ConversationState::Failed,
                convault::model::FailureClass::Server,
            )
        } else {
            outcome(key, ConversationState::Complete)
        });
    }
    let batch = Batch {
        run: Some(opened.run),
        outcomes,
        ..Batch::default()
    };
    opened.store.write(&batch).await.unwrap();
    let mut sizes = opened.store.read_sizes().await.unwrap();
    sizes.sort_by_key(|size| size.messages);
    let size = |messages, conversations| Size {
        messages,
        conversations,
    };
    assert_eq!(sizes, [size(0, 1), size(2, 2)]);
}

pub(super) async fn what_is_not_known_is_not_found(place: Place) {
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let ids = ["conv_0", "conv_1", "conv_2"].map(ConversationId::new);
    let found = opened.store.find_conversations(&ids).await.unwrap();
    assert_eq!(found, [None, Some(key), None]);

    let link = |phone: &str, id: Option<&str>| LinkRow {
        phone_number: phone.to_owned(),
        conversation_id: id.map(ToOwned::to_owned),
        link: None,
        created_at: None,
    };
    let batch = Batch {
        run: Some(opened.run),
        links: vec![link("111", Some("conv_1")), link("222", None)],
        ..Batch::default()
    };
    opened.store.write(&batch).await.unwrap();
    let phones = ["111", "222", "333"].map(ToOwned::to_owned);
    let (linked, unknown) = opened.store.read_linked(&phones).await.unwrap();
    assert_eq!(linked, [ConversationId::new("conv_1")]);
    assert_eq!(unknown, 1, "one of them was never looked up");
}

pub(super) async fn another_gateway_is_refused_without_a_write(place: Place) {
    let opened = place.open().await;
    let ours = "https://a.example";
    let check = async |url: &str| opened.store.check_gateway(url).await;
    assert!(check(ours).await.is_ok(), "bound to none yet");
    opened.store.bind_gateway(ours).await.unwrap();
    assert!(
        check("https://b.example").await.is_ok(),
        "it never answered"
    );
    let key = opened.register("conv_1").await;
    let write = PageWrite {
        progress: Some(WalkProgress {
            ledger: vec![piece(None, None, 5)],
            ..walked()
        }),
        ..page(key, 10, Vec::new())
    };
    opened.write(vec![write]).await;
    let mark = place.number("select batch_seq from archive").await;
    assert!(check(ours).await.is_ok());
    let refused = check("https://b.example").await.unwrap_err();
    assert_eq!(refused.exit_code(), 2, "{refused}");
    assert_eq!(place.number("select batch_seq from archive").await, mark);
}
