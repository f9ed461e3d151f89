//! Who is on which channel of a keyset: those who listen there, a while longer than they do, and
//! those of whom somebody said so.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a user of whom somebody said that they came stays unless they are heard of.
const LINGER: Duration = Duration::from_secs(300);

/// What a user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Came.
    Join,
    /// Went.
    Leave,
    /// Was not heard of any more.
    Timeout,
    /// Changed what is said of them.
    StateChange,
    /// The channel is told of as a whole.
    Interval,
}

impl Move {
    /// From the word on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Join,
            Self::Leave,
            Self::Timeout,
            Self::StateChange,
            Self::Interval,
        ];
        all.into_iter().find(|action| action.as_str() == word)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Timeout => "timeout",
            Self::StateChange => "state-change",
            Self::Interval => "interval",
        }
    }
}

/// A user moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// What they did.
    pub action: Move,
    /// Where.
    pub channel: String,
    /// Who.
    pub user: String,
    /// What is said of them.
    pub data: Option<Value>,
    /// How many are there now.
    pub occupancy: usize,
}

/// A channel and who is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Here {
    /// The channel.
    pub channel: String,
    /// Users, and what is said of them.
    pub users: Vec<(String, Option<Value>)>,
}

struct User {
    /// Requests under way.
    open: u32,
    linger: Duration,
    until: Instant,
    data: Option<Value>,
}

impl User {
    fn new() -> Self {
        Self {
            open: 0,
            linger: LINGER,
            until: Instant::now() + LINGER,
            data: None,
        }
    }
}

#[derive(Default)]
pub(super) struct Presence {
    channels: BTreeMap<String, BTreeMap<String, User>>,
}

impl Presence {
    fn moved(&self, action: Move, channel: &str, user: &str, data: Option<Value>) -> Moved {
        Moved {
            action,
            channel: channel.to_owned(),
            user: user.to_owned(),
            data,
            occupancy: self.channels.get(channel).map_or(0, BTreeMap::len),
        }
    }

    fn remove(&mut self, channel: &str, user: &str) -> Option<User> {
        let users = self.channels.get_mut(channel)?;
        let removed = users.remove(user);
        if users.is_empty() {
            self.channels.remove(channel);
        }
        removed
    }

    /// A request of a user begins to listen to these channels. Those that no request of theirs
    /// listens to any more are left.
    pub(super) fn attend(
        &mut self,
        user: &str,
        channels: &[String],
        linger: Duration,
    ) -> Vec<Moved> {
        let mut moved = Vec::new();
        let left: Vec<String> = {
            let all = self.channels.iter();
            let left = all.filter(|(channel, users)| {
                let idle = users.get(user).is_some_and(|user| user.open == 0);
                idle && !channels.contains(channel)
            });
            left.map(|(channel, _)| channel.clone()).collect()
        };
        for channel in left {
            self.remove(&channel, user);
            moved.push(self.moved(Move::Leave, &channel, user, None));
        }
        for channel in channels {
            let users = self.channels.entry(channel.clone()).or_default();
            let is_new = !users.contains_key(user);
            let present = users.entry(user.to_owned()).or_insert_with(User::new);
            present.open += 1;
            present.linger = linger;
            if is_new {
                moved.push(self.moved(Move::Join, channel, user, None));
            }
        }
        moved
    }

    /// A request of a user has ended.
    pub(super) fn hang_up(&mut self, user: &str, channels: &[String]) {
        for channel in channels {
            let users = self.channels.get_mut(channel);
            if let Some(present) = users.and_then(|users| users.get_mut(user)) {
                present.open = present.open.saturating_sub(1);
                present.until = Instant::now() + present.linger;
            }
        }
    }

    /// Somebody says that a user has moved.
    pub(super) fn apply(&mut self, moved: Moved) -> Moved {
        let (channel, user) = (&moved.channel, &moved.user);
        match moved.action {
            Move::Join => {
                let users = self.channels.entry(channel.clone()).or_default();
                let present = users.entry(user.clone()).or_insert_with(User::new);
                present.until = Instant::now() + LINGER;
                present.data = moved.data.clone();
            }
            Move::Leave | Move::Timeout => {
                self.remove(channel, user);
            }
            Move::StateChange => {
                let users = self.channels.get_mut(channel);
                if let Some(present) = users.and_then(|users| users.get_mut(user)) {
                    present.data = moved.data.clone();
                }
            }
            Move::Interval => {}
        }
        self.moved(moved.action, channel, user, moved.data.clone())
    }

    pub(super) fn expire(&mut self) -> Vec<Moved> {
        let now = Instant::now();
        let mut gone = Vec::new();
        for (channel, users) in &self.channels {
            let over = users
                .iter()
                .filter(|(_, user)| user.open == 0 && user.until <= now);
            gone.extend(over.map(|(user, _)| (channel.clone(), user.clone())));
        }
        let gone = gone.into_iter();
        gone.map(|(channel, user)| {
            self.remove(&channel, &user);
            self.moved(Move::Timeout, &channel, &user, None)
        })
        .collect()
    }

    pub(super) fn here(&self, channels: &[String]) -> Vec<Here> {
        let all = self.channels.iter();
        let asked = all.filter(|(channel, _)| channels.is_empty() || channels.contains(channel));
        asked
            .map(|(channel, users)| Here {
                channel: channel.clone(),
                users: users
                    .iter()
                    .map(|(name, user)| (name.clone(), user.data.clone()))
                    .collect(),
            })
            .collect()
    }

    pub(super) fn whereabouts(&self, user: &str) -> Vec<String> {
        let all = self.channels.iter();
        let on = all.filter(|(_, users)| users.contains_key(user));
        on.map(|(channel, _)| channel.clone()).collect()
    }
}
