//! Applying a batch of events in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Live;
use crate::Error;
use crate::db::Database;
use crate::projection::Recorded;
use crate::store::{advance, fenced, hex};
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

/// Applies events to all projections that are right before them or among them.
/// A projection that cannot apply one is parked in front of it.
pub(super) fn batch(
    db: &mut dyn Database,
    epoch: i64,
    lives: &mut [Live],
    events: &[Recorded],
    keep: Keep,
) -> Result<(), Error> {
    let applied = fenced(db, epoch, |db| {
        let mut outcomes = Vec::with_capacity(lives.len());
        for live in &mut *lives {
            outcomes.push(one(db, live, events)?);
        }
        if keep == Keep::Checkpoint {
            write_down(db, lives, &outcomes)?;
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

/// Notes in the database how far each projection is, and why one stopped.
fn write_down(db: &mut dyn Database, lives: &[Live], outcomes: &[Outcome]) -> Result<(), Error> {
    let mut moved: Vec<(&(u64, String), &'static str)> = Vec::new();
    for (live, outcome) in lives.iter().zip(outcomes) {
        moved.extend(outcome.moved.as_ref().map(|to| (to, live.name())));
        if let (Some(reason), Some(sql)) = (&outcome.parked, db.dialect().park) {
            db.execute(sql, &[reason.as_str().into(), live.name().into()])?;
        }
    }
    // They are mostly all at the same event.
    moved.sort_unstable();
    for same in moved.chunk_by(|(one, _), (other, _)| one == other) {
        let ((position, hash), _) = same[0];
        let names: Vec<&'static str> = same.iter().map(|(_, name)| *name).collect();
        advance(db, *position, hash, &names)?;
    }
    Ok(())
}

fn one(db: &mut dyn Database, live: &mut Live, events: &[Recorded]) -> Result<Outcome, Error> {
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
        outcome.moved = Some((last.stored.position, hex(&last.stored.hash)));
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
fn all(
    db: &mut dyn Database,
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
