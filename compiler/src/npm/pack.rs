//! The files of one package version, in memory.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::path;

/// A package version: an index and one block of bytes.
#[derive(Debug)]
pub(crate) struct Pack {
    /// Names the content: equal ids, equal files.
    pub(crate) id: String,
    files: FxHashMap<String, (u32, u32)>,
    folders: FxHashSet<String>,
    data: Bytes,
    /// Bytes of the whole package, files that are not kept included.
    pub(crate) unpacked: u64,
}

/// First bytes of the stored form; the number is its version.
const MAGIC: &[u8; 8] = b"strpk\0\0\x01";

impl Pack {
    /// A pack of these files. Only what can be part of a bundle is kept; of a native addon the name.
    pub(crate) fn new(id: String, files: Vec<(String, Bytes)>) -> Option<Self> {
        let mut index = FxHashMap::default();
        let mut data = Vec::new();
        let mut unpacked = 0;
        for (name, bytes) in files {
            unpacked += bytes.len() as u64;
            if !wanted(&name) {
                continue;
            }
            let start = u32::try_from(data.len()).ok()?;
            if !name.ends_with(".node") {
                data.extend_from_slice(&bytes);
            }
            let length = u32::try_from(data.len()).ok()? - start;
            index.insert(name, (start, length));
        }
        Some(Self::from_parts(id, index, Bytes::from(data), unpacked))
    }

    fn from_parts(
        id: String,
        files: FxHashMap<String, (u32, u32)>,
        data: Bytes,
        unpacked: u64,
    ) -> Self {
        let mut folders = FxHashSet::default();
        for name in files.keys() {
            let mut folder = path::parent(name);
            while !folder.is_empty() && folders.insert(folder.to_owned()) {
                folder = path::parent(folder);
            }
        }
        Self {
            id,
            files,
            folders,
            data,
            unpacked,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        let (start, length) = *self.files.get(name)?;
        let (start, length) = (start as usize, length as usize);
        (start + length <= self.data.len()).then(|| self.data.slice(start..start + length))
    }

    pub(crate) fn is_file(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub(crate) fn is_folder(&self, name: &str) -> bool {
        name.is_empty() || self.folders.contains(name)
    }

    /// Bytes held in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.data.len() + self.files.len() * 120
    }

    /// The form that is kept on disk: magic, lengths, index, data, and a checksum over all of it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + self.files.len() * 80 + 64);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.unpacked.to_le_bytes());
        out.extend_from_slice(&(self.files.len() as u64).to_le_bytes());
        out.extend_from_slice(&(self.data.len() as u64).to_le_bytes());
        for (name, (start, length)) in &self.files {
            out.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&start.to_le_bytes());
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&self.data);
        let sum = checksum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads the stored form; `None` when it is damaged, so that the package is fetched again.
    pub(crate) fn decode(id: String, bytes: Vec<u8>) -> Option<Arc<Self>> {
        let body_length = bytes.len().checked_sub(8)?;
        let (body, sum) = bytes.split_at(body_length);
        if checksum(body) != u64::from_le_bytes(sum.try_into().ok()?) {
            return None;
        }
        let mut reader = Reader(body);
        if reader.take(8)? != MAGIC {
            return None;
        }
        let unpacked = reader.u64()?;
        let count = usize::try_from(reader.u64()?).ok()?;
        let size = usize::try_from(reader.u64()?).ok()?;
        let mut files = FxHashMap::default();
        for _ in 0..count {
            let length = reader.u32()? as usize;
            let name = std::str::from_utf8(reader.take(length)?).ok()?.to_owned();
            let place = (reader.u32()?, reader.u32()?);
            files.insert(name, place);
        }
        if reader.0.len() != size {
            return None;
        }
        let start = body_length - size;
        let data = Bytes::from(bytes).slice(start..body_length);
        Some(Arc::new(Self::from_parts(id, files, data, unpacked)))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

/// Notices damage of the disk; the integrity of a download is checked elsewhere.
fn checksum(bytes: &[u8]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// Whether a file of a package can be part of a bundle.
fn wanted(name: &str) -> bool {
    if name.ends_with(".d.ts") || name.ends_with(".d.mts") || name.ends_with(".d.cts") {
        return false;
    }
    match name.rsplit('/').next().unwrap_or(name).rsplit_once('.') {
        Some((_, extension)) => matches!(
            extension,
            "js" | "mjs" | "cjs" | "json" | "ts" | "mts" | "cts" | "jsx" | "tsx" | "node"
        ),
        None => false,
    }
}
