//! Names for senders: in by CSV, out by CSV, seen in the views; the same on both engines.

use std::fs;

use serde_json::Value;

use crate::program::{Ended, Engine, Stage, claims_on_both_engines, small};

claims_on_both_engines! {
    names_go_in_once_and_are_seen_in_the_views
    a_bad_list_changes_nothing
    what_is_exported_can_be_filled_in_and_imported
}

async fn archived(engine: Engine) -> Stage {
    let stage = Stage::new(engine, small(4, 40)).await;
    let (synced, _) = stage.sync(&[]).await;
    assert_eq!(synced.code, 0, "{}", synced.stderr);
    stage
}

async fn convault(stage: &Stage, arguments: &[&str]) -> Ended {
    stage.run(arguments).await
}

async fn import(stage: &Stage, csv: &str, more: &[&str]) -> Ended {
    fs::write(stage.path("names.csv"), csv).unwrap();
    convault(stage, &[&["senders", "import", "names.csv"], more].concat()).await
}

async fn exported(stage: &Stage, more: &[&str]) -> Vec<Value> {
    let arguments = [&["senders", "export", "--json"], more].concat();
    let ended = convault(stage, &arguments).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

async fn names_go_in_once_and_are_seen_in_the_views(engine: Engine) {
    let stage = archived(engine).await;
    let users = exported(&stage, &["--kind", "user"]).await;
    assert!(users.len() >= 2, "{users:?}");
    let (first, second) = (
        users[0]["id"].as_str().unwrap(),
        users[1]["id"].as_str().unwrap(),
    );
    assert!(users[0]["messages"].as_u64() >= users[1]["messages"].as_u64());
    let csv = format!(
        "id,name,is_bot,team\n{first},Ivy 陳,false,Support\n{second},Menu bot,true,\nu_new,Later,,\n"
    );
    let done = import(&stage, &csv, &["--json"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&done["new"], &done["unseen"]), (&3.into(), &1.into()));

    let again: Value =
        serde_json::from_str(&import(&stage, &csv, &["--json"]).await.stdout).unwrap();
    assert_eq!(
        (&again["new"], &again["changed"], &again["unchanged"]),
        (&0.into(), &0.into(), &3.into())
    );
    // What a list does not speak of stays.
    let renamed = import(&stage, &format!("id,name\n{first},Ivy Chan\n"), &[]).await;
    assert!(
        renamed
            .stderr
            .contains("0 names new, 1 changed, 0 as before."),
        "{}",
        renamed.stderr
    );

    let seen = stage
        .texts(&format!(
            "select distinct sender_name || ' ' || sender_team || ' '
                 || case when sender_is_bot then 'bot' else 'person' end
             from v_messages where sender_id = '{first}'"
        ))
        .await;
    assert_eq!(seen, ["Ivy Chan Support person"]);
    let of_view = format!("select name from v_senders where id = '{second}'");
    assert_eq!(stage.texts(&of_view).await, ["Menu bot"]);
    let left = exported(&stage, &["--kind", "user"]).await;
    assert_eq!(left.len(), users.len() - 2);
    stage.end().await;
}

async fn a_bad_list_changes_nothing(engine: Engine) {
    let stage = archived(engine).await;
    let refused = import(
        &stage,
        "id,name,is_bot\nu_1,Ivy,false\nu_2,Bo,perhaps\n",
        &[],
    )
    .await;
    assert_eq!((refused.code, &*refused.stdout), (2, ""));
    assert!(
        refused
            .stderr
            .contains("line 3: is_bot says \"perhaps\"; say true or false"),
        "{}",
        refused.stderr
    );
    let kept = "select cast(count(*) as text) from sender_names";
    assert_eq!(stage.texts(kept).await, ["0"]);

    let missing = convault(&stage, &["senders", "import", "nowhere.csv"]).await;
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("reading nowhere.csv"),
        "{}",
        missing.stderr
    );
    stage.end().await;
}

async fn what_is_exported_can_be_filled_in_and_imported(engine: Engine) {
    let stage = archived(engine).await;
    let list = convault(&stage, &["senders", "export"]).await;
    assert_eq!(list.code, 0);
    let lines = list.stdout.lines().count() - 1;
    assert!(
        list.stderr
            .contains(&format!("{lines} senders without a name.")),
        "{}",
        list.stderr
    );

    // As it is, it says nothing new.
    let nothing: Value =
        serde_json::from_str(&import(&stage, &list.stdout, &["--json"]).await.stdout).unwrap();
    assert_eq!(nothing["new"], 0);
    assert_eq!(nothing["without_name"], lines);
    assert_eq!(nothing["ignored_columns"], serde_json::json!([]));

    let filled: Vec<String> = list
        .stdout
        .lines()
        .enumerate()
        .map(|(number, line)| match number {
            0 => line.to_owned(),
            _ => line.replacen(",,", &format!(",Somebody {number},"), 1),
        })
        .collect();
    let done = import(&stage, &filled.join("\r\n"), &[]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(exported(&stage, &[]).await, Vec::<Value>::new());
    assert_eq!(exported(&stage, &["--all"]).await.len(), lines);
    stage.end().await;
}
