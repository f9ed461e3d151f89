//! What is not about a function: runtimes, specifications, templates, health.

use serde_json::json;

use super::catalogue::{runtimes, specifications, templates};
use super::error::{API_VERSION, Error, Kind};
use super::format::Model;
use super::reply::Reply;
use super::request::Request;

/// The runtimes that run here.
pub async fn runtimes(request: Request) -> Result<Reply, Error> {
    let all = runtimes::enabled();
    let body = request.list("runtimes", Model::Runtime, all.len() as u32, all);
    Ok(Reply::json(200, body))
}

/// Machine sizes.
pub async fn specifications(request: Request) -> Result<Reply, Error> {
    request.parameters.one_of("type", &["runtimes", "builds"])?;
    let all = specifications::models();
    let body = json!({"total": all.len(), "specifications": all});
    Ok(Reply::json(200, body))
}

/// Functions that can be deployed without code.
pub async fn templates(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let known = runtimes::ids();
    let wanted = sent.list(
        "runtimes",
        100,
        |id| known.iter().any(|known| known == id),
        "Value must be the ID of a runtime",
    )?;
    let use_cases = sent.list(
        "useCases",
        100,
        |case| templates::USE_CASES.contains(&case),
        &format!("Value must be one of ({})", templates::USE_CASES.join(", ")),
    )?;
    let limit = sent.integer("limit", 1..=5000)?.unwrap_or(25);
    let offset = sent.integer("offset", 0..=5000)?.unwrap_or(0);
    let counted = sent.loose_boolean("total")?.unwrap_or(true);
    let found = templates::list(&wanted.unwrap_or_default(), &use_cases.unwrap_or_default());
    let total = if counted { found.len() } else { 0 };
    let page: Vec<_> = found
        .into_iter()
        .skip(offset as usize)
        .take(limit as usize)
        .collect();
    Ok(Reply::json(200, json!({"total": total, "templates": page})))
}

/// One of them.
pub async fn template(request: Request) -> Result<Reply, Error> {
    match templates::find(request.template_id()) {
        Some(template) => Ok(Reply::json(200, template)),
        None => Err(Error::new(Kind::TemplateNotFound)),
    }
}

/// Domain rules. There are none: functions are executed through the API. The
/// command line asks for them after a push, to print an address.
pub async fn rules(_: Request) -> Result<Reply, Error> {
    Ok(Reply::json(200, json!({"total": 0, "rules": []})))
}

/// What the command line asks of a console before it makes a domain rule.
pub async fn console(request: Request) -> Result<Reply, Error> {
    let config = &request.app.config;
    let body = json!({
        "_APP_DOMAIN_TARGET_CNAME": "",
        "_APP_DOMAIN_TARGET_A": "",
        "_APP_DOMAIN_TARGET_AAAA": "",
        "_APP_DOMAIN_TARGET_CAA": "",
        "_APP_COMPUTE_BUILD_TIMEOUT": config.build_timeout.as_secs(),
        "_APP_STORAGE_LIMIT": 0,
        "_APP_COMPUTE_SIZE_LIMIT": config.max_source_bytes,
        "_APP_USAGE_STATS": "disabled",
        "_APP_VCS_ENABLED": false,
        "_APP_DOMAIN_ENABLED": false,
        "_APP_ASSISTANT_ENABLED": false,
        "_APP_DOMAIN_SITES": "",
        "_APP_DOMAIN_FUNCTIONS": "",
    });
    Ok(Reply::json(200, body))
}

/// The answer that clients look for.
pub async fn ping(_: Request) -> Result<Reply, Error> {
    Ok(Reply::text("Pong!"))
}

/// The version of the API.
pub async fn version(_: Request) -> Result<Reply, Error> {
    Ok(Reply::json(200, json!({"version": API_VERSION})))
}
