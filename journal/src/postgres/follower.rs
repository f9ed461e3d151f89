//! Learning of what other nodes appended.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{closed, rows, write};
use crate::tail::Tail;

/// Reads after every notice of another node, and every half second in case a
/// notice was lost.
pub(super) struct Follower {
    pub(super) pool: PgPool,
    pub(super) tail: Arc<Tail>,
    pub(super) closing: watch::Receiver<bool>,
    pub(super) node: String,
}

const POLL: Duration = Duration::from_millis(500);
/// So many events are read at once.
const CHUNK: usize = 1024;

enum Woken {
    Closing,
    Notice(String),
    /// The connection on which notices come was lost.
    Deaf,
    Poll,
}

impl Follower {
    /// Follows until the journal closes.
    pub(super) async fn run(mut self) {
        let mut listener = None;
        let mut poll = Instant::now() + POLL;
        loop {
            if listener.is_none() {
                listener = tokio::select! {
                    () = closed(&mut self.closing) => return,
                    listener = listen(&self.pool) => listener,
                };
            }
            let woken = {
                let notice = async {
                    match &mut listener {
                        Some(listener) => listener.try_recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = closed(&mut self.closing) => Woken::Closing,
                    notice = notice => match notice {
                        Ok(Some(notice)) => Woken::Notice(notice.payload().to_owned()),
                        Ok(None) | Err(_) => Woken::Deaf,
                    },
                    () = sleep_until(poll) => Woken::Poll,
                }
            };
            match woken {
                Woken::Closing => return,
                Woken::Notice(notice) => {
                    if !write::is_news(&notice, &self.node, self.tail.head()) {
                        continue;
                    }
                }
                Woken::Deaf => listener = None,
                Woken::Poll => {}
            }
            poll = Instant::now() + POLL;
            if let Err(error) = self.catch_up().await {
                tracing::debug!(%error, "what other nodes appended could not be read");
            }
        }
    }

    async fn catch_up(&self) -> sqlx::Result<()> {
        loop {
            let head = self.tail.head();
            let rows = rows::read_all(&self.pool, head, CHUNK).await?;
            match rows::in_order(&rows, head) {
                Ok(events) => self.tail.publish(events),
                // Whoever reads it is told. The head still tells how far the
                // order reaches.
                Err(error) => {
                    tracing::error!(%error, "what another node appended does not hold");
                    self.tail.skip_to(rows::head(&self.pool).await?);
                    return Ok(());
                }
            }
            if rows.len() < CHUNK {
                return Ok(());
            }
        }
    }
}

/// `None`: notices have to be done without for now.
async fn listen(pool: &PgPool) -> Option<PgListener> {
    let connect = async {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(write::CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    match tokio::time::timeout(POLL, connect).await {
        Ok(Ok(mut listener)) => {
            listener.eager_reconnect(false);
            Some(listener)
        }
        Ok(Err(_)) | Err(_) => None,
    }
}
