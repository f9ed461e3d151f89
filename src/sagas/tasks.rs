//! Work under way, by key: to stop one piece, or to wait for all of it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pieces of work that can be stopped by key. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    running: Arc<Mutex<HashMap<String, CancellationToken>>>,
}

impl Tasks {
    /// Runs `work` unless work with this key is running already. It is dropped
    /// where it stands when it is stopped.
    pub fn spawn<F>(&self, key: String, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        {
            let mut running = self.lock();
            if running.contains_key(&key) {
                return;
            }
            running.insert(key.clone(), stop.clone());
        }
        let this = self.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = work => {}
            }
            this.lock().remove(&key);
        });
    }

    /// Stops the work with this key, if there is any.
    pub fn stop(&self, key: &str) {
        if let Some(stop) = self.lock().get(key) {
            stop.cancel();
        }
    }

    /// Stops all work.
    pub fn stop_all(&self) {
        for stop in self.lock().values() {
            stop.cancel();
        }
    }

    /// Whether work with this key is running.
    pub fn is_running(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    /// How many are running.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until all work is done. No new work must be begun.
    pub async fn drained(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
