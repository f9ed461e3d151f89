//! What a function reads and changes of its connection, its integration and its project.

use aggregates::connection::{Command, Connection};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answered, Host, just};
use crate::bus::Context;
use crate::nango::connections::Error;
use crate::nango::{keys, shapes};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provider {
    provider_config_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Which {
    integration_id: Option<String>,
    connection_id: Option<String>,
    #[serde(default)]
    force_refresh: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Include {
    #[serde(default)]
    include: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Metadata {
    mode: String,
    metadata: Value,
}

fn refused(error: &Error) -> Answered {
    let (status, kind) = match error {
        Error::Integration(_) | Error::Connection { .. } => (404, "not_found"),
        Error::Credentials(_) => (424, "invalid_credentials"),
        Error::Refresh(_) => (424, "refresh_failed"),
        _ => (500, "server_error"),
    };
    just(json!({ "error": { "status": status, "type": kind, "message": error.to_string() } }))
}

impl Host {
    pub(super) async fn provider(&self, which: Provider) -> Answered {
        let run = self.run();
        let id = which
            .provider_config_key
            .as_deref()
            .unwrap_or(&run.integration);
        match self.shared().connections.provider(&run.project, id).await {
            Ok((name, provider)) => just(json!({
                "name": name,
                "paginate": provider.paginate_json(),
            })),
            Err(_) => just(json!({ "name": run.provider })),
        }
    }

    pub(super) async fn connection(&self, which: Which) -> Answered {
        let run = self.run();
        let integration = which.integration_id.as_deref().unwrap_or(&run.integration);
        let id = which.connection_id.as_deref().unwrap_or(&run.connection);
        let force = which.force_refresh.unwrap_or(false);
        let connections = &self.shared().connections;
        let live = match connections.open(&run.project, integration, id, force).await {
            Ok(live) => live,
            Err(error) => return refused(&error),
        };
        let view = self.shared().reads.view(None);
        let row = view
            .connection(run.project.as_str(), live.key.as_str())
            .await?;
        let Some(mut row) = row else {
            return refused(&Error::Connection {
                connection: id.to_owned(),
                integration: integration.to_owned(),
            });
        };
        // What this run has just set is there, even when the read models are late.
        row.settings = live.settings;
        let mut shown = shapes::connection(&row, Some(&live.credentials));
        if let Some(trial) = self.trying()
            && let Some(metadata) = &trial.metadata
        {
            shown["metadata"] = metadata.clone();
        }
        just(shown)
    }

    pub(super) async fn integration(&self, asked: Include) -> Answered {
        let run = self.run();
        let connections = &self.shared().connections;
        let configured = match connections
            .integration(&run.project, &run.integration)
            .await
        {
            Ok(configured) => configured,
            Err(error) => return refused(&error),
        };
        let view = self.shared().reads.view(None);
        let row = view
            .integration(run.project.as_str(), &run.integration)
            .await?;
        let Some(row) = row else {
            return refused(&Error::Integration(run.integration.clone()));
        };
        let asks = |name: &str| match &asked.include {
            Some(Value::Array(list)) => list.iter().any(|one| one == name),
            Some(Value::String(one)) => one == name,
            _ => false,
        };
        let webhook = asks("webhook").then(|| self.webhook_url());
        let client = asks("credentials").then_some(configured.client.as_ref());
        let provider = Some(&*configured.provider);
        just(shapes::integration(&row, provider, webhook, client))
    }

    pub(super) fn webhook_url(&self) -> String {
        let run = self.run();
        self.shared().webhook_url(&run.project, &run.integration)
    }

    pub(super) async fn metadata(&self, change: Metadata) -> Answered {
        let run = self.run();
        let command = match (change.mode.as_str(), change.metadata) {
            ("update", Value::Object(metadata)) => Command::MergeMetadata { metadata },
            ("update", _) => Command::MergeMetadata {
                metadata: Map::new(),
            },
            (_, metadata) => Command::SetMetadata { metadata },
        };
        let key = keys::connection(&run.integration, &run.connection);
        let context = self.context();
        let bus = &self.shared().bus;
        bus.execute::<Connection>(&key.key(&run.project), command, &context)
            .await?;
        just(json!({}))
    }

    /// Variables of the project.
    pub(super) async fn environment(&self) -> Answered {
        let run = self.run();
        let holder = keys::environment().key(&run.project);
        let bus = &self.shared().bus;
        let loaded = bus.load::<aggregates::function::Function>(&holder).await?;
        let mut variables = Vec::new();
        for variable in loaded.state.variables.values() {
            let value = match &variable.value {
                aggregates::function::Value::Clear(text) => text.clone(),
                aggregates::function::Value::Secret(sealed) => {
                    self.shared().vault.open(sealed).await?
                }
            };
            variables.push(json!({ "name": variable.key, "value": value }));
        }
        just(json!({ "variables": variables }))
    }

    /// The context of a command that this run sends.
    pub(super) fn context(&self) -> Context {
        let run = self.run();
        let mut context = Context::once(format!("function:{}", run.name), run.project.as_str());
        context.correlation_id = run.id.clone();
        context
    }
}
