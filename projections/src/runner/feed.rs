//! Reading and decoding ahead, on another thread, while there is much to do.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use journal::Journal;
use tokio::runtime::Handle;

use super::BATCH;
use crate::Error;
use crate::projection::Recorded;

/// Batches of events, in order, up to the head as it was at the start.
pub(super) struct Feed {
    batches: Receiver<Result<Vec<Recorded>, Error>>,
}

impl Feed {
    pub(super) fn start(
        journal: &Arc<dyn Journal>,
        handle: &Handle,
        after: u64,
    ) -> Result<Self, Error> {
        let (sender, batches) = sync_channel(4);
        let (journal, handle) = (Arc::clone(journal), handle.clone());
        std::thread::Builder::new()
            .name("projections-feed".to_owned())
            .spawn(move || {
                let head = journal.head();
                let mut after = after;
                while after < head {
                    let batch = match handle.block_on(journal.read_all(after, BATCH)) {
                        Ok(events) => events,
                        Err(error) => {
                            let _ = sender.send(Err(error.into()));
                            return;
                        }
                    };
                    let Some(last) = batch.last() else { return };
                    after = last.position;
                    let batch = batch.into_iter().map(Recorded::new).collect();
                    if sender.send(Ok(batch)).is_err() {
                        return;
                    }
                }
            })
            .map_err(|error| Error::Unavailable(format!("no thread: {error}")))?;
        Ok(Self { batches })
    }

    /// The next batch; an empty one at the end.
    pub(super) fn next(&mut self) -> Result<Vec<Recorded>, Error> {
        self.batches.recv().unwrap_or_else(|_| Ok(Vec::new()))
    }
}
