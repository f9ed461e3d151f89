//! Aggregate states in memory, and turns on streams.

use std::any::Any;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use journal::StreamId;
use tokio::sync::{Mutex, MutexGuard};

use super::Loaded;

/// More than enough that two of a few hundred commands under way rarely meet.
const TURNS: usize = 4096;

type Entry = (Arc<dyn Any + Send + Sync>, u64);

pub(super) struct Cache {
    states: quick_cache::sync::Cache<StreamId, Entry>,
    turns: Box<[Mutex<()>]>,
    hasher: RandomState,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            states: quick_cache::sync::Cache::new(capacity),
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until no other command of this node is under way on the stream.
    pub(super) async fn turn(&self, stream: &StreamId) -> MutexGuard<'_, ()> {
        let slot = self.hasher.hash_one(stream) as usize % TURNS;
        self.turns[slot].lock().await
    }

    pub(super) fn get<A: Send + Sync + 'static>(&self, stream: &StreamId) -> Option<Loaded<A>> {
        self.states.get(stream).and_then(typed)
    }

    /// Takes the state out, so that it can be changed in place.
    pub(super) fn take<A: Send + Sync + 'static>(&self, stream: &StreamId) -> Option<Loaded<A>> {
        let (_, entry) = self.states.remove(stream)?;
        typed(entry)
    }

    pub(super) fn put<A: Send + Sync + 'static>(&self, stream: &StreamId, loaded: &Loaded<A>) {
        let state: Arc<dyn Any + Send + Sync> = loaded.state.clone();
        self.states.insert(stream.clone(), (state, loaded.sequence));
    }
}

fn typed<A: Send + Sync + 'static>((state, sequence): Entry) -> Option<Loaded<A>> {
    let state = state.downcast().ok()?;
    Some(Loaded { state, sequence })
}
