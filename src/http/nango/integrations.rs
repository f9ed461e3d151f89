//! `/integrations`.

use aggregates::integration::{Change, Command, Credentials, Integration, Settings};
use aggregates::{IntegrationId, ScriptKind};
use connectors::{Client, Issue as Found, Provider};
use projections::model;
use projections::query::List;
use serde_json::{Map, Value, json};

use super::error::{Error, Issue};
use super::reply::Reply;
use super::request::Request;
use super::rules::{Object, Text};
use crate::bus;
use crate::nango::shapes;

/// Names of a client's credentials that may be shown.
const PUBLIC: [&str; 4] = ["client_id", "scopes", "app_id", "app_link"];

/// Lists.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let list = List {
        limit: 1000,
        ..List::default()
    };
    let page = request
        .view()
        .integrations(request.project.as_str(), &list)
        .await?;
    let mut shown = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        shown.push(shapes::integration(
            row,
            provider(&request, row),
            None,
            None,
        ));
    }
    Ok(Reply::json(200, json!({ "data": shown })))
}

/// Gets one.
pub async fn get(request: Request) -> Result<Reply, Error> {
    let row = existing(&request).await?;
    let includes: Vec<&str> = request
        .query
        .iter()
        .filter(|(name, _)| name == "include" || name == "include[]")
        .map(|(_, value)| value.as_str())
        .collect();
    let webhook = includes
        .contains(&"webhook")
        .then(|| request.app.nango.webhook_url(&request.project, &row.id));
    let client = match includes.contains(&"credentials") {
        false => None,
        true => {
            let needed = "environment:integrations:read_credentials";
            if !request.allows(needed) {
                return Err(Error::scope(&[needed]));
            }
            let opened = request.app.nango.connections.client(&row.settings).await;
            Some(opened.map_err(|error| Error::internal(&error.to_string()))?)
        }
    };
    let client = client.as_ref().map(Option::as_ref);
    let shown = shapes::integration(&row, provider(&request, &row), webhook, client);
    Ok(Reply::json(200, json!({ "data": shown })))
}

/// Makes one.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let mut sent = Object::body(request.body.as_ref());
    let provider = sent.text("provider", Text::Provider).to_owned();
    let id = sent.text("unique_key", Text::Integration).to_owned();
    let common = Common::read(&mut sent);
    sent.finish()?;
    let Some(known) = request
        .app
        .nango
        .connections
        .catalogue()
        .get(&provider)
        .cloned()
    else {
        return Err(Error::body(
            "invalid_string",
            "Invalid provider",
            &["provider"],
        ));
    };
    let credentials = common.credentials(&request, &known, true).await?;
    let settings = Settings {
        provider,
        display_name: common.display_name,
        forward_webhooks: common.forward_webhooks.unwrap_or(true),
        config: common.config.unwrap_or_default(),
        custom: common.custom.unwrap_or_default(),
        credentials,
    };
    let key = IntegrationId::from(id.as_str()).key(&request.project);
    let command = Command::Create { settings };
    let sent = request
        .app
        .bus
        .execute::<Integration>(&key, command, &request.context);
    match sent.await {
        Ok(committed) => changed(request, &id, &committed).await,
        Err(bus::Error::Refused(_)) => Err(Error::body(
            "invalid_string",
            "Unique key already exists",
            &["uniqueKey"],
        )),
        Err(error) => Err(error.into()),
    }
}

/// Changes one.
pub async fn update(request: Request) -> Result<Reply, Error> {
    let row = existing(&request).await?;
    let mut sent = Object::body(request.body.as_ref());
    let common = Common::read(&mut sent);
    sent.finish()?;
    let credentials = match provider(&request, &row).cloned() {
        Some(known) => common.credentials(&request, &known, false).await?,
        None => None,
    };
    let change = Change {
        display_name: common.display_name,
        forward_webhooks: common.forward_webhooks,
        config: common.config,
        custom: common.custom,
        credentials,
    };
    let key = IntegrationId::from(row.id.as_str()).key(&request.project);
    let command = Command::Update { change };
    let sent = request
        .app
        .bus
        .execute::<Integration>(&key, command, &request.context);
    let committed = sent.await.map_err(refused)?;
    changed(request, &row.id, &committed).await
}

/// Deletes one, with its functions and connections.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let id = request
        .checked_path("uniqueKey", Text::Integration)?
        .to_owned();
    let found = request
        .view()
        .integration(request.project.as_str(), &id)
        .await?;
    if found.is_none() {
        return Err(Error::new(404, "not_found", "Integration does not exist"));
    }
    let shared = &request.app.nango.shared;
    for kind in [ScriptKind::Action, ScriptKind::Sync, ScriptKind::OnEvent] {
        let rows = crate::nango::syncs::functions(shared, &request.project, &id, kind).await?;
        for row in rows {
            super::functions::deployed::remove(&request, &row).await?;
        }
    }
    let rows = crate::nango::syncs::connections(shared, &request.project, &id).await?;
    for row in rows {
        super::connections::remove(&request, &row).await?;
    }
    let key = IntegrationId::from(id.as_str()).key(&request.project);
    let sent = request
        .app
        .bus
        .execute::<Integration>(&key, Command::Delete, &request.context);
    let committed = sent.await.map_err(refused)?;
    Ok(Reply::json(200, json!({ "success": true })).committed(&committed))
}

fn refused(error: bus::Error<aggregates::integration::Error>) -> Error {
    match error {
        bus::Error::Refused(_) => Error::new(404, "not_found", "Integration does not exist"),
        error => error.into(),
    }
}

/// The integration of the path.
pub async fn existing(request: &Request) -> Result<model::Integration, Error> {
    let id = request.checked_path("uniqueKey", Text::Integration)?;
    let found = request
        .view()
        .integration(request.project.as_str(), id)
        .await?;
    found.ok_or_else(|| Error::new(404, "not_found", "Integration does not exist"))
}

fn provider<'a>(request: &'a Request, row: &model::Integration) -> Option<&'a Provider> {
    let catalogue = request.app.nango.connections.catalogue();
    catalogue.get(&row.settings.provider).map(|found| &**found)
}

async fn changed(
    mut request: Request,
    id: &str,
    committed: &bus::Committed,
) -> Result<Reply, Error> {
    request.at = Some(committed.position);
    let row = request
        .view()
        .integration(request.project.as_str(), id)
        .await?;
    let row = row.ok_or_else(|| Error::new(404, "not_found", "Integration does not exist"))?;
    let shown = shapes::integration(&row, provider(&request, &row), None, None);
    Ok(Reply::json(200, json!({ "data": shown })).committed(committed))
}

/// What create and update take alike.
struct Common {
    display_name: Option<String>,
    forward_webhooks: Option<bool>,
    config: Option<std::collections::BTreeMap<String, String>>,
    custom: Option<std::collections::BTreeMap<String, String>>,
    credentials: Option<Value>,
}

impl Common {
    fn read(sent: &mut Object<'_>) -> Self {
        let display_name = sent.optional_text("display_name", Text::Length(1, 255));
        Self {
            display_name: display_name.map(str::to_owned),
            forward_webhooks: sent.optional_flag("forward_webhooks"),
            config: sent.optional_texts("integration_config", 8192),
            custom: sent.optional_texts("custom", 8192),
            credentials: sent.any("credentials").cloned(),
        }
    }

    /// What was sent as credentials, checked against the provider and sealed.
    async fn credentials(
        &self,
        request: &Request,
        provider: &Provider,
        is_new: bool,
    ) -> Result<Option<Credentials>, Error> {
        let needs = matches!(
            provider.auth_mode.name(),
            "OAUTH1" | "OAUTH2" | "TBA" | "APP" | "CUSTOM"
        );
        let Some(sent) = &self.credentials else {
            if is_new && needs {
                return Err(Error::body(
                    "custom",
                    "Missing credentials",
                    &["credentials"],
                ));
            }
            return Ok(None);
        };
        let client =
            Client::parse(sent, provider).map_err(|found| issues(&found, "credentials"))?;
        let Ok(Value::Object(parts)) = serde_json::to_value(&client) else {
            return Err(Error::internal("credentials cannot be written"));
        };
        let (mut public, mut secret) = (std::collections::BTreeMap::new(), Map::new());
        let mut kind = String::new();
        for (name, value) in parts {
            match (name.as_str(), value) {
                ("type", Value::String(text)) => kind = text,
                (shown, Value::String(text)) if PUBLIC.contains(&shown) => {
                    public.insert(name, text);
                }
                (_, value) => {
                    secret.insert(name, value);
                }
            }
        }
        let connections = &request.app.nango.connections;
        let sealed = connections
            .seal(&request.project, &Value::Object(secret))
            .await;
        Ok(Some(Credentials {
            kind,
            public,
            secret: sealed.map_err(|error| Error::internal(&error.to_string()))?,
        }))
    }
}

/// Issues of a connector, below a member of the body.
pub fn issues(found: &[Found], below: &str) -> Error {
    let issues: Vec<Issue> = found
        .iter()
        .map(|issue| Issue {
            code: issue.code,
            message: issue.message.clone(),
            path: std::iter::once(below.to_owned())
                .chain(issue.path.iter().cloned())
                .collect(),
        })
        .collect();
    Error::invalid("invalid_body", &issues)
}
