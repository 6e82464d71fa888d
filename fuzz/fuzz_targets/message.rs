//! Any bytes as one raw message into rows; what must hold is in `tests/it/parsers.rs`.
#![no_main]

#[path = "../../tests/it/parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parsers::check(env!("CARGO_BIN_NAME"), bytes));
