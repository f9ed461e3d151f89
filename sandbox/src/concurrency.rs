//! How many executions run at one moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts executions by owner.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<HashMap<Arc<str>, usize>>);

impl Owners {
    /// Counts one more execution of `owner` until the guard is dropped; `None`
    /// when `limit` of them run already.
    pub(crate) fn enter(self: &Arc<Self>, owner: &Arc<str>, limit: usize) -> Option<Guard> {
        if owner.is_empty() {
            return Some(Guard(None));
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(owner.clone()).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Guard(Some((self.clone(), owner.clone()))))
    }
}

/// One counted execution.
pub(crate) struct Guard(Option<(Arc<Owners>, Arc<str>)>);

impl Drop for Guard {
    fn drop(&mut self) {
        let Some((owners, owner)) = &self.0 else {
            return;
        };
        let mut counts = owners.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                counts.remove(owner);
            }
        }
    }
}
