//! A client for npm registries.
//!
//! [`Client::resolve`] decides which versions are needed and where they would be
//! in `node_modules`; [`Client::fetch`] brings the files of one of them, which
//! happens only for packages that the bundle reaches. Install scripts never run,
//! development dependencies are not installed.
//!
//! How new answers are: with a lock file of version 2 or 3 nothing is asked but
//! the tarballs it names. Without one, a resolution of the same dependencies is
//! used again for five minutes; after that the metadata is asked for again, with
//! its tag, so that what did not change is not sent.

mod config;
mod error;
mod integrity;
mod lock;
mod pack;
mod packument;
mod registry;
mod solve;
mod spec;
mod store;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use url::Url;

pub use config::{Config, PUBLIC_REGISTRY};
pub use error::Error;
pub(crate) use pack::Pack;
pub use registry::{Answer, Ask, Http, Registry};

use crate::{
    Options, Source,
    manifest::{Dependencies, valid_name},
    units::Recent,
    unpack::{self, UnpackLimits},
};
use lock::Lock;
use packument::Packument;
use solve::Solver;
use store::Store;

/// Packages in one tree.
const PACKAGES: usize = 3_000;
/// Requests to a registry at the same time, per build.
const PARALLEL: usize = 24;
/// Bytes of one packument.
const METADATA: u64 = 64 << 20;

/// Limits for the tarball of a package.
const TARBALL: UnpackLimits = UnpackLimits {
    packed: 64 << 20,
    unpacked: 256 << 20,
    entries: 50_000,
    file: 64 << 20,
    path: 1_024,
};

const ABBREVIATED: &str =
    "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

/// A package in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Name in the registry.
    pub(crate) name: String,
    pub(crate) version: String,
    /// Address of its tarball; empty means the usual place.
    pub(crate) tarball: String,
    pub(crate) integrity: Option<String>,
}

/// Which packages an upload gets, by folder.
#[derive(Debug)]
pub(crate) struct Install {
    entries: BTreeMap<String, Entry>,
    warnings: Vec<String>,
    origin: &'static str,
    config: Config,
    made: SystemTime,
}

impl Install {
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// `name@version` of the packages that these modules are in.
    pub(crate) fn used<'a>(&self, modules: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut used = std::collections::BTreeSet::new();
        for module in modules {
            let mut folder = module;
            while let Some((parent, _)) = folder.rsplit_once('/') {
                folder = parent;
                if let Some(entry) = self.entries.get(folder) {
                    used.insert(format!("{}@{}", entry.name, entry.version));
                    break;
                }
            }
        }
        used.into_iter().collect()
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Where the tree comes from, for the log.
    pub(crate) fn origin(&self) -> &str {
        self.origin
    }
}

#[derive(Serialize, Deserialize)]
struct StoredTree {
    made: u64,
    entries: BTreeMap<String, Entry>,
    warnings: Vec<String>,
}

/// The registry that npm would use for this process.
pub(crate) fn default_registry() -> String {
    config::of_process().registry("").to_string()
}

/// Resolves and fetches packages.
pub(crate) struct Client {
    registry: Option<Arc<dyn Registry>>,
    base: Config,
    store: Store,
    trees: Recent<Install>,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new(options: &Options) -> Self {
        let registry: Option<Arc<dyn Registry>> = options.transport.clone().or_else(|| {
            Http::new(options.private_registries)
                .inspect_err(|error| tracing::error!(%error, "no HTTP client for registries"))
                .ok()
                .map(|http| Arc::new(http) as Arc<dyn Registry>)
        });
        Self {
            registry,
            base: config::of_process().with_registry(&options.registry),
            store: Store::new(options.cache.clone(), options.cache_limit, options.memory),
            trees: Recent::new(16 << 20),
            timeout: options.npm_timeout,
        }
    }

    async fn get(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        match &self.registry {
            Some(registry) => registry.get(ask).await,
            None => Err(Error::Metadata {
                package: ask.package.to_owned(),
                reason: "there is no HTTP client".to_owned(),
            }),
        }
    }

    /// The tree of an upload's dependencies. Names that `skip` holds for are part of the upload or
    /// of the platform.
    pub(crate) async fn resolve(
        &self,
        source: &Source,
        dependencies: &Dependencies,
        frozen: bool,
        skip: impl Fn(&str) -> bool,
    ) -> Result<Arc<Install>, Error> {
        tokio::time::timeout(
            self.timeout,
            self.resolve_now(source, dependencies, frozen, skip),
        )
        .await
        .unwrap_or(Err(Error::Timeout {
            seconds: self.timeout.as_secs(),
        }))
    }

    async fn resolve_now(
        &self,
        source: &Source,
        dependencies: &Dependencies,
        frozen: bool,
        skip: impl Fn(&str) -> bool,
    ) -> Result<Arc<Install>, Error> {
        let npmrc = source
            .get(".npmrc")
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let config = Config::parse(npmrc.as_deref().unwrap_or_default()).over(&self.base);
        let lock_bytes = source
            .get("package-lock.json")
            .or_else(|| source.get("npm-shrinkwrap.json"));

        let wanted: String = dependencies
            .list
            .iter()
            .filter(|dependency| !skip(&dependency.name))
            .map(|dependency| {
                format!(
                    "{}\0{}\0{}\n",
                    dependency.name, dependency.range, dependency.optional
                )
            })
            .chain(
                dependencies
                    .overrides
                    .iter()
                    .map(|(name, range)| format!("{name}\x01{range}\n")),
            )
            .collect();
        let lock_text =
            lock_bytes.map(|bytes| config::hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes)));
        let key = store::key(&[
            &wanted,
            lock_text.as_deref().unwrap_or_default(),
            &config.fingerprint(),
            if frozen { "frozen" } else { "" },
        ]);
        if let Some(known) = self.trees.get(&key)
            && store::is_fresh(known.made)
        {
            return Ok(known);
        }

        let mut warnings = Vec::new();
        let mut preferred = FxHashMap::default();
        if let Some(bytes) = lock_bytes {
            match Lock::parse(bytes)? {
                Lock::Exact(entries) => match lock::mismatch(&entries, dependencies, &skip)? {
                    None => {
                        if entries.len() > PACKAGES {
                            return Err(Error::Count { limit: PACKAGES });
                        }
                        return Ok(self.keep_tree(
                            key,
                            entries,
                            warnings,
                            "from package-lock.json",
                            config,
                            SystemTime::now(),
                        ));
                    }
                    Some(difference) if frozen => return Err(Error::OutOfSync(difference)),
                    Some(difference) => {
                        warnings.push(format!("package-lock.json does not fit package.json ({difference}); resolving again"));
                        preferred = lock::versions(&entries);
                    }
                },
                Lock::Versions(versions) => preferred = versions,
            }
        } else if frozen {
            return Err(Error::OutOfSync("there is no package-lock.json".to_owned()));
        } else if let Some(other) = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"]
            .iter()
            .find(|name| source.get(name).is_some())
        {
            warnings.push(format!(
                "{other} is not read: versions are chosen by the ranges in package.json"
            ));
        }

        if let Some(stored) = self.store.document::<StoredTree>("resolutions", &key).await
            && store::is_fresh(store::from_seconds(stored.made))
        {
            let made = store::from_seconds(stored.made);
            return Ok(self.keep_tree(
                key,
                stored.entries,
                stored.warnings,
                "as resolved before",
                config,
                made,
            ));
        }

        let mut solver = Solver::new(dependencies, &skip, preferred, PACKAGES)?;
        let mut metadata: FxHashMap<String, Result<Arc<Packument>, String>> = FxHashMap::default();
        let mut errors = FxHashMap::default();
        while !solver.is_done() {
            let names: Vec<String> = solver
                .wanted()
                .into_iter()
                .filter(|name| !metadata.contains_key(name))
                .collect();
            let config = &config;
            let mut answers = stream::iter(names)
                .map(|name| async move {
                    let answer = self.packument(config, &name).await;
                    (name, answer)
                })
                .buffer_unordered(PARALLEL);
            while let Some((name, answer)) = answers.next().await {
                match answer {
                    Ok(Some(packument)) => {
                        metadata.insert(name, Ok(packument));
                    }
                    Ok(None) => {
                        metadata.insert(name, Err("absent".to_owned()));
                    }
                    Err(error) => {
                        metadata.insert(name.clone(), Err(error.to_string()));
                        errors.insert(name, error);
                    }
                }
            }
            solver.step(&metadata, &mut errors)?;
        }
        warnings.append(&mut solver.warnings);
        let entries = solver.finish();
        let made = SystemTime::now();
        let stored = StoredTree {
            made: store::seconds(made),
            entries,
            warnings,
        };
        self.store.put_document("resolutions", &key, &stored).await;
        Ok(self.keep_tree(
            key,
            stored.entries,
            stored.warnings,
            "from the registry",
            config,
            made,
        ))
    }

    fn keep_tree(
        &self,
        key: String,
        entries: BTreeMap<String, Entry>,
        warnings: Vec<String>,
        origin: &'static str,
        config: Config,
        made: SystemTime,
    ) -> Arc<Install> {
        let weight = entries.len() * 400 + 200;
        let install = Install {
            entries,
            warnings,
            origin,
            config,
            made,
        };
        let tree = Arc::new(install);
        self.trees.put(key, Arc::clone(&tree), weight);
        tree
    }

    /// The metadata of a package; `None` when the registry has no such package.
    async fn packument(
        &self,
        config: &Config,
        name: &str,
    ) -> Result<Option<Arc<Packument>>, Error> {
        if !valid_name(name) {
            return Ok(None);
        }
        let registry = config.registry(name);
        let url = registry
            .join(&name.replace('/', "%2f"))
            .map_err(|error| Error::Metadata {
                package: name.to_owned(),
                reason: error.to_string(),
            })?;
        let token = config.token(&url);
        let key = store::key(&[url.as_str(), token.unwrap_or_default()]);
        if let Some(known) = self.store.packuments.get(&key)
            && store::is_fresh(known.asked)
        {
            return Ok(Some(known));
        }
        let stored = self.store.metadata(&key).await;
        let (body, asked) = match stored {
            Some((header, body)) if store::is_fresh(store::from_seconds(header.asked)) => {
                (Bytes::from(body), store::from_seconds(header.asked))
            }
            stored => {
                let ask = Ask {
                    package: name,
                    trusted: self.base.names(&url),
                    url,
                    accept: ABBREVIATED,
                    etag: stored
                        .as_ref()
                        .and_then(|(header, _)| header.etag.as_deref()),
                    token,
                    limit: METADATA,
                };
                let (body, etag) = match (self.get(ask).await?, stored) {
                    (Answer::Content { body, etag }, _) => (body, etag),
                    (Answer::Unchanged, Some((header, body))) => (Bytes::from(body), header.etag),
                    (Answer::Unchanged | Answer::Absent, _) => return Ok(None),
                };
                self.store.put_metadata(&key, etag, &body).await;
                (body, SystemTime::now())
            }
        };
        let mut packument = Packument::parse(name, &body)?;
        packument.asked = asked;
        let packument = Arc::new(packument);
        self.store
            .packuments
            .put(key, Arc::clone(&packument), packument.weight());
        Ok(Some(packument))
    }

    /// The files of the package in `folder`.
    pub(crate) async fn fetch(&self, install: &Install, folder: &str) -> Result<Arc<Pack>, Error> {
        tokio::time::timeout(self.timeout, self.fetch_now(install, folder))
            .await
            .unwrap_or(Err(Error::Timeout {
                seconds: self.timeout.as_secs(),
            }))
    }

    async fn fetch_now(&self, install: &Install, folder: &str) -> Result<Arc<Pack>, Error> {
        let entry = install.entries.get(folder).ok_or_else(|| Error::Unknown {
            package: folder.to_owned(),
            by: "the bundle".to_owned(),
        })?;
        let package = format!("{}@{}", entry.name, entry.version);
        let expected = entry.integrity.as_deref().and_then(integrity::strongest);
        if let Some(expected) = expected
            && let Some(pack) = self.store.pack(expected).await
        {
            return Ok(pack);
        }
        let body = self.tarball(install, entry).await?;
        let expected = expected.map(str::to_owned);
        let pack = tokio::task::spawn_blocking(move || {
            unpack_tarball(&package, expected.as_deref(), &body)
        })
        .await
        .unwrap_or_else(|error| {
            Err(Error::Metadata {
                package: folder.to_owned(),
                reason: error.to_string(),
            })
        })?;
        self.store.put_pack(&pack).await;
        Ok(pack)
    }

    /// Every file of the package in `folder`, whatever it is: path and content. Nothing is kept.
    pub(crate) async fn files(
        &self,
        install: &Install,
        folder: &str,
    ) -> Result<Vec<(String, Bytes)>, Error> {
        let entry = install.entries.get(folder).ok_or_else(|| Error::Unknown {
            package: folder.to_owned(),
            by: "the platform".to_owned(),
        })?;
        let body = tokio::time::timeout(self.timeout, self.tarball(install, entry));
        let body = body.await.unwrap_or(Err(Error::Timeout {
            seconds: self.timeout.as_secs(),
        }))?;
        let package = format!("{}@{}", entry.name, entry.version);
        let expected = entry.integrity.as_deref().and_then(integrity::strongest);
        let expected = expected.map(str::to_owned);
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || unpack_files(&package, expected.as_deref(), &body))
            .await
            .unwrap_or_else(|error| {
                Err(Error::Metadata {
                    package: folder,
                    reason: error.to_string(),
                })
            })
            .map(|(_, files)| files)
    }

    /// The tarball of a package as the registry sends it, not verified yet.
    async fn tarball(&self, install: &Install, entry: &Entry) -> Result<Bytes, Error> {
        let package = format!("{}@{}", entry.name, entry.version);
        let config = &install.config;
        let url = if entry.tarball.is_empty() {
            let base = entry.name.rsplit('/').next().unwrap_or(&entry.name);
            config
                .registry(&entry.name)
                .join(&format!("{}/-/{base}-{}.tgz", entry.name, entry.version))
        } else {
            Url::parse(&entry.tarball).map(|url| config.rewrite(&entry.name, &url))
        }
        .map_err(|error| Error::Metadata {
            package: package.clone(),
            reason: format!("the address of its tarball is not valid: {error}"),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Spec {
                package: entry.name.clone(),
                spec: entry.tarball.clone(),
                by: "the registry".to_owned(),
            });
        }
        let ask = Ask {
            package: &package,
            trusted: self.base.names(&url),
            token: config.token(&url),
            url,
            accept: "*/*",
            etag: None,
            limit: TARBALL.packed,
        };
        match self.get(ask).await? {
            Answer::Content { body, .. } => Ok(body),
            Answer::Absent | Answer::Unchanged => Err(Error::Status {
                package,
                status: 404,
            }),
        }
    }
}

fn unpack_tarball(package: &str, expected: Option<&str>, body: &[u8]) -> Result<Arc<Pack>, Error> {
    let (actual, files) = unpack_files(package, expected, body)?;
    Pack::new(actual, files)
        .map(Arc::new)
        .ok_or_else(|| Error::Size {
            package: package.to_owned(),
            limit: u64::from(u32::MAX),
        })
}

/// The files of a tarball whose integrity holds, and that integrity.
fn unpack_files(
    package: &str,
    expected: Option<&str>,
    body: &[u8],
) -> Result<(String, Vec<(String, Bytes)>), Error> {
    let actual = integrity::of(body, expected.unwrap_or("sha512-")).unwrap_or_default();
    if let Some(expected) = expected
        && actual != expected
    {
        return Err(Error::Integrity {
            package: package.to_owned(),
            expected: expected.to_owned(),
            actual,
        });
    }
    let mut files = Vec::new();
    unpack::walk(body, &TARBALL, unpack::Refused::Skipped, |path, content| {
        // Everything is below one folder, `package` mostly.
        if let Some((_, inner)) = path.split_once('/') {
            files.push((inner.to_owned(), content));
        }
    })
    .map_err(|source| Error::Unpack {
        package: package.to_owned(),
        source,
    })?;
    Ok((actual, files))
}
