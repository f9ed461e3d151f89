//! A request that is read, identified and allowed, in the order of checks of the dialect: body,
//! content type, key, rate, scope; then the handler looks at query, path and body.

use std::sync::Arc;

use aggregates::ProjectId;
use axum::RequestExt;
use axum::extract::RawPathParams;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use projections::View;
use serde_json::Value;

use super::error::{Error, Issue};
use super::routes::{Body, Query, Route};
use super::{rate, rules};
use crate::app::App;
use crate::auth::Grant;
use crate::bus::Context;
use crate::http::idempotency::Key;
use crate::http::{RequestId, Sender, as_of};

/// Most bytes of a body, as the dialect has it (75 MB).
const BODY: usize = 75 << 20;

/// What a handler works with.
pub struct Request {
    /// Everything below.
    pub app: Arc<App>,
    /// The project, which is the dialect's environment.
    pub project: ProjectId,
    /// What the key allows.
    pub grant: Grant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Names and values of the query, without `as_of`.
    pub query: Vec<(String, String)>,
    /// The query as it was sent.
    pub raw_query: String,
    /// The body, when it is JSON.
    pub body: Option<Value>,
    /// The body as it was sent.
    pub bytes: Bytes,
    /// The method.
    pub method: Method,
    /// The position to read at; none: now.
    pub at: Option<u64>,
    /// For commands.
    pub context: Context,
    path: Vec<(String, String)>,
    key: Option<Key>,
}

impl Request {
    /// Reads a request for a route.
    pub async fn read(
        route: &Route,
        app: Arc<App>,
        mut request: axum::extract::Request,
    ) -> Result<Self, Error> {
        let path = request.extract_parts::<RawPathParams>().await;
        let path = path.map_err(|_| super::no_route())?;
        let path: Vec<(String, String)> = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (parts, body) = request.into_parts();
        let (body, bytes) = match (&parts.method, route.body) {
            (&Method::GET | &Method::HEAD | &Method::OPTIONS, Body::Json) => (None, Bytes::new()),
            (_, Body::Json) => read_json(&parts, body).await?,
            (_, Body::Raw) => (None, read_bytes(body).await?),
        };
        let sender = parts
            .extensions
            .get::<Sender>()
            .cloned()
            .unwrap_or_default();
        let grant = match route.open {
            false => identify(&app, &parts.headers, &sender).await?,
            // The address is the credential.
            true => Grant {
                key_id: "webhook".to_owned(),
                project: path
                    .iter()
                    .find(|(name, _)| name == "project")
                    .map(|(_, project)| project.as_str().into()),
                scopes: Vec::new(),
                expired: false,
            },
        };
        let project = grant.project.clone().unwrap_or_else(|| {
            // The root key works on every project; this header chooses one.
            let chosen = parts.headers.get("strata-project");
            chosen
                .and_then(|value| value.to_str().ok())
                .unwrap_or("default")
                .into()
        });
        sender.is(project.as_str(), &grant.actor());
        rate::check(&app.rate, &project, &parts)?;
        if !route.scopes.is_empty() && !route.scopes.iter().any(|scope| allows(&grant, scope)) {
            return Err(Error::scope(route.scopes));
        }
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let mut query: Vec<(String, String)> = url::form_urlencoded::parse(raw_query.as_bytes())
            .into_owned()
            .collect();
        let mut at = None;
        if reads && !matches!(route.query, Query::Foreign) {
            at = as_of::resolve(&app, parts.uri.query()).await?;
            query.retain(|(name, _)| name != "as_of");
        }
        if matches!(route.query, Query::Empty) && !query.is_empty() {
            let mut names: Vec<String> = query
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            names.dedup();
            let keys = if names.len() == 1 { "key" } else { "keys" };
            let issue = Issue {
                code: "unrecognized_keys",
                message: format!("Unrecognized {keys}: {}", names.join(", ")),
                path: Vec::new(),
            };
            return Err(Error::invalid("invalid_query_params", &[issue]));
        }
        let key = Key::of(&parts.headers)
            .map_err(|error| Error::new(400, "invalid_headers", error.to_string()))?;
        let context = context(&parts, &project, &grant, &bytes, key.as_ref())?;
        Ok(Self {
            app,
            project,
            grant,
            headers: parts.headers,
            query,
            raw_query,
            body,
            bytes,
            method: parts.method,
            at,
            context,
            path,
            key,
        })
    }

    /// The read models, at the position that was asked for.
    pub fn view(&self) -> View {
        self.app.reads.view(self.at)
    }

    /// A part of the path.
    pub fn in_path(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(have, _)| have == name)
            .map_or("", |(_, value)| value)
    }

    /// A part of the path that must follow a rule.
    pub fn checked_path(&self, name: &'static str, rule: rules::Text) -> Result<&str, Error> {
        let value = self.in_path(name);
        let sent = serde_json::json!({name: value});
        let mut object = rules::Object::body(Some(&sent));
        object.text(name, rule);
        object.finish_as("invalid_uri_params")?;
        Ok(value)
    }

    /// The query as an object, for validators; a name that comes twice is a list.
    pub fn query_object(&self) -> Value {
        let mut map = serde_json::Map::new();
        for (name, value) in &self.query {
            let value = Value::from(value.as_str());
            match map.get_mut(name) {
                None => {
                    map.insert(name.clone(), value);
                }
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(map)
    }

    /// The last value of a name in the query.
    pub fn in_query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the key allows something that only some handlers ask for.
    pub fn allows(&self, scope: &str) -> bool {
        allows(&self.grant, scope)
    }

    /// A generated UUID. A repeat of the same request gets the same one.
    pub fn new_uuid(&self) -> uuid::Uuid {
        match &self.key {
            Some(key) => {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&key.seed(self.project.as_str())[..16]);
                uuid::Builder::from_random_bytes(bytes).into_uuid()
            }
            None => uuid::Uuid::new_v4(),
        }
    }

    /// The context of a further command of this request: the same sender, another command id.
    pub fn further(&self, step: &str) -> Context {
        let mut context = self.context.clone();
        context.command_id = format!("{}/{step}", context.command_id);
        context.if_match = None;
        context
    }
}

/// Whether a key holds a scope: by name, or by a grant that ends in `:*`.
pub fn allows(grant: &Grant, scope: &str) -> bool {
    grant.allows(scope)
        || !grant.expired
            && grant.scopes.iter().any(|have| {
                have.strip_suffix('*')
                    .is_some_and(|start| start.ends_with(':') && scope.starts_with(start))
            })
}

async fn identify(app: &App, headers: &HeaderMap, sender: &Sender) -> Result<Grant, Error> {
    let Some(header) = headers.get(http::header::AUTHORIZATION) else {
        return Err(Error::unauthorized(
            "missing_auth_header",
            "Authentication failed. The request is missing the Authorization header.",
        ));
    };
    let header = header.to_str().unwrap_or_default();
    let secret = header
        .rsplit_once("Bearer ")
        .map_or(header, |(_, secret)| secret)
        .trim();
    if secret.is_empty() {
        return Err(Error::unauthorized(
            "malformed_auth_header",
            "Authentication failed. The Authorization header is malformed.",
        ));
    }
    // The root key and keys that were made for other dialects are no UUIDs, and good all the same.
    let grant = app.keys.find(secret).await?;
    if let Some(grant) = grant {
        if grant.expired {
            let project = grant.project.clone().unwrap_or_default();
            sender.is(project.as_str(), &grant.actor());
        } else {
            return Ok(grant);
        }
    } else if !rules::is_uuid_v4(secret) {
        return Err(Error::unauthorized(
            "invalid_secret_key_format",
            "Authentication failed. The provided secret key is not a UUID v4.",
        ));
    }
    Err(Error::unauthorized(
        "unknown_account",
        "Authentication failed. The provided authorization header does not match any account.",
    ))
}

async fn read_bytes(body: axum::body::Body) -> Result<Bytes, Error> {
    match Limited::new(body, BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            // What the dialect answers when its body parser refuses.
            Err(Error::new(
                500,
                "generic_error_support",
                "An unexpected error occurred: request entity too large",
            ))
        }
        Err(error) => Err(Error::new(400, "invalid_json", error.to_string())),
    }
}

async fn read_json(parts: &Parts, body: axum::body::Body) -> Result<(Option<Value>, Bytes), Error> {
    let kind = parts.headers.get(http::header::CONTENT_TYPE);
    let kind = kind.map(|kind| kind.to_str().unwrap_or_default().to_ascii_lowercase());
    let is_json = kind
        .as_ref()
        .is_some_and(|kind| kind.starts_with("application/json"));
    let bytes = read_bytes(body).await?;
    if is_json {
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Ok((None, bytes));
        }
        let invalid = |message: String| Error::new(400, "invalid_json", message);
        if !matches!(text[0], b'{' | b'[') {
            let shown = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
            return Err(invalid(format!("Unexpected token in JSON: {shown}")));
        }
        let value = serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?;
        return Ok((Some(value), bytes));
    }
    if kind.is_some() {
        return Err(Error::new(
            415,
            "invalid_content_type",
            "Content-Type header must be application/json",
        ));
    }
    // Without a type the body is not looked at.
    Ok((None, bytes))
}

fn context(
    parts: &Parts,
    project: &ProjectId,
    grant: &Grant,
    bytes: &[u8],
    key: Option<&Key>,
) -> Result<Context, Error> {
    let mut context = Context::once(grant.actor(), project.as_str());
    if let Some(RequestId(id)) = parts.extensions.get() {
        context.request_id = id.to_string();
        context.correlation_id = id.to_string();
    }
    if let Some(key) = key {
        let header = |name: &str| parts.headers.get(name).map_or(&b""[..], |v| v.as_bytes());
        let same = [
            parts.method.as_str().as_bytes(),
            parts.uri.path().as_bytes(),
            parts.uri.query().unwrap_or_default().as_bytes(),
            header("connection-id"),
            header("provider-config-key"),
            header("if-match"),
            bytes,
        ];
        key.apply(&mut context, &same);
    }
    if let Some(tag) = parts.headers.get(http::header::IF_MATCH) {
        let tag = tag.to_str().unwrap_or_default().trim();
        if tag != "*" {
            let number = tag.trim_start_matches("W/").trim_matches('"');
            let wrong = |_| {
                let text = "If-Match must hold a sequence";
                Error::new(400, "invalid_headers", text)
            };
            context.if_match = Some(number.parse().map_err(wrong)?);
        }
    }
    Ok(context)
}
