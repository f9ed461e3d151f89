//! Reading all of a store, as it is at one moment.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Bytes, PAGE, Row};
use crate::Error;
use crate::db::{Database, Row as Cells};

/// The rows of a store, page by page; a server may be working on it meanwhile. Made by
/// [`crate::Options::export`].
#[derive(Debug)]
pub struct Export {
    pages: mpsc::Receiver<Result<Vec<Row>, Error>>,
    reading: Option<JoinHandle<()>>,
}

impl Export {
    /// Reads on a thread of its own, at most as far ahead as whoever takes the pages lets it.
    pub(crate) fn begin(
        open: impl FnOnce() -> Result<Option<Box<dyn Database>>, Error> + Send + 'static,
    ) -> Self {
        let (send, pages) = mpsc::channel(2);
        let reading = tokio::task::spawn_blocking(move || {
            let read = || match open()? {
                Some(mut db) => all(&mut *db, &send),
                None => Ok(()),
            };
            if let Err(error) = read() {
                // Nobody listens any more: then nobody misses it.
                let _ = send.blocking_send(Err(error));
            }
        });
        Self {
            pages,
            reading: Some(reading),
        }
    }

    /// The next page; none: that was all. A store in which nothing was ever saved has no rows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, Error> {
        if let Some(page) = self.pages.recv().await {
            return page.map(Some);
        }
        match self.reading.take() {
            None => Ok(None),
            // What was cut off must not look like the end.
            Some(reading) => match reading.await {
                Ok(()) => Ok(None),
                Err(error) => Err(Error::Unavailable(format!("a read was cut off: {error}"))),
            },
        }
    }
}

type Pages = mpsc::Sender<Result<Vec<Row>, Error>>;

fn all(db: &mut dyn Database, to: &Pages) -> Result<(), Error> {
    let mut head = Vec::new();
    db.query("SELECT number, at FROM head", &[], &mut |row| {
        let (number, at) = (row.integer(0)?, row.integer(1)?);
        head.push(Row::Head { number, at });
        Ok(())
    })?;
    if matches!(head[..], [Row::Head { number: 0, .. }] | []) || !give(to, head) {
        return Ok(());
    }
    table(db, to, SCOPES, scope)?;
    table(db, to, CHANGES, change)?;
    table(db, to, SEEN, seen)
}

/// False: nobody takes it.
fn give(to: &Pages, page: Vec<Row>) -> bool {
    to.blocking_send(Ok(page)).is_ok()
}

const SCOPES: &str =
    "SELECT id, CAST(0 AS bigint), project, integration, connection, model, variant, opened_at,
         closed_at, changed_at, live
     FROM scopes WHERE id > ?1 AND ?2 = ?2 ORDER BY id LIMIT ?3";

const CHANGES: &str =
    "SELECT number, CAST(0 AS bigint), scope, record, id, uuid, action, at, superseded_at,
         first_seen_at, modified_at, pruned_at, job, hash, payload
     FROM changes WHERE number > ?1 AND ?2 = ?2 AND scope IN (SELECT id FROM scopes)
     ORDER BY number LIMIT ?3";

const SEEN: &str = "SELECT scope, record, number, job
     FROM seen WHERE (scope, record) > (?1, ?2)
         AND scope IN (SELECT id FROM scopes WHERE closed_at IS NULL)
     ORDER BY scope, record LIMIT ?3";

/// Reads a table in the order of its first two columns, which name a row.
fn table(
    db: &mut dyn Database,
    to: &Pages,
    sql: &'static str,
    read: fn(&dyn Cells) -> Result<Row, Error>,
) -> Result<(), Error> {
    let mut after = (-1, -1);
    loop {
        let mut page = Vec::new();
        let values = [after.0.into(), after.1.into(), PAGE.into()];
        db.query(sql, &values, &mut |row| {
            after = (row.integer(0)?, row.integer(1)?);
            page.push(read(row)?);
            Ok(())
        })?;
        let is_last = page.len() < PAGE as usize;
        if !give(to, page) || is_last {
            return Ok(());
        }
    }
}

fn scope(row: &dyn Cells) -> Result<Row, Error> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Row::Scope {
        id: row.integer(0)?,
        project: text(2)?,
        integration: text(3)?,
        connection: text(4)?,
        model: text(5)?,
        variant: text(6)?,
        opened_at: row.integer(7)?,
        closed_at: row.maybe_integer(8)?,
        changed_at: row.integer(9)?,
        live: row.integer(10)?,
    })
}

fn change(row: &dyn Cells) -> Result<Row, Error> {
    Ok(Row::Change {
        number: row.integer(0)?,
        scope: row.integer(2)?,
        record: row.integer(3)?,
        id: row.text(4)?.to_owned(),
        uuid: Uuid::from_bytes(row.bytes(5)?),
        action: row.integer(6)?,
        at: row.integer(7)?,
        superseded_at: row.maybe_integer(8)?,
        first_seen_at: row.integer(9)?,
        modified_at: row.integer(10)?,
        pruned_at: row.maybe_integer(11)?,
        job: row.text(12)?.to_owned(),
        hash: Bytes::new(&row.bytes::<32>(13)?),
        payload: row.maybe_bytes(14)?.map(Bytes::new),
    })
}

fn seen(row: &dyn Cells) -> Result<Row, Error> {
    Ok(Row::Seen {
        scope: row.integer(0)?,
        record: row.integer(1)?,
        number: row.integer(2)?,
        job: row.text(3)?.to_owned(),
    })
}
