//! Transformed modules that are kept for the next build.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use rustc_hash::FxHashMap;

/// A map that forgets what was not used for the longest time when it gets too heavy.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    inner: Mutex<Inner<V>>,
    capacity: usize,
}

#[derive(Debug)]
struct Inner<V> {
    entries: FxHashMap<String, Entry<V>>,
    order: BTreeMap<u64, String>,
    clock: u64,
    weight: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    weight: usize,
    used: u64,
}

impl<V> Recent<V> {
    /// A map that holds about `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                entries: FxHashMap::default(),
                order: BTreeMap::new(),
                clock: 0,
                weight: 0,
            }),
            capacity,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<V>> {
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        let entry = inner.entries.get_mut(key)?;
        inner.clock += 1;
        if let Some(name) = inner.order.remove(&entry.used) {
            inner.order.insert(inner.clock, name);
        }
        entry.used = inner.clock;
        Some(Arc::clone(&entry.value))
    }

    pub(crate) fn put(&self, key: String, value: Arc<V>, weight: usize) {
        if weight > self.capacity / 4 {
            return;
        }
        let mut guard = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        inner.clock += 1;
        let used = inner.clock;
        if let Some(old) = inner.entries.insert(
            key.clone(),
            Entry {
                value,
                weight,
                used,
            },
        ) {
            inner.order.remove(&old.used);
            inner.weight -= old.weight;
        }
        inner.order.insert(used, key);
        inner.weight += weight;
        while inner.weight > self.capacity {
            let Some((_, oldest)) = inner.order.pop_first() else {
                break;
            };
            if let Some(entry) = inner.entries.remove(&oldest) {
                inner.weight -= entry.weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let recent = Recent::new(40);
        for key in ["a", "b", "c", "d"] {
            recent.put(key.to_owned(), Arc::new(key), 10);
        }
        assert!(recent.get("a").is_some());
        recent.put("e".to_owned(), Arc::new("e"), 10);
        recent.put("e".to_owned(), Arc::new("e"), 10);
        assert!(recent.get("a").is_some() && recent.get("e").is_some());
        assert!(recent.get("b").is_none());
        recent.put("huge".to_owned(), Arc::new("huge"), 39);
        assert!(recent.get("huge").is_none());
    }
}
