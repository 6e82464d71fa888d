//! Who may import whom, as ARCHITECTURE.md says: read from the source, so that it stays true.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each layer and what it may import besides itself. `cli` is the top and may import anything.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "config",
        &["api", "store", "monitor", "clock", "model", "sync"],
    ),
    ("telemetry", &["config", "model"]),
    (
        "sync",
        &[
            "walk",
            "api",
            "normalize",
            "store",
            "monitor",
            "clock",
            "model",
            "wire",
        ],
    ),
    (
        "verify",
        &[
            "walk",
            "api",
            "normalize",
            "store",
            "monitor",
            "clock",
            "model",
            "wire",
        ],
    ),
    (
        "renormalize",
        &["normalize", "store", "monitor", "clock", "model", "wire"],
    ),
    ("viewer", &["normalize", "store", "clock", "model"]),
    (
        "export",
        &[
            "page",
            "normalize",
            "store",
            "monitor",
            "clock",
            "model",
            "wire",
        ],
    ),
    ("page", &["model"]),
    ("walk", &["model"]),
    ("api", &["wire", "monitor", "clock", "model"]),
    ("normalize", &["wire", "model"]),
    ("store", &["model", "monitor", "clock", "wire", "terms"]),
    ("simulator", &["wire", "clock", "model"]),
    ("clock", &["model"]),
    ("monitor", &[]),
    ("terms", &[]),
    ("wire", &[]),
    ("model", &[]),
];

#[test]
fn no_layer_imports_a_higher_one() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(files.len() > 10, "the source was found");
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let layer = layer_of(inside);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            assert!(
                ["main", "lib", "cli"].contains(&layer.as_str()),
                "{layer} is in no layer: name it here and in ARCHITECTURE.md"
            );
            continue;
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if import != layer && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", inside.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn imports_are_found_in_every_form() {
    let source = "
        //! not crate::cli
        use crate::wire::Json;
        use crate::{
            model::{self, MessageId}, // not crate::cli
            store::{Batch, read::{Slice}},
            clock,
        };
        fn f() -> crate::api::Gateway { crate::walk::g() }
        #[cfg(test)]
        mod tests { use crate::cli; }";
    let mut found = imports(source);
    found.sort();
    assert_eq!(found, ["api", "clock", "model", "store", "walk", "wire"]);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first component of a path below `src`, without its extension.
fn layer_of(inside: &Path) -> String {
    let first = inside.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules after each `crate::`, comments and unit tests left out.
fn imports(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => found.extend(names_of_group(group)),
            None => found.push(first_word(rest)),
        }
    }
    // `crate::NAME` in capitals is an item of lib.rs, not a layer.
    found.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    found
}

/// The leading names of `a::{b, c}, d}` at its own depth: `a` and `d`.
fn names_of_group(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut members = vec![String::new()];
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            '{' => depth += 1,
            ',' if depth == 0 => members.push(String::new()),
            other if depth == 0 => members.last_mut().expect("never empty").push(other),
            _ => {}
        }
    }
    let names = members.iter().map(|member| first_word(member.trim()));
    names.filter(|name| !name.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
