//! What fuzzing found, and what was thought of before: each file of `fuzz/corpus/` through the
//! claims that the targets of `fuzz/` make.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use crate::parsers::{PARSERS, check};

const BYTES_MAX: u64 = 200_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn corpus(parser: &str) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(parser);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_file_of_the_corpus_holds_what_is_claimed_of_any_bytes() {
    let mut wrong = Vec::new();
    let (mut count, mut size) = (0, 0);
    for (parser, _) in PARSERS {
        let files = corpus(parser);
        assert!(files.len() >= 10, "{parser} has {} files", files.len());
        for file in files {
            let bytes = fs::read(&file).unwrap();
            count += 1;
            size += bytes.len() as u64;
            if catch_unwind(AssertUnwindSafe(|| check(parser, &bytes))).is_err() {
                wrong.push(file);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(size < BYTES_MAX, "the corpus has {size} bytes");
    println!("{count} files of {} parsers", PARSERS.len());
}

/// Nothing of the corpus, cut off anywhere, may break a parser either.
#[test]
fn every_beginning_of_every_file_holds_it_too() {
    for (parser, _) in PARSERS {
        for file in corpus(parser) {
            let bytes = fs::read(&file).unwrap();
            let ends = (0..bytes.len().min(400)).step_by(7);
            for end in ends {
                let result = catch_unwind(AssertUnwindSafe(|| check(parser, &bytes[..end])));
                assert!(result.is_ok(), "the first {end} bytes of {file:?}");
            }
        }
    }
}

#[test]
fn each_parser_has_a_target_of_its_own_and_each_target_a_parser() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let names = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    let mut targets: Vec<_> = names.map(|name| name.trim_end_matches(".rs\"")).collect();
    let mut parsers: Vec<_> = PARSERS.iter().map(|(name, _)| *name).collect();
    let folders = fs::read_dir(fuzz().join("corpus")).unwrap();
    let mut folders: Vec<_> = folders.map(|folder| folder.unwrap().file_name()).collect();
    targets.sort_unstable();
    parsers.sort_unstable();
    folders.sort();
    assert_eq!(targets, parsers);
    assert_eq!(folders, parsers);
}
