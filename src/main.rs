//! The `convault` program: runs the command line and ends with its exit code.
//!
//! Everything else is in the library, so that tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `.env` changes the environment, which is safe only while there is one thread: this one.
    let dotenv = convault::config::load_dotenv();
    let code = std::panic::catch_unwind(|| convault::cli::run(dotenv));
    // The panic has been told on standard error by the hook; product.md calls it unexpected.
    ExitCode::from(code.unwrap_or(1))
}
