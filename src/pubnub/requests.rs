//! HTTP requests that functions answer. Reference: sections 10.6, 12.2 and 12.3.

use std::sync::Arc;

use aggregates::{ProjectId, TriggerKind, route};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Shared;
use super::dispatch::{NotSent, Sender, Stage, context, failure, run};
use super::scene::{Asked, Scene, VERSION};

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method, upper case.
    pub method: String,
    /// The path below the subscribe key, decoded, with a leading slash.
    pub path: String,
    /// The query as it stands in the address.
    pub query: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Who asks.
    pub sender: Sender,
    /// What all of this belongs to.
    pub correlation: String,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of the function.
    Function {
        /// The status.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// No function answers this path.
    NoFunction,
    /// The function failed.
    Failed,
}

/// Answers a request.
///
/// # Errors
/// When nothing can run right now.
pub async fn answer(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    request: Request,
) -> Result<Answer, NotSent> {
    let stage = Stage::enter(shared, project, keyset).await?;
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let answering = stage.functions(|trigger| {
        let pattern = trigger.path.as_deref();
        trigger.kind == TriggerKind::OnRequest
            && pattern.is_some_and(|pattern| route::matches(pattern, path))
    });
    let Some((connected, handler)) = answering.into_iter().next() else {
        return Ok(Answer::NoFunction);
    };
    let scene = Scene {
        project,
        keyset: &stage.keyset,
        connected,
        handler,
        channel: "",
        hop: 1,
        correlation: &request.correlation,
    };
    let asked = Asked {
        trigger: "http",
        body: request.body.clone(),
        ..Asked::event(&request.method, &request.path)
    };
    let event = event(
        &request,
        &stage.keyset.publish_key,
        &stage.keyset.subscribe_key,
    );
    let call = scene.call(event, asked);
    let context = context(project, &request.correlation);
    Ok(match run(shared, call, &context).await? {
        Ok(ran) if failure(&ran).is_none() => Answer::Function {
            status: ran.result.status_code,
            headers: ran.headers,
            body: ran.body,
        },
        _ => Answer::Failed,
    })
}

/// What a function is given, section 12.2.
pub(super) fn event(request: &Request, publish_key: &str, subscribe_key: &str) -> Value {
    let uri = match request.query.is_empty() {
        true => request.path.clone(),
        false => format!("{}?{}", request.path, request.query),
    };
    json!({
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "pubkey": publish_key,
        "subkey": subscribe_key,
        "version": VERSION,
        "meta": {
            "clientip": request.sender.ip,
            "origin": request.sender.origin,
            "useragent": request.sender.agent,
        },
        "uri": uri,
    })
}
