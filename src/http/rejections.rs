//! Commands that are turned away are audited too: who asked for what, and how
//! it was answered.
//!
//! What anybody can cause must not fill the journal: rejections are kept at a
//! limited rate, and the metrics count those that are not.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use aggregates::rejection::{Command, Rejected, Rejection};
use axum::http::Method;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::RequestId;
use crate::bus::{Bus, Context};

/// Rejections that are kept in a second, over a longer time.
const RATE: f64 = 20.0;

/// Rejections that are kept at once.
const BURST: f64 = 500.0;

/// Longest path that is kept, in characters.
const LONGEST_PATH: usize = 512;

/// Who sends a request: written by the dialect as soon as it knows, read when
/// the request is turned away.
#[derive(Clone, Debug, Default)]
pub struct Sender(Arc<OnceLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    project: String,
    actor: String,
}

impl Sender {
    /// Says for which project (may be empty) and as whom the request is sent.
    pub fn is(&self, project: &str, actor: &str) {
        let _ = self.0.set(Known {
            project: project.to_owned(),
            actor: actor.to_owned(),
        });
    }
}

/// The code of an error, in the extensions of its response.
#[derive(Clone, Copy, Debug)]
pub struct Code(pub &'static str);

/// Keeps rejections.
pub struct Rejections {
    queue: mpsc::Sender<(Rejected, Context)>,
    budget: Mutex<Budget>,
}

/// What may still be kept.
struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.at).as_secs_f64() * RATE;
        self.left = (self.left + gained).min(BURST);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// Rejections that wait to be written.
pub struct Waiting(mpsc::Receiver<(Rejected, Context)>);

impl Rejections {
    /// A recorder, and what [`Waiting::run`] writes.
    pub fn new() -> (Self, Waiting) {
        let (queue, waiting) = mpsc::channel(BURST as usize);
        let budget = Mutex::new(Budget {
            left: BURST,
            at: Instant::now(),
        });
        (Self { queue, budget }, Waiting(waiting))
    }

    /// Keeps a rejection, unless there have been too many.
    pub(super) fn keep(
        &self,
        sender: &Sender,
        request: &RequestId,
        (method, path): (&Method, &str),
        (status, code): (u16, &str),
    ) -> bool {
        let unknown = Known::default();
        let known = sender.0.get().unwrap_or(&unknown);
        let actor = match &*known.actor {
            "" => "guest",
            actor => actor,
        };
        let mut context = Context::once(actor, &*known.project);
        context.request_id = request.0.to_string();
        context.correlation_id = request.0.to_string();
        let rejected = Rejected {
            method: method.to_string(),
            path: path.chars().take(LONGEST_PATH).collect(),
            status,
            code: code.to_owned(),
        };
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.take(Instant::now()) && self.queue.try_send((rejected, context)).is_ok()
    }
}

impl Waiting {
    /// Writes rejections until `stop`, and those that wait then.
    pub async fn run(mut self, bus: Bus, stop: CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                next = self.0.recv() => next,
                () = stop.cancelled() => None,
            };
            let Some((rejected, context)) = next else {
                return;
            };
            let key = format!("{}:{}", context.project, uuid::Uuid::now_v7().simple());
            let command = Command::Record(rejected);
            if let Err(error) = bus.execute_new::<Rejection>(&key, command, &context).await {
                tracing::warn!(%error, "a rejected command is not in the audit log");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{BURST, Budget, RATE};

    #[test]
    fn the_budget_is_spent_and_comes_back() {
        let start = Instant::now();
        let mut budget = Budget {
            left: BURST,
            at: start,
        };
        let kept = (0..10_000).filter(|_| budget.take(start)).count();
        assert_eq!(kept, BURST as usize);
        let later = start + Duration::from_secs(2);
        let kept = (0..10_000).filter(|_| budget.take(later)).count();
        assert_eq!(kept, 2 * RATE as usize);
    }
}
