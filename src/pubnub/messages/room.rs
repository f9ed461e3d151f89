//! One keyset's messages: timetokens, the newest messages, those who wait for the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::presence::Presence;
use super::{BYTES, Channels, Delivered, Delivery, MOST, PAGE, WAIT};

pub(super) struct Room {
    recent: Mutex<Recent>,
    presence: Mutex<Presence>,
    /// The timetoken of the newest message.
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Recent {
    last: u64,
    ring: VecDeque<Arc<Delivered>>,
    bytes: usize,
}

impl Recent {
    fn next(&mut self) -> u64 {
        let now = jiff::Timestamp::now().as_nanosecond() / 100;
        self.last = u64::try_from(now).unwrap_or(0).max(self.last + 1);
        self.last
    }
}

impl Default for Room {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            presence: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }
}

impl Room {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn presence(&self) -> MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn timetoken(&self) -> u64 {
        self.recent().next()
    }

    pub(super) fn deliver(&self, delivery: Delivery) -> u64 {
        let text = |value: &serde_json::Value| value.to_string().len();
        let size = 128
            + delivery.channel.len()
            + text(&delivery.payload)
            + delivery.meta.as_ref().map_or(0, text);
        let timetoken = {
            let mut recent = self.recent();
            let timetoken = recent.next();
            recent.bytes += size;
            recent.ring.push_back(Arc::new(Delivered {
                timetoken,
                delivery,
                size,
            }));
            while recent.ring.len() > MOST || recent.bytes > BYTES {
                let Some(oldest) = recent.ring.pop_front() else {
                    break;
                };
                recent.bytes -= oldest.size;
            }
            timetoken
        };
        self.newest
            .send_modify(|newest| *newest = timetoken.max(*newest));
        timetoken
    }

    pub(super) async fn after(
        &self,
        timetoken: u64,
        channels: &Channels,
    ) -> (u64, Vec<Arc<Delivered>>) {
        let end = Instant::now() + WAIT;
        let mut seen = timetoken;
        let mut newest = self.newest.subscribe();
        loop {
            newest.borrow_and_update();
            let page: Vec<_> = {
                let recent = self.recent();
                let from = recent.ring.partition_point(|have| have.timetoken <= seen);
                let news = recent.ring.range(from..);
                let heard = news.filter(|have| channels.hear(&have.delivery.channel));
                let page = heard.take(PAGE).cloned().collect();
                seen = seen.max(recent.ring.back().map_or(0, |have| have.timetoken));
                page
            };
            if let Some(last) = page.last() {
                return (last.timetoken, page);
            }
            // It fails only when the room is gone, which is held here.
            match tokio::time::timeout_at(end, newest.changed()).await {
                Ok(_) => {}
                Err(_) => return (seen, Vec::new()),
            }
        }
    }
}
