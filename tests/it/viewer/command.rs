//! `convault serve`, the real process: where it listens, how it ends, what it refuses.

use std::time::Duration;

use rustix::process::Signal;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::Child,
};

use crate::program::{Engine, Stage, claims_on_both_engines, end, ended, latency, signal, small};

claims_on_both_engines! {
    it_says_where_it_listens_and_ends_with_the_code_of_the_signal
    it_answers_while_a_sync_writes
}

async fn archived(engine: Engine) -> Stage {
    let stage = Stage::new(engine, small(4, 40)).await;
    let (synced, _) = stage.sync(&[]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    stage
}

/// Starts it on a free port; gives the address that it tells.
async fn serve(stage: &Stage) -> (Child, String) {
    let arguments = ["serve", "--listen", "localhost:0", "--json"];
    let mut child = stage.command(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut text = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let url = told["url"].as_str().unwrap();
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    assert!(
        address.starts_with("127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );
    assert!(!text.contains("postgres:postgres@"), "no password is told");
    (child, address.to_owned())
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn it_says_where_it_listens_and_ends_with_the_code_of_the_signal(engine: Engine) {
    let stage = archived(engine).await;
    for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (child, address) = serve(&stage).await;
        let page = get(&address, "/").await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        // A connection that is open and says nothing does not hold the end up.
        let idle = TcpStream::connect(&address).await.unwrap();
        signal(&child, sent);
        let ended = ended(child).await;
        drop(idle);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(
            ended
                .stderr
                .contains(&format!("at http://{address}/; Ctrl-C ends it"))
        );
        assert!(
            ended.stderr.contains("answered 1 request"),
            "{}",
            ended.stderr
        );
    }
    stage.end().await;
}

async fn it_answers_while_a_sync_writes(engine: Engine) {
    let mut options = small(30, 60);
    options.faults = latency(20);
    let stage = Stage::new(engine, options).await;
    let (first, _) = stage.sync(&["--max-requests", "3"]).await;
    assert_eq!(first.code, 5, "{}", first.stderr);
    let (viewer, address) = serve(&stage).await;
    let syncing = stage.sync_command(&["--concurrency", "2"]).spawn().unwrap();
    let syncing = tokio::spawn(ended(syncing));
    let mut pages = 0;
    while !syncing.is_finished() {
        for path in ["/", "/conversations", "/runs", "/search?words=order"] {
            let page = get(&address, path).await;
            assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
            pages += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let synced = syncing.await.unwrap();
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    assert!(pages >= 8, "{pages}");
    let overview = get(&address, "/").await;
    assert!(overview.contains("1\u{202f}800"), "{overview}");
    signal(&viewer, Signal::TERM);
    assert_eq!(ended(viewer).await.code, 143);
    stage.end().await;
}

#[tokio::test]
async fn an_address_that_others_reach_needs_a_word_that_says_so() {
    let stage = archived(Engine::Sqlite).await;
    let refused = stage.run(&["serve", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("there is no password"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--anyone-may-read"));
    let (child, address) = serve(&stage).await;
    let taken = stage.run(&["serve", "--listen", &address]).await;
    assert_eq!(taken.code, 2);
    assert!(
        taken.stderr.contains("takes any port that is free"),
        "{}",
        taken.stderr
    );
    signal(&child, Signal::TERM);
    assert_eq!(ended(child).await.code, 143);
    let missing = ["serve", "--listen", "127.0.0.1:0", "--db", "sqlite:none.db"];
    let missing = end(&mut stage.command(&missing)).await;
    assert_eq!(missing.code, 8, "{}", missing.stderr);
}
