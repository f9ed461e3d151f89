//! Cancelling an execution from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A flag that ends executions that carry it. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Asks the execution to stop. It ends within a few hundredths of a second.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_canceled(&self) -> bool {
        self.0.set.load(Ordering::Acquire)
    }

    /// Completes when the flag is set.
    pub async fn canceled(&self) {
        let notified = self.0.notify.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if !self.is_canceled() {
            notified.await;
        }
    }
}
