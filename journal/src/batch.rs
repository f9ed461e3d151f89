//! Decides what becomes of the appends of one transaction.
//!
//! A backend takes what is queued and makes a [`Draft`] of it. The draft names
//! the streams and command ids that memory knows nothing of; the backend looks
//! those up, and then everything is decided without the database: which append
//! stands, and at which position, time and hash each event stands. The
//! resulting [`Plan`] is what the backend writes. Only after its commit does
//! the plan become part of the [`State`]; when the commit fails the plan is
//! dropped, and the state is as it was.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use uuid::Uuid;

use crate::recent::Recent;
use crate::{
    Append, Appended, Conflict, Error, Event, Metadata, Outcome, Position, Sequence, StreamId,
    chain, restore,
};

/// The end of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) position: Position,
    pub(crate) hash: [u8; 32],
    pub(crate) recorded_at: i64,
}

impl Tip {
    /// The end of an empty journal.
    pub(crate) const START: Self = Self {
        position: 0,
        hash: chain::GENESIS,
        recorded_at: 0,
    };
}

/// What is remembered of a command id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) fingerprint: [u8; 32],
    pub(crate) appended: Appended,
}

/// What the appender knows without asking the database.
#[derive(Debug)]
pub(crate) struct State {
    tip: Tip,
    streams: Recent<StreamId, Sequence>,
    commands: Recent<String, Remembered>,
    /// Event types and versions: few, and in every event.
    names: HashMap<String, Arc<str>>,
}

/// A batch before it is decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    streams: HashMap<StreamId, Option<Sequence>>,
    commands: HashMap<String, Known>,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    NotAsked,
    Absent,
    Present(Remembered),
}

/// A batch as it is to be written.
#[derive(Debug)]
pub(crate) struct Plan {
    /// In order; they follow the tip without a gap.
    pub(crate) events: Vec<Event>,
    /// Command ids to remember.
    pub(crate) commands: Vec<(String, Remembered)>,
    /// For each request, the outcomes of its appends.
    pub(crate) outcomes: Vec<Vec<Outcome>>,
    streams: Vec<(StreamId, Sequence)>,
    tip: Tip,
}

impl Plan {
    /// Nothing to write: the outcomes stand without a transaction.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.commands.is_empty()
    }

    /// Events that have their places already, after `tip`.
    pub(crate) fn restored(tip: Tip, events: Vec<Event>) -> Result<Self, Error> {
        restore::check((tip.position, tip.hash), &events)?;
        let tip = events.last().map_or(tip, |last| Tip {
            position: last.position,
            hash: last.hash,
            recorded_at: last.recorded_at,
        });
        Ok(Self {
            events,
            commands: Vec::new(),
            outcomes: Vec::new(),
            streams: Vec::new(),
            tip,
        })
    }

    /// The end of the order once this is written.
    pub(crate) fn tip(&self) -> Tip {
        self.tip
    }
}

impl State {
    pub(crate) fn new(tip: Tip) -> Self {
        Self {
            tip,
            streams: Recent::new(32_768),
            commands: Recent::new(8_192),
            names: HashMap::new(),
        }
    }

    /// Where the next event goes.
    pub(crate) fn tip(&self) -> Tip {
        self.tip
    }

    /// Starts over from what the database holds, for when it is not known
    /// whether a commit took effect, or when another node wrote.
    pub(crate) fn reset(&mut self, tip: Tip) {
        self.tip = tip;
        self.streams.clear();
        self.commands.clear();
    }

    /// Collects what is known of the streams and command ids of `requests`.
    pub(crate) fn draft<'a>(&mut self, requests: impl Iterator<Item = &'a [Append]>) -> Draft {
        let mut draft = Draft::default();
        for append in requests.flatten() {
            if !draft.streams.contains_key(&append.stream) {
                let sequence = self.streams.get(&append.stream);
                draft.streams.insert(append.stream.clone(), sequence);
            }
            if append.fingerprint.is_some() {
                let id = &append.metadata.command_id;
                if !draft.commands.contains_key(id) {
                    let known = self.commands.get(id.as_str());
                    let known = known.map_or(Known::NotAsked, Known::Present);
                    draft.commands.insert(id.clone(), known);
                }
            }
        }
        draft
    }

    /// Decides every request in order, each one against what those before it
    /// left. The appends of one request stand or fall together.
    ///
    /// What the draft did not learn counts as absent.
    pub(crate) fn decide(
        &mut self,
        mut draft: Draft,
        requests: impl Iterator<Item = Vec<Append>>,
        now: i64,
    ) -> Plan {
        let mut plan = Plan {
            events: Vec::new(),
            commands: Vec::new(),
            outcomes: Vec::new(),
            streams: Vec::new(),
            tip: self.tip,
        };
        let recorded_at = self.tip.recorded_at.max(now);
        for appends in requests {
            let outcomes = draft.check(&appends, plan.tip.position, recorded_at);
            let stands = |outcome: &Outcome| matches!(outcome, Outcome::Appended(_));
            if outcomes.iter().all(stands) {
                for (append, outcome) in appends.into_iter().zip(&outcomes) {
                    if let Outcome::Appended(appended) = outcome {
                        self.place(&mut draft, &mut plan, append, *appended);
                    }
                }
            }
            plan.outcomes.push(outcomes);
        }
        plan.streams = draft
            .streams
            .into_iter()
            .filter_map(|(stream, sequence)| Some((stream, sequence?)))
            .collect();
        plan
    }

    /// Gives the events of an append that stands their place.
    fn place(&mut self, draft: &mut Draft, plan: &mut Plan, append: Append, appended: Appended) {
        let count = append.events.len() as u64;
        draft
            .streams
            .insert(append.stream.clone(), Some(appended.sequence));
        if let Some(fingerprint) = append.fingerprint {
            let id = append.metadata.command_id.clone();
            // The appends of one request may share an id: the first is kept.
            if !matches!(draft.commands.get(&id), Some(Known::Present(_))) {
                let remembered = Remembered {
                    fingerprint,
                    appended,
                };
                draft
                    .commands
                    .insert(id.clone(), Known::Present(remembered));
                plan.commands.push((id, remembered));
            }
        }
        let metadata: Arc<Metadata> = Arc::new(append.metadata);
        for (index, event) in append.events.into_iter().enumerate() {
            let mut event = Event {
                position: plan.tip.position + 1,
                stream: append.stream.clone(),
                sequence: appended.sequence - count + 1 + index as u64,
                kind: self.name(event.kind),
                version: self.name(event.version),
                payload: event.payload,
                metadata: Arc::clone(&metadata),
                event_id: event_id(appended.recorded_at),
                recorded_at: appended.recorded_at,
                previous_hash: plan.tip.hash,
                hash: chain::GENESIS,
            };
            event.hash = chain::hash(&event);
            plan.tip = Tip {
                position: event.position,
                hash: event.hash,
                recorded_at: event.recorded_at,
            };
            plan.events.push(event);
        }
    }

    fn name(&mut self, name: String) -> Arc<str> {
        if self.names.len() >= 4096 {
            self.names.clear();
        }
        match self.names.entry(name) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => {
                let name: Arc<str> = new.key().as_str().into();
                Arc::clone(new.insert(name))
            }
        }
    }

    /// The plan is durable: what it did is now what is known. Returns its
    /// events, to be shown to readers, and the outcomes.
    pub(crate) fn accept(&mut self, plan: Plan) -> (Vec<Event>, Vec<Vec<Outcome>>) {
        self.tip = plan.tip;
        for (stream, sequence) in plan.streams {
            self.streams.insert(stream, sequence);
        }
        for (id, remembered) in plan.commands {
            self.commands.insert(id, remembered);
        }
        (plan.events, plan.outcomes)
    }
}

impl Draft {
    /// The streams that memory does not know.
    pub(crate) fn unknown_streams(&self) -> impl Iterator<Item = &StreamId> {
        let unknown = |(stream, sequence): (_, &Option<_>)| sequence.is_none().then_some(stream);
        self.streams.iter().filter_map(unknown)
    }

    /// The command ids that memory does not know.
    pub(crate) fn unknown_commands(&self) -> impl Iterator<Item = &str> {
        let unknown = |(id, known): (_, &_)| matches!(known, Known::NotAsked).then_some(id);
        self.commands.iter().filter_map(unknown).map(String::as_str)
    }

    /// Whether memory knows the stream of `append`, or else the first event of
    /// the append is to be the first of the stream: a unique key of streams and
    /// sequences refuses it if it is not.
    pub(crate) fn is_known_or_new(&self, append: &Append) -> bool {
        let is_unknown = matches!(self.streams.get(&append.stream), Some(None));
        !is_unknown || (append.expected == 0 && !append.events.is_empty())
    }

    /// Asks `last` for the last sequence (0: no such stream) of each stream
    /// that memory does not know.
    pub(crate) fn learn_streams<E>(
        &mut self,
        mut last: impl FnMut(&StreamId) -> Result<Sequence, E>,
    ) -> Result<(), E> {
        for (stream, sequence) in &mut self.streams {
            if sequence.is_none() {
                *sequence = Some(last(stream)?);
            }
        }
        Ok(())
    }

    /// Asks `stored` for each command id that memory does not know.
    pub(crate) fn learn_commands<E>(
        &mut self,
        mut stored: impl FnMut(&str) -> Result<Option<Remembered>, E>,
    ) -> Result<(), E> {
        for (id, known) in &mut self.commands {
            if matches!(known, Known::NotAsked) {
                *known = stored(id)?.map_or(Known::Absent, Known::Present);
            }
        }
        Ok(())
    }

    /// What would become of the appends of one request. Changes nothing.
    fn check(&self, appends: &[Append], head: Position, recorded_at: i64) -> Vec<Outcome> {
        let mut head = head;
        // Streams and command ids that earlier appends of this request used.
        let mut streams: Vec<(&StreamId, Sequence)> = Vec::new();
        let mut commands: Vec<(&str, [u8; 32])> = Vec::new();
        let mut outcomes = Vec::with_capacity(appends.len());
        for append in appends {
            let id = append.metadata.command_id.as_str();
            // Before the expected sequence: a command that is sent again finds
            // its stream changed, by itself.
            if let Some(fingerprint) = append.fingerprint {
                if let Some(Known::Present(known)) = self.commands.get(id) {
                    outcomes.push(if known.fingerprint == fingerprint {
                        Outcome::Duplicate(known.appended)
                    } else {
                        Outcome::Reused
                    });
                    continue;
                }
                if commands
                    .iter()
                    .any(|(other, print)| *other == id && *print != fingerprint)
                {
                    outcomes.push(Outcome::Reused);
                    continue;
                }
                commands.push((id, fingerprint));
            }
            let actual = streams
                .iter()
                .rev()
                .find(|(stream, _)| **stream == append.stream)
                .map(|(_, sequence)| *sequence)
                .or_else(|| self.streams.get(&append.stream).copied().flatten())
                .unwrap_or(0);
            if actual != append.expected {
                outcomes.push(Outcome::Conflict(Conflict {
                    expected: append.expected,
                    actual,
                }));
                continue;
            }
            let count = append.events.len() as u64;
            let appended = Appended {
                first: if count == 0 { head } else { head + 1 },
                last: head + count,
                sequence: actual + count,
                recorded_at,
            };
            head = appended.last;
            streams.push((&append.stream, appended.sequence));
            outcomes.push(Outcome::Appended(appended));
        }
        outcomes
    }
}

fn event_id(recorded_at: i64) -> Uuid {
    // A version 4 id has its six fixed bits in bytes 6 and 8; the others are
    // random and serve as the random part of the version 7 id.
    let random = Uuid::new_v4().into_bytes();
    let mut part = [0; 10];
    part[..6].copy_from_slice(&random[..6]);
    part[6..].copy_from_slice(&random[10..14]);
    let millis = u64::try_from(recorded_at).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &part).into_uuid()
}
