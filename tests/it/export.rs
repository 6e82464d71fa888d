//! `convault export` as a process: what comes out is what is archived, in every format, of now and
//! of then, the same from both engines, and whole or not there.

mod formats;
mod pages;
mod past;
mod readers;
mod whole;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use convault::{
    clock::Clock,
    model::Timestamp,
    simulator::{CorpusOptions, Faults, Mutation, SimulatorOptions},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::program::{Ended, Engine, Stage};

/// When the corpus ends, and when the gateway thinks that it is.
const END: Timestamp = Timestamp::from_millis(1_780_300_000_000);
const NOW: Timestamp = Timestamp::from_millis(1_780_300_100_000);

/// A gateway that says the same whenever it is started.
fn corpus(lengths: &[u32]) -> SimulatorOptions {
    SimulatorOptions {
        corpus: CorpusOptions {
            seed: 11,
            lengths: lengths.to_vec(),
            end: END,
            ..CorpusOptions::default()
        },
        faults: Faults::default(),
        clock: Clock::manual(NOW),
        tick: Duration::from_secs(10),
        ..SimulatorOptions::default()
    }
}

/// An archive of one run, in Hong Kong's zone.
async fn archived(engine: Engine, lengths: &[u32]) -> Stage {
    let stage = Stage::new(engine, corpus(lengths)).await;
    sync(&stage).await;
    stage
}

async fn sync(stage: &Stage) {
    let arguments = ["--visibility-lag", "0s", "--audit-share", "0"];
    let mut command = stage.sync_command(&arguments);
    command.env("CONVAULT_TIME_ZONE", "Asia/Hong_Kong");
    let (ended, _) = stage.checked(&mut command).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// Changes what the gateway lists of a conversation, by its place in the list.
fn change(stage: &Stage, conversation: usize, mutation: &Mutation) {
    let ids = stage.simulator.conversation_ids();
    let changed = stage
        .simulator
        .mutate(&ids[conversation], mutation)
        .unwrap();
    assert!(changed > 0, "{mutation:?} changed nothing");
}

/// Exports to a path of the stage; it must succeed.
async fn export(stage: &Stage, output: &str, arguments: &[&str]) -> PathBuf {
    let ended = try_export(stage, output, arguments).await;
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "");
    stage.path(output)
}

async fn try_export(stage: &Stage, output: &str, arguments: &[&str]) -> Ended {
    let fixed = ["export", "--output", output];
    stage.run(&[&fixed, arguments].concat()).await
}

/// The rows of a flat export to standard output.
async fn rows(stage: &Stage, arguments: &[&str]) -> Vec<Value> {
    let ended = stage.run(&[&["export"], arguments].concat()).await;
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    lines(&ended.stdout)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The SHA-256 as a manifest spells it.
fn sha256_of(bytes: &[u8]) -> String {
    let mut spelled = String::new();
    for byte in Sha256::digest(bytes) {
        write!(spelled, "{byte:02x}").unwrap();
    }
    spelled
}

fn is_page(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "html")
}

/// The page without what is of the moment of the export.
fn timeless(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let pieces = text.split("<p class=\"facts\">").enumerate();
    let kept = pieces.map(|(place, piece)| match place {
        0 => piece,
        _ => piece.split_once("</p>").unwrap().1,
    });
    kept.collect()
}

/// Every file below a folder with its bytes, by its path inside.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let inside = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(inside, fs::read(&path).unwrap());
            }
        }
    }
    found
}

crate::program::claims_on_both_engines! {
    a_flat_row_is_the_row_of_the_view_and_what_hangs_on_it
    the_vendors_shape_is_what_was_received
    a_filter_means_the_same_as_in_sql
    each_partition_holds_the_messages_of_its_month
    a_manifest_tells_each_file_with_its_hash
    as_of_a_time_is_what_an_export_at_that_time_gave
    a_change_feed_has_exactly_what_became_of_messages
    a_long_conversation_comes_in_order_whatever_shares_a_time
    what_is_asked_for_and_cannot_be_is_refused
    pages_hold_no_script_and_load_nothing
    edits_deletions_and_choices_are_on_the_pages
    a_long_conversation_is_many_pages
}

async fn a_flat_row_is_the_row_of_the_view_and_what_hangs_on_it(engine: Engine) {
    formats::a_flat_row_is_the_row_of_the_view_and_what_hangs_on_it(engine).await;
}

async fn the_vendors_shape_is_what_was_received(engine: Engine) {
    formats::the_vendors_shape_is_what_was_received(engine).await;
}

async fn a_filter_means_the_same_as_in_sql(engine: Engine) {
    formats::a_filter_means_the_same_as_in_sql(engine).await;
}

async fn each_partition_holds_the_messages_of_its_month(engine: Engine) {
    formats::each_partition_holds_the_messages_of_its_month(engine).await;
}

async fn a_manifest_tells_each_file_with_its_hash(engine: Engine) {
    formats::a_manifest_tells_each_file_with_its_hash(engine).await;
}

async fn as_of_a_time_is_what_an_export_at_that_time_gave(engine: Engine) {
    past::as_of_a_time_is_what_an_export_at_that_time_gave(engine).await;
}

async fn a_change_feed_has_exactly_what_became_of_messages(engine: Engine) {
    past::a_change_feed_has_exactly_what_became_of_messages(engine).await;
}

async fn a_long_conversation_comes_in_order_whatever_shares_a_time(engine: Engine) {
    formats::a_long_conversation_comes_in_order_whatever_shares_a_time(engine).await;
}

async fn what_is_asked_for_and_cannot_be_is_refused(engine: Engine) {
    whole::what_is_asked_for_and_cannot_be_is_refused(engine).await;
}

async fn pages_hold_no_script_and_load_nothing(engine: Engine) {
    pages::pages_hold_no_script_and_load_nothing(engine).await;
}

async fn edits_deletions_and_choices_are_on_the_pages(engine: Engine) {
    pages::edits_deletions_and_choices_are_on_the_pages(engine).await;
}

async fn a_long_conversation_is_many_pages(engine: Engine) {
    pages::a_long_conversation_is_many_pages(engine).await;
}
