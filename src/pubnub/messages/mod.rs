//! Messages of keysets on their way to those who listen, and who listens where.
//!
//! All of it is in memory and of this node: a subscriber hears what was published on the node it
//! asks, and a restart forgets what nobody has fetched. What functions make of messages does not
//! depend on it. A keyset keeps its newest messages ([`MOST`], [`BYTES`]) for those who come back
//! a moment later.

mod presence;
mod room;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aggregates::channel::{self, PRESENCE};
use serde_json::Value;

pub use presence::{Here, Move, Moved};
use room::Room;

/// Messages kept of a keyset.
pub const MOST: usize = 1000;
/// Bytes kept of a keyset.
pub const BYTES: usize = 8 << 20;
/// Messages in one answer to a subscriber.
pub const PAGE: usize = 100;
/// How long a subscriber waits for a message.
pub const WAIT: Duration = Duration::from_secs(280);

/// What a message is, as subscribers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Message,
    /// A signal.
    Signal,
    /// A file.
    File,
}

impl Kind {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Message => 0,
            Self::Signal => 1,
            Self::File => 4,
        }
    }
}

/// A message as it is delivered.
#[derive(Debug)]
pub struct Delivery {
    /// The channel it was sent to.
    pub channel: String,
    /// What was sent.
    pub payload: Value,
    /// What it is.
    pub kind: Kind,
    /// The user who sent it.
    pub user: Option<String>,
    /// What the user said of it.
    pub meta: Option<Value>,
}

/// A message that was delivered.
#[derive(Debug)]
pub struct Delivered {
    /// When: 100 ns since the Unix epoch, strictly increasing per keyset.
    pub timetoken: u64,
    /// What.
    pub delivery: Delivery,
    size: usize,
}

/// The channels that a subscriber listens to, patterns and presence channels among them.
#[derive(Clone, Debug, Default)]
pub struct Channels(BTreeSet<String>);

impl Channels {
    /// From the list of a request; none: a name is not one.
    pub fn parse(list: &str) -> Option<Self> {
        let names = list.split(',').map(|name| {
            let base = name.strip_suffix(PRESENCE).unwrap_or(name);
            let good = channel::is_pattern(base) || is_log(name);
            good.then(|| name.to_owned())
        });
        names.collect::<Option<_>>().map(Self)
    }

    /// Those that are channels: somebody is present there.
    fn attended(&self) -> impl Iterator<Item = &str> {
        let names = self.0.iter().map(String::as_str);
        names.filter(|name| !name.ends_with(PRESENCE) && !name.contains('*') && !is_log(name))
    }

    fn hear(&self, channel: &str) -> bool {
        if self.0.contains(channel) {
            return true;
        }
        let base = channel.strip_suffix(PRESENCE);
        let mut names = self.0.iter();
        match base {
            Some(base) => names.any(|name| {
                let pattern = name.strip_suffix(PRESENCE);
                pattern.is_some_and(|pattern| channel::matches(pattern, base))
            }),
            None => names
                .any(|name| channel::matches(name, channel) && (name != "*" || !is_log(channel))),
        }
    }
}

/// Whether a channel is one that functions write their logs to: nobody else publishes there, and
/// nothing runs for what is published there.
pub fn is_log(channel: &str) -> bool {
    channel.starts_with("output-rev-") || channel.starts_with("blocks-output-")
}

/// The rooms of all keysets. Cheap to clone.
#[derive(Clone, Default)]
pub struct Messages {
    rooms: Arc<Mutex<HashMap<u64, Arc<Room>>>>,
}

impl Messages {
    fn room(&self, keyset: u64) -> Arc<Room> {
        self.lock().entry(keyset).or_default().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A timetoken of its own, for what is not delivered.
    pub fn timetoken(&self, keyset: u64) -> u64 {
        self.room(keyset).timetoken()
    }

    /// Delivers a message; gives its timetoken.
    pub fn deliver(&self, keyset: u64, delivery: Delivery) -> u64 {
        self.room(keyset).deliver(delivery)
    }

    /// The messages after a timetoken, as soon as there are any, and the timetoken to ask with
    /// next. Without one the answer comes at once and has none.
    pub async fn after(
        &self,
        keyset: u64,
        timetoken: u64,
        channels: &Channels,
    ) -> (u64, Vec<Arc<Delivered>>) {
        let room = self.room(keyset);
        match timetoken {
            0 => (room.timetoken(), Vec::new()),
            timetoken => room.after(timetoken, channels).await,
        }
    }

    /// A user listens to channels until what is given back is dropped, and for `linger` after it.
    /// Also tells who came and went by that.
    pub fn attend(
        &self,
        keyset: u64,
        user: &str,
        channels: &Channels,
        linger: Duration,
    ) -> (Attendance, Vec<Moved>) {
        let room = self.room(keyset);
        let list: Vec<String> = channels.attended().map(str::to_owned).collect();
        let moved = room.presence().attend(user, &list, linger);
        let attendance = Attendance {
            room,
            user: user.to_owned(),
            channels: list,
        };
        (attendance, moved)
    }

    /// Somebody says that a user has moved. Gives what came of it.
    pub fn moved(&self, keyset: u64, moved: Moved) -> Moved {
        self.room(keyset).presence().apply(moved)
    }

    /// Who is on a channel; all channels with somebody on them for none.
    pub fn here(&self, keyset: u64, channels: &[String]) -> Vec<Here> {
        self.room(keyset).presence().here(channels)
    }

    /// The channels that a user is on.
    pub fn whereabouts(&self, keyset: u64, user: &str) -> Vec<String> {
        self.room(keyset).presence().whereabouts(user)
    }

    /// Users whose time is over, by keyset.
    pub fn expired(&self) -> Vec<(u64, Vec<Moved>)> {
        let rooms: Vec<_> = {
            let rooms = self.lock();
            let rooms = rooms.iter();
            rooms
                .map(|(keyset, room)| (*keyset, room.clone()))
                .collect()
        };
        let rooms = rooms.into_iter();
        let expired = rooms.map(|(keyset, room)| (keyset, room.presence().expire()));
        expired.filter(|(_, moved)| !moved.is_empty()).collect()
    }
}

/// Somebody listens.
pub struct Attendance {
    room: Arc<Room>,
    user: String,
    channels: Vec<String>,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.room.presence().hang_up(&self.user, &self.channels);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Channels, Delivery, Kind, MOST, Messages, Move, Moved};
    use std::time::Duration;

    fn delivery(channel: &str, payload: serde_json::Value) -> Delivery {
        Delivery {
            channel: channel.to_owned(),
            payload,
            kind: Kind::Message,
            user: None,
            meta: None,
        }
    }

    #[test]
    fn who_hears_what() {
        for (list, channel, heard) in [
            ("a,b", "b", true),
            ("a,b", "c", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b-pnpres", false),
            ("a.*-pnpres", "a.b-pnpres", true),
            ("a-pnpres", "a", false),
            ("a", "a-pnpres", false),
            ("*", "anything", true),
            ("*", "output-rev-1-key-2", false),
            ("output-rev-1-key-2", "output-rev-1-key-2", true),
        ] {
            let channels = Channels::parse(list).expect("names");
            assert_eq!(channels.hear(channel), heard, "{list} {channel}");
        }
        for list in ["", "a,", "a/b", "a,,b", "a*b"] {
            assert!(Channels::parse(list).is_none(), "{list}");
        }
    }

    #[tokio::test]
    async fn timetokens_rise_and_the_oldest_messages_go() {
        let messages = Messages::default();
        let mut last = messages.timetoken(1);
        assert_eq!(last.to_string().len(), 17);
        let begun = last;
        for number in 0..MOST + 10 {
            let timetoken = messages.deliver(1, delivery("a", json!(number)));
            assert!(timetoken > last);
            last = timetoken;
        }
        let channels = Channels::parse("a").expect("a name");
        let (next, page) = messages.after(1, begun, &channels).await;
        assert_eq!(page.len(), super::PAGE);
        assert_eq!(page[0].delivery.payload, json!(10));
        assert_eq!(next, page[super::PAGE - 1].timetoken);
        assert_eq!(messages.after(2, 0, &channels).await.1.len(), 0);
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let messages = Messages::default();
        let begun = messages.timetoken(1);
        let waiting = tokio::spawn({
            let messages = messages.clone();
            let channels = Channels::parse("a").expect("a name");
            async move { messages.after(1, begun, &channels).await }
        });
        tokio::task::yield_now().await;
        messages.deliver(1, delivery("b", json!(1)));
        messages.deliver(1, delivery("a", json!(2)));
        let (_, page) = waiting.await.expect("it does not panic");
        assert_eq!(page[0].delivery.payload, json!(2));
    }

    #[test]
    fn users_come_and_go() {
        let messages = Messages::default();
        let channels = |list: &str| Channels::parse(list).expect("names");
        let short = Duration::ZERO;
        let names = |moved: Vec<Moved>| -> Vec<(Move, String, usize)> {
            let moved = moved.into_iter();
            let parts = moved.map(|moved| (moved.action, moved.channel, moved.occupancy));
            parts.collect()
        };
        let (first, moved) = messages.attend(1, "u", &channels("a,b,x.*,c-pnpres"), short);
        let both = [
            (Move::Join, "a".to_owned(), 1),
            (Move::Join, "b".to_owned(), 1),
        ];
        assert_eq!(names(moved), both);
        assert!(messages.expired().is_empty(), "it is still there");
        drop(first);
        let (second, moved) = messages.attend(1, "u", &channels("a"), short);
        assert_eq!(names(moved), [(Move::Leave, "b".to_owned(), 0)]);
        assert_eq!(messages.whereabouts(1, "u"), ["a"]);
        drop(second);
        let mut expired = messages.expired();
        let (keyset, moved) = expired.pop().expect("one keyset");
        assert_eq!(keyset, 1);
        assert_eq!(names(moved), [(Move::Timeout, "a".to_owned(), 0)]);
        assert!(messages.here(1, &[]).is_empty());
    }
}
