//! This dialect's side of running and building functions.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aggregates::{Blob, ExecutionId, ScriptKind};
use async_trait::async_trait;
use sandbox::Image;
use serde_json::{Value, json};

use super::runtime::{Host, Run};
use super::{Shared, build};
use crate::auth::now_ms;
use crate::execution::{Contract, Made, NotMade, Place, Session};

/// Retries of an action that runs later; the dialect's own limit.
const MOST_RETRIES: u32 = 5;

/// Memory of a run.
const MEMORY: usize = 512 << 20;

/// The contract. What it needs is there only after the executor is.
#[derive(Clone, Default)]
pub struct Scripts {
    shared: Arc<OnceLock<Arc<Shared>>>,
}

impl Scripts {
    /// Says what it works with.
    pub fn set(&self, shared: Arc<Shared>) {
        let _ = self.shared.set(shared);
    }

    fn shared(&self) -> Result<&Arc<Shared>, String> {
        self.shared
            .get()
            .ok_or_else(|| "the server is still starting".to_owned())
    }
}

#[async_trait]
impl Contract for Scripts {
    fn driver(&self) -> &'static str {
        "nango"
    }

    fn log_name(&self) -> &'static str {
        "nango"
    }

    /// Functions of this dialect read variables through `nango` only.
    fn environment(&self, _: Place<'_>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn memory(&self, _: &str) -> usize {
        MEMORY
    }

    fn scheduled_request(&self, _: Place<'_>, _: &ExecutionId) -> Value {
        json!({})
    }

    /// Syncs have schedules of their own.
    fn next_run(&self, _: &str, _: i64) -> Option<i64> {
        None
    }

    async fn image(&self) -> Result<Option<Image>, String> {
        let image = self.shared()?.compiling.toolchain().image().await;
        image.map(Some).map_err(|error| error.to_string())
    }

    /// `request`: `{connection, input?, depth, retries}` of an action.
    async fn session(
        &self,
        place: Place<'_>,
        id: &ExecutionId,
        request: &mut Value,
    ) -> Result<Option<Arc<dyn Session>>, String> {
        let shared = self.shared()?;
        let Some(script) = &place.settings.script else {
            return Err("the function is no script".to_owned());
        };
        let connections = &shared.connections;
        let provider = connections.provider(place.project, &script.integration);
        let (provider, _) = provider.await.map_err(|error| error.to_string())?;
        let run = Run {
            project: place.project.clone(),
            integration: script.integration.clone(),
            provider,
            connection: request["connection"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            kind: script.kind,
            name: script.name.clone(),
            variant: "base".to_owned(),
            id: id.to_string(),
            attempt: 0,
            began: now_ms(),
            depth: request["depth"].as_u64().unwrap_or(0) as u32,
        };
        let host = Host::new(shared.clone(), run);
        let job = match script.kind {
            ScriptKind::Sync => "sync",
            ScriptKind::OnEvent => "on-event",
            ScriptKind::Action | ScriptKind::Function => "action",
        };
        let input = request.get_mut("input").map(Value::take);
        let validate = json!({ "validate": shared.validate });
        *request = host.request(job, input, &validate);
        Ok(Some(Arc::new(host)))
    }

    fn keeps_output(&self) -> bool {
        true
    }

    fn retries(&self, request: &Value) -> u32 {
        let asked = request["retries"].as_u64().unwrap_or(0);
        u32::try_from(asked).map_or(MOST_RETRIES, |asked| asked.min(MOST_RETRIES))
    }

    /// Code, message and stack; what else a function says goes to its caller only.
    fn failure(&self, answer: &Value) -> Option<String> {
        let error = &answer["error"];
        let code = error["code"].as_str()?;
        let payload = &error["payload"];
        let message = match code {
            "script_internal_error" | "script_network_error" => payload["message"].as_str(),
            _ => error["message"].as_str(),
        };
        let mut told = match message {
            Some(message) => format!("{code}: {message}\n"),
            None => format!("{code}\n"),
        };
        let stack = payload["stacktrace"].as_array().into_iter().flatten();
        for line in stack.filter_map(Value::as_str) {
            told.push_str(&format!("    {line}\n"));
        }
        Some(told)
    }

    async fn build(&self, place: Place<'_>, source: &[Blob]) -> Option<Result<Made, NotMade>> {
        let shared = match self.shared() {
            Ok(shared) => shared,
            Err(cause) => return Some(Err(NotMade::Broken(cause))),
        };
        Some(build::build(shared, place, source).await)
    }
}
