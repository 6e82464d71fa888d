//! What is seen while a run works: a bar on a terminal, a line every 30 s elsewhere.
//!
//! Draws from the [`Monitor`] alone; the run knows nothing of it. Without progress, a long wait
//! is still logged, so that nothing is ever silent for a minute.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    context::Context,
    output::{grouped, human, printable},
};
use crate::monitor::{Counter, Monitor};

const BAR_TICK: Duration = Duration::from_millis(150);
const LINE_TICK: Duration = Duration::from_secs(1);
const LINE_EVERY: Duration = Duration::from_secs(30);
/// A wait that is shorter is not worth a log line.
const WAIT_WORTH_TELLING: Duration = Duration::from_secs(5);
/// How far back the rates look.
const WINDOW: Duration = Duration::from_secs(15);
/// Samples kept at most, whatever the tick.
const SAMPLES_MAX: usize = 128;

/// The drawing of one run; ends with [`Progress::finish`].
#[derive(Debug)]
pub(super) struct Progress {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What the bar is filled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Unit {
    #[default]
    Conversations,
    Messages,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bar,
    Lines,
    WaitsAlone,
}

impl Progress {
    /// Begins to draw a run over conversations.
    pub(super) fn start(context: &Context, monitor: &Monitor) -> Self {
        Self::begin(context, monitor, Unit::Conversations)
    }

    /// Begins to draw a run over the messages that are archived.
    pub(super) fn of_messages(context: &Context, monitor: &Monitor) -> Self {
        Self::begin(context, monitor, Unit::Messages)
    }

    fn begin(context: &Context, monitor: &Monitor, unit: Unit) -> Self {
        let form = if context.logging.no_progress {
            Form::WaitsAlone
        } else if io::stderr().is_terminal() && !context.speaks_json() && !context.logging.quiet {
            Form::Bar
        } else {
            Form::Lines
        };
        let stop = CancellationToken::new();
        let bar = (form == Form::Bar).then(|| context.telemetry.bars().add(new_bar()));
        let task = tokio::spawn(draw(monitor.clone(), unit, form, bar, stop.clone()));
        Self { stop, task }
    }

    /// Takes the bar away and waits until nothing is drawn any more.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        // A drawing that broke is no reason to lose the summary that comes next.
        let _ = self.task.await;
    }
}

/// Before the list is known there is nothing to fill: a bar of 0 of 0 would look done.
fn new_bar() -> ProgressBar {
    ProgressBar::no_length().with_style(style("[{elapsed_precise}] {wide_msg}"))
}

fn counting(unit: Unit) -> ProgressStyle {
    let colour = if crate::config::colour_welcome() {
        ".green/dim"
    } else {
        ""
    };
    let noun = unit.noun();
    style(&format!(
        "[{{elapsed_precise}}] {{bar:32{colour}}} {{pos}}/{{len}} {noun}\n  {{wide_msg}}"
    ))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that tests draw")
        .progress_chars("━╸─")
}

fn show(bar: &ProgressBar, now: &Snapshot) {
    let (done, whole) = now.filled();
    if whole == 0 {
        bar.set_message(now.waiting_or("getting ready"));
        return;
    }
    if bar.length().is_none() {
        bar.set_style(counting(now.unit));
    }
    bar.set_length(whole);
    bar.set_position(done);
    bar.set_message(now.detail());
}

async fn draw(
    monitor: Monitor,
    unit: Unit,
    form: Form,
    bar: Option<ProgressBar>,
    stop: CancellationToken,
) {
    let started = Instant::now();
    let mut pace = Pace::default();
    let mut wait = WaitWatch::default();
    let mut line_due = LINE_EVERY;
    let tick = if bar.is_some() { BAR_TICK } else { LINE_TICK };
    let mut ticks = tokio::time::interval(tick);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => break,
        }
        let elapsed = started.elapsed();
        let now = Snapshot::take(&monitor, unit, &mut pace, elapsed);
        if let Some(bar) = &bar {
            show(bar, &now);
            continue;
        }
        if form == Form::Lines && elapsed >= line_due {
            line_due = elapsed + LINE_EVERY;
            tracing::info!("{}", now.line());
            wait.told(elapsed);
        } else if let Some(told) = wait.look(now.waits_for.as_deref(), elapsed) {
            tracing::info!("{told}");
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// When a wait has become long enough to be told, and told again.
#[derive(Debug, Default)]
struct WaitWatch {
    since: Option<Duration>,
    told_at: Option<Duration>,
}

impl WaitWatch {
    fn told(&mut self, elapsed: Duration) {
        self.told_at = Some(elapsed);
    }

    fn look(&mut self, waits_for: Option<&str>, elapsed: Duration) -> Option<String> {
        let Some(what) = waits_for else {
            *self = Self::default();
            return None;
        };
        let lasted = elapsed.saturating_sub(*self.since.get_or_insert(elapsed));
        let due = match self.told_at {
            None => lasted >= WAIT_WORTH_TELLING,
            Some(at) => elapsed.saturating_sub(at) >= LINE_EVERY,
        };
        if !due {
            return None;
        }
        self.told(elapsed);
        Some(format!(
            "waiting for {}: {}",
            human(lasted),
            printable(what)
        ))
    }
}

/// The counters of the last seconds, for rates.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Duration, u64, u64)>);

impl Pace {
    /// Messages and requests a second over the window that ends now.
    fn note(&mut self, elapsed: Duration, messages: u64, requests: u64) -> (f64, f64) {
        self.0.push_back((elapsed, messages, requests));
        while self.0.len() > SAMPLES_MAX
            || self
                .0
                .front()
                .is_some_and(|(at, ..)| elapsed.saturating_sub(*at) > WINDOW)
        {
            self.0.pop_front();
        }
        let (at, first_messages, first_requests) = self.0[0];
        let seconds = elapsed.saturating_sub(at).as_secs_f64();
        (
            per_second(messages.saturating_sub(first_messages), seconds),
            per_second(requests.saturating_sub(first_requests), seconds),
        )
    }
}

fn per_second(number: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        as_f64(number) / seconds
    } else {
        0.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate shown to a person")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

impl Unit {
    const fn noun(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Messages => "messages",
        }
    }
}

/// The run at one moment.
#[derive(Debug, Default)]
struct Snapshot {
    unit: Unit,
    done: u64,
    listed: u64,
    read: u64,
    expected: u64,
    messages_per_s: f64,
    requests_per_s: f64,
    left: Option<Duration>,
    waits_for: Option<String>,
}

impl Snapshot {
    fn take(monitor: &Monitor, unit: Unit, pace: &mut Pace, elapsed: Duration) -> Self {
        let read = monitor.get(Counter::MessagesRead);
        let requests = monitor.get(Counter::Requests);
        let (messages_per_s, requests_per_s) = pace.note(elapsed, read, requests);
        let done = monitor.get(Counter::ConversationsDone);
        let listed = monitor.get(Counter::ConversationsListed);
        let expected = monitor.get(Counter::MessagesExpected);
        Self {
            unit,
            done,
            listed,
            read,
            expected,
            messages_per_s,
            requests_per_s,
            left: match unit {
                Unit::Conversations => time_left(elapsed, done, listed, read, expected),
                Unit::Messages => time_left(elapsed, read, expected, read, expected),
            },
            waits_for: monitor.waits_for(),
        }
    }

    /// How much is done of how much.
    const fn filled(&self) -> (u64, u64) {
        match self.unit {
            Unit::Conversations => (self.done, self.listed),
            Unit::Messages => (self.read, self.expected),
        }
    }

    /// Everything but the part that is done, which the bar shows; what matters most first, since a
    /// narrow terminal cuts the end off.
    fn detail(&self) -> String {
        let mut text = String::new();
        if self.waits_for.is_some() {
            text.push_str(&self.waiting_or(""));
            text.push_str("; ");
        }
        if self.unit == Unit::Messages {
            write!(text, "{:.0} messages/s", self.messages_per_s).expect("a string takes all");
            if let Some(left) = self.left {
                write!(text, ", about {} left", human(left)).expect("a string takes all");
            }
            return text;
        }
        text.push_str(&grouped(self.read));
        if self.expected > self.read {
            // What is known so far: a conversation says how much it holds when it is begun.
            text.push_str(" of at least ");
            text.push_str(&grouped(self.expected));
        }
        text.push_str(" messages");
        if let Some(left) = self.left {
            write!(text, ", about {} left", human(left)).expect("a string takes all");
        }
        write!(
            text,
            ", {:.0} messages/s, {:.*} requests/s",
            self.messages_per_s,
            usize::from(self.requests_per_s < 10.0),
            self.requests_per_s
        )
        .expect("a string takes all");
        text
    }

    fn waiting_or(&self, otherwise: &str) -> String {
        self.waits_for.as_deref().map_or_else(
            || otherwise.to_owned(),
            |what| format!("waiting: {}", printable(what)),
        )
    }

    fn line(&self) -> String {
        let (done, whole) = self.filled();
        format!(
            "{} of {} {}, {}",
            grouped(done),
            grouped(whole),
            self.unit.noun(),
            self.detail()
        )
    }
}

/// How long the rest takes at the pace so far: the longer of what the conversations and what
/// the messages say, since either may be the rest. Nothing while there is too little to go by.
fn time_left(
    elapsed: Duration,
    done: u64,
    listed: u64,
    read: u64,
    expected: u64,
) -> Option<Duration> {
    let by = |part: u64, whole: u64| {
        (part > 0 && whole > part)
            .then(|| elapsed.as_secs_f64() * as_f64(whole - part) / as_f64(part))
    };
    let conversations = by(done, listed)?;
    let seconds = conversations.max(by(read, expected).unwrap_or(0.0));
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rates_are_of_the_last_seconds_and_not_of_the_whole_run() {
        let mut pace = Pace::default();
        pace.note(s(0), 0, 0);
        assert_eq!(pace.note(s(10), 1_000, 50), (100.0, 5.0));
        pace.note(s(100), 1_000, 50);
        assert_eq!(pace.note(s(110), 1_000, 60), (0.0, 1.0));
    }

    #[test]
    fn the_time_left_is_the_longer_of_both_estimates() {
        assert_eq!(time_left(s(10), 0, 10, 5, 10), None);
        assert_eq!(time_left(s(10), 5, 10, 0, 0), Some(s(10)));
        assert_eq!(time_left(s(10), 5, 10, 100, 1_000), Some(s(90)));
        assert_eq!(time_left(s(10), 10, 10, 1_000, 1_000), None);
    }

    #[test]
    fn a_line_tells_everything_that_a_bar_would() {
        let snapshot = Snapshot {
            unit: Unit::Conversations,
            done: 120,
            listed: 1_200,
            read: 10_000,
            expected: 20_000,
            messages_per_s: 498.6,
            requests_per_s: 4.96,
            left: Some(s(200)),
            waits_for: Some("the gateway asked to wait 30 s (429)".to_owned()),
        };
        insta::assert_snapshot!(snapshot.line());
    }

    #[test]
    fn a_line_about_messages_tells_of_them_alone() {
        let snapshot = Snapshot {
            unit: Unit::Messages,
            read: 1_200,
            expected: 20_000,
            messages_per_s: 498.6,
            left: Some(s(40)),
            ..Snapshot::default()
        };
        assert_eq!(
            snapshot.line(),
            "1 200 of 20 000 messages, 499 messages/s, about 40 s left"
        );
    }

    #[test]
    fn a_wait_is_told_once_it_is_long_and_again_every_half_minute() {
        let mut watch = WaitWatch::default();
        let told: Vec<u64> = (0..=70)
            .filter(|second| watch.look(Some("429"), s(*second)).is_some())
            .collect();
        assert_eq!(told, [5, 35, 65]);
        assert!(watch.look(None, s(71)).is_none());
        assert!(watch.look(Some("429"), s(72)).is_none());
    }

    #[test]
    fn a_bar_is_not_full_before_the_list_is_known() {
        let bar = new_bar();
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        let mut now = Snapshot::default();
        show(&bar, &now);
        assert_eq!(
            (bar.length(), bar.message().as_str()),
            (None, "getting ready")
        );
        now.listed = 2;
        now.done = 1;
        show(&bar, &now);
        assert_eq!((bar.length(), bar.position()), (Some(2), 1));
        bar.finish_and_clear();
    }
}
