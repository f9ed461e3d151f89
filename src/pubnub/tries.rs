//! Runs of functions that are not deployed: on a test input, or on an event that is given. A dry
//! run neither writes values nor sends messages, and tells what it would have done; what it reads,
//! it reads from the keyset.

use std::sync::Arc;

use aggregates::keyset::Keyset;
use aggregates::package::Package;
use aggregates::{
    ExecutionId, Handler, HandlerCall, HandlerRevisionId, KeysetId, PackageId, ProjectId,
    RevisionId, TriggerKind,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dispatch::{self, Decision, NotSent, Sender, Verb, decision, failure};
use super::host::{Host, HostCall, Line};
use super::scene::{self, Asked, VERSION, call, new_id};
use super::{Shared, requests};
use crate::auth::now_ms;
use crate::bus::Context;
use crate::execution::Ran;

/// A run that is asked for.
pub struct Try {
    /// The function at one revision.
    pub handler: HandlerRevisionId,
    /// Its package and revision.
    pub of: (PackageId, RevisionId),
    /// The keyset whose values and secrets it sees; none: it sees none.
    pub keyset: Option<u64>,
    /// What it is given.
    pub given: Given,
    /// Nothing is written or sent.
    pub is_dry: bool,
}

/// What a function is tried with; what does not fit its trigger is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// The message, for functions that see messages.
    pub message: Value,
    /// The channel; none: the one that the function listens on.
    pub channel: Option<String>,
    /// What the sender says of the message.
    pub meta: Option<Value>,
    /// The user who sends it.
    pub uuid: Option<String>,
    /// Parameters of the request that sends it.
    pub params: std::collections::BTreeMap<String, String>,
    /// The method, for functions that answer HTTP; none: `GET`, or `POST` with a body.
    pub method: Option<String>,
    /// The path with a leading slash; none: that of the function.
    pub path: Option<String>,
    /// The query as it stands in an address.
    pub query: String,
    /// Headers.
    pub headers: Map<String, Value>,
    /// The body: a text, or JSON.
    pub body: Option<Value>,
}

impl Given {
    /// From a test input: the message, or the body of the request.
    pub fn payload(payload: Value) -> Self {
        Self {
            body: Some(payload.clone()),
            message: payload,
            ..Self::default()
        }
    }
}

/// What came of it.
pub struct Tried {
    /// The execution that it is recorded as.
    pub execution: ExecutionId,
    /// The run.
    pub ran: Ran,
    /// `ok`, `abort`, `send` or `error`.
    pub decision: &'static str,
    /// What the function gave as the reason, or why it failed.
    pub text: Option<String>,
    /// The message as the function left it.
    pub message: Option<Value>,
    /// What it wrote.
    pub lines: Vec<Line>,
    /// What it asked of its host.
    pub calls: Vec<HostCall>,
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such function.
    #[error("the function does not exist")]
    NotFound,
    /// There is no such keyset.
    #[error("the keyset does not exist")]
    NoKeyset,
    /// What it needs is not there right now.
    #[error("{0}")]
    Unavailable(String),
}

impl From<NotSent> for Error {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::NoKeyset => Self::NoKeyset,
            NotSent::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

/// Runs a function.
///
/// # Errors
/// When it cannot run; that it failed is a result.
pub async fn run(
    shared: &Arc<Shared>,
    project: &ProjectId,
    asked: Try,
    context: &Context,
) -> Result<Tried, Error> {
    let away = |error: String| Error::Unavailable(error);
    let package = shared.bus.load::<Package>(&asked.of.0.key(project)).await;
    let package = package.map_err(|error| away(error.to_string()))?.state;
    let (_, handler) = package.handler(&asked.handler).ok_or(Error::NotFound)?;
    let keyset = match asked.keyset {
        Some(number) => {
            let key = KeysetId::from(number.to_string()).key(project);
            let keyset = shared.bus.load::<Keyset>(&key).await;
            let keyset = keyset.map_err(|error| away(error.to_string()))?.state;
            if keyset.number.is_none() {
                return Err(Error::NoKeyset);
            }
            keyset
        }
        None => Arc::default(),
    };
    let kind = handler.trigger.kind;
    let channel = asked.given.channel.clone();
    let channel = channel.or_else(|| handler.trigger.input_channel.clone());
    let channel = channel.filter(|_| kind.has_channel()).unwrap_or_default();
    let recorded = HandlerCall {
        keyset: asked.keyset.unwrap_or_default(),
        deployment: None,
        package: asked.of.0,
        revision: asked.of.1,
        handler: asked.handler,
        name: handler.name.clone(),
        kind,
        channel: channel.clone(),
        hop: 1,
        attempt: 1,
        retry_of: None,
        is_last: true,
    };
    let (event, body, method) = event(handler, &keyset, &channel, asked.given);
    let id = new_id();
    let correlation = &context.correlation_id;
    let mut request = scene::request(kind, event.clone(), 1, correlation);
    let host = Host::trial(shared, project, &recorded, &id, asked.is_dry, &mut request);
    let path = event["path"].as_str().unwrap_or(&channel);
    let asked = Asked {
        trigger: "test",
        body,
        session: Some(Arc::new(host.clone())),
        id: Some(id.clone()),
        ..Asked::event(&method, path)
    };
    let mut call = call(project, recorded, event.clone(), asked, correlation);
    call.request = request;
    let ran = dispatch::run(shared, call, context).await?;
    let ran = ran.map_err(|_| Error::NotFound)?;
    let (decision, text, message) = match (kind, failure(&ran)) {
        (_, Some(text)) => ("error", Some(text), None),
        (TriggerKind::OnRequest, None) => ("send", None, None),
        (_, None) => match decision(&ran) {
            Decision::Go(message) => ("ok", None, Some(message)),
            Decision::Abort(text) => ("abort", Some(text), None),
            Decision::Failed(text) => ("error", Some(text), None),
        },
    };
    Ok(Tried {
        execution: id,
        decision,
        text,
        message: message.filter(|_| !kind.is_timed()),
        lines: host.lines(),
        calls: host.calls(),
        ran,
    })
}

/// The event as the function's trigger would give it, the body, and what the run is recorded as.
fn event(
    handler: &Handler,
    keyset: &Keyset,
    channel: &str,
    given: Given,
) -> (Value, Bytes, String) {
    let kind = handler.trigger.kind;
    if kind == TriggerKind::OnRequest {
        let body = match given.body {
            None | Some(Value::Null) => Bytes::new(),
            Some(Value::String(text)) => text.into(),
            Some(json) => json.to_string().into(),
        };
        let usual = if body.is_empty() { "GET" } else { "POST" };
        let own = handler.trigger.path.as_deref().unwrap_or_default();
        let headers = given.headers.into_iter().map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name, value)
        });
        let request = requests::Request {
            method: given.method.unwrap_or_else(|| usual.to_owned()),
            path: given.path.unwrap_or_else(|| format!("/{own}")),
            query: given.query,
            headers: headers.collect(),
            body: body.clone(),
            sender: Sender::default(),
            correlation: String::new(),
        };
        let event = requests::event(&request, &keyset.publish_key, &keyset.subscribe_key);
        return (event, body, request.method);
    }
    if kind.is_timed() {
        let event = json!({
            "timestamp": now_ms(),
            "interval": handler.trigger.interval.unwrap_or_default(),
            "pubkey": keyset.publish_key,
            "subkey": keyset.subscribe_key,
            "version": VERSION,
        });
        return (event, Bytes::new(), "interval".to_owned());
    }
    let verb = match kind {
        TriggerKind::BeforeSignal | TriggerKind::AfterSignal => Verb::Signal.as_str(),
        TriggerKind::BeforePublishFile | TriggerKind::AfterPublishFile => Verb::File.as_str(),
        TriggerKind::AfterPresence => "presence",
        _ => Verb::Publish.as_str(),
    };
    let mut sender = Sender {
        params: given.params,
        ..Sender::default()
    };
    if let Some(uuid) = given.uuid {
        sender.params.insert("uuid".to_owned(), uuid);
    }
    let (message, meta) = (given.message, given.meta.as_ref());
    let event = dispatch::told(keyset, verb, channel, message, meta, &sender);
    (event, Bytes::new(), verb.to_owned())
}
