//! Appending, and doing every command once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::at::At;
use super::claims::{self, Claim, Head, Part};
use super::link::{Link, Wrote};
use super::names::Names;
use super::order::{Order, Seen};
use super::record::{Planned, Write};
use super::turns::Turns;
use crate::batch::{Remembered, State};
use crate::recent::Recent;
use crate::{Append, Appended, Clock, Error, Outcome, Sequence, StreamId, failpoint};

/// So many command ids are remembered, at most twice as many.
const COMMANDS: usize = 8192;

/// What appends need.
#[derive(Debug)]
pub(super) struct Appender {
    link: Arc<Link>,
    names: Names,
    order: Arc<Order>,
    clock: Clock,
    patience: Duration,
    commands: Mutex<Recent<String, Remembered>>,
    turns: Turns<String>,
}

/// Appends that go to one stream in one write.
#[derive(Debug)]
pub(super) struct Request {
    stream: StreamId,
    appends: Vec<Append>,
    /// The command that is to be remembered, with its fingerprint.
    command: Option<(String, [u8; 32])>,
}

impl Request {
    /// Refuses what one append of the server cannot do. The list must not be
    /// empty.
    pub(super) fn new(appends: Vec<Append>) -> Result<Self, Error> {
        let mut command: Option<(String, [u8; 32])> = None;
        let Some(stream) = appends.first().map(|first| first.stream.clone()) else {
            return Err(Error::Unsupported("KurrentDB: no append at all".to_owned()));
        };
        if stream.kind.contains('-') {
            return Err(Error::Unstorable(format!(
                "KurrentDB: the kind of {stream} has a - in it"
            )));
        }
        for append in &appends {
            if append.stream != stream {
                return Err(Error::Unsupported(format!(
                    "KurrentDB: {stream} and {} cannot be appended to in one step; a command \
                     has to keep to one stream",
                    append.stream
                )));
            }
            let Some(fingerprint) = append.fingerprint else {
                continue;
            };
            let id = &append.metadata.command_id;
            match &command {
                None => command = Some((id.clone(), fingerprint)),
                Some((first, _)) if first == id => {}
                Some((first, _)) => {
                    return Err(Error::Unsupported(format!(
                        "KurrentDB: the commands {first:?} and {id:?} cannot be remembered in \
                         one step"
                    )));
                }
            }
        }
        Ok(Self {
            stream,
            appends,
            command,
        })
    }

    /// The stream that all of it goes to.
    pub(super) fn stream(&self) -> &StreamId {
        &self.stream
    }

    fn expected(&self) -> Sequence {
        self.appends.first().map_or(0, |append| append.expected)
    }

    fn has_events(&self) -> bool {
        self.appends.iter().any(|append| !append.events.is_empty())
    }

    /// Which of the events each append has.
    fn parts(&self) -> Vec<Part> {
        let mut offset = 0;
        let parts = self.appends.iter().map(|append| {
            let count = append.events.len();
            offset += count;
            Part {
                offset: offset - count,
                count,
            }
        });
        parts.collect()
    }

    fn write(&self, millis: i64) -> Write {
        // A command that is done again has the same ids, anything else its own.
        let seed = match &self.command {
            Some((_, fingerprint)) => hex::encode(fingerprint),
            None => Uuid::new_v4().simple().to_string(),
        };
        let planned = self.appends.iter().flat_map(|append| {
            let events = append.events.iter().cloned();
            events.map(|event| Planned::new(event, append.metadata.clone()))
        });
        let events = planned.collect();
        Write::new(self.stream.clone(), self.expected(), millis, seed, events)
    }
}

/// Whether what memory says may be taken for true. What it says wrongly is
/// refused by an expected revision; then the server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    Memory,
    Server,
}

impl Appender {
    pub(super) fn new(
        link: Arc<Link>,
        names: Names,
        order: Arc<Order>,
        clock: Clock,
        patience: Duration,
    ) -> Self {
        Self {
            link,
            names,
            order,
            clock,
            patience,
            commands: Mutex::new(Recent::new(COMMANDS)),
            turns: Turns::default(),
        }
    }

    /// Appends and waits until the events have their place. Whoever calls has
    /// the turn on the stream.
    pub(super) async fn append(&self, request: &Request) -> Result<Vec<Outcome>, Error> {
        self.order.is_sound()?;
        let _turn = match &request.command {
            Some((id, _)) => Some(self.turns.take(id.clone()).await),
            None => None,
        };
        let until = Instant::now() + self.patience;
        let mut trust = Trust::Memory;
        loop {
            if let Some(outcomes) = self.attempt(request, trust).await? {
                return Ok(outcomes);
            }
            // Others were faster, every time.
            if trust == Trust::Server && Instant::now() >= until {
                return Err(Error::Unavailable(format!(
                    "KurrentDB: {} or the command changes all the time",
                    request.stream
                )));
            }
            trust = Trust::Server;
        }
    }

    /// The outcome of a command that was done.
    pub(super) async fn outcome(&self, command_id: &str) -> Result<Option<Remembered>, Error> {
        if let Some(known) = self.remembered(command_id) {
            return Ok(Some(known));
        }
        match claims::last(&self.link, &self.names, command_id).await? {
            Some(last) => self.settled(&last.claim).await,
            None => Ok(None),
        }
    }

    /// `None`: what it was founded on is not so.
    async fn attempt(
        &self,
        request: &Request,
        trust: Trust,
    ) -> Result<Option<Vec<Outcome>>, Error> {
        let mut known = None;
        let mut claims = 0;
        if let Some((id, _)) = &request.command {
            known = self.remembered(id);
            if known.is_none() && trust == Trust::Server {
                (known, claims) = self.look_up(id).await?;
            }
        }
        let sequence = self.sequence(request, trust).await?;
        let outcomes = self.decide(request, known, sequence)?;
        let stands = |outcome: &Outcome| matches!(outcome, Outcome::Appended(_));
        if outcomes.iter().all(stands) {
            return self.write(request, claims).await;
        }
        // That a command was done comes before everything else.
        let is_certain = request.command.is_none() || known.is_some() || trust == Trust::Server;
        Ok(is_certain.then_some(outcomes))
    }

    /// What would become of the request.
    fn decide(
        &self,
        request: &Request,
        known: Option<Remembered>,
        sequence: Sequence,
    ) -> Result<Vec<Outcome>, Error> {
        let mut state = State::new(self.order.end().tip);
        let mut draft = state.draft(std::iter::once(request.appends.as_slice()));
        draft.learn_streams::<Error>(|_| Ok(sequence))?;
        draft.learn_commands::<Error>(|_| Ok(known))?;
        let requests = std::iter::once(request.appends.clone());
        let mut plan = state.decide(draft, requests, self.clock.now());
        Ok(plan.outcomes.pop().unwrap_or_default())
    }

    /// The last sequence of the stream.
    async fn sequence(&self, request: &Request, trust: Trust) -> Result<Sequence, Error> {
        let expected = request.expected();
        if trust == Trust::Memory {
            match self.order.last_sequence(&request.stream) {
                // Streams only grow.
                Some(last) if last > expected => return Ok(last),
                Some(last) if last == expected && request.has_events() => return Ok(last),
                None if expected == 0 && request.has_events() => return Ok(0),
                _ => {}
            }
        }
        let name = self.names.events(&request.stream);
        let last = self.link.last(&name).await?;
        Ok(last.map_or(0, |last| last.revision + 1))
    }

    /// Writes what was decided to stand. `None`: the stream or the command has
    /// changed since.
    async fn write(&self, request: &Request, claims: u64) -> Result<Option<Vec<Outcome>>, Error> {
        let now = self.clock.now();
        let tip = self.order.end().tip;
        let head = Head {
            position: tip.position,
            recorded_at: tip.recorded_at.max(now),
        };
        let parts = request.parts();
        let write = request.write(now);
        // From before the claim: as soon as it is there, others may finish it.
        let expected = self
            .order
            .expect(&write.stream, write.expected, write.events.len());
        let mut remember = None;
        if let Some((id, fingerprint)) = &request.command {
            let is_it = |append: &Append| append.fingerprint.is_some();
            let number = request.appends.iter().position(is_it);
            let part = number.and_then(|number| parts.get(number)).copied();
            let part = part.unwrap_or(Part {
                offset: 0,
                count: 0,
            });
            let claim = Claim::new(id, *fingerprint, part, head, write.clone());
            if !claims::make(&self.link, &self.names, &claim, claims).await? {
                return Ok(None);
            }
            failpoint("journal.after_claim");
            remember = Some(claim);
        }
        let mut seen = Vec::new();
        if !write.events.is_empty() {
            failpoint("journal.before_commit");
            if !self.put(&write).await? {
                return Ok(None);
            }
            failpoint("journal.after_commit");
            seen = expected.seen().await?;
        }
        if let Some(claim) = remember {
            self.remember(&claim, &seen);
        }
        let outcome = |part: Part| Outcome::Appended(part.appended(write.expected, head, &seen));
        Ok(Some(parts.into_iter().map(outcome).collect()))
    }

    /// Whether the events are there now.
    async fn put(&self, write: &Write) -> Result<bool, Error> {
        let name = self.names.events(&write.stream);
        let wrote = self
            .link
            .append(&name, write.expected, &write.data()?)
            .await?;
        if wrote == Wrote::Done {
            return Ok(true);
        }
        // By an attempt whose answer was lost, or by somebody who found the
        // claim and finished it.
        let there = self.link.read(&name, write.expected, 1).await?;
        let id = there.first().map(|first| first.id);
        Ok(id == Some(write.event_id(0)))
    }

    /// The outcome of a command, finished now if it was begun, and how many
    /// claims there are.
    async fn look_up(&self, command_id: &str) -> Result<(Option<Remembered>, u64), Error> {
        let Some(last) = claims::last(&self.link, &self.names, command_id).await? else {
            return Ok((None, 0));
        };
        let claim = &last.claim;
        let mut done = self.settled(claim).await?;
        if done.is_none() && self.put(&claim.write).await? {
            done = self.settled(claim).await?;
        }
        Ok((done, last.count))
    }

    /// What became of a claim, if it was finished.
    async fn settled(&self, claim: &Claim) -> Result<Option<Remembered>, Error> {
        let write = &claim.write;
        let mut seen = Vec::with_capacity(write.events.len());
        if !write.events.is_empty() {
            let name = self.names.events(&write.stream);
            let there = self
                .link
                .read(&name, write.expected, write.events.len())
                .await?;
            if there.first().map(|first| first.id) != Some(write.event_id(0)) {
                return Ok(None);
            }
            for record in &there {
                let place = self.order.place_of(At::of(record)?).await?;
                seen.push(Seen {
                    position: place.position,
                    recorded_at: place.recorded_at,
                });
            }
        }
        Ok(Some(self.remember(claim, &seen)))
    }

    fn remember(&self, claim: &Claim, seen: &[Seen]) -> Remembered {
        let appended: Appended = claim.part.appended(claim.write.expected, claim.head, seen);
        let remembered = Remembered {
            fingerprint: claim.fingerprint(),
            appended,
        };
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.insert(claim.command_id.clone(), remembered);
        remembered
    }

    fn remembered(&self, command_id: &str) -> Option<Remembered> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.get(command_id)
    }
}
