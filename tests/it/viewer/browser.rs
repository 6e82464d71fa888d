//! A real Chromium goes through the site as a person does, on both engines: nothing is loaded from
//! elsewhere, nothing is complained of in the console, and axe-core finds nothing against who
//! cannot see or use a mouse. Screenshots of each page are in `target/viewer/`.

use std::{path::Path, process::Stdio};

use rustix::process::Signal;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::{
    cookbook::archive::Both,
    program::{ended, signal},
};

/// The archive of the cookbook: that of the demo, with edits, deletions, names and a failure.
#[tokio::test]
async fn a_browser_goes_through_the_site_on_both_engines() {
    let python = python();
    let both = Both::make().await;
    // Pages are the same on both, to the byte, so the second one is gone through in fewer looks.
    let looks = [
        &["light", "dark", "phone", "phone-dark"][..],
        &["light"][..],
    ];
    for ((name, address), looks) in both.addresses().into_iter().zip(looks) {
        let (viewer, url) = serve(&address).await;
        let walked = walk(&python, &url, name, looks).await;
        signal(&viewer, Signal::TERM);
        assert_eq!(ended(viewer).await.code, 143);
        if let Err(told) = walked {
            panic!("{name}: {told}");
        }
    }
}

/// The Python that has selenium and axe-core.
fn python() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told where their tools are; config reads what the program is told"
    )]
    std::env::var("CONVAULT_TEST_PYTHON").unwrap_or_else(|_| {
        panic!("no Python with selenium: run scripts/test, which makes one in target/python")
    })
}

async fn serve(address: &[String]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_convault"))
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .args(address)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(url) = line.trim().strip_prefix("\"url\": \"") {
            let url = url.split('"').next().unwrap().trim_end_matches('/');
            return (child, url.to_owned());
        }
    }
    panic!("it never said where it listens");
}

/// The script ends the browser itself, also when it fails, and itself after some minutes.
async fn walk(python: &str, url: &str, name: &str, looks: &[&str]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg(root.join("tests/it/viewer/browser.py"))
        .arg(url)
        .arg(root.join("target/viewer").join(name))
        .args(looks)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home.path())
        .env("TMPDIR", home.path())
        .env("LANG", "C.UTF-8")
        .env("NO_PROXY", "*")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("{python}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let walked = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && walked.lines().count() >= 15 * looks.len() {
        return Ok(());
    }
    Err(format!("{told}\n{walked}"))
}
