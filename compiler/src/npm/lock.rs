//! `package-lock.json`.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{Entry, Error, spec::Spec};
use crate::manifest::{Dependencies, valid_name};

/// A lock file: the tree it fixes, or only versions to prefer.
pub(super) enum Lock {
    /// Versions 2 and 3 fix every folder.
    Exact(BTreeMap<String, Entry>),
    /// What was chosen once, by name.
    Versions(FxHashMap<String, Vec<String>>),
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "lockfileVersion", default)]
    version: u32,
    #[serde(default)]
    packages: BTreeMap<String, Locked>,
    #[serde(default)]
    dependencies: BTreeMap<String, Old>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Locked {
    name: Option<String>,
    version: String,
    resolved: Option<String>,
    integrity: Option<String>,
    dev: bool,
    optional: bool,
    link: bool,
    #[serde(rename = "inBundle")]
    in_bundle: bool,
    os: Option<serde_json::Value>,
    cpu: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Old {
    version: String,
    dependencies: BTreeMap<String, Old>,
}

impl Lock {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| Error::Lock(error.to_string()))?;
        if document.version < 2 {
            let mut versions = FxHashMap::default();
            collect(&document.dependencies, &mut versions, 0);
            return Ok(Self::Versions(versions));
        }
        let mut entries = BTreeMap::new();
        for (folder, locked) in document.packages {
            if folder.is_empty() || locked.dev || locked.in_bundle {
                continue;
            }
            if locked.optional && (locked.os.is_some() || locked.cpu.is_some()) {
                continue;
            }
            let Some(alias) = name_of(&folder) else {
                return Err(Error::Lock(format!(
                    "`{folder}` is not a folder of a package; workspaces are not supported"
                )));
            };
            let name = locked.name.unwrap_or_else(|| alias.to_owned());
            if !valid_name(&name) || !folder_is_valid(&folder) {
                return Err(Error::Lock(format!(
                    "`{folder}` is not a folder of a package"
                )));
            }
            let resolved = locked.resolved.unwrap_or_default();
            if locked.link
                || !(resolved.is_empty()
                    || resolved.starts_with("http://")
                    || resolved.starts_with("https://"))
            {
                return Err(Error::Spec {
                    package: name,
                    spec: resolved,
                    by: "package-lock.json".to_owned(),
                });
            }
            entries.insert(
                folder,
                Entry {
                    name,
                    version: locked.version,
                    tarball: resolved,
                    integrity: locked.integrity,
                },
            );
        }
        Ok(Self::Exact(entries))
    }
}

/// What in package.json the locked tree does not satisfy.
pub(super) fn mismatch(
    entries: &BTreeMap<String, Entry>,
    dependencies: &Dependencies,
    skip: impl Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    for dependency in &dependencies.list {
        if skip(&dependency.name) || dependency.optional {
            continue;
        }
        let spec = Spec::parse(&dependency.name, &dependency.range, "package.json")?;
        match entries.get(&format!("node_modules/{}", dependency.name)) {
            None => return Ok(Some(format!("`{}` is missing", dependency.name))),
            Some(entry) if !spec.fits(&entry.name, &entry.version) => {
                return Ok(Some(format!(
                    "`{}` is locked at {} and package.json wants {}",
                    dependency.name, entry.version, dependency.range
                )));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Versions of a locked tree, to prefer when it does not fit any more.
pub(super) fn versions(entries: &BTreeMap<String, Entry>) -> FxHashMap<String, Vec<String>> {
    let mut versions: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for entry in entries.values() {
        versions
            .entry(entry.name.clone())
            .or_default()
            .push(entry.version.clone());
    }
    versions
}

fn collect(
    dependencies: &BTreeMap<String, Old>,
    versions: &mut FxHashMap<String, Vec<String>>,
    depth: usize,
) {
    for (name, old) in dependencies {
        versions
            .entry(name.clone())
            .or_default()
            .push(old.version.clone());
        if depth < 50 {
            collect(&old.dependencies, versions, depth + 1);
        }
    }
}

/// The name that the last part of a folder gives a package.
fn name_of(folder: &str) -> Option<&str> {
    folder
        .rfind("node_modules/")
        .map(|at| &folder[at + "node_modules/".len()..])
        .filter(|name| valid_name(name))
}

fn folder_is_valid(folder: &str) -> bool {
    folder
        .strip_prefix("node_modules/")
        .is_some_and(|rest| rest.split("/node_modules/").all(valid_name))
}
