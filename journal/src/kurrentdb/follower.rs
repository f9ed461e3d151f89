//! Continuing the order as events come.
//!
//! A subscription is relied on to be fast and not to be there: a server that is
//! shutting down may leave one open and silent. So the follower also reads what
//! is behind the end of the order, when somebody waits for an event that does
//! not come and every few seconds in any case, and if that finds something it
//! makes the subscription anew.

use std::sync::Arc;
use std::time::Duration;

use kurrentdb::{RecordedEvent, SubscriptionEvent};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::at::At;
use super::closed;
use super::link::{self, Link};
use super::names::Names;
use super::order::Order;
use crate::Error;

/// Follows a subscription to `$all`, filtered by the prefix of the streams,
/// and makes it anew whenever it ends.
pub(super) struct Follower {
    pub(super) link: Arc<Link>,
    pub(super) names: Names,
    pub(super) order: Arc<Order>,
    pub(super) closing: watch::Receiver<bool>,
}

/// How long an ended subscription is left alone, at first and at most.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// How long a subscription may be silent before its word is doubted.
const SILENCE: Duration = Duration::from_secs(5);
/// So many events may be on their way between the subscription and the order.
const UNDER_WAY: usize = 512;

impl Follower {
    /// Follows until the journal closes, or until there is an event that cannot
    /// be one.
    pub(super) async fn run(self) {
        let mut closing = self.closing.clone();
        let mut pause = MIN_PAUSE;
        loop {
            let before = self.order.end();
            tokio::select! {
                () = closed(&mut closing) => return,
                ended = self.follow() => match ended {
                    Ok(()) => {}
                    Err(Error::Unavailable(reason)) => tracing::debug!(reason, "following failed"),
                    Err(error) => {
                        tracing::error!(%error, "the order cannot be continued");
                        return;
                    }
                }
            }
            if self.order.end() != before {
                pause = MIN_PAUSE;
            }
            tokio::select! {
                () = closed(&mut closing) => return,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Follows one subscription until it ends or has missed something.
    async fn follow(&self) -> Result<(), Error> {
        let (tell, mut told) = mpsc::channel(UNDER_WAY);
        // In a task, because a wait for a subscription that is given up and
        // taken up again subscribes again. Ends with this.
        let mut listener = JoinSet::new();
        let after = self.order.end().at;
        let (link, filter) = (Arc::clone(&self.link), self.names.filter());
        listener.spawn(async move { listen(&link, &filter, after, tell).await });
        let mut records = Vec::new();
        loop {
            tokio::select! {
                count = told.recv_many(&mut records, UNDER_WAY) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.order.extend(&records)?;
                    records.clear();
                }
                () = self.order.doubted() => if self.has_missed().await? { return Ok(()) },
                () = sleep(SILENCE) => if self.has_missed().await? { return Ok(()) },
            }
        }
    }

    /// Reads what the subscription should have told by now.
    async fn has_missed(&self) -> Result<bool, Error> {
        let before = self.order.end();
        self.order.catch_up().await?;
        Ok(self.order.end() != before)
    }
}

/// Hands on what a subscription tells, until it ends.
async fn listen(link: &Link, filter: &str, after: Option<At>, tell: mpsc::Sender<RecordedEvent>) {
    let mut subscription = link.subscribe(filter, after).await;
    loop {
        match subscription.next_subscription_event().await {
            Ok(SubscriptionEvent::EventAppeared(resolved)) => {
                let Some(record) = resolved.event else {
                    continue;
                };
                if tell.send(record).await.is_err() {
                    return;
                }
            }
            // How far the server has looked, and whether it has caught up.
            // A place that is not one of our events is not relied on.
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a subscription ended");
                if link::has_ended(&error) {
                    link.renew();
                }
                return;
            }
        }
    }
}
