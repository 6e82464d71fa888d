//! `convault demo`: the whole thing on a simulated gateway, in one command.

use std::{
    fmt::Write as _,
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    context::Context,
    outcome::{Exit, Failure},
    output::{self, counted, human, table},
    progress::Progress,
    simulate,
    sync::abort,
};
use crate::{
    api::{Gateway, GatewayOptions},
    model::{ConversationId, RunOutcome},
    monitor::Monitor,
    simulator::{CorpusOptions, Faults, Simulator, SimulatorOptions},
    store::{DatabaseUrl, Store, StoreOptions},
    sync::{self, Input, Shutdown, Summary, SyncOptions},
};

/// See the whole thing on a simulated gateway: no account, no network, no set-up.
///
/// Recreates its own archive each time.
#[derive(Debug, clap::Args)]
pub(super) struct DemoCommand {
    /// What the conversations are made from; the same seed gives the same ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How many conversations.
    #[arg(long, value_name = "N", default_value_t = 200)]
    conversations: u32,

    /// How many messages in all.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    messages: u64,

    /// The archive that is recreated: sqlite:PATH.
    #[arg(long, value_name = "URL", default_value = "sqlite:convault-demo.db")]
    db: DatabaseUrl,
}

/// A question, its SQL and the names of the columns that it gives.
struct Question {
    asks: &'static str,
    sql: &'static str,
    columns: [&'static str; 4],
}

const QUESTIONS: [Question; 3] = [
    Question {
        asks: "Which conversations are the longest, and is all of them there?",
        sql: "select substr(id, 1, 13) || '…', state, cast(message_count as text),
       substr(cast(last_message_at as text), 1, 10)
from v_conversations
order by message_count desc
limit 4",
        columns: ["conversation", "state", "messages", "last message"],
    },
    Question {
        asks: "What do people send?",
        sql: "select coalesce(type, '(none)'), cast(count(*) as text),
       cast(sum(case when direction = 'inbound' then 1 else 0 end) as text),
       cast(sum(case when direction = 'outbound' then 1 else 0 end) as text)
from v_messages
where deleted_at is null
group by type
order by count(*) desc
limit 6",
        columns: ["type", "messages", "from customers", "to customers"],
    },
    Question {
        asks: "Who asked for a refund (退款) last?",
        sql:
            "select substr(cast(created_at as text), 1, 16), substr(conversation_id, 1, 13) || '…',
       sender_kind, text
from v_messages
where text like '%退款%' and direction = 'inbound'
order by created_at desc
limit 4",
        columns: ["when", "conversation", "who", "text"],
    },
];

impl DemoCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let DatabaseUrl::Sqlite(path) = &self.db else {
            return Err(Failure::usage(
                "the demo makes its archive in SQLite: --db sqlite:PATH",
            ));
        };
        self.clear(context, path).await?;
        let simulator = simulate::start(self.simulated(context)).await?;
        context.tell(&format!(
            "A simulated gateway holds {} in {}. Archiving them into {} …",
            counted(simulator.message_count(), "message"),
            counted(u64::from(self.conversations), "conversation"),
            path.display(),
        ));
        let archived = self.archive(context, &simulator).await;
        simulator.stop().await;
        let summary = archived?;
        self.tell(context, path, &summary).await?;
        Ok(Exit::Code(summary.report.outcome.exit_code()))
    }

    fn simulated(&self, context: &Context) -> SimulatorOptions {
        SimulatorOptions {
            corpus: CorpusOptions {
                seed: self.seed,
                conversations: self.conversations,
                messages: self.messages,
                ..CorpusOptions::default()
            },
            faults: Faults {
                latency: Duration::from_millis(60),
                ..SimulatorOptions::default().faults
            },
            clock: context.clock.clone(),
            ..SimulatorOptions::default()
        }
    }

    /// Takes the archive of an earlier demo away, and nothing else.
    async fn clear(&self, context: &Context, path: &Path) -> Result<(), Failure> {
        if !path.exists() {
            return Ok(());
        }
        let refuse = |what: &str| {
            Failure::usage(format!(
                "{} {what}; the demo will not touch it",
                path.display()
            ))
            .with_hint("name another file: convault demo --db sqlite:PATH")
        };
        let opened = Store::open_read_only(&self.store_options(context)).await;
        let Ok(store) = opened else {
            return Err(refuse("is not an archive of an earlier demo"));
        };
        let gateway = store.read_gateway().await;
        store.close().await;
        let simulated = gateway?.is_none_or(|url| url.starts_with("http://127.0.0.1:"));
        if !simulated {
            return Err(refuse("is an archive of a real gateway"));
        }
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let file = PathBuf::from(name);
            if file.exists() {
                fs::remove_file(&file).map_err(|error| {
                    Failure::usage(format!("removing {}: {error}", file.display()))
                })?;
            }
        }
        Ok(())
    }

    fn store_options(&self, context: &Context) -> StoreOptions {
        StoreOptions {
            url: self.db.clone(),
            schema: None,
            lock_wait: Duration::from_secs(2),
            holder: format!("demo, pid {}", std::process::id()),
            clock: context.clock.clone(),
        }
    }

    async fn archive(&self, context: &Context, simulator: &Simulator) -> Result<Summary, Failure> {
        let monitor = Monitor::new();
        let base = simulator.base_url();
        let url = base
            .parse()
            .map_err(|error| Failure::unexpected(format!("reading {base}: {error}")))?;
        let gateway = Gateway::new(GatewayOptions {
            rate: "1000/s".parse().map_err(Failure::unexpected)?,
            clock: context.clock.clone(),
            monitor: monitor.clone(),
            ..GatewayOptions::new(url, simulator.token().into())
        })?;
        let options = self.store_options(context);
        let (store, _lock) = Store::open(&options).await?;
        store.bind_gateway(&base).await?;
        let shutdown = Shutdown::on_signals(abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        let ids = simulator
            .conversation_ids()
            .into_iter()
            .map(ConversationId::new);
        let input = Input::of_ids(ids.collect());
        let progress = Progress::start(context, &monitor);
        let sync_options = SyncOptions {
            concurrency: 16,
            holder: options.holder,
            ..SyncOptions::default()
        };
        let summary = sync::run(
            &gateway,
            &store,
            &input,
            &sync_options,
            &shutdown,
            &monitor,
            &context.clock,
        )
        .await;
        progress.finish().await;
        store.close().await;
        Ok(summary)
    }

    async fn tell(&self, context: &Context, path: &Path, summary: &Summary) -> Result<(), Failure> {
        let report = &summary.report;
        let took = report.finished_at.since(report.started_at);
        context.tell(&format!(
            "{} of {} complete: {}, {}, {}.",
            report.conversations.complete,
            counted(report.conversations.listed, "conversation"),
            counted(report.messages.new, "message"),
            counted(report.requests.total, "request"),
            human(took),
        ));
        if report.outcome != RunOutcome::Complete {
            context.tell("It was stopped early; run it again to see all of it.");
            return Ok(());
        }
        let store = Store::open_read_only(&self.store_options(context)).await?;
        let mut text = String::new();
        for question in &QUESTIONS {
            let rows = store.query_texts(question.sql).await?;
            let rows = rows.into_iter().map(|row| row.map(|cell| shortened(&cell)));
            write!(
                text,
                "\n{}\n\n{}\n\n",
                heading(question.asks),
                indented(question.sql)
            )
            .expect("a string takes all");
            text.push_str(&indented(&table(question.columns, rows)));
            text.push('\n');
        }
        store.close().await;
        output::print(&text)?;
        let db = path.display();
        context.tell(&format!(
            "\nNow try:\n  \
             sqlite3 {db} \"select * from v_messages limit 5\"\n  \
             convault status --db sqlite:{db}\n  \
             convault sync --help                  your own conversations, step by step in README.md"
        ));
        Ok(())
    }
}

const CELL_CHARS_MAX: usize = 48;

fn shortened(cell: &str) -> String {
    if cell.chars().count() <= CELL_CHARS_MAX {
        return cell.to_owned();
    }
    let mut short: String = cell.chars().take(CELL_CHARS_MAX - 1).collect();
    short.push('…');
    short
}

fn heading(text: &str) -> String {
    if std::io::stdout().is_terminal() && crate::config::colour_welcome() {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
