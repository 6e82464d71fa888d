//! The first minute of every user: what the demo shows is true, can be pasted, and harms nothing.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

const SMALL: [&str; 4] = ["--conversations", "12", "--messages", "900"];

fn demo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convault"));
    command
        .arg("demo")
        .args(SMALL)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().expect("it was not killed"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Each statement that was shown, and the rows shown below it, cells apart.
fn shown(text: &str) -> Vec<(String, Vec<Vec<String>>)> {
    let mut questions = Vec::new();
    for block in text.split("    select ").skip(1) {
        let (sql, rest) = block.split_once(";\n").expect("a statement ends with ;");
        let rows = rest
            .lines()
            .skip_while(|line| line.is_empty())
            .skip(1)
            .take_while(|line| line.starts_with("    "))
            .map(|line| {
                let cells = line.split("  ").map(str::trim);
                cells
                    .filter(|cell| !cell.is_empty())
                    .map(ToOwned::to_owned)
                    .collect()
            })
            .collect();
        questions.push((format!("select {sql};"), rows));
    }
    questions
}

#[test]
fn the_sql_that_is_shown_gives_the_rows_that_are_shown_in_the_sqlite3_of_the_system() {
    let folder = folder();
    let (code, stdout, stderr) = run(&mut demo(folder.path()));
    assert_eq!(code, 0, "{stderr}");
    let questions = shown(&stdout);
    assert_eq!(questions.len(), 3, "{stdout}");
    for (sql, rows) in questions {
        let output = Command::new("sqlite3")
            .args(["-readonly", "-separator", "\t", "convault-demo.db", &sql])
            .current_dir(folder.path())
            .output()
            .expect("scripts/test installs sqlite3");
        assert!(output.status.success(), "{sql}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let answered: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split('\t').collect())
            .collect();
        assert_eq!(rows.len(), answered.len(), "{sql}");
        assert!(!rows.is_empty(), "{sql} shows nothing");
        for (row, answer) in rows.iter().zip(answered) {
            assert_eq!(row.len(), answer.len(), "{row:?} {answer:?}");
            for (cell, whole) in row.iter().zip(answer) {
                let kept = cell.strip_suffix('…').unwrap_or(cell);
                assert!(whole.starts_with(kept), "{cell} is shown for {whole}");
            }
        }
    }
}

#[test]
fn the_demo_says_that_everything_is_proven_and_what_to_do_next() {
    let folder = folder();
    let (code, stdout, stderr) = run(&mut demo(folder.path()));
    assert_eq!(code, 0);
    assert!(
        stderr.contains("12 of 12 conversations proven complete: 900 messages"),
        "{stderr}"
    );
    assert!(
        !stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'),
        "colours in a pipe"
    );
    for line in stdout.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    // Each step that names this program can be pasted as it is.
    let steps = stderr.replace("\\\n", " ");
    let program = env!("CARGO_BIN_EXE_convault");
    let steps: Vec<&str> = steps
        .lines()
        .filter(|line| line.contains(program))
        .collect();
    assert_eq!(steps.len(), 3, "{stderr}");
    for step in steps {
        let (code, stdout, stderr) = run(Command::new("sh")
            .args(["-c", step])
            .env_clear()
            .current_dir(folder.path()));
        assert_eq!(code, 0, "{step}: {stderr}");
        assert!(!stdout.is_empty(), "{step}");
    }
}

#[test]
fn a_second_demo_recreates_its_archive() {
    let folder = folder();
    for _ in 0..2 {
        let (code, stdout, stderr) = run(&mut demo(folder.path()));
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(shown(&stdout).len(), 3);
    }
    let (_, stdout, _) = run(Command::new(env!("CARGO_BIN_EXE_convault"))
        .args(["status", "--json", "--db", "sqlite:convault-demo.db"])
        .env_clear()
        .current_dir(folder.path()));
    let status: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(status["messages"], 900);
    assert_eq!(status["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_is_no_archive_of_a_demo_is_refused_and_stays_as_it_is() {
    let folder = folder();
    let path = folder.path().join("convault-demo.db");
    fs::write(&path, "not a database").unwrap();
    let (code, _, stderr) = run(&mut demo(folder.path()));
    assert_eq!(code, 2);
    assert!(
        stderr.contains("not an archive of an earlier demo"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a database");
}

/// An archive of a gateway that is reached through a forwarded port looks like a simulated one.
#[test]
fn an_archive_of_real_runs_is_refused_even_if_its_gateway_was_on_this_machine() {
    let folder = folder();
    let mut server = Command::new(env!("CARGO_BIN_EXE_convault"))
        .args(["simulate", "--port", "0"])
        .args(SMALL)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(server.stderr.take().unwrap());
    lines.read_line(&mut said).unwrap();
    let url = said
        .split_whitespace()
        .find(|word| word.starts_with("http://127.0.0.1:"))
        .map(|word| word.trim_end_matches(':').to_owned());
    lines.read_line(&mut said).unwrap();
    let token = said
        .split("token ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let synced = run(Command::new(env!("CARGO_BIN_EXE_convault"))
        .args(["sync", "conv_nope", "--db", "sqlite:convault-demo.db"])
        .env_clear()
        .env(
            "IMBRACE_GATEWAY_URL",
            url.expect("it says where it listens"),
        )
        .env("IMBRACE_ACCESS_TOKEN", token.expect("it says its token"))
        .current_dir(folder.path()));
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(synced.0, 3, "{}", synced.2);
    let path = folder.path().join("convault-demo.db");
    let before = fs::read(&path).unwrap();
    let (code, _, stderr) = run(&mut demo(folder.path()));
    assert_eq!(code, 2);
    assert!(stderr.contains("archive of real runs"), "{stderr}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
