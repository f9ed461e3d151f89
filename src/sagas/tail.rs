//! Feeds sagas from the journal.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Saga, Seen};
use crate::bus::Bus;

const PAGE: usize = 1000;

/// Hands every event after `position` to the sagas that want it, until `stop`.
///
/// Nothing is remembered: at a start, each saga takes up its unfinished work
/// from the read models as of `position`, and events from there on.
pub async fn follow(
    bus: Bus,
    mut position: u64,
    sagas: Vec<Arc<dyn Saga>>,
    stop: CancellationToken,
) {
    let journal = bus.journal().clone();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = journal.wait_beyond(position, Duration::from_secs(60)) => {}
        }
        let events = match journal.read_all(position, PAGE).await {
            Ok(events) => events,
            Err(journal::Error::Closed) => return,
            Err(error) => {
                tracing::error!(error = %error, position, "sagas cannot read the journal");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        // A saga must not decide on a state that is older than what it saw.
        if let Some(last) = events.last() {
            bus.up_to_date(last.position).await;
        }
        for event in events {
            position = event.position;
            if !sagas.iter().any(|saga| saga.wants(&event.kind)) {
                continue;
            }
            let decoded = aggregates::event::decode(
                &event.stream.kind,
                &event.kind,
                &event.version,
                event.payload.get(),
            );
            let decoded = match decoded {
                Ok(Some(decoded)) => decoded,
                Ok(None) => continue,
                Err(error) => {
                    // The projections park on it and health shows that.
                    tracing::error!(error = %error, position, "sagas pass over an event");
                    continue;
                }
            };
            let seen = Seen {
                position,
                key: event.stream.key.clone(),
                event: decoded,
                correlation: event.metadata.correlation_id.clone(),
            };
            for saga in sagas.iter().filter(|saga| saga.wants(&event.kind)) {
                saga.on_event(&seen);
            }
        }
    }
}
