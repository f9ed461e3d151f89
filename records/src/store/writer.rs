//! The one thread that writes the file.

use std::sync::mpsc;

use journal::{Clock, failpoint};
use tokio::sync::oneshot;

use super::sqlite::Lock;
use crate::Error;
use crate::db::{Database, Sqlite};

/// An operation that waits for its turn.
pub(super) trait Job: Send {
    /// Does it, or leaves everything as it was.
    fn run(&mut self, db: &mut Sqlite, now: i64);

    /// Tells whoever waits what came of it, or why nothing did.
    fn answer(self: Box<Self>, failed: Option<&str>);
}

/// The job of an operation.
pub(super) struct Task<T, F> {
    op: F,
    result: Result<T, Error>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(op: F, reply: oneshot::Sender<Result<T, Error>>) -> Self {
        Self {
            op,
            result: Err(Error::Closed),
            reply,
        }
    }
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: Fn(&mut dyn Database, i64) -> Result<T, Error> + Send,
{
    fn run(&mut self, db: &mut Sqlite, now: i64) {
        self.result = apart(db, now, &self.op);
    }

    fn answer(self: Box<Self>, failed: Option<&str>) {
        let result = match failed {
            None => self.result,
            Some(reason) => Err(Error::Unavailable(reason.to_owned())),
        };
        // Whoever asked may have gone; what was written stands.
        let _ = self.reply.send(result);
    }
}

/// An operation that fails has no part in the transaction.
fn apart<T>(
    db: &mut Sqlite,
    now: i64,
    op: impl Fn(&mut dyn Database, i64) -> Result<T, Error>,
) -> Result<T, Error> {
    db.run("SAVEPOINT operation")?;
    let result = op(db, now);
    if result.is_err()
        && db.is_in_transaction()
        && let Err(error) = db.run("ROLLBACK TO operation")
    {
        // Then nothing of the transaction may stay.
        db.run("ROLLBACK")?;
        return Err(error);
    }
    if db.is_in_transaction() {
        db.run("RELEASE operation")?;
    }
    result
}

/// Owns the writing connection. What waits is committed together: a flush costs
/// as much for one page as for several.
pub(super) struct Writer {
    pub(super) jobs: mpsc::Receiver<Box<dyn Job>>,
    pub(super) db: Sqlite,
    pub(super) clock: Clock,
    /// Released after the connection: fields are dropped in this order.
    #[expect(dead_code, reason = "held, not used")]
    pub(super) lock: Lock,
}

/// Operations that are committed together at most.
const TOGETHER: usize = 16;

impl Writer {
    /// Commits what is queued until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            let mut jobs = vec![first];
            jobs.extend(self.jobs.try_iter().take(TOGETHER - 1));
            let failed = self.commit(&mut jobs).err().map(|error| {
                tracing::error!(%error, "records could not be committed");
                error.to_string()
            });
            for job in jobs {
                job.answer(failed.as_deref());
            }
        }
    }

    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
        self.db.run("BEGIN IMMEDIATE")?;
        for job in jobs {
            job.run(&mut self.db, self.clock.now());
            // Some failures end the transaction, with all that came before.
            if !self.db.is_in_transaction() {
                return Err(Error::Unavailable("SQLite gave up".to_owned()));
            }
        }
        failpoint("records.before_commit");
        let committed = self.db.run("COMMIT");
        if committed.is_err() && self.db.is_in_transaction() {
            self.db.run("ROLLBACK")?;
        }
        failpoint("records.after_commit");
        committed
    }
}
