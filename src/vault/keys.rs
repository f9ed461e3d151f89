//! Where wrapped data keys are kept: beside the journal, never in it.

use std::path::{Path, PathBuf};

use journal::postgres::DataKeys;

use super::{Error, write_private};

/// The place of the wrapped data keys.
#[derive(Clone, Debug)]
pub enum Keys {
    /// A file each, which only its owner may read.
    Folder(PathBuf),
    /// The database that the nodes share.
    Database(DataKeys),
}

impl Keys {
    /// Stores one; durable when this returns.
    pub async fn put(&self, id: &str, wrapped: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => {
                let path = path(folder, id);
                let folder = folder.clone();
                let write = move |path: &Path| {
                    std::fs::create_dir_all(&folder)?;
                    write_private(path, &wrapped)
                };
                blocking(path, write).await
            }
            Self::Database(keys) => Ok(keys.put(id, &wrapped).await?),
        }
    }

    /// All of them, by id.
    pub async fn all(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        match self {
            Self::Folder(folder) => blocking(folder.clone(), read_all).await,
            Self::Database(keys) => Ok(keys.all().await?),
        }
    }

    pub(super) async fn get(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Folder(folder) => {
                let path = path(folder, id);
                blocking(path, |path| absent(std::fs::read(path))).await
            }
            Self::Database(keys) => Ok(keys.get(id).await?),
        }
    }

    /// One that is not there is fine.
    pub(super) async fn delete(&self, id: &str) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => {
                let path = path(folder, id);
                let removed = blocking(path, |path| absent(std::fs::remove_file(path)));
                removed.await.map(|_| ())
            }
            Self::Database(keys) => Ok(keys.delete(id).await?),
        }
    }
}

fn path(folder: &Path, id: &str) -> PathBuf {
    // Ids come from `create_data_key`; anything else must not name a path.
    let safe: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    folder.join(format!("{safe}.key"))
}

fn read_all(folder: &Path) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut keys = Vec::new();
    for entry in absent(std::fs::read_dir(folder))?.into_iter().flatten() {
        let path = entry?.path();
        let id = path.file_name().and_then(|name| name.to_str());
        let id = id.and_then(|name| name.strip_suffix(".key"));
        if let Some(id) = id.filter(|id| *id != "master") {
            keys.push((id.to_owned(), std::fs::read(&path)?));
        }
    }
    keys.sort();
    Ok(keys)
}

fn absent<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(move || {
        work(&path).map_err(|source| Error::File { path, source })
    });
    done.await.map_err(|_| Error::Damaged)?
}
