//! Applying a batch of events in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Live;
use crate::Error;
use crate::db::Database;
use crate::file::{self, MOVE};
use crate::projection::Recorded;
use crate::versions::Store;

/// Whether the file notes how far a projection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It does.
    Checkpoint,
    /// It does not: nobody reads these tables, and they are made from nothing
    /// after an interruption.
    Nothing,
}

/// Runs `write` in a transaction that only the runner of this epoch commits.
pub(super) fn fenced<D: Database, T>(
    db: &mut D,
    epoch: i64,
    write: impl FnOnce(&mut D) -> Result<T, Error>,
) -> Result<T, Error> {
    db.execute("BEGIN IMMEDIATE", &[])?;
    let written = match file::epoch(db) {
        Ok(found) if found == epoch => write(db),
        Ok(_) => Err(Error::Fenced),
        Err(error) => Err(error),
    };
    let written = written.and_then(|written| {
        db.execute("COMMIT", &[])?;
        Ok(written)
    });
    if written.is_err() {
        // The first error is the one that says why.
        let _ = db.execute("ROLLBACK", &[]);
    }
    written
}

/// Applies events to all projections that are right before them or among them.
/// A projection that cannot apply one is parked in front of it.
pub(super) fn batch<D: Database>(
    db: &mut D,
    epoch: i64,
    lives: &mut [Live],
    events: &[Recorded],
    keep: Keep,
) -> Result<(), Error> {
    let applied = fenced(db, epoch, |db| {
        let mut outcomes = Vec::with_capacity(lives.len());
        for live in &mut *lives {
            outcomes.push(one(db, live, events, keep)?);
        }
        Ok(outcomes)
    });
    // Memory follows the database only when that has committed.
    match applied {
        Ok(outcomes) => {
            for (live, outcome) in lives.iter_mut().zip(outcomes) {
                if let Some((checkpoint, hash)) = outcome.moved {
                    live.checkpoint = checkpoint;
                    live.hash = hash;
                }
                if let Some(reason) = outcome.parked {
                    tracing::error!(projection = live.name(), reason, "a projection is parked");
                    live.parked = Some(reason);
                }
            }
            Ok(())
        }
        Err(error) => {
            for live in lives {
                live.projection.forget();
            }
            Err(error)
        }
    }
}

/// What a batch did to a projection.
#[derive(Default)]
struct Outcome {
    moved: Option<(u64, String)>,
    parked: Option<String>,
}

fn one<D: Database>(
    db: &mut D,
    live: &mut Live,
    events: &[Recorded],
    keep: Keep,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let known = events.partition_point(|event| event.stored.position <= live.checkpoint);
    let mut events = &events[known..];
    while live.parked.is_none() && !events.is_empty() {
        db.execute("SAVEPOINT projection", &[])?;
        match all(db, live, events) {
            Ok(()) => {
                db.execute("RELEASE projection", &[])?;
                break;
            }
            Err((_, Failure::Database(error))) => return Err(error),
            Err((index, Failure::Poison(reason))) => {
                db.execute("ROLLBACK TO projection", &[])?;
                db.execute("RELEASE projection", &[])?;
                live.projection.forget();
                // Once more, up to the event that it cannot apply.
                outcome.parked = Some(reason);
                events = &events[..index];
            }
        }
    }
    if let (None, Some(last)) = (&live.parked, events.last()) {
        let hash = file::hex(&last.stored.hash);
        let position = last.stored.position;
        if keep == Keep::Checkpoint {
            let values = [position.into(), hash.as_str().into(), live.name().into()];
            db.execute(MOVE, &values)?;
        }
        outcome.moved = Some((position, hash));
    }
    Ok(outcome)
}

enum Failure {
    /// The event is to blame.
    Poison(String),
    /// It is not.
    Database(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Poison { .. } | Error::Damaged(_) => Self::Poison(error.to_string()),
            error => Self::Database(error),
        }
    }
}

/// Applies all events; an error comes with the index of the event.
fn all<D: Database>(
    db: &mut D,
    live: &mut Live,
    events: &[Recorded],
) -> Result<(), (usize, Failure)> {
    let mut index = 0;
    let applied = catch_unwind(AssertUnwindSafe(|| -> Result<(), Error> {
        for event in events {
            let mut store = Store {
                db,
                position: event.stored.position as i64,
            };
            live.projection.apply(event, &mut store)?;
            index += 1;
        }
        let position = events.last().map_or(0, |last| last.stored.position as i64);
        live.projection.flush(&mut Store { db, position })
    }));
    match applied {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err((index.min(events.len() - 1), error.into())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            let index = index.min(events.len() - 1);
            let stored = &events[index].stored;
            let reason = format!(
                "event {} ({}): the projection panicked: {text}",
                stored.position, stored.kind
            );
            Err((index, Failure::Poison(reason)))
        }
    }
}
