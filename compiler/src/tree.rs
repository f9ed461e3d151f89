//! The upload and the installed packages as one tree.
//!
//! Packages are where npm would put them (`node_modules/a/node_modules/b`), but
//! nothing is written to disk, and a package is only fetched when an import leads into it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::{npm::Pack, path, source::Source};

/// What a `package.json` says about the modules beside and below it.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    /// `"type": "module"`.
    pub(crate) module: bool,
    /// `None` when it does not say.
    effects: Option<Effects>,
}

/// `sideEffects`.
#[derive(Debug)]
enum Effects {
    All,
    None,
    /// Only files that match one of these.
    Only(Vec<String>),
}

impl Manifest {
    fn parse(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            return Self::default();
        };
        Self {
            module: value.get("type").and_then(Value::as_str) == Some("module"),
            effects: match value.get("sideEffects") {
                Some(Value::Bool(false)) => Some(Effects::None),
                Some(Value::Array(patterns)) => Some(Effects::Only(
                    patterns
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect(),
                )),
                Some(Value::String(pattern)) => Some(Effects::Only(vec![pattern.clone()])),
                Some(_) => Some(Effects::All),
                None => None,
            },
        }
    }
}

impl Effects {
    /// Whether the module at `relative`, a path below the manifest's folder, has no effects.
    fn none_in(&self, relative: &str) -> bool {
        match self {
            Self::All => false,
            Self::None => true,
            Self::Only(patterns) => !patterns.iter().any(|pattern| matches(pattern, relative)),
        }
    }
}

/// `sideEffects` patterns: `*`, `**`, and a pattern without a slash means a file name anywhere.
fn matches(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_start_matches('/');
    if pattern.contains('/') {
        glob(pattern.as_bytes(), path.as_bytes())
    } else {
        glob(
            pattern.as_bytes(),
            path.rsplit('/').next().unwrap_or(path).as_bytes(),
        )
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    // Anything beyond `*` counts as a match: the module then keeps its effects.
    if pattern
        .iter()
        .any(|byte| matches!(byte, b'{' | b'[' | b'?' | b'!'))
    {
        return true;
    }
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) if rest.first() == Some(&b'*') => {
            let rest = rest[1..].strip_prefix(b"/").unwrap_or(&rest[1..]);
            (0..=text.len()).any(|at| glob(rest, &text[at..]))
        }
        Some((b'*', rest)) => (0..=text.len())
            .take_while(|at| *at == 0 || text[*at - 1] != b'/')
            .any(|at| glob(rest, &text[at..])),
        Some((byte, rest)) => text.first() == Some(byte) && glob(rest, &text[1..]),
    }
}

/// A file of the tree: in a package, or of the upload.
pub(crate) enum Place {
    Package { pack: Arc<Pack>, file: String },
    Upload,
}

pub(crate) struct Tree {
    source: Source,
    /// Folder of each installed package → its files, once they are there.
    packages: RwLock<FxHashMap<String, Option<Arc<Pack>>>>,
    /// Folders that hold packages, such as `node_modules/@scope`.
    folders: RwLock<FxHashSet<String>>,
    /// Packages that somebody looked into and that are not there yet.
    wanted: Mutex<BTreeSet<String>>,
    manifests: RwLock<FxHashMap<String, Option<Arc<Manifest>>>>,
}

impl Tree {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            packages: RwLock::default(),
            folders: RwLock::default(),
            wanted: Mutex::default(),
            manifests: RwLock::default(),
        }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Declares the folders of the installed packages.
    pub(crate) fn declare(&self, directories: impl IntoIterator<Item = String>) {
        let mut packages = self
            .packages
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        for directory in directories {
            let mut folder = path::parent(&directory);
            while !folder.is_empty() && folders.insert(folder.to_owned()) {
                folder = path::parent(folder);
            }
            packages.entry(directory).or_insert(None);
        }
    }

    pub(crate) fn load(&self, directory: &str, pack: Arc<Pack>) {
        self.packages
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(directory.to_owned(), Some(pack));
    }

    /// Packages that were looked into since the last call and are still to be fetched.
    pub(crate) fn take_wanted(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The folder of the package that an import of `name` from inside of `folder` means, as Node
    /// looks for it, and whether its files are there. `None` when it is not installed.
    pub(crate) fn package(&self, folder: &str, name: &str) -> Option<(String, bool)> {
        let mut folder = Some(folder);
        while let Some(at) = folder {
            if at.rsplit('/').next() != Some("node_modules") {
                let candidate = if at.is_empty() {
                    format!("node_modules/{name}")
                } else {
                    format!("{at}/node_modules/{name}")
                };
                let slot = self
                    .packages
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&candidate)
                    .map(Option::is_some);
                if let Some(there) = slot {
                    return Some((candidate, there));
                }
                if self.is_folder(&candidate) {
                    return Some((candidate, true));
                }
            }
            folder = (!at.is_empty()).then(|| path::parent(at));
        }
        None
    }

    /// Names of the packages an import from the root can mean.
    pub(crate) fn package_names(&self) -> Vec<String> {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        packages
            .keys()
            .filter_map(|folder| folder.strip_prefix("node_modules/"))
            .filter(|name| !name.contains("/node_modules/"))
            .map(str::to_owned)
            .collect()
    }

    /// The package folder that `path` is in, and the path inside of it.
    fn split(path: &str) -> Option<(&str, &str)> {
        let start = if path.starts_with("node_modules/") && !path.contains("/node_modules/") {
            "node_modules/".len()
        } else {
            path.rfind("/node_modules/")? + "/node_modules/".len()
        };
        let rest = &path[start..];
        let mut end = rest.find('/').unwrap_or(rest.len());
        if rest.starts_with('@') {
            let after = rest.get(end + 1..)?;
            end += 1 + after.find('/').unwrap_or(after.len());
        }
        let folder = &path[..start + end];
        Some((folder, path[start + end..].trim_start_matches('/')))
    }

    pub(crate) fn place(&self, path: &str) -> Place {
        let packages = self.packages.read().unwrap_or_else(PoisonError::into_inner);
        // The innermost package that is installed; one that is inside of another's tarball is not.
        let mut outer = path;
        while let Some((folder, _)) = Self::split(outer) {
            match packages.get(folder) {
                Some(Some(pack)) => {
                    return Place::Package {
                        pack: Arc::clone(pack),
                        file: path[folder.len()..].trim_start_matches('/').to_owned(),
                    };
                }
                Some(None) => {
                    self.wanted
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(folder.to_owned());
                    return Place::Upload;
                }
                None => match folder.rfind("/node_modules/") {
                    Some(at) => outer = &folder[..at],
                    None => break,
                },
            }
        }
        Place::Upload
    }

    pub(crate) fn read(&self, path: &str) -> Option<Bytes> {
        match self.place(path) {
            Place::Package { pack, file, .. } => pack.get(&file),
            Place::Upload => self.source.get(path).cloned(),
        }
    }

    pub(crate) fn is_file(&self, path: &str) -> bool {
        match self.place(path) {
            Place::Package { pack, file, .. } => pack.is_file(&file),
            Place::Upload => self.source.get(path).is_some(),
        }
    }

    pub(crate) fn is_folder(&self, path: &str) -> bool {
        match self.place(path) {
            Place::Package { pack, file, .. } => {
                pack.is_folder(&file)
                    || self
                        .folders
                        .read()
                        .unwrap_or_else(PoisonError::into_inner)
                        .contains(path)
            }
            Place::Upload => {
                self.source.is_folder(path)
                    || self
                        .folders
                        .read()
                        .unwrap_or_else(PoisonError::into_inner)
                        .contains(path)
            }
        }
    }

    /// The nearest manifest at or above the folder of `path`, inside of its package, with the
    /// folder it is in.
    pub(crate) fn manifest(&self, path: &str) -> Option<(String, Arc<Manifest>)> {
        let mut folder = path::parent(path);
        loop {
            if let Some(manifest) = self.manifest_in(folder) {
                return Some((folder.to_owned(), manifest));
            }
            let boundary = Self::split(folder).is_some_and(|(_, inner)| inner.is_empty());
            if folder.is_empty() || boundary {
                return None;
            }
            folder = path::parent(folder);
        }
    }

    /// Whether the package of a module says that evaluating it has no effects. A manifest that does
    /// not say, as packages put below a folder for its `type`, leaves it to the next one above.
    pub(crate) fn is_pure(&self, path: &str) -> bool {
        let mut below = path.to_owned();
        while let Some((folder, manifest)) = self.manifest(&below) {
            if let Some(effects) = &manifest.effects {
                return effects.none_in(path[folder.len()..].trim_start_matches('/'));
            }
            let boundary = Self::split(&folder).is_some_and(|(_, inner)| inner.is_empty());
            if folder.is_empty() || boundary {
                return false;
            }
            below = folder;
        }
        false
    }

    fn manifest_in(&self, folder: &str) -> Option<Arc<Manifest>> {
        if let Some(known) = self
            .manifests
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(folder)
        {
            return known.clone();
        }
        let path = if folder.is_empty() {
            "package.json".to_owned()
        } else {
            format!("{folder}/package.json")
        };
        let manifest = self
            .read(&path)
            .map(|bytes| Arc::new(Manifest::parse(&bytes)));
        self.manifests
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned(), manifest.clone());
        manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_effect_patterns_match_as_bundlers_do() {
        for (pattern, path, expected) in [
            ("*.css", "a/b.css", true),
            ("./src/polyfill.js", "src/polyfill.js", true),
            ("src/**/*.js", "src/a/b/c.js", true),
            ("src/*.js", "src/a/b.js", false),
            ("**/effects.js", "effects.js", true),
            ("x.js", "deep/x.js", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_path_is_split_at_its_innermost_package() {
        for (path, expected) in [
            ("node_modules/a/b.js", Some(("node_modules/a", "b.js"))),
            ("node_modules/@s/a", Some(("node_modules/@s/a", ""))),
            (
                "node_modules/a/node_modules/@s/b/c/d.js",
                Some(("node_modules/a/node_modules/@s/b", "c/d.js")),
            ),
            ("src/a.js", None),
            ("node_modules/@s", None),
        ] {
            assert_eq!(Tree::split(path), expected, "{path}");
        }
    }
}
