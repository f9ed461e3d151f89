//! What functions before a message make of it. Reference: section 11.3.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{MESSAGE_LIMIT, NotSent, Verb, context, run};
use crate::execution::Ran;
use crate::pubnub::Shared;
use crate::pubnub::scene::{Asked, Scene};

/// What an abort without a text is told as.
const ABORTED: &str = "Aborted by function";

/// What a function before a message makes of it.
pub enum Decision {
    /// It goes on, as this.
    Go(Value),
    /// It does not.
    Abort(String),
    /// The function failed.
    Failed(String),
}

#[derive(Deserialize)]
struct Decided {
    decision: String,
    text: Option<String>,
    #[serde(default)]
    message: Value,
}

/// Asks a function before a message.
pub(super) async fn decide(
    shared: &Arc<Shared>,
    scene: &Scene<'_>,
    event: Value,
    verb: Verb,
) -> Result<Decision, NotSent> {
    let call = scene.call(event, Asked::event(verb.as_str(), scene.channel));
    let context = context(scene.project, scene.correlation);
    let ran = run(shared, call, &context).await?;
    Ok(match ran {
        Ok(ran) => match decision(&ran) {
            Decision::Go(message) if message.to_string().len() > MESSAGE_LIMIT => {
                Decision::Failed("Error: the message is too large".to_owned())
            }
            decision => decision,
        },
        Err(text) => Decision::Failed(text),
    })
}

/// What came of a run whose function decides.
pub fn decision(ran: &Ran) -> Decision {
    if let Some(text) = failure(ran) {
        return Decision::Failed(text);
    }
    match serde_json::from_slice(&ran.body) {
        Ok(Decided {
            decision,
            text,
            message,
        }) => match decision.as_str() {
            "ok" => Decision::Go(message),
            _ => Decision::Abort(text.unwrap_or_else(|| ABORTED.to_owned())),
        },
        Err(_) => Decision::Failed("Error: the function gave no result".to_owned()),
    }
}

/// Why a run failed, as the first line of the error, section 11.3.
pub fn failure(ran: &Ran) -> Option<String> {
    let failure = ran.failure.as_ref()?;
    Some(match ran.result.reason.as_str() {
        "timeout" => "Error: execution time exceeded".to_owned(),
        _ => failure.lines().next().unwrap_or_default().to_owned(),
    })
}
