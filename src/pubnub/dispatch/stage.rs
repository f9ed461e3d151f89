//! The functions that take part on a keyset, held still while something passes them.

use std::sync::Arc;

use aggregates::keyset::{Connected, Keyset};
use aggregates::{Handler, KeysetId, ProjectId, Trigger, TriggerKind, channel};

use super::NotSent;
use crate::pubnub::Shared;
use crate::pubnub::underway::Running;

/// What takes part on a keyset now, and goes on to for as long as this is there.
pub struct Stage {
    /// The keyset.
    pub keyset: Arc<Keyset>,
    /// Whoever stops a deployment waits for these.
    _running: Vec<Running>,
}

impl Stage {
    /// Enters it.
    ///
    /// # Errors
    /// When the keyset is not there.
    pub async fn enter(shared: &Shared, project: &ProjectId, keyset: u64) -> Result<Self, NotSent> {
        let unavailable = |error: crate::bus::Error<_>| NotSent::Unavailable(error.to_string());
        let key = KeysetId::from(keyset.to_string()).key(project);
        let mut loaded = shared.bus.load::<Keyset>(&key).await.map_err(unavailable)?;
        loop {
            if loaded.state.number.is_none() {
                return Err(NotSent::NoKeyset);
            }
            let connected = loaded.state.connected.iter();
            let running = connected.map(|connected| shared.underway.begin(&connected.deployment));
            let running = running.collect();
            // One that was disconnected meanwhile may have been found idle before it was entered.
            let again = shared.bus.load::<Keyset>(&key).await.map_err(unavailable)?;
            if again.sequence == loaded.sequence {
                return Ok(Self {
                    keyset: loaded.state,
                    _running: running,
                });
            }
            loaded = again;
        }
    }

    /// The functions of which something holds, in order.
    pub fn functions(&self, holds: impl Fn(&Trigger) -> bool) -> Vec<(&Connected, &Handler)> {
        let mut found = Vec::new();
        for connected in &self.keyset.connected {
            let handlers = connected.handlers.iter();
            let handlers = handlers.filter(|handler| holds(&handler.trigger));
            found.extend(handlers.map(|handler| (connected, handler)));
        }
        found
    }

    /// The functions that a trigger starts on a channel, in order.
    pub fn listening(&self, kind: TriggerKind, channel: &str) -> Vec<(&Connected, &Handler)> {
        self.functions(|trigger| {
            let input = trigger.input_channel.as_deref();
            trigger.kind == kind && input.is_some_and(|pattern| channel::matches(pattern, channel))
        })
    }
}
