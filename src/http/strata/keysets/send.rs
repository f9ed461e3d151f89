//! Sending on a keyset with a key of Strata's: publish, fire, signal, files and presence.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Error;
use super::super::caller::Caller;
use super::super::projects::parse;
use super::{find, missing, must_allow};
use crate::app::App;
use crate::http::pubnub::PresenceEvent;
use crate::pubnub::dispatch::{self, NotSent, Outcome, Sender, Sent, Verb};

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

pub(super) async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((number, how)): Path<(u64, String)>,
    body: Bytes,
) -> Result<Response, Error> {
    let keyset = find(&app, &caller, number, None).await?;
    let keyset = keyset.ok_or_else(|| missing(number))?;
    must_allow(&caller, WRITE, number)?;
    let project = keyset.project.as_str().into();
    let shared = &app.pubnub.shared;
    let verb = match how.as_str() {
        "publish" => Verb::Publish,
        "fire" => Verb::Fire,
        "signal" => Verb::Signal,
        "files" => Verb::File,
        "presence" => {
            let moved = parse::<PresenceEvent>(&body)?.read();
            let moved = moved.ok_or_else(|| {
                let text = "a presence event has an action, a uuid and a channel";
                Error::Invalid(text.to_owned())
            })?;
            let moved = shared.messages.moved(number, moved);
            dispatch::moved(shared, &project, number, moved).await?;
            return Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response());
        }
        _ => return Err(Error::NoRoute(format!("/keysets/{number}/{how}"))),
    };
    let sent: Message = parse(&body)?;
    let message = match (verb, sent.file, sent.message) {
        (Verb::File, Some(file), message) => {
            let mut shared = json!({ "file": { "id": file.id, "name": file.name } });
            if let Some(message) = message {
                shared["message"] = message;
            }
            shared
        }
        (Verb::File, None, _) => {
            return Err(Error::Invalid(
                "file: its id and name are needed".to_owned(),
            ));
        }
        (_, Some(_), _) => {
            return Err(Error::Invalid("file: only files have one".to_owned()));
        }
        (_, None, Some(message)) => message,
        (_, None, None) => return Err(Error::Invalid("message is needed".to_owned())),
    };
    let sent = Sent {
        verb,
        channel: sent.channel,
        message,
        meta: sent.meta,
        user: sent.uuid,
        sender: Sender::default(),
        hop: 0,
        correlation: caller.context(&keyset.project, &body).correlation_id,
    };
    let answer = dispatch::send(shared, &project, number, sent).await?;
    let (_, text, timetoken) = answer.parts();
    let (status, outcome) = match answer.outcome {
        Outcome::Sent { .. } => (StatusCode::OK, "sent"),
        Outcome::Aborted(_) => (StatusCode::OK, "aborted"),
        Outcome::Failed(_) => (StatusCode::OK, "failed"),
        Outcome::Invalid(text) => return Err(Error::Invalid(text.to_owned())),
        Outcome::TooLarge => return Err(Error::Invalid("the message is too large".to_owned())),
    };
    let shown = json!({ "outcome": outcome, "text": text, "timetoken": timetoken });
    Ok((status, Json(shown)).into_response())
}
