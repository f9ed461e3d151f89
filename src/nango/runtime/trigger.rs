//! Functions that start other functions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Host, just};
use crate::nango::actions::{self, Action};
use crate::nango::syncs::{self, Name};

/// Functions that may have called one another.
const DEEPEST: u32 = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TriggerAction {
    integration_id: String,
    connection_id: String,
    action: String,
    input: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TriggerSync {
    integration_id: String,
    connection_id: String,
    sync: Name,
    opts: Option<Value>,
    sync_mode: Option<Value>,
    full_resync: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartSync {
    integration_id: String,
    syncs: Vec<Name>,
    connection_id: Option<String>,
}

impl Host {
    pub(super) async fn trigger_action(&self, asked: TriggerAction) -> Answered {
        let run = self.run();
        if run.depth >= DEEPEST {
            let body = json!({ "error": { "code": "too_deep", "message": "functions call one another too deep" } });
            return just(json!({ "error": { "status": 400, "body": body } }));
        }
        let action = Action {
            project: run.project.clone(),
            integration: asked.integration_id,
            connection: asked.connection_id,
            name: asked.action,
            input: asked.input,
            depth: run.depth + 1,
            retries: 0,
        };
        let id = uuid::Uuid::now_v7().to_string().into();
        let ran = actions::run(self.shared(), action, id, &self.context()).await;
        match ran {
            Ok(answer) if answer.status < 400 => {
                let output: Value = match answer.body.is_empty() {
                    true => Value::Null,
                    false => serde_json::from_slice(&answer.body)?,
                };
                just(json!({ "output": output }))
            }
            Ok(answer) => {
                let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                just(json!({ "error": { "status": answer.status, "body": body } }))
            }
            Err(refused) => {
                let (status, code) = refused.shown();
                let body = json!({ "error": { "code": code, "message": refused.to_string() } });
                just(json!({ "error": { "status": status, "body": body } }))
            }
        }
    }

    pub(super) async fn trigger_sync(&self, asked: TriggerSync) -> Answered {
        let mode = asked
            .sync_mode
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        let option = |name: &str| asked.opts.as_ref().is_some_and(|opts| opts[name] == true);
        let reset = option("reset")
            || asked.full_resync == Some(true)
            || matches!(mode, "full_refresh" | "full_refresh_and_clear_cache");
        let empty = option("emptyCache") || mode == "full_refresh_and_clear_cache";
        let target = syncs::Target {
            project: self.run().project.clone(),
            integration: asked.integration_id,
            connection: Some(asked.connection_id),
        };
        let change = syncs::Change::Request { reset, empty };
        let names = [asked.sync];
        let context = self.context();
        let done = syncs::change(self.shared(), &target, &names, change, &context);
        match done.await {
            Ok(_) => just(json!({})),
            Err(error) => just(json!({ "error": { "status": 400, "message": error.to_string() } })),
        }
    }

    pub(super) async fn start_sync(&self, asked: StartSync) -> Answered {
        let target = syncs::Target {
            project: self.run().project.clone(),
            integration: asked.integration_id,
            connection: asked.connection_id,
        };
        let (context, change) = (self.context(), syncs::Change::Start);
        let done = syncs::change(self.shared(), &target, &asked.syncs, change, &context);
        match done.await {
            Ok(_) => just(json!({})),
            Err(error) => just(json!({ "error": { "status": 400, "message": error.to_string() } })),
        }
    }
}
