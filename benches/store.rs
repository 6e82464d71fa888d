//! How fast the archive takes messages: new ones, ones that it has, and ones of which few changed.
//!
//!     cargo bench --bench store [-- --there N --messages N --rounds N]
//!     scripts/postgres run cargo bench --bench store -- --postgres [...]
//!
//! `--there` messages are archived first (100,000 unless told), in conversations of 1,000. Each round
//! then writes `--messages` (50,000) into new conversations, writes them again, and again with 1 % of
//! them edited; batches of 2,500 messages, one transaction each. What a run does before the archive
//! (fetching, reading, comparing) is not done: unchanged messages are given to it all the same, so
//! that it has to find them. Prints messages a second, medians with the least and the most, and each
//! as a multiple of the first load.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use convault::{
    clock::Clock,
    model::{ConversationId, ConversationKey, RunId, Timestamp},
    normalize,
    store::{Batch, PageWrite, RunStart, Store, StoreOptions},
};

const PAGE: usize = 100;
const PAGES_AT_ONCE: usize = 25;
const OF_CONVERSATION: usize = 1_000;
/// One in so many is edited.
const EDITED: usize = 100;

struct Told {
    there: usize,
    messages: usize,
    rounds: usize,
    postgres: bool,
}

struct Archive {
    store: Store,
    run: RunId,
    now_ms: i64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server for a bench, not a setting of the program"
)]
#[tokio::main]
async fn main() -> Result<()> {
    let Some(told) = told()? else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let url = if told.postgres {
        std::env::var("CONVAULT_TEST_POSTGRES_URL").context("run this by `scripts/postgres run`")?
    } else {
        format!("sqlite:{}", folder.path().join("bench.db").display())
    };
    let options = StoreOptions {
        url: url.parse()?,
        schema: told.postgres.then(|| "convault_bench".to_owned()),
        lock_wait: Duration::from_secs(5),
        holder: "the bench".to_owned(),
        clock: Clock::system(),
    };
    let (store, _lock) = Store::open(&options).await?;
    let start = RunStart {
        command: "bench".to_owned(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        holder: options.holder.clone(),
        started_at: Timestamp::from_millis(0),
    };
    let run = store.begin_run(&start).await?;
    let mut archive = Archive {
        store,
        run,
        now_ms: 2_000_000_000_000,
    };
    archive.load(0..told.there, Kind::New).await?;
    let kinds = [Kind::New, Kind::Same, Kind::Edited];
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..told.rounds {
        let first = told.there + round * told.messages;
        for (kind, times) in kinds.iter().zip(&mut times) {
            let start = Instant::now();
            archive.load(first..first + told.messages, *kind).await?;
            times.push(start.elapsed());
        }
    }
    archive.store.close_synced().await?;
    report(&told, &kinds, times)
}

fn told() -> Result<Option<Told>> {
    let mut told = Told {
        there: 100_000,
        messages: 50_000,
        rounds: 3,
        postgres: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut number = || -> Result<usize> {
            let text = arguments.next().context("a number is missing")?;
            Ok(text.parse()?)
        };
        match name.as_str() {
            "--bench" => {}
            "--postgres" => told.postgres = true,
            "--there" => told.there = number()?,
            "--messages" => told.messages = number()?,
            "--rounds" => told.rounds = number()?,
            // `cargo test --benches` runs every bench so.
            "--test" => return Ok(None),
            other => bail!("what is {other}?"),
        }
    }
    Ok(Some(told))
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    New,
    Same,
    Edited,
}

impl Archive {
    /// Writes messages by number; building them is not part of what is timed elsewhere, but of this.
    async fn load(&mut self, numbers: Range<usize>, kind: Kind) -> Result<()> {
        let mut batch = self.batch();
        let mut conversation = None;
        for first in numbers.step_by(PAGE) {
            let number = first / OF_CONVERSATION;
            let key = match conversation {
                Some((known, key)) if known == number => key,
                _ => self.conversation(number).await?,
            };
            conversation = Some((number, key));
            let id = ConversationId::new(format!("conv_{number}"));
            let messages: Vec<_> = (first..first + PAGE)
                .map(|number| normalize::message(&raw(number, kind), &id))
                .collect();
            self.now_ms += 1_000;
            batch.pages.push(PageWrite {
                surely_new: vec![matches!(kind, Kind::New); messages.len()],
                messages,
                ..PageWrite::of(key, Timestamp::from_millis(self.now_ms))
            });
            if batch.pages.len() == PAGES_AT_ONCE {
                self.store.write(&batch).await?;
                batch = self.batch();
            }
        }
        if !batch.pages.is_empty() {
            self.store.write(&batch).await?;
        }
        Ok(())
    }

    fn batch(&self) -> Batch {
        Batch {
            run: Some(self.run),
            ..Batch::default()
        }
    }

    async fn conversation(&self, number: usize) -> Result<ConversationKey> {
        let ids = [ConversationId::new(format!("conv_{number}"))];
        let keys = self.store.register_conversations(self.run, &ids).await?;
        keys.first().copied().context("a key")
    }
}

/// A message of some 490 bytes. The number makes its id and its time.
fn raw(number: usize, kind: Kind) -> String {
    let is_edited = matches!(kind, Kind::Edited) && number.is_multiple_of(EDITED);
    let edited = if is_edited { " (edited)" } else { "" };
    let seconds = 1_700_000_000_000 + 1_000 * i64::try_from(number).unwrap_or_default();
    let time = Timestamp::from_millis(seconds);
    let words = "We have received your order and will send it within three working days. ";
    format!(
        r#"{{"_id":"msg_{number:032x}","organization_id":"org_0123456789abcdef","business_unit_id":"bu_0123456789abcdef","conversation_id":"conv_{}","from":"con_{:032x}","type":"text","content":{{"text":"{words}{words}Order {number}{edited}."}},"is_mail":false,"created_at":"{time}","updated_at":"{time}"}}"#,
        number / OF_CONVERSATION,
        number % 7
    )
}

fn report(told: &Told, kinds: &[Kind], times: Vec<Vec<Duration>>) -> Result<()> {
    let engine = if told.postgres { "Postgres" } else { "SQLite" };
    println!(
        "{engine}, {} messages there, {} a step, {} round(s)\n",
        told.there, told.messages, told.rounds
    );
    println!("| step | messages/s: median (least to most) | times the first load |\n|---|---|---|");
    let messages = f64::from(u32::try_from(told.messages)?);
    let mut first_load = None;
    for (kind, mut times) in kinds.iter().zip(times) {
        times.sort_unstable();
        let speed = |time: Duration| messages / time.as_secs_f64();
        let (Some(best), Some(worst)) = (times.first(), times.last()) else {
            bail!("no round");
        };
        let median = speed(times[times.len() / 2]);
        let first = *first_load.get_or_insert(median);
        println!(
            "| {} | {median:.0} ({:.0} to {:.0}) | {:.2} |",
            match kind {
                Kind::New => "first load",
                Kind::Same => "again, unchanged",
                Kind::Edited => "again, 1 % edited",
            },
            speed(*worst),
            speed(*best),
            median / first
        );
    }
    Ok(())
}
