//! `verify --online`: what differs is found, what is merely newer is not, and a list that shifts
//! while it is compared gives no false finding.

use std::collections::HashSet;

use convault::simulator::{Answer, Mutation, Mutations};
use serde_json::{Value, json};

use super::{offline::digest, place::Lived};
use crate::program::{Ended, Engine};

const ARGUMENTS: [&str; 4] = ["--online", "--json", "--page-size", "20"];

impl Lived {
    /// Six conversations, archived whole and quiet since.
    async fn quiet(engine: Engine) -> Self {
        let lived = Self::begin(engine).await;
        for step in 0..3 {
            lived.step(step).await;
        }
        lived
    }

    async fn compare(&self, arguments: &[&str]) -> (Value, Ended) {
        let ended = self.verify(&[&ARGUMENTS, arguments].concat()).await;
        let json = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", ended.stdout, ended.stderr));
        (json, ended)
    }

    fn change(&self, place: usize, mutation: &Mutation) {
        let id = self.id(place);
        self.stage.simulator.mutate(&id, mutation).unwrap();
    }
}

pub(super) async fn a_quiet_gateway_agrees_and_the_archive_is_left_alone(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    let before = digest(&lived.stage).await;
    let asked = lived.stage.simulator.stats().requests;
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(ended.code, 0, "{json} {}", ended.stderr);
    assert!(before == digest(&lived.stage).await, "it has written");
    assert_eq!(json["compared"]["chosen"], 6);
    assert_eq!(json["compared"]["conversations"], 6);
    let live = "select count(*) from messages where missing_since is null";
    assert_eq!(json["compared"]["messages"], lived.stage.number(live).await);
    for nothing in [
        "newer",
        "edited_since",
        "older_states",
        "back",
        "unconfirmed",
    ] {
        assert_eq!(json["compared"][nothing], 0, "{nothing}");
    }
    let asked = lived.stage.simulator.stats().requests - asked;
    assert_eq!(json["compared"]["requests"], asked);
    assert!(
        ended.stderr.contains(&format!("in {asked} requests")),
        "{}",
        ended.stderr
    );
    assert!(
        asked <= 6 * 5,
        "{asked} requests for 6 conversations of 4 pages"
    );
}

/// Each is damaged in the archive, or on the gateway without a trace.
pub(super) async fn what_differs_is_found_and_nothing_else(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    let copy = lived.copy().await;
    copy.keep().await;
    let deep = "(select min(key) + 30 from messages where conversation_key = 4)";
    let removed = [
        "message_versions",
        "quick_replies",
        "quick_reply_options",
        "attachments",
        "anomalies",
    ]
    .map(|table| format!("delete from {table} where message_key = {deep};"));
    let removed = removed.concat()
        + &format!("delete from messages where key = {deep};")
        + "update conversations set live_count = live_count - 1 where key = 4";
    let edited = format!(
        "update message_versions set raw = '{{\"canary\": 1}}' where message_key = {deep};
         update messages set digest = blob'00112233445566778899aabbccddeeff' where key = {deep}"
    );
    let miscounted = "update conversations set live_count = live_count + 2 where key = 4";
    for (sql, check) in [
        (removed.as_str(), "online_missing"),
        (&edited, "online_content"),
        (miscounted, "online_count"),
    ] {
        copy.restore().await;
        copy.execute(sql).await;
        let ended = copy.run(&[&["verify"][..], &ARGUMENTS].concat()).await;
        assert_eq!(ended.code, 7, "{sql}: {} {}", ended.stdout, ended.stderr);
        let found: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(
            found["findings_by_check"],
            json!({check: 1}),
            "{sql}: {found:#}"
        );
        let finding = &found["findings"][0];
        assert_eq!(finding["conversation_id"], lived.id(3), "{finding}");
        assert!(
            finding["remedy"].as_str().unwrap().contains("--full"),
            "{finding}"
        );
        assert!(!ended.stdout.contains("canary"), "{}", ended.stdout);
    }
    copy.drop().await;
}

pub(super) async fn what_is_newer_is_told_and_is_no_finding(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    lived.change(3, &Mutation::Arrive { n: 7 });
    let positions = vec![0, 30];
    lived.change(4, &Mutation::Edit { positions });
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(ended.code, 0, "{json:#}");
    assert_eq!(json["compared"]["newer"], 7);
    assert_eq!(json["compared"]["edited_since"], 2);
    assert!(
        ended.stderr.contains("7 messages listed and newer"),
        "{}",
        ended.stderr
    );

    // What has gone since cannot be told from what should not be there: two pages are asked.
    let gone = lived.stage.simulator.contents(&lived.id(5)).unwrap();
    let positions = vec![2, 31, gone.len() - 1];
    lived.change(
        5,
        &Mutation::Delete {
            positions: positions.clone(),
        },
    );
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(ended.code, 7, "{json:#}");
    assert_eq!(json["findings_by_check"], json!({"online_unlisted": 3}));
    let mut found: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["message_id"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    let mut deleted: Vec<&str> = positions
        .iter()
        .map(|place| gone[*place].id.as_str())
        .collect();
    deleted.sort_unstable();
    assert_eq!(found, deleted);
}

/// As on a server that was restored from a backup; reported until two runs have seen it.
pub(super) async fn a_state_that_went_back_is_found_as_long_as_it_differs(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    let positions = vec![1, 30];
    let edit = Mutation::Edit {
        positions: positions.clone(),
    };
    lived.change(2, &edit);
    lived.sync_later().await;
    lived.change(2, &Mutation::Revert { positions });
    // Within the lag it may be a replica.
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(
        (ended.code, &json["compared"]["older_states"]),
        (0, &json!(2))
    );
    for _ in 0..2 {
        lived.sync_later().await;
        lived.clock.advance(std::time::Duration::from_hours(1));
        let (json, ended) = lived.compare(&[]).await;
        let findings = &json["findings_by_check"];
        if ended.code == 0 {
            assert_eq!(json["compared"]["older_states"], 0);
            return;
        }
        assert_eq!(
            (ended.code, findings),
            (7, &json!({"online_content": 2})),
            "{json:#}"
        );
    }
    panic!("two runs have seen it");
}

pub(super) async fn a_list_that_shifts_gives_no_false_finding(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    // Nothing goes, so nothing may be found.
    let coming = "arrive=0.6,late=0.3,tie=0.2,edit=0.4,lag=5m";
    lived
        .stage
        .simulator
        .set_mutations(Mutations::parse(coming).unwrap());
    for run in 0..6 {
        let (json, ended) = lived.compare(&[]).await;
        assert_eq!(ended.code, 0, "run {run}: {json:#}");
        assert_eq!(json["compared"]["conversations"], 6, "run {run}");
    }
    // Messages go at every other request: what is found is gone.
    let going = "arrive=0.4,late=0.2,edit=0.2,delete=0.5,burst=0.05,lag=5m";
    lived
        .stage
        .simulator
        .set_mutations(Mutations::parse(going).unwrap());
    let mut found = 0;
    for run in 0..6 {
        let (json, ended) = lived.compare(&[]).await;
        let mut listed = HashSet::new();
        for id in lived.stage.simulator.conversation_ids() {
            let contents = lived.stage.simulator.contents(&id).unwrap();
            listed.extend(contents.into_iter().map(|message| message.id));
        }
        for finding in json["findings"].as_array().unwrap() {
            assert_eq!(
                finding["check"], "online_unlisted",
                "run {run}: {finding:#}"
            );
            let id = finding["message_id"].as_str().unwrap();
            assert!(!listed.contains(id), "run {run}: {id} is listed");
            found += 1;
        }
        assert!([0, 3, 7].contains(&ended.code), "{}", ended.stderr);
    }
    assert!(found > 0, "messages have gone");
}

pub(super) async fn a_sample_is_chosen_by_its_seed(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    // A conversation that answers 404 is named where it is chosen: that shows the choice.
    for id in lived.stage.simulator.conversation_ids() {
        lived
            .stage
            .simulator
            .set_answer(&id, Some(Answer::NotFound));
    }
    let chosen = async |seed: &str| {
        let (json, ended) = lived.compare(&["--sample", "2", "--seed", seed]).await;
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(&format!("--seed {seed}")),
            "{}",
            ended.stderr
        );
        assert_eq!(json["compared"]["chosen"], 2);
        let named = json["not_compared"].as_array().unwrap().iter();
        named
            .map(|one| one["conversation_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = chosen("1").await;
    assert_eq!(first.len(), 2);
    assert_eq!(chosen("1").await, first);
    let mut others = HashSet::new();
    for seed in ["2", "3", "4", "5", "6", "7"] {
        others.insert(chosen(seed).await);
    }
    assert!(others.len() > 1, "the seed decides");
    let (json, _) = lived.compare(&["--sample", "1"]).await;
    assert!(json["seed"].is_u64(), "a seed is told where none was given");
    let (json, _) = lived.compare(&[&lived.id(2)]).await;
    assert_eq!(json["compared"]["chosen"], 1);
    assert_eq!(json["not_compared"][0]["conversation_id"], lived.id(2));
}

pub(super) async fn trouble_with_the_gateway_ends_as_that_of_sync(engine: Engine) {
    let lived = Lived::quiet(engine).await;
    let command = |extra: &[&str]| {
        lived
            .stage
            .command(&[&["verify", "--online"], extra].concat())
    };
    let code = async |mut command: tokio::process::Command| {
        let ended = crate::program::end(&mut command).await;
        (ended.code, ended.stderr)
    };
    let (ended, said) = code(command(&["--max-requests", "3"])).await;
    assert_eq!(ended, 5, "{said}");
    let mut refused = command(&[]);
    refused.env(
        "IMBRACE_ACCESS_TOKEN",
        "api_11111111-1111-4111-8111-111111111111",
    );
    let (ended, said) = code(refused).await;
    assert_eq!(ended, 4, "{said}");
    let mut other = command(&["--max-retries", "0"]);
    other.env("IMBRACE_GATEWAY_URL", "http://127.0.0.1:1");
    let (ended, said) = code(other).await;
    assert_eq!(ended, 2, "{said}");
    assert!(said.contains("belongs to the gateway"), "{said}");
    let mut nameless = command(&[]);
    nameless.env_remove("IMBRACE_GATEWAY_URL");
    assert_eq!(code(nameless).await.0, 2);
    // What the archive calls gone is gone.
    let id = lived.id(2);
    lived
        .stage
        .simulator
        .set_answer(&id, Some(Answer::NotFound));
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(
        (ended.code, &json["compared"]["not_compared"]),
        (3, &1.into()),
        "{json}"
    );
    lived.stage.sync(&[]).await;
    let (json, ended) = lived.compare(&[]).await;
    assert_eq!(
        (ended.code, &json["compared"]["conversations"]),
        (0, &6.into()),
        "{json}"
    );
}
