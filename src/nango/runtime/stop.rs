//! Stopping runs of syncs: softly, at the next thing that a function asks for, and for good after a
//! while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sandbox::Cancel;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How long a run that was asked to stop may go on: about as long as one slow HTTP call. A function
/// that computes, or catches what it is told, ends then.
const GRACE: Duration = Duration::from_secs(10);

/// Stops one run. Clones are the same.
#[derive(Clone, Default)]
pub struct Stop {
    asked: CancellationToken,
    cancel: Cancel,
}

impl Stop {
    /// Asks the run to stop.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Whether it was asked to.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Ends an execution that carries this.
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Waits for the end of a run, and brings it about when it takes too long to stop.
    pub async fn watch<T>(&self, run: impl Future<Output = T>) -> T {
        let overdue = async {
            self.asked.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::pin!(run);
        tokio::select! {
            ended = &mut run => return ended,
            () = overdue => self.cancel.cancel(),
        }
        run.await
    }
}

/// The runs of this node that can be stopped.
#[derive(Default)]
pub struct Stops(Arc<Running>);

/// By the key of the sync: which run holds it, and what stops that.
type Running = Mutex<HashMap<String, (String, Stop)>>;

impl Stops {
    /// Lets the run that holds the sync `key` be stopped, until what this gives is dropped.
    pub fn enter(&self, key: &str, run: &str, stop: &Stop) -> Entered {
        lock(&self.0).insert(key.to_owned(), (run.to_owned(), stop.clone()));
        Entered {
            stops: self.0.clone(),
            key: key.to_owned(),
        }
    }

    /// Asks a run to stop, if it is of this node. No run: whatever holds the sync.
    pub fn ask(&self, key: &str, run: Option<&str>) {
        if let Some((held, stop)) = lock(&self.0).get(key)
            && run.is_none_or(|run| run == held)
        {
            stop.ask();
        }
    }
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, HashMap<String, (String, Stop)>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that can be stopped.
pub struct Entered {
    stops: Arc<Running>,
    key: String,
}

impl Drop for Entered {
    fn drop(&mut self) {
        lock(&self.stops).remove(&self.key);
    }
}

/// The code of a run that was stopped.
pub const INTERRUPTED: &str = "execution_interrupted";
/// What it is told.
pub const WHY: &str = "The run was interrupted: its sync was paused";

/// What an operation answers to a run that is to stop.
pub(super) fn stopped() -> Value {
    json!({ "stopped": { "type": INTERRUPTED, "message": WHY } })
}
