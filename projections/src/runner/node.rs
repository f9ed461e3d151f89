//! Who runs a runner, and when: the one process that has a file open, or the
//! one of many nodes that leads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::oneshot;

use super::requests::{answer, ask};
use super::{Command, Context, Ended, Runner};
use crate::Error;
use crate::db::Database;
use crate::state::Leader;
use crate::store::lease::Lease;
use crate::store::schema::{Schema, slots};
use crate::store::{Opened, file};

type Opening = Sender<Result<(), Error>>;

/// How long a node waits before it looks for its database again.
const PAUSE: Duration = Duration::from_millis(200);

/// Keeps the read models of a file until it is told to stop.
pub(crate) fn alone(path: &Path, node: String, context: Context, opening: &Opening) {
    let opened = file::open(path, &*context.journal, &context.handle);
    let opened @ Opened { epoch, .. } = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let _ = opening.send(Err(error));
            return;
        }
    };
    let shared = Arc::clone(&context.shared);
    let leader = Leader {
        node,
        epoch: epoch as u64,
        here: true,
    };
    shared.change(|state| state.leader = Some(leader));
    let mut runner = Runner::new(context, opened, None);
    // Nobody is there to hear it only when the opener died.
    let _ = opening.send(Ok(()));
    let reason = match runner.run() {
        Ended::Stopped => "the read models are closed".to_owned(),
        Ended::Fenced => {
            let error = Error::Fenced.to_string();
            tracing::error!(error, "the read models are not kept any more");
            error
        }
        Ended::Broken | Ended::Lost(_) => "the runner has ended unexpectedly".to_owned(),
    };
    shared.change(|state| {
        state.stopped = Some(reason);
        state.leader = None;
    });
    if let Err(error) = file::close(&mut *runner.db, epoch) {
        tracing::warn!(%error, "the read models were not closed cleanly");
    }
}

/// Keeps the read models of a schema together with other nodes, until it is
/// told to stop.
pub(crate) fn together(schema: Schema, context: Context, opening: Opening) {
    let (shared, commands) = (Arc::clone(&context.shared), Arc::clone(&context.commands));
    let lease = match Lease::start(schema, Arc::clone(&shared), commands) {
        Ok(lease) => lease,
        Err(error) => {
            let _ = opening.send(Err(error));
            return;
        }
    };
    let mut node = Node {
        lease: Arc::clone(&lease),
        context,
        opening: Some(opening),
        asked: Vec::new(),
    };
    let kept = catch_unwind(AssertUnwindSafe(|| node.keep()));
    node.give_up_asking();
    lease.release();
    let reason = match kept {
        Ok(true) => "the read models are closed",
        Ok(false) | Err(_) => "the runner has ended unexpectedly",
    };
    shared.change(|state| state.stopped = Some(reason.to_owned()));
}

struct Node {
    lease: Arc<Lease>,
    context: Context,
    /// Whoever waits for the read models to be open.
    opening: Option<Opening>,
    /// What this node has asked the leader for.
    asked: Vec<(i64, oneshot::Sender<Result<(), Error>>)>,
}

impl Node {
    /// Leads or follows, by turns; `false`: something is broken for good.
    fn keep(&mut self) -> bool {
        let mut silent = false;
        while !self.context.commands.is_stopping() {
            let lost = match self.lease.epoch() {
                Some(epoch) => match self.lead(epoch) {
                    Ended::Stopped => return true,
                    Ended::Broken => return false,
                    Ended::Fenced => {
                        tracing::warn!(epoch, "the lead of the read models is over");
                        self.lease.lose(epoch);
                        None
                    }
                    Ended::Lost(error) => Some(error),
                },
                None => match self.follow() {
                    Ok(true) => None,
                    Ok(false) => return true,
                    Err(error) => Some(error),
                },
            };
            match lost {
                None => silent = false,
                Some(error) => {
                    if let Some(opening) = self.opening.take() {
                        let _ = opening.send(Err(error));
                        return false;
                    }
                    if !std::mem::replace(&mut silent, true) {
                        tracing::warn!(%error, "the read models have lost their database");
                    }
                    std::thread::sleep(PAUSE);
                }
            }
        }
        true
    }

    fn opened(&mut self) {
        if let Some(opening) = self.opening.take() {
            let _ = opening.send(Ok(()));
        }
    }

    /// Applies events as long as nobody else does.
    fn lead(&mut self, epoch: i64) -> Ended {
        self.give_up_asking();
        let Context {
            journal, handle, ..
        } = &self.context;
        let opened = match self.lease.schema().open(epoch, &**journal, handle) {
            Ok(opened) => opened,
            Err(Error::Fenced) => return Ended::Fenced,
            Err(error) => return Ended::Lost(error),
        };
        let lease = Some(Arc::clone(&self.lease));
        let mut runner = Runner::new(self.context.clone(), opened, lease);
        self.opened();
        runner.run()
    }

    /// Tells this node how far the leader is, until this node leads (`true`) or
    /// is told to stop (`false`).
    fn follow(&mut self) -> Result<bool, Error> {
        let mut db = self.lease.schema().follower()?;
        let patience = self.lease.schema().ttl / 3;
        loop {
            while let Some(command) = self.context.commands.take() {
                match command {
                    Command::Stop => return Ok(false),
                    Command::Look => {}
                    Command::Rebuild { slots, reply } => match ask(&mut db, &slots) {
                        Ok(id) => self.asked.push((id, reply)),
                        Err(error) => {
                            let _ = reply.send(Err(error));
                        }
                    },
                }
            }
            if self.lease.epoch().is_some() {
                return Ok(true);
            }
            let slots = slots(&mut db)?;
            self.context.shared.change_if(|state| {
                let new = state.slots != slots;
                state.slots = slots;
                new
            });
            self.hear(&mut db)?;
            self.opened();
            let woken = self.context.commands.wake.notified();
            self.context.handle.block_on(async {
                // A notification may have been lost.
                let _ = tokio::time::timeout(patience, woken).await;
            });
        }
    }

    /// Passes on what has come of requests.
    fn hear(&mut self, db: &mut dyn Database) -> Result<(), Error> {
        for (id, reply) in std::mem::take(&mut self.asked) {
            match answer(db, id)? {
                Some(answer) => {
                    let _ = reply.send(answer);
                }
                None => self.asked.push((id, reply)),
            }
        }
        Ok(())
    }

    /// The request stays, and is carried out; only nobody waits for it here.
    fn give_up_asking(&mut self) {
        for (_, reply) in self.asked.drain(..) {
            let reason = "this node does not follow the one that it asked any more";
            let _ = reply.send(Err(Error::Unavailable(reason.to_owned())));
        }
    }
}
