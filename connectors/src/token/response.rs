//! Reading the answer to a token request.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Error;
use crate::credentials::{Raw, Secret};
use crate::encoding;
use crate::provider::{ExpirationStrategy, Provider};
use crate::transport::Response;

/// A token and what came with it.
pub(super) struct Token {
    pub(super) token: Secret,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) refresh_token: Option<Secret>,
    pub(super) raw: Raw,
    pub(super) connection_config: Map<String, Value>,
}

/// Reads `response` as RFC 6749 has it, or as the provider's `token_response` says.
pub(super) fn read(
    response: &Response,
    provider: &Provider,
    now: Timestamp,
) -> Result<Token, Error> {
    let body = parse(response);
    let refused = |body: &Value| {
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| encoding::at(body, name).and_then(encoding::scalar))
        };
        Error::Refused {
            status: response.status,
            code: text(&["error", "error.code", "code", "errorCode"]),
            description: text(&[
                "error_description",
                "error.message",
                "message",
                "errorSummary",
                "detail",
            ]),
        }
    };
    if !response.is_success() {
        return Err(refused(&body));
    }
    let spec = provider.token_response.as_ref();
    let path = spec.map_or("access_token", |spec| spec.token.as_str());
    let Some(token) = encoding::at(&body, path).and_then(encoding::scalar) else {
        // GitHub and Slack refuse with 200.
        return Err(if body.get("error").is_some() {
            refused(&body)
        } else {
            Error::Unreadable(format!("`{path}`"))
        });
    };

    let expiration = spec.and_then(|spec| spec.token_expiration.as_deref());
    let strategy = spec.and_then(|spec| spec.token_expiration_strategy);
    let end = encoding::at(&body, expiration.unwrap_or("expires_in"));
    let expires_at = end
        .and_then(|end| match strategy {
            Some(ExpirationStrategy::ExpireAt) => moment(end),
            Some(ExpirationStrategy::ExpireIn) | None => after(now, seconds(end)?),
        })
        .or_else(|| after(now, Duration::from_millis(provider.token_expires_in_ms?)));

    let connection_config = provider
        .token_response_metadata
        .iter()
        .filter_map(|path| {
            let name = path.rsplit('.').next().unwrap_or(path);
            Some((name.to_owned(), encoding::at(&body, path)?.clone()))
        })
        .collect();
    let refresh_token = body
        .get("refresh_token")
        .and_then(Value::as_str)
        .map(Secret::from);
    let raw = match body {
        Value::Object(fields) => Raw(fields),
        _ => Raw::default(),
    };
    Ok(Token {
        token: token.into(),
        expires_at,
        refresh_token,
        raw,
        connection_config,
    })
}

/// JSON, or a form as some still answer. Anything else says nothing.
fn parse(response: &Response) -> Value {
    if let Ok(value) = serde_json::from_slice(&response.body) {
        return value;
    }
    let kind = response.headers.get(http::header::CONTENT_TYPE);
    let is_form = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("x-www-form-urlencoded"));
    if !is_form {
        return Value::Null;
    }
    let pairs = url::form_urlencoded::parse(&response.body);
    Value::Object(
        pairs
            .map(|(name, value)| (name.into_owned(), value.into()))
            .collect(),
    )
}

/// A life time, as a number or as a text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn after(now: Timestamp, wait: Duration) -> Option<Timestamp> {
    now.checked_add(wait).ok()
}

/// RFC 3339, or seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str()
        && let Ok(moment) = text.parse()
    {
        return Some(moment);
    }
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    if number > 100_000_000_000 {
        Timestamp::from_millisecond(number).ok()
    } else {
        Timestamp::from_second(number).ok()
    }
}
