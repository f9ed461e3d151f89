//! Functions after a message that failed: further attempts, as often as the keyset says, and what
//! becomes of the last one. It is a dead letter: its request is kept, so that somebody can have it
//! tried again.

use std::sync::Arc;

use aggregates::execution::{self, Command, Execution, Outcome, Status};
use aggregates::keyset::Keyset;
use aggregates::{DeploymentId, ExecutionId, HandlerCall, KeysetId, ProjectId};
use projections::query::List;
use sha2::{Digest, Sha256};

use super::Shared;
use crate::auth::now_ms;
use crate::bus::{self, Committed, Context};
use crate::execution::Refused;

/// An execution has failed: asks for the next attempt unless it was the last. Whether the request
/// is still needed, by that attempt or as a dead letter.
pub(super) async fn failed(
    shared: &Arc<Shared>,
    project: &ProjectId,
    id: &ExecutionId,
    execution: &Execution,
    result: &Outcome,
) -> Result<bool, Refused> {
    if execution.is_dead_letter(result) {
        return Ok(true);
    }
    let Some(call) = &execution.request.handler else {
        return Ok(false);
    };
    if !call.kind.is_after() || call.is_last {
        return Ok(false);
    }
    let key = KeysetId::from(call.keyset.to_string()).key(project);
    let keyset = shared.bus.load::<Keyset>(&key).await;
    let keyset = keyset.map_err(|error| Refused::Unavailable(error.to_string()))?;
    if keyset.state.number.is_none() {
        return Ok(false);
    }
    let settings = &keyset.state.settings;
    let wait = u64::from(settings.retry_delay_ms) << (call.attempt - 1).min(20);
    let at = now_ms() + i64::try_from(wait).unwrap_or(i64::MAX / 2);
    let is_last = call.attempt >= settings.after_retries;
    let next = next(id, call, is_last);
    let step = format!("{}/{}", first(id, call), next.attempt);
    let context = Context::saga("after", project.as_str(), &step, "", id.as_str());
    match ask(shared, project, id, execution, next, Some(at), &context).await {
        // Asked for before.
        Ok(_) | Err(bus::Error::Refused(execution::Error::AlreadyExists)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Why a dead letter was not taken up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such dead letter of this keyset.
    #[error("there is no such dead letter")]
    NotFound,
    /// It was not written.
    #[error(transparent)]
    Bus(#[from] bus::Error<execution::Error>),
    /// Its request was not removed.
    #[error(transparent)]
    Blobs(#[from] crate::blobs::Error),
    /// The read models cannot be asked.
    #[error(transparent)]
    Reads(#[from] projections::Error),
}

/// Has a dead letter tried once more; gives the execution that does it. The dead letter is gone;
/// one that fails again is a new one.
///
/// # Errors
/// When there is no such dead letter, or nothing can be written.
pub async fn retry(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    id: &ExecutionId,
    context: &Context,
) -> Result<(ExecutionId, Committed), Error> {
    let (execution, call) = letter(shared, project, keyset, id).await?;
    let next = next(id, &call, true);
    let new = derived(&first(id, &call), next.attempt);
    let asked = ask(shared, project, id, &execution, next, None, context).await;
    let committed = match asked {
        Ok(committed) => committed,
        // Another request has it tried already.
        Err(bus::Error::Refused(execution::Error::AlreadyExists)) => return Err(Error::NotFound),
        Err(error) => return Err(error.into()),
    };
    let context = Context::saga("after", project.as_str(), &format!("{id}/taken"), "", "");
    let delete = Command::Delete { overdue: false };
    let key = id.key(project);
    match shared
        .bus
        .execute::<Execution>(&key, delete, &context)
        .await
    {
        Ok(_) | Err(bus::Error::Refused(_)) => Ok((new, committed)),
        Err(error) => Err(error.into()),
    }
}

/// Removes a dead letter with its request.
///
/// # Errors
/// When there is no such dead letter, or nothing can be written.
pub async fn delete(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    id: &ExecutionId,
    context: &Context,
) -> Result<Committed, Error> {
    let (execution, _) = letter(shared, project, keyset, id).await?;
    let delete = Command::Delete { overdue: false };
    let key = id.key(project);
    let committed = shared.bus.execute::<Execution>(&key, delete, context).await;
    let committed = match committed {
        Err(bus::Error::Refused(_)) => return Err(Error::NotFound),
        other => other?,
    };
    if let Some(input) = &execution.input {
        shared.blobs.delete(input).await?;
    }
    Ok(committed)
}

/// Throws the dead letters away that a keyset had at a position; those of a keyset that is gone
/// concern nobody. `context` makes the context of the command of a step, and repeating a step is
/// harmless.
///
/// # Errors
/// When nothing can be read or written.
pub async fn clear(
    shared: &Arc<Shared>,
    project: &ProjectId,
    keyset: u64,
    at: u64,
    context: impl Fn(&str) -> Context,
) -> Result<(), Error> {
    let everything = List {
        limit: u32::MAX,
        ..List::default()
    };
    let view = shared.reads.view(Some(at));
    let letters = view.dead_letters(project.as_str(), keyset, &everything);
    for row in letters.await?.rows {
        let id = ExecutionId::from(row.id.to_string());
        let context = context(&format!("letter/{id}"));
        match delete(shared, project, keyset, &id, &context).await {
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn letter(
    shared: &Shared,
    project: &ProjectId,
    keyset: u64,
    id: &ExecutionId,
) -> Result<(Arc<Execution>, HandlerCall), Error> {
    let loaded = shared.bus.load::<Execution>(&id.key(project)).await?;
    let state = loaded.state;
    // Only what is one has kept its request beyond its end.
    let is_letter = state.status == Status::Ended && state.input.is_some();
    let call = state.request.handler.clone();
    match call.filter(|call| is_letter && call.keyset == keyset) {
        Some(call) => Ok((state, call)),
        None => Err(Error::NotFound),
    }
}

fn first(id: &ExecutionId, call: &HandlerCall) -> String {
    call.retry_of.clone().unwrap_or_else(|| id.to_string())
}

fn next(id: &ExecutionId, call: &HandlerCall, is_last: bool) -> HandlerCall {
    HandlerCall {
        attempt: call.attempt + 1,
        retry_of: Some(first(id, call)),
        is_last,
        ..call.clone()
    }
}

/// The id of an attempt, the same for whoever asks for it.
fn derived(first: &str, attempt: u32) -> ExecutionId {
    let digest = Sha256::digest(format!("attempt/{first}/{attempt}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    ExecutionId::from(id.to_string())
}

/// Asks for a further attempt on the same stored request.
async fn ask(
    shared: &Shared,
    project: &ProjectId,
    id: &ExecutionId,
    execution: &Execution,
    next: HandlerCall,
    at: Option<i64>,
    context: &Context,
) -> Result<Committed, bus::Error<execution::Error>> {
    let Some(input) = execution.input.clone() else {
        return Err(bus::Error::Refused(execution::Error::NotFound));
    };
    let deployment = match &next.deployment {
        Some(deployment) => deployment.as_str(),
        None => next.handler.as_str(),
    };
    let key = derived(&first(id, &next), next.attempt).key(project);
    let command = Command::Request {
        deployment: DeploymentId::from(deployment),
        request: execution::Request {
            handler: Some(next),
            ..execution.request.clone()
        },
        scheduled_at: at,
        input,
    };
    shared
        .bus
        .execute::<Execution>(&key, command, context)
        .await
}
