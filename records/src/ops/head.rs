//! The end of the store's order.

use crate::Error;
use crate::db::{Database, number};

/// What a write is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// The number of the write itself; those of its changes follow it.
    pub number: i64,
    /// The time of its changes.
    pub at: i64,
}

impl Turn {
    /// The number of a change, counted from 0.
    pub(crate) fn change(&self, index: usize) -> i64 {
        self.number + 1 + index as i64
    }
}

/// Takes the next numbers: one for the write, so that a mark tells whether it
/// came before, and one for each change. The time of changes is `at` or later;
/// without changes it says nothing.
///
/// Other nodes wait from here on until the transaction ends.
pub(crate) fn take(db: &mut dyn Database, changes: usize, at: i64) -> Result<Turn, Error> {
    let at = if changes == 0 { i64::MIN } else { at };
    let numbers = 1 + changes as i64;
    let mut turn = None;
    db.query(
        "UPDATE head SET number = number + ?1, at = CASE WHEN at < ?2 THEN ?2 ELSE at END
         RETURNING number, at",
        &[numbers.into(), at.into()],
        &mut |row| {
            turn = Some(Turn {
                number: row.integer(0)? - numbers + 1,
                at: row.integer(1)?,
            });
            Ok(())
        },
    )?;
    turn.ok_or_else(|| Error::Damaged("the end of the order is gone".to_owned()))
}

/// The number of the last write.
pub(crate) fn mark(db: &mut dyn Database) -> Result<i64, Error> {
    let found = number(db, "SELECT number FROM head", &[])?;
    found.ok_or_else(|| Error::Damaged("the end of the order is gone".to_owned()))
}
