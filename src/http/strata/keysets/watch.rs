//! State transitions of a keyset's deployments as they happen: server-sent events.
//!
//! The id of an event is its position in the journal; a client that comes back with it as
//! `Last-Event-ID` misses nothing.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aggregates::event::Event as Any;
use aggregates::pkgdeploy::{self, PackageDeployment, Status};
use aggregates::{KeysetId, ProjectId};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use cqrs_es::Aggregate;
use futures::Stream;
use futures::stream::unfold;
use journal::StreamId;
use serde::Deserialize;
use serde_json::json;

use super::super::Error;
use super::super::caller::Caller;
use super::super::projects::time;
use super::{DEPLOYMENTS, find, missing, must_allow};
use crate::app::App;
use crate::http::as_of;

const PAGE: usize = 1000;
/// A sign of life after so long without an event.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub(super) struct Asked {
    /// As `Last-Event-ID`, for clients that cannot set headers.
    after: Option<String>,
}

pub(super) async fn follow(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(number): Path<u64>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let keyset = find(&app, &caller, number, None).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, DEPLOYMENTS, number)?;
    let last = headers.get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let position = match last.or(asked.after) {
        Some(text) => as_of::position(&app, &text).await?,
        None => app.bus.journal().head(),
    };
    let project = ProjectId::from(keyset.project);
    let watch = Watch {
        keyset: KeysetId::from(number.to_string()).key(&project),
        begins: format!("{project}:"),
        ends: format!("@{number}"),
        position,
        known: HashMap::new(),
        // Tells where it begins, so that a client can resume before anything has happened.
        ready: VecDeque::from([Event::default()
            .id(position.to_string())
            .event("open")
            .data(json!({"position": position, "keyset": number}).to_string())]),
        ended: false,
        app,
    };
    let events = unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

struct Watch {
    app: Arc<App>,
    /// The stream key of the keyset.
    keyset: String,
    /// How the stream keys of its deployments begin and end.
    begins: String,
    ends: String,
    /// What has been looked at.
    position: u64,
    /// States as of the position.
    known: HashMap<Arc<str>, PackageDeployment>,
    ready: VecDeque<Event>,
    ended: bool,
}

impl Watch {
    /// The next event; none: the server stops, or the keyset is gone.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended || self.app.stop.is_cancelled() {
                return None;
            }
            let journal = self.app.bus.journal().clone();
            tokio::select! {
                () = self.app.stop.cancelled() => return None,
                _ = journal.wait_beyond(self.position, HEARTBEAT) => {}
            }
            if let Err(error) = self.read(&*journal).await {
                if matches!(error, journal::Error::Closed) {
                    return None;
                }
                tracing::warn!(%error, "who watches a keyset has to wait");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn read(&mut self, journal: &dyn journal::Journal) -> Result<(), journal::Error> {
        for event in journal.read_all(self.position, PAGE).await? {
            let key = event.stream.key.clone();
            match &*event.stream.kind {
                "pkgdeploy" if key.starts_with(&self.begins) && key.ends_with(&self.ends) => {
                    self.see(journal, &event).await?;
                }
                "keyset" if *key == *self.keyset && &*event.kind == "KeysetDeleted" => {
                    self.ended = true;
                }
                _ => {}
            }
            self.position = event.position;
        }
        Ok(())
    }

    async fn see(
        &mut self,
        journal: &dyn journal::Journal,
        event: &journal::Event,
    ) -> Result<(), journal::Error> {
        if !self.known.contains_key(&event.stream.key) {
            let state = state_before(journal, &event.stream, event.sequence).await?;
            self.known.insert(event.stream.key.clone(), state);
        }
        let Some(state) = self.known.get_mut(&event.stream.key) else {
            return Ok(());
        };
        let Some(decoded) = decode(event) else {
            return Ok(());
        };
        let before = state.clone();
        let failure = match &decoded {
            pkgdeploy::Event::StartFailed { code, reason, .. } => {
                Some(json!({"code": code, "message": reason}))
            }
            _ => None,
        };
        state.apply(decoded);
        if before.status == state.status {
            return Ok(());
        }
        let word = |status: Status| match status {
            Status::Absent => None,
            status => Some(status.as_str()),
        };
        let of = if state.status == Status::Absent {
            &before
        } else {
            &*state
        };
        let data = json!({
            "position": event.position,
            "recordedAt": time(event.recorded_at),
            "deployment": of.id.as_str(),
            "package": of.package.as_str(),
            "revision": of.revision.as_str(),
            "keyset": of.keyset,
            "from": word(before.status),
            "to": word(state.status),
            "replacing": state.replacing.as_ref().map(|id| id.as_str()),
            "failure": failure,
            "actor": event.metadata.actor,
        });
        let shown = Event::default()
            .id(event.position.to_string())
            .event("transition")
            .data(data.to_string());
        self.ready.push_back(shown);
        Ok(())
    }
}

/// What a deployment was before one of its events.
async fn state_before(
    journal: &dyn journal::Journal,
    stream: &StreamId,
    sequence: u64,
) -> Result<PackageDeployment, journal::Error> {
    let (mut state, mut after) = (PackageDeployment::default(), 0);
    while after + 1 < sequence {
        let events = journal.read_stream(stream, after, PAGE).await?;
        if events.is_empty() {
            break;
        }
        for event in events.iter().filter(|event| event.sequence < sequence) {
            if let Some(decoded) = decode(event) {
                state.apply(decoded);
            }
        }
        after = events.last().map_or(sequence, |last| last.sequence);
    }
    Ok(state)
}

fn decode(event: &journal::Event) -> Option<pkgdeploy::Event> {
    let (kind, version) = (&event.kind, &event.version);
    let decoded = aggregates::event::decode(&event.stream.kind, kind, version, event.payload.get());
    match decoded {
        Ok(Some(Any::PackageDeployment(decoded))) => Some(decoded),
        _ => None,
    }
}
