//! `convault sync` on Postgres is killed at each of its sends to the server, one run a send.
//!
//! A relay stands between the two and counts what the client sends. At the send that is chosen
//! it passes on the whole of it or the first half, answers nothing more, and the client is
//! killed: so the server has seen every state that a dying client can leave behind.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::process::Signal;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

use crate::{
    program::{Engine, ended, signal},
    scenario::{Scenario, Story},
};

const LANES: usize = 4;

/// How much of the last send reaches the server.
#[derive(Debug, Clone, Copy)]
enum Part {
    Whole,
    Half,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// From 1, over all connections of the run.
    send: usize,
    part: Part,
}

/// What the connections of a run share.
#[derive(Debug)]
struct Count {
    sends: AtomicUsize,
    last: Option<Place>,
    reached: Notify,
}

impl Count {
    /// How many bytes of this send are passed on; `None`: nothing more is.
    fn pass(&self, length: usize) -> Option<usize> {
        let send = self.sends.fetch_add(1, Ordering::SeqCst) + 1;
        match self.last {
            Some(last) if send > last.send => None,
            Some(last) if send == last.send => Some(match last.part {
                Part::Whole => length,
                Part::Half => length / 2,
            }),
            _ => Some(length),
        }
    }

    fn is_over(&self) -> bool {
        let sends = self.sends.load(Ordering::SeqCst);
        self.last.is_some_and(|last| sends >= last.send)
    }
}

/// Relays until it is dropped; gives the URL that leads through it.
async fn stand_between(url: &str, count: &Arc<Count>) -> (String, JoinSet<()>) {
    let mut between = url::Url::parse(url).unwrap();
    let address = format!(
        "{}:{}",
        between.host_str().unwrap(),
        between.port().unwrap()
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    between.set_port(Some(port)).unwrap();
    let mut relays = JoinSet::new();
    let count = Arc::clone(count);
    relays.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.unwrap();
            connections.spawn(relay(client, server, Arc::clone(&count)));
        }
    });
    (between.into(), relays)
}

async fn relay(client: TcpStream, server: TcpStream, count: Arc<Count>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let forth = async {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let Some(passed) = count.pass(length) else {
                break;
            };
            to_server.write_all(&buffer[..passed]).await.unwrap();
            if count.is_over() {
                count.reached.notify_one();
                break;
            }
        }
        if count.is_over() {
            // Until the client is dead.
            std::future::pending::<()>().await;
        }
        // The client has hung up: so does the server.
        let _ = to_server.shutdown().await;
    };
    let back = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if count.is_over() || to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(forth, back);
}

/// Runs through the relay. Gives how many sends there were, and whether the chosen one came.
async fn run(scenario: &Scenario, last: Option<Place>) -> (usize, bool) {
    let count = Arc::new(Count {
        sends: AtomicUsize::new(0),
        last,
        reached: Notify::new(),
    });
    let (url, relays) = stand_between(&scenario.stage.database_url, &count).await;
    let mut child = scenario.command().env("DATABASE_URL", url).spawn().unwrap();
    let reached = tokio::select! {
        () = count.reached.notified() => true,
        _ = child.wait() => false,
    };
    if reached {
        signal(&child, Signal::KILL);
        child.wait().await.unwrap();
    } else {
        let ended = ended(child).await;
        assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
    }
    drop(relays);
    (count.sends.load(Ordering::SeqCst), reached)
}

async fn kill_at(scenario: &mut Scenario, place: Place) -> bool {
    scenario.begin().await;
    let (_, killed) = run(scenario, Some(place)).await;
    scenario
        .assert_that_it_goes_on(&format!("killed at {place:?}"))
        .await;
    killed
}

async fn kill_at_each_send(story: Story) {
    let mut first = Scenario::new(Engine::Postgres, story).await;
    first.begin().await;
    let (count, _) = run(&first, None).await;
    let places = (1..=count).map(|send| Place {
        send,
        part: if send % 2 == 0 {
            Part::Whole
        } else {
            Part::Half
        },
    });
    let left = Arc::new(Mutex::new(places.collect::<VecDeque<_>>()));
    let lane = |mut scenario: Scenario| {
        let left = Arc::clone(&left);
        async move {
            let mut killed = 0;
            loop {
                let Some(place) = left.lock().unwrap().pop_front() else {
                    return killed;
                };
                killed += usize::from(kill_at(&mut scenario, place).await);
            }
        }
    };
    let mut lanes = vec![lane(first)];
    for _ in 1..LANES {
        lanes.push(lane(Scenario::new(Engine::Postgres, story).await));
    }
    let killed: usize = futures::future::join_all(lanes).await.into_iter().sum();
    println!("{story:?}: {count} sends, {killed} runs were killed at one");
    assert!(killed * 4 >= count * 3, "{killed} kills for {count} sends");
    assert!(count > 50, "{count} sends are no whole run");
}

#[tokio::test]
async fn a_kill_at_any_send_of_a_new_archive_loses_and_doubles_nothing() {
    kill_at_each_send(Story::NewArchive).await;
}

#[tokio::test]
async fn a_kill_at_any_send_to_a_changed_archive_loses_and_doubles_nothing() {
    kill_at_each_send(Story::Changes).await;
}
