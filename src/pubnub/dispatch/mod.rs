//! What is sent on a keyset, on its way through the functions that see it: those before it one
//! after another, then its subscribers, then those after it, which are written down before the
//! sender is answered. Reference: sections 10.3 to 10.5 and 14.

mod decide;
mod presence;
mod sent;
mod stage;

use std::sync::Arc;

use aggregates::keyset::{Keyset, OnError};
use aggregates::{ProjectId, channel};
use serde_json::{Value, json};

use super::Shared;
use super::messages::{Delivery, Kind, is_log};
use super::scene::{Asked, Scene, VERSION};
use crate::bus::Context;
use crate::execution::{Ran, Refused};

pub use decide::{Decision, decision, failure};
pub use presence::{moved, moved_on};
pub use sent::{Answer, HOPS, MESSAGE_LIMIT, NotSent, Outcome, SIGNAL_LIMIT, Sender, Sent, Verb};
pub use stage::Stage;

use decide::decide;

/// Longer than any function may run.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(30);

/// Sends something.
///
/// # Errors
/// When nothing can be sent right now; what functions make of it is an answer.
pub async fn send(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    mut sent: Sent,
) -> Result<Answer, NotSent> {
    let told = |outcome| Answer {
        outcome,
        timetoken: shared.messages.timetoken(keyset),
    };
    if !channel::is_name(&sent.channel) || is_log(&sent.channel) {
        return Ok(told(Outcome::Invalid("Invalid Channel")));
    }
    if sent.message.to_string().len() > sent.verb.limit() {
        return Ok(told(match sent.verb {
            Verb::Signal => Outcome::Invalid("Signal too large"),
            _ => Outcome::TooLarge,
        }));
    }
    if sent.correlation.is_empty() {
        sent.correlation = uuid::Uuid::now_v7().to_string();
    }
    let stage = Stage::enter(shared, project, keyset).await?;
    let (before, after) = (sent.verb.before(), sent.verb.after());
    let starts = sent.hop < HOPS;
    let unseen = !starts
        && is_seen(&sent.message)
        && [before, after]
            .iter()
            .any(|kind| !stage.listening(*kind, &sent.channel).is_empty());
    let channel = sent.channel.clone();
    for (connected, handler) in stage.listening(before, &channel) {
        if !starts || !is_seen(&sent.message) {
            break;
        }
        let scene = Scene {
            project,
            keyset: &stage.keyset,
            connected,
            handler,
            channel: &channel,
            hop: sent.hop + 1,
            correlation: &sent.correlation,
        };
        match decide(shared, &scene, event(&stage.keyset, &sent), sent.verb).await? {
            Decision::Go(message) => sent.message = message,
            Decision::Abort(text) => return Ok(told(Outcome::Aborted(text))),
            Decision::Failed(text) => match stage.keyset.settings.on_function_error {
                OnError::Block => return Ok(told(Outcome::Failed(text))),
                OnError::Pass => {}
            },
        }
    }
    let calls: Vec<_> = match starts && is_seen(&sent.message) {
        true => {
            let event = event(&stage.keyset, &sent);
            let listening = stage.listening(after, &channel).into_iter();
            listening
                .map(|(connected, handler)| {
                    let scene = Scene {
                        project,
                        keyset: &stage.keyset,
                        connected,
                        handler,
                        channel: &channel,
                        hop: sent.hop + 1,
                        correlation: &sent.correlation,
                    };
                    let asked = Asked::event(sent.verb.as_str(), &channel);
                    scene.call(event.clone(), asked)
                })
                .collect()
        }
        false => Vec::new(),
    };
    let timetoken = match sent.verb {
        Verb::Fire => shared.messages.timetoken(keyset),
        verb => {
            let kind = match verb {
                Verb::Signal => Kind::Signal,
                Verb::File => Kind::File,
                _ => Kind::Message,
            };
            let delivery = Delivery {
                channel: sent.channel,
                payload: sent.message,
                kind,
                user: sent.user,
                meta: sent.meta,
            };
            shared.messages.deliver(keyset, delivery)
        }
    };
    request(shared, project, calls, &sent.correlation).await?;
    Ok(Answer {
        outcome: Outcome::Sent { unseen },
        timetoken,
    })
}

/// Whether functions see a message: objects and lists they do.
fn is_seen(message: &Value) -> bool {
    message.is_object() || message.is_array()
}

fn event(keyset: &Keyset, sent: &Sent) -> Value {
    let mut sender = sent.sender.clone();
    if let Some(user) = &sent.user {
        sender.params.insert("uuid".to_owned(), user.clone());
    }
    let (message, meta) = (sent.message.clone(), sent.meta.as_ref());
    let verb = sent.verb.as_str();
    told(keyset, verb, &sent.channel, message, meta, &sender)
}

/// What a function is given, section 12.1.
pub(super) fn told(
    keyset: &Keyset,
    verb: &str,
    channel: &str,
    message: Value,
    meta: Option<&Value>,
    sender: &Sender,
) -> Value {
    let mut about = json!({
        "clientip": sender.ip,
        "origin": sender.origin,
        "useragent": sender.agent,
    });
    if let Some(meta) = meta {
        about["custom"] = meta.clone();
    }
    json!({
        "message": message,
        "channels": [channel],
        "verb": verb,
        "pubkey": keyset.publish_key,
        "subkey": keyset.subscribe_key,
        "version": VERSION,
        "meta": about,
        "params": sender.params,
        "uri": sender.uri,
    })
}

/// Runs a call now. The inner error is a fault of the function's side.
pub(super) async fn run(
    shared: &Arc<Shared>,
    call: crate::execution::Call,
    context: &Context,
) -> Result<Result<Ran, String>, NotSent> {
    let starting = || NotSent::Unavailable("the server is still starting".to_owned());
    let executor = shared.runs.get().ok_or_else(starting)?;
    match executor.run(call, context, LONGEST).await {
        Ok(ran) => Ok(Ok(ran)),
        Err(Refused::FunctionNotFound | Refused::DeploymentNotFound) => {
            Ok(Err("Error: the function is not there any more".to_owned()))
        }
        Err(refused) => Err(NotSent::Unavailable(refused.to_string())),
    }
}

/// Writes down what is to run; all in one go.
async fn request(
    shared: &Arc<Shared>,
    project: &ProjectId,
    calls: Vec<crate::execution::Call>,
    correlation: &str,
) -> Result<(), NotSent> {
    if calls.is_empty() {
        return Ok(());
    }
    let starting = || NotSent::Unavailable("the server is still starting".to_owned());
    let executor = shared.runs.get().ok_or_else(starting)?;
    let requests = calls.into_iter().map(|call| async move {
        let context = context(project, correlation);
        let requested = executor.request(call, None, &context).await;
        requested.map_err(|refused| NotSent::Unavailable(refused.to_string()))
    });
    futures::future::try_join_all(requests).await?;
    Ok(())
}

/// The context of what a message causes.
pub(super) fn context(project: &ProjectId, correlation: &str) -> Context {
    let mut context = Context::once("publisher", project.as_str());
    context.correlation_id = correlation.to_owned();
    context
}
