//! Makes functions ready: their code is fetched, and evaluated once in the sandbox, so that one
//! that does not load is found before anything is sent to it.

use std::time::Duration;

use aggregates::Handler;
use sandbox::{Failure, Invocation, Limits};
use serde_json::json;

use crate::pubnub::Shared;

/// Bounds of a function that is only loaded.
const WALL: Duration = Duration::from_secs(10);
const MEMORY: usize = 64 << 20;

/// Makes all of them ready; gives the first reason why one is not.
pub(super) async fn all(shared: &Shared, handlers: &[Handler]) -> Result<(), String> {
    let warming = handlers.iter().map(|handler| one(shared, handler));
    futures::future::try_join_all(warming).await.map(drop)
}

async fn one(shared: &Shared, handler: &Handler) -> Result<(), String> {
    let not_ready = |why: &str| {
        let why = why.lines().next().unwrap_or_default();
        format!("Function {:?} did not start: {why}", handler.name)
    };
    let program = shared.programs.of(&handler.artefact).await;
    let program = program.map_err(|refused| not_ready(&refused.to_string()))?;
    let request = json!({"type": handler.trigger.kind.as_str(), "inspect": true});
    let mut invocation = Invocation::new("pubnub", request, Vec::new());
    invocation.logging = false;
    invocation.limits = Limits {
        wall: WALL,
        memory: MEMORY,
        ..Limits::default()
    };
    match shared.sandbox.execute(&program, invocation).await.result {
        Ok(_) => Ok(()),
        Err(Failure::Threw(thrown)) => Err(not_ready(&named(&thrown))),
        Err(Failure::Load { thrown, .. }) => Err(not_ready(&named(&thrown))),
        Err(failure) => Err(not_ready(&failure.to_string())),
    }
}

fn named(thrown: &sandbox::Thrown) -> String {
    match thrown.name.as_str() {
        "" => thrown.message.clone(),
        name if thrown.message.starts_with(name) => thrown.message.clone(),
        name => format!("{name}: {}", thrown.message),
    }
}
