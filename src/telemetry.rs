//! Log lines on standard error, as text or JSON.
//!
//! Invariants: other people's crates never speak below a warning (they know URLs, headers and
//! statements); a line that holds the token loses it; a line and a progress bar never tear each
//! other, since lines are written while the bars stand aside.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, OnceLock},
};

use indicatif::MultiProgress;
use secrecy::{ExposeSecret, SecretString};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::config::{LogFormat, LoggingArgs, colour_welcome};

const REDACTED: &str = "[redacted]";

/// The way to standard error that logs and bars share. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    bars: MultiProgress,
    secret: Arc<OnceLock<SecretString>>,
}

impl Telemetry {
    /// Starts logging for the whole process.
    pub fn start(args: &LoggingArgs) -> Self {
        let telemetry = Self::default();
        let layer = tracing_subscriber::fmt::layer().with_writer(telemetry.clone());
        let layer = match args.log_format {
            LogFormat::Text => layer
                .compact()
                .with_target(args.verbose > 0)
                .with_ansi(io::stderr().is_terminal() && colour_welcome())
                .boxed(),
            LogFormat::Json => layer.json().flatten_event(true).boxed(),
        };
        // Only the first call in a process takes effect, which is what tests need.
        let _ = tracing_subscriber::registry()
            .with(layer.with_filter(targets(level(args))))
            .try_init();
        telemetry
    }

    /// From now on no line shows this secret, whoever logs it. The first one counts.
    pub fn redact(&self, secret: SecretString) {
        let _ = self.secret.set(secret);
    }

    /// The bars that stand aside for log lines.
    pub const fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Writes a line for a person to standard error while the bars stand aside. A standard error
    /// that is gone is no reason to stop.
    pub fn tell(&self, text: &str) {
        let mut line = self.redacted(text);
        line.push('\n');
        self.bars.suspend(|| {
            let _ = io::stderr().lock().write_all(line.as_bytes());
        });
    }

    fn redacted(&self, text: &str) -> String {
        match self.secret.get() {
            Some(secret) => text.replace(secret.expose_secret(), REDACTED),
            None => text.to_owned(),
        }
    }
}

fn level(args: &LoggingArgs) -> LevelFilter {
    match (args.quiet, args.verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    }
}

fn targets(ours: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("convault", ours)
}

impl<'a> MakeWriter<'a> for Telemetry {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self)
    }
}

/// Writes one formatted event.
#[derive(Debug)]
pub struct LineWriter<'a>(&'a Telemetry);

impl Write for LineWriter<'_> {
    /// Takes the whole buffer: an event comes in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let redacted = match (self.0.secret.get(), std::str::from_utf8(bytes)) {
            (Some(secret), Ok(text)) if text.contains(secret.expose_secret()) => {
                Some(self.0.redacted(text))
            }
            _ => None,
        };
        let line = redacted.as_deref().map_or(bytes, str::as_bytes);
        self.0
            .bars
            .suspend(|| io::stderr().lock().write_all(line))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_line_never_shows_the_secret() {
        let telemetry = Telemetry::default();
        telemetry.redact(SecretString::from("api_canary".to_owned()));
        assert_eq!(telemetry.redacted("x api_canary y"), "x [redacted] y");
    }

    #[test]
    fn other_crates_never_speak_below_a_warning() {
        let all = targets(LevelFilter::TRACE);
        assert!(all.would_enable("convault::api", &Level::TRACE));
        for target in ["reqwest", "hyper::proto", "sqlx::query", "rustls"] {
            assert!(!all.would_enable(target, &Level::INFO), "{target}");
            assert!(all.would_enable(target, &Level::WARN), "{target}");
        }
    }

    #[test]
    fn quiet_and_verbose_move_our_own_level() {
        let args = |quiet, verbose| LoggingArgs {
            log_format: LogFormat::Text,
            verbose,
            quiet,
            no_progress: false,
        };
        assert_eq!(level(&args(true, 0)), LevelFilter::WARN);
        assert_eq!(level(&args(false, 0)), LevelFilter::INFO);
        assert_eq!(level(&args(false, 1)), LevelFilter::DEBUG);
        assert_eq!(level(&args(false, 9)), LevelFilter::TRACE);
    }
}
