//! On whose behalf a handler runs, and the call of it as the executor takes it.

use std::sync::Arc;

use aggregates::keyset::{Connected, Keyset};
use aggregates::{ExecutionId, FunctionId, Handler, HandlerCall, ProjectId, TriggerKind};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::execution::{Call, Session};

/// What API functions are told they run on.
pub const VERSION: &str = "v1";

/// A run of a handler that is about to begin.
pub struct Scene<'a> {
    /// The project.
    pub project: &'a ProjectId,
    /// The keyset.
    pub keyset: &'a Keyset,
    /// The deployment.
    pub connected: &'a Connected,
    /// The function.
    pub handler: &'a Handler,
    /// The channel, or empty.
    pub channel: &'a str,
    /// How many functions have led to this.
    pub hop: u32,
    /// What all of this belongs to.
    pub correlation: &'a str,
}

impl Scene<'_> {
    /// The call as an execution records it.
    pub fn handler_call(&self) -> HandlerCall {
        let kind = self.handler.trigger.kind;
        HandlerCall {
            keyset: self.keyset.number.unwrap_or_default(),
            deployment: Some(self.connected.deployment.clone()),
            package: self.connected.package.clone(),
            revision: self.connected.revision.clone(),
            handler: self.handler.revision.clone(),
            name: self.handler.name.clone(),
            kind,
            channel: self.channel.to_owned(),
            hop: self.hop,
            attempt: 1,
            retry_of: None,
            is_last: !kind.is_after() || self.keyset.settings.after_retries == 0,
        }
    }

    /// A call of it with a new id.
    pub fn call(&self, event: Value, asked: Asked<'_>) -> Call {
        call(
            self.project,
            self.handler_call(),
            event,
            asked,
            self.correlation,
        )
    }
}

/// What is asked, as an execution records it.
pub struct Asked<'a> {
    /// `http`, `schedule` or `event`.
    pub trigger: &'a str,
    /// The method of the request, or how the event came.
    pub method: &'a str,
    /// The path of the request, or the channel. Never with a query: it may hold credentials.
    pub path: &'a str,
    /// The body of the request.
    pub body: Bytes,
    /// The host's side, where the caller has one ready.
    pub session: Option<Arc<dyn Session>>,
    /// The id; none: a new one.
    pub id: Option<ExecutionId>,
}

impl<'a> Asked<'a> {
    /// Of something that came with a message.
    pub fn event(method: &'a str, path: &'a str) -> Self {
        Self {
            trigger: "event",
            method,
            path,
            body: Bytes::new(),
            session: None,
            id: None,
        }
    }
}

/// A new id of an execution: a UUID, as the dialect's log lines show it.
pub fn new_id() -> ExecutionId {
    ExecutionId::from(uuid::Uuid::now_v7().to_string())
}

/// The request of a run as it is stored until it runs: the driver's own, and what the host needs.
pub fn request(kind: TriggerKind, event: Value, hop: u32, correlation: &str) -> Value {
    json!({
        "type": kind.as_str(),
        "event": event,
        "depth": hop,
        "correlation": correlation,
    })
}

/// A call of a handler.
pub fn call(
    project: &ProjectId,
    handler: HandlerCall,
    event: Value,
    asked: Asked<'_>,
    correlation: &str,
) -> Call {
    Call {
        project: project.clone(),
        function: FunctionId::from(handler.handler.as_str()),
        id: asked.id.unwrap_or_else(new_id),
        trigger: asked.trigger.to_owned(),
        method: asked.method.to_owned(),
        path: asked.path.to_owned(),
        stored_headers: Vec::new(),
        user: String::new(),
        script: None,
        request: request(handler.kind, event, handler.hop, correlation),
        handler: Some(handler),
        body: asked.body,
        session: asked.session,
    }
}
