//! `convault demo`: the whole thing on a simulated gateway, in one command.

use std::{
    fmt::Write as _,
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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
#[command(
    after_help = "Examples:\n  convault demo\n  convault demo --db sqlite:/tmp/demo.db --messages 1000000"
)]
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

/// A question and its SQL, which anybody can paste into `sqlite3`.
struct Question<const N: usize> {
    asks: &'static str,
    sql: &'static str,
    /// The same, each column as text.
    as_texts: &'static str,
    columns: [&'static str; N],
}

macro_rules! question {
    ($asks:literal, $sql:literal, [$first:literal $(, $other:literal)*]) => {
        Question {
            asks: $asks,
            sql: $sql,
            as_texts: concat!(
                "select cast(", $first, " as text)" $(, ", cast(", $other, " as text)")*,
                " from (", $sql, ")"
            ),
            columns: [$first $(, $other)*],
        }
    };
}

const LONGEST: Question<4> = question!(
    "Which conversations are the longest, and are they complete?",
    "select id as conversation, state, message_count as messages,
       substr(last_message_at, 1, 10) as last_day
from v_conversations
order by message_count desc, id
limit 4",
    ["conversation", "state", "messages", "last_day"]
);

const SENT: Question<4> = question!(
    "What do people send?",
    "select type, count(*) as messages,
       count(*) filter (where direction = 'inbound') as from_customers,
       count(*) filter (where direction = 'outbound') as to_customers
from v_messages
where deleted_at is null
group by type
order by messages desc, type
limit 6",
    ["type", "messages", "from_customers", "to_customers"]
);

const REFUNDS: Question<3> = question!(
    "Who asked for a refund (退款) last?",
    "select substr(created_at, 1, 16) as sent_at,
       substr(conversation_id, 1, 13) as conversation, text
from v_messages
where text like '%退款%' and direction = 'inbound'
order by created_at desc, id
limit 4",
    ["sent_at", "conversation", "text"]
);

/// How the holder of a demo's runs begins, by which a later demo knows its own archive.
const HOLDER: &str = "demo, pid ";

const FOREIGN_RUNS: &str = "select holder from v_runs where holder not like 'demo, pid %' limit 1";

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
            "A simulated gateway holds {} in {}.\nArchiving them into {} …",
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
        let options = self.store_options(context);
        let Ok(store) = Store::open_read_only(&options).await else {
            return Err(refuse("is not an archive of an earlier demo"));
        };
        let foreign = store.query_texts::<1>(FOREIGN_RUNS).await;
        store.close().await;
        if !foreign?.is_empty() {
            return Err(refuse("is an archive of real runs"));
        }
        // Held while the files go, so that no other demo is writing them; the file of the lock
        // stays, since two could otherwise hold two locks of one name.
        let (store, _lock) = Store::open(&options).await?;
        store.close().await;
        for suffix in ["", "-wal", "-shm"] {
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
            holder: format!("{HOLDER}{}", std::process::id()),
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
        let input = Input::of_ids(ids);
        let progress = Progress::start(context, &monitor);
        let sync_options = SyncOptions {
            concurrency: 16,
            holder: options.holder,
            ..SyncOptions::default()
        };
        let summary = sync::run(
            &gateway,
            &store,
            input,
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
            "{} of {} proven complete: {}, {}, {}.",
            report.conversations.complete,
            counted(report.conversations.listed, "conversation"),
            counted(report.messages.new, "message"),
            counted(report.requests.total, "request"),
            human(took),
        ));
        if report.outcome != RunOutcome::Complete {
            context.tell("It stopped early. The next demo begins anew.");
            return Ok(());
        }
        let store = Store::open_read_only(&self.store_options(context)).await?;
        let answers = answers(&store).await;
        store.close().await;
        let (text, longest) = answers?;
        output::print(&text)?;
        if !context.speaks_json() {
            context.tell(&next_steps(path, longest.as_deref()));
        }
        Ok(())
    }
}

/// The questions with their answers, and the longest conversation.
async fn answers(store: &Store) -> Result<(String, Option<String>), Failure> {
    let longest = store.query_texts::<4>(LONGEST.as_texts).await?;
    let sent = store.query_texts(SENT.as_texts).await?;
    let refunds = store.query_texts(REFUNDS.as_texts).await?;
    let first = longest.first().map(|row| row[0].clone());
    let text = [
        LONGEST.answered(longest),
        SENT.answered(sent),
        REFUNDS.answered(refunds),
    ];
    Ok((text.concat(), first))
}

impl<const N: usize> Question<N> {
    fn answered(&self, rows: Vec<[String; N]>) -> String {
        let rows = rows.into_iter().map(|row| row.map(|cell| shortened(&cell)));
        format!(
            "\n{}\n\n{}\n\n{}\n",
            heading(self.asks),
            indented(&format!("{};", self.sql)),
            indented(&table(self.columns, rows))
        )
    }
}

/// Lines that can be pasted where the demo was run.
fn next_steps(path: &Path, longest: Option<&str>) -> String {
    let db = path.display();
    let program = std::env::args_os().next();
    let program = program.as_deref().map(Path::new);
    let program = program.map_or_else(|| "convault".to_owned(), |path| path.display().to_string());
    let mut text = format!(
        "\nLook around:\n  \
         sqlite3 {db}      then paste the SQL above, or .tables\n  \
         {program} status --db sqlite:{db}\n"
    );
    if let Some(id) = longest {
        writeln!(text, "  {program} explain --db sqlite:{db} \\\n    {id}")
            .expect("a string takes all");
    }
    text.push_str("\nYour own conversations: \"A real run, step by step\" in README.md, or\n");
    write!(text, "  {program} sync --help").expect("a string takes all");
    text
}

/// Columns of a terminal that one cell may fill, so that each table fits 80 of them.
const CELL_COLUMNS_MAX: usize = 42;

fn shortened(cell: &str) -> String {
    if cell.width() <= CELL_COLUMNS_MAX {
        return cell.to_owned();
    }
    let mut columns = 0;
    let mut short: String = cell
        .chars()
        .take_while(|character| {
            columns += character.width().unwrap_or(0);
            columns < CELL_COLUMNS_MAX
        })
        .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_cut_by_the_columns_it_fills() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"x".repeat(42)), "x".repeat(42));
        let wide = shortened(&"退".repeat(22));
        assert_eq!(wide, format!("{}…", "退".repeat(20)));
        assert!(wide.width() <= CELL_COLUMNS_MAX);
    }

    #[test]
    fn a_demo_knows_its_own_runs_by_their_holder() {
        assert!(FOREIGN_RUNS.contains(&format!("'{HOLDER}%'")));
    }
}
