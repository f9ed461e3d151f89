//! The way from a source tree to a bundle.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    commands,
    diagnostic::Diagnostic,
    entrypoint,
    failure::Failure,
    graph::{self, Context, Fetch},
    link,
    manifest::Dependencies,
    npm::{self, Client, Install},
    resolve::{BUILTINS, PATHS_FILE, Resolver},
    source::Source,
    tree::Tree,
    tsconfig::Settings,
    unit::{ExportFrom, Kind, Unit},
    units::Recent,
};

/// What a [`Compiler`] is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder for packages and resolutions that are kept between builds; `None` keeps them in memory only.
    pub cache: Option<PathBuf>,
    /// Bytes of that folder; what was not used for the longest time is removed when a process that
    /// uses it starts.
    pub cache_limit: u64,
    /// Address of the npm registry for uploads that do not name one. The default is what npm would
    /// use for this account: `NPM_CONFIG_REGISTRY`, then `.npmrc`, then the public one.
    pub registry: String,
    /// Another way to a registry than HTTP.
    pub transport: Option<Arc<dyn npm::Registry>>,
    /// Whether an upload's `.npmrc` may name registries in private networks.
    pub private_registries: bool,
    /// Longest time for fetching packages in one build.
    pub npm_timeout: Duration,
    /// Conditions for `exports` of packages, besides `import`, `require` and `default`.
    pub conditions: Vec<String>,
    /// Packages that are resolved without the condition `node`: for Node they bring an HTTP client of
    /// their own, which the sandbox has already.
    pub web_packages: Vec<String>,
    /// Largest number of modules in a bundle.
    pub modules: usize,
    /// Largest bundle, in bytes.
    pub bundle: usize,
    /// Bytes of memory for transformed modules.
    pub memory: usize,
    /// Threads that transform modules.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: None,
            registry: npm::default_registry(),
            transport: None,
            private_registries: false,
            npm_timeout: Duration::from_secs(120),
            conditions: vec![
                "strata".to_owned(),
                "wintercg".to_owned(),
                "node".to_owned(),
            ],
            web_packages: vec![
                "node-fetch-native".to_owned(),
                "node-fetch-native-with-agent".to_owned(),
            ],
            modules: 20_000,
            bundle: 64 << 20,
            memory: 128 << 20,
            threads: std::thread::available_parallelism()
                .map_or(2, usize::from)
                .min(8),
            cache_limit: 4 << 30,
        }
    }
}

/// A build.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The upload.
    pub source: &'a Source,
    /// The file the function starts with, relative to the upload's root.
    pub entrypoint: &'a str,
    /// The build commands, which may be empty; see the crate's documentation for those it knows.
    pub commands: &'a str,
    /// Names that the platform provides at run time and that are not bundled, besides Node's own.
    pub provided: &'a [&'a str],
    /// Fail when the entry module has no default export.
    pub require_default_export: bool,
}

/// The product of a build.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// A JavaScript expression: a function that takes the platform and returns the entry module's
    /// exports, or a promise of them when [`Bundle::waits`].
    pub code: String,
    /// The source map of `code`, version 3, JSON.
    pub source_map: String,
    /// How many modules are in it.
    pub modules: usize,
    /// A module awaits at its top level.
    pub waits: bool,
    /// The file of the upload that became the entry.
    pub entry: String,
    /// Names the bundle asks the platform for, such as `node:crypto`, sorted.
    pub provided: Vec<String>,
    /// Packages in the bundle, as `name@version`, sorted; empty for packages that came with the upload.
    pub packages: Vec<String>,
}

/// Compiles uploads. Cheap to clone; clones share caches and threads.
#[derive(Clone)]
pub struct Compiler {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    npm: Client,
    units: Arc<Recent<Unit>>,
    pool: OnceLock<rayon::ThreadPool>,
}

/// Bytes of stack for a compiler thread. Only what is used is backed by memory.
const STACK: usize = 1 << 30;

impl Options {
    /// A compiler with these options.
    #[must_use]
    pub fn build(self) -> Compiler {
        Compiler {
            inner: Arc::new(Inner {
                npm: Client::new(&self),
                units: Arc::new(Recent::new(self.memory)),
                pool: OnceLock::new(),
                options: self,
            }),
        }
    }
}

impl Inner {
    fn pool(&self) -> Result<&rayon::ThreadPool, Failure> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.options.threads)
            .stack_size(STACK)
            .thread_name(|number| format!("compiler-{number}"))
            .build()
            .map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(self.pool.get_or_init(|| pool))
    }
}

/// Brings packages of an [`Install`] into a [`Tree`].
struct Installer<'a> {
    npm: &'a Client,
    install: Option<&'a Install>,
    tree: &'a Tree,
}

impl Fetch for Installer<'_> {
    async fn fetch(&self, directories: Vec<String>) -> Result<(), Failure> {
        let Some(install) = self.install else {
            return Ok(());
        };
        stream::iter(directories)
            .map(|directory| async move {
                let pack = self.npm.fetch(install, &directory).await?;
                self.tree.load(&directory, pack);
                Ok::<_, npm::Error>(())
            })
            .buffer_unordered(16)
            .try_collect::<()>()
            .await?;
        Ok(())
    }
}

impl Compiler {
    /// The threads that have stacks for deep syntax trees.
    pub(crate) fn pool(&self) -> Result<&rayon::ThreadPool, Failure> {
        self.inner.pool()
    }

    /// Builds one bundle. `log` gets the lines of the build log as they come.
    ///
    /// # Errors
    /// See [`Failure`]; its text belongs into the build log.
    pub async fn compile(
        &self,
        request: Request<'_>,
        log: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Bundle, Failure> {
        let inner = &*self.inner;
        let started = Instant::now();
        let mut source = request.source.clone();
        let wanted = crate::path::normalise(request.entrypoint);
        source = source.without_wrapper(|source| {
            source.get("package.json").is_some()
                || wanted
                    .as_ref()
                    .is_some_and(|wanted| source.get(wanted).is_some())
        });
        let plan = commands::parse(request.commands, &source)?;
        let settings = Settings::read(&source)
            .map_err(|message| one(Diagnostic::file("tsconfig.json", message)))?;
        let entry = entrypoint::find(&source, request.entrypoint, &settings).map_err(one)?;
        if plan.compile {
            log("TypeScript is compiled as part of the bundle");
        }
        let dependencies = Dependencies::read(&source).map_err(one)?;
        let install = self
            .install(&source, &dependencies, plan, request.provided, log)
            .await?;

        if let Some(paths) = &settings.paths {
            source.insert(PATHS_FILE.to_owned(), paths.clone().into());
        }
        let tree = Arc::new(Tree::new(source));
        if let Some(install) = &install {
            tree.declare(install.directories().map(str::to_owned));
        }
        let context = Arc::new(Context {
            resolver: Resolver::new(
                Arc::clone(&tree),
                request.provided,
                &inner.options.conditions,
                &inner.options.web_packages,
            ),
            tree: Arc::clone(&tree),
            settings,
            units: Arc::clone(&inner.units),
            limit: inner.options.modules,
            declared: dependencies.names().map(str::to_owned).collect(),
        });
        let installer = Installer {
            npm: &inner.npm,
            install: install.as_deref(),
            tree: &tree,
        };
        let pool = inner.pool()?;
        let modules = graph::build(pool, context, entry.clone(), &installer).await?;

        if request.require_default_export {
            check_default(&modules).map_err(one)?;
        }
        let mut provided: Vec<String> = modules
            .iter()
            .flat_map(|module| &module.targets)
            .filter_map(|target| match target {
                link::Target::Provided(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        provided.sort();
        provided.dedup();
        let packages = install
            .as_ref()
            .map(|install| install.used(modules.iter().map(|module| module.path.as_str())))
            .unwrap_or_default();
        let linked = graph::on_pool(pool, move || link::link(&modules, BUILTINS))
            .await?
            .map_err(Failure::Diagnostics)?;
        if linked.code.len() > inner.options.bundle {
            return Err(Failure::Limit(format!(
                "the bundle is {} bytes; at most {} are allowed",
                linked.code.len(),
                inner.options.bundle
            )));
        }
        log(&format!(
            "Bundled {} {} into {} in {} ms",
            linked.modules,
            if linked.modules == 1 {
                "module"
            } else {
                "modules"
            },
            size(linked.code.len()),
            started.elapsed().as_millis()
        ));
        Ok(Bundle {
            code: linked.code,
            source_map: linked.source_map,
            modules: linked.modules,
            waits: linked.waits,
            entry,
            provided,
            packages,
        })
    }

    /// Writes whole packages that a lock file pins, by their folders in it, below `to`. `source`
    /// holds `package.json` and `package-lock.json`; a package whose integrity does not hold is
    /// refused.
    ///
    /// # Errors
    /// When a package cannot be fetched, verified or written.
    pub async fn install_packages(
        &self,
        source: &Source,
        folders: &[&str],
        to: &Path,
    ) -> Result<(), Failure> {
        let dependencies = Dependencies::read(source).map_err(one)?;
        let npm = &self.inner.npm;
        let install = npm.resolve(source, &dependencies, true, |_| false).await?;
        for folder in folders {
            let files = npm.files(&install, folder).await?;
            let at = to.join(folder);
            let written = tokio::task::spawn_blocking(move || write_all(&at, &files));
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Failure::Internal(error.to_string())),
                Err(error) => return Err(Failure::Internal(error.to_string())),
            }
        }
        Ok(())
    }

    /// Resolves the dependencies that are declared and not in the upload.
    async fn install(
        &self,
        source: &Source,
        dependencies: &Dependencies,
        plan: commands::Plan,
        provided: &[&str],
        log: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Option<Arc<Install>>, Failure> {
        let skip = |name: &str| {
            provided.contains(&name)
                || source
                    .get(&format!("node_modules/{name}/package.json"))
                    .is_some()
        };
        if dependencies.names().all(skip) {
            if plan.install {
                log(if dependencies.is_empty() {
                    "package.json declares no dependencies"
                } else {
                    "All dependencies are in the upload or part of the platform"
                });
            }
            return Ok(None);
        }
        if !plan.install {
            log("package.json declares dependencies that are not in the upload: resolving them");
        }
        let started = Instant::now();
        let install = self
            .inner
            .npm
            .resolve(source, dependencies, plan.frozen, skip)
            .await?;
        for warning in install.warnings() {
            log(&format!("warning: {warning}"));
        }
        log(&format!(
            "Resolved {} {} {} in {} ms",
            install.len(),
            if install.len() == 1 {
                "package"
            } else {
                "packages"
            },
            install.origin(),
            started.elapsed().as_millis()
        ));
        Ok(Some(install))
    }
}

/// Paths come from an archive that was checked: they do not leave the folder.
fn write_all(at: &Path, files: &[(String, bytes::Bytes)]) -> std::io::Result<()> {
    for (name, content) in files {
        let path = at.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

fn one(diagnostic: Diagnostic) -> Failure {
    Failure::Diagnostics(vec![diagnostic])
}

fn size(bytes: usize) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{:.1} kB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
    }
}

/// The entry needs a default export, or, as a CommonJS module, any export.
fn check_default(modules: &[link::Module]) -> Result<(), Diagnostic> {
    let Some(entry) = modules.first() else {
        return Ok(());
    };
    let unit = &entry.unit;
    let found = match unit.kind {
        Kind::Esm => unit.exports.get("default").is_some(),
        Kind::Cjs => unit.assigns_exports,
        Kind::Json => false,
    };
    if found {
        return Ok(());
    }
    let text = entry.text.as_deref().unwrap_or_default();
    let near = ["handler", "main", "handle", "run"]
        .iter()
        .find_map(|name| {
            unit.exports
                .get(name)
                .filter(|export| matches!(export.from, ExportFrom::Local(_)))
                .map(|export| export.name.as_str())
        });
    let (start, hint) = match near {
        Some(name) => (
            text.find(&format!(" {name}")).map_or(0, |at| at + 1),
            format!("`{name}` is exported by name; write `export default {name};`"),
        ),
        None => (
            0,
            "write `export default async (context) => { … }`, or `module.exports = …` in CommonJS"
                .to_owned(),
        ),
    };
    let end = text[start..]
        .find([' ', '(', '\n', '='])
        .map_or(text.len(), |length| start + length);
    Err(Diagnostic::at(
        &entry.path,
        text,
        start,
        end,
        format!("The entrypoint `{}` has no default export", entry.path),
    )
    .hint(hint))
}
