//! Runs of functions of the PubNub dialect that are not deployed: on a test input, or on an event
//! that is given; dry or for real.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::json;

use super::Error;
use super::caller::Caller;
use super::projects::parse;
use crate::app::App;
use crate::bus::Bus;
use crate::http::position_header;
use crate::pubnub::tries::{self, Given, Tried, Try};

/// Who may run functions.
const WRITE: &str = "functions.package:write";
/// Who may do so on a keyset.
const KEYSET: &str = "keyset:write";

/// The project, for the root key.
#[derive(Deserialize)]
pub(super) struct Within {
    project: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Dry,
    Live,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    handler: String,
    test_input: Option<String>,
    event: Option<Given>,
    keyset: Option<u64>,
    #[serde(default = "dry")]
    mode: Mode,
}

fn dry() -> Mode {
    Mode::Dry
}

impl From<tries::Error> for Error {
    fn from(error: tries::Error) -> Self {
        match error {
            tries::Error::NotFound => Self::NotFound("the function revision".to_owned()),
            tries::Error::NoKeyset => Self::NotFound("the keyset".to_owned()),
            tries::Error::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(within): Query<Within>,
    body: Bytes,
) -> Result<Response, Error> {
    let own = caller.grant.project.as_ref();
    let project = within.project.as_deref().or(own.map(|own| own.as_str()));
    let project = project.unwrap_or(crate::installation::DEFAULT_PROJECT);
    caller.must_allow(project, WRITE)?;
    let asked: Asked = parse(&body)?;
    let is_dry = matches!(asked.mode, Mode::Dry);
    let view = app.reads.view(None);
    if let Some(number) = asked.keyset {
        if !caller.grant.allows_on(KEYSET, number) {
            return Err(Error::Forbidden(KEYSET));
        }
        let keyset = view.keyset_by_number(number).await?;
        if keyset.is_none_or(|keyset| keyset.project != project) {
            return Err(Error::NotFound(format!("the keyset {number}")));
        }
    } else if !is_dry {
        return Err(Error::Invalid("a live run needs a keyset".to_owned()));
    }
    let missing = || Error::NotFound(format!("the function revision {}", asked.handler));
    let handler = view.handler(project, &asked.handler).await?;
    let handler = handler.ok_or_else(missing)?;
    let given = match (asked.test_input, asked.event) {
        (Some(id), None) => {
            let missing = || Error::NotFound(format!("the test input {id}"));
            let found = view.test_input(project, &id).await?;
            let found = found.filter(|input| input.handler == handler.id);
            let payload = found.ok_or_else(missing)?.input.payload;
            let payload = app.blobs.get_text(&payload).await;
            let payload = payload.map_err(|error| Error::Unavailable(error.to_string()))?;
            let payload = serde_json::from_str(&payload);
            Given::payload(payload.map_err(|error| Error::Internal(error.to_string()))?)
        }
        (None, Some(event)) => event,
        _ => {
            let text = "either test_input or event is needed";
            return Err(Error::Invalid(text.to_owned()));
        }
    };
    let asked = Try {
        handler: handler.id,
        of: (handler.package, handler.revision),
        keyset: asked.keyset,
        given,
        is_dry,
    };
    let context = caller.context(project, &body);
    let tried = tries::run(&app.pubnub.shared, &project.into(), asked, &context).await?;
    // Whoever reads next sees it.
    let position = tried.ran.committed.position;
    app.reads.wait_for(position, Bus::READ_WAIT).await;
    Ok(show(tried, is_dry))
}

fn show(tried: Tried, is_dry: bool) -> Response {
    let ran = &tried.ran;
    let mut shown = json!({
        "id": tried.execution,
        "mode": if is_dry { "dry" } else { "live" },
        "decision": tried.decision,
        "text": tried.text,
        "message": tried.message,
        "logs": tried.lines,
        "errors": ran.errors,
        "calls": tried.calls,
        "durationUs": ran.result.duration_us,
    });
    if tried.decision == "send" {
        let body = match std::str::from_utf8(&ran.body) {
            Ok(text) => json!(text),
            Err(_) => json!({
                "base64": base64::engine::general_purpose::STANDARD.encode(&ran.body),
            }),
        };
        shown["response"] = json!({
            "status": ran.result.status_code,
            "headers": ran.headers,
            "body": body,
        });
    }
    let header = [position_header(&ran.committed)];
    (StatusCode::OK, header, Json(shown)).into_response()
}
