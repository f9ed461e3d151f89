//! How a sandbox is set up.

use std::path::PathBuf;

use crate::service::shared_file;
use crate::{Error, Sandbox, image};

/// Settings of a [`Sandbox`].
#[derive(Clone)]
pub struct Options {
    /// Folder of compiled artefacts. It may be emptied at any time.
    pub cache_dir: PathBuf,
    /// Key of this installation: compiled artefacts are machine code and are
    /// loaded only when a MAC made with it holds.
    pub mac_key: [u8; 32],
    /// Executions at one moment, over all functions.
    pub max_instances: u32,
    /// Largest linear memory any execution may be given, in bytes.
    pub max_memory: usize,
    /// Memory for loaded tier-1 artefacts, in bytes. The least recently used go.
    pub artefact_memory: usize,
    /// Disk space for tier-1 artefacts, in bytes. The oldest go; their programs
    /// run on tier 0 until they are specialised again.
    pub artefact_disk: u64,
}

impl Options {
    /// Settings with defaults for everything but the cache folder and the key.
    pub fn new(cache_dir: impl Into<PathBuf>, mac_key: [u8; 32]) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            mac_key,
            max_instances: 256,
            max_memory: 4 << 30,
            artefact_memory: 256 << 20,
            artefact_disk: 16 << 30,
        }
    }

    /// Whether the cache has an engine image of this version.
    pub fn is_compiled(&self) -> bool {
        let name = shared_file(&image::VERSION);
        self.cache_dir.join(name).exists()
    }

    /// Sets the sandbox up: loads the shared engine image from the cache, or
    /// builds it (a few seconds, once per version).
    pub async fn build(self) -> Result<Sandbox, Error> {
        Sandbox::start(self).await
    }
}
