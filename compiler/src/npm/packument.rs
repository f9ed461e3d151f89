//! What a registry says about the versions of a package.

use std::{collections::BTreeMap, time::SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Error;

/// The abbreviated metadata of a package. Versions are parsed when they are chosen.
#[derive(Debug)]
pub(super) struct Packument {
    pub(super) tags: BTreeMap<String, String>,
    versions: BTreeMap<String, Box<RawValue>>,
    /// When the registry was asked for it.
    pub(super) asked: SystemTime,
}

/// One version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Release {
    pub(super) dependencies: Table,
    pub(super) optional_dependencies: Table,
    pub(super) peer_dependencies: Table,
    pub(super) peer_dependencies_meta: BTreeMap<String, PeerMeta>,
    #[serde(alias = "bundledDependencies")]
    pub(super) bundle_dependencies: Option<serde_json::Value>,
    pub(super) os: Option<serde_json::Value>,
    pub(super) cpu: Option<serde_json::Value>,
    pub(super) dist: Dist,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PeerMeta {
    pub(super) optional: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Dist {
    pub(super) tarball: String,
    pub(super) integrity: Option<String>,
    pub(super) shasum: Option<String>,
}

/// A table of strings; anything else in its place counts as empty, as old metadata has it.
#[derive(Debug, Default)]
pub(super) struct Table(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(match value {
            serde_json::Value::Object(entries) => entries
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
                .collect(),
            _ => BTreeMap::new(),
        }))
    }
}

impl Packument {
    pub(super) fn parse(package: &str, bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(rename = "dist-tags", default)]
            tags: BTreeMap<String, String>,
            #[serde(default)]
            versions: BTreeMap<String, Box<RawValue>>,
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| Error::Metadata {
                package: package.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            tags: document.tags,
            versions: document.versions,
            asked: SystemTime::now(),
        })
    }

    pub(super) fn has(&self, version: &str) -> bool {
        self.versions.contains_key(version)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    pub(super) fn release(&self, package: &str, version: &str) -> Result<Release, Error> {
        let raw = self.versions.get(version).map_or("{}", |raw| raw.get());
        serde_json::from_str(raw).map_err(|error| Error::Metadata {
            package: format!("{package}@{version}"),
            reason: error.to_string(),
        })
    }

    pub(super) fn weight(&self) -> usize {
        self.versions
            .values()
            .map(|raw| raw.get().len() + 100)
            .sum::<usize>()
            + 200
    }
}

impl Release {
    /// Dependencies that are inside of the package's own tarball.
    pub(super) fn bundles(&self, name: &str) -> bool {
        match &self.bundle_dependencies {
            Some(serde_json::Value::Array(names)) => {
                names.iter().any(|bundled| bundled.as_str() == Some(name))
            }
            Some(serde_json::Value::Bool(all)) => *all,
            _ => false,
        }
    }

    /// It is machine code for some platform, or otherwise bound to one.
    pub(super) fn is_for_a_platform(&self) -> bool {
        let some = |value: &Option<serde_json::Value>| match value {
            Some(serde_json::Value::Array(entries)) => !entries.is_empty(),
            Some(serde_json::Value::String(_)) => true,
            _ => false,
        };
        some(&self.os) || some(&self.cpu)
    }
}
