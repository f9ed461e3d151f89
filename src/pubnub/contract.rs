//! This dialect's side of running functions.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aggregates::deployment::Plan;
use aggregates::execution::{Execution, Outcome};
use aggregates::function::{Provider, Settings};
use aggregates::keyset::Keyset;
use aggregates::package::Package;
use aggregates::{
    DeploymentId, ExecutionId, FunctionId, Handler, HandlerCall, KeysetId, ProjectId,
};
use async_trait::async_trait;
use serde_json::Value;

use super::host::Host;
use super::{Shared, after};
use crate::execution::{Contract, Place, Refused, Session, Target};

/// Memory of a run.
const MEMORY: usize = 64 << 20;
/// Longest run, in seconds.
const TIMEOUT: u32 = 10;

/// The contract. What it needs is there only after the executor is.
#[derive(Clone, Default)]
pub struct Handlers {
    shared: Arc<OnceLock<Arc<Shared>>>,
}

impl Handlers {
    /// Says what it works with.
    pub fn set(&self, shared: Arc<Shared>) {
        let _ = self.shared.set(shared);
    }

    fn shared(&self) -> Result<&Arc<Shared>, Refused> {
        let starting = || Refused::Unavailable("the server is still starting".to_owned());
        self.shared.get().ok_or_else(starting)
    }
}

#[async_trait]
impl Contract for Handlers {
    fn driver(&self) -> &'static str {
        "pubnub"
    }

    fn log_name(&self) -> &'static str {
        "pubnub"
    }

    /// Functions of this dialect have no variables; secrets are read with `vault`.
    fn environment(&self, _: Place<'_>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn memory(&self, _: &str) -> usize {
        MEMORY
    }

    fn scheduled_request(&self, _: Place<'_>, _: &ExecutionId) -> Value {
        Value::Null
    }

    /// Intervals are timed from the end of a run, see `intervals`.
    fn next_run(&self, _: &str, _: i64) -> Option<i64> {
        None
    }

    async fn session(
        &self,
        place: Place<'_>,
        id: &ExecutionId,
        request: &mut Value,
    ) -> Result<Option<Arc<dyn Session>>, String> {
        let shared = self.shared().map_err(|refused| refused.to_string())?;
        let Some(call) = place.handler else {
            return Err("the function is no handler".to_owned());
        };
        let host = Host::of(shared, place.project, call, id, request).await?;
        Ok(Some(Arc::new(host)))
    }

    /// Every run has a fresh instance of the shared image.
    fn specialises(&self) -> bool {
        false
    }

    async fn resolve(
        &self,
        project: &ProjectId,
        function: &FunctionId,
        call: &HandlerCall,
    ) -> Result<Target, Refused> {
        let handler = handler(self.shared()?, project, call).await?;
        let deployment = match &call.deployment {
            Some(deployment) => deployment.as_str(),
            None => call.handler.as_str(),
        };
        Ok(Target {
            settings: settings(&call.name),
            deployment: DeploymentId::from(deployment),
            plan: Plan {
                function: function.clone(),
                kind: "manual".to_owned(),
                entrypoint: "index.js".to_owned(),
                commands: String::new(),
                activate: false,
                size: handler.code.size,
                chunks: 1,
                script: None,
            },
            artefact: handler.artefact,
        })
    }

    async fn failed(
        &self,
        project: &ProjectId,
        id: &ExecutionId,
        execution: &Execution,
        result: &Outcome,
    ) -> Result<bool, Refused> {
        after::failed(self.shared()?, project, id, execution, result).await
    }
}

/// How all functions of this dialect run.
fn settings(name: &str) -> Settings {
    Settings {
        name: name.to_owned(),
        timeout: TIMEOUT,
        enabled: true,
        logging: true,
        runtime: String::new(),
        execute: Vec::new(),
        events: Vec::new(),
        schedule: String::new(),
        entrypoint: String::new(),
        commands: String::new(),
        scopes: Vec::new(),
        provider: Provider::default(),
        build_specification: String::new(),
        runtime_specification: String::new(),
        deployment_retention: 0,
        script: None,
    }
}

/// The function of a call: connected to its keyset, or of its package, as a deployment may have
/// stopped since.
async fn handler(
    shared: &Shared,
    project: &ProjectId,
    call: &HandlerCall,
) -> Result<Handler, Refused> {
    let internal = |error: String| Refused::Internal(error);
    if let Some(deployment) = &call.deployment {
        let keyset = KeysetId::from(call.keyset.to_string()).key(project);
        let keyset = shared.bus.load::<Keyset>(&keyset).await;
        let keyset = keyset.map_err(|error| internal(error.to_string()))?.state;
        let connected = keyset.connected(deployment);
        let mut handlers = connected.iter().flat_map(|connected| &connected.handlers);
        if let Some(found) = handlers.find(|handler| handler.revision == call.handler) {
            return Ok(found.clone());
        }
    }
    let package = call.package.key(project);
    let package = shared.bus.load::<Package>(&package).await;
    let package = package.map_err(|error| internal(error.to_string()))?.state;
    let found = package.handler(&call.handler);
    let (_, handler) = found.ok_or(Refused::FunctionNotFound)?;
    Ok(handler.clone())
}
