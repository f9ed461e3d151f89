//! Long-running work that follows from events. A saga reads events, does what
//! they ask for, and sends commands back to the bus. Every command it sends has
//! an id that is derived from what it does, so that repeating a step is harmless.

mod build;
mod calls;
mod fair;
mod logbook;
mod schedules;
mod specialise;
mod sweeper;
mod tail;
mod tasks;
mod turns;

pub use build::{Builds, Options as BuildOptions};
pub use calls::Calls;
pub use schedules::Schedules;
pub use specialise::{Queue, Specialiser};
pub use sweeper::Sweeper;
pub use tail::follow;
pub use tasks::Tasks;

use aggregates::event::Event;

/// An event as sagas see it.
pub struct Seen {
    /// Place in the global order.
    pub position: u64,
    /// Key of the stream: `{project}:{id}`.
    pub key: std::sync::Arc<str>,
    /// The event.
    pub event: Event,
    /// What the event belongs to.
    pub correlation: String,
}

/// Reacts to events. Must not block: it queues work and returns.
pub trait Saga: Send + Sync {
    /// Event types that it wants to see.
    fn wants(&self, kind: &str) -> bool;
    /// One event, in order.
    fn on_event(&self, seen: &Seen);
}
