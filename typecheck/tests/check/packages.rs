//! The packages of the tests: `STRATA_TYPECHECK_PACKAGES` is a folder in which `npm ci` has run on
//! `tests/packages`; without it that is done once below the target folder.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tempfile::TempDir;
use typecheck::{Checker, Options, platform};

const NEEDED: &[&str] = &["zod", "@types/node", "undici-types"];

/// The folder with the `node_modules` of the checker and of what sources import.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os("STRATA_TYPECHECK_PACKAGES") {
        Some(folder) => folder.into(),
        None => install(),
    })
}

fn install() -> PathBuf {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typecheck-packages");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    // Tests may run as processes of their own.
    lock.lock().unwrap();
    let read = |path: PathBuf| fs::read(path).unwrap_or_default();
    let done = folder.join("installed.json");
    if read(done.clone()) != read(wanted.join("package-lock.json")) {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(wanted.join(name), folder.join(name)).unwrap();
        }
        let status = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .status()
            .expect("npm is needed for these tests");
        assert!(status.success(), "npm ci failed");
        fs::copy(wanted.join("package-lock.json"), done).unwrap();
    }
    folder
}

pub fn executable() -> PathBuf {
    let package = platform::package().expect("a platform with a TypeScript executable");
    platform::executable(&installed().join("node_modules").join(package))
}

/// A workspace of its own for a test.
pub struct Workspace(TempDir);

impl Workspace {
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let into = folder.path().join("node_modules");
        for package in NEEDED {
            let from = installed().join("node_modules").join(package);
            copy(&from, &into.join(package)).unwrap();
        }
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/nango");
        copy(&ours, &into.join("nango")).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn options(&self) -> Options {
        Options::new(executable(), self.path())
    }

    pub fn checker(&self) -> Checker {
        self.options().build()
    }
}

/// Declarations and manifests of a folder: the rest is not looked at.
fn copy(from: &Path, into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        let name = entry.file_name().into_string().unwrap_or_default();
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if name.ends_with("ts") || name == "package.json" {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
