//! The one writer: reads events once, applies them to every projection, and
//! commits rows and checkpoints together.

mod apply;
mod feed;
mod node;
mod rebuild;
mod requests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journal::Journal;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use crate::Error;
use crate::db::Database;
use crate::models::DEFINITIONS;
use crate::projection::{Projection, Recorded};
use crate::state::Shared;
use crate::store::lease::Lease;
use crate::store::{Opened, fenced};
use feed::Feed;
pub(crate) use node::{alone, together};
use rebuild::Rebuild;
use requests::Requests;

/// Most events that are applied in one transaction.
const BATCH: usize = 4096;

/// How long the runner waits after the database has failed.
const PAUSE: Duration = Duration::from_millis(500);

/// What the runner is asked to do.
pub(crate) enum Command {
    /// Make these projections again.
    Rebuild {
        slots: Vec<usize>,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// Something may have changed that other nodes have to do with.
    Look,
    /// End.
    Stop,
}

/// The way to the runner.
#[derive(Default)]
pub(crate) struct Commands {
    queue: Mutex<VecDeque<Command>>,
    wake: Notify,
}

impl Commands {
    pub(crate) fn send(&self, command: Command) {
        self.queue().push_back(command);
        self.wake.notify_one();
    }

    /// Sends [`Command::Look`], unless that is about to be read anyway.
    pub(crate) fn look(&self) {
        let mut queue = self.queue();
        if !queue.iter().any(|command| matches!(command, Command::Look)) {
            queue.push_back(Command::Look);
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// Somebody has said that this is to end.
    fn is_stopping(&self) -> bool {
        let queue = self.queue();
        queue.iter().any(|command| matches!(command, Command::Stop))
    }

    fn take(&self) -> Option<Command> {
        self.queue().pop_front()
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Command>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One generation of a projection as the runner has it.
pub(crate) struct Live {
    /// Index in [`DEFINITIONS`].
    pub slot: usize,
    pub generation: u32,
    pub projection: Box<dyn Projection>,
    pub checkpoint: u64,
    /// Hash of the event at the checkpoint.
    pub hash: String,
    /// It has all its indexes.
    pub ready: bool,
    /// Why it has stopped.
    pub parked: Option<String>,
}

impl Live {
    fn new(slot: usize, generation: u32, checkpoint: u64, ready: bool) -> Self {
        Self {
            slot,
            generation,
            projection: (DEFINITIONS[slot].make)(generation, ready),
            checkpoint,
            hash: String::new(),
            ready,
            parked: None,
        }
    }

    fn name(&self) -> &'static str {
        DEFINITIONS[self.slot].name
    }
}

/// What a runner shares with the rest of its node.
#[derive(Clone)]
pub(crate) struct Context {
    pub journal: Arc<dyn Journal>,
    pub handle: Handle,
    pub shared: Arc<Shared>,
    pub commands: Arc<Commands>,
}

/// See the module.
struct Runner {
    db: Box<dyn Database>,
    epoch: i64,
    context: Context,
    /// What lets this node lead; none: there are no other nodes.
    lease: Option<Arc<Lease>>,
    /// The projections that are read.
    lives: Vec<Live>,
    rebuilds: VecDeque<Rebuild>,
    /// What other nodes have asked for.
    requests: Requests,
    /// Reads ahead while there is much to catch up with.
    feed: Option<Feed>,
}

/// Why a runner has ended.
enum Ended {
    /// It was told to.
    Stopped,
    /// Another one has taken over.
    Fenced,
    /// The runtime has gone, or something is broken for good.
    Broken,
    /// The connection to the database is lost.
    Lost(Error),
}

impl Runner {
    fn new(context: Context, opened: Opened, lease: Option<Arc<Lease>>) -> Self {
        let lives = opened.pointers.iter().enumerate();
        let lives = lives.map(|(slot, pointer)| {
            Live::new(slot, pointer.generation, pointer.checkpoint, !pointer.fresh)
        });
        let runner = Self {
            lives: lives.collect(),
            db: opened.db,
            epoch: opened.epoch,
            context,
            lease,
            rebuilds: VecDeque::new(),
            requests: Requests::default(),
            feed: None,
        };
        runner.publish();
        runner
    }

    /// Follows the journal until it is told to stop, or cannot go on.
    fn run(&mut self) -> Ended {
        let ended = loop {
            let step = catch_unwind(AssertUnwindSafe(|| self.step()));
            match step.unwrap_or(Err(Error::Closed)) {
                Ok(true) => {}
                Ok(false) => break Ended::Stopped,
                Err(Error::Closed) => break Ended::Broken,
                Err(Error::Fenced) => break Ended::Fenced,
                Err(error) if self.db.is_lost() => break Ended::Lost(error),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the read models could not be brought forward; trying again"
                    );
                    self.recover();
                    std::thread::sleep(PAUSE);
                }
            }
        };
        self.feed = None;
        let reason = || match &ended {
            Ended::Stopped | Ended::Broken => Error::Closed,
            Ended::Fenced => Error::Fenced,
            Ended::Lost(error) => Error::Unavailable(error.to_string()),
        };
        let rebuilds: Vec<Rebuild> = self.rebuilds.drain(..).collect();
        for rebuild in rebuilds {
            self.end(rebuild, Err(reason()));
        }
        ended
    }

    /// Does the next thing there is to do, or waits for one; `false`: stop.
    fn step(&mut self) -> Result<bool, Error> {
        while let Some(command) = self.context.commands.take() {
            match command {
                Command::Stop => return Ok(false),
                Command::Rebuild { slots, reply } => self.queue_rebuild(slots, reply),
                Command::Look => self.take_requests()?,
            }
        }
        if self.db.is_lost() {
            return Err(Error::Unavailable("the connection is lost".to_owned()));
        }
        if let Some(lease) = &self.lease
            && lease.epoch() != Some(self.epoch)
        {
            return Err(Error::Fenced);
        }
        self.answer_requests()?;
        // Not the first of them that has something to do: new events must not
        // keep a rebuild from ending.
        let busy = [self.follow()?, self.complete()?, self.rebuild()?];
        if busy.contains(&true) {
            return Ok(true);
        }
        let position = self
            .checkpoint()
            .unwrap_or_else(|| self.context.journal.head());
        let (journal, commands) = (
            Arc::clone(&self.context.journal),
            Arc::clone(&self.context.commands),
        );
        self.context.handle.block_on(async move {
            tokio::select! {
                _ = journal.wait_beyond(position, Duration::from_secs(3600)) => {}
                () = commands.wake.notified() => {}
            }
        });
        Ok(true)
    }

    /// How far the projections that have not stopped all are.
    fn checkpoint(&self) -> Option<u64> {
        let running = self.lives.iter().filter(|live| live.parked.is_none());
        running.map(|live| live.checkpoint).min()
    }

    /// Applies new events; `false`: there are none.
    fn follow(&mut self) -> Result<bool, Error> {
        let Some(after) = self.checkpoint() else {
            return Ok(false);
        };
        let head = self.context.journal.head();
        if head <= after {
            self.feed = None;
            return Ok(false);
        }
        if self.feed.is_none() && head - after > 2 * BATCH as u64 {
            self.feed = Some(Feed::start(
                &self.context.journal,
                &self.context.handle,
                after,
            )?);
        }
        let events = match &mut self.feed {
            Some(feed) => feed.next()?,
            None => self.read(after, BATCH)?,
        };
        let Some(last) = events.last().map(|event| event.stored.position) else {
            // The feed has come to the head as it was when it began.
            self.feed = None;
            return Ok(true);
        };
        if let Some(first) = events.first()
            && first.stored.position != after + 1
        {
            self.feed = None;
            return Err(Error::Damaged(format!(
                "the journal gave position {} after {after}",
                first.stored.position
            )));
        }
        apply::batch(
            &mut *self.db,
            self.epoch,
            &mut self.lives,
            &events,
            apply::Keep::Checkpoint,
        )?;
        self.publish();
        tracing::trace!(last, "applied");
        Ok(true)
    }

    /// Makes what only reading needs, for a projection that has caught up;
    /// `false`: all have it.
    fn complete(&mut self) -> Result<bool, Error> {
        let head = self.context.journal.head();
        let caught_up = |live: &Live| {
            head.saturating_sub(live.checkpoint) < BATCH as u64 || live.parked.is_some()
        };
        let fresh = |live: &&mut Live| !live.ready && caught_up(live);
        let Some(live) = self.lives.iter_mut().find(fresh) else {
            return Ok(false);
        };
        fenced(&mut *self.db, self.epoch, |db| {
            for sql in live.projection.create_indexes() {
                db.run(&sql)?;
            }
            db.execute(
                "UPDATE projections SET ready = 1 WHERE name = ?1",
                &[live.name().into()],
            )?;
            Ok(())
        })?;
        live.ready = true;
        live.projection.be_ready();
        self.publish();
        Ok(true)
    }

    fn read(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Error> {
        let events = self
            .context
            .handle
            .block_on(self.context.journal.read_all(after, limit))?;
        Ok(events.into_iter().map(Recorded::new).collect())
    }

    /// Tells everybody how far the projections are.
    fn publish(&self) {
        self.context.shared.change(|state| {
            for live in &self.lives {
                let slot = &mut state.slots[live.slot];
                slot.generation = live.generation;
                slot.checkpoint = live.checkpoint;
                slot.ready = live.ready;
                if slot.parked != live.parked {
                    slot.parked.clone_from(&live.parked);
                }
            }
        });
    }

    /// Puts memory back to what the database has.
    fn recover(&mut self) {
        // Outside of a transaction this fails, and that is as well.
        let _ = self.db.execute("ROLLBACK", &[]);
        self.feed = None;
        for live in &mut self.lives {
            live.projection.forget();
        }
        self.abandon_rebuild("the database failed");
    }
}
