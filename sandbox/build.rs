//! Joins `prelude/*.js` and `prelude/drivers/*.js`, in name order, into the one
//! ES module that the engine image evaluates.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let prelude = root.join("prelude");
    let mut text = String::from("import host from \"strata:sandbox/host\";\n");
    for dir in [prelude.clone(), prelude.join("drivers")] {
        println!("cargo:rerun-if-changed={}", dir.display());
        for file in scripts(&dir) {
            println!("cargo:rerun-if-changed={}", file.display());
            let source = fs::read_to_string(&file).expect("a prelude file is readable UTF-8");
            // A block of its own for each file: their names do not meet.
            let name = file.file_name().unwrap_or_default().display();
            writeln!(text, "{{ // {name}\n{source}\n}}").expect("writing to a string");
        }
    }
    text.push_str("export const { run, resume, tick } = globalThis.__strata.entry;\n");
    text.push_str("delete globalThis.__strata.entry;\n");
    // Garbage of the evaluation would be in every snapshot.
    text.push_str("globalThis.__cqjs.runGc();\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("prelude.js");
    fs::write(out, text).expect("the build directory is writable");
}

fn scripts(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .expect("the prelude folder is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "js"))
        .collect();
    files.sort();
    files
}
