//! Which versions, and where: the tree that npm would make in `node_modules`.
//!
//! Breadth first. A dependency that a folder further up already satisfies is
//! done; else a version is chosen and put as high as it can be without changing
//! what anything placed before finds.

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use super::{
    Entry, Error,
    packument::{Packument, Release},
    spec::Spec,
};
use crate::manifest::{Dependencies, valid_name};

/// A dependency that is to be satisfied.
struct Edge {
    /// Folder of the dependent; empty for the upload itself.
    from: String,
    /// Who that is, for messages.
    by: String,
    name: String,
    spec: Spec,
    optional: bool,
    peer: bool,
}

/// A dependency that is satisfied: from where, by what.
struct Satisfied {
    from: String,
    spec: Spec,
    found: String,
}

/// The state of a resolution. [`Solver::wanted`] names the packages whose metadata the next
/// [`Solver::step`] needs.
pub(super) struct Solver {
    queue: VecDeque<Edge>,
    placed: BTreeMap<String, Entry>,
    satisfied: FxHashMap<String, Vec<Satisfied>>,
    overrides: Vec<(String, String)>,
    /// Versions of an earlier lock file, by name.
    preferred: FxHashMap<String, Vec<String>>,
    limit: usize,
    pub(super) warnings: Vec<String>,
}

impl Solver {
    pub(super) fn new(
        dependencies: &Dependencies,
        skip: impl Fn(&str) -> bool,
        preferred: FxHashMap<String, Vec<String>>,
        limit: usize,
    ) -> Result<Self, Error> {
        let mut solver = Self {
            queue: VecDeque::new(),
            placed: BTreeMap::new(),
            satisfied: FxHashMap::default(),
            overrides: dependencies.overrides.clone(),
            preferred,
            limit,
            warnings: Vec::new(),
        };
        for dependency in &dependencies.list {
            if skip(&dependency.name) {
                continue;
            }
            let by = "package.json";
            match Spec::parse(&dependency.name, &dependency.range, by) {
                Ok(spec) => solver.queue.push_back(Edge {
                    from: String::new(),
                    by: by.to_owned(),
                    name: dependency.name.clone(),
                    spec,
                    optional: dependency.optional,
                    peer: false,
                }),
                Err(_) if dependency.optional => {}
                Err(error) => return Err(error),
            }
        }
        Ok(solver)
    }

    /// Names whose metadata is needed for the edges that are waiting now.
    pub(super) fn wanted(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .queue
            .iter()
            .filter(|edge| {
                self.lookup(&edge.from, &edge.name)
                    .is_none_or(|found| !self.fits(&found, &edge.spec))
            })
            .map(|edge| edge.spec.name.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn finish(self) -> BTreeMap<String, Entry> {
        self.placed
    }

    fn fits(&self, folder: &str, spec: &Spec) -> bool {
        self.placed
            .get(folder)
            .is_some_and(|entry| spec.fits(&entry.name, &entry.version))
    }

    /// The folder that an import of `name` from `from` finds.
    fn lookup(&self, from: &str, name: &str) -> Option<String> {
        levels(from)
            .map(|level| inside(level, name))
            .find(|candidate| self.placed.contains_key(candidate))
    }

    /// Satisfies every edge that waits now. `metadata` has an answer, possibly an error, for each
    /// name of [`Solver::wanted`].
    pub(super) fn step(
        &mut self,
        metadata: &FxHashMap<String, Result<std::sync::Arc<Packument>, String>>,
        errors: &mut FxHashMap<String, Error>,
    ) -> Result<(), Error> {
        for edge in std::mem::take(&mut self.queue) {
            let found = self.lookup(&edge.from, &edge.name);
            if let Some(found) = &found {
                if self.fits(found, &edge.spec) {
                    self.note(edge, found.clone());
                    continue;
                }
                if edge.peer {
                    // npm would refuse for a direct dependency and use what is there otherwise.
                    let entry = &self.placed[found];
                    self.warnings.push(format!(
                        "{} wants {}@{} beside it and gets {}",
                        edge.by, edge.name, edge.spec.text, entry.version
                    ));
                    continue;
                }
            }
            match metadata.get(&edge.spec.name) {
                Some(Ok(packument)) => match self.place(&edge, packument) {
                    Ok(()) => {}
                    Err(_) if edge.optional => {}
                    Err(error) => return Err(error),
                },
                _ if edge.optional => {}
                Some(Err(_)) => {
                    return Err(errors.remove(&edge.spec.name).unwrap_or(Error::Unknown {
                        package: edge.spec.name,
                        by: edge.by,
                    }));
                }
                // Something placed meanwhile changed what the edge finds: next time.
                None => self.queue.push_back(edge),
            }
        }
        Ok(())
    }

    fn note(&mut self, edge: Edge, found: String) {
        self.satisfied
            .entry(edge.name)
            .or_default()
            .push(Satisfied {
                from: edge.from,
                spec: edge.spec,
                found,
            });
    }

    fn place(&mut self, edge: &Edge, packument: &Packument) -> Result<(), Error> {
        let preferred = self
            .preferred
            .get(&edge.name)
            .map_or(&[][..], Vec::as_slice);
        let version = edge
            .spec
            .choose(packument, preferred)
            .ok_or_else(|| Error::NoVersion {
                package: edge.spec.name.clone(),
                range: edge.spec.text.clone(),
                by: edge.by.clone(),
                latest: packument
                    .tags
                    .get("latest")
                    .cloned()
                    .unwrap_or_else(|| "unknown".to_owned()),
            })?;
        let release = packument.release(&edge.spec.name, &version)?;
        if edge.optional && release.is_for_a_platform() {
            return Ok(());
        }
        if self.placed.len() >= self.limit {
            return Err(Error::Count { limit: self.limit });
        }
        let folder = self.folder(edge, &version);
        let by = format!("{}@{version}", edge.spec.name);
        self.edges(&folder, &by, &release)?;
        self.placed.insert(
            folder.clone(),
            Entry {
                name: edge.spec.name.clone(),
                version,
                tarball: release.dist.tarball.clone(),
                integrity: release.dist.integrity.clone().or_else(|| {
                    release
                        .dist
                        .shasum
                        .as_deref()
                        .and_then(super::integrity::from_shasum)
                }),
            },
        );
        self.satisfied
            .entry(edge.name.clone())
            .or_default()
            .push(Satisfied {
                from: edge.from.clone(),
                spec: edge.spec.clone(),
                found: folder,
            });
        Ok(())
    }

    /// The highest folder where the version can be.
    fn folder(&self, edge: &Edge, version: &str) -> String {
        // A peer is beside its dependent or above, never inside of it.
        let start = if edge.peer {
            owner(&edge.from)
        } else {
            &edge.from
        };
        let mut best = inside(start, &edge.name);
        for level in levels(start) {
            let candidate = inside(level, &edge.name);
            if self.placed.contains_key(&candidate) {
                break;
            }
            if self.shadows(level, &candidate, edge, version) {
                continue;
            }
            best = candidate;
        }
        best
    }

    /// Whether something below `level` would find the new version and must not.
    fn shadows(&self, level: &str, candidate: &str, edge: &Edge, version: &str) -> bool {
        self.satisfied.get(&edge.name).is_some_and(|list| {
            list.iter().any(|other| {
                below(&other.from, level)
                    && other.found.len() < candidate.len()
                    && below(candidate, path_of_level(&other.found))
                    && !other.spec.fits(&edge.spec.name, version)
            })
        })
    }

    fn edges(&mut self, folder: &str, by: &str, release: &Release) -> Result<(), Error> {
        let mut wanted: BTreeMap<&str, (&str, bool, bool)> = BTreeMap::new();
        for (name, range) in &release.peer_dependencies.0 {
            if release
                .peer_dependencies_meta
                .get(name)
                .is_none_or(|meta| !meta.optional)
            {
                wanted.insert(name, (range, false, true));
            }
        }
        for (name, range) in &release.dependencies.0 {
            wanted.insert(name, (range, false, false));
        }
        // npm lists optional dependencies among the others too.
        for (name, range) in &release.optional_dependencies.0 {
            wanted.insert(name, (range, true, false));
        }
        for (name, (range, optional, peer)) in wanted {
            if release.bundles(name) || !valid_name(name) {
                continue;
            }
            let range = self
                .overrides
                .iter()
                .find(|(overridden, _)| overridden == name)
                .map_or(range, |(_, range)| range.as_str());
            let spec = match Spec::parse(name, range, by) {
                Ok(spec) => spec,
                Err(_) if optional => continue,
                Err(error) => return Err(error),
            };
            self.queue.push_back(Edge {
                from: folder.to_owned(),
                by: by.to_owned(),
                name: name.to_owned(),
                spec,
                optional,
                peer,
            });
        }
        Ok(())
    }
}

/// `level`'s `node_modules/name`.
fn inside(level: &str, name: &str) -> String {
    if level.is_empty() {
        format!("node_modules/{name}")
    } else {
        format!("{level}/node_modules/{name}")
    }
}

/// The package folder whose `node_modules` holds the package at `folder`.
fn owner(folder: &str) -> &str {
    match folder.rfind("/node_modules/") {
        Some(at) => &folder[..at],
        None => "",
    }
}

/// The folder whose `node_modules` holds `found`.
fn path_of_level(found: &str) -> &str {
    owner(found)
}

/// A package folder, its owner, the owner's owner, …, the root.
fn levels(folder: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder), |level| {
        (!level.is_empty()).then(|| owner(level))
    })
}

fn below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// `(name, [(version, dependencies)])` → folders and versions.
    fn solve(registry: &[(&str, &str)], root: &str) -> Vec<(String, String)> {
        let metadata: FxHashMap<String, Result<Arc<Packument>, String>> = registry
            .iter()
            .map(|(name, versions)| {
                let document = format!("{{\"versions\": {versions}}}");
                (
                    (*name).to_owned(),
                    Ok(Arc::new(
                        Packument::parse(name, document.as_bytes()).unwrap(),
                    )),
                )
            })
            .collect();
        let source = crate::Source::from_files([("package.json", root.to_owned())]);
        let dependencies = Dependencies::read(&source).unwrap();
        let mut solver = Solver::new(&dependencies, |_| false, FxHashMap::default(), 100).unwrap();
        while !solver.is_done() {
            solver.step(&metadata, &mut FxHashMap::default()).unwrap();
        }
        solver
            .finish()
            .into_iter()
            .map(|(folder, entry)| {
                (
                    folder.replace("node_modules", "n"),
                    format!("{}@{}", entry.name, entry.version),
                )
            })
            .collect()
    }

    #[test]
    fn trees_are_those_of_npm() {
        let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        let registry = [
            (
                "a",
                r#"{"1.0.0": {"dependencies": {"c": "^1"}}, "2.0.0": {}}"#,
            ),
            ("b", r#"{"1.0.0": {"dependencies": {"c": "^2", "d": "*"}}}"#),
            (
                "c",
                r#"{"1.0.0": {}, "1.1.0": {}, "2.0.0": {"dependencies": {"d": "^1"}}}"#,
            ),
            (
                "d",
                r#"{"1.0.0": {}, "2.0.0": {"dependencies": {"c": "^1"}}}"#,
            ),
            (
                "p",
                r#"{"1.0.0": {"peerDependencies": {"c": "^2", "q": "*"}, "peerDependenciesMeta": {"q": {"optional": true}}}}"#,
            ),
            (
                "o",
                r#"{"1.0.0": {"dependencies": {"plat": "1"}, "optionalDependencies": {"plat": "1", "nothing": "1"}}}"#,
            ),
            ("plat", r#"{"1.0.0": {"os": ["darwin"]}}"#),
        ];
        for (root, expected) in [
            // One version is shared at the root, the other is nested; the nested one's dependent is kept right.
            (
                r#"{"dependencies": {"a": "1", "b": "1"}}"#,
                pairs(&[
                    ("n/a", "a@1.0.0"),
                    ("n/b", "b@1.0.0"),
                    ("n/b/n/c", "c@2.0.0"),
                    ("n/b/n/d", "d@1.0.0"),
                    ("n/c", "c@1.1.0"),
                    ("n/d", "d@2.0.0"),
                ]),
            ),
            // The first dependent in the alphabet gets the root.
            (
                r#"{"dependencies": {"b": "1"}}"#,
                pairs(&[
                    ("n/b", "b@1.0.0"),
                    ("n/c", "c@2.0.0"),
                    ("n/c/n/d", "d@1.0.0"),
                    ("n/d", "d@2.0.0"),
                    ("n/d/n/c", "c@1.1.0"),
                ]),
            ),
            // Peers are installed beside, optional peers are not.
            (
                r#"{"dependencies": {"p": "1"}}"#,
                pairs(&[("n/c", "c@2.0.0"), ("n/d", "d@1.0.0"), ("n/p", "p@1.0.0")]),
            ),
            (
                r#"{"dependencies": {"o": "1"}}"#,
                pairs(&[("n/o", "o@1.0.0")]),
            ),
            (
                r#"{"dependencies": {"x": "npm:a@2", "a": "1"}, "overrides": {"c": "1.0.0"}}"#,
                pairs(&[("n/a", "a@1.0.0"), ("n/c", "c@1.0.0"), ("n/x", "a@2.0.0")]),
            ),
        ] {
            assert_eq!(solve(&registry, root), expected, "{root}");
        }
    }
}
