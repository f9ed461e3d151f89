//! The one order of the events, as this node has derived it so far.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use kurrentdb::RecordedEvent;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::at::At;
use super::link::Link;
use super::mark::{Mark, Place};
use super::names::Names;
use super::record;
use crate::recent::Recent;
use crate::shared::Shared;
use crate::tail::Tail;
use crate::{Error, Event, Position, Sequence, StreamId};

/// Every so many positions there is a mark.
pub(super) const SEGMENT: u64 = 64;
/// At most so many records are read at once.
const PAGE: u64 = 512;
/// So many segments of places are remembered, at most twice as many.
const SEGMENTS: usize = 256;
/// Of so many streams the last sequence is remembered, at most twice as many.
const STREAMS: usize = 32_768;
/// An event that is not seen so long after it was written may have been missed.
const DOUBT: Duration = Duration::from_millis(250);

/// What is known of the order, and how to learn the rest of it.
#[derive(Debug)]
pub(super) struct Order {
    link: Arc<Link>,
    names: Names,
    patience: Duration,
    tail: Arc<Tail>,
    end: watch::Sender<Mark>,
    known: Mutex<Known>,
    waiting: Mutex<HashMap<StreamId, Waiting>>,
    doubt: Notify,
    fault: OnceLock<(Position, String)>,
}

#[derive(Debug)]
struct Known {
    /// The n-th is at position n times [`SEGMENT`].
    marks: Vec<Mark>,
    /// The places behind the last mark.
    open: Vec<Place>,
    /// Places behind other marks.
    segments: Recent<usize, Arc<[Place]>>,
    streams: Recent<StreamId, Sequence>,
    shared: Shared,
}

/// Somebody who wants to know where events come to stand that are being
/// appended. One node appends to a stream one after the other, so there is one
/// per stream.
#[derive(Debug)]
struct Waiting {
    after: Sequence,
    count: usize,
    seen: Vec<Seen>,
    reply: Option<oneshot::Sender<Vec<Seen>>>,
}

/// Where an event came to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) position: Position,
    pub(super) recorded_at: i64,
}

/// A promise of places, see [`Order::expect`].
#[derive(Debug)]
pub(super) struct Expected {
    order: Arc<Order>,
    stream: StreamId,
    seen: oneshot::Receiver<Vec<Seen>>,
}

impl Order {
    /// The order up to the last of `marks`, of which the first is the start.
    pub(super) fn new(link: Arc<Link>, names: Names, patience: Duration, marks: Vec<Mark>) -> Self {
        let end = marks.last().copied().unwrap_or(Mark::START);
        Self {
            link,
            names,
            patience,
            tail: Arc::new(Tail::new(end.tip.position)),
            end: watch::Sender::new(end),
            known: Mutex::new(Known {
                marks,
                open: Vec::new(),
                segments: Recent::new(SEGMENTS),
                streams: Recent::new(STREAMS),
                shared: Shared::default(),
            }),
            waiting: Mutex::default(),
            doubt: Notify::new(),
            fault: OnceLock::new(),
        }
    }

    pub(super) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The end of what is derived.
    pub(super) fn end(&self) -> Mark {
        *self.end.borrow()
    }

    /// Tells of every change of the end.
    pub(super) fn watch(&self) -> watch::Receiver<Mark> {
        self.end.subscribe()
    }

    /// The marks from the `from`-th on, at most `limit`.
    pub(super) fn marks(&self, from: usize, limit: usize) -> Vec<Mark> {
        let known = self.known();
        known.marks.iter().skip(from).take(limit).copied().collect()
    }

    /// An error when the order cannot be continued.
    pub(super) fn is_sound(&self) -> Result<(), Error> {
        match self.fault.get() {
            None => Ok(()),
            Some((position, reason)) => Err(Error::Corrupt {
                position: *position,
                reason: reason.clone(),
            }),
        }
    }

    /// The order ends here: nothing is appended any more, and whoever waits is
    /// told why.
    pub(super) fn give_up(&self, position: Position, reason: String) {
        if self.fault.set((position, reason)).is_ok() {
            self.waiting().clear();
            self.end.send_modify(|_| {});
        }
    }

    /// Continues the order with what the server has behind its end. Records
    /// that are in it already are passed over.
    pub(super) fn extend(&self, records: &[RecordedEvent]) -> Result<(), Error> {
        self.is_sound()?;
        let mut end = self.end();
        let mut events = Vec::new();
        let placed = {
            let mut known = self.known();
            self.place(records, &mut end, &mut known, &mut events)
        };
        let seen: Vec<_> = events.iter().map(key).collect();
        self.tail.publish(events);
        self.end.send_replace(end);
        self.tell(seen);
        if let Err(Error::Corrupt { position, reason }) = &placed {
            self.give_up(*position, reason.clone());
        }
        placed
    }

    fn place(
        &self,
        records: &[RecordedEvent],
        end: &mut Mark,
        known: &mut Known,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        for record in records {
            let Some((at, event)) = self.step(record, end, &mut known.shared)? else {
                continue;
            };
            known.open.push(Place::of(&event, at));
            known.streams.insert(event.stream.clone(), event.sequence);
            if event.position.is_multiple_of(SEGMENT) {
                let number = known.marks.len() - 1;
                let full = std::mem::take(&mut known.open);
                known.segments.insert(number, full.into());
                known.marks.push(*end);
            }
            events.push(event);
        }
        Ok(())
    }

    /// Moves `end` past the record. `None`: it has no place in the order, or is
    /// before the end.
    fn step(
        &self,
        record: &RecordedEvent,
        end: &mut Mark,
        shared: &mut Shared,
    ) -> Result<Option<(At, Event)>, Error> {
        let at = At::of(record)?;
        if end.at.is_some_and(|end| at <= end) {
            return Ok(None);
        }
        let content = record::read(&self.names, record).map_err(|reason| Error::Corrupt {
            position: end.tip.position + 1,
            reason,
        })?;
        let Some(content) = content else {
            end.at = Some(at);
            return Ok(None);
        };
        let event = end.next(at, record.id, content, shared);
        *end = Mark::of(&event, at);
        Ok(Some((at, event)))
    }

    /// Reads all that the server has behind the end.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        let filter = self.names.filter();
        loop {
            let before = self.end();
            let records = self.link.read_all(&filter, before.at, PAGE as usize);
            self.extend(&records.await?)?;
            if self.end() == before {
                return Ok(());
            }
        }
    }

    /// Events with a position greater than `after` as the server has them now,
    /// checked against the marks.
    pub(super) async fn stored(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        let upto = after.saturating_add(limit as u64).min(self.tail.head());
        if after >= upto {
            return Ok(Vec::new());
        }
        let mark = self.marks((after / SEGMENT) as usize, 1).pop();
        let found = self.derive(mark.unwrap_or(Mark::START), upto).await?;
        let events = found.into_iter().map(|(_, event)| event);
        Ok(events.filter(|event| event.position > after).collect())
    }

    /// Derives the order anew from a mark up to a position that it reaches.
    async fn derive(&self, from: Mark, upto: Position) -> Result<Vec<(At, Event)>, Error> {
        let filter = self.names.filter();
        let mut shared = Shared::default();
        let mut end = from;
        let mut found = Vec::new();
        while end.tip.position < upto {
            let before = end;
            // One more, because the read begins with the event at the mark.
            let wanted = (upto - end.tip.position).min(PAGE) + 1;
            let records = self.link.read_all(&filter, end.at, wanted as usize).await?;
            for record in &records {
                let Some(placed) = self.step(record, &mut end, &mut shared)? else {
                    continue;
                };
                self.check(&end)?;
                found.push(placed);
                if end.tip.position == upto {
                    break;
                }
            }
            if end == before {
                return Err(Error::Corrupt {
                    position: end.tip.position + 1,
                    reason: "missing".to_owned(),
                });
            }
        }
        Ok(found)
    }

    /// What is derived anew must be what was derived before.
    fn check(&self, end: &Mark) -> Result<(), Error> {
        let position = end.tip.position;
        if !position.is_multiple_of(SEGMENT) {
            return Ok(());
        }
        let mark = self.marks((position / SEGMENT) as usize, 1).pop();
        if mark.is_none_or(|mark| mark == *end) {
            return Ok(());
        }
        Err(Error::Corrupt {
            position,
            reason: format!(
                "the content of the {SEGMENT} events up to it is not what was recorded"
            ),
        })
    }

    /// The place of an event that the server has, once it is in the order.
    pub(super) async fn place_of(&self, at: At) -> Result<Place, Error> {
        self.reaches(at).await?;
        let number = {
            let known = self.known();
            // The first mark has no place, which is before all others.
            let behind = known.marks.partition_point(|mark| mark.at < Some(at));
            behind.saturating_sub(1)
        };
        let places = self.segment(number).await?;
        let found = places.binary_search_by_key(&at, |place| place.at);
        found
            .ok()
            .and_then(|index| places.get(index).copied())
            .ok_or_else(|| Error::Corrupt {
                position: number as u64 * SEGMENT + 1,
                reason: format!("an event at {} of the server has no position", at.commit),
            })
    }

    /// Waits until the order has got to `at`.
    async fn reaches(&self, at: At) -> Result<(), Error> {
        let mut end = self.watch();
        let is_over = |end: &Mark| end.at >= Some(at) || self.fault.get().is_some();
        let reached = async { end.wait_for(is_over).await.map(|end| *end) };
        match self.patiently(reached).await {
            Some(Ok(end)) if end.at >= Some(at) => Ok(()),
            _ => Err(self.is_late()),
        }
    }

    /// Waits for something that follows from an event which is on the server.
    /// When it takes long, the follower is told to look for itself.
    async fn patiently<T>(&self, wanted: impl Future<Output = T>) -> Option<T> {
        let mut wanted = pin!(wanted);
        let watching = async {
            tokio::select! {
                it = &mut wanted => return it,
                () = sleep(DOUBT) => self.doubt.notify_one(),
            }
            wanted.await
        };
        timeout(self.patience, watching).await.ok()
    }

    /// Returns when somebody waits for an event that should have been seen.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    fn is_late(&self) -> Error {
        self.is_sound().err().unwrap_or_else(|| {
            Error::Unavailable(format!(
                "KurrentDB: what was written has not been seen in the order after {:?}",
                self.patience
            ))
        })
    }

    /// The places between a mark and the next, or the end.
    async fn segment(&self, number: usize) -> Result<Arc<[Place]>, Error> {
        let (from, upto) = {
            let mut known = self.known();
            let (Some(from), Some(next)) = (
                known.marks.get(number).copied(),
                known.marks.get(number + 1).copied(),
            ) else {
                return Ok(known.open.as_slice().into());
            };
            if let Some(places) = known.segments.get(&number) {
                return Ok(places);
            }
            (from, next.tip.position)
        };
        let found = self.derive(from, upto).await?;
        let places = found.iter().map(|(at, event)| Place::of(event, *at));
        let places: Arc<[Place]> = places.collect();
        self.known().segments.insert(number, Arc::clone(&places));
        Ok(places)
    }

    /// The position of the last event recorded at or before `millis`.
    pub(super) async fn position_at(&self, millis: i64) -> Result<Position, Error> {
        let behind = {
            let known = self.known();
            let is_before = |mark: &Mark| mark.tip.recorded_at <= millis;
            known.marks.partition_point(is_before)
        };
        let Some(number) = behind.checked_sub(1) else {
            return Ok(0);
        };
        let places = self.segment(number).await?;
        let count = places.partition_point(|place| place.recorded_at <= millis);
        Ok(number as u64 * SEGMENT + count as u64)
    }

    /// The last sequence of a stream, as far as it is remembered. Another node
    /// may have appended to it since.
    pub(super) fn last_sequence(&self, stream: &StreamId) -> Option<Sequence> {
        self.known().streams.get(stream)
    }

    /// Promises to tell where the `count` events of `stream` behind `after`
    /// come to stand. To be asked before they are appended.
    pub(super) fn expect(
        self: &Arc<Self>,
        stream: &StreamId,
        after: Sequence,
        count: usize,
    ) -> Expected {
        let (reply, seen) = oneshot::channel();
        let waiting = Waiting {
            after,
            count,
            seen: Vec::with_capacity(count),
            reply: Some(reply),
        };
        self.waiting().insert(stream.clone(), waiting);
        Expected {
            order: Arc::clone(self),
            stream: stream.clone(),
            seen,
        }
    }

    fn tell(&self, events: Vec<(StreamId, Sequence, Seen)>) {
        let mut waiting = self.waiting();
        for (stream, sequence, seen) in events {
            let Some(one) = waiting.get_mut(&stream) else {
                continue;
            };
            if sequence != one.after + 1 + one.seen.len() as u64 {
                continue;
            }
            one.seen.push(seen);
            if one.seen.len() == one.count
                && let Some(reply) = one.reply.take()
            {
                // Whoever waited may have gone.
                let _ = reply.send(std::mem::take(&mut one.seen));
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<StreamId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Where the events stand. Fails when they have not been seen after a
    /// while, though they may have been appended.
    pub(super) async fn seen(mut self) -> Result<Vec<Seen>, Error> {
        let order = Arc::clone(&self.order);
        match order.patiently(&mut self.seen).await {
            Some(Ok(seen)) => Ok(seen),
            _ => Err(order.is_late()),
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.order.waiting().remove(&self.stream);
    }
}

fn key(event: &Event) -> (StreamId, Sequence, Seen) {
    let seen = Seen {
        position: event.position,
        recorded_at: event.recorded_at,
    };
    (event.stream.clone(), event.sequence, seen)
}
