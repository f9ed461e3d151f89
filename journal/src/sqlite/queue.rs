//! Where appends wait for the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::{Append, Error, Outcome};

/// Appends that stand or fall together, and who waits for their outcomes.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) appends: Vec<Append>,
    pub(super) reply: Reply,
    /// Where the one who waits runs, if that is known.
    pub(super) runtime: Option<Handle>,
}

/// Takes the outcomes to the one who waits for them.
pub(super) type Reply = oneshot::Sender<Result<Vec<Outcome>, Error>>;

/// Many push, one takes everything at once.
///
/// Its length is bounded by those who push: each of them waits for its answer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    requests: Vec<Request>,
    /// The writer sleeps until this many are here; 0 while it is awake.
    wanted: usize,
    closed: bool,
}

impl Queue {
    pub(super) fn push(&self, request: Request) -> Result<(), Error> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Error::Closed);
        }
        inner.requests.push(request);
        if inner.wanted > 0 && inner.requests.len() >= inner.wanted {
            inner.wanted = 0;
            self.ready.notify_one();
        }
        Ok(())
    }

    /// The next requests, at most `most`, in the order of their arrival; waits
    /// for the first, and then up to `linger` for `wanted` to be there. `None`
    /// when the queue is closed and empty.
    pub(super) fn take(
        &self,
        most: usize,
        wanted: usize,
        linger: Duration,
    ) -> Option<Vec<Request>> {
        let mut inner = self.lock();
        while inner.requests.is_empty() {
            if inner.closed {
                return None;
            }
            inner.wanted = 1;
            inner = self
                .ready
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + linger;
        let wanted = wanted.min(most);
        while inner.requests.len() < wanted && !inner.closed {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            inner.wanted = wanted;
            inner = self
                .ready
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        inner.wanted = 0;
        if inner.requests.len() <= most {
            return Some(std::mem::take(&mut inner.requests));
        }
        let rest = inner.requests.split_off(most);
        Some(std::mem::replace(&mut inner.requests, rest))
    }

    /// Refuses what comes from now on; what is queued is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// Drops what is queued, so that whoever waits for it is told.
    pub(super) fn abandon(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.requests.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
