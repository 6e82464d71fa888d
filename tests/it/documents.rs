//! What the documents say about the source is true: every test, file and script that they name
//! is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src"), root().join("tests/it")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// What stands between backticks, code blocks left out.
fn quoted(document: &str) -> Vec<String> {
    let prose: String = document.split("```").step_by(2).collect();
    let pieces = prose.split('`').skip(1).step_by(2);
    pieces.map(ToOwned::to_owned).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `module::a_claim` of lower-case words: how the documents name a test or a module of tests.
fn tests_named(document: &str) -> Vec<(Vec<String>, String)> {
    quoted(document)
        .into_iter()
        .filter(|text| text.contains("::") && !text.contains(|c: char| c.is_ascii_uppercase()))
        .map(|text| {
            let mut parts: Vec<String> = text.split("::").map(ToOwned::to_owned).collect();
            let last = parts.pop().unwrap();
            (parts, last)
        })
        .collect()
}

/// Whether a file belongs to the module that is named: `walk::simulation` is
/// `src/walk/simulation.rs`, `store` is `tests/it/store.rs` and what is below it.
fn is_of_module(path: &Path, module: &[String]) -> bool {
    let path = path.strip_prefix(root()).unwrap().with_extension("");
    let inside = path
        .strip_prefix("src")
        .or_else(|_| path.strip_prefix("tests/it"))
        .unwrap();
    let folders: Vec<String> = inside
        .iter()
        .map(|part| part.to_string_lossy().into())
        .collect();
    folders.starts_with(module)
}

fn defines(source: &str, name: &str) -> bool {
    ["fn ", "::"].iter().any(|before| {
        source
            .match_indices(&format!("{before}{name}"))
            .any(|(at, found)| {
                let rest = &source[at + found.len()..];
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
    })
}

#[test]
fn every_test_that_a_document_names_exists() {
    let sources = sources();
    for document in ["ARCHITECTURE.md", "docs/testing.md", "docs/performance.md"] {
        let named = tests_named(&read(document));
        for (module, name) in &named {
            assert!(
                module.iter().all(|part| is_word(part)),
                "{document}: {module:?}"
            );
            let files: Vec<_> = sources
                .iter()
                .filter(|(path, _)| is_of_module(path, module))
                .collect();
            assert!(
                !files.is_empty(),
                "{document} names {module:?}, which is no module"
            );
            assert!(
                name == "*" || files.iter().any(|(_, text)| defines(text, name)),
                "{document} names `{}::{name}`, and no such test exists",
                module.join("::")
            );
        }
        if document == "ARCHITECTURE.md" {
            assert!(
                named.len() >= 20,
                "the table of invariants was read: {named:?}"
            );
        }
    }
}

#[test]
fn every_path_that_a_document_names_exists() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "docs/testing.md",
        "docs/performance.md",
    ] {
        let text = read(document);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let links = links
            .filter(|link| !link.starts_with("http"))
            .map(ToOwned::to_owned);
        let roots = ["src/", "tests/", "docs/", "scripts/", "migrations/", ".ci/"];
        let paths = quoted(&text).into_iter().filter(|path| {
            roots.iter().any(|root| path.starts_with(root)) && !path.contains([' ', '*', '{'])
        });
        let mut checked = 0;
        for path in links.chain(paths) {
            // From the document's own folder where it is a link of docs/.
            let beside = Path::new(document).parent().unwrap_or(Path::new(""));
            let there = root().join(&path).exists() || root().join(beside).join(&path).exists();
            assert!(there, "{document} names {path}, which is not there");
            checked += 1;
        }
        assert!(checked > 0, "{document} names no path");
    }
}

/// The code map names each file and folder of `src` at its top, and each part of the folders
/// that it opens up; nothing else.
#[test]
fn the_code_map_is_the_tree() {
    let text = read("ARCHITECTURE.md");
    let map = text
        .split("## Code map")
        .nth(1)
        .expect("there is a code map");
    let map = map.split("```").nth(1).expect("the map is a code block");
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".rs");
        assert!(map.contains(stem), "src/{name} is not on the map");
    }
    for line in map.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        let is_file = Path::new(first)
            .extension()
            .is_some_and(|name| name == "rs");
        if is_file && line.starts_with("  ") {
            let path = root().join("src").join(first);
            assert!(path.exists(), "the map names {first}, which is not there");
        }
    }
    for folder in ["walk", "sync", "api", "store"] {
        for entry in fs::read_dir(root().join("src").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(
                ["tests", "snapshots"].contains(&name.as_str()) || map.contains(&name),
                "src/{folder}/{name} is not on the map"
            );
        }
    }
}

#[test]
fn architecture_stays_short_enough_to_be_read() {
    assert!(read("ARCHITECTURE.md").lines().count() <= 210);
}

/// `cd` anywhere, and both commands that the README opens with still work.
#[test]
fn the_scripts_run_from_any_directory_and_ci_runs_what_people_run() {
    for script in ["scripts/test", ".ci/run"] {
        let text = read(script);
        assert!(text.starts_with("#!/usr/bin/env bash\n"), "{script}");
        assert!(text.contains("set -euo pipefail"), "{script}");
        let home = text.find("cd \"$(dirname \"${BASH_SOURCE[0]}\")/..\"");
        let first = text.find("\npart ").or_else(|| text.find("\nexec "));
        assert!(
            home.is_some() && home < first,
            "{script} does not go home first"
        );
    }
    assert!(read(".ci/run").trim_end().ends_with("exec scripts/test"));
    let readme = read("README.md");
    let opening = readme.split("## ").next().unwrap();
    assert!(opening.contains("$ cargo run --release -- demo"));
    assert!(opening.contains("$ scripts/test"));
}
