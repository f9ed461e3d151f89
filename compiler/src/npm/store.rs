//! What is kept between builds: packages, metadata, resolutions.
//!
//! | Folder | Key | Content |
//! |---|---|---|
//! | `packs` | integrity | a package's files; never changes |
//! | `metadata` | registry and name | a packument, its tag, and when it was asked for |
//! | `resolutions` | dependencies, lock file, registries | a tree and when it was made |
//!
//! Files are written under another name first and moved, so that a reader, of
//! this process or of another, sees all of a file or none. Damage is found by
//! checksums and by parsing; a damaged file is as good as none.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{Pack, config::hex, packument::Packument};
use crate::units::Recent;

/// How long a resolution without a lock file, and metadata, count as new.
pub(super) const FRESH: Duration = Duration::from_secs(300);

pub(super) struct Store {
    folder: Option<PathBuf>,
    packs: Recent<Pack>,
    pub(super) packuments: Recent<Packument>,
}

pub(super) fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..20])
}

/// Whether `then` is less than [`FRESH`] ago.
pub(super) fn is_fresh(then: SystemTime) -> bool {
    SystemTime::now()
        .duration_since(then)
        .is_ok_and(|age| age < FRESH)
}

pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

pub(super) fn from_seconds(seconds: u64) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(UNIX_EPOCH)
}

impl Store {
    pub(super) fn new(folder: Option<PathBuf>, limit: u64, memory: usize) -> Self {
        if let Some(folder) = folder.clone() {
            // In the background: a build that starts meanwhile at worst fetches a package again.
            std::thread::spawn(move || prune(&folder, limit));
        }
        Self {
            folder,
            packs: Recent::new(memory),
            packuments: Recent::new(memory / 4),
        }
    }

    fn path(&self, kind: &str, key: &str) -> Option<PathBuf> {
        Some(
            self.folder
                .as_ref()?
                .join(kind)
                .join(&key[..2.min(key.len())])
                .join(key),
        )
    }

    /// Reads a file of the store off the async threads.
    async fn read(&self, kind: &str, key: &str) -> Option<Vec<u8>> {
        let path = self.path(kind, key)?;
        tokio::task::spawn_blocking(move || std::fs::read(path))
            .await
            .ok()?
            .ok()
    }

    async fn write(&self, kind: &str, key: &str, bytes: Vec<u8>) {
        let Some(path) = self.path(kind, key) else {
            return;
        };
        let written = tokio::task::spawn_blocking(move || write(&path, &bytes)).await;
        if let Ok(Err(error)) = written {
            // The build goes on without the cache.
            tracing::warn!(%error, "the package cache cannot be written");
        }
    }

    pub(super) async fn pack(&self, integrity: &str) -> Option<Arc<Pack>> {
        let key = key(&[integrity]);
        if let Some(pack) = self.packs.get(&key) {
            return Some(pack);
        }
        let bytes = self.read("packs", &key).await?;
        let pack = Pack::decode(integrity.to_owned(), bytes)?;
        self.packs.put(key, Arc::clone(&pack), pack.weight());
        Some(pack)
    }

    pub(super) async fn put_pack(&self, pack: &Arc<Pack>) {
        let key = key(&[&pack.id]);
        self.packs.put(key.clone(), Arc::clone(pack), pack.weight());
        if self.folder.is_some() {
            self.write("packs", &key, pack.encode()).await;
        }
    }

    pub(super) async fn document<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Option<T> {
        let bytes = self.read(kind, key).await?;
        let (head, body) = bytes.split_at_checked(32)?;
        if head != sum(body).as_bytes() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    pub(super) async fn put_document<T: Serialize>(&self, kind: &str, key: &str, value: &T) {
        if self.folder.is_some()
            && let Ok(body) = serde_json::to_vec(value)
        {
            self.write(kind, key, [sum(&body).as_bytes(), &body].concat())
                .await;
        }
    }

    /// A document that is stored as a line of JSON and a body.
    pub(super) async fn metadata(&self, key: &str) -> Option<(Header, Vec<u8>)> {
        let mut bytes = self.read("metadata", key).await?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
        bytes.drain(..=end);
        (header.sum == sum(&bytes)).then_some((header, bytes))
    }

    pub(super) async fn put_metadata(&self, key: &str, etag: Option<String>, body: &[u8]) {
        if self.folder.is_none() {
            return;
        }
        let header = Header {
            etag,
            asked: seconds(SystemTime::now()),
            sum: sum(body),
        };
        if let Ok(mut bytes) = serde_json::to_vec(&header) {
            bytes.push(b'\n');
            bytes.extend_from_slice(body);
            self.write("metadata", key, bytes).await;
        }
    }
}

/// First line of a stored packument.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Header {
    pub(super) etag: Option<String>,
    pub(super) asked: u64,
    sum: String,
}

/// Removes the oldest files until the folder is below its limit.
fn prune(folder: &Path, limit: u64) {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    let used = metadata
                        .accessed()
                        .or_else(|_| metadata.modified())
                        .unwrap_or(UNIX_EPOCH);
                    files.push((used, metadata.len(), entry.path()));
                }
                Err(_) => {}
            }
        }
    }
    let mut size: u64 = files.iter().map(|(_, length, _)| length).sum();
    files.sort();
    for (_, length, path) in files {
        if size <= limit {
            break;
        }
        if std::fs::remove_file(path).is_ok() {
            size -= length;
        }
    }
}

fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..16])
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)?;
    let unique = COUNT.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{unique}.tmp", std::process::id()));
    let result = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if result.is_err() {
        // Nothing more can be done about a draft that cannot be removed.
        let _ = std::fs::remove_file(&draft);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_files_are_removed_when_there_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in ["a", "b", "c"].iter().enumerate() {
            let path = folder.path().join(name).join("file");
            write(&path, &[0; 100]).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(1_000 + number as u64);
            let times = std::fs::FileTimes::new()
                .set_accessed(time)
                .set_modified(time);
            std::fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_times(times)
                .unwrap();
        }
        prune(folder.path(), 250);
        let there: Vec<bool> = ["a", "b", "c"]
            .iter()
            .map(|name| folder.path().join(name).join("file").exists())
            .collect();
        assert_eq!(there, [false, true, true]);
    }
}
