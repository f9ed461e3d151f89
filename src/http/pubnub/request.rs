//! A request that is read and identified, in the order of checks of section 1: credential,
//! correlation id, version, `Accept`, content type, JSON. The handler goes on in that order: schema,
//! permission on the account, existence, permission on the keyset, uniqueness and state, limits.

use std::sync::Arc;

use aggregates::ProjectId;
use axum::RequestExt;
use axum::extract::RawPathParams;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use projections::View;
use serde_json::Value;

use super::error::{Error, Kind};
use super::reply::Envelope;
use super::routes::Route;
use super::{rules, time};
use crate::app::App;
use crate::auth::{Grant, now_ms};
use crate::bus::Context;
use crate::http::idempotency::Key;
use crate::http::{RequestId, Sender, as_of};
use crate::pubnub::Shared;

/// Most bytes of a body: ten functions of 64 KiB with every character escaped, and some.
const BODY: usize = 8 << 20;

/// The first version that there was.
const FIRST_VERSION: jiff::civil::Date = jiff::civil::date(2025, 11, 15);

/// What a handler works with.
pub struct Request {
    /// Everything below.
    pub app: Arc<App>,
    /// The project, which is the dialect's account.
    pub project: ProjectId,
    /// What the key allows.
    pub grant: Grant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Names and values of the query, without `as_of`.
    pub query: Vec<(String, String)>,
    /// The body, when there is one.
    pub body: Option<Value>,
    /// The position to read at; none: now.
    pub at: Option<u64>,
    /// For commands.
    pub context: Context,
    route: &'static Route,
    path: Vec<(String, String)>,
    key: Option<Key>,
    as_of: Option<String>,
}

impl Request {
    /// Reads a request for a route.
    pub async fn read(
        route: &'static Route,
        app: Arc<App>,
        mut request: axum::extract::Request,
        envelope: &Envelope,
    ) -> Result<Self, Error> {
        let path = request.extract_parts::<RawPathParams>().await;
        let path = path.map_err(|_| super::no_route())?;
        let path: Vec<(String, String)> = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (parts, body) = request.into_parts();
        let sender = parts.extensions.get::<Sender>();
        let sender = sender.cloned().unwrap_or_default();
        let grant = identify(&app, &parts.headers, &sender).await?;
        let project = project(&app, &parts.headers, &grant).await?;
        sender.is(project.as_str(), &grant.actor());
        correlation(&parts.headers)?;
        must_be_in_time(&app, &project)?;
        version(&parts.headers)?;
        acceptable(&parts.headers)?;
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let (body, bytes) = match reads {
            true => (None, Bytes::new()),
            false => read_json(&parts, body).await?,
        };
        let raw_query = parts.uri.query().unwrap_or_default();
        let mut query: Vec<(String, String)> = url::form_urlencoded::parse(raw_query.as_bytes())
            .into_owned()
            .collect();
        let (mut at, mut asked) = (None, None);
        if reads {
            at = as_of::resolve(&app, parts.uri.query()).await?;
            let found = query.iter().find(|(name, _)| name == "as_of");
            asked = found.map(|(_, value)| value.clone());
            query.retain(|(name, _)| name != "as_of");
        }
        let key = Key::of(&parts.headers).map_err(|error| Error::invalid(error.to_string()))?;
        let mut context = context(&parts, &project, &grant, &bytes, key.as_ref())?;
        context.correlation_id = envelope.correlation.clone();
        Ok(Self {
            app,
            project,
            grant,
            headers: parts.headers,
            query,
            body,
            at,
            context,
            route,
            path,
            key,
            as_of: asked,
        })
    }

    /// What the dialect holds.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.app.pubnub.shared
    }

    /// The read models, at the position that was asked for.
    pub fn view(&self) -> View {
        self.app.reads.view(self.at)
    }

    /// The moment that was asked for, in milliseconds since the Unix epoch: now, or the time that
    /// `as_of` names, or when the event at the position that it names was recorded.
    pub async fn moment(&self) -> Result<i64, Error> {
        let (Some(at), Some(asked)) = (self.at, &self.as_of) else {
            return Ok(now_ms());
        };
        let time = asked.parse().or_else(|_| asked.replace(' ', "+").parse());
        if let Ok(time) = time.map(jiff::Timestamp::as_millisecond) {
            return Ok(time);
        }
        let journal = self.app.bus.journal();
        let events = journal.read_all(at.saturating_sub(1), 1).await?;
        Ok(events.first().map_or(0, |event| event.recorded_at))
    }

    /// A part of the path, decoded.
    pub fn in_path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(have, _)| have == name);
        found.map_or("", |(_, value)| value)
    }

    /// An id in the path, in lower case.
    pub fn id_in_path(&self, name: &str) -> Result<String, Error> {
        let text = self.in_path(name);
        rules::uuid(text).ok_or_else(|| Error::invalid(format!("{name} must be a UUID")))
    }

    /// The last value of a name in the query.
    pub fn in_query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An id in the query, in lower case.
    pub fn id_in_query(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(text) = self.in_query(name) else {
            return Ok(None);
        };
        let id = rules::uuid(text);
        let id = id.ok_or_else(|| Error::invalid(format!("{name} must be a UUID")))?;
        Ok(Some(id))
    }

    /// Every value of a name in the query.
    pub fn all_in_query<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.query.iter().filter(move |(have, _)| have == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Whether `Prefer` asks for something, for example `respond-async`.
    pub fn prefers(&self, what: &str) -> bool {
        let values = self.headers.get_all("prefer").into_iter();
        let mut preferences = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']));
        preferences.any(|preference| preference.trim().eq_ignore_ascii_case(what))
    }

    /// Refuses a key without the permissions that the route needs on the account.
    pub fn must_be_allowed(&self) -> Result<(), Error> {
        let needed = self.route.permissions.iter();
        match needed.copied().find(|needed| !self.grant.allows(needed)) {
            Some(missing) => Err(Error::forbidden(missing)),
            None => Ok(()),
        }
    }

    /// Refuses a key without the permission that the route needs on a keyset.
    pub fn must_be_allowed_on(&self, keyset: u64) -> Result<(), Error> {
        let needed = self.route.on_keyset.iter();
        let missing = needed
            .copied()
            .find(|needed| !self.grant.allows_on(needed, keyset));
        match missing {
            Some(missing) => Err(Error::forbidden(missing)),
            None => Ok(()),
        }
    }

    /// The keysets on which the key holds what the route needs; none: all of them.
    pub fn allowed_keysets(&self) -> Option<Vec<u64>> {
        let mut lists = self.route.on_keyset.iter();
        lists.find_map(|permission| self.grant.keysets(permission))
    }

    /// A generated UUID. A repeat of the same request gets the same one for the same purpose.
    pub fn new_uuid(&self, purpose: &str) -> String {
        let Some(key) = &self.key else {
            return uuid::Uuid::new_v4().to_string();
        };
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(key.seed(self.project.as_str()));
        hash.update(purpose.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    }

    /// Whether the request's command took effect before: then its checks are of a state that it has
    /// changed itself, and the bus answers with what came of it.
    pub async fn is_repeat(&self) -> Result<bool, Error> {
        if self.key.is_none() {
            return Ok(false);
        }
        let journal = self.app.bus.journal();
        Ok(journal.outcome(&self.context.command_id).await?.is_some())
    }

    /// Fails when `If-Match` names another sequence than a stream's, before anything is changed that
    /// belongs to the command on it.
    pub async fn must_match<A>(&self, key: &str) -> Result<(), Error>
    where
        A: aggregates::Fold + 'static,
    {
        let Some(wanted) = self.context.if_match else {
            return Ok(());
        };
        let actual = self.app.bus.load::<A>(key).await?.sequence;
        match actual == wanted {
            true => Ok(()),
            false => {
                let error = crate::bus::Error::<A::Error>::PreconditionFailed { actual };
                Err(error.into())
            }
        }
    }

    /// The context of a further command of this request: the same sender, another command id, which
    /// is the same when the request is repeated with its key.
    pub fn further(&self, step: &str) -> Context {
        let mut context = self.context.clone();
        context.command_id = format!("{}/{step}", context.command_id);
        context.if_match = None;
        context
    }
}

async fn identify(app: &App, headers: &HeaderMap, sender: &Sender) -> Result<Grant, Error> {
    let missing = || Error::new(Kind::NoCredentials, "Credentials are missing");
    let invalid = || Error::new(Kind::BadCredentials, "The credential is not valid");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let text = value.to_str().map_err(|_| invalid())?.trim();
    // The key itself, or as clients send access tokens.
    let secret = match text.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => text,
    };
    if secret.is_empty() {
        return Err(missing());
    }
    let grant = app.keys.find(secret).await?.ok_or_else(invalid)?;
    if grant.expired {
        let project = grant.project.clone().unwrap_or_default();
        sender.is(project.as_str(), &grant.actor());
        return Err(invalid());
    }
    Ok(grant)
}

/// The project of the key. The root key works on every project; a header chooses one.
async fn project(app: &App, headers: &HeaderMap, grant: &Grant) -> Result<ProjectId, Error> {
    if let Some(project) = &grant.project {
        return Ok(project.clone());
    }
    let Some(chosen) = headers.get("strata-project") else {
        return Ok(crate::installation::DEFAULT_PROJECT.into());
    };
    let chosen = chosen.to_str().unwrap_or_default();
    match app.reads.view(None).project(chosen).await? {
        Some(_) => Ok(chosen.into()),
        None => Err(Error::missing("Account", chosen)),
    }
}

/// The correlation id that the client sent.
pub(super) fn correlation(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("x-correlation-id") else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(rules::uuid);
    let wrong = || Error::new(Kind::CorrelationId, "X-Correlation-Id must be a UUID");
    id.map(Some).ok_or_else(wrong)
}

/// An account sends so many requests in a minute.
fn must_be_in_time(app: &App, project: &ProjectId) -> Result<(), Error> {
    let counted = app.pubnub_rate.count(project.to_string());
    counted.map_err(|exceeded| {
        let message = format!("At most {} requests in a minute", exceeded.most);
        Error::new(Kind::RateLimit, message).header("retry-after", exceeded.wait.to_string())
    })
}

fn version(headers: &HeaderMap) -> Result<(), Error> {
    let Some(value) = headers.get("pubnub-version") else {
        return Err(Error::invalid("The header PubNub-Version is missing"));
    };
    let date = value.to_str().ok().and_then(time::date);
    let date = date.ok_or_else(|| Error::invalid("PubNub-Version must be a date, YYYY-MM-DD"))?;
    if date < FIRST_VERSION {
        let message = format!("PubNub-Version must not be before {FIRST_VERSION}");
        return Err(Error::invalid(message));
    }
    Ok(())
}

/// Whether the client takes JSON.
fn acceptable(headers: &HeaderMap) -> Result<(), Error> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let takes = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or(part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0))
        });
        matches!(&*kind, "application/json" | "application/*" | "*/*") && !refused
    };
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    match ranges.any(takes) {
        true => Ok(()),
        false => {
            let message = "Only application/json can be served";
            Err(Error::new(Kind::NotAcceptable, message))
        }
    }
}

async fn read_json(parts: &Parts, body: axum::body::Body) -> Result<(Option<Value>, Bytes), Error> {
    let bytes = match Limited::new(body, BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("A body has at most {BODY} bytes");
            return Err(Error::new(Kind::TooLarge, message));
        }
        Err(_) => return Err(Error::new(Kind::NotJson, "The body broke off")),
    };
    if bytes.is_empty() {
        return Ok((None, bytes));
    }
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let message = "The content type of a body must be application/json";
        return Err(Error::new(Kind::MediaType, message));
    }
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok((Some(value), bytes)),
        Err(error) => {
            let message = format!("The body is not valid JSON: {error}");
            Err(Error::new(Kind::NotJson, message))
        }
    }
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
    }
    if let Some(key) = key {
        let if_match = parts.headers.get(header::IF_MATCH);
        let same = [
            parts.method.as_str().as_bytes(),
            parts.uri.path().as_bytes(),
            parts.uri.query().unwrap_or_default().as_bytes(),
            if_match.map_or(&b""[..], |value| value.as_bytes()),
            bytes,
        ];
        key.apply(&mut context, &same);
    }
    if let Some(tag) = parts.headers.get(header::IF_MATCH) {
        let tag = tag.to_str().unwrap_or_default().trim();
        if tag != "*" {
            let number = tag.trim_start_matches("W/").trim_matches('"');
            let wrong = |_| Error::invalid("If-Match must hold a sequence, as ETag gives it");
            context.if_match = Some(number.parse().map_err(wrong)?);
        }
    }
    Ok(context)
}
