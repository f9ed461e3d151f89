//! Sending on a keyset with a key of Strata's: publish, fire, signal, files and presence.

use std::sync::Arc;

use aggregates::ProjectId;
use aggregates::sending::Told;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::super::projects::parse;
use super::{find, missing, must_allow};
use crate::app::App;
use crate::http::POSITION;
use crate::http::pubnub::PresenceEvent;
use crate::pubnub::Shared;
use crate::pubnub::dispatch::{self, NotSent, Outcome, Sender, Sent, Verb};
use crate::pubnub::once;

/// Who may send.
const WRITE: &str = "keyset:write";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    channel: String,
    #[serde(default)]
    message: Option<Value>,
    meta: Option<Value>,
    uuid: Option<String>,
    file: Option<File>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    name: String,
}

impl From<NotSent> for Error {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::NoKeyset => Self::NotFound("the keyset".to_owned()),
            NotSent::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// What is asked for, once it is known to make sense.
enum Asked {
    Message(Sent),
    Presence(PresenceEvent),
}

impl Asked {
    fn read(how: &str, number: u64, body: &[u8], correlation: &str) -> Result<Self, Error> {
        let verb = match how {
            "publish" => Verb::Publish,
            "fire" => Verb::Fire,
            "signal" => Verb::Signal,
            "files" => Verb::File,
            "presence" => return Ok(Self::Presence(parse(body)?)),
            _ => return Err(Error::NoRoute(format!("/keysets/{number}/{how}"))),
        };
        let sent: Message = parse(body)?;
        let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
        let message = match (verb, sent.file, sent.message) {
            (Verb::File, Some(file), message) => {
                let mut shared = json!({ "file": { "id": file.id, "name": file.name } });
                if let Some(message) = message {
                    shared["message"] = message;
                }
                shared
            }
            (Verb::File, None, _) => return invalid("file: its id and name are needed"),
            (_, Some(_), _) => return invalid("file: only files have one"),
            (_, None, Some(message)) => message,
            (_, None, None) => return invalid("message is needed"),
        };
        Ok(Self::Message(Sent {
            verb,
            channel: sent.channel,
            message,
            meta: sent.meta,
            user: sent.uuid,
            sender: Sender::default(),
            hop: 0,
            correlation: correlation.to_owned(),
        }))
    }

    /// Sends it, and says what became of it.
    async fn send(
        self,
        shared: Arc<Shared>,
        project: ProjectId,
        keyset: u64,
        how: String,
    ) -> Result<Told, Error> {
        let sent = match self {
            Self::Message(sent) => sent,
            Self::Presence(event) => {
                let moved = event.read().ok_or_else(|| {
                    let text = "a presence event has an action, a uuid and a channel";
                    Error::Invalid(text.to_owned())
                })?;
                let channel = moved.channel.clone();
                let moved = shared.messages.moved(keyset, moved);
                dispatch::moved(&shared, &project, keyset, moved).await?;
                return Ok(Told {
                    keyset,
                    how,
                    channel,
                    outcome: "sent".to_owned(),
                    text: "Sent".to_owned(),
                    timetoken: shared.messages.timetoken(keyset).to_string(),
                });
            }
        };
        let channel = sent.channel.clone();
        let answer = dispatch::send(&shared, &project, keyset, sent).await?;
        let (_, text, timetoken) = answer.parts();
        let outcome = match answer.outcome {
            Outcome::Sent { .. } => "sent",
            Outcome::Aborted(_) => "aborted",
            Outcome::Failed(_) => "failed",
            Outcome::Invalid(text) => return Err(Error::Invalid(text.to_owned())),
            Outcome::TooLarge => {
                return Err(Error::Invalid("the message is too large".to_owned()));
            }
        };
        Ok(Told {
            keyset,
            how,
            channel,
            outcome: outcome.to_owned(),
            text,
            timetoken,
        })
    }
}

impl From<once::Error> for Error {
    fn from(error: once::Error) -> Self {
        use crate::bus::Error as Bus;
        match error {
            once::Error::Underway => Self::Conflict(error.to_string()),
            once::Error::Bus(Bus::KeyReused) => Self::KeyReused,
            once::Error::Bus(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Internal(error.to_string())
    }
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((number, how)): Path<(u64, String)>,
    body: Bytes,
) -> Result<Response, Error> {
    let keyset = find(&app, &caller, number, None).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, WRITE, number)?;
    let shared = &app.pubnub.shared;
    let context = caller.context(&keyset.project, &body);
    let asked = Asked::read(&how, number, &body, &context.correlation_id)?;
    let project = keyset.project.as_str().into();
    let is_presence = matches!(asked, Asked::Presence(_));
    let sending = asked.send(shared.clone(), project, number, how);
    let (told, position) = match context.fingerprint {
        None => (sending.await?, app.bus.journal().head()),
        Some(_) => {
            let id = caller.new_id(&keyset.project);
            let key = format!("{}:{id}", keyset.project);
            let (told, committed) = once::once(shared, key, context, sending).await?;
            (told, committed.position)
        }
    };
    let header = [(POSITION, HeaderValue::from(position))];
    if is_presence {
        return Ok((StatusCode::ACCEPTED, header, Json(json!({}))).into_response());
    }
    let shown = json!({
        "outcome": told.outcome,
        "text": told.text,
        "timetoken": told.timetoken,
    });
    Ok((StatusCode::OK, header, Json(shown)).into_response())
}
