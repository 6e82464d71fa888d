//! The real binary: streams, exit codes, and that a secret is never shown.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const CANARY: &str = "api_canary-5f0e1d";

/// The program in a folder of its own, without any setting from outside.
fn convault(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convault"));
    command
        .args(arguments)
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    for stream in [&stdout, &stderr] {
        assert!(!stream.contains(CANARY), "the token was shown: {stream}");
    }
    (status.code().expect("it was not killed"), stdout, stderr)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).unwrap();
}

fn token_file(folder: &TempDir, mode: u32) -> String {
    write(folder, "token", &format!("{CANARY}\n"));
    let path = folder.path().join("token");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn help_and_version_go_to_standard_output_with_code_0() {
    let folder = folder();
    for argument in ["--help", "--version"] {
        let (code, stdout, stderr) = run(&mut convault(&folder, &[argument]));
        assert_eq!(code, 0);
        assert!(stdout.contains("convault"), "{stdout}");
        assert_eq!(stderr, "");
    }
}

#[test]
fn usage_errors_are_code_2_and_leave_standard_output_alone() {
    let folder = folder();
    let wrong: [&[&str]; 9] = [
        &[],
        &["frobnicate"],
        &["sync", "--frobnicate"],
        &["sync", "--token", CANARY],
        &["sync", "--concurrency", "0"],
        &["sync", "--timeout", "35"],
        &["sync", "--ids-column", "id"],
        &["failures", "waive", "conv_1"],
        &["failures", "waive", "--reason", "x"],
    ];
    for arguments in wrong {
        let (code, stdout, stderr) = run(&mut convault(&folder, arguments));
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert_eq!(stdout, "");
        assert!(!stderr.is_empty());
    }
}

#[test]
fn every_bad_line_of_every_input_is_named_before_anything_else_happens() {
    let folder = folder();
    write(
        &folder,
        "ids.txt",
        "conv_1\nconv 2\n# fine\nhttps://x.example/?a=b\n",
    );
    write(&folder, "more.txt", "\u{feff}conv_3\r\nco\u{7}nv\r\n");
    let (code, stdout, stderr) = run(&mut convault(
        &folder,
        &[
            "sync",
            "--ids-from",
            "ids.txt",
            "--ids-from",
            "more.txt",
            "a b",
        ],
    ));
    assert_eq!(code, 2);
    assert_eq!(stdout, "");
    for named in [
        "4 bad lines",
        "ids.txt:2: spaces inside",
        "ids.txt:4: a link without conv_id=",
        "more.txt:2: a control character inside",
        "argument:1: spaces inside",
        "--skip-bad-lines",
    ] {
        assert!(stderr.contains(named), "{named:?} is not in {stderr}");
    }
    assert!(!folder.path().join("convault.db").exists());
}

#[test]
fn an_empty_list_is_code_2_and_says_how_to_allow_it() {
    let folder = folder();
    write(&folder, "ids.txt", "# none yet\n");
    let (code, _, stderr) = run(&mut convault(&folder, &["sync", "--ids-from", "ids.txt"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("--allow-empty"), "{stderr}");
}

/// A mistyped path makes a new archive, and "0 of 0 complete" would hide that for ever.
#[test]
fn no_list_and_an_archive_that_knows_nothing_is_code_2() {
    let folder = folder();
    let report = folder.path().join("report.json");
    let mut sync = convault(&folder, &["sync", "--report", "report.json"]);
    sync.env("IMBRACE_GATEWAY_URL", "http://127.0.0.1:9")
        .env("IMBRACE_ACCESS_TOKEN", CANARY);
    let (code, _, stderr) = run(&mut sync);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("knows no conversation yet"), "{stderr}");
    let written = fs::read_to_string(report).unwrap();
    assert!(written.contains("\"exit_code\": 2"), "{written}");
    let (code, _, stderr) = run(sync.arg("--allow-empty"));
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn an_id_that_is_the_name_of_a_file_draws_a_warning() {
    let folder = folder();
    write(&folder, "ids.txt", "conv_1\n");
    let (_, _, stderr) = run(&mut convault(&folder, &["sync", "ids.txt"]));
    assert!(stderr.contains("--ids-from ids.txt"), "{stderr}");
}

#[test]
fn a_list_from_standard_input_is_read_and_its_lines_are_named() {
    let folder = folder();
    let mut child = convault(&folder, &["sync", "--ids-from", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"ok\nnot ok\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("standard input:2: spaces inside"),
        "{stderr}"
    );
}

#[test]
fn a_missing_file_or_column_is_code_2_and_named() {
    let folder = folder();
    write(&folder, "list.csv", "name,conv\nx,conv_1\n");
    let (code, _, stderr) = run(&mut convault(&folder, &["sync", "--ids-from", "none.txt"]));
    assert_eq!(code, 2);
    assert!(stderr.contains("none.txt"), "{stderr}");
    let arguments = ["sync", "--ids-from", "list.csv", "--ids-column", "id"];
    let (code, _, stderr) = run(&mut convault(&folder, &arguments));
    assert_eq!(code, 2);
    assert!(stderr.contains("`name`, `conv`"), "{stderr}");
}

#[test]
fn no_gateway_is_code_2_and_the_message_names_both_ways() {
    let folder = folder();
    let (code, _, stderr) =
        run(convault(&folder, &["sync", "conv_1"]).env("IMBRACE_ACCESS_TOKEN", CANARY));
    assert_eq!(code, 2);
    assert!(stderr.contains("IMBRACE_ENV"), "{stderr}");
    assert!(stderr.contains("--gateway-url"), "{stderr}");
}

#[test]
fn no_token_is_code_2_and_so_is_an_empty_one() {
    let folder = folder();
    let arguments = ["sync", "conv_1", "--gateway-url", "http://127.0.0.1:9"];
    for value in ["", "  "] {
        let (code, _, stderr) =
            run(convault(&folder, &arguments).env("IMBRACE_ACCESS_TOKEN", value));
        assert_eq!(code, 2);
        assert!(stderr.contains("IMBRACE_ACCESS_TOKEN"), "{stderr}");
    }
}

#[test]
fn a_token_file_that_others_may_write_is_refused() {
    let folder = folder();
    let path = token_file(&folder, 0o660);
    let arguments = ["sync", "conv_1", "--gateway-url", "http://127.0.0.1:9"];
    let (code, _, stderr) =
        run(convault(&folder, &arguments).env("IMBRACE_ACCESS_TOKEN_FILE", path));
    assert_eq!(code, 2);
    assert!(stderr.contains("others may write"), "{stderr}");
    assert!(stderr.contains("chmod 600"), "{stderr}");
}

#[test]
fn a_token_with_a_line_end_inside_is_refused_unseen() {
    let folder = folder();
    let arguments = ["sync", "conv_1", "--gateway-url", "http://127.0.0.1:9"];
    let (code, _, _) =
        run(convault(&folder, &arguments)
            .env("IMBRACE_ACCESS_TOKEN", format!("{CANARY}\n{CANARY}")));
    assert_eq!(code, 2);
}

#[test]
fn dotenv_is_read_and_the_environment_wins() {
    let folder = folder();
    write(&folder, ".env", "IMBRACE_ENV=nowhere\n");
    let arguments = ["sync", "conv_1"];
    let (code, _, stderr) = run(&mut convault(&folder, &arguments));
    assert_eq!(code, 2);
    assert!(stderr.contains("names no environment"), "{stderr}");
    let (_, _, stderr) = run(convault(&folder, &arguments).env("IMBRACE_ENV", "demo"));
    assert!(stderr.contains("no access token"), "{stderr}");
}

#[test]
fn a_bad_line_of_dotenv_is_named_and_not_shown() {
    let folder = folder();
    write(&folder, ".env", &format!("A=1\nTOKEN {CANARY}\n"));
    let (code, _, stderr) = run(&mut convault(&folder, &["sync", "conv_1"]));
    assert_eq!(code, 2);
    assert!(stderr.contains(".env line 2"), "{stderr}");
    let (code, ..) = run(&mut convault(&folder, &["--help"]));
    assert_eq!(code, 0, "help needs no settings");
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let folder = folder();
    let (code, _, stderr) = run(convault(&folder, &["sync", "conv_1"])
        .env("CONVAULT_CONCURRENCY", "")
        .env("IMBRACE_GATEWAY_URL", ""));
    assert_eq!(code, 2);
    assert!(stderr.contains("no gateway named"), "{stderr}");
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    let folder = folder();
    let url = format!("https://user:{CANARY}@gateway.example");
    let (code, ..) = run(&mut convault(
        &folder,
        &["sync", "conv_1", "--gateway-url", &url],
    ));
    assert_eq!(code, 2);
    let database = format!("postgres://user:{CANARY}@127.0.0.1:1/x");
    for arguments in [&["sync", "--help"][..], &["sync", "conv_1"]] {
        run(convault(&folder, arguments).env("DATABASE_URL", &database));
    }
}

#[test]
fn a_report_is_written_also_when_the_settings_are_wrong() {
    let folder = folder();
    let arguments = ["sync", "conv_1", "--report", "report.json"];
    let (code, ..) = run(convault(&folder, &arguments).env("IMBRACE_ACCESS_TOKEN", CANARY));
    assert_eq!(code, 2);
    let report = read_json(&folder.path().join("report.json"));
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["exit_code"], 2);
    assert_eq!(report["outcome"], "configuration");
    assert_eq!(report["conversations"]["complete"], 0);
    assert_eq!(report["failures"], serde_json::json!([]));
}

fn read_json(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains(CANARY));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn standard_error_is_json_alone_where_that_was_asked_for() {
    let folder = folder();
    let arguments = ["sync", "conv_1", "--log-format", "json"];
    let (code, stdout, stderr) = run(&mut convault(&folder, &arguments));
    assert_eq!((code, stdout.as_str()), (2, ""));
    for line in stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["exit_code"], 2);
    }
    assert!(!stderr.is_empty());
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (code, stdout, _) = run(&mut convault(&folder, &["completions", shell]));
        assert_eq!(code, 0);
        assert!(stdout.contains("rename-gateway"), "{shell}");
    }
    let (code, page, _) = run(&mut convault(&folder, &["man"]));
    assert_eq!(code, 0);
    assert!(page.contains(".TH convault 1"), "{page}");
    let (code, page, _) = run(&mut convault(&folder, &["man", "failures", "waive"]));
    assert_eq!(code, 0);
    assert!(page.contains(".TH convault-failures-waive 1"), "{page}");
    let (code, ..) = run(&mut convault(&folder, &["man", "frobnicate"]));
    assert_eq!(code, 2);
}

#[test]
fn a_reader_that_has_gone_is_no_panic() {
    let folder = folder();
    let mut child = convault(&folder, &["completions", "bash"])
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
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stderr, "");
}
