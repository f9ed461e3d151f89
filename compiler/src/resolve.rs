//! Which file, or which part of the platform, an import means.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use oxc_resolver::{
    FileMetadata, FileSystem, ResolveError, ResolveOptions, ResolverGeneric, TsconfigDiscovery,
    TsconfigOptions, TsconfigReferences,
};

use crate::{path, tree::Tree, unit::DepKind};

/// Names of Node's own modules, as imported without `node:`.
pub(crate) const BUILTINS: &[&str] = &[
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "inspector/promises",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Where [`Settings::paths`](crate::tsconfig::Settings::paths) are put for the resolver to find.
pub(crate) const PATHS_FILE: &str = ".strata.tsconfig.json";

/// What an import means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A file of the tree.
    File(String),
    /// The platform provides it under this name.
    Provided(String),
    /// These packages have to be fetched first.
    Fetch(Vec<String>),
    /// A compiled addon, which cannot run in the sandbox.
    Native(String),
    /// There is no such thing; the sentence says more where something is known.
    Missing(Option<String>),
}

/// The tree as the resolver's file system; its root is `/`.
struct Files(Arc<Tree>);

fn relative(path: &Path) -> Option<String> {
    path::normalise(path.to_str()?)
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl FileSystem for Files {
    fn new() -> Self {
        Self(Arc::new(Tree::new(crate::Source::default())))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        relative(path)
            .and_then(|path| self.0.read(&path))
            .map(|bytes| bytes.to_vec())
            .ok_or_else(not_found)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(self.read(path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let path = relative(path).ok_or_else(not_found)?;
        if self.0.is_file(&path) {
            Ok(FileMetadata::new(true, false, false))
        } else if self.0.is_folder(&path) {
            Ok(FileMetadata::new(false, true, false))
        } else {
            Err(not_found())
        }
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.metadata(path)
    }

    fn read_link(&self, _: &Path) -> Result<PathBuf, ResolveError> {
        Err(io::Error::from(io::ErrorKind::InvalidInput).into())
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
}

/// Resolves imports of one build.
pub(crate) struct Resolver {
    tree: Arc<Tree>,
    provided: Vec<String>,
    web_packages: Vec<String>,
    web_import: ResolverGeneric<Files>,
    web_require: ResolverGeneric<Files>,
    user_import: ResolverGeneric<Files>,
    user_require: ResolverGeneric<Files>,
    package_import: ResolverGeneric<Files>,
    package_require: ResolverGeneric<Files>,
}

impl Resolver {
    pub(crate) fn new(
        tree: Arc<Tree>,
        provided: &[&str],
        conditions: &[String],
        web_packages: &[String],
    ) -> Self {
        let texts = |values: &[&str]| {
            values
                .iter()
                .map(|value| (*value).to_owned())
                .collect::<Vec<_>>()
        };
        let options = |kind: &str, user: bool| ResolveOptions {
            cwd: Some(PathBuf::from("/")),
            condition_names: conditions
                .iter()
                .cloned()
                .chain([kind.to_owned(), "default".to_owned()])
                .collect(),
            extensions: if user {
                texts(&[
                    ".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".jsx", ".json", ".node",
                ])
            } else {
                texts(&[".js", ".json", ".node", ".mjs", ".cjs", ".ts"])
            },
            extension_alias: if user {
                vec![
                    (".js".to_owned(), texts(&[".js", ".ts", ".tsx", ".jsx"])),
                    (".mjs".to_owned(), texts(&[".mjs", ".mts"])),
                    (".cjs".to_owned(), texts(&[".cjs", ".cts"])),
                    (".jsx".to_owned(), texts(&[".jsx", ".tsx"])),
                ]
            } else {
                Vec::new()
            },
            main_fields: texts(&["main", "module"]),
            tsconfig: (user && tree.source().get(PATHS_FILE).is_some()).then(|| {
                TsconfigDiscovery::Manual(TsconfigOptions {
                    config_file: PathBuf::from(format!("/{PATHS_FILE}")),
                    references: TsconfigReferences::Disabled,
                })
            }),
            symlinks: false,
            node_path: false,
            ..ResolveOptions::default()
        };
        let web = |kind: &str| {
            let mut options = options(kind, false);
            options
                .condition_names
                .retain(|condition| condition != "node");
            options
        };
        let user_import = ResolverGeneric::new_with_file_system(
            Files(Arc::clone(&tree)),
            options("import", true),
        );
        Self {
            user_require: user_import.clone_with_options(options("require", true)),
            package_import: user_import.clone_with_options(options("import", false)),
            package_require: user_import.clone_with_options(options("require", false)),
            web_import: user_import.clone_with_options(web("import")),
            web_require: user_import.clone_with_options(web("require")),
            web_packages: web_packages.to_vec(),
            user_import,
            provided: texts(provided),
            tree,
        }
    }

    /// Forgets what was not there, after packages came.
    pub(crate) fn refresh(&self) {
        self.user_import.clear_cache();
    }

    /// The module of the platform that a specifier means.
    fn builtin(&self, specifier: &str) -> Option<String> {
        if self.provided.iter().any(|name| name == specifier) {
            return Some(if BUILTINS.contains(&specifier) {
                format!("node:{specifier}")
            } else {
                specifier.to_owned()
            });
        }
        if specifier.starts_with("node:") {
            return Some(specifier.to_owned());
        }
        BUILTINS
            .contains(&specifier)
            .then(|| format!("node:{specifier}"))
    }

    pub(crate) fn resolve(
        &self,
        importer: &str,
        specifier: &str,
        kind: DepKind,
        user: bool,
    ) -> Outcome {
        if let Some(name) = self.builtin(specifier) {
            return Outcome::Provided(name);
        }
        if specifier.is_empty() {
            return Outcome::Missing(Some("the name is empty".to_owned()));
        }
        if let Some((scheme, _)) = specifier.split_once(':')
            && scheme.len() > 1
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Outcome::Missing(Some(format!(
                "imports of `{scheme}:` addresses are not supported"
            )));
        }
        let folder = path::parent(importer);
        let is_relative = specifier.starts_with("./")
            || specifier.starts_with("../")
            || specifier == "."
            || specifier == "..";
        if is_relative {
            if let Some(file) = self.direct(folder, specifier, user) {
                return Self::file(file);
            }
        } else if let Some(name) = package_name(specifier)
            && let Some((package, false)) = self.tree.package(folder, name)
        {
            return Outcome::Fetch(vec![package]);
        }
        let is_web = package_name(specifier)
            .is_some_and(|name| self.web_packages.iter().any(|web| web == name));
        let resolver = match (user, kind) {
            (_, DepKind::Require) if is_web => &self.web_require,
            _ if is_web => &self.web_import,
            (true, DepKind::Require) => &self.user_require,
            (true, _) => &self.user_import,
            (false, DepKind::Require) => &self.package_require,
            (false, _) => &self.package_import,
        };
        let result = resolver.resolve(format!("/{folder}"), specifier);
        match result {
            Ok(resolution) => match resolution.path().to_str().and_then(path::normalise) {
                Some(file) => Self::file(file),
                None => Outcome::Missing(None),
            },
            Err(error) => {
                let wanted = self.tree.take_wanted();
                if !wanted.is_empty() {
                    return Outcome::Fetch(wanted.into_iter().collect());
                }
                match error {
                    ResolveError::Builtin { resolved, .. } => Outcome::Provided(resolved),
                    error => Outcome::Missing(explain(&error, specifier)),
                }
            }
        }
    }

    fn file(file: String) -> Outcome {
        if file.ends_with(".node") {
            Outcome::Native(file)
        } else {
            Outcome::File(file)
        }
    }

    /// A relative import that names a file as it is, or, inside of a package, without `.js`.
    fn direct(&self, folder: &str, specifier: &str, user: bool) -> Option<String> {
        if specifier.ends_with('/') || specifier.ends_with('.') {
            return None;
        }
        let exact = path::join(folder, specifier)?;
        if self.tree.is_file(&exact) {
            return Some(exact);
        }
        if user {
            return None;
        }
        [".js", ".json"]
            .iter()
            .map(|extension| format!("{exact}{extension}"))
            .find(|candidate| self.tree.is_file(candidate))
    }
}

/// The package that a bare specifier names.
pub(crate) fn package_name(specifier: &str) -> Option<&str> {
    if specifier.starts_with(['.', '/', '#']) {
        return None;
    }
    let mut parts = specifier.splitn(3, '/');
    let first = parts.next()?;
    if first.starts_with('@') {
        let second = parts.next()?;
        return (!second.is_empty()).then(|| &specifier[..first.len() + 1 + second.len()]);
    }
    (!first.is_empty()).then_some(first)
}

fn explain(error: &ResolveError, specifier: &str) -> Option<String> {
    match error {
        ResolveError::NotFound(_) | ResolveError::MatchedAliasNotFound(..) => None,
        ResolveError::PackagePathNotExported { .. } => Some(format!(
            "the package exists, but its `exports` do not allow `{specifier}`"
        )),
        ResolveError::PackageImportNotDefined(..) => Some(format!(
            "`{specifier}` is not among the `imports` of the nearest package.json"
        )),
        error => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn the_package_of_a_specifier() {
        for (specifier, name) in [
            ("zod", Some("zod")),
            ("zod/v4/core", Some("zod")),
            ("@scope/name/x", Some("@scope/name")),
            ("@scope", None),
            ("./x", None),
            ("#x", None),
            ("/x", None),
        ] {
            assert_eq!(package_name(specifier), name, "{specifier}");
        }
    }
}
