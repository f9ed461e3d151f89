//! The official SDK of the dialect against a running server. `scripts/sdk-packages.sh` installs it.

use std::path::Path;
use std::process::Command;

use super::bed::Bed;
use super::standin::StandIn;
use crate::server::ROOT_KEY;

#[test]
fn nangohq_node() {
    let folder = Path::new("tests/nango");
    assert!(
        folder.join("node_modules/@nangohq/node").exists(),
        "the SDK is not installed: run scripts/sdk-packages.sh first"
    );
    let (bed, standin) = (Bed::start(), StandIn::start());
    let output = Command::new("node")
        .args(["--test", "sdk.mjs"])
        .current_dir(folder)
        .env("STRATA_ENDPOINT", &bed.server.url)
        .env("STRATA_KEY", ROOT_KEY)
        .env("STRATA_STANDIN", standin.port.to_string())
        .output()
        .expect("node starts");
    let (out, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{errors}");
    // What it asked of the provider came there as it was meant.
    let asked = |method: &str| {
        let path = format!("/things/{}", method.to_lowercase());
        let calls = standin.calls();
        let call = calls.iter().find(|call| call.path == path);
        let call = call.unwrap_or_else(|| panic!("{method} {path} did not come"));
        assert_eq!(call.method, method);
        assert_eq!(call.query, [("a".to_owned(), "b c".to_owned())]);
        assert_eq!(call.headers["x-own"], *method.to_lowercase());
        assert_eq!(call.headers["authorization"], "Bearer token");
    };
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        asked(method);
    }
    assert!(
        standin
            .calls()
            .iter()
            .any(|call| call.path == "/base/plain")
    );
}
