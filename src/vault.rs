//! Secrets: sealed with a data key per project, wrapped by the master key of
//! this installation.
//!
//! Data keys are kept beside the journal, never in it. Forgetting one erases
//! everything that it sealed, while the journal's hash chain still verifies.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use aggregates::Sealed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// A secret that cannot be sealed or opened. Never says what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The data key was forgotten, or never was here.
    #[error("the data key {0} is not here (any more)")]
    Forgotten(String),
    /// Wrong key, or changed bytes.
    #[error("a sealed value does not open with its key")]
    Damaged,
}

const LENGTH: usize = 32;
const NONCE: usize = 24;

type Key = [u8; LENGTH];

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    master: Key,
    opened: RwLock<HashMap<String, Key>>,
}

impl Vault {
    /// Opens the key folder, making it and the master key at first use.
    pub fn open_folder(folder: &Path) -> Result<Self, Error> {
        let file = |path: &Path, source| Error::File {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(|error| file(folder, error))?;
        let path = folder.join("master.key");
        let master = match std::fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| {
                let message = format!("a master key has {LENGTH} bytes");
                file(&path, std::io::Error::other(message))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = random();
                write_private(&path, &key).map_err(|error| file(&path, error))?;
                key
            }
            Err(error) => return Err(file(&path, error)),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                master,
                opened: RwLock::default(),
            }),
        })
    }

    /// A key for one purpose, derived from the master key.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"strata/derive/");
        hash.update(self.inner.master);
        hash.update(purpose.as_bytes());
        hash.finalize().into()
    }

    /// Makes a data key and returns its id. It is durable when this returns.
    pub fn create_data_key(&self) -> Result<String, Error> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let key: Key = random();
        let wrapped = encrypt(&self.inner.master, &key, id.as_bytes());
        let path = self.path(&id);
        write_private(&path, &wrapped).map_err(|source| Error::File { path, source })?;
        Ok(id)
    }

    /// Erases a data key: what it sealed can never be opened again.
    pub fn forget(&self, id: &str) -> Result<(), Error> {
        if let Ok(mut opened) = self.inner.opened.write() {
            opened.remove(id);
        }
        let path = self.path(id);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::File { path, source })
            }
            _ => Ok(()),
        }
    }

    /// Seals a text.
    pub fn seal(&self, data_key: &str, text: &str) -> Result<Sealed, Error> {
        let sealed = self.seal_bytes(data_key, text.as_bytes())?;
        Ok(Sealed {
            data_key: data_key.to_owned(),
            sealed: BASE64.encode(sealed),
        })
    }

    /// Opens a text.
    pub fn open(&self, sealed: &Sealed) -> Result<String, Error> {
        let bytes = BASE64.decode(&sealed.sealed).map_err(|_| Error::Damaged)?;
        let clear = self.open_bytes(&sealed.data_key, &bytes)?;
        String::from_utf8(clear).map_err(|_| Error::Damaged)
    }

    /// Seals bytes.
    pub fn seal_bytes(&self, data_key: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.data_key(data_key)?;
        Ok(encrypt(&key, bytes, data_key.as_bytes()))
    }

    /// Opens bytes.
    pub fn open_bytes(&self, data_key: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.data_key(data_key)?;
        decrypt(&key, sealed, data_key.as_bytes()).ok_or(Error::Damaged)
    }

    fn data_key(&self, id: &str) -> Result<Key, Error> {
        if let Ok(opened) = self.inner.opened.read()
            && let Some(key) = opened.get(id)
        {
            return Ok(*key);
        }
        let path = self.path(id);
        let wrapped = match std::fs::read(&path) {
            Ok(wrapped) => wrapped,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Forgotten(id.to_owned()));
            }
            Err(source) => return Err(Error::File { path, source }),
        };
        let key: Key = decrypt(&self.inner.master, &wrapped, id.as_bytes())
            .and_then(|key| key.try_into().ok())
            .ok_or(Error::Damaged)?;
        if let Ok(mut opened) = self.inner.opened.write() {
            opened.insert(id.to_owned(), key);
        }
        Ok(key)
    }

    fn path(&self, id: &str) -> PathBuf {
        // Ids come from `create_data_key`; anything else must not name a path.
        let safe: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        self.inner.folder.join(format!("{safe}.key"))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn encrypt(key: &Key, clear: &[u8], context: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = random();
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload {
        msg: clear,
        aad: context,
    };
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), payload)
        .expect("a message in memory is short enough to seal");
    [&nonce[..], &sealed].concat()
}

fn decrypt(key: &Key, sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = sealed.split_at_checked(NONCE)?;
    let payload = Payload { msg, aad: context };
    XChaCha20Poly1305::new(key.into())
        .decrypt(XNonce::from_slice(nonce), payload)
        .ok()
}

/// Writes a file that only its owner may read, durably and all or nothing.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_open_until_their_key_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_folder(folder.path()).unwrap();
        let id = vault.create_data_key().unwrap();
        let sealed = vault.seal(&id, "hunter2").unwrap();
        assert!(!format!("{sealed:?}").contains("hunter2"));

        let again = Vault::open_folder(folder.path()).unwrap();
        assert_eq!(again.open(&sealed).unwrap(), "hunter2");
        let other = again.create_data_key().unwrap();
        let moved = Sealed {
            data_key: other,
            ..sealed.clone()
        };
        assert!(matches!(again.open(&moved), Err(Error::Damaged)));

        again.forget(&id).unwrap();
        assert!(matches!(again.open(&sealed), Err(Error::Forgotten(_))));
    }
}
