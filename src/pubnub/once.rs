//! What is sent with an idempotency key is sent once: what its sender was told is written down, and
//! a repeat is told the same. Whoever is answered was recorded; a server that dies between the two
//! has a repeat sent again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aggregates::sending::{self, Command, Sending, Told};

use super::Shared;
use crate::bus::{self, Committed, Context};

/// What is being sent with an idempotency key on this node.
#[derive(Default)]
pub struct Keys(Mutex<HashSet<String>>);

/// Why it was not sent, or not again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first request with this key has no answer yet.
    #[error("a request with this Idempotency-Key is under way")]
    Underway,
    /// It cannot be written down, or what was cannot be read.
    #[error(transparent)]
    Bus(#[from] bus::Error<sending::Error>),
}

/// Takes the place of a request in [`Keys`] until it is dropped.
struct Place(Arc<Shared>, String);

impl Drop for Place {
    fn drop(&mut self) {
        let underway = self.0.once.0.lock();
        underway
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.1);
    }
}

/// Sends unless it was sent before. `key` names it, and is the same for a repeat; `context` carries
/// the idempotency key. Goes on to the end when nobody waits for it any more.
///
/// # Errors
/// Those of `send`, of which nothing is written down, and those of this module.
pub async fn once<E, F>(
    shared: &Arc<Shared>,
    key: String,
    context: Context,
    send: F,
) -> Result<(Told, Committed), E>
where
    E: From<Error> + From<tokio::task::JoinError> + Send + 'static,
    F: Future<Output = Result<Told, E>> + Send + 'static,
{
    let shared = shared.clone();
    tokio::spawn(async move {
        let known = shared.once.0.lock();
        let is_first = known
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone());
        if !is_first {
            return Err(Error::Underway.into());
        }
        let _place = Place(shared.clone(), key.clone());
        let bus = &shared.bus;
        let before = bus.outcome_of_repeat::<sending::Error>(&context).await;
        if let Some(committed) = before.map_err(Error::Bus)? {
            let sending = bus.load::<Sending>(&key).await.map_err(Error::Bus)?;
            if let Some(told) = &sending.state.told {
                return Ok((told.clone(), committed));
            }
        }
        let told = send.await?;
        let record = Command::Record(told.clone());
        let committed = bus.record::<Sending>(&key, record, &context).await;
        Ok((told, committed.map_err(Error::Bus)?))
    })
    .await?
}
