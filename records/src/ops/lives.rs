//! Lives of scopes: see the table `scopes`.

use super::head::{self, Turn};
use crate::db::{Database, Either, Value, number};
use crate::model::Model;
use crate::{Error, Scope};

/// The life of a scope that a write goes to. Nobody else changes anything in it
/// until the transaction ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub id: i64,
    changed_at: i64,
    pub live: i64,
}

const LOCK: Either = Either {
    sqlite: "SELECT id, changed_at, live FROM scopes
         WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND model = ?4
             AND variant = ?5 AND closed_at IS NULL",
    postgres: "SELECT id, changed_at, live FROM scopes
         WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND model = ?4
             AND variant = ?5 AND closed_at IS NULL
         FOR UPDATE",
};

/// The life that is now, if there is one.
pub(crate) fn lock(db: &mut dyn Database, scope: &Scope) -> Result<Option<Life>, Error> {
    let mut life = None;
    db.query(db.of(&LOCK), &names(scope), &mut |row| {
        life = Some(Life {
            id: row.integer(0)?,
            changed_at: row.integer(1)?,
            live: row.integer(2)?,
        });
        Ok(())
    })?;
    Ok(life)
}

/// The same, begun if there is none. The caller must make a change in it, which
/// is what says when it began.
pub(crate) fn lock_or_open(db: &mut dyn Database, scope: &Scope) -> Result<Life, Error> {
    if let Some(life) = lock(db, scope)? {
        return Ok(life);
    }
    let mut values = names(scope).to_vec();
    values.push(i64::MAX.into());
    let opened = db.execute(
        "INSERT INTO scopes
             (project, integration, connection, model, variant, opened_at, changed_at, live)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0) ON CONFLICT DO NOTHING",
        &values,
    )?;
    let life = lock(db, scope)?.ok_or_else(|| {
        // Another node began it and ended it again, between the two.
        Error::Unavailable("the scope is being emptied".to_owned())
    })?;
    if opened == 0 {
        return Ok(life);
    }
    let before = number(
        db,
        "SELECT max(closed_at) FROM scopes
         WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND model = ?4
             AND variant = ?5",
        &names(scope),
    )?;
    Ok(Life {
        changed_at: before.unwrap_or(0),
        ..life
    })
}

impl Life {
    /// Takes the next numbers and a time that is later than that of every
    /// change before: a reader that has seen one does not miss the next.
    pub(crate) fn turn(
        &self,
        db: &mut dyn Database,
        changes: usize,
        now: i64,
    ) -> Result<Turn, Error> {
        head::take(db, changes, now.max(self.changed_at.saturating_add(1)))
    }

    /// Notes that there are changes, and how many records there are more.
    pub(crate) fn touch(&self, db: &mut dyn Database, at: i64, more: i64) -> Result<(), Error> {
        db.execute(
            "UPDATE scopes SET changed_at = ?2, live = live + ?3,
                 opened_at = CASE WHEN opened_at > ?2 THEN ?2 ELSE opened_at END
             WHERE id = ?1",
            &[self.id.into(), at.into(), more.into()],
        )?;
        Ok(())
    }
}

/// The number of the life that is now (`as_of` none) or was then.
pub(crate) fn find(
    db: &mut dyn Database,
    scope: &Scope,
    as_of: Option<i64>,
) -> Result<Option<Seen>, Error> {
    let mut values = names(scope).to_vec();
    let sql = match as_of {
        None => {
            "SELECT id, changed_at, live FROM scopes
             WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND model = ?4
                 AND variant = ?5 AND closed_at IS NULL"
        }
        Some(at) => {
            values.push(at.into());
            "SELECT id, changed_at, live FROM scopes
             WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND model = ?4
                 AND variant = ?5 AND opened_at <= ?6
                 AND (closed_at IS NULL OR closed_at > ?6)"
        }
    };
    let mut found = None;
    db.query(sql, &values, &mut |row| {
        found = Some(Seen {
            id: row.integer(0)?,
            changed_at: row.integer(1)?,
            live: row.integer(2)?,
        });
        Ok(())
    })?;
    Ok(found)
}

/// A life that is only read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub id: i64,
    /// The time of its newest change.
    pub changed_at: i64,
    /// Records that are not deleted, now.
    pub live: i64,
}

/// Ends the life that is now; returns how many records it had that were not
/// deleted. Its versions stay.
pub(crate) fn close(db: &mut dyn Database, scope: &Scope, now: i64) -> Result<u64, Error> {
    let Some(life) = lock(db, scope)? else {
        return Ok(0);
    };
    let turn = life.turn(db, 1, now)?;
    db.execute(
        "UPDATE scopes SET closed_at = ?2 WHERE id = ?1",
        &[life.id.into(), turn.at.into()],
    )?;
    // When records were seen is of no use any more.
    db.execute(
        "INSERT INTO sweeps (scope, history) VALUES (?1, 0) ON CONFLICT DO NOTHING",
        &[life.id.into()],
    )?;
    Ok(life.live.max(0) as u64)
}

/// The models of a connection that hold anything, deleted records included.
pub(crate) fn models(
    db: &mut dyn Database,
    project: &str,
    integration: &str,
    connection: &str,
) -> Result<Vec<Model>, Error> {
    let mut models = Vec::new();
    db.query(
        "SELECT model, variant, live FROM scopes
         WHERE project = ?1 AND integration = ?2 AND connection = ?3 AND closed_at IS NULL
         ORDER BY model, variant",
        &[project.into(), integration.into(), connection.into()],
        &mut |row| {
            models.push(Model {
                model: row.text(0)?.to_owned(),
                variant: row.text(1)?.to_owned(),
                count: row.integer(2)?.max(0) as u64,
            });
            Ok(())
        },
    )?;
    Ok(models)
}

fn names(scope: &Scope) -> [Value<'_>; 5] {
    scope.names().map(Value::from)
}
