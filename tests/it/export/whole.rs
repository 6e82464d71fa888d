//! Whole or not there: kills at every call that writes, refusals, readers that go away.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command as Plain, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{archived, export, is_page, sha256_of, timeless, tree, try_export};
use crate::{
    program::{Engine, Stage, read_json},
    strace::{self, Call, Traced, WRITING},
};

/// What is under a name: a file, the files of a directory, or nothing.
fn found(path: &Path) -> BTreeMap<String, Vec<u8>> {
    if path.is_dir() {
        let mut files = tree(path);
        files
            .remove("_manifest.json")
            .expect("a directory has its manifest");
        for (_, page) in files.iter_mut().filter(|(path, _)| is_page(path)) {
            *page = timeless(page).into_bytes();
        }
        files
    } else {
        fs::read(path).map_or_else(|_| BTreeMap::new(), |bytes| [(String::new(), bytes)].into())
    }
}

/// A manifest beside a file that is there is that of the file.
fn assert_manifest_agrees(path: &Path) {
    let manifest = path.with_file_name("out.manifest.json");
    if path.is_dir() || !manifest.exists() {
        return;
    }
    let hash = sha256_of(&fs::read(path).unwrap());
    assert_eq!(read_json(&manifest)["files"][0]["sha256"], hash);
}

fn left_beside(stage: &Stage) -> Vec<String> {
    let names = fs::read_dir(stage.folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.ends_with(".convault-part"))
        .collect()
}

/// The calls of an export that change something of its output.
async fn calls(stage: &Stage, command: &tokio::process::Command) -> Vec<Call> {
    let traced = Traced::spawn(command, &stage.path("calls.log"), &WRITING, &[], &[]);
    let (ended, made) = traced.ended().await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let folder = stage.folder.path().display().to_string();
    strace::named(&made, |made| {
        made.text.contains("out")
            && made.text.contains(&folder)
            && !made.text.contains("archive.db")
            && (made.name != "openat" || made.text.contains("O_CREAT"))
    })
}

async fn kill_at_each_call(arguments: &[&str]) {
    strace::assert_permitted().await;
    let stage = archived(Engine::Sqlite, &[200, 60, 3]).await;
    let path = stage.path("out");
    let output = path.to_str().unwrap();
    let earlier = [arguments, &["--type", "text"]].concat();
    let earlier: Vec<&str> = earlier
        .into_iter()
        .filter(|one| *one != "--replace")
        .collect();
    export(&stage, output, &earlier).await;
    let old = found(&path);
    let mut whole = vec!["export", "--output", output];
    whole.extend(arguments);
    let calls = calls(&stage, &stage.command(&whole)).await;
    let new = found(&path);
    assert!(old != new && !old.is_empty());
    assert!(calls.len() > 4, "{calls:?}");
    let mut killed = 0;
    for call in &calls {
        let _ = fs::remove_dir_all(&path);
        let _ = fs::remove_file(&path);
        export(&stage, output, &earlier).await;
        let inject = format!("inject={}:signal=SIGKILL:when={}", call.name, call.nth);
        let log = stage.path("kill.log");
        let command = stage.command(&whole);
        let traced = Traced::spawn(&command, &log, &[&call.name], &[], &[inject]);
        killed += usize::from(traced.killed().await);
        let there = found(&path);
        assert!(
            there == old || there == new,
            "half an export after {call:?}"
        );
        assert_manifest_agrees(&path);
        // The next one is whole, and takes away what was left.
        let again = stage.run(&whole).await;
        assert_eq!(again.code, 0, "{call:?}: {}", again.stderr);
        assert!(found(&path) == new, "{call:?}");
        assert_manifest_agrees(&path);
        assert_eq!(left_beside(&stage), Vec::<String>::new(), "{call:?}");
    }
    println!(
        "{arguments:?}: {} calls that write, {killed} kills",
        calls.len()
    );
    assert!(
        killed * 4 >= calls.len() * 3,
        "{killed} kills for {calls:?}"
    );
}

#[tokio::test]
async fn a_kill_at_any_write_of_a_file_leaves_no_half_of_it() {
    kill_at_each_call(&["--format", "jsonl"]).await;
    kill_at_each_call(&["--format", "parquet"]).await;
}

#[tokio::test]
async fn a_kill_at_any_write_of_a_directory_leaves_no_half_of_it() {
    kill_at_each_call(&["--format", "csv", "--partition", "month", "--replace"]).await;
    kill_at_each_call(&["--format", "html", "--replace"]).await;
}

/// Each is a usage error that says so, and nothing else.
async fn assert_refused(stage: &Stage, cases: &[(&str, &[&str], &str)]) {
    for (output, arguments, told) in cases {
        let ended = try_export(stage, output, arguments).await;
        assert_eq!(
            (ended.code, &*ended.stdout),
            (2, ""),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains(told),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

pub(super) async fn what_is_asked_for_and_cannot_be_is_refused(engine: Engine) {
    let stage = archived(engine, &[5]).await;
    fs::create_dir(stage.path("mine")).unwrap();
    fs::write(stage.path("mine/diary.txt"), "dear").unwrap();
    export(&stage, "pages", &["--format", "html"]).await;
    let cases: [(&str, &[&str], &str); 11] = [
        (
            "x",
            &["--since-run", "2"],
            "there is no run 2; the last one is 1",
        ),
        (
            "x",
            &["--since-run", "1", "--as-of", "2026-01-01"],
            "cannot be used with",
        ),
        ("x", &["--as-of", "soon"], "--as-of \"soon\" is no time"),
        (
            "x",
            &["--conversation", "conv_no"],
            "the archive knows no conversation conv_no",
        ),
        (
            "x",
            &["--time-zone", "Mars/Olympus"],
            "there is no time zone",
        ),
        ("no/where/x", &[], "there is no folder for no/where/x"),
        ("mine", &[], "is a directory"),
        (
            "mine",
            &["--format", "html"],
            "is there already and is not empty",
        ),
        (
            "mine",
            &["--format", "html", "--replace"],
            "was not made by an export",
        ),
        (
            "-",
            &["--format", "html"],
            "a directory does not fit standard output",
        ),
        (
            "x",
            &["--format", "csv", "--shape", "flat"],
            "--shape is of --format jsonl alone",
        ),
    ];
    assert_refused(&stage, &cases).await;
    assert!(!stage.path("x").exists());
    assert_eq!(
        fs::read_to_string(stage.path("mine/diary.txt")).unwrap(),
        "dear"
    );
    assert_eq!(left_beside(&stage), Vec::<String>::new());

    stage.end().await;
}

#[tokio::test]
async fn an_earlier_export_is_replaced_where_that_is_asked_for() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    export(&stage, "pages", &["--format", "html"]).await;
    export(&stage, "pages", &["--format", "html", "--replace"]).await;
    // A link is followed, not replaced.
    std::os::unix::fs::symlink("real.csv", stage.path("link.csv")).unwrap();
    fs::write(stage.path("real.csv"), "").unwrap();
    export(&stage, "link.csv", &["--format", "csv"]).await;
    assert!(
        fs::symlink_metadata(stage.path("link.csv"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        fs::read_to_string(stage.path("real.csv"))
            .unwrap()
            .lines()
            .count(),
        6
    );
    stage.end().await;
}

#[tokio::test]
async fn an_output_that_takes_nothing_is_told() {
    let stage = archived(Engine::Sqlite, &[200]).await;
    for format in ["jsonl", "csv", "parquet"] {
        let full = try_export(&stage, "/dev/full", &["--format", format]).await;
        assert_eq!(full.code, 1, "{format}: {}", full.stderr);
        let told = "error: writing /dev/full: No space left on device";
        assert!(full.stderr.contains(told), "{format}: {}", full.stderr);
        let nothing = try_export(&stage, "/dev/null", &["--format", format]).await;
        assert_eq!(nothing.code, 0, "{format}: {}", nothing.stderr);
    }
    assert!(!Path::new("/dev/null.manifest.json").exists());
}

#[tokio::test]
async fn two_exports_to_one_place_are_kept_apart() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    let part = fs::File::create(stage.path(".out.convault-part")).unwrap();
    part.lock().unwrap();
    let second = try_export(&stage, "out", &[]).await;
    assert_eq!(second.code, 2);
    assert!(
        second.stderr.contains("another export is writing"),
        "{}",
        second.stderr
    );
    drop(part);
    export(&stage, "out", &[]).await;
}

/// The program with its output in a pipe, which is full before the first batch is written.
fn piped(stage: &Stage, format: &str) -> std::process::Child {
    Plain::new(env!("CARGO_BIN_EXE_convault"))
        .args(["export", "--format", format])
        .env_clear()
        .env("DATABASE_URL", &stage.database_url)
        .current_dir(stage.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let stage = archived(Engine::Sqlite, &[2_000]).await;
    for format in ["jsonl", "csv"] {
        let mut child = piped(&stage, format);
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'));
        drop(out);
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), &*stderr), (Some(0), ""), "{format}");
    }
}

#[tokio::test]
async fn a_signal_ends_it_between_two_batches() {
    let stage = archived(Engine::Sqlite, &[2_000]).await;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut child = piped(&stage, "jsonl");
        let mut out = child.stdout.take().unwrap();
        let mut bytes = [0; 1];
        out.read_exact(&mut bytes).unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{stderr}");
        assert!(
            stderr.contains("Stopped before the export was whole"),
            "{stderr}"
        );
    }
}

#[tokio::test]
async fn the_archive_itself_is_never_written_over() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    let archive = stage.archive_path();
    let before = fs::read(archive).unwrap();
    std::os::unix::fs::symlink(archive, stage.path("elsewhere")).unwrap();
    let name = archive.file_name().unwrap().to_str().unwrap();
    for output in [name, "elsewhere"] {
        let ended = try_export(&stage, output, &[]).await;
        assert_eq!(ended.code, 2, "{output}: {}", ended.stderr);
        assert!(ended.stderr.contains("is a database and would be lost"));
    }
    let ended = stage.run(&["export", "--manifest", name]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert_eq!(fs::read(archive).unwrap(), before);
    assert!(left_beside(&stage).is_empty());
}

#[tokio::test]
async fn what_lies_under_the_temporary_name_is_not_followed() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    fs::create_dir(stage.path("theirs")).unwrap();
    fs::write(stage.path("theirs/letter"), "dear").unwrap();
    for (output, leads_to, format) in [
        ("out", "theirs/letter", "jsonl"),
        ("pages", "theirs", "html"),
    ] {
        let temporary = stage.path(&format!(".{output}.convault-part"));
        std::os::unix::fs::symlink(stage.path(leads_to), &temporary).unwrap();
        let ended = try_export(&stage, output, &["--format", format]).await;
        assert_eq!(ended.code, 1, "{output}: {}", ended.stderr);
        assert!(!stage.path(output).exists());
    }
    assert_eq!(fs::read(stage.path("theirs/letter")).unwrap(), b"dear");
}

#[tokio::test]
async fn an_export_is_private_unless_what_it_replaces_was_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = archived(Engine::Sqlite, &[5]).await;
    let mode = |name: &str| fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777;
    export(&stage, "out", &[]).await;
    export(&stage, "pages", &["--format", "html"]).await;
    assert_eq!(
        ["out", "out.manifest.json", "pages"].map(mode),
        [0o600, 0o600, 0o700]
    );
    let public = |name: &str, mode: u32| {
        fs::set_permissions(stage.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    public("out", 0o640);
    public("pages", 0o755);
    export(&stage, "out", &[]).await;
    export(&stage, "pages", &["--format", "html", "--replace"]).await;
    assert_eq!(["out", "pages"].map(mode), [0o640, 0o755]);
}

#[tokio::test]
async fn a_directory_that_holds_something_else_too_is_not_replaced() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    export(&stage, "pages", &["--format", "html"]).await;
    fs::write(stage.path("pages/notes.txt"), "mine").unwrap();
    let ended = try_export(&stage, "pages", &["--format", "html", "--replace"]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("holds something else too"));
    assert_eq!(fs::read(stage.path("pages/notes.txt")).unwrap(), b"mine");
}

#[tokio::test]
async fn a_place_that_the_manifest_cannot_have_is_told_before_the_work() {
    let stage = archived(Engine::Sqlite, &[5]).await;
    fs::create_dir(stage.path("out.manifest.json")).unwrap();
    let ended = try_export(&stage, "out", &[]).await;
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("is a directory"));
    assert!(!stage.path("out").exists());
}
