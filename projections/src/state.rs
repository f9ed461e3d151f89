//! How far the projections are, as the runner tells everybody else.

use std::time::Duration;

use tokio::sync::watch;

use crate::models::DEFINITIONS;

/// How far one projection is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Name of the projection.
    pub name: &'static str,
    /// Position of the last event that it has applied.
    pub checkpoint: u64,
    /// How many events it is behind the journal.
    pub lag: u64,
    /// Why it has stopped, if it has. It continues when a release that can
    /// read the event starts, or when it is rebuilt.
    pub parked: Option<String>,
    /// How far a rebuild is, while there is one.
    pub rebuild: Option<Progress>,
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Events applied.
    pub done: u64,
    /// Events there were when it began.
    pub total: u64,
}

/// What is known of one projection outside of the runner.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Slot {
    pub generation: u32,
    pub checkpoint: u64,
    /// Its tables are complete and may be read.
    pub ready: bool,
    pub parked: Option<String>,
    pub rebuild: Option<Progress>,
}

/// One of each projection.
pub(crate) type Slots = [Slot; DEFINITIONS.len()];

/// Who applies events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// What the node is called.
    pub node: String,
    /// How often the lead had been taken when it was taken this time.
    pub epoch: u64,
    /// It is this node.
    pub here: bool,
}

/// What is known of all of them.
#[derive(Debug)]
pub(crate) struct State {
    pub slots: Slots,
    /// Who leads; none: nobody, or it is not known.
    pub leader: Option<Leader>,
    /// The runner has stopped.
    pub stopped: Option<String>,
}

impl State {
    /// All projections that have not stopped have applied this position.
    fn reached(&self, position: u64) -> bool {
        self.slots
            .iter()
            .all(|slot| slot.parked.is_some() || (slot.ready && slot.checkpoint >= position))
    }
}

/// The state, and a way to wait for it to change.
#[derive(Debug)]
pub(crate) struct Shared(watch::Sender<State>);

impl Shared {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State {
            slots: Slots::default(),
            leader: None,
            stopped: None,
        }))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        self.0.send_modify(change);
    }

    /// As [`Shared::change`], but nobody is woken unless `change` says so.
    pub(crate) fn change_if(&self, change: impl FnOnce(&mut State) -> bool) {
        self.0.send_if_modified(change);
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.0.borrow())
    }

    /// Waits until all projections that have not stopped have applied this
    /// position.
    pub(crate) async fn wait_for(&self, position: u64, timeout: Duration) -> bool {
        self.wait(timeout, |state| {
            state.stopped.is_some() || state.reached(position)
        })
        .await;
        self.read(|state| state.reached(position))
    }

    /// Waits until one projection can be read as of a position.
    pub(crate) async fn wait_for_one(&self, slot: usize, position: u64, timeout: Duration) {
        self.wait(timeout, |state| {
            let slot = &state.slots[slot];
            let far_enough = slot.checkpoint >= position || slot.parked.is_some();
            state.stopped.is_some() || (slot.ready && far_enough)
        })
        .await;
    }

    async fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) {
        if self.read(&done) {
            return;
        }
        let mut changed = self.0.subscribe();
        // Past the timeout the state as it is now is the answer.
        let _ = tokio::time::timeout(timeout, changed.wait_for(|state| done(state))).await;
    }
}
