//! Which programs have a tier-1 component of their own, and which never will.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::{Env, Program};

/// Identifies a tier-1 component: program, what its top level may have seen,
/// and the version of engine and prelude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn new(program: &Program, env: &Env, version: &str) -> Self {
        Self::on(None, program, env, version)
    }

    /// Of a program behind a preload.
    pub(crate) fn on(
        preload: Option<&Program>,
        program: &Program,
        env: &Env,
        version: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        hash.update(program.sha256());
        hash.update(env.digest());
        // Longer than any version: it cannot be taken for one.
        hash.update(preload.map_or(&[][..], |preload| preload.sha256()));
        hash.update(version.as_bytes());
        Self(hash.finalize().into())
    }

    /// Name of the artefact's file, for this version of the engine image.
    pub(crate) fn file(&self, version: &str) -> String {
        format!("own-{version}-{}.bin", hex::encode(&self.0[..20]))
    }

    /// Name of the file that says why there is no artefact.
    pub(crate) fn refusal(&self, version: &str) -> String {
        format!("refused-{version}-{}.txt", hex::encode(&self.0[..20]))
    }
}

struct Entry<R> {
    ready: R,
    size: usize,
    used: u64,
}

struct Inner<R> {
    clock: u64,
    size: usize,
    loaded: HashMap<Key, Entry<R>>,
    /// No artefact on disk either, as last seen.
    absent: HashSet<Key>,
}

/// Loaded components, bounded by the size of their artefacts.
pub(crate) struct Tiers<R> {
    limit: usize,
    inner: Mutex<Inner<R>>,
}

impl<R: Clone> Tiers<R> {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            inner: Mutex::new(Inner {
                clock: 0,
                size: 0,
                loaded: HashMap::new(),
                absent: HashSet::new(),
            }),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner<R>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<R> {
        let mut inner = self.inner();
        inner.clock += 1;
        let clock = inner.clock;
        let entry = inner.loaded.get_mut(key)?;
        entry.used = clock;
        Some(entry.ready.clone())
    }

    /// Whether there is known to be no artefact of this key.
    pub(crate) fn is_absent(&self, key: &Key) -> bool {
        self.inner().absent.contains(key)
    }

    pub(crate) fn note_absent(&self, key: Key) {
        let mut inner = self.inner();
        if inner.absent.len() >= 100_000 {
            inner.absent.clear();
        }
        inner.absent.insert(key);
    }

    pub(crate) fn insert(&self, key: Key, ready: R, size: usize) {
        let mut inner = self.inner();
        inner.clock += 1;
        let used = inner.clock;
        inner.absent.remove(&key);
        inner.size += size;
        if let Some(old) = inner.loaded.insert(key, Entry { ready, size, used }) {
            inner.size -= old.size;
        }
        while inner.size > self.limit && inner.loaded.len() > 1 {
            let oldest = inner
                .loaded
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| *key);
            if let Some(gone) = oldest.and_then(|key| inner.loaded.remove(&key)) {
                inner.size -= gone.size;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Tiers};
    use crate::{Env, Program};

    fn key(n: usize) -> Key {
        Key::new(&Program::javascript(n.to_string()), &Env::default(), "1")
    }

    #[test]
    fn ten_thousand_programs_stay_within_the_limit() {
        let tiers = Tiers::new(100);
        for n in 0..10_000 {
            tiers.insert(key(n), n, 10);
            // The first one stays in use.
            assert_eq!(tiers.get(&key(0)), Some(0));
        }
        let loaded = (0..10_000).filter(|n| tiers.get(&key(*n)).is_some());
        assert_eq!(loaded.count(), 10);
        assert_eq!(tiers.get(&key(9_999)), Some(9_999));
        assert_eq!(tiers.get(&key(1)), None);
    }

    #[test]
    fn a_program_has_a_key_on_each_image() {
        let (program, env) = (Program::javascript("0"), Env::default());
        let on = |preload: Option<&str>| {
            let preload = preload.map(Program::javascript);
            Key::on(preload.as_ref(), &program, &env, "1")
        };
        assert_eq!(on(None), key(0));
        assert_ne!(on(Some("a")), key(0));
        assert_ne!(on(Some("a")), on(Some("b")));
    }

    #[test]
    fn what_is_larger_than_the_limit_is_held_alone() {
        let tiers = Tiers::new(100);
        tiers.insert(key(1), 1, 10);
        tiers.insert(key(2), 2, 1000);
        assert_eq!((tiers.get(&key(1)), tiers.get(&key(2))), (None, Some(2)));
        tiers.note_absent(key(3));
        assert!(tiers.is_absent(&key(3)));
        tiers.insert(key(3), 3, 10);
        assert!(!tiers.is_absent(&key(3)));
    }
}
