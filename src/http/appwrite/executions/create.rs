//! Executing a function: now, in the background, or at a later time.

use std::time::Duration;

use aggregates::ExecutionId;
use aggregates::function::{Function, Settings};
use bytes::Bytes;
use projections::model;
use serde_json::json;

use super::super::catalogue::runtimes;
use super::super::contract::key_of_execution;
use super::super::error::{Error, Kind};
use super::super::format::Model;
use super::super::reply::Reply;
use super::super::request::Request;
use super::super::time;
use super::answer::{self, Shape};
use super::headers::{self, Pairs};
use crate::bus::Committed;
use crate::execution::{Call, Ran, Refused};

/// How long a caller waits for a function.
const WAIT: Duration = Duration::from_secs(30);
/// Longest body in characters.
const LONGEST_BODY: usize = 10_485_760;
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/// What a caller asks for.
struct Asked {
    body: Bytes,
    background: bool,
    path: String,
    method: String,
    headers: Pairs,
    scheduled_at: Option<i64>,
}

/// Executes.
pub async fn create(mut request: Request) -> Result<Reply, Error> {
    let asked = Asked::read(&request)?;
    let settings = check(&request).await?;
    let id = ExecutionId::from(request.new_id());
    if let Some(committed) = request.repeated().await? {
        // The body of a synchronous answer is not kept.
        return recorded(&mut request, &id, committed).await;
    }
    let scheduled_at = asked.scheduled_at;
    let background = asked.background;
    let call = call(&request, asked, &settings, &id);
    let executor = &request.app.executor;
    if background {
        let committed = executor
            .request(call, scheduled_at, &request.context)
            .await?;
        return recorded(&mut request, &id, committed).await;
    }
    let asked = call.clone();
    let ran = executor.run(call, &request.context, WAIT).await?;
    finished(&request, &asked, ran)
}

impl Asked {
    fn read(request: &Request) -> Result<Self, Error> {
        let sent = &request.parameters;
        let body = match sent.file("body") {
            Some(file) if file.bytes.len() > LONGEST_BODY => {
                return Err(Error::invalid(
                    "body",
                    format_args!("Value must be no longer than {LONGEST_BODY} bytes"),
                ));
            }
            Some(file) => file.bytes.clone(),
            None => {
                // The body of formats before 1.4 has another name.
                let name = match sent.get("body") {
                    None if request.format.before(1, 4, 0) => "data",
                    _ => "body",
                };
                Bytes::from(sent.text_or_empty(name, LONGEST_BODY)?)
            }
        };
        let background = sent.loose_boolean("async")?.unwrap_or(false);
        let path = sent.text("path", 1..=2048)?.unwrap_or("/").to_owned();
        let method = sent.one_of("method", METHODS)?.unwrap_or("POST").to_owned();
        let headers = headers::read(sent)?;
        let scheduled_at = match sent.text("scheduledAt", 0..=64)? {
            None | Some("") => None,
            Some(_) if !background => {
                return Err(Error::with(
                    Kind::BadRequest,
                    "Scheduled executions must run asynchronously. Set scheduledAt to a future date, or set async to true.",
                ));
            }
            Some(text) => Some(schedule(text, time::now())?),
        };
        Ok(Self {
            body,
            background,
            path,
            method,
            headers,
            scheduled_at,
        })
    }
}

/// A whole minute that is more than a minute ahead.
fn schedule(text: &str, now: i64) -> Result<i64, Error> {
    match time::parse(text) {
        Some(at) if at % 60_000 == 0 && at > now + 60_000 => Ok(at),
        _ => Err(Error::with(
            Kind::BadRequest,
            "Execution schedule must be a valid date, and at least 1 minute from now",
        )),
    }
}

/// Checks that the caller may execute the function. From the aggregates, which
/// are in memory: this is the hot path.
async fn check(request: &Request) -> Result<Settings, Error> {
    let key = request.function_id().key(&request.project);
    let function = request.app.bus.load::<Function>(&key).await?;
    let settings = function.state.settings.clone();
    let settings = settings.ok_or_else(|| Error::new(Kind::FunctionNotFound))?;
    if !settings.enabled && !request.caller.is_key() {
        return Err(Error::new(Kind::FunctionNotFound));
    }
    if runtimes::find(&settings.runtime).is_none() {
        return Err(Error::with(
            Kind::RuntimeUnsupported,
            format!("Runtime \"{}\" is not supported", settings.runtime),
        ));
    }
    if !request.caller.is_key() {
        // What the executor would refuse anyway comes before the question
        // whether the caller may.
        let row = request.function().await?;
        let Some(id) = Some(&row.deployment_id).filter(|id| !id.is_empty()) else {
            return Err(Refused::NoActiveDeployment.into());
        };
        let deployment = request.deployment_by_id(&row, id).await?;
        if deployment.status != "ready" {
            return Err(Error::new(Kind::BuildNotReady));
        }
        let roles = request.caller.roles();
        if !settings
            .execute
            .iter()
            .any(|role| roles.contains(&role.as_str()))
        {
            return Err(Error::with(
                Kind::UserUnauthorized,
                "No permissions provided for action 'execute'",
            ));
        }
    }
    Ok(settings)
}

/// The call as the executor takes it.
fn call(request: &Request, asked: Asked, settings: &Settings, id: &ExecutionId) -> Call {
    let mut sent = asked.headers;
    let trigger = match asked.scheduled_at {
        Some(_) => "schedule",
        None => "http",
    };
    let key = key_of_execution(
        &request.app.vault,
        request.project.as_str(),
        request.function_id().as_str(),
        &settings.scopes,
        asked.scheduled_at.unwrap_or_else(time::now),
        settings.timeout,
    );
    for (name, value) in [
        ("x-appwrite-execution-id", id.as_str()),
        ("x-appwrite-key", &key),
        ("x-appwrite-trigger", trigger),
        ("x-appwrite-user-id", ""),
        ("x-appwrite-user-jwt", ""),
        ("x-appwrite-country-code", ""),
        ("x-appwrite-continent-code", ""),
        ("x-appwrite-continent-eu", "false"),
        ("x-appwrite-client-ip", &request.client),
    ] {
        sent.push((name.to_owned(), value.to_owned()));
    }
    let stored_headers = headers::recorded(&sent);
    // What an HTTP client between caller and function would have added.
    let host = headers::find(&sent, "host").map(str::to_owned);
    let host = host.unwrap_or_else(|| {
        let own = request.header("host").unwrap_or_default().to_owned();
        sent.push(("host".to_owned(), own.clone()));
        own
    });
    if !asked.body.is_empty() {
        if headers::find(&sent, "content-type").is_none() {
            let kind = "application/x-www-form-urlencoded".to_owned();
            sent.push(("content-type".to_owned(), kind));
        }
        sent.retain(|(name, _)| name != "content-length");
        sent.push(("content-length".to_owned(), asked.body.len().to_string()));
    }
    let scheme = match headers::find(&sent, "x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let (name, port) = split_host(&host, scheme);
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let driver = json!({
        "method": asked.method,
        "scheme": scheme,
        "host": name,
        "port": port,
        "path": path,
        "queryString": query,
        "headers": sent,
    });
    Call {
        script: None,
        handler: None,
        session: None,
        project: request.project.clone(),
        function: request.function_id(),
        id: id.clone(),
        trigger: trigger.to_owned(),
        method: asked.method,
        path: asked.path,
        stored_headers,
        user: String::new(),
        request: driver,
        body: asked.body,
    }
}

fn split_host<'a>(host: &'a str, scheme: &str) -> (&'a str, u16) {
    let standard = if scheme == "https" { 443 } else { 80 };
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => (host, standard),
        },
        _ => (host, standard),
    }
}

/// Answers a synchronous execution.
fn finished(request: &Request, asked: &Call, ran: Ran) -> Result<Reply, Error> {
    let (logs, errors) = match request.caller.is_key() {
        true => (ran.logs.as_str(), ran.errors.as_str()),
        false => ("", ""),
    };
    let mut response_headers = ran.headers;
    response_headers.push(("x-appwrite-execution-id".to_owned(), asked.id.to_string()));
    let at = ran.committed.recorded_at;
    let row = model::Execution {
        id: asked.id.to_string(),
        function_id: asked.function.to_string(),
        deployment_id: ran.deployment.to_string(),
        sequence: ran.committed.first,
        created_at: at,
        updated_at: at,
        trigger: asked.trigger.clone(),
        status: super::super::model::ended(&ran.result).to_owned(),
        method: asked.method.clone(),
        path: asked.path.clone(),
        request_headers: asked.stored_headers.clone(),
        user: asked.user.clone(),
        response_status_code: ran.result.status_code,
        response_headers,
        logs: ran.result.logs,
        errors: ran.result.errors,
        duration_us: ran.result.duration_us,
        scheduled_at: None,
        input: None,
        worker: String::new(),
        reason: ran.result.reason,
        script: None,
        handler: None,
        output: None,
    };
    let value = super::super::model::execution(&row, logs, errors);
    let value = request.shaped(Model::Execution, value);
    let body = match asked.method.as_str() {
        "HEAD" => Bytes::new(),
        _ => ran.body,
    };
    let shape = Shape::wanted(request.header("accept"));
    let reply = answer::with_body(shape, value, body, asked.id.as_str())?;
    Ok(reply.committed(ran.committed))
}

/// Answers with an execution as its command left it: it may run since.
async fn recorded(
    request: &mut Request,
    id: &ExecutionId,
    committed: Committed,
) -> Result<Reply, Error> {
    request.at = Some(committed.position);
    let view = request.view();
    let found = view
        .execution(request.project.as_str(), id.as_str())
        .await?;
    let row = found.ok_or_else(|| Error::new(Kind::ExecutionNotFound))?;
    let status = match row.status.as_str() {
        "waiting" | "scheduled" => 202,
        _ => 201,
    };
    let value = super::model_of(request, row, None).await?;
    let value = request.shaped(Model::Execution, value);
    Ok(Reply::json(status, value).committed(committed))
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::FunctionNotFound => Self::new(Kind::FunctionNotFound),
            Refused::NoActiveDeployment | Refused::DeploymentNotFound => Self::with(
                Kind::DeploymentNotFound,
                "Deployment not found. Create a deployment and activate it before you execute the function",
            ),
            Refused::NotReady => Self::new(Kind::BuildNotReady),
            Refused::TimedOut(..) => Self::new(Kind::SynchronousTimeout),
            Refused::Execution(error) => error.into(),
            Refused::Function(error) => error.into(),
            Refused::Internal(error) | Refused::Unavailable(error) => {
                tracing::error!(error, "an execution failed inside the server");
                Self::new(Kind::ServerError)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_whole_minutes_more_than_a_minute_ahead() {
        let now = time::parse("2025-01-01T00:00:30Z").unwrap();
        for (text, good) in [
            ("2025-01-01T00:02:00.000+00:00", true),
            ("2025-01-01T01:02:00+01:00", true),
            ("2025-01-01T00:01:00Z", false),
            ("2025-01-01T00:02:01Z", false),
            ("2025-01-01T00:02:00.500Z", false),
            ("2024-01-01T00:02:00Z", false),
            ("soon", false),
        ] {
            assert_eq!(schedule(text, now).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn hosts_are_split_at_their_port() {
        for (host, expected) in [
            ("a.example", ("a.example", 80)),
            ("a.example:8080", ("a.example", 8080)),
            ("[::1]:8080", ("[::1]", 8080)),
            ("[::1]", ("[::1]", 80)),
            ("a:b", ("a:b", 80)),
            ("", ("", 80)),
        ] {
            assert_eq!(split_host(host, "http"), expected);
        }
    }
}
