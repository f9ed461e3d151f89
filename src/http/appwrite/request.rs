//! A request that is identified, allowed and read.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use aggregates::{DeploymentId, ExecutionId, FunctionId, ProjectId, VariableId};
use axum::RequestExt;
use axum::extract::{ConnectInfo, OriginalUri, RawPathParams};
use http::request::Parts;
use http::{HeaderMap, Method};
use projections::View;
use projections::model;
use serde_json::{Value, json};

use super::caller::{self, Caller};
use super::error::{Error, Kind};
use super::format::{Format, Model};
use super::parameters::{self, Parameters};
use super::routes::{Access, Route};
use super::{rules, time};
use crate::app::App;
use crate::bus::{self, Committed, Context};
use crate::http::RequestId;
use crate::http::idempotency::Key;

/// What a handler works with.
pub struct Request {
    /// Everything below.
    pub app: Arc<App>,
    /// The project it is about.
    pub project: ProjectId,
    /// Who sent it.
    pub caller: Caller,
    /// The shape that the client reads.
    pub format: Format,
    /// What was sent.
    pub parameters: Parameters,
    /// Its headers.
    pub headers: HeaderMap,
    /// The position to read at; none: now.
    pub at: Option<u64>,
    /// For commands.
    pub context: Context,
    /// Address of the client.
    pub client: String,
    path: Vec<(String, String)>,
    idempotency_key: Option<Key>,
}

impl Request {
    /// Reads a request for a route.
    pub async fn read(
        route: &Route,
        app: Arc<App>,
        mut request: axum::extract::Request,
    ) -> Result<Self, Error> {
        let path = request
            .extract_parts::<RawPathParams>()
            .await
            .map_err(|_| Error::new(Kind::RouteNotFound))?;
        let path: Vec<(String, String)> = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (parts, body) = request.into_parts();
        let query = parameters::from_query(parts.uri.query());
        let (project, caller) = match route.access {
            Access::Open => (ProjectId::default(), Caller::Guest),
            Access::Project(scopes) => {
                let in_query = match parts.method {
                    Method::GET | Method::HEAD => query.get("project").and_then(Value::as_str),
                    _ => None,
                };
                let sender = parts.extensions.get().cloned().unwrap_or_default();
                let (project, caller) =
                    caller::identify(&app, &parts.headers, in_query, &sender).await?;
                caller.check(&project, scopes)?;
                (project, caller)
            }
        };
        for (name, value) in &path {
            if !rules::is_path_id(value) {
                return Err(Error::invalid(name, rules::PATH_ID));
            }
        }
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let (parameters, at) = if reads {
            (query, as_of(&app, parts.uri.query()).await?)
        } else {
            let limit = (route.body_limit)(&app.config);
            (
                parameters::from_body(&parts, body, limit, route.too_large).await?,
                None,
            )
        };
        let idempotency_key = Key::of(&parts.headers)
            .map_err(|error| Error::with(Kind::ArgumentInvalid, error.to_string()))?;
        let context = context(
            &parts,
            &project,
            &caller,
            &parameters,
            idempotency_key.as_ref(),
        )?;
        let client = match parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(address)) => address.ip().to_string(),
            None => "127.0.0.1".to_owned(),
        };
        Ok(Self {
            app,
            project,
            caller,
            format: Format::of(&parts.headers),
            parameters,
            headers: parts.headers,
            at,
            context,
            client,
            path,
            idempotency_key,
        })
    }

    /// The read models, at the position that was asked for.
    pub fn view(&self) -> View {
        self.app.reads.view(self.at)
    }

    /// The time that is read at, in milliseconds since the Unix epoch: now, or
    /// when the last event before the asked position was recorded.
    pub async fn moment(&self) -> Result<i64, Error> {
        let moment = crate::http::as_of::moment(&self.app, self.at).await;
        moment.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the journal failed"
            );
            Error::new(Kind::Unavailable)
        })
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn in_path(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(have, _)| have == name)
            .map_or("", |(_, value)| value)
    }

    /// `functionId` of the path.
    pub fn function_id(&self) -> FunctionId {
        self.in_path("functionId").into()
    }

    /// `deploymentId` of the path.
    pub fn deployment_id(&self) -> DeploymentId {
        self.in_path("deploymentId").into()
    }

    /// `executionId` of the path.
    pub fn execution_id(&self) -> ExecutionId {
        self.in_path("executionId").into()
    }

    /// `variableId` of the path.
    pub fn variable_id(&self) -> VariableId {
        self.in_path("variableId").into()
    }

    /// `templateId` of the path.
    pub fn template_id(&self) -> &str {
        self.in_path("templateId")
    }

    /// The function of the path.
    pub async fn function(&self) -> Result<model::Function, Error> {
        let id = self.function_id();
        let found = self
            .view()
            .function(self.project.as_str(), id.as_str())
            .await?;
        found.ok_or_else(|| Error::new(Kind::FunctionNotFound))
    }

    /// The deployment of the path, when it is one of this function.
    pub async fn deployment(&self, of: &model::Function) -> Result<model::Deployment, Error> {
        self.deployment_by_id(of, self.deployment_id().as_str())
            .await
    }

    /// A deployment of this function.
    pub async fn deployment_by_id(
        &self,
        of: &model::Function,
        id: &str,
    ) -> Result<model::Deployment, Error> {
        let found = self.view().deployment(self.project.as_str(), id).await?;
        found
            .filter(|deployment| deployment.function_id == of.id)
            .ok_or_else(|| Error::new(Kind::DeploymentNotFound))
    }

    /// A generated id. A repeat of the same request gets the same one.
    pub fn new_id(&self) -> String {
        match &self.idempotency_key {
            Some(key) => hex::encode(&key.seed(self.project.as_str())[..10]),
            None => time::new_id(),
        }
    }

    /// The id that a parameter chooses, generated for `unique()`.
    pub fn chosen_id(&self, name: &str, sent: &str) -> Result<String, Error> {
        match sent {
            "unique()" | "\"unique()\"" => Ok(self.new_id()),
            id if rules::is_custom_id(id) => Ok(id.to_owned()),
            _ => Err(Error::invalid(name, rules::CUSTOM_ID)),
        }
    }

    /// What this request did when it was sent before with the same idempotency
    /// key: its checks were passed then, and need not hold now.
    pub async fn repeated(&self) -> Result<Option<Committed>, Error> {
        let outcome = self.app.bus.outcome_of_repeat::<Infallible>(&self.context);
        outcome.await.map_err(|error| match error {
            bus::Error::KeyReused => Error::new(Kind::IdempotencyKeyReused),
            error => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the journal failed"
                );
                Error::new(Kind::Unavailable)
            }
        })
    }

    /// A model in the shape that the client reads.
    pub fn shaped(&self, model: Model, mut value: Value) -> Value {
        self.format.apply(model, &mut value);
        value
    }

    /// A list of models in the shape that the client reads.
    pub fn list(&self, name: &str, model: Model, total: u32, values: Vec<Value>) -> Value {
        let values: Vec<Value> = values
            .into_iter()
            .map(|value| self.shaped(model, value))
            .collect();
        json!({"total": total, name: values})
    }
}

async fn as_of(app: &App, query: Option<&str>) -> Result<Option<u64>, Error> {
    crate::http::as_of::resolve(app, query)
        .await
        .map_err(|error| Error::invalid("as_of", error))
}

fn context(
    parts: &Parts,
    project: &ProjectId,
    caller: &Caller,
    parameters: &Parameters,
    idempotency_key: Option<&Key>,
) -> Result<Context, Error> {
    let mut context = Context::once(caller.actor(), project.as_str());
    if let Some(RequestId(id)) = parts.extensions.get() {
        context.request_id = id.to_string();
    }
    if let Some(key) = idempotency_key {
        // Everything in a request that decides what it does.
        let uri = parts.extensions.get::<OriginalUri>();
        let uri = uri.map_or(&parts.uri, |OriginalUri(uri)| uri);
        let canonical = parameters.canonical();
        let mut same = vec![
            parts.method.as_str().as_bytes(),
            uri.path().as_bytes(),
            canonical.as_bytes(),
        ];
        for name in ["content-range", "x-appwrite-id", "if-match"] {
            let value = parts.headers.get(name);
            same.push(value.map_or(&[][..], |value| value.as_bytes()));
        }
        key.apply(&mut context, &same);
    }
    if let Some(tag) = parts.headers.get(http::header::IF_MATCH) {
        context.if_match = match tag.to_str().unwrap_or_default().trim() {
            "*" => None,
            tag => {
                let number = tag.trim_start_matches("W/").trim_matches('"');
                Some(number.parse().map_err(|_| {
                    let text = "If-Match must hold a sequence, as ETag gives it.";
                    Error::with(Kind::ArgumentInvalid, text)
                })?)
            }
        };
    }
    Ok(context)
}
