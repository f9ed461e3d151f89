//! The files that the checker sees: the sources of one check, in memory, and on disk what may be
//! read.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    checker::Error,
    diagnostic::{Diagnostic, Found, position},
};

/// What the checker asks us about before it looks at the disk. (It also knows `realpath`, which it
/// only asks about files that we have let it see.)
pub const QUESTIONS: &str = "readFile,fileExists,directoryExists,getAccessibleEntries";

const MANIFEST: &str = r#"{ "type": "module" }"#;
const SETTINGS: &str = include_str!("tsconfig.json");

/// Folders as the checker names them: absolute, with `/`, without links, without a `/` at the end.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Where the sources seem to be. Nothing on disk is looked at there.
    pub root: String,
    workspace: String,
    packages: String,
    libraries: String,
}

impl Folders {
    /// `executable` and the packages of `workspace` must exist.
    pub fn new(executable: &Path, workspace: &Path) -> io::Result<Self> {
        let executable = canonical(executable)?;
        let workspace = name(&canonical(workspace)?)?;
        let packages = format!("{workspace}/node_modules");
        std::fs::read_dir(&packages)
            .map_err(|error| io::Error::new(error.kind(), format!("{packages}: {error}")))?;
        let libraries = name(executable.parent().unwrap_or(&executable))?;
        Ok(Self {
            root: format!("{workspace}/project"),
            workspace,
            packages,
            libraries,
        })
    }

    /// The folders on disk that may be read.
    pub fn readable(&self) -> [PathBuf; 2] {
        [
            PathBuf::from(&self.packages),
            PathBuf::from(&self.libraries),
        ]
    }

    /// The file with the settings.
    pub fn settings(&self) -> String {
        format!("{}/tsconfig.json", self.root)
    }

    fn may_read(&self, path: &str) -> bool {
        // The checker cleans paths before it asks; one that is not clean is not what it seems.
        let clean = !path.split('/').any(|part| part == ".." || part == ".");
        clean && (is_below(path, &self.packages) || is_below(path, &self.libraries))
    }

    /// The text with paths made relative: it is shown to people who have no business with ours.
    fn relative(&self, text: &str) -> String {
        [&self.root, &self.workspace, &self.libraries]
            .iter()
            .fold(text.to_owned(), |text, folder| {
                text.replace(&format!("{folder}/"), "")
            })
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(not(windows))]
fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// The canonical form of Windows (`\\?\…`) is one that the checker does not use.
#[cfg(windows)]
fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.metadata()?;
    std::path::absolute(path)
}

fn name(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some(text) if cfg!(windows) => Ok(text.replace('\\', "/")),
        Some(text) => Ok(text.to_owned()),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not Unicode", path.display()),
        )),
    }
}

/// The files of one check, settings included, by absolute name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Documents(BTreeMap<String, String>);

/// What differs from the check before, as the checker wants to be told.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    changed: Vec<String>,
    created: Vec<String>,
    deleted: Vec<String>,
}

impl Documents {
    /// Fails when a path is not a relative one of a TypeScript file.
    pub fn new(folders: &Folders, files: &[(String, String)]) -> Result<Self, Error> {
        let root = &folders.root;
        let mut documents = BTreeMap::new();
        for (path, text) in files {
            if !is_source(path) {
                return Err(Error::Path(path.clone()));
            }
            // A file on disk loses its mark of UTF-8 as well before anything is counted in it.
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            documents.insert(format!("{root}/{path}"), text.to_owned());
        }
        let paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
        documents.insert(folders.settings(), settings(&paths));
        documents.insert(format!("{root}/package.json"), MANIFEST.to_owned());
        Ok(Self(documents))
    }

    pub fn changes(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for (path, text) in &self.0 {
            match before.0.get(path) {
                None => changes.created.push(path.clone()),
                Some(old) if old != text => changes.changed.push(path.clone()),
                Some(_) => {}
            }
        }
        let gone = before.0.keys().filter(|path| !self.0.contains_key(*path));
        changes.deleted = gone.cloned().collect();
        changes
    }

    /// Answers a question of the checker; `null` sends it to the disk.
    pub fn answer(&self, folders: &Folders, question: &str, path: &str) -> Value {
        if !is_below(path, &folders.root) && folders.may_read(path) {
            return Value::Null;
        }
        match question {
            "readFile" => json!({ "content": self.0.get(path) }),
            "fileExists" => json!(self.0.contains_key(path)),
            "directoryExists" => json!(self.contains_folder(path)),
            // Only for automatic lists of files and types; the settings name both.
            "getAccessibleEntries" => json!({ "files": [], "directories": [] }),
            _ => Value::Null,
        }
    }

    fn contains_folder(&self, path: &str) -> bool {
        self.0
            .keys()
            .any(|file| file.len() > path.len() && is_below(file, path))
    }

    /// In our form; `None` for what is no error.
    pub fn diagnostic(&self, folders: &Folders, found: &Found) -> Option<Diagnostic> {
        if !found.is_error() {
            return None;
        }
        let path = found.file_name.as_deref().unwrap_or_default();
        let (line, column) = match self.0.get(path) {
            Some(text) => position(text, found.pos),
            None if path.is_empty() => (0, 0),
            None if folders.may_read(path) => {
                std::fs::read_to_string(path).map_or((1, 1), |text| position(&text, found.pos))
            }
            None => (1, 1),
        };
        Some(Diagnostic {
            file: folders.relative(path),
            line,
            column,
            code: found.code,
            message: folders.relative(&found.message()),
        })
    }
}

fn is_source(path: &str) -> bool {
    let kind = [".ts", ".tsx", ".mts", ".cts"]
        .iter()
        .any(|kind| path.ends_with(kind));
    let parts = || path.split('/');
    kind && !path.contains(['\\', ':', '\0'])
        && parts().all(|part| !matches!(part, "" | "." | ".." | "node_modules"))
}

fn settings(paths: &[&String]) -> String {
    let mut settings: Value = serde_json::from_str(SETTINGS).unwrap_or_default();
    settings["files"] = json!(paths);
    settings.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> Folders {
        Folders {
            root: "/w/project".to_owned(),
            workspace: "/w".to_owned(),
            packages: "/w/node_modules".to_owned(),
            libraries: "/t/lib".to_owned(),
        }
    }

    fn documents(files: &[(&str, &str)]) -> Result<Documents, Error> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        Documents::new(&folders(), &files)
    }

    #[test]
    fn the_settings_are_json() {
        let settings: Value = serde_json::from_str(&settings(&[&"a.ts".to_owned()])).unwrap();
        assert_eq!(settings["files"], json!(["a.ts"]));
        assert_eq!(settings["compilerOptions"]["strict"], json!(true));
    }

    #[test]
    fn only_what_may_be_read_is_sent_to_the_disk() {
        let documents = documents(&[("f/a.ts", "1")]).unwrap();
        let answer = |question: &str, path: &str| documents.answer(&folders(), question, path);
        let absent = json!({ "content": null });
        for path in ["/w/node_modules/zod/index.d.ts", "/t/lib/lib.d.ts"] {
            assert_eq!(answer("readFile", path), Value::Null);
            assert_eq!(answer("fileExists", path), Value::Null);
        }
        for path in [
            "/etc/passwd",
            "/w/secret.ts",
            "/w/node_modules/../secret.ts",
            "/w/node_modules2/x.ts",
            "/t/library/x.ts",
            "/w/project/f/b.ts",
            "/w/project/node_modules/x.ts",
        ] {
            assert_eq!(answer("readFile", path), absent, "{path}");
            assert_eq!(answer("fileExists", path), json!(false), "{path}");
            assert_eq!(answer("directoryExists", path), json!(false), "{path}");
        }
        assert_eq!(
            answer("readFile", "/w/project/f/a.ts"),
            json!({ "content": "1" })
        );
        assert_eq!(answer("directoryExists", "/w/project/f"), json!(true));
        assert_eq!(answer("directoryExists", "/w/project/f/a.ts"), json!(false));
    }

    #[test]
    fn changes_are_those_between_two_checks() {
        let before = documents(&[("a.ts", "1"), ("b.ts", "2")]).unwrap();
        let after = documents(&[("a.ts", "3"), ("c.ts", "2")]).unwrap();
        let changes = after.changes(&before);
        assert_eq!(
            changes.changed,
            ["/w/project/a.ts", "/w/project/tsconfig.json"]
        );
        assert_eq!(changes.created, ["/w/project/c.ts"]);
        assert_eq!(changes.deleted, ["/w/project/b.ts"]);
    }

    #[test]
    fn paths_stay_inside_the_project() {
        for path in [
            "",
            "a",
            "a.js",
            "../a.ts",
            "f/../../a.ts",
            "/a.ts",
            "f//a.ts",
            "c:/a.ts",
            "f\\a.ts",
            "tsconfig.json",
            "node_modules/zod/index.d.ts",
        ] {
            let error = documents(&[(path, "")]).unwrap_err();
            assert!(matches!(error, Error::Path(of) if of == path));
        }
        assert!(documents(&[("a.ts", ""), ("b/c.mts", "")]).is_ok());
    }

    #[test]
    fn texts_name_no_folder_of_the_machine() {
        assert_eq!(
            folders()
                .relative("'/w/project/a.ts' import(\"/w/node_modules/zod/x\") /t/lib/lib.d.ts"),
            "'a.ts' import(\"node_modules/zod/x\") lib.d.ts"
        );
    }
}
