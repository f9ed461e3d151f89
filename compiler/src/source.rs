//! A source tree in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    path,
    unpack::{self, UnpackError, UnpackLimits},
};

/// The files of an upload. Paths are relative, `/`-separated and free of `.` and `..`. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Source {
    files: Arc<BTreeMap<String, Bytes>>,
    folders: Arc<BTreeSet<String>>,
}

impl Source {
    /// Unpacks a `tar.gz` archive.
    ///
    /// # Errors
    /// When the archive is damaged, exceeds a limit, or holds anything but plain files and folders
    /// below its own root.
    pub fn from_tar_gz(bytes: &[u8], limits: &UnpackLimits) -> Result<Self, UnpackError> {
        unpack::tar_gz(bytes, limits)
    }

    /// One file. Its folder and anything else that a path may not hold is taken out of `name`.
    #[must_use]
    pub fn single(name: &str, bytes: impl Into<Bytes>) -> Self {
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = if name.is_empty() || name == "." || name == ".." {
            "index.js"
        } else {
            name
        };
        let mut source = Self::default();
        source.insert(name.to_owned(), bytes.into());
        source
    }

    /// A tree from paths and contents; a path that leaves the root is left out.
    pub fn from_files<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Self
    where
        P: AsRef<str>,
        B: Into<Bytes>,
    {
        let mut source = Self::default();
        for (name, bytes) in files {
            if let Some(name) = path::normalise(name.as_ref()).filter(|name| !name.is_empty()) {
                source.insert(name, bytes.into());
            }
        }
        source
    }

    pub(crate) fn insert(&mut self, name: String, bytes: Bytes) {
        let mut folder = path::parent(&name);
        let folders = Arc::make_mut(&mut self.folders);
        while !folder.is_empty() && folders.insert(folder.to_owned()) {
            folder = path::parent(folder);
        }
        Arc::make_mut(&mut self.files).insert(name, bytes);
    }

    /// The content of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// Every file, in the order of the paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.values().map(|bytes| bytes.len() as u64).sum()
    }

    pub(crate) fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.folders.contains(path)
    }

    /// The tree without its common first folder, when all files are in one and nothing is beside it.
    pub(crate) fn without_wrapper(self, keep: impl Fn(&Self) -> bool) -> Self {
        if keep(&self) {
            return self;
        }
        let Some((wrapper, _)) = self
            .files
            .keys()
            .next()
            .and_then(|first| first.split_once('/'))
        else {
            return self;
        };
        let prefix = format!("{wrapper}/");
        if !self.files.keys().all(|name| name.starts_with(&prefix)) {
            return self;
        }
        let mut source = Self::default();
        for (name, bytes) in self.files.iter() {
            source.insert(name[prefix.len()..].to_owned(), bytes.clone());
        }
        source
    }
}
