//! The way to the server.

use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kurrentdb::{
    AppendToStreamOptions, Client, ClientSettings, ClientSettingsParseError, EventData,
    ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent, StreamMetadataBuilder,
    StreamPosition, StreamState, SubscribeToAllOptions, Subscription, SubscriptionFilter,
};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use super::at::At;
use crate::{Error, Sequence};

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// The events are there, from now or from an attempt whose answer was lost.
    Done,
    /// The stream is not as expected.
    Refused,
}

/// A client, made anew when it has given up.
///
/// Everything here is sent again after a loss of the connection until
/// `patience` is over. Appends may be, because they name the expected revision
/// and the ids of their events: what is there already is not written again.
pub(super) struct Link {
    settings: ClientSettings,
    runtime: Handle,
    patience: Duration,
    client: Mutex<Current>,
}

/// The client of now, and how many there were before it.
struct Current {
    number: u64,
    client: Client,
}

/// How long a lost connection is left alone before the next attempt, at most.
const MAX_PAUSE: Duration = Duration::from_millis(200);

impl Link {
    /// Does not connect yet. The runtime that this is called on moves the bytes.
    pub(super) fn new(url: &str, patience: Duration) -> Result<Self, Error> {
        let settings: ClientSettings = url.parse().map_err(|error| misunderstood(&error))?;
        let runtime = Handle::current();
        let client = Mutex::new(Current {
            number: 0,
            client: client(&settings, &runtime)?,
        });
        Ok(Self {
            settings,
            runtime,
            patience,
            client,
        })
    }

    /// Appends events to a stream that has `expected` events, all or none.
    pub(super) async fn append(
        &self,
        name: &str,
        expected: Sequence,
        events: &[EventData],
    ) -> Result<Wrote, Error> {
        let state = match expected.checked_sub(1) {
            None => StreamState::NoStream,
            Some(revision) => StreamState::StreamRevision(revision),
        };
        let options = AppendToStreamOptions::default()
            .stream_state(state)
            .requires_leader(true)
            .deadline(self.patience);
        let options = &options;
        let append = self.again(move |client| async move {
            client
                .append_to_stream(name, options, events.to_vec())
                .await
        });
        match append.await {
            Ok(_) => Ok(Wrote::Done),
            Err(kurrentdb::Error::WrongExpectedVersion { .. }) => Ok(Wrote::Refused),
            Err(kurrentdb::Error::Grpc { code, message }) if REFUSALS.contains(&(code as i32)) => {
                Err(Error::Unstorable(format!("KurrentDB: {message}")))
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Says that of a stream only the last event has to be kept.
    pub(super) async fn keep_last(&self, name: &str) -> Result<(), Error> {
        let metadata = StreamMetadataBuilder::new().max_count(1).build();
        let options = AppendToStreamOptions::default()
            .requires_leader(true)
            .deadline(self.patience);
        let (options, metadata) = (&options, &metadata);
        let set = self.again(move |client| async move {
            client.set_stream_metadata(name, options, metadata).await
        });
        set.await.map(|_| ()).map_err(|error| unavailable(&error))
    }

    /// Events of a stream behind its first `after`; none when there is no such
    /// stream.
    pub(super) async fn read(
        &self,
        name: &str,
        after: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, Error> {
        let options = ReadStreamOptions::default()
            .position(StreamPosition::Position(after))
            .max_count(limit);
        self.read_with(name, options).await
    }

    /// The last event of a stream.
    pub(super) async fn last(&self, name: &str) -> Result<Option<RecordedEvent>, Error> {
        let options = ReadStreamOptions::default()
            .position(StreamPosition::End)
            .max_count(1);
        Ok(self.read_with(name, options).await?.pop())
    }

    async fn read_with(
        &self,
        name: &str,
        options: ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, Error> {
        let options = options.requires_leader(true).deadline(self.patience);
        let options = &options;
        let read = self.again(move |client| async move {
            let found = match client.read_stream(name, options).await {
                Ok(stream) => collect(stream).await,
                Err(error) => Err(error),
            };
            match found {
                Err(kurrentdb::Error::ResourceNotFound) => Ok(Vec::new()),
                found => found,
            }
        });
        read.await.map_err(|error| unavailable(&error))
    }

    /// Events of the streams whose names begin with `filter`, from the one at
    /// `from` on, at most `limit`.
    pub(super) async fn read_all(
        &self,
        filter: &str,
        from: Option<At>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, Error> {
        let options = ReadAllOptions::default()
            .position(position(from))
            .filter(SubscriptionFilter::on_stream_name().add_prefix(filter))
            .max_count(limit)
            .requires_leader(true)
            .deadline(self.patience);
        let options = &options;
        let read =
            self.again(move |client| async move { collect(client.read_all(options).await?).await });
        read.await.map_err(|error| unavailable(&error))
    }

    /// Follows the streams whose names begin with `filter`, behind `after`.
    /// Whether that works is told by the subscription.
    pub(super) async fn subscribe(&self, filter: &str, after: Option<At>) -> Subscription {
        let options = SubscribeToAllOptions::default()
            .position(position(after))
            .filter(SubscriptionFilter::on_stream_name().add_prefix(filter))
            .requires_leader(true);
        let (_, client) = self.client();
        client.subscribe_to_all(&options).await
    }

    /// Makes another client when the one of now has ended: it does when it
    /// fails to connect.
    pub(super) fn renew(&self) {
        let (number, _) = self.client();
        self.renew_from(number);
    }

    fn renew_from(&self, number: u64) {
        let Ok(client) = client(&self.settings, &self.runtime) else {
            return;
        };
        let mut current = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            *current = Current {
                number: number + 1,
                client,
            };
        }
    }

    fn client(&self) -> (u64, Client) {
        let current = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        (current.number, current.client.clone())
    }

    async fn again<T, F>(&self, work: impl Fn(Client) -> F) -> kurrentdb::Result<T>
    where
        F: Future<Output = kurrentdb::Result<T>>,
    {
        let until = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(5);
        loop {
            let (number, client) = self.client();
            let error = match timeout(self.patience, work(client)).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) if is_passing(&error) => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(kurrentdb::Error::DeadlineExceeded),
            };
            if Instant::now() + pause >= until {
                return Err(error);
            }
            if has_ended(&error) {
                self.renew_from(number);
            }
            tracing::debug!(%error, "a call to KurrentDB is made again");
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

impl fmt::Debug for Link {
    /// Without the settings, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// The gRPC codes that say that what was sent can't be stored: invalid
/// argument (too large, too), resource exhausted (a message too large for the
/// transport).
const REFUSALS: [i32; 2] = [3, 8];
/// The gRPC codes of what may go better next time: cancelled, aborted.
const PASSING: [i32; 2] = [1, 10];

fn is_passing(error: &kurrentdb::Error) -> bool {
    match error {
        kurrentdb::Error::ServerError(_) | kurrentdb::Error::NotLeaderException(_) => true,
        kurrentdb::Error::Grpc { code, .. } => PASSING.contains(&(*code as i32)),
        error => has_ended(error),
    }
}

/// Whether the client will not do anything any more.
pub(super) fn has_ended(error: &kurrentdb::Error) -> bool {
    matches!(
        error,
        kurrentdb::Error::ConnectionClosed | kurrentdb::Error::GrpcConnectionError(_)
    )
}

pub(super) fn unavailable(error: &kurrentdb::Error) -> Error {
    Error::Unavailable(format!("KurrentDB: {error}"))
}

/// Without the address, which may hold a password: it is the message when there
/// is a cause.
fn misunderstood(error: &ClientSettingsParseError) -> Error {
    let reason = match error.error() {
        Some(cause) => cause.to_string(),
        None => error.message().to_owned(),
    };
    Error::Unsupported(format!(
        "KurrentDB: the address is not understood: {reason}"
    ))
}

fn client(settings: &ClientSettings, runtime: &Handle) -> Result<Client, Error> {
    Client::with_runtime_handle(runtime.clone(), settings.clone())
        .map_err(|error| Error::Unavailable(format!("KurrentDB: no client: {error}")))
}

fn position(at: Option<At>) -> StreamPosition<kurrentdb::Position> {
    at.map_or(StreamPosition::Start, |at| {
        StreamPosition::Position(at.into())
    })
}

async fn collect(mut stream: ReadStream) -> kurrentdb::Result<Vec<RecordedEvent>> {
    let mut found = Vec::new();
    while let Some(resolved) = stream.next().await? {
        // Links are not resolved, so this is the event itself.
        found.extend(resolved.event);
    }
    Ok(found)
}
