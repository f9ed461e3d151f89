//! One after the other, for each name.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// Gives turns to those who want to use the same thing, in the order in which
/// they asked.
#[derive(Debug)]
pub(super) struct Turns<K>(Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>);

/// A turn, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

/// From so many names on, those that nobody uses are forgotten.
const NAMES: usize = 1024;

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Turns<K> {
    pub(super) async fn take(&self, name: K) -> Turn {
        let turns = {
            let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if names.len() >= NAMES && names.len() == names.capacity() {
                names.retain(|_, turns| turns.strong_count() > 0);
            }
            let known = names.get(&name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turns = Arc::default();
                names.insert(name, Arc::downgrade(&turns));
                turns
            })
        };
        turns.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn turns_are_taken_and_forgotten() {
        let turns = Turns::default();
        let first = turns.take(0).await;
        for other in 1..100_000 {
            turns.take(other).await;
        }
        assert!(turns.0.lock().expect("lock").len() < 10_000);
        assert!(turns.take(0).now_or_never().is_none(), "still known");
        drop(first);
        turns.take(0).await;
    }
}
