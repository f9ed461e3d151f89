//! The official SDKs against a running server. `scripts/sdk-packages.sh`
//! installs them.

use std::path::Path;
use std::process::Command;

use crate::server::{ROOT_KEY, Server};

fn run(folder: &str, needed: &str, program: &str, arguments: &[&str]) {
    let folder = std::path::absolute(Path::new("tests/sdk").join(folder)).unwrap();
    assert!(
        folder.join(needed).exists(),
        "the SDK is not installed: run scripts/sdk-packages.sh first"
    );
    let server = Server::start();
    let program = if program.contains('/') {
        folder.join(program)
    } else {
        program.into()
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(&folder)
        .env("STRATA_URL", &server.url)
        .env("STRATA_ENDPOINT", format!("{}/v1", server.url))
        .env("STRATA_PROJECT", "default")
        .env("STRATA_KEY", ROOT_KEY)
        .output()
        .expect("the program starts");
    let (out, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{errors}");
}

#[test]
fn node_appwrite() {
    run("node", "node_modules/node-appwrite", "node", &["--test"]);
}

#[test]
fn node_pubnub() {
    run("pubnub", "node_modules/pubnub", "node", &["--test"]);
}

#[test]
fn python_appwrite() {
    run(
        "python",
        ".venv/installed",
        ".venv/bin/python",
        &["-m", "unittest", "-v"],
    );
}
