//! Compiled artefacts on disk, loaded only when their MAC holds.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::Error;

const MAC_LEN: usize = 32;

/// A folder of files, each behind a MAC over its name and content.
#[derive(Clone)]
pub(crate) struct Store {
    dir: PathBuf,
    key: [u8; 32],
}

impl Store {
    pub(crate) fn open(dir: &Path, key: [u8; 32]) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(|source| Error::Cache {
            path: dir.to_owned(),
            source,
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            key,
        })
    }

    fn mac(&self, name: &str, content: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any key length");
        mac.update(&(name.len() as u64).to_le_bytes());
        mac.update(name.as_bytes());
        mac.update(content);
        mac
    }

    /// The content under `name`, if it is there and its MAC holds.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.dir.join(name);
        let mut content = fs::read(&path).ok()?;
        let at = content.len().checked_sub(MAC_LEN);
        let holds = at.is_some_and(|at| {
            let (content, tag) = content.split_at(at);
            self.mac(name, content).verify_slice(tag).is_ok()
        });
        if !holds {
            tracing::warn!(path = %path.display(), "the MAC of a cached artefact does not hold; it is built again");
            let _ = fs::remove_file(&path);
            return None;
        }
        content.truncate(content.len() - MAC_LEN);
        Some(content)
    }

    /// Stores `content` under `name`; a reader sees the old file or the new one.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let fail = |source| Error::Cache {
            path: self.dir.join(name),
            source,
        };
        let tag = self.mac(name, content).finalize().into_bytes();
        let mut file = tempfile::NamedTempFile::new_in(&self.dir).map_err(fail)?;
        file.write_all(content)
            .and_then(|()| file.write_all(&tag))
            .map_err(fail)?;
        file.persist(self.dir.join(name))
            .map_err(|error| fail(error.error))?;
        Ok(())
    }

    /// Whether there is a file of this name; its MAC may still not hold.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.dir.join(name).exists()
    }

    /// Removes the files of other versions: those whose names start with one of
    /// `kinds` and do not hold `version`.
    pub(crate) fn sweep(&self, kinds: &[&str], version: &str) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kinds.iter().any(|kind| name.starts_with(kind)) && !name.contains(version) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Removes the oldest files whose names start with `prefix` until the rest
    /// takes no more than `limit` bytes.
    pub(crate) fn prune(&self, prefix: &str, limit: u64) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        let mut files: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .filter_map(|entry| {
                let meta = entry.metadata().ok()?;
                Some((meta.modified().ok()?, meta.len(), entry.path()))
            })
            .collect();
        let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
        files.sort();
        for (_, len, path) in files {
            if size <= limit {
                return;
            }
            let _ = fs::remove_file(path);
            size -= len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Store;

    #[test]
    fn refuses_what_was_changed_moved_or_made_with_another_key() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), [1; 32]).unwrap();
        store.write("a", b"machine code").unwrap();
        assert_eq!(store.read("a").as_deref(), Some(&b"machine code"[..]));

        std::fs::copy(dir.path().join("a"), dir.path().join("b")).unwrap();
        assert_eq!(store.read("b"), None, "another name");

        let other = Store::open(dir.path(), [2; 32]).unwrap();
        assert_eq!(other.read("a"), None, "another key");

        store.write("a", b"machine code").unwrap();
        let mut content = std::fs::read(dir.path().join("a")).unwrap();
        content[3] ^= 1;
        std::fs::write(dir.path().join("a"), content).unwrap();
        assert_eq!(store.read("a"), None, "changed");
        std::fs::write(dir.path().join("a"), b"short").unwrap();
        assert_eq!(store.read("a"), None, "too short");
    }
}
