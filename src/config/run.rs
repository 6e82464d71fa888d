//! How a run reads: pages, proof, budgets, and where it reports.

use std::{path::PathBuf, time::Duration};

use super::duration::{parse_duration, parse_positive_duration};

/// The options that say how a run reads.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Messages asked for in one page.
    #[arg(long, value_name = "N", env = "CONVAULT_PAGE_SIZE", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub page_size: u32,

    /// Read everything again and build a second proof; the first stands until it is whole.
    #[arg(long, env = "CONVAULT_FULL", value_parser = clap::builder::FalseyValueParser::new())]
    pub full: bool,

    /// Stop after this time; the next run goes on there (code 5).
    #[arg(long, value_name = "TIME", env = "CONVAULT_MAX_DURATION",
          value_parser = parse_positive_duration)]
    pub max_duration: Option<Duration>,

    /// How late a message may become visible after it was created.
    #[arg(long, value_name = "TIME", env = "CONVAULT_VISIBILITY_LAG", default_value = "10m",
          value_parser = parse_duration)]
    pub visibility_lag: Duration,

    /// How young the messages are that the sweep looks at again before all others.
    #[arg(long, value_name = "TIME", env = "CONVAULT_LOOKBACK", default_value = "7d",
          value_parser = parse_duration)]
    pub lookback: Duration,

    /// The share of a run's requests that look again at what was proven, to find edits.
    #[arg(long, value_name = "SHARE", env = "CONVAULT_AUDIT_SHARE", default_value = "10%",
          value_parser = parse_share)]
    pub audit_share: f64,

    /// Believe it where more than 20 messages and 5 % of a conversation are gone at once.
    #[arg(long, env = "CONVAULT_ACCEPT_DELETIONS",
          value_parser = clap::builder::FalseyValueParser::new())]
    pub accept_deletions: bool,

    /// Write one JSON object about the run to this file (- is standard output), also when it fails.
    #[arg(long, value_name = "FILE", env = "CONVAULT_REPORT")]
    pub report: Option<PathBuf>,
}

/// Reads a share from 0 to 1, or a percentage.
///
/// # Errors
/// A sentence that says what to write.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let share = match text.strip_suffix('%') {
        Some(percent) => percent
            .trim_end()
            .parse::<f64>()
            .map(|number| number / 100.0),
        None => text.parse(),
    };
    share
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "say a share from 0 to 1, or a percentage".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        assert_eq!(parse_share("10%"), Ok(0.1));
        assert_eq!(parse_share("0.25"), Ok(0.25));
        assert_eq!(parse_share("0"), Ok(0.0));
        for odd in ["", "%", "11", "-1%", "NaN", "inf", "101%"] {
            assert!(parse_share(odd).is_err(), "{odd}");
        }
    }
}
