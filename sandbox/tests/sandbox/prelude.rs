//! The web and node APIs of the prelude, by the scripts in `tests/prelude`.
//!
//! Each script runs behind `harness.js` as the body of one async function and
//! answers `ok` and a count, or one line for each check that does not hold.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{execute, get, module, text};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new("tests/prelude");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "js"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_script_holds() {
    let (harness, scripts): (Vec<_>, Vec<_>) = scripts()
        .into_iter()
        .partition(|path| path.ends_with("harness.js"));
    let harness = fs::read_to_string(&harness[0]).unwrap();
    assert!(scripts.len() > 4);
    let mut failed = Vec::new();
    for path in scripts {
        let script = fs::read_to_string(&path).unwrap();
        let code = format!(
            "{harness}\nmodule.exports = async ({{ res }}) => {{ {script}\nreturn res.text(report()); }};"
        );
        let outcome = execute(&module(&code), get("/"));
        let report = text(&outcome);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if !report.starts_with("ok ") {
            // Lines are counted from the start of the harness.
            failed.push(format!(
                "{name} (after {} lines of harness):\n{report}",
                harness.lines().count() + 1
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
