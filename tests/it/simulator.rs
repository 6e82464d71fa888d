//! The simulator as a client sees it, through a raw socket that hides nothing.
mod corpus;
mod faults;
mod mutations;
mod plan;
mod server;

use convault::{
    clock::Clock,
    model::Timestamp,
    simulator::{CorpusOptions, DEMO_TOKEN, Fault, Faults, Schedule, Simulator, SimulatorOptions},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What came back, also where it broke off.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
    broken: bool,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .split("\r\n")
            .filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let page = self.json();
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["_id"].to_string()).collect()
    }

    fn declared_length(&self) -> usize {
        self.header("content-length").unwrap().parse().unwrap()
    }
}

async fn ask(simulator: &Simulator, target: &str, headers: &[(&str, &str)]) -> Response {
    let address = simulator.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let broken = stream.read_to_end(&mut bytes).await.is_err();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    Response {
        status: head[9..12].parse().unwrap(),
        head,
        body: bytes[end + 4..].to_vec(),
        broken,
    }
}

async fn get(simulator: &Simulator, target: &str) -> Response {
    ask(simulator, target, &[("x-access-token", DEMO_TOKEN)]).await
}

async fn page(simulator: &Simulator, id: &str, skip: usize, limit: usize) -> Response {
    let target = format!("/3rd/conversations/{id}/messages?limit={limit}&skip={skip}");
    get(simulator, &target).await
}

fn small(seed: u64, conversations: u32, messages: u64) -> SimulatorOptions {
    SimulatorOptions {
        corpus: CorpusOptions {
            seed,
            conversations,
            messages,
            ..CorpusOptions::default()
        },
        faults: Faults::default(),
        clock: Clock::manual(Timestamp::from_millis(1_790_000_000_123)),
        ..SimulatorOptions::default()
    }
}

async fn with_faults(faults: Faults) -> (Simulator, String) {
    let options = SimulatorOptions {
        faults,
        ..small(3, 1, 60)
    };
    let simulator = Simulator::start(options).await.unwrap();
    let id = simulator.conversation_ids().remove(0);
    (simulator, id)
}

async fn with_fault(fault: Fault) -> (Simulator, String) {
    with_faults(Faults::default().with(fault, Schedule::always())).await
}
