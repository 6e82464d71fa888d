//! What it costs to read a page: from the bytes received to the rows of its messages.
//!
//!     cargo bench --bench normalize [-- ROUNDS]
//!
//! Pages of 100 messages of the simulated gateway, 20,000 in all. Each round does each step over all
//! of them, one after the other, and what is printed are medians: messages a second, nanoseconds a
//! message, and the time as a multiple of what it takes a general library to find the items and
//! keep them as they are.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use convault::{
    model::ConversationId,
    normalize,
    simulator::{CorpusOptions, Simulator, SimulatorOptions},
    wire::{Page, same_json},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

const MESSAGES: u64 = 20_000;
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// What is measured: a name, and the step on one page.
type Step = (&'static str, fn(&Bytes, &ConversationId));

const STEPS: [Step; 7] = [
    ("serde_json: items kept raw", |body, _| {
        black_box(serde_json::from_slice::<Kept<'_>>(body).map(|page| page.items.len()))
            .expect("a page is JSON");
    }),
    ("serde_json: everything decoded", |body, _| {
        black_box(serde_json::from_slice::<serde_json::Value>(body)).expect("a page is JSON");
    }),
    ("the page: items cut out", |body, _| {
        black_box(Page::parse(body.clone()).expect("a page").len());
    }),
    ("the page, and each message into rows", |body, id| {
        let page = Page::parse(body.clone()).expect("a page");
        for raw in page.items() {
            black_box(normalize::message(raw, id));
        }
    }),
    ("the page, and a glance at each message", |body, _| {
        let page = Page::parse(body.clone()).expect("a page");
        for raw in page.items() {
            black_box(normalize::glance(raw));
        }
    }),
    ("of that: SHA-256", |body, _| {
        let page = Page::parse(body.clone()).expect("a page");
        for raw in page.items() {
            black_box(Sha256::digest(raw));
        }
    }),
    ("whether a message is the archived one", |body, _| {
        let page = Page::parse(body.clone()).expect("a page");
        for raw in page.items() {
            black_box(same_json(raw, black_box(raw)));
        }
    }),
];

#[tokio::main]
async fn main() -> Result<()> {
    let told = std::env::args().skip(1).find(|text| text != "--bench");
    let rounds = told.map_or(Ok(11), |text| text.parse::<usize>())?.max(1);
    let (id, pages) = pages().await?;
    let bytes: usize = pages.iter().map(Bytes::len).sum();
    println!(
        "{MESSAGES} messages, {} bytes each, {rounds} rounds\n",
        bytes as u64 / MESSAGES
    );
    let mut times = vec![Vec::with_capacity(rounds); STEPS.len()];
    for _ in 0..rounds {
        for ((_, step), times) in STEPS.iter().zip(&mut times) {
            let start = Instant::now();
            for body in &pages {
                step(body, &id);
            }
            times.push(start.elapsed());
        }
    }
    println!("| step | messages/s | ns a message | times the first |\n|---|---|---|---|");
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    for ((name, _), time) in STEPS.iter().zip(&medians) {
        let seconds = time.as_secs_f64();
        let messages = f64::from(u32::try_from(MESSAGES)?);
        println!(
            "| {name} | {:.0} | {:.0} | {:.2} |",
            messages / seconds,
            seconds / messages * 1e9,
            seconds / medians[0].as_secs_f64()
        );
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The pages of one long conversation as the gateway sends them.
async fn pages() -> Result<(ConversationId, Vec<Bytes>)> {
    let options = SimulatorOptions {
        corpus: CorpusOptions {
            conversations: 1,
            messages: MESSAGES,
            ..CorpusOptions::default()
        },
        ..SimulatorOptions::default()
    };
    let simulator = Simulator::start(options).await?;
    let ids = simulator.conversation_ids();
    let id = ids.first().context("a conversation")?;
    let listed = simulator.contents(id)?;
    let page = |rows: &[convault::simulator::Listed]| {
        let items: Vec<&str> = rows.iter().map(|row| row.raw.as_str()).collect();
        Bytes::from(format!(
            r#"{{"items":[{}],"count":{MESSAGES},"total":{MESSAGES},"has_more":true}}"#,
            items.join(",")
        ))
    };
    let pages = listed.chunks(PAGE).map(page).collect();
    simulator.stop().await;
    Ok((ConversationId::new(id.as_str()), pages))
}
