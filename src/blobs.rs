//! Sources and artefacts: bytes named by their SHA-256, in a folder or in an
//! S3-compatible store.
//!
//! Stored: chunks of uploads, bundles, source maps, components, long log texts
//! and sealed requests of asynchronous executions. Not stored: anything that an
//! event names by value.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use aggregates::{Blob, Text};
use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

/// A failure to store or fetch.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store named in the configuration cannot be used.
    #[error("the blob store {url} cannot be used")]
    Open {
        /// As configured.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing is stored under this hash.
    #[error("the blob {0} is missing")]
    Missing(String),
    /// What is stored is not what was stored.
    #[error("the blob {0} is damaged")]
    Damaged(String),
    /// The store failed.
    #[error("the blob store failed")]
    Store(#[source] object_store::Error),
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
}

impl Blobs {
    /// Opens the store that `url` names, or the folder `default`.
    pub fn open(url: Option<&str>, default: &Path) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            url: url.unwrap_or("(folder)").to_owned(),
            source,
        };
        let remote = url.and_then(|text| url::Url::parse(text).ok());
        if let Some(remote) = remote.filter(|remote| remote.scheme() != "file") {
            let variables = std::env::vars()
                .filter(|(name, _)| name.starts_with("AWS_"))
                .map(|(name, value)| (name.to_ascii_lowercase(), value));
            let (store, prefix) = object_store::parse_url_opts(&remote, variables)
                .map_err(|error| failed(error.into()))?;
            return Ok(Self {
                store: store.into(),
                prefix,
            });
        }
        let folder = url.map_or(default, |text| {
            Path::new(text.strip_prefix("file://").unwrap_or(text))
        });
        std::fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        let store = object_store::local::LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| failed(error.into()))?
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Key::default(),
        })
    }

    fn key(&self, sha256: &str) -> Key {
        // Two hexadecimal digits as a folder keep any one folder small.
        let (fan, _) = sha256.split_at(2.min(sha256.len()));
        self.prefix.clone().join(fan).join(sha256)
    }

    /// Stores bytes under a name of their own, beside the blobs.
    pub async fn write_object(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        let key = self.prefix.clone().join(name);
        let put = self.store.put(&key, bytes.into()).await;
        put.map(|_| ()).map_err(Error::Store)
    }

    /// The bytes under a name, if there are any.
    pub async fn read_object(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.fetch(&self.prefix.clone().join(name)).await
    }

    async fn fetch(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        match self.store.get(key).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(Error::Store)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::Store(error)),
        }
    }

    /// Stores bytes; durable when this returns. Bytes that are there already
    /// are not written again.
    pub async fn put(&self, bytes: Bytes) -> Result<Blob, Error> {
        let blob = Blob {
            sha256: hex::encode(Sha256::digest(&bytes)),
            size: bytes.len() as u64,
        };
        let key = self.key(&blob.sha256);
        if let Ok(meta) = self.store.head(&key).await
            && meta.size == blob.size
        {
            return Ok(blob);
        }
        self.store
            .put(&key, bytes.into())
            .await
            .map_err(Error::Store)?;
        Ok(blob)
    }

    /// All bytes of a blob, checked against its hash.
    pub async fn get(&self, blob: &Blob) -> Result<Bytes, Error> {
        let bytes = self.fetch(&self.key(&blob.sha256)).await?;
        let bytes = bytes.ok_or_else(|| Error::Missing(blob.sha256.clone()))?;
        if hex::encode(Sha256::digest(&bytes)) != blob.sha256 {
            return Err(Error::Damaged(blob.sha256.clone()));
        }
        Ok(bytes)
    }

    /// Some bytes of a blob, unchecked.
    pub async fn get_range(&self, blob: &Blob, range: Range<u64>) -> Result<Bytes, Error> {
        match self.store.get_range(&self.key(&blob.sha256), range).await {
            Ok(bytes) => Ok(bytes),
            Err(object_store::Error::NotFound { .. }) => Err(Error::Missing(blob.sha256.clone())),
            Err(error) => Err(Error::Store(error)),
        }
    }

    /// All chunks of a source as one.
    pub async fn get_all(&self, chunks: &[Blob]) -> Result<Bytes, Error> {
        if let [single] = chunks {
            return self.get(single).await;
        }
        let mut all = Vec::with_capacity(chunks.iter().map(|chunk| chunk.size as usize).sum());
        for chunk in chunks {
            all.extend_from_slice(&self.get(chunk).await?);
        }
        Ok(all.into())
    }

    /// Removes a blob; one that is not there is fine.
    pub async fn delete(&self, blob: &Blob) -> Result<(), Error> {
        match self.store.delete(&self.key(&blob.sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::Store(error)),
        }
    }

    /// A text for an event: inside it when short, stored when long.
    pub async fn put_text(&self, text: String) -> Result<Text, Error> {
        if text.len() <= Text::INLINE_LIMIT {
            return Ok(Text::Inline(text));
        }
        Ok(Text::Stored(self.put(text.into()).await?))
    }

    /// The text that an event holds or names.
    pub async fn get_text(&self, text: &Text) -> Result<String, Error> {
        match text {
            Text::Inline(text) => Ok(text.clone()),
            Text::Stored(blob) => Ok(String::from_utf8_lossy(&self.get(blob).await?).into_owned()),
        }
    }
}
