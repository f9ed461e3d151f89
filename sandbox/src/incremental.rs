//! Machine code of single functions, kept between compilations.
//!
//! Every tier-1 component contains the same engine, so that nearly all of its
//! functions have been compiled before. The entries are machine code: they are
//! kept in one file behind a MAC, and in memory only while something compiles.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::CacheStore;

use crate::artefact::Store;

#[derive(Default)]
struct Inner {
    users: usize,
    changed: bool,
    entries: HashMap<Vec<u8>, Vec<u8>>,
}

/// The cache store given to the engine.
pub(crate) struct Functions {
    store: Store,
    name: String,
    inner: Mutex<Inner>,
}

impl Functions {
    pub(crate) fn new(store: Store, name: String) -> Arc<Self> {
        Arc::new(Self {
            store,
            name,
            inner: Mutex::default(),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the entries for as long as the guard lives; the last guard saves
    /// what is new and frees the memory.
    pub(crate) fn hold(self: &Arc<Self>) -> Held {
        let mut inner = self.inner();
        inner.users += 1;
        if inner.users == 1
            && let Some(content) = self.store.read(&self.name)
        {
            inner.entries = decode(&content);
        }
        drop(inner);
        Held(self.clone())
    }
}

/// Keeps the entries loaded.
pub(crate) struct Held(Arc<Functions>);

impl Drop for Held {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.users -= 1;
        if inner.users > 0 {
            return;
        }
        let entries = std::mem::take(&mut inner.entries);
        if std::mem::take(&mut inner.changed)
            && let Err(error) = self.0.store.write(&self.0.name, &encode(&entries))
        {
            tracing::warn!(%error, "compiled functions could not be saved");
        }
    }
}

fn encode(entries: &HashMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in entries {
        for part in [key, value] {
            out.extend((part.len() as u64).to_le_bytes());
            out.extend(part);
        }
    }
    out
}

fn decode(mut content: &[u8]) -> HashMap<Vec<u8>, Vec<u8>> {
    let mut part = || {
        let (len, rest) = content.split_first_chunk::<8>()?;
        let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
        let (part, rest) = rest.split_at_checked(len)?;
        content = rest;
        Some(part.to_vec())
    };
    let mut entries = HashMap::new();
    while let (Some(key), Some(value)) = (part(), part()) {
        entries.insert(key, value);
    }
    entries
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.inner().entries.get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut inner = self.inner();
        // Programs' own components would fill the cache with what no other has.
        if inner.users == 0 {
            return false;
        }
        inner.changed = true;
        inner.entries.insert(key.to_vec(), value);
        true
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions")
    }
}
