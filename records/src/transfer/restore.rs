//! Writing rows into a store that is empty.

use super::{Bytes, Row};
use crate::db::{Bulk, Column, Database, Either, Value, number};
use crate::{Error, Records};

/// Takes the rows of another store, in their order. Made by [`crate::Options::restore`].
///
/// The end of the order is written last: what was broken off before that begins anew.
#[derive(Debug)]
pub struct Restore {
    records: Records,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was written.
    New,
    /// The end of the order, once all is there.
    Writing(i64, i64),
    /// The store holds them already.
    There,
}

impl Restore {
    pub(crate) fn new(records: Records) -> Self {
        Self {
            records,
            state: State::New,
        }
    }

    /// Writes a page.
    ///
    /// # Errors
    /// [`Error::NotEmpty`] when the store holds something else, [`Error::Damaged`] when a row
    /// cannot be one.
    pub async fn rows(&mut self, rows: Vec<Row>) -> Result<(), Error> {
        let mut page = Page::default();
        for row in rows {
            match row {
                Row::Head { number, at } => self.begin(number, at).await?,
                _ if self.state == State::There => {}
                _ if self.state == State::New => {
                    return Err(Error::Damaged("the first row is missing".to_owned()));
                }
                row => page.add(row)?,
            }
        }
        match page.is_empty() {
            true => Ok(()),
            false => self.records.store.write(move |db, _| page.write(db)).await,
        }
    }

    async fn begin(&mut self, number: i64, at: i64) -> Result<(), Error> {
        let there = self.records.store.write(move |db, _| {
            let mut there = (0, 0);
            db.query("SELECT number, at FROM head", &[], &mut |row| {
                there = (row.integer(0)?, row.integer(1)?);
                Ok(())
            })?;
            if there.0 == 0 {
                for sql in [
                    "DELETE FROM seen",
                    "DELETE FROM changes",
                    "DELETE FROM scopes",
                ] {
                    db.execute(sql, &[])?;
                }
            }
            Ok(there)
        });
        self.state = match there.await? {
            (0, _) => State::Writing(number, at),
            there if there == (number, at) => State::There,
            _ => return Err(Error::NotEmpty),
        };
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn finish(self) -> Result<(), Error> {
        if let State::Writing(number, at) = self.state {
            let ended = self.records.store.write(move |db, _| end(db, number, at));
            ended.await?;
        }
        self.records.close().await;
        Ok(())
    }
}

/// PostgreSQL has to be told where to go on counting; SQLite sees it.
const COUNT: Either = Either {
    sqlite: "SELECT 0",
    postgres: "SELECT setval(pg_get_serial_sequence('scopes', 'id'), max(id)) FROM scopes
         HAVING max(id) IS NOT NULL",
};

fn end(db: &mut dyn Database, head: i64, at: i64) -> Result<(), Error> {
    let count = db.of(&COUNT);
    number(db, count, &[])?;
    let sql = "UPDATE head SET number = ?1, at = ?2";
    db.execute(sql, &[head.into(), at.into()]).map(drop)
}

/// Stands for nothing where a column cannot be empty; no time is negative.
const NONE: i64 = -1;

const SCOPE: Either = Either {
    sqlite: "INSERT INTO scopes (id, project, integration, connection, model, variant, opened_at,
             closed_at, changed_at, live)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, -1), ?9, ?10)",
    postgres: "INSERT INTO scopes (id, project, integration, connection, model, variant, opened_at,
             closed_at, changed_at, live)
         OVERRIDING SYSTEM VALUE
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, -1::bigint), ?9, ?10)",
};

const CHANGES: Bulk = Bulk {
    sqlite: "INSERT INTO changes (number, scope, record, id, uuid, action, at, superseded_at,
             first_seen_at, modified_at, pruned_at, job, hash, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULLIF(?8, -1), ?9, ?10, NULLIF(?11, -1), ?12, ?13,
             CASE WHEN ?14 = 1 THEN ?15 END)",
    postgres: "INSERT INTO changes (number, scope, record, id, uuid, action, at, superseded_at,
             first_seen_at, modified_at, pruned_at, job, hash, payload)
         SELECT number, scope, record, id, uuid, action, at, NULLIF(superseded_at, -1),
             first_seen_at, modified_at, NULLIF(pruned_at, -1), job, hash,
             CASE WHEN has_payload = 1 THEN payload END
         FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::text[], ?5::bytea[],
                 ?6::bigint[], ?7::bigint[], ?8::bigint[], ?9::bigint[], ?10::bigint[],
                 ?11::bigint[], ?12::text[], ?13::bytea[], ?14::bigint[], ?15::bytea[])
             AS given (number, scope, record, id, uuid, action, at, superseded_at, first_seen_at,
                 modified_at, pruned_at, job, hash, has_payload, payload)",
};

const SEEN: Bulk = Bulk {
    sqlite: "INSERT INTO seen (scope, record, number, job) VALUES (?1, ?2, ?3, ?4)",
    postgres: "INSERT INTO seen (scope, record, number, job)
         SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::text[])",
};

/// Rows of one transaction, column by column.
#[derive(Default)]
struct Page {
    scopes: Vec<Row>,
    /// In the order of the statement, numbers first.
    numbers: [Vec<i64>; 10],
    ids: Vec<String>,
    uuids: Vec<Vec<u8>>,
    jobs: Vec<String>,
    hashes: Vec<Vec<u8>>,
    payloads: Vec<Vec<u8>>,
    seen: [Vec<i64>; 3],
    seen_by: Vec<String>,
}

impl Page {
    fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.ids.is_empty() && self.seen_by.is_empty()
    }

    fn add(&mut self, row: Row) -> Result<(), Error> {
        match row {
            Row::Head { .. } => {}
            Row::Scope { .. } => self.scopes.push(row),
            Row::Change {
                number,
                scope,
                record,
                id,
                uuid,
                action,
                at,
                superseded_at,
                first_seen_at,
                modified_at,
                pruned_at,
                job,
                hash,
                payload,
            } => {
                crate::model::Action::from_number(action)?;
                let numbers = [
                    number,
                    scope,
                    record,
                    action,
                    at,
                    superseded_at.unwrap_or(NONE),
                    first_seen_at,
                    modified_at,
                    pruned_at.unwrap_or(NONE),
                    payload.is_some().into(),
                ];
                for (column, value) in self.numbers.iter_mut().zip(numbers) {
                    column.push(value);
                }
                let hash = hash.into_bytes()?;
                if hash.len() != 32 {
                    return Err(Error::Damaged("a hash has 32 bytes".to_owned()));
                }
                self.ids.push(id);
                self.uuids.push(uuid.as_bytes().to_vec());
                self.jobs.push(job);
                self.hashes.push(hash);
                let payload = payload.map(Bytes::into_bytes).transpose()?;
                self.payloads.push(payload.unwrap_or_default());
            }
            Row::Seen {
                scope,
                record,
                number,
                job,
            } => {
                for (column, value) in self.seen.iter_mut().zip([scope, record, number]) {
                    column.push(value);
                }
                self.seen_by.push(job);
            }
        }
        Ok(())
    }

    fn write(&self, db: &mut dyn Database) -> Result<(), Error> {
        for scope in &self.scopes {
            write_scope(db, scope)?;
        }
        let integers = |index: usize| Column::Integers(self.numbers[index].clone());
        let columns = [
            integers(0),
            integers(1),
            integers(2),
            texts(&self.ids),
            bytes(&self.uuids),
            integers(3),
            integers(4),
            integers(5),
            integers(6),
            integers(7),
            integers(8),
            texts(&self.jobs),
            bytes(&self.hashes),
            integers(9),
            bytes(&self.payloads),
        ];
        db.execute_all(&CHANGES, &[], &columns)?;
        let [scopes, records, numbers] = self.seen.clone().map(Column::Integers);
        let columns = [scopes, records, numbers, texts(&self.seen_by)];
        db.execute_all(&SEEN, &[], &columns)
    }
}

fn texts(cells: &[String]) -> Column<'_> {
    Column::Texts(cells.iter().map(String::as_str).collect())
}

fn bytes(cells: &[Vec<u8>]) -> Column<'_> {
    Column::Bytes(cells.iter().map(Vec::as_slice).collect())
}

fn write_scope(db: &mut dyn Database, row: &Row) -> Result<(), Error> {
    let Row::Scope {
        id,
        project,
        integration,
        connection,
        model,
        variant,
        opened_at,
        closed_at,
        changed_at,
        live,
    } = row
    else {
        return Ok(());
    };
    let values: [Value<'_>; 10] = [
        (*id).into(),
        project.as_str().into(),
        integration.as_str().into(),
        connection.as_str().into(),
        model.as_str().into(),
        variant.as_str().into(),
        (*opened_at).into(),
        closed_at.unwrap_or(NONE).into(),
        (*changed_at).into(),
        (*live).into(),
    ];
    let sql = db.of(&SCOPE);
    db.execute(sql, &values).map(drop)
}
