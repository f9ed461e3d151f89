//! What a server keeps: a log of events in streams.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use journal::Clock;
use tokio::sync::watch;

use super::wire::{
    AppendOptions, AppendResp, Position, ProposedMessage, ReadOptions, RecordedEvent,
    StreamIdentifier, Structured, Success, Uuid, WrongExpectedVersion,
};

/// A log in memory. It outlives the server that shows it.
pub struct Store {
    inner: Mutex<Inner>,
    length: watch::Sender<usize>,
    silenced: AtomicUsize,
}

struct Inner {
    log: Vec<RecordedEvent>,
    streams: HashMap<Vec<u8>, Vec<usize>>,
    /// Where the next event goes. Positions are those of bytes in a file.
    next: u64,
    clock: Clock,
    /// So many more appends to streams with this prefix are not answered.
    lost: (String, usize),
    /// So many events were given to reads of all streams.
    read: usize,
}

/// An answer that got lost on its way.
pub struct Lost;

impl Store {
    pub fn new() -> Self {
        let inner = Inner {
            log: Vec::new(),
            streams: HashMap::new(),
            next: 0,
            clock: Clock::system(),
            lost: (String::new(), 0),
            read: 0,
        };
        let store = Self {
            inner: Mutex::new(inner),
            length: watch::Sender::new(0),
            silenced: AtomicUsize::new(0),
        };
        store.noise();
        store
    }

    pub fn set_clock(&self, clock: Clock) {
        self.lock().clock = clock;
    }

    /// The next `count` appends to streams whose names begin with `prefix` are
    /// done, but nobody hears of it.
    pub fn lose_answers(&self, prefix: &str, count: usize) {
        self.lock().lost = (prefix.to_owned(), count);
    }

    /// The subscriptions there are stay open and tell of nothing any more.
    pub fn silence(&self) {
        self.silenced.fetch_add(1, Ordering::SeqCst);
    }

    /// How often that was done.
    pub fn silenced(&self) -> usize {
        self.silenced.load(Ordering::SeqCst)
    }

    /// How many events were given to reads of all streams so far.
    pub fn read(&self) -> usize {
        self.lock().read
    }

    /// Changes an event that is there.
    pub fn change(&self, stream: &str, revision: usize, change: impl FnOnce(&mut RecordedEvent)) {
        let mut inner = self.lock();
        let index = inner.streams[stream.as_bytes()][revision];
        change(&mut inner.log[index]);
    }

    /// The names of the streams there are, with how many events they have.
    pub fn streams(&self) -> Vec<(String, usize)> {
        let inner = self.lock();
        let streams = inner.streams.iter().map(|(name, events)| {
            let name = String::from_utf8_lossy(name).into_owned();
            (name, events.len())
        });
        streams.collect()
    }

    /// An event of a program that has nothing to do with us.
    pub fn noise(&self) {
        let options = AppendOptions {
            stream_identifier: Some(StreamIdentifier {
                stream_name: b"stratagem-1".to_vec(),
            }),
            any: Some(()),
            ..AppendOptions::default()
        };
        let message = ProposedMessage {
            metadata: HashMap::from([("type".to_owned(), "Noise".to_owned())]),
            data: vec![0xff],
            ..ProposedMessage::default()
        };
        self.lock().write(&options, vec![message]);
        self.grown();
    }

    pub fn append(
        &self,
        options: &AppendOptions,
        messages: Vec<ProposedMessage>,
    ) -> Result<AppendResp, Lost> {
        let answer = {
            let mut inner = self.lock();
            let answer = inner.append(options, messages);
            let is_meant = name(options).starts_with(inner.lost.0.as_bytes());
            match inner.lost.1.checked_sub(1) {
                Some(left) if is_meant => {
                    inner.lost.1 = left;
                    Err(Lost)
                }
                _ => Ok(answer),
            }
        };
        self.grown();
        answer
    }

    /// What a read of one stream answers; `None`: there is no such stream.
    pub fn read_stream(&self, options: &ReadOptions) -> Option<Vec<RecordedEvent>> {
        let inner = self.lock();
        let stream = options.stream.as_ref().expect("a stream");
        let name = &stream
            .stream_identifier
            .as_ref()
            .expect("a name")
            .stream_name;
        let events = inner.streams.get(name)?;
        let kept = inner.max_count(name).unwrap_or(events.len());
        let first = events.len().saturating_sub(kept);
        let count = usize::try_from(options.count.unwrap_or(0)).unwrap_or(usize::MAX);
        let event = |index: &usize| inner.log[*index].clone();
        if options.read_direction == 1 {
            assert!(stream.end.is_some(), "only from the end");
            return Some(
                events[first..]
                    .iter()
                    .rev()
                    .take(count)
                    .map(event)
                    .collect(),
            );
        }
        let from = stream
            .revision
            .map_or(0, |revision| revision as usize)
            .max(first);
        let events = events.iter().skip(from).take(count);
        Some(events.map(event).collect())
    }

    /// What a read of all streams answers: from the place that is named on.
    pub fn read_all(&self, options: &ReadOptions) -> Vec<RecordedEvent> {
        let mut inner = self.lock();
        let from = place(options);
        let count = usize::try_from(options.count.unwrap_or(0)).unwrap_or(usize::MAX);
        let events = inner.log.iter();
        let events = events.filter(|event| from <= Some(position(event)) && fits(options, event));
        let found: Vec<_> = events.take(count).cloned().collect();
        inner.read += found.len();
        found
    }

    /// How far the log goes, and when it goes further.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    /// The next event at or behind the `from`-th of the log that a subscription
    /// is told of, and its number: events behind the place that is named.
    pub fn next(&self, options: &ReadOptions, from: usize) -> Option<(usize, RecordedEvent)> {
        let inner = self.lock();
        let after = place(options);
        let mut events = inner.log.iter().enumerate().skip(from);
        let found =
            events.find(|(_, event)| after < Some(position(event)) && fits(options, event))?;
        Some((found.0, found.1.clone()))
    }

    fn grown(&self) {
        let length = self.lock().log.len();
        self.length.send_replace(length);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn append(&mut self, options: &AppendOptions, messages: Vec<ProposedMessage>) -> AppendResp {
        let name = name(options);
        let stream = self.streams.get(&name);
        let length = stream.map_or(0, |events| events.len() as u64);
        let expected = match (options.revision, options.no_stream) {
            (Some(revision), _) => Some(revision + 1),
            (None, Some(())) => Some(0),
            (None, None) => None,
        };
        let Some(expected) = expected.filter(|expected| *expected != length) else {
            return self.write(options, messages);
        };
        // The same ids in the same places: done before.
        let there = stream.into_iter().flatten().skip(expected as usize);
        let ids: Vec<_> = there
            .map(|index| id(self.log[*index].id.as_ref()))
            .collect();
        let is_done = ids.len() >= messages.len()
            && ids
                .iter()
                .zip(&messages)
                .all(|(there, message)| *there == id(message.id.as_ref()));
        if is_done {
            return success(expected + messages.len() as u64 - 1, None);
        }
        AppendResp {
            wrong_expected_version: Some(WrongExpectedVersion {
                current_revision: length.checked_sub(1),
                current_no_stream: (length == 0).then_some(()),
                expected_revision: options.revision,
                expected_any: None,
                expected_no_stream: options.no_stream,
            }),
            ..AppendResp::default()
        }
    }

    fn write(&mut self, options: &AppendOptions, messages: Vec<ProposedMessage>) -> AppendResp {
        let name = name(options);
        let created = self.clock.now().max(0) * 10_000;
        for message in messages {
            let stream = self.streams.entry(name.clone()).or_default();
            let mut metadata = message.metadata;
            metadata.insert("created".to_owned(), created.to_string());
            let revision = stream.len() as u64;
            stream.push(self.log.len());
            self.next += 100 + message.data.len() as u64;
            self.log.push(RecordedEvent {
                id: Some(Uuid {
                    structured: None,
                    string: Some(id(message.id.as_ref()).to_string()),
                }),
                stream_identifier: options.stream_identifier.clone(),
                stream_revision: revision,
                prepare_position: self.next,
                commit_position: self.next,
                metadata,
                custom_metadata: message.custom_metadata,
                data: message.data,
            });
        }
        let position = self.log.last().map(position);
        success(self.streams[&name].len() as u64 - 1, position)
    }

    /// How many events of a stream are kept, when that is limited.
    fn max_count(&self, name: &[u8]) -> Option<usize> {
        let about = [b"$$", name].concat();
        let last = self.streams.get(&about)?.last()?;
        let metadata: serde_json::Value = serde_json::from_slice(&self.log[*last].data).ok()?;
        metadata
            .get("$maxCount")?
            .as_u64()
            .map(|count| count as usize)
    }
}

fn success(revision: u64, position: Option<Position>) -> AppendResp {
    AppendResp {
        success: Some(Success {
            current_revision: Some(revision),
            no_stream: None,
            position,
            no_position: position.is_none().then_some(()),
        }),
        ..AppendResp::default()
    }
}

fn name(options: &AppendOptions) -> Vec<u8> {
    let stream = options.stream_identifier.as_ref().expect("a stream");
    stream.stream_name.clone()
}

fn id(id: Option<&Uuid>) -> uuid::Uuid {
    let Some(id) = id else {
        return uuid::Uuid::nil();
    };
    match (&id.string, id.structured) {
        (Some(text), _) => text.parse().expect("an id"),
        (
            None,
            Some(Structured {
                most_significant_bits,
                least_significant_bits,
            }),
        ) => uuid::Uuid::from_u64_pair(most_significant_bits as u64, least_significant_bits as u64),
        (None, None) => uuid::Uuid::nil(),
    }
}

fn position(event: &RecordedEvent) -> Position {
    Position {
        commit_position: event.commit_position,
        prepare_position: event.prepare_position,
    }
}

/// The place that a read of all streams names; `None`: the start.
fn place(options: &ReadOptions) -> Option<Position> {
    let all = options.all.as_ref().expect("all streams");
    assert!(
        all.end.is_none() && options.read_direction == 0,
        "forwards only"
    );
    all.position
}

fn fits(options: &ReadOptions, event: &RecordedEvent) -> bool {
    let filter = options.filter.as_ref().expect("a filter");
    let names = &filter.stream_identifier.as_ref().expect("by stream").prefix;
    let stream = event.stream_identifier.as_ref().expect("a stream");
    let fits = |prefix: &String| stream.stream_name.starts_with(prefix.as_bytes());
    names.iter().any(fits)
}
