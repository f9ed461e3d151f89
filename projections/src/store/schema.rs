//! The schema of a PostgreSQL database that nodes keep read models in together.
//!
//! The schema holds nothing that the journal does not hold, so the runner
//! commits without waiting for the disk (`synchronous_commit = off`). A server
//! that stops may lose the newest of its commits, but each as a whole and none
//! before an older one: rows and checkpoint of a batch go together, and the
//! runner applies the batch again. Taking the lead is not among them: that
//! commit waits for the disk.
//!
//! # What is stored
//!
//! Beside `runner` and `projections`, which also tells the followers why a
//! projection has stopped and how far a rebuild is, `requests` holds what
//! followers ask of the leader. A trigger on each of the three notifies all
//! nodes when a change is committed; what changed, they read.

use std::str::FromStr as _;
use std::time::Duration;

use journal::Journal;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::runtime::Handle;

use super::{Opened, begin, doubt, fenced};
use crate::Error;
use crate::db::{Database, Postgres, failure, lower_case};
use crate::models::DEFINITIONS;
use crate::state::{Progress, Slot, Slots};

/// Shape of `runner`, `projections` and `requests`.
const FORMAT: i64 = 2;

/// The tables that are not of projections.
const OWN: [&str; 3] = ["runner", "projections", "requests"];

/// How to reach a schema.
#[derive(Clone)]
pub(crate) struct Schema {
    options: Box<PgConnectOptions>,
    pub name: String,
    /// What this node is called among the others.
    pub node: String,
    /// How long the lead lasts when it is not renewed.
    pub ttl: Duration,
}

impl Schema {
    pub(crate) fn new(url: &str, name: String, node: String, ttl: Duration) -> Result<Self, Error> {
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        let simple = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_';
        if !begins || !name.chars().all(simple) || name.len() > 63 {
            return Err(Error::Unavailable(format!(
                "a schema is named with up to 63 lower-case letters, digits and _, \
                 and {name:?} is not"
            )));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| failure(&error))?;
        let options = options
            .application_name("strata read models")
            .statement_cache_capacity(256)
            .disable_statement_logging()
            .options([("search_path", name.as_str()), ("jit", "off")]);
        Ok(Self {
            options: Box::new(options),
            name,
            node,
            ttl,
        })
    }

    /// How to connect for anything that is not said below.
    pub(crate) fn options(&self) -> PgConnectOptions {
        (*self.options).clone()
    }

    /// The channel that changes are told on.
    pub(crate) fn channel(&self) -> &str {
        &self.name
    }

    /// Makes the schema and what is not of projections, if it is not there.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        let mut db = Postgres::connect(&self.options)?;
        let mut format = None;
        let exists = "SELECT count(*) FROM pg_catalog.pg_tables \
                      WHERE schemaname = ?1 AND tablename = 'runner'";
        let mut found = 0;
        db.query(exists, &[self.name.as_str().into()], &mut |record| {
            found = record.integer(0)?;
            Ok(false)
        })?;
        if found > 0 {
            db.query("SELECT format FROM runner", &[], &mut |record| {
                format = Some(record.integer(0)?);
                Ok(false)
            })?;
        }
        if format == Some(FORMAT) {
            return Ok(());
        }
        let mut encoding = String::new();
        db.query(
            "SELECT current_setting('server_encoding')",
            &[],
            &mut |record| {
                record.text(0)?.clone_into(&mut encoding);
                Ok(false)
            },
        )?;
        if encoding != "UTF8" {
            return Err(Error::Unavailable(format!(
                "the encoding of the database is {encoding}, and must be UTF8"
            )));
        }
        db.run(&self.creation(format.is_some()))
    }

    /// The statements that make the schema, after dropping it if it has
    /// another format. One implicit transaction, one node at a time.
    fn creation(&self, again: bool) -> String {
        let name = &self.name;
        let drop = match again {
            true => format!("DROP SCHEMA {name} CASCADE;"),
            false => String::new(),
        };
        format!(
            "SELECT pg_advisory_xact_lock(hashtext('strata read models'), hashtext('{name}'));
             {drop}
             CREATE SCHEMA IF NOT EXISTS {name};
             CREATE TABLE IF NOT EXISTS runner (
                 id            BIGINT PRIMARY KEY CHECK (id = 1),
                 format        BIGINT NOT NULL,
                 epoch         BIGINT NOT NULL,
                 holder        TEXT NOT NULL,
                 expires_at    TIMESTAMPTZ NOT NULL,
                 session_pid   INTEGER,
                 session_start TIMESTAMPTZ
             );
             INSERT INTO runner VALUES (1, {FORMAT}, 0, '', '-infinity') ON CONFLICT DO NOTHING;
             CREATE TABLE IF NOT EXISTS projections (
                 name          TEXT PRIMARY KEY,
                 version       BIGINT NOT NULL,
                 generation    BIGINT NOT NULL,
                 checkpoint    BIGINT NOT NULL,
                 hash          TEXT NOT NULL,
                 ready         BIGINT NOT NULL,
                 parked        TEXT NOT NULL DEFAULT '',
                 rebuild_done  BIGINT NOT NULL DEFAULT -1,
                 rebuild_total BIGINT NOT NULL DEFAULT -1
             );
             CREATE TABLE IF NOT EXISTS requests (
                 id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                 names  TEXT NOT NULL,
                 asked  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
                 answer TEXT
             );
             {}
             CREATE OR REPLACE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
                 $$BEGIN PERFORM pg_notify('{name}', TG_TABLE_NAME); RETURN NULL; END$$;
             CREATE OR REPLACE TRIGGER tell AFTER UPDATE OF epoch, holder ON runner
                 FOR EACH STATEMENT EXECUTE FUNCTION tell();
             CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE ON projections
                 FOR EACH STATEMENT EXECUTE FUNCTION tell();
             CREATE OR REPLACE TRIGGER tell AFTER INSERT OR UPDATE ON requests
                 FOR EACH STATEMENT EXECUTE FUNCTION tell();",
            fold_function(),
        )
    }

    /// Opens the tables for the runner of an epoch; what cannot be of this
    /// journal is begun anew.
    pub(crate) fn open(
        &self,
        epoch: i64,
        journal: &dyn Journal,
        handle: &Handle,
    ) -> Result<Opened, Error> {
        // A runner that stops between two statements must not keep the next
        // one waiting for its locks.
        let idle = (2 * self.ttl).as_millis().max(1000);
        let options = self.options().options([
            ("synchronous_commit", "off".to_owned()),
            ("idle_in_transaction_session_timeout", idle.to_string()),
            ("tcp_keepalives_idle", "5".to_owned()),
            ("tcp_keepalives_interval", "2".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
            ("enable_seqscan", "off".to_owned()),
        ]);
        let mut db = Postgres::connect(&options)?;
        // The last commit of the runner before may be under way. With this it
        // is done; and no further one is let through.
        fenced(&mut db, epoch, |db| {
            db.run("LOCK TABLE projections IN SHARE ROW EXCLUSIVE MODE")
        })?;
        if let Some(doubt) = doubt(&mut db, journal, handle)? {
            tracing::warn!(schema = self.name, doubt, "building the read models anew");
            fenced(&mut db, epoch, |db| {
                db.run("UPDATE projections SET ready = 0")
            })?;
        }
        let pointers = fenced(&mut db, epoch, |db| {
            let pointers = begin(db, &OWN)?;
            db.run(
                "UPDATE projections SET parked = '', rebuild_done = -1, rebuild_total = -1; \
                 DELETE FROM requests WHERE answer IS NOT NULL \
                 AND asked < clock_timestamp() - interval '1 hour'",
            )?;
            Ok(pointers)
        })?;
        tracing::debug!(schema = self.name, epoch, "opened the read models");
        Ok(Opened {
            db: Box::new(db),
            epoch,
            pointers,
        })
    }

    /// A connection that cannot write. Tables are read by their indexes, row
    /// by row in the order of a list, as every statement is made for: that
    /// ends early, and costs the same whatever the statistics say.
    pub(crate) fn reader(&self) -> Result<Postgres, Error> {
        Postgres::connect(&self.options().options([
            ("default_transaction_read_only", "on"),
            ("statement_timeout", "60s"),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("max_parallel_workers_per_gather", "0"),
        ]))
    }

    /// A connection for a follower.
    pub(crate) fn follower(&self) -> Result<Postgres, Error> {
        Postgres::connect(&self.options)
    }
}

/// How far the projections are, as the leader last committed it.
pub(crate) fn slots(db: &mut dyn Database) -> Result<Slots, Error> {
    let mut slots = Slots::default();
    let sql = "SELECT name, version, generation, checkpoint, ready, parked, \
               rebuild_done, rebuild_total FROM projections";
    db.query(sql, &[], &mut |record| {
        let name = record.text(0)?;
        let mut known = DEFINITIONS.iter().zip(&mut slots);
        let Some((definition, slot)) = known.find(|(definition, _)| definition.name == name) else {
            return Ok(true);
        };
        let ours = record.integer(1)? == i64::from(definition.version);
        let parked = record.text(5)?;
        let (done, total) = (record.integer(6)?, record.integer(7)?);
        *slot = Slot {
            generation: record.integer(2)? as u32,
            checkpoint: record.integer(3)? as u64,
            ready: ours && record.integer(4)? == 1,
            parked: match (ours, parked) {
                (true, "") => None,
                (true, reason) => Some(reason.to_owned()),
                (false, _) => Some("a node of another release leads".to_owned()),
            },
            rebuild: (total >= 0).then_some(Progress {
                done: done.max(0) as u64,
                total: total as u64,
            }),
        };
        Ok(true)
    })?;
    Ok(slots)
}

/// The function that takes the case out of a text, as [`crate::db::fold`] does:
/// character by character and by the same table, whatever the locales of the
/// server know.
fn fold_function() -> String {
    let (mut from, mut to, mut long) = (String::new(), String::new(), "$1".to_owned());
    for (character, lower) in lower_case() {
        match &*lower.chars().collect::<Vec<_>>() {
            [lower] => {
                from.push(character);
                to.push(*lower);
            }
            _ => long = format!("replace({long}, '{character}', '{lower}')"),
        }
    }
    format!(
        "CREATE OR REPLACE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
         AS $$SELECT CASE WHEN octet_length($1) = length($1) THEN lower($1 COLLATE \"C\")
         ELSE translate({long}, '{from}', '{to}') END$$;"
    )
}
