//! Rows and files: what they hold, and that both engines give the same bytes.

use std::{collections::BTreeMap, fs};

use convault::{simulator::Mutation, store::dictionary::VIEWS, wire::same_json};
use serde_json::Value;

use super::{archived, change, export, is_page, lines, rows, sha256_of, sync, timeless, tree};
use crate::program::{Engine, Stage, read_json};

/// Columns of `v_messages` that both engines spell alike as text; times are in `created_ms`.
const COMPARED: [&str; 23] = [
    "id",
    "conversation_id",
    "organization_id",
    "business_unit_id",
    "sender_id",
    "sender_kind",
    "direction",
    "type",
    "media_kind",
    "title",
    "text",
    "version",
    "first_seen_run",
    "stream_id",
    "stream_sequence",
    "created_ms",
    "local_day",
    "local_hour",
    "local_weekday",
    "sender_name",
    "sender_team",
    "is_mail",
    "sender_is_bot",
];

/// A row of the view as one text.
fn sql_of_a_row() -> String {
    let columns = COMPARED.iter().map(|column| match *column {
        "is_mail" | "sender_is_bot" => {
            format!(
                "coalesce(case when {column} then 'true' when not {column} then 'false' end, '-')"
            )
        }
        column => format!("coalesce(cast({column} as text), '-')"),
    });
    columns.collect::<Vec<_>>().join(" || '|' || ")
}

/// A flat row as the same text.
fn text_of(row: &Value) -> String {
    let cells = COMPARED.iter().map(|column| match &row[*column] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    cells.collect::<Vec<_>>().join("|")
}

pub(super) async fn a_flat_row_is_the_row_of_the_view_and_what_hangs_on_it(engine: Engine) {
    let stage = archived(engine, &[120, 700, 3, 90, 60]).await;
    let sender = "select min(sender_id) from v_messages where sender_kind = 'user'";
    let sender = stage.texts(sender).await.remove(0);
    fs::write(
        stage.path("names.csv"),
        format!("id,name,is_bot,team\n{sender},Ivy 陳,false,Support\n"),
    )
    .unwrap();
    assert_eq!(stage.run(&["senders", "import", "names.csv"]).await.code, 0);

    let out = rows(&stage, &[]).await;
    let mut ours: Vec<String> = out.iter().map(text_of).collect();
    let mut theirs = stage
        .texts(&format!("select {} from v_messages", sql_of_a_row()))
        .await;
    ours.sort();
    theirs.sort();
    assert_eq!(ours.len(), 973);
    assert_eq!(ours, theirs);
    assert!(ours.iter().any(|row| row.contains("|Ivy 陳|Support|")));

    let view = VIEWS.iter().find(|view| view.name == "v_messages").unwrap();
    let columns: Vec<&str> = view.columns.iter().map(|(column, _)| *column).collect();
    let keys: Vec<&String> = out[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys[..columns.len()],
        columns,
        "a flat row begins as the view"
    );

    for (key, view) in [
        ("quick_reply_options", "v_quick_reply_options"),
        ("attachments", "v_attachments"),
        ("shared_contacts", "v_shared_contacts"),
        ("template_variables", "v_template_variables"),
    ] {
        let ours: usize = out
            .iter()
            .map(|row| row[key].as_array().unwrap().len())
            .sum();
        let theirs = stage.number(&format!("select count(*) from {view}")).await;
        assert_eq!(i64::try_from(ours).unwrap(), theirs, "{key}");
    }
    for (key, view) in [
        ("quick_reply", "v_quick_replies"),
        ("location", "v_locations"),
    ] {
        let ours = out.iter().filter(|row| row[key].is_object()).count();
        let theirs = stage.number(&format!("select count(*) from {view}")).await;
        assert_eq!(i64::try_from(ours).unwrap(), theirs, "{key}");
    }
    assert!(out.iter().any(|row| row["quick_reply"].is_object()));
    stage.end().await;
}

pub(super) async fn the_vendors_shape_is_what_was_received(engine: Engine) {
    let stage = archived(engine, &[40, 3]).await;
    // As a gateway may send it: over several lines, a number as nobody else spells it.
    let id = stage
        .texts("select min(id) from v_messages")
        .await
        .remove(0);
    let raw =
        format!("{{ \"_id\" : \"{id}\",\n  \"n\": 1.0e+2, \"n\": 3,\n\t\"s\": \" a \\\\ b \" }}");
    let key = format!("(select key from messages where id = '{id}')");
    stage
        .execute(&format!(
            "update message_versions set raw = '{raw}' where message_key = {key}"
        ))
        .await;
    let out = stage.run(&["export", "--shape", "vendor"]).await;
    assert_eq!(out.code, 0, "{}", out.stderr);
    let raws: Vec<(String, String)> = stage
        .rows("select message_id, raw from v_message_history")
        .await;
    let raws: BTreeMap<String, String> = raws.into_iter().collect();
    assert_eq!(out.stdout.lines().count(), raws.len());
    for line in out.stdout.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let raw = &raws[value["_id"].as_str().unwrap()];
        assert!(same_json(raw, line), "{raw} is not {line}");
    }
    assert!(out.stdout.contains(r#""n":1.0e+2,"n":3,"s":" a \\ b "}"#));
    stage.end().await;
}

pub(super) async fn a_filter_means_the_same_as_in_sql(engine: Engine) {
    let stage = archived(engine, &[60, 700, 30]).await;
    let ids = stage.simulator.conversation_ids();
    change(
        &stage,
        0,
        &Mutation::Delete {
            positions: vec![2, 5],
        },
    );
    sync(&stage).await;
    sync(&stage).await;
    let middle = "select created_at from v_messages order by created_ms limit 1 offset 300";
    let middle = match engine {
        Engine::Sqlite => stage.texts(middle).await.remove(0),
        Engine::Postgres => {
            let spelled =
                "to_char(created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
            let middle = middle.replacen("created_at", spelled, 1);
            stage.texts(&middle).await.remove(0)
        }
    };
    let sender = stage
        .texts("select max(sender_id) from v_messages")
        .await
        .remove(0);
    let cases: [(&[&str], String); 7] = [
        (
            &["--conversation", &ids[1], "--conversation", &ids[2]],
            format!("conversation_id in ('{}', '{}')", ids[1], ids[2]),
        ),
        (
            &["--type", "text", "--type", "image"],
            "type in ('text', 'image')".into(),
        ),
        (&["--sender", &sender], format!("sender_id = '{sender}'")),
        (&["--from", &middle], format!("created_at >= '{middle}'")),
        (&["--to", &middle], format!("created_at < '{middle}'")),
        (&["--deleted", "only"], "deleted_at is not null".into()),
        (
            &["--deleted", "exclude", "--conversation", &ids[0]],
            format!("deleted_at is null and conversation_id = '{}'", ids[0]),
        ),
    ];
    for (arguments, condition) in cases {
        let sql = format!("select id from v_messages where {condition}");
        let mut theirs = stage.texts(&sql).await;
        theirs.sort();
        assert!(!theirs.is_empty(), "{condition}");
        // Of now, and of a time by which everything was recorded.
        for as_of in [&[][..], &["--as-of", "2100-01-01"]] {
            let out = rows(&stage, &[arguments, as_of].concat()).await;
            let mut ours: Vec<&str> = out.iter().map(|row| row["id"].as_str().unwrap()).collect();
            ours.sort_unstable();
            assert_eq!(ours, theirs, "{arguments:?} {as_of:?}");
        }
    }
    stage.end().await;
}

pub(super) async fn each_partition_holds_the_messages_of_its_month(engine: Engine) {
    let stage = archived(engine, &[300, 300, 40]).await;
    let folder = export(&stage, "parts", &["--partition", "month"]).await;
    let mut found: BTreeMap<String, i64> = BTreeMap::new();
    for (path, bytes) in tree(&folder) {
        if path == "_manifest.json" {
            continue;
        }
        let (year, rest) = path
            .strip_prefix("year=")
            .unwrap()
            .split_once("/month=")
            .unwrap();
        let (month, name) = rest.split_once('/').unwrap();
        assert_eq!(name, "part-00001.jsonl");
        let month = format!("{year}-{month}");
        for row in lines(std::str::from_utf8(&bytes).unwrap()) {
            assert!(
                row["local_day"].as_str().unwrap().starts_with(&month),
                "{path}: {row}"
            );
            *found.entry(month.clone()).or_default() += 1;
        }
    }
    let sql = "select substr(cast(local_day as text), 1, 7), cast(count(*) as text) \
               from v_messages group by 1";
    let theirs: Vec<(String, String)> = stage.rows(sql).await;
    let theirs: BTreeMap<String, i64> = theirs
        .into_iter()
        .map(|(month, count)| (month, count.parse().unwrap()))
        .collect();
    assert!(theirs.len() > 1, "{theirs:?}");
    assert_eq!(found, theirs);
    stage.end().await;
}

pub(super) async fn a_manifest_tells_each_file_with_its_hash(engine: Engine) {
    let stage = archived(engine, &[50, 50]).await;
    for (output, arguments) in [
        ("m.csv", &["--format", "csv"][..]),
        ("m.parquet", &["--format", "parquet"]),
        ("parts", &["--format", "csv", "--partition", "month"]),
        ("pages", &["--format", "html"]),
    ] {
        let path = export(&stage, output, arguments).await;
        let (folder, manifest) = if path.is_dir() {
            (path.clone(), path.join("_manifest.json"))
        } else {
            (
                stage.folder.path().to_owned(),
                stage.path(&format!("{output}.manifest.json")),
            )
        };
        let manifest = read_json(&manifest);
        assert_eq!(
            (&manifest["messages"], &manifest["conversations"]),
            (&100.into(), &2.into())
        );
        assert_eq!(manifest["next_since_run"], 1);
        assert_eq!(manifest["time_zone"], "Asia/Hong_Kong");
        let files = manifest["files"].as_array().unwrap();
        let mut bytes_of_all = 0;
        for file in files {
            let bytes = fs::read(folder.join(file["path"].as_str().unwrap())).unwrap();
            bytes_of_all += bytes.len();
            assert_eq!(file["bytes"], bytes.len());
            assert_eq!(file["sha256"], sha256_of(&bytes), "{output}");
        }
        assert_eq!(manifest["bytes"], bytes_of_all);
        if path.is_dir() {
            assert_eq!(
                tree(&path).len(),
                files.len() + 1,
                "files that are not told"
            );
        }
    }
    stage.end().await;
}

pub(super) async fn a_long_conversation_comes_in_order_whatever_shares_a_time(engine: Engine) {
    let stage = archived(engine, &[1_300, 5]).await;
    change(&stage, 0, &Mutation::Tie { n: 90 });
    sync(&stage).await;
    // Hundreds that share a time cross the bound of a page of the reader, and some have none.
    let newest = "(select max(created_at) from messages)";
    let of_long = "conversation_key = 1 and substr(id, 5, 1)";
    stage
        .execute(&format!("update messages set created_at = {newest} where {of_long} in ('0', '1', '2', '3', '4', '5', '6', '7')"))
        .await;
    stage
        .execute(&format!(
            "update messages set created_at = null where {of_long} in ('8', '9')"
        ))
        .await;
    let out = rows(&stage, &[]).await;
    let order: Vec<&str> = out.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let collated = match engine {
        Engine::Sqlite => "id",
        Engine::Postgres => "id collate \"C\"",
    };
    let sql = format!(
        "select id from messages order by conversation_key, created_at is null, created_at, {collated}"
    );
    let theirs = stage.texts(&sql).await;
    assert_eq!(theirs.len(), 1_395);
    assert_eq!(order, theirs);
    stage.end().await;
}

async fn told(engine: Engine) -> Stage {
    let stage = archived(engine, &[80, 700, 3]).await;
    change(
        &stage,
        0,
        &Mutation::Edit {
            positions: vec![0, 1, 7],
        },
    );
    change(&stage, 2, &Mutation::Arrive { n: 4 });
    sync(&stage).await;
    stage
}

#[tokio::test]
async fn the_same_content_gives_the_same_bytes_on_both_engines() {
    let (sqlite, postgres) = (told(Engine::Sqlite).await, told(Engine::Postgres).await);
    for arguments in [
        &["--format", "jsonl"][..],
        &["--shape", "vendor"],
        &["--format", "csv"],
        &["--format", "parquet"],
        &["--format", "csv", "--since-run", "1"],
    ] {
        let one = export(&sqlite, "out", arguments).await;
        let other = export(&postgres, "out", arguments).await;
        let (one, other) = (fs::read(one).unwrap(), fs::read(other).unwrap());
        assert!(one.len() > 1_000);
        assert!(one == other, "{arguments:?} differ");
    }
    let parts = ["--format", "parquet", "--partition", "month"];
    let mut one = tree(&export(&sqlite, "parts", &parts).await);
    let mut other = tree(&export(&postgres, "parts", &parts).await);
    one.remove("_manifest.json");
    other.remove("_manifest.json");
    assert!(one.len() > 1 && one == other, "{:?}", other.keys());

    let pages = ["--format", "html"];
    let one = tree(&export(&sqlite, "pages", &pages).await);
    let other = tree(&export(&postgres, "pages", &pages).await);
    assert!(one.keys().eq(other.keys()));
    for (path, bytes) in one.iter().filter(|(path, _)| is_page(path)) {
        assert_eq!(timeless(bytes), timeless(&other[path]), "{path}");
    }
    sqlite.end().await;
    postgres.end().await;
}
