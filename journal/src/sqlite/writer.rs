//! The one thread that appends.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::queue::{Queue, Reply, Request};
use super::rows;
use crate::batch::{Plan, State};
use crate::tail::Tail;
use crate::{Clock, Error, Outcome, failpoint};

/// Owns the writing connection. Positions, hashes and recorded times are made
/// here and nowhere else, which is why readers never have to repair order.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) tail: Arc<Tail>,
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) batch: usize,
    pub(super) connection: Connection,
    /// Released after the connection: fields are dropped in this order.
    #[expect(dead_code, reason = "held, not used")]
    pub(super) lock: File,
}

/// Tells those who wait when the writer is gone, also by a panic.
struct Leaving(Arc<Queue>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Writer {
    /// Commits what is queued until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _leaving = Leaving(Arc::clone(&self.queue));
        // Clients that were just answered together come back together. To wait
        // for them a fraction of a flush is cheaper than to leave most of them
        // out of the next one.
        let mut wanted = 1;
        let mut linger = Duration::ZERO;
        while let Some(requests) = self.queue.take(self.batch, wanted, linger) {
            wanted = requests.len();
            let started = Instant::now();
            self.commit(requests);
            linger = (started.elapsed() / 4).min(MAX_LINGER);
        }
    }

    fn commit(&mut self, mut requests: Vec<Request>) {
        match self.write(&mut requests) {
            Ok(plan) => {
                let (events, outcomes) = self.state.accept(plan);
                self.tail.publish(events);
                let runtime = requests.iter_mut().find_map(|it| it.runtime.take());
                let replies = requests.into_iter().map(|request| request.reply);
                let answers = Answers(replies.zip(outcomes).collect());
                match runtime {
                    Some(runtime) if answers.0.len() > 1 => {
                        runtime.spawn(async move { drop(answers) });
                    }
                    _ => drop(answers),
                }
            }
            Err(error) => {
                tracing::error!(%error, requests = requests.len(), "a commit failed");
                let reason = format!("SQLite: {error}");
                self.recover();
                for request in requests {
                    let answer = Err(Error::Unavailable(reason.clone()));
                    let _ = request.reply.send(answer);
                }
            }
        }
    }

    fn write(&mut self, requests: &mut [Request]) -> rusqlite::Result<Plan> {
        let mut draft = self
            .state
            .draft(requests.iter().map(|request| request.appends.as_slice()));
        draft.learn_streams(|stream| rows::last_sequence(&self.connection, stream))?;
        let mut statement = rows::select_command(&self.connection)?;
        draft.learn_commands(|id| rows::command(&mut statement, id))?;
        drop(statement);
        let appends = requests
            .iter_mut()
            .map(|request| std::mem::take(&mut request.appends));
        let plan = self.state.decide(draft, appends, self.clock.now());
        if !plan.is_empty() {
            self.store(&plan)?;
        }
        Ok(plan)
    }

    /// Dropping the transaction on the way out rolls it back.
    fn store(&mut self, plan: &Plan) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        rows::insert_events(&transaction, &plan.events)?;
        rows::insert_commands(&transaction, &plan.commands)?;
        failpoint("journal.before_commit");
        transaction.commit()?;
        failpoint("journal.after_commit");
        Ok(())
    }

    /// After a failed commit only the file says what became of it.
    fn recover(&mut self) {
        match rows::tip(&self.connection) {
            Ok(tip) => {
                self.state.reset(tip);
                self.tail.skip_to(tip.position);
            }
            // The old state stands. Should the file have moved on after all,
            // the unique positions refuse the next commit, and this is tried
            // again.
            Err(error) => {
                tracing::error!(%error, "the end of the journal could not be read again");
            }
        }
    }
}

/// The outcomes of a committed batch, given when this is dropped.
///
/// To wake a task from this thread costs several microseconds, and one of the
/// runtime's own threads does it in a fraction of that. So they are handed over
/// at once, and even a runtime that stops and drops its tasks gives them out.
struct Answers(Vec<(Reply, Vec<Outcome>)>);

impl Drop for Answers {
    fn drop(&mut self) {
        for (reply, outcomes) in self.0.drain(..) {
            // Whoever asked may have gone; the append stands.
            let _ = reply.send(Ok(outcomes));
        }
    }
}

const MAX_LINGER: Duration = Duration::from_micros(500);
