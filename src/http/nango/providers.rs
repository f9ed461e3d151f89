//! `/providers`: the catalogue, and its templates.

use serde_json::{Value, json};

use super::error::Error;
use super::functions::entry;
use super::reply::Reply;
use super::request::Request;
use super::rules::Text;
use crate::nango::templates;

/// Lists; `search` narrows it.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let search = request
        .in_query("search")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let shown: Vec<Value> = request
        .app
        .nango
        .connections
        .catalogue()
        .iter()
        .filter(|(name, _)| name.contains(&search))
        .map(|(name, provider)| provider.to_json(name))
        .collect();
    Ok(Reply::json(200, json!({ "data": shown })))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let name = request.checked_path("provider", Text::Provider)?;
    let Some(provider) = request.app.nango.connections.catalogue().get(name) else {
        let message = format!("Unknown provider {name}");
        return Err(Error::new(404, "unknown_provider", message));
    };
    Ok(Reply::json(200, json!({ "data": provider.to_json(name) })))
}

/// The templates of one; none for a provider that is not known.
pub async fn templates(request: Request) -> Result<Reply, Error> {
    let name = request.checked_path("provider", Text::Provider)?.to_owned();
    let mut shown = Vec::new();
    for template in templates::of(&name) {
        let definition = entry::of_template(&request.app.nango.shared, template).await?;
        shown.push(entry::template(template, &definition));
    }
    Ok(Reply::json(200, json!({ "data": shown })))
}
