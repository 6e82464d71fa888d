//! What is told on standard error, and in which form.

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Messages (standard error)")]
pub struct LoggingArgs {
    /// The form of log lines: text, or json with one object a line.
    #[arg(long, global = true, value_name = "FORMAT", env = "CONVAULT_LOG_FORMAT",
          value_enum, hide_possible_values = true, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Say more; twice, everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Say only what is wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// No progress bar and no progress lines; long waits are still logged.
    #[arg(long, global = true, env = "CONVAULT_NO_PROGRESS",
          value_parser = clap::builder::FalseyValueParser::new())]
    pub no_progress: bool,
}
