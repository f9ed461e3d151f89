//! From snapshot and events to state.

use std::sync::Arc;

use aggregates::Fold;
use journal::{Journal, StreamId};

use super::Error;

/// A state and the sequence of the last event in it (0: no events).
#[derive(Debug)]
pub struct Loaded<A> {
    /// The folded state.
    pub state: Arc<A>,
    /// Sequence of the last event folded.
    pub sequence: u64,
}

impl<A> Clone for Loaded<A> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            sequence: self.sequence,
        }
    }
}

impl<A: Default> Default for Loaded<A> {
    fn default() -> Self {
        Self {
            state: Arc::new(A::default()),
            sequence: 0,
        }
    }
}

const PAGE: usize = 500;

/// The state of a stream as the journal has it. An unreadable snapshot is as
/// good as none.
pub(super) async fn load<A: Fold>(
    journal: &dyn Journal,
    stream: &StreamId,
) -> Result<Loaded<A>, Error<A::Error>> {
    let snapshot = journal.load_snapshot(stream, A::FOLD_VERSION).await?;
    let (mut state, mut sequence) = match snapshot {
        Some((sequence, bytes)) => match serde_json::from_slice(&bytes) {
            Ok(state) => (state, sequence),
            Err(error) => {
                tracing::warn!(%stream, %error, "an unreadable snapshot is passed over");
                (A::default(), 0)
            }
        },
        None => (A::default(), 0),
    };
    loop {
        let events = journal.read_stream(stream, sequence, PAGE).await?;
        let last = events.len() < PAGE;
        for event in events {
            let payload = serde_json::from_str(event.payload.get()).map_err(Error::Unreadable)?;
            state.apply(payload);
            sequence = event.sequence;
        }
        if last {
            return Ok(Loaded {
                state: Arc::new(state),
                sequence,
            });
        }
    }
}

/// Keeps a snapshot.
pub(super) async fn save<A: Fold>(
    journal: &dyn Journal,
    stream: &StreamId,
    loaded: &Loaded<A>,
) -> Result<(), Error<A::Error>> {
    let state = serde_json::to_vec(&*loaded.state).map_err(Error::Unreadable)?;
    journal
        .save_snapshot(stream, A::FOLD_VERSION, loaded.sequence, state)
        .await?;
    Ok(())
}
