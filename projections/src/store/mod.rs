//! Where read models are kept, and what is the same wherever that is.
//!
//! # What is stored
//!
//! `runner` has one row: the epoch that fences the runner, and what the place
//! needs to know of who runs. `projections` has one row per projection: which
//! generation of its tables is read, and how far they are. All other tables
//! belong to one generation of one projection and end in its number, but for
//! those of nodes that speak to each other ([`schema`]).

pub(crate) mod file;
pub(crate) mod lease;
pub(crate) mod schema;

use std::path::PathBuf;

use journal::Journal;
use tokio::runtime::Handle;

use crate::Error;
use crate::db::{Database, Value};
use crate::models::DEFINITIONS;
use crate::projection::Definition;

/// Where read models are kept.
#[derive(Clone)]
pub enum Location {
    /// A file. It is created when it is not there, and may be deleted while
    /// nobody has it open: it is made again from the journal. One process
    /// keeps it.
    File(PathBuf),
    /// A schema of a PostgreSQL database, which any number of nodes keep
    /// together: one of them applies events, the others follow and take over.
    Postgres {
        /// `postgres://…`, with a database whose encoding is UTF-8, and a role
        /// that may create the schema or owns it.
        url: String,
        /// The schema, in lower-case letters, digits and `_`. It holds nothing
        /// else, and may be dropped while nobody uses it.
        schema: String,
    },
}

/// The usual schema.
pub(crate) const SCHEMA: &str = "strata_reads";

/// What is stored of a projection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pointer {
    pub generation: u32,
    pub checkpoint: u64,
    /// The tables must be made from nothing.
    pub fresh: bool,
}

pub(crate) type Pointers = [Pointer; DEFINITIONS.len()];

/// What a runner begins with.
pub(crate) struct Opened {
    pub db: Box<dyn Database>,
    pub epoch: i64,
    pub pointers: Pointers,
}

/// Runs `write` in a transaction that only the runner of this epoch commits.
pub(crate) fn fenced<T>(
    db: &mut dyn Database,
    of: i64,
    write: impl FnOnce(&mut dyn Database) -> Result<T, Error>,
) -> Result<T, Error> {
    let check = |db: &mut dyn Database, sql| match epoch(db, sql) {
        Ok(found) if found == of => Ok(()),
        Ok(_) => Err(Error::Fenced),
        Err(error) => Err(error),
    };
    let dialect = db.dialect();
    db.execute(dialect.begin, &[])?;
    let written = check(db, EPOCH)
        .and_then(|()| write(db))
        .and_then(|written| {
            // Until here it may have changed, and from here on it may not.
            if let Some(sql) = dialect.hold_epoch {
                check(db, sql)?;
            }
            db.execute("COMMIT", &[])?;
            Ok(written)
        });
    if written.is_err() {
        // The first error is the one that says why.
        let _ = db.execute("ROLLBACK", &[]);
    }
    written
}

const EPOCH: &str = "SELECT epoch FROM runner";

fn epoch(db: &mut dyn Database, sql: &str) -> Result<i64, Error> {
    let mut epoch = 0;
    db.query(sql, &[], &mut |record| {
        epoch = record.integer(0)?;
        Ok(false)
    })?;
    Ok(epoch)
}

/// Why what is stored cannot be of this journal; none: it can.
fn doubt(
    db: &mut dyn Database,
    journal: &dyn Journal,
    handle: &Handle,
) -> Result<Option<String>, Error> {
    let mut rows: Vec<(String, u64, String)> = Vec::new();
    let sql = "SELECT name, checkpoint, hash FROM projections WHERE checkpoint > 0";
    db.query(sql, &[], &mut |record| {
        let name = record.text(0)?.to_owned();
        rows.push((name, record.integer(1)? as u64, record.text(2)?.to_owned()));
        Ok(true)
    })?;
    for (name, checkpoint, hash) in rows {
        let last = handle.block_on(journal.read_all(checkpoint - 1, 1))?;
        if last.first().map(|event| hex(&event.hash)) != Some(hash) {
            return Ok(Some(format!("{name} has seen events of another journal")));
        }
    }
    Ok(None)
}

/// Finds the tables of each projection, makes those that are to be made from
/// nothing, and drops those that belong to none. `own` are not of projections.
fn begin(db: &mut dyn Database, own: &[&str]) -> Result<Pointers, Error> {
    let mut pointers = Pointers::default();
    let there = tables(db)?;
    // Another release has dropped what it did not know.
    let complete = |definition: &Definition, generation| {
        let tables = (definition.make)(generation, true).tables();
        tables.iter().all(|table| there.contains(table))
    };
    for (pointer, definition) in pointers.iter_mut().zip(&DEFINITIONS) {
        let mut found = None;
        db.query(
            "SELECT version, generation, checkpoint, ready FROM projections WHERE name = ?1",
            &[definition.name.into()],
            &mut |record| {
                let (version, generation) = (record.integer(0)?, record.integer(1)? as u32);
                found = Some((version, generation, record.integer(2)?, record.integer(3)?));
                Ok(false)
            },
        )?;
        *pointer = match found {
            Some((version, generation, checkpoint, 1))
                if version == i64::from(definition.version) && complete(definition, generation) =>
            {
                Pointer {
                    generation,
                    checkpoint: checkpoint as u64,
                    fresh: false,
                }
            }
            found => Pointer {
                generation: found.map_or(0, |(_, generation, ..)| generation) + 1,
                checkpoint: 0,
                fresh: true,
            },
        };
    }
    let mut keep: Vec<String> = Vec::new();
    for (pointer, definition) in pointers.iter().zip(&DEFINITIONS) {
        if !pointer.fresh {
            keep.extend((definition.make)(pointer.generation, true).tables());
        }
    }
    for table in there {
        if !own.contains(&table.as_str()) && !keep.contains(&table) {
            db.run(&format!("DROP TABLE {table}"))?;
        }
    }
    for (pointer, definition) in pointers.iter().zip(&DEFINITIONS) {
        if pointer.fresh {
            let mut projection = (definition.make)(pointer.generation, false);
            let sql = projection.create_tables(db.dialect());
            db.run(&sql)?;
            db.execute(
                "INSERT INTO projections (name, version, generation, checkpoint, hash, ready) \
                 VALUES (?1, ?2, ?3, 0, '', 0) ON CONFLICT (name) DO UPDATE SET \
                 version = excluded.version, generation = excluded.generation, \
                 checkpoint = 0, hash = '', ready = 0",
                &[
                    definition.name.into(),
                    definition.version.into(),
                    pointer.generation.into(),
                ],
            )?;
        }
    }
    Ok(pointers)
}

fn tables(db: &mut dyn Database) -> Result<Vec<String>, Error> {
    let mut tables = Vec::new();
    let sql = db.dialect().tables;
    db.query(sql, &[], &mut |record| {
        tables.push(record.text(0)?.to_owned());
        Ok(true)
    })?;
    Ok(tables)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Moves the checkpoint of projections to the event at a position.
pub(crate) fn advance(
    db: &mut dyn Database,
    position: u64,
    hash: &str,
    names: &[&'static str],
) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let mut values: Vec<Value> = vec![position.into(), hash.into()];
    let mut places = Vec::new();
    for name in names {
        values.push((*name).into());
        places.push(format!("?{}", values.len()));
    }
    let sql = format!(
        "UPDATE projections SET checkpoint = ?1, hash = ?2 WHERE name IN ({})",
        places.join(", ")
    );
    db.execute(&sql, &values)?;
    Ok(())
}

/// Makes a generation the one that is read.
pub(crate) fn point(
    db: &mut dyn Database,
    name: &str,
    pointer: &Pointer,
    hash: &str,
) -> Result<(), Error> {
    let values: [Value; 4] = [
        pointer.generation.into(),
        pointer.checkpoint.into(),
        hash.into(),
        name.into(),
    ];
    db.execute(
        "UPDATE projections SET generation = ?1, checkpoint = ?2, hash = ?3, ready = 1 \
         WHERE name = ?4",
        &values,
    )?;
    Ok(())
}
