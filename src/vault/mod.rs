//! Secrets: sealed with a data key per project, wrapped by the master key of
//! this installation.
//!
//! Data keys are kept beside the journal, never in it ([`Keys`]). Forgetting one
//! erases everything that it sealed, while the journal's hash chain still
//! verifies.

mod keys;

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
    /// The database of the data keys cannot be asked.
    #[error("the data keys cannot be asked for")]
    Database(#[from] journal::Error),
    /// The data key was forgotten, or never was here.
    #[error("the data key {0} is not here (any more)")]
    Forgotten(String),
    /// Wrong key, or changed bytes.
    #[error("a sealed value does not open with its key")]
    Damaged,
}

const LENGTH: usize = 32;
const NONCE: usize = 24;

/// A key of 256 bits.
pub type Key = [u8; LENGTH];

pub use keys::Keys;

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    master: Key,
    keys: Keys,
    opened: RwLock<HashMap<String, Key>>,
}

impl Vault {
    /// With this master key, and data keys in this place.
    pub fn new(master: Key, keys: Keys) -> Self {
        Self {
            inner: Arc::new(Inner {
                master,
                keys,
                opened: RwLock::default(),
            }),
        }
    }

    /// Opens the key folder, making it and the master key at first use.
    pub fn open_folder(folder: &Path) -> Result<Self, Error> {
        let master = stored_master_key(folder)?;
        Ok(Self::new(master, Keys::Folder(folder.to_owned())))
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
    pub async fn create_data_key(&self) -> Result<String, Error> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let key: Key = random();
        let wrapped = encrypt(&self.inner.master, &key, id.as_bytes());
        self.inner.keys.put(&id, wrapped).await?;
        Ok(id)
    }

    /// Erases a data key: what it sealed can never be opened again. (Another
    /// node that has it in memory may still open what it sealed until it ends.)
    pub async fn forget(&self, id: &str) -> Result<(), Error> {
        if let Ok(mut opened) = self.inner.opened.write() {
            opened.remove(id);
        }
        self.inner.keys.delete(id).await
    }

    /// Fails when a data key does not open with the master key.
    pub async fn check(&self, data_key: &str) -> Result<(), Error> {
        self.data_key(data_key).await.map(|_| ())
    }

    /// Seals a text.
    pub async fn seal(&self, data_key: &str, text: &str) -> Result<Sealed, Error> {
        let sealed = self.seal_bytes(data_key, text.as_bytes()).await?;
        Ok(Sealed {
            data_key: data_key.to_owned(),
            sealed: BASE64.encode(sealed),
        })
    }

    /// Opens a text.
    pub async fn open(&self, sealed: &Sealed) -> Result<String, Error> {
        let bytes = BASE64.decode(&sealed.sealed).map_err(|_| Error::Damaged)?;
        let clear = self.open_bytes(&sealed.data_key, &bytes).await?;
        String::from_utf8(clear).map_err(|_| Error::Damaged)
    }

    /// Seals bytes.
    pub async fn seal_bytes(&self, data_key: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.data_key(data_key).await?;
        Ok(encrypt(&key, bytes, data_key.as_bytes()))
    }

    /// Opens bytes.
    pub async fn open_bytes(&self, data_key: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.data_key(data_key).await?;
        decrypt(&key, sealed, data_key.as_bytes()).ok_or(Error::Damaged)
    }

    async fn data_key(&self, id: &str) -> Result<Key, Error> {
        if let Ok(opened) = self.inner.opened.read()
            && let Some(key) = opened.get(id)
        {
            return Ok(*key);
        }
        let wrapped = self.inner.keys.get(id).await?;
        let wrapped = wrapped.ok_or_else(|| Error::Forgotten(id.to_owned()))?;
        let key: Key = decrypt(&self.inner.master, &wrapped, id.as_bytes())
            .and_then(|key| key.try_into().ok())
            .ok_or(Error::Damaged)?;
        if let Ok(mut opened) = self.inner.opened.write() {
            opened.insert(id.to_owned(), key);
        }
        Ok(key)
    }
}

/// The master key of a folder; made at first use.
pub fn stored_master_key(folder: &Path) -> Result<Key, Error> {
    let file = |path: &Path, source| Error::File {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|error| file(folder, error))?;
    let path = folder.join("master.key");
    match std::fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            let message = format!("a master key has {LENGTH} bytes");
            file(&path, std::io::Error::other(message))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = random();
            write_private(&path, &key).map_err(|error| file(&path, error))?;
            Ok(key)
        }
        Err(error) => Err(file(&path, error)),
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

    #[tokio::test]
    async fn sealed_values_open_until_their_key_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_folder(folder.path()).unwrap();
        let id = vault.create_data_key().await.unwrap();
        let sealed = vault.seal(&id, "hunter2").await.unwrap();
        assert!(!format!("{sealed:?}").contains("hunter2"));

        let again = Vault::open_folder(folder.path()).unwrap();
        assert_eq!(again.open(&sealed).await.unwrap(), "hunter2");
        let other = again.create_data_key().await.unwrap();
        let moved = Sealed {
            data_key: other,
            ..sealed.clone()
        };
        assert!(matches!(again.open(&moved).await, Err(Error::Damaged)));

        again.forget(&id).await.unwrap();
        assert!(matches!(
            again.open(&sealed).await,
            Err(Error::Forgotten(_))
        ));
    }
}
