//! The environment of a function: its variables, opened, below the platform's.

use std::collections::BTreeMap;
use std::sync::Arc;

use aggregates::function::{Function, Value};
use sandbox::Env;

use super::contract::{Contract, Place};
use crate::bus::Loaded;
use crate::vault::{self, Vault};

/// Environments of functions as they are now, so that secrets are not opened
/// for every execution.
pub(super) struct Environments {
    vault: Vault,
    known: quick_cache::sync::Cache<String, Known>,
}

#[derive(Clone)]
struct Known {
    sequence: u64,
    deployment: String,
    env: Arc<Env>,
}

impl Environments {
    pub(super) fn new(vault: Vault, capacity: usize) -> Self {
        Self {
            vault,
            known: quick_cache::sync::Cache::new(capacity),
        }
    }

    pub(super) async fn of(
        &self,
        function: &Loaded<Function>,
        place: Place<'_>,
        contract: &dyn Contract,
    ) -> Result<Arc<Env>, vault::Error> {
        let key = place.function.key(place.project);
        if let Some(known) = self.known.get(&key)
            && known.sequence == function.sequence
            && known.deployment == place.deployment.as_str()
        {
            return Ok(known.env);
        }
        let (mut clear, mut secret) = (BTreeMap::new(), BTreeMap::new());
        for variable in function.state.variables.values() {
            match &variable.value {
                Value::Clear(text) => clear.insert(variable.key.clone(), text.clone()),
                Value::Secret(sealed) => {
                    secret.insert(variable.key.clone(), self.vault.open(sealed).await?)
                }
            };
        }
        for (name, value) in contract.environment(place) {
            secret.remove(&name);
            clear.insert(name, value);
        }
        let env = Arc::new(Env::new(clear, secret));
        self.known.insert(
            key,
            Known {
                sequence: function.sequence,
                deployment: place.deployment.to_string(),
                env: env.clone(),
            },
        );
        Ok(env)
    }
}
