//! The disk is full from one of eight moments on.

use super::{assert_told, files, places, run, spread};
use crate::{
    effort,
    program::Engine,
    scenario::{Scenario, Story},
    strace,
};

/// Sizes of the disk, in writes that still found room; and one more without room for the lock.
const SIZES_OF_A_STORY: usize = 4;

async fn fill_from(scenario: &mut Scenario, paths: &[String], inject: &str) {
    let (ended, made) = run(scenario, paths, &[inject.to_owned()]).await;
    let refused = made.iter().filter(|made| made.text.contains("(INJECTED)"));
    assert!(refused.count() > 0, "{inject}: there was room");
    assert_told(&scenario.stage, &ended, "room", inject);
    scenario.assert_that_it_goes_on(inject).await;
}

#[tokio::test]
async fn a_full_disk_ends_the_run_and_costs_nothing_that_was_claimed() {
    strace::assert_permitted().await;
    let mut count = 0;
    for story in [Story::NewArchive, Story::Changes] {
        let mut scenario = Scenario::new(Engine::Sqlite, story).await;
        let calls = places(&mut scenario, "pwrite64").await;
        let sizes = effort::count("CONVAULT_TEST_PLACES", SIZES_OF_A_STORY);
        for call in spread(&calls, sizes) {
            let paths = files(&scenario.stage);
            let inject = format!("inject=pwrite64:error=ENOSPC:when={}+", call.nth);
            fill_from(&mut scenario, &paths, &inject).await;
            count += 1;
        }
        let lock = format!("{}.lock", scenario.stage.archive_path().display());
        let inject = "inject=write:error=ENOSPC";
        fill_from(&mut scenario, &[lock], inject).await;
        count += 1;
    }
    println!("full: {count} places");
}
