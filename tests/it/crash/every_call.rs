//! `convault sync` on SQLite is killed at each system call that writes, one run a call.
//!
//! A run without a kill is listed by strace first. A call that is the first of its number in any
//! thread is not even begun: strace kills there. Of a later thread, strace can only stop the
//! program behind the call, which finds the file as a kill before its next call does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use crate::{
    program::Engine,
    scenario::{Scenario, Story},
    strace::{self, Call, Made, Traced, WRITING},
};

/// Runs at once. A run mostly waits for strace.
const LANES: usize = 4;

/// Whether a call changes something in the scenario's folder.
fn changes_the_folder(made: &Made, folder: &str) -> bool {
    let is_of_the_folder = made.text.contains(folder);
    match made.name.as_str() {
        "openat" => is_of_the_folder && made.text.contains("O_CREAT"),
        name => is_of_the_folder && WRITING.contains(&name),
    }
}

async fn calls_of_a_run(scenario: &mut Scenario) -> Vec<Call> {
    scenario.begin().await;
    let log = scenario.stage.path("calls.log");
    let traced = Traced::spawn(&scenario.command(), &log, &WRITING, &[], &[]);
    let (ended, made) = traced.ended().await;
    assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
    let folder = scenario.stage.folder.path().display().to_string();
    // No message lies in a file that somebody else cleans up, or that has no room of its own.
    let elsewhere = |made: &&Made| made.name == "pwrite64" && !made.text.contains(&folder);
    assert_eq!(made.iter().filter(elsewhere).count(), 0, "{made:#?}");
    strace::named(&made, |made| changes_the_folder(made, &folder))
}

/// Whether the run came to the call.
async fn kill_at(scenario: &mut Scenario, call: &Call) -> bool {
    scenario.begin().await;
    let log = scenario.stage.path("kill.log");
    let is_first = call.threads == 1;
    let signal = if is_first { "SIGKILL" } else { "SIGSTOP" };
    let inject = format!("inject={}:signal={signal}:when={}", call.name, call.nth);
    let traced = Traced::spawn(&scenario.command(), &log, &[&call.name], &[], &[inject]);
    let killed = if is_first {
        traced.killed().await
    } else {
        traced.kill_at_stop(call.threads).await
    };
    scenario
        .assert_that_it_goes_on(&format!("killed at {call:?}"))
        .await;
    killed
}

async fn kill_at_each_call(story: Story) {
    strace::assert_permitted().await;
    let mut first = Scenario::new(Engine::Sqlite, story).await;
    let calls = calls_of_a_run(&mut first).await;
    let count = calls.len();
    let left = Arc::new(Mutex::new(VecDeque::from(calls)));
    let lane = |mut scenario: Scenario| {
        let left = Arc::clone(&left);
        async move {
            let mut killed = 0;
            loop {
                let Some(call) = left.lock().unwrap().pop_front() else {
                    return killed;
                };
                killed += usize::from(kill_at(&mut scenario, &call).await);
            }
        }
    };
    let mut lanes = vec![lane(first)];
    for _ in 1..LANES {
        lanes.push(lane(Scenario::new(Engine::Sqlite, story).await));
    }
    let killed: usize = futures::future::join_all(lanes).await.into_iter().sum();
    println!("{story:?}: {count} calls that write, {killed} runs were killed at one");
    // What shares a transaction depends on the time, so some calls do not come again.
    assert!(killed * 4 >= count * 3, "{killed} kills for {count} calls");
    assert!(count > 100, "{count} calls are no whole run");
}

#[tokio::test]
async fn a_kill_at_any_write_of_a_new_archive_loses_and_doubles_nothing() {
    kill_at_each_call(Story::NewArchive).await;
}

#[tokio::test]
async fn a_kill_at_any_write_to_a_changed_archive_loses_and_doubles_nothing() {
    kill_at_each_call(Story::Changes).await;
}
