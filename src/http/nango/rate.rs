//! Requests of one project in one minute; calls of functions are counted apart.

use aggregates::ProjectId;
use http::request::Parts;
use serde_json::json;

use super::error::Error;
use crate::http::rate::Rate;

/// Counts a request; refuses it when there have been too many.
pub(super) fn check(rate: &Rate, project: &ProjectId, parts: &Parts) -> Result<(), Error> {
    let of_script = parts
        .headers
        .get("nango-is-script")
        .is_some_and(|value| value == "true");
    let counted = rate.count(format!("{project}/{of_script}"));
    counted.map_err(|exceeded| {
        Error::bare(429, "too_many_request")
            .with("method", json!(parts.method.as_str()))
            .with("path", json!(parts.uri.path()))
            .header("retry-after", exceeded.wait.to_string())
            .header("x-ratelimit-limit", exceeded.most.to_string())
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", exceeded.reset.to_string())
    })
}
