//! What is sent on a keyset, on its way through the functions that see it: those before it one
//! after another, then its subscribers, then those after it, which are written down before the
//! sender is answered. Reference: sections 10.3 to 10.5, 11.3 and 14.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::keyset::{Connected, Keyset, OnError};
use aggregates::{Handler, KeysetId, ProjectId, Trigger, TriggerKind, channel};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::messages::{Delivery, Kind, Move, Moved, is_log};
use super::scene::{Asked, Scene, VERSION};
use super::underway::Running;
use crate::bus::Context;
use crate::execution::{Ran, Refused};

/// Bytes of a message as JSON.
pub const MESSAGE_LIMIT: usize = 32 << 10;
/// Bytes of a signal as JSON.
pub const SIGNAL_LIMIT: usize = 64;
/// Functions in a chain: what the last of them sends starts none.
pub const HOPS: u32 = 3;
/// What an abort without a text is told as.
const ABORTED: &str = "Aborted by function";

/// How something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Delivered.
    Publish,
    /// For functions only.
    Fire,
    /// Small and delivered.
    Signal,
    /// A file was shared.
    File,
}

impl Verb {
    /// The word that functions see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Fire => "fire",
            Self::Signal => "signal",
            Self::File => "file",
        }
    }

    fn before(self) -> TriggerKind {
        match self {
            Self::Publish | Self::Fire => TriggerKind::BeforePublish,
            Self::Signal => TriggerKind::BeforeSignal,
            Self::File => TriggerKind::BeforePublishFile,
        }
    }

    fn after(self) -> TriggerKind {
        match self {
            Self::Publish | Self::Fire => TriggerKind::AfterPublish,
            Self::Signal => TriggerKind::AfterSignal,
            Self::File => TriggerKind::AfterPublishFile,
        }
    }

    fn limit(self) -> usize {
        match self {
            Self::Signal => SIGNAL_LIMIT,
            _ => MESSAGE_LIMIT,
        }
    }
}

/// What functions are told of whoever sent something.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Its address.
    pub ip: String,
    /// Its origin.
    pub origin: String,
    /// Its program.
    pub agent: String,
    /// Parameters of the request, without credentials.
    pub params: BTreeMap<String, String>,
    /// The address of the request, without credentials.
    pub uri: String,
}

impl Sender {
    /// A function.
    pub fn function() -> Self {
        Self {
            ip: "0.0.0.0".to_owned(),
            agent: "PubNub-Functions".to_owned(),
            ..Self::default()
        }
    }
}

/// Something that is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// How.
    pub verb: Verb,
    /// Where.
    pub channel: String,
    /// What.
    pub message: Value,
    /// What its sender says of it.
    pub meta: Option<Value>,
    /// The user who sends it.
    pub user: Option<String>,
    /// The program that sends it.
    pub sender: Sender,
    /// How many functions have led to it: 0 from outside.
    pub hop: u32,
    /// What all of this belongs to; empty: a chain of its own.
    pub correlation: String,
}

/// What the sender is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// When.
    pub timetoken: u64,
}

/// What came of something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way. `unseen`: functions would have seen it, but the chain is too long.
    Sent {
        /// No function was started.
        unseen: bool,
    },
    /// It cannot be sent.
    Invalid(&'static str),
    /// It is larger than what is sent may be.
    TooLarge,
    /// A function aborted it, with this text.
    Aborted(String),
    /// A function before it failed, with this text.
    Failed(String),
}

impl Answer {
    /// The answer on the wire.
    pub fn parts(&self) -> (u8, String, String) {
        let (number, text) = match &self.outcome {
            Outcome::Sent { .. } => (1, "Sent".to_owned()),
            Outcome::Invalid(text) => (0, (*text).to_owned()),
            Outcome::TooLarge => (0, "Message Too Large".to_owned()),
            Outcome::Aborted(text) => (0, text.clone()),
            Outcome::Failed(text) => (0, format!("Function error: {text}")),
        };
        (number, text, self.timetoken.to_string())
    }
}

/// Why something was not sent; the sender may try again.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// There is no such keyset (any more).
    #[error("the keyset does not exist")]
    NoKeyset,
    /// What it needs is not there right now.
    #[error("{0}")]
    Unavailable(String),
}

/// What takes part on a keyset now, and goes on to for as long as this is there.
pub(super) struct Stage {
    pub(super) keyset: Arc<Keyset>,
    /// Whoever stops a deployment waits for these.
    _running: Vec<Running>,
}

impl Stage {
    /// # Errors
    /// When the keyset is not there.
    pub(super) async fn enter(
        shared: &Shared,
        project: &ProjectId,
        keyset: u64,
    ) -> Result<Self, NotSent> {
        let unavailable = |error: crate::bus::Error<_>| NotSent::Unavailable(error.to_string());
        let key = KeysetId::from(keyset.to_string()).key(project);
        let mut loaded = shared.bus.load::<Keyset>(&key).await.map_err(unavailable)?;
        loop {
            if loaded.state.number.is_none() {
                return Err(NotSent::NoKeyset);
            }
            let connected = loaded.state.connected.iter();
            let running = connected.map(|connected| shared.underway.begin(&connected.deployment));
            let running = running.collect();
            // One that was disconnected meanwhile may have been found idle before it was entered.
            let again = shared.bus.load::<Keyset>(&key).await.map_err(unavailable)?;
            if again.sequence == loaded.sequence {
                return Ok(Self {
                    keyset: loaded.state,
                    _running: running,
                });
            }
            loaded = again;
        }
    }

    /// The functions of which something holds, in order.
    pub(super) fn functions(
        &self,
        holds: impl Fn(&Trigger) -> bool,
    ) -> Vec<(&Connected, &Handler)> {
        let mut found = Vec::new();
        for connected in &self.keyset.connected {
            let handlers = connected.handlers.iter();
            let handlers = handlers.filter(|handler| holds(&handler.trigger));
            found.extend(handlers.map(|handler| (connected, handler)));
        }
        found
    }

    /// The functions that a trigger starts on a channel, in order.
    fn listening(&self, kind: TriggerKind, channel: &str) -> Vec<(&Connected, &Handler)> {
        self.functions(|trigger| {
            let input = trigger.input_channel.as_deref();
            trigger.kind == kind && input.is_some_and(|pattern| channel::matches(pattern, channel))
        })
    }
}

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

/// Tells subscribers and functions that a user has moved.
///
/// # Errors
/// When functions cannot be started right now.
pub async fn moved(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    moved: Moved,
) -> Result<(), NotSent> {
    let now = jiff::Timestamp::now().as_second();
    let mut message = json!({
        "action": moved.action.as_str(),
        "channel": moved.channel,
        "uuid": moved.user,
        "timestamp": now,
        "occupancy": moved.occupancy,
    });
    if let Some(data) = &moved.data {
        message["data"] = data.clone();
    }
    if moved.action == Move::Interval {
        for list in ["join", "leave", "timeout"] {
            message[list] = json!([]);
        }
    }
    let delivery = Delivery {
        channel: format!("{}{}", moved.channel, channel::PRESENCE),
        payload: message.clone(),
        kind: Kind::Message,
        user: None,
        meta: None,
    };
    shared.messages.deliver(keyset, delivery);
    let stage = Stage::enter(shared, project, keyset).await?;
    let correlation = uuid::Uuid::now_v7().to_string();
    let event = told(
        &stage.keyset,
        "presence",
        &moved.channel,
        message,
        None,
        &Sender::default(),
    );
    let listening = stage.listening(TriggerKind::AfterPresence, &moved.channel);
    let calls = listening.into_iter().map(|(connected, handler)| {
        let scene = Scene {
            project,
            keyset: &stage.keyset,
            connected,
            handler,
            channel: &moved.channel,
            hop: 1,
            correlation: &correlation,
        };
        let asked = Asked::event("presence", &moved.channel);
        scene.call(event.clone(), asked)
    });
    request(shared, project, calls.collect(), &correlation).await
}

/// As [`moved`], for a keyset that is known by its number only.
pub(super) async fn moved_on(
    shared: &Arc<Shared>,
    keyset: u64,
    user: Moved,
) -> Result<(), NotSent> {
    let found = shared.reads.view(None).keyset_by_number(keyset).await;
    match found.map_err(|error| NotSent::Unavailable(error.to_string()))? {
        Some(found) => moved(shared, &found.project.into(), keyset, user).await,
        None => Ok(()),
    }
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

/// What a function before a message makes of it.
pub(super) enum Decision {
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

async fn decide(
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
pub(super) fn decision(ran: &Ran) -> Decision {
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
pub(super) fn failure(ran: &Ran) -> Option<String> {
    let failure = ran.failure.as_ref()?;
    Some(match ran.result.reason.as_str() {
        "timeout" => "Error: execution time exceeded".to_owned(),
        _ => failure.lines().next().unwrap_or_default().to_owned(),
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

/// Longer than any function may run.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(30);

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
