//! What `--help` says is part of the contract: people and scripts read it.

use std::{fs, path::Path, process::Command};

/// Every command that has a page of help.
const COMMANDS: [&[&str]; 23] = [
    &[],
    &["sync"],
    &["plan"],
    &["status"],
    &["explain"],
    &["failures"],
    &["failures", "list"],
    &["failures", "retry"],
    &["failures", "waive"],
    &["verify"],
    &["export"],
    &["renormalize"],
    &["search"],
    &["serve"],
    &["senders"],
    &["senders", "import"],
    &["senders", "export"],
    &["doctor"],
    &["rename-gateway"],
    &["demo"],
    &["simulate"],
    &["completions"],
    &["man"],
];

const BEGIN: &str = "<!-- help -->";
const END: &str = "<!-- /help -->";

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_convault"))
        .args(command)
        .arg("--help")
        .env_clear()
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}");
    assert!(output.stderr.is_empty(), "help belongs on standard output");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_of_every_command_is_what_was_reviewed() {
    for command in COMMANDS {
        let name = ["convault"].iter().chain(command).copied();
        let name = name.collect::<Vec<_>>().join("-");
        insta::assert_snapshot!(format!("help-{name}"), help(command));
    }
}

#[test]
fn every_command_shows_how_it_is_used() {
    for command in COMMANDS {
        let page = help(command);
        let (_, examples) = page.split_once("\nExample").expect("there is an example");
        let call = ["convault"].iter().chain(command).copied();
        let call = call.collect::<Vec<_>>().join(" ");
        assert!(examples.contains(&call), "{command:?} shows no `{call}`");
    }
}

#[test]
fn no_command_lacks_a_reviewed_help() {
    let listed = |page: &str| -> Vec<String> {
        page.lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(ToOwned::to_owned)
            .collect()
    };
    let top: Vec<String> = listed(&help(&[]));
    assert!(top.len() >= 10, "{top:?}");
    for name in top {
        assert!(COMMANDS.contains(&[name.as_str()].as_slice()), "{name}");
        for below in listed(&help(&[&name])) {
            assert!(
                COMMANDS.contains(&[name.as_str(), below.as_str()].as_slice()),
                "{name} {below}"
            );
        }
    }
}

/// `CONVAULT_BLESS=1` rewrites the block of the README.
#[test]
fn the_help_block_of_the_readme_is_the_help_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("the README has a help block");
    let (block, after) = rest.split_once(END).expect("the help block ends");
    let expected = format!("\n```text\n{}```\n", trailing_spaces_removed(&help(&[])));
    if blessing() {
        fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        block, expected,
        "run the tests with CONVAULT_BLESS=1 to rewrite the block"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the tests, not a setting of the program"
)]
fn blessing() -> bool {
    std::env::var_os("CONVAULT_BLESS").is_some_and(|value| value == "1")
}

fn trailing_spaces_removed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}
