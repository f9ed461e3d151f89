//! Keeping up with what other nodes append.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Bus;

/// How far the states in memory are known to be up to date.
pub(super) struct Others {
    position: watch::Sender<u64>,
}

const PAGE: usize = 1000;

impl Others {
    pub(super) fn after(position: u64) -> Self {
        let (position, _) = watch::channel(position);
        Self { position }
    }
}

impl Bus {
    /// Drops what other nodes outdate, until `stop`. Does nothing where this
    /// node is the only one.
    pub async fn follow_others(&self, stop: CancellationToken) {
        let Some(others) = &self.inner.others else {
            return;
        };
        let journal = self.journal();
        let mut position = *others.position.borrow();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = journal.wait_beyond(position, Duration::from_secs(60)) => {}
            }
            match journal.read_all(position, PAGE).await {
                Ok(events) => {
                    for event in events {
                        self.inner.cache.saw(&event.stream, event.sequence);
                        position = event.position;
                    }
                    others.position.send_replace(position);
                }
                Err(journal::Error::Closed) => return,
                Err(error) => {
                    tracing::error!(%error, position, "what other nodes did cannot be read");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// Waits until states are at least as new as this position, which the
    /// journal has told of.
    pub async fn up_to_date(&self, position: u64) {
        if let Some(others) = &self.inner.others {
            let mut seen = others.position.subscribe();
            // It fails only when nobody follows any more, at the end.
            let _ = seen.wait_for(|seen| *seen >= position).await;
        }
    }
}
