//! Running actions.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aggregates::connection::Connection;
use aggregates::function::Function;
use aggregates::integration::Integration;
use aggregates::{ExecutionId, IntegrationId, ProjectId, ScriptCall, ScriptKind};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Shared, keys};
use crate::bus::{self, Committed, Context};
use crate::execution::{self, Call, Input};

/// Longest run of an action; the dialect's own limit.
pub const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// A call of an action.
#[derive(Clone, Debug)]
pub struct Action {
    /// The project.
    pub project: ProjectId,
    /// The integration.
    pub integration: String,
    /// The connection, by its id.
    pub connection: String,
    /// The action's name.
    pub name: String,
    /// What it is given; none: an empty object.
    pub input: Option<Value>,
    /// How many functions called one another to get here.
    pub depth: u32,
    /// How often it runs again when it fails; only when it runs later.
    pub retries: u8,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status that the dialect answers with.
    pub status: u16,
    /// The output, or the envelope of the failure: JSON, or nothing.
    pub body: Bytes,
    /// Where the run is recorded.
    pub committed: Committed,
}

/// Why an action did not run.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such integration.
    #[error("Provider config {0} not found")]
    Provider(String),
    /// There is no such connection.
    #[error("No connection matching the connection_id '{0}'")]
    Connection(String),
    /// There is no such action.
    #[error("Action not found")]
    NotFound,
    /// It is switched off.
    #[error("The action is disabled")]
    Disabled,
    /// It is too much at this time, or something it needs is away.
    #[error("{0}")]
    Unavailable(String),
    /// The same idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The run with this idempotency key is recorded; its output was answered then.
    #[error("this request was answered before")]
    Repeated(Committed),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl Refused {
    /// Status and code of the dialect.
    pub fn shown(&self) -> (u16, &'static str) {
        match self {
            Self::Provider(_) => (400, "unknown_provider"),
            Self::Connection(_) => (400, "unknown_connection"),
            Self::NotFound => (404, "not_found"),
            Self::Disabled => (404, "disabled_resource"),
            Self::Unavailable(_) => (503, "execution_environment_unavailable"),
            Self::KeyReused => (422, "idempotency_key_reused"),
            Self::Repeated(_) => (409, "already_answered"),
            Self::Internal(_) => (500, "server_error"),
        }
    }
}

impl<E: std::error::Error> From<bus::Error<E>> for Refused {
    fn from(error: bus::Error<E>) -> Self {
        match error {
            bus::Error::Unavailable(error) => Self::Unavailable(error.to_string()),
            bus::Error::KeyReused => Self::KeyReused,
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<execution::Refused> for Refused {
    fn from(refused: execution::Refused) -> Self {
        use execution::Refused as Other;
        match refused {
            Other::FunctionNotFound | Other::NoActiveDeployment => Self::NotFound,
            Other::Execution(error) => error.into(),
            Other::Function(error) => error.into(),
            Other::Unavailable(cause) => Self::Unavailable(cause),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// Runs an action now, as the execution `id`: new, or the same for a repeated request.
///
/// # Errors
/// When it does not run; that it failed is an answer.
pub async fn run(
    shared: &Arc<Shared>,
    action: Action,
    id: ExecutionId,
    context: &Context,
) -> Result<Answer, Refused> {
    if let Some(answer) = repeated(shared, &action.project, &id, context).await? {
        return Ok(answer);
    }
    check(shared, &action).await?;
    let call = call(&action, id, "http");
    let executor = shared.executor()?;
    // The box keeps the future of a function that calls functions finite.
    let ran = Box::pin(executor.run(call, context, TIME_LIMIT)).await?;
    if ran.committed.duplicate {
        return Err(Refused::Repeated(ran.committed));
    }
    let body = match (ran.result.reason.as_str(), ran.body.is_empty()) {
        ("ok", _) | (_, false) => ran.body,
        (reason, true) => failure(reason, &ran.errors),
    };
    Ok(Answer {
        status: ran.result.status_code,
        body,
        committed: ran.committed,
    })
}

/// What was answered to the same request before.
async fn repeated(
    shared: &Arc<Shared>,
    project: &ProjectId,
    id: &ExecutionId,
    context: &Context,
) -> Result<Option<Answer>, Refused> {
    let repeated = shared.bus.outcome_of_repeat::<Infallible>(context).await?;
    let Some(committed) = repeated else {
        return Ok(None);
    };
    let view = shared.reads.view(Some(committed.position));
    let row = view.execution(project.as_str(), id.as_str()).await;
    let row = row.map_err(|error| Refused::Unavailable(error.to_string()))?;
    let Some(output) = row.and_then(|row| row.output) else {
        return Err(Refused::Repeated(committed));
    };
    let kept = Input::fetch(project, &output, &shared.vault, &shared.blobs).await?;
    Ok(Some(Answer {
        status: kept.request["status"].as_u64().unwrap_or(200) as u16,
        body: kept.body,
        committed,
    }))
}

/// Accepts an action that runs later: alone among those of its project that do, in their order.
///
/// # Errors
/// When it will not run.
pub async fn request(
    shared: &Arc<Shared>,
    action: Action,
    id: ExecutionId,
    context: &Context,
) -> Result<Committed, Refused> {
    check(shared, &action).await?;
    let call = call(&action, id, "async");
    Ok(shared.executor()?.request(call, None, context).await?)
}

/// The envelope of a failure that the runtime itself could not tell: it was stopped.
fn failure(reason: &str, errors: &str) -> Bytes {
    let message = errors.lines().next().unwrap_or_default();
    let (code, name) = match reason {
        "canceled" => ("script_aborted", "Aborted"),
        "timeout" => ("script_internal_error", "Timeout"),
        "memory" => ("script_internal_error", "OutOfMemory"),
        _ => ("script_internal_error", "Error"),
    };
    json!({"error": {
        "message": "The action script failed with an internal error",
        "code": code,
        "payload": {"name": name, "message": message},
    }})
    .to_string()
    .into()
}

/// The order of look-ups: integration, connection, action.
async fn check(shared: &Arc<Shared>, action: &Action) -> Result<(), Refused> {
    let (bus, project) = (&shared.bus, &action.project);
    let key = IntegrationId::from(action.integration.as_str()).key(project);
    let integration = bus.load::<Integration>(&key).await?;
    if integration.state.settings.is_none() {
        return Err(Refused::Provider(action.integration.clone()));
    }
    let key = keys::connection(&action.integration, &action.connection).key(project);
    let connection = bus.load::<Connection>(&key).await?;
    if connection.state.settings.is_none() {
        return Err(Refused::Connection(action.connection.clone()));
    }
    let function = keys::function(&action.integration, ScriptKind::Action, &action.name);
    let function = bus.load::<Function>(&function.key(project)).await?;
    match &function.state.settings {
        Some(settings) if function.state.active.is_some() => match settings.enabled {
            true => Ok(()),
            false => Err(Refused::Disabled),
        },
        _ => Err(Refused::NotFound),
    }
}

fn call(action: &Action, id: ExecutionId, trigger: &str) -> Call {
    let script = ScriptCall {
        integration: action.integration.clone(),
        connection: action.connection.clone(),
        kind: ScriptKind::Action,
        name: action.name.clone(),
    };
    let mut request = json!({
        "connection": action.connection,
        "depth": action.depth,
        "retries": action.retries,
    });
    if let Some(input) = &action.input {
        request["input"] = input.clone();
    }
    Call {
        project: action.project.clone(),
        function: keys::function(&action.integration, ScriptKind::Action, &action.name),
        id,
        trigger: trigger.to_owned(),
        method: "POST".to_owned(),
        path: "/action/trigger".to_owned(),
        stored_headers: Vec::new(),
        user: String::new(),
        script: Some(script),
        handler: None,
        request,
        body: Bytes::new(),
        session: None,
    }
}
