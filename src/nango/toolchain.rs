//! What functions of this dialect are compiled, checked and run with: zod, the type checker, and an
//! engine image that has both zod and `nango` in it.
//!
//! All of it comes from npm packages that a lock file of ours pins, when it is first needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use compiler::{Compiler, Source};
use sandbox::{Image, Program, Sandbox};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use typecheck::Checker;

const MANIFEST: &str = include_str!("../../compiler/nango/package.json");
const LOCK: &str = include_str!("../../compiler/nango/package-lock.json");
/// Evaluated once, when the image is made: prepares the host that functions find.
const IMAGE: &str = include_str!("../../sandbox/prelude-nango/image.js");

/// Our own types of the package `nango`.
const TYPES: [(&str, &str); 5] = [
    (
        "package.json",
        include_str!("../../compiler/nango/types/package.json"),
    ),
    (
        "index.d.ts",
        include_str!("../../compiler/nango/types/index.d.ts"),
    ),
    (
        "http.d.ts",
        include_str!("../../compiler/nango/types/http.d.ts"),
    ),
    (
        "credentials.d.ts",
        include_str!("../../compiler/nango/types/credentials.d.ts"),
    ),
    (
        "experimental.d.ts",
        include_str!("../../compiler/nango/types/experimental.d.ts"),
    ),
];

/// The type checker in force where it can be had.
pub const CHECKER: &str = "typescript 7.0.2";

/// How long a failure to get something stands before it is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Something that functions need cannot be had right now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Cheap to clone.
#[derive(Clone)]
pub struct Toolchain {
    inner: Arc<Inner>,
}

struct Inner {
    compiler: Compiler,
    sandbox: Sandbox,
    folder: PathBuf,
    checking: bool,
    image: Mutex<Slot<Image>>,
    checker: Mutex<Slot<Checker>>,
}

/// Something that is made once; a failure is remembered for a moment.
enum Slot<T> {
    Empty,
    Made(T),
    Failed(Instant, Unavailable),
}

impl<T: Clone> Slot<T> {
    fn known(&self) -> Option<Result<T, Unavailable>> {
        match self {
            Self::Made(made) => Some(Ok(made.clone())),
            Self::Failed(at, failure) if at.elapsed() < RETRY => Some(Err(failure.clone())),
            _ => None,
        }
    }
}

impl Toolchain {
    /// Keeps packages below `cache`. Nothing is fetched until it is needed. `checking`: whether
    /// the type checker may be used.
    pub fn new(compiler: Compiler, sandbox: Sandbox, cache: &Path, checking: bool) -> Self {
        let mut hash = Sha256::new();
        for text in [MANIFEST, LOCK]
            .iter()
            .chain(TYPES.iter().map(|(_, text)| text))
        {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let version = hex::encode(&hash.finalize()[..8]);
        // The checker works in a folder of its own.
        let cache = std::path::absolute(cache).unwrap_or_else(|_| cache.to_owned());
        Self {
            inner: Arc::new(Inner {
                compiler,
                sandbox,
                folder: cache.join(version),
                checking,
                image: Mutex::new(Slot::Empty),
                checker: Mutex::new(Slot::Empty),
            }),
        }
    }

    /// Compiles scripts.
    pub fn compiler(&self) -> &Compiler {
        &self.inner.compiler
    }

    /// Runs them.
    pub fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    /// Whether types are to be checked.
    pub fn checks(&self) -> bool {
        self.inner.checking
    }

    /// The engine image of this dialect.
    pub async fn image(&self) -> Result<Image, Unavailable> {
        let mut slot = self.inner.image.lock().await;
        if let Some(known) = slot.known() {
            return known;
        }
        let made = self.make_image().await;
        *slot = match &made {
            Ok(image) => Slot::Made(image.clone()),
            Err(failure) => Slot::Failed(Instant::now(), failure.clone()),
        };
        made
    }

    /// The type checker.
    pub async fn checker(&self) -> Result<Checker, Unavailable> {
        if !self.inner.checking {
            return Err(Unavailable("it is switched off".to_owned()));
        }
        let mut slot = self.inner.checker.lock().await;
        if let Some(known) = slot.known() {
            return known;
        }
        let made = self.make_checker().await;
        *slot = match &made {
            Ok(checker) => Slot::Made(checker.clone()),
            Err(failure) => {
                tracing::warn!(%failure, "the type checker cannot be had; types are not checked");
                Slot::Failed(Instant::now(), failure.clone())
            }
        };
        made
    }

    async fn make_image(&self) -> Result<Image, Unavailable> {
        let begun = Instant::now();
        let entry = "export * from 'zod';\nexport { default } from 'zod';\n";
        let source = Source::from_files([
            ("package.json", MANIFEST),
            ("package-lock.json", LOCK),
            ("index.mjs", entry),
        ]);
        let request = compiler::Request {
            source: &source,
            entrypoint: "index.mjs",
            commands: "npm ci",
            provided: &[],
            require_default_export: false,
        };
        let bundle = self.inner.compiler.compile(request, &|_| {}).await;
        let zod = bundle.map_err(|failure| Unavailable(format!("zod cannot be had: {failure}")))?;
        let zod = zod.code.trim_end().trim_end_matches(';');
        let image = IMAGE.trim_end().trim_end_matches(';');
        let preload =
            format!("(function (platform) {{\nreturn ({image})(platform, ({zod})(platform));\n}})");
        let preload = Program::javascript(preload);
        let image = self.inner.sandbox.image(&preload);
        let image = image
            .await
            .map_err(|error| Unavailable(error.to_string()))?;
        let took = begun.elapsed().as_millis() as u64;
        tracing::info!(
            took_ms = took,
            "the engine image for Nango functions is there"
        );
        Ok(image)
    }

    async fn make_checker(&self) -> Result<Checker, Unavailable> {
        let platform = typecheck::platform::package()
            .ok_or_else(|| Unavailable("there is none for this platform".to_owned()))?;
        let folder = &self.inner.folder;
        let executable =
            typecheck::platform::executable(&folder.join("node_modules").join(platform));
        if !executable.exists() {
            let installed = self.install(platform).await;
            installed.map_err(|error| Unavailable(format!("it cannot be had: {error:#}")))?;
        }
        let options = typecheck::Options::new(executable, folder);
        let checker = typecheck::Options {
            processes: std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4)),
            ..options
        }
        .build();
        Ok(checker)
    }

    /// Fills the folder of packages, whole or not at all.
    async fn install(&self, platform: &str) -> anyhow::Result<()> {
        let folder = &self.inner.folder;
        let parent = folder.parent().unwrap_or(folder);
        tokio::fs::create_dir_all(parent).await?;
        let name = format!(".{}", uuid::Uuid::now_v7().simple());
        let made = parent.join(name);
        let platform = format!("node_modules/{platform}");
        let folders = [
            "node_modules/zod",
            "node_modules/@types/node",
            "node_modules/undici-types",
            &platform,
        ];
        let lock = lock_with(&platform)?;
        let source = Source::from_files([
            ("package.json", MANIFEST.to_owned()),
            ("package-lock.json", lock),
        ]);
        let compiler = &self.inner.compiler;
        compiler.install_packages(&source, &folders, &made).await?;
        let types = made.join("node_modules/nango");
        tokio::fs::create_dir_all(&types).await?;
        for (name, text) in TYPES {
            tokio::fs::write(types.join(name), text).await?;
        }
        make_executable(&typecheck::platform::executable(&made.join(&platform)))?;
        match tokio::fs::rename(&made, folder).await {
            Ok(()) => Ok(()),
            // Another process was faster.
            Err(_) if folder.exists() => Ok(tokio::fs::remove_dir_all(&made).await?),
            Err(error) => Err(error.into()),
        }
    }
}

/// The lock file with one of its packages as for every platform: a bundle never holds one that is
/// for some platforms only, so that they are passed over otherwise.
fn lock_with(folder: &str) -> Result<String, serde_json::Error> {
    let mut lock: serde_json::Value = serde_json::from_str(LOCK)?;
    if let Some(package) = lock["packages"][folder].as_object_mut() {
        package.remove("os");
        package.remove("cpu");
    }
    Ok(lock.to_string())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
