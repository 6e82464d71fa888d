//! How the program behaves in a shell: on a terminal, in a pipe, read by a machine.

use std::{
    fs,
    io::Read as _,
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use tempfile::TempDir;

/// The archive of a small demo, made once for all tests.
fn folder() -> &'static TempDir {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let demo = ["demo", "--conversations", "12", "--messages", "900"];
        let made = convault(folder.path(), &demo).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        folder
    })
}

fn convault(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convault"));
    command
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", "sqlite:convault-demo.db")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn longest() -> String {
    let folder = folder().path();
    let list = convault(
        folder,
        &[
            "simulate",
            "--ids",
            "--conversations",
            "12",
            "--messages",
            "900",
        ],
    );
    let ids = output(list, 0);
    ids.lines().next().unwrap().to_owned()
}

fn output(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a terminal of so many columns was shown, both streams.
fn on_a_terminal(columns: u32, environment: &str, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_convault");
    let line = format!("stty cols {columns}; exec env {environment} {program} {arguments}");
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TERM", "xterm-256color")
        .env("DATABASE_URL", "sqlite:convault-demo.db")
        .current_dir(folder().path())
        .stdin(Stdio::null())
        .output()
        .expect("script is part of bsdutils or util-linux");
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().replace('\r', "")
}

#[test]
fn tables_fit_the_terminal() {
    for columns in [60, 100] {
        let shown = on_a_terminal(columns, "", "status");
        let (_, runs) = shown
            .split_once("\nrun ")
            .expect("there is a table of runs");
        let (table, _) = runs.split_once("\n\n").unwrap();
        let widest = format!("run {table}")
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(widest <= Some(columns as usize), "{columns}: {shown}");
    }
    let id = longest();
    for columns in [60, 100] {
        let shown = on_a_terminal(columns, "", &format!("explain {id}"));
        let widest = shown.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns as usize), "{columns}: {shown}");
    }
    // A pipe has no width, so nothing is cut or broken there.
    let piped = output(convault(folder().path(), &["status"]), 0);
    assert!(
        piped
            .lines()
            .any(|line| line.starts_with("run ") && line.contains("requests"))
    );
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    for arguments in [
        "--help",
        "status",
        "demo --conversations 2 --messages 20 --db sqlite:c.db",
    ] {
        let plain = on_a_terminal(80, "NO_COLOR=1", arguments);
        assert!(
            !plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[3"),
            "{plain:?}"
        );
    }
    let coloured = on_a_terminal(80, "", "--help");
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let piped = output(convault(folder().path(), &["--help"]), 0);
    assert!(!piped.contains('\u{1b}'));
}

#[test]
fn a_hit_is_bold_on_a_terminal_and_in_brackets_elsewhere() {
    let shown = on_a_terminal(80, "", "search refund --limit 1");
    assert!(
        shown.contains("\u{1b}[1m") && !shown.contains("[refund]"),
        "{shown:?}"
    );
    let plain = on_a_terminal(80, "NO_COLOR=1", "search refund --limit 1");
    let piped = output(
        convault(folder().path(), &["search", "refund", "--limit", "1"]),
        0,
    );
    for text in [plain, piped] {
        assert!(text.to_lowercase().contains("[refund]"), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_error_of_any_command() {
    let id = longest();
    let commands: [&[&str]; 15] = [
        &["--help"],
        &["man", "sync"],
        &["completions", "zsh"],
        &["status"],
        &["status", "--json"],
        &["explain", &id],
        &["explain", &id, "--json"],
        &["failures", "list", "--all", "--json"],
        &["search", "refund"],
        &["senders", "export"],
        &["senders", "export", "--json"],
        &["export"],
        &["export", "--format", "csv"],
        &["export", "--format", "parquet"],
        &["simulate", "--ids"],
    ];
    for arguments in commands {
        let mut child = convault(folder().path(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments:?}: {stderr}"
        );
        assert_eq!(stderr, "", "{arguments:?}");
    }
}

#[test]
fn what_a_machine_reads_is_json_and_nothing_else() {
    let id = longest();
    let json = |arguments: &[&str], code: i32| -> Value {
        let text = output(convault(folder().path(), arguments), code);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    };
    let explained = json(&["explain", &id, "--json"], 0);
    assert_eq!(explained["id"], id);
    assert_eq!(explained["state"], "complete");
    assert_eq!(explained["holes"], serde_json::json!([]));
    assert!(explained["messages"].as_u64() > Some(0));

    assert_eq!(json(&["status", "--json"], 0)["messages"], 900);
    assert_eq!(
        json(&["failures", "list", "--json"], 0),
        serde_json::json!([])
    );
    let nothing = [
        "failures",
        "waive",
        "--all-open",
        "--reason",
        "none",
        "--json",
    ];
    assert_eq!(json(&nothing, 0), serde_json::json!({ "waived": 0 }));
    assert_eq!(
        json(&["verify", "--json"], 0)["findings"],
        serde_json::json!([])
    );
    let rebuilt = json(&["renormalize", "--json"], 0);
    assert_eq!(
        (&rebuilt["outcome"], &rebuilt["changed"]),
        (&"complete".into(), &0.into())
    );

    // Nothing is configured, and the doctor says so with the code that sync would end with.
    let sick = json(&["doctor", "--json"], 2);
    assert_eq!(sick["exit_code"], 2);
    let verdicts: Vec<_> = sick["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["verdict"])
        .collect();
    assert!(
        verdicts.contains(&&"fail".into()) && verdicts.contains(&&"ok".into()),
        "{sick}"
    );

    // The report of a run, in place of a file.
    let report = json(&["sync", "conv_1", "--report", "-"], 2);
    assert_eq!(
        (&report["exit_code"], &report["outcome"]),
        (&2.into(), &"configuration".into())
    );
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    output(convault(folder.path(), &["man", "--into", "share/man1"]), 0);
    let pages: Vec<String> = fs::read_dir(folder.path().join("share/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["convault.1", "convault-sync.1", "convault-senders-import.1"] {
        assert!(pages.contains(&page.to_owned()), "{pages:?}");
    }
}
