//! Moving a journal from one store to another, exactly as it is.

use crate::{Command, Error, Event, Position, chain};

/// Writes into a journal what another one held: the same positions, times, ids
/// and hashes. Nothing else may append meanwhile.
///
/// Made by `restore` of a backend's options.
#[async_trait::async_trait]
pub trait Restore: Send {
    /// Position and hash of the last event that is there. What is restored
    /// must follow it.
    fn end(&self) -> (Position, [u8; 32]);

    /// Adds events, all or none; they are durable when this returns. Fails with
    /// [`Error::Corrupt`] where the chain does not hold.
    async fn events(&mut self, events: Vec<Event>) -> Result<(), Error>;

    /// Remembers outcomes of command ids; those that are there already stay.
    async fn commands(&mut self, commands: Vec<Command>) -> Result<(), Error>;
}

/// Checks that events follow one another from a position and its hash, and are
/// what their hashes say. Fails with [`Error::Corrupt`].
pub fn check(after: (Position, [u8; 32]), events: &[Event]) -> Result<(), Error> {
    let (mut position, mut hash) = after;
    for event in events {
        let reason = if event.position != position + 1 {
            Some(format!("the event before it is at {position}"))
        } else if event.previous_hash != hash {
            Some("its previous hash is not that of the event before it".to_owned())
        } else if event.hash != chain::hash(event) {
            Some("its content is not what its hash says".to_owned())
        } else {
            None
        };
        if let Some(reason) = reason {
            return Err(Error::Corrupt {
                position: event.position,
                reason,
            });
        }
        (position, hash) = (event.position, event.hash);
    }
    Ok(())
}
