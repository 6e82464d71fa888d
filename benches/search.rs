//! How long a search takes. (What the index of words costs is told by `benches/floor.rs`, and of Postgres
//! by `scripts/bench`.)
//!
//!     cargo bench --bench search -- URL [MESSAGES]
//!
//! Fills the archive at `URL` (`sqlite:PATH` or `postgres://…`, which must hold none) with the
//! simulated corpus, 1,000,000 messages where no number is given, ends as a run does, then asks. Prints
//! seconds, bytes, and for each question the median of five answers with the least and the most.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use convault::{
    clock::Clock,
    model::{ConversationId, MessageFilter, RunId, Timestamp},
    normalize,
    simulator::{CorpusOptions, Simulator, SimulatorOptions},
    store::{Batch, PageWrite, RunStart, SearchQuery, SearchSort, Store, StoreOptions},
};

const PAGE: usize = 100;
const PAGES_A_BATCH: usize = 50;
const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let own: Vec<&String> = arguments.iter().filter(|text| *text != "--bench").collect();
    let (url, messages) = match own.as_slice() {
        // `cargo test --benches` and `cargo bench` alone run every bench without arguments.
        [] => {
            println!("nothing to do without URL");
            return Ok(());
        }
        [url] => (url.as_str(), 1_000_000),
        [url, messages] => (url.as_str(), messages.parse()?),
        _ => bail!("URL and a number of messages, no more"),
    };
    tokio::runtime::Runtime::new()?.block_on(measure(url, messages))
}

async fn measure(url: &str, messages: u64) -> Result<()> {
    let options = StoreOptions {
        url: url.parse()?,
        schema: None,
        lock_wait: Duration::from_secs(1),
        holder: "bench".to_owned(),
        clock: Clock::system(),
    };
    let (store, lock) = Store::open(&options).await?;
    let started_at = options.clock.now();
    let run = RunStart {
        command: "sync".to_owned(),
        program_version: "bench".to_owned(),
        holder: "bench".to_owned(),
        started_at,
    };
    let run = store.begin_run(&run).await?;
    let (conversation, rare) = fill(&store, run, messages, started_at).await?;
    // As at the end of a run: words that wait are put into the index.
    let start = Instant::now();
    store.sync().await?;
    println!(
        "synced in {:.2} s, {:.0} bytes a message",
        start.elapsed().as_secs_f64(),
        number(bytes(url, &store).await?) / number(messages),
    );
    ask(&store, conversation, &rare).await?;
    let start = Instant::now();
    let flaws = store.check_integrity().await?;
    println!(
        "the database's own check: {:.2} s, {} flaws",
        start.elapsed().as_secs_f64(),
        flaws.len()
    );
    store.close_synced().await?;
    drop(lock);
    Ok(())
}

/// Writes the corpus; gives its largest conversation and a word that few messages have.
async fn fill(
    store: &Store,
    run: RunId,
    messages: u64,
    observed_at: Timestamp,
) -> Result<(ConversationId, String)> {
    let corpus = CorpusOptions {
        conversations: u32::try_from(messages / 2_500)?.max(2),
        messages,
        ..CorpusOptions::default()
    };
    let simulator = Simulator::start(SimulatorOptions {
        corpus,
        ..SimulatorOptions::default()
    })
    .await?;
    let ids = simulator.conversation_ids();
    let mut largest = (0, 0);
    let mut rare = None;
    let mut seconds = 0.0;
    let (mut pages, mut written) = (Vec::new(), 0);
    for (place, id) in ids.iter().enumerate() {
        let conversation = ConversationId::new(id.as_str());
        let key = store
            .register_conversations(run, std::slice::from_ref(&conversation))
            .await?[0];
        let listed = simulator.contents(id)?;
        largest = largest.max((listed.len(), place));
        for page in listed.chunks(PAGE) {
            let decoded = page
                .iter()
                .map(|listed| normalize::message(&listed.raw, &conversation));
            let decoded: Vec<_> = decoded.collect();
            if written > messages / 2 {
                rare = rare.or_else(|| {
                    decoded
                        .iter()
                        .find_map(|m| order_number(m.text.as_deref()?))
                });
            }
            written += decoded.len() as u64;
            pages.push(PageWrite {
                surely_new: vec![true; decoded.len()],
                messages: decoded,
                ..PageWrite::of(key, observed_at)
            });
            if pages.len() == PAGES_A_BATCH {
                seconds += write(store, run, &mut pages).await?;
            }
        }
    }
    seconds += write(store, run, &mut pages).await?;
    println!(
        "rows: {written} messages in {seconds:.2} s, {:.1} µs a message",
        seconds * 1e6 / number(written)
    );
    let rare = rare.context("no message of the second half has a number")?;
    Ok((ConversationId::new(ids[largest.1].as_str()), rare))
}

async fn write(store: &Store, run: RunId, pages: &mut Vec<PageWrite>) -> Result<f64> {
    let batch = Batch {
        run: Some(run),
        pages: std::mem::take(pages),
        ..Batch::default()
    };
    let start = Instant::now();
    store.write(&batch).await?;
    Ok(start.elapsed().as_secs_f64())
}

/// To sixteen, which no figure here shows.
fn number(count: u64) -> f64 {
    u32::try_from(count / 16).map_or(f64::INFINITY, f64::from) * 16.0
}

/// The number of an order.
fn order_number(text: &str) -> Option<String> {
    let numbers = text.split(|character: char| !character.is_ascii_digit());
    numbers.map(str::to_owned).find(|number| number.len() == 6)
}

async fn bytes(url: &str, store: &Store) -> Result<u64> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(std::fs::metadata(path)?.len());
    }
    let size = "select cast(pg_database_size(current_database()) as text)";
    let found: Vec<[String; 1]> = store.query_texts(size).await?;
    Ok(found[0][0].parse()?)
}

async fn ask(store: &Store, conversation: ConversationId, rare: &str) -> Result<()> {
    println!("\n| question | hits | ms: median (least to most) |\n|---|---|---|");
    let one = MessageFilter {
        conversations: vec![conversation],
        ..MessageFilter::default()
    };
    let all = MessageFilter::default;
    let (newest, rank) = (SearchSort::Newest, SearchSort::Rank);
    for (name, words, sort, filter) in [
        ("a rare number", rare, newest, all()),
        ("nothing", "nosuchword", newest, all()),
        ("Chinese word", "退款", newest, all()),
        ("Chinese word, ranked", "退款", rank, all()),
        ("Chinese character", "退", newest, all()),
        ("Chinese phrase", "申請退款", newest, all()),
        ("word", "refund", newest, all()),
        ("beginning", "refund*", newest, all()),
        ("phrase", "\"working days\"", newest, all()),
        ("two words, one not", "order refund -card", newest, all()),
        ("the commonest word", "the", newest, all()),
        ("the commonest word, ranked", "the", rank, all()),
        ("the commonest word in one conversation", "the", newest, one),
    ] {
        let query = SearchQuery {
            words: words.to_owned(),
            filter,
            sort,
            limit: 20,
            after: None,
        };
        let mut times = Vec::new();
        let mut total = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let page = store.search(&query).await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            total = page.total.unwrap_or_default();
        }
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("| {name} | {total} | {median:.1} ({least:.1} to {most:.1}) |");
    }
    Ok(())
}
