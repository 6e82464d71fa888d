//! Claims about transactions that are cut short.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use convault::store::Batch;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    place::Place,
    sample::{message, page},
};
use crate::{effort, postgres};

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

/// Where the next connection that commits is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Cut {
    Nowhere,
    BeforeCommit,
    AfterCommit,
}

const CUTS: [Cut; 3] = [Cut::Nowhere, Cut::BeforeCommit, Cut::AfterCommit];

/// Stands between the store and the server, and cuts one connection.
async fn stand_between(cut: Arc<AtomicU8>) -> String {
    let server = url::Url::parse(&postgres::url()).unwrap();
    let address = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut between = server.clone();
    between
        .set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.unwrap();
            tokio::spawn(relay(client, server, Arc::clone(&cut)));
        }
    });
    between.into()
}

async fn relay(client: TcpStream, server: TcpStream, cut: Arc<AtomicU8>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
        let sent = &buffer[..length];
        if sent.windows(7).any(|window| window == b"commit\0") {
            let now = CUTS[usize::from(cut.swap(Cut::Nowhere as u8, Ordering::SeqCst))];
            if now == Cut::BeforeCommit {
                break;
            }
            if now == Cut::AfterCommit {
                back.abort();
                let _ = to_server.write_all(sent).await;
                // The server does its part before it learns that nobody listens.
                tokio::time::sleep(Duration::from_millis(20)).await;
                break;
            }
        }
        if to_server.write_all(sent).await.is_err() {
            break;
        }
    }
    back.abort();
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_neither_lost_nor_doubled() {
    let cut = Arc::new(AtomicU8::new(Cut::Nowhere as u8));
    let mut place = Place::postgres();
    place.options.url = stand_between(Arc::clone(&cut)).await.parse().unwrap();
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    let rounds = effort::count("CONVAULT_TEST_CUTS", 21);
    for (round, how) in CUTS.into_iter().cycle().take(rounds).enumerate() {
        let mark = place.number("select batch_seq from archive").await;
        cut.store(how as u8, Ordering::SeqCst);
        let stats = opened
            .write(vec![page(
                key,
                10,
                vec![message(&format!("m{round}"), 1, "{}")],
            )])
            .await;
        assert_eq!(cut.load(Ordering::SeqCst), Cut::Nowhere as u8, "it was cut");
        assert_eq!(stats.messages.new, 1, "{how:?}");
        assert_eq!(
            place.number("select batch_seq from archive").await,
            mark + 1,
            "{how:?}"
        );
        assert_eq!(opened.live_count(key).await, round as u64 + 1, "{how:?}");
    }
    assert_eq!(
        place.number("select count(*) from message_versions").await,
        i64::try_from(rounds).unwrap()
    );
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_replaced() {
    let mut place = Place::postgres();
    // A holder of its own, so that no session of another test is ended.
    place.options.holder = postgres::fresh_name();
    let opened = place.open().await;
    let key = opened.register("conv_1").await;
    end_sessions(&place).await;
    let stats = opened
        .write(vec![page(key, 10, vec![message("m", 1, "{}")])])
        .await;
    assert_eq!(stats.messages.new, 1);

    // Its lock went with its session: another run may begin, and then this one is fenced off.
    let other = place.open().await;
    let batch = Batch {
        run: Some(opened.run),
        pages: vec![page(key, 20, vec![message("n", 1, "{}")])],
        ..Batch::default()
    };
    assert!(opened.store.write(&batch).await.is_err());
    assert_eq!(other.live_count(key).await, 1);
}

/// Ends every session of the archive that is named as the place's holder.
async fn end_sessions(place: &Place) {
    let name = format!("convault {}", place.options.holder);
    place
        .execute(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{name}'"
        ))
        .await;
}
