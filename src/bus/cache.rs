//! Aggregate states in memory, and turns on streams.
//!
//! Where several nodes append, a state may be outdated without this node's
//! doing. Whoever follows the journal says so ([`Cache::saw`]), and a state that
//! is known to be outdated is dropped, also when a command has it in hand.

use std::any::Any;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use journal::StreamId;

use super::Loaded;

/// More than enough that two of a few hundred commands under way rarely meet.
const TURNS: usize = 4096;

type Entry = (Arc<dyn Any + Send + Sync>, u64);

pub(super) struct Cache {
    states: quick_cache::sync::Cache<StreamId, Entry>,
    slots: Box<[Slot]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Slot {
    turn: tokio::sync::Mutex<()>,
    /// The stream whose turn it is, and the last sequence that was seen of it
    /// meanwhile.
    current: Mutex<Option<(StreamId, u64)>>,
}

impl Slot {
    fn current(&self) -> std::sync::MutexGuard<'_, Option<(StreamId, u64)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody else of this node changes or loads the stream meanwhile.
pub(super) struct Turn<'a> {
    slot: &'a Slot,
    _held: tokio::sync::MutexGuard<'a, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.slot.current() = None;
    }
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            states: quick_cache::sync::Cache::new(capacity),
            slots: (0..TURNS).map(|_| Slot::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits until no other command of this node is under way on the stream.
    pub(super) async fn turn(&self, stream: &StreamId) -> Turn<'_> {
        let slot = self.slot(stream);
        let held = slot.turn.lock().await;
        *slot.current() = Some((stream.clone(), 0));
        Turn { slot, _held: held }
    }

    fn slot(&self, stream: &StreamId) -> &Slot {
        &self.slots[self.hasher.hash_one(stream) as usize % TURNS]
    }

    /// A stream has an event of this sequence.
    pub(super) fn saw(&self, stream: &StreamId, sequence: u64) {
        let mut current = self.slot(stream).current();
        if let Some((turn, seen)) = &mut *current
            && turn == stream
        {
            *seen = sequence.max(*seen);
        }
        let outdated = self.states.peek(stream);
        if outdated.is_some_and(|(_, known)| known < sequence) {
            self.states.remove(stream);
        }
    }

    pub(super) fn get<A: Send + Sync + 'static>(&self, stream: &StreamId) -> Option<Loaded<A>> {
        self.states.get(stream).and_then(typed)
    }

    /// Takes the state out, so that it can be changed in place.
    pub(super) fn take<A: Send + Sync + 'static>(&self, stream: &StreamId) -> Option<Loaded<A>> {
        let (_, entry) = self.states.remove(stream)?;
        typed(entry)
    }

    /// Keeps a state for later, unless it is outdated already. To be called in
    /// the stream's turn.
    pub(super) fn put<A: Send + Sync + 'static>(&self, stream: &StreamId, loaded: &Loaded<A>) {
        let current = self.slot(stream).current();
        let seen = current.as_ref().map_or(0, |(_, seen)| *seen);
        if seen <= loaded.sequence {
            let state: Arc<dyn Any + Send + Sync> = loaded.state.clone();
            self.states.insert(stream.clone(), (state, loaded.sequence));
        }
    }
}

fn typed<A: Send + Sync + 'static>((state, sequence): Entry) -> Option<Loaded<A>> {
    let state = state.downcast().ok()?;
    Some(Loaded { state, sequence })
}
