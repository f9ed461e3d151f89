//! A function: its settings, its variables, and which deployment is active.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{DeploymentId, Dialect, Sealed, VariableId};

mod settings;

pub use settings::{Change, Provider, ProviderChange, Settings};

/// What can be asked of a function.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes the function.
    Create {
        /// The dialect it is made through.
        origin: Dialect,
        /// What it is to be.
        settings: Settings,
    },
    /// Replaces settings.
    Update {
        /// The new settings, some of which may be left as they are.
        change: Change,
    },
    /// Ends the function and everything below it.
    Delete,
    /// Makes a deployment the active one. That the deployment exists and is
    /// ready is known to whoever sends this.
    ActivateDeployment {
        /// Which.
        deployment: DeploymentId,
        /// Set when a finished build asks: the position at which the deployment
        /// was queued. An older build never replaces a newer one.
        queued_at: Option<u64>,
    },
    /// Adds a variable.
    CreateVariable {
        /// Chosen by the caller.
        id: VariableId,
        /// Name in the environment, unique in the function.
        key: String,
        /// Clear or sealed.
        value: Value,
    },
    /// Changes what is given of a variable.
    UpdateVariable {
        /// Which.
        id: VariableId,
        /// A new name.
        key: Option<String>,
        /// A new value; sealed makes the variable secret.
        value: Option<Value>,
    },
    /// Removes a variable.
    DeleteVariable {
        /// Which.
        id: VariableId,
    },
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Not a secret.
    Clear(String),
    /// A secret.
    Secret(Sealed),
}

impl Value {
    /// Whether it is a secret.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

/// A variable of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Name in the environment.
    pub key: String,
    /// Clear or sealed.
    pub value: Value,
}

/// What happened to a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The function exists.
    FunctionCreated { origin: Dialect, settings: Settings },
    /// All settings as they are now. `needs_build`: the active code was built
    /// under others.
    FunctionUpdated {
        settings: Settings,
        needs_build: bool,
    },
    /// The function and everything below it is gone.
    FunctionDeleted {},
    /// Executions run on this deployment from now on. `queued_at` is set when
    /// a finished build asked for it.
    DeploymentActivated {
        deployment: DeploymentId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queued_at: Option<u64>,
    },
    /// A variable was added.
    VariableCreated { id: VariableId, variable: Variable },
    /// A variable as it is now.
    VariableUpdated { id: VariableId, variable: Variable },
    /// A variable was removed.
    VariableDeleted { id: VariableId },
}

kinds!(Event: FunctionCreated, FunctionUpdated, FunctionDeleted, DeploymentActivated,
    VariableCreated, VariableUpdated, VariableDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such function.
    #[error("the function does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a function with this id exists already")]
    AlreadyExists,
    /// A newer build was activated before.
    #[error("a newer deployment than {0} is active already")]
    Superseded(DeploymentId),
    /// There is no such variable.
    #[error("the variable {0} does not exist")]
    VariableNotFound(VariableId),
    /// The id or the key of the variable is taken.
    #[error("a variable with this id or key exists already")]
    VariableAlreadyExists,
    /// A secret stays a secret.
    #[error("the variable {0} is secret and cannot be made readable")]
    VariableIsSecret(VariableId),
    /// [`Function::MAX_VARIABLES`] is reached.
    #[error("a function holds at most {} variables", Function::MAX_VARIABLES)]
    TooManyVariables,
}

/// The state of a function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its settings; none: it does not exist.
    pub settings: Option<Settings>,
    /// The dialect it was made through.
    pub origin: Dialect,
    /// Its variables.
    pub variables: BTreeMap<VariableId, Variable>,
    /// The deployment executions run on.
    pub active: Option<DeploymentId>,
    /// When the newest deployment that a build activated was queued.
    pub newest_activated: u64,
}

aggregate!(Function, "function", fold 2);

impl Function {
    /// Most variables of one function (the dialect returns up to this many).
    pub const MAX_VARIABLES: usize = 1000;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let Some(settings) = &self.settings else {
            return match command {
                Command::Create { origin, settings } => {
                    Ok(vec![Event::FunctionCreated { origin, settings }])
                }
                _ => Err(Error::NotFound),
            };
        };
        let event = match command {
            Command::Create { .. } => return Err(Error::AlreadyExists),
            Command::Update { change } => {
                let new = change.apply_to(settings);
                let needs_build = settings.needs_build(&new);
                Event::FunctionUpdated {
                    settings: new,
                    needs_build,
                }
            }
            Command::Delete => Event::FunctionDeleted {},
            Command::ActivateDeployment {
                deployment,
                queued_at,
            } => match queued_at {
                Some(position) if position < self.newest_activated => {
                    return Err(Error::Superseded(deployment));
                }
                _ => Event::DeploymentActivated {
                    deployment,
                    queued_at,
                },
            },
            Command::CreateVariable { id, key, value } => {
                if self.variables.contains_key(&id) || self.holds_key(&key, None) {
                    return Err(Error::VariableAlreadyExists);
                }
                if self.variables.len() >= Self::MAX_VARIABLES {
                    return Err(Error::TooManyVariables);
                }
                Event::VariableCreated {
                    id,
                    variable: Variable { key, value },
                }
            }
            Command::UpdateVariable { id, key, value } => {
                let Some(current) = self.variables.get(&id) else {
                    return Err(Error::VariableNotFound(id));
                };
                if matches!(value, Some(Value::Clear(_))) && current.value.is_secret() {
                    return Err(Error::VariableIsSecret(id));
                }
                let key = key.unwrap_or_else(|| current.key.clone());
                if self.holds_key(&key, Some(&id)) {
                    return Err(Error::VariableAlreadyExists);
                }
                let value = value.unwrap_or_else(|| current.value.clone());
                Event::VariableUpdated {
                    id,
                    variable: Variable { key, value },
                }
            }
            Command::DeleteVariable { id } if self.variables.contains_key(&id) => {
                Event::VariableDeleted { id }
            }
            Command::DeleteVariable { id } => return Err(Error::VariableNotFound(id)),
        };
        Ok(vec![event])
    }

    fn holds_key(&self, key: &str, except: Option<&VariableId>) -> bool {
        self.variables
            .iter()
            .any(|(id, variable)| variable.key == key && Some(id) != except)
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::FunctionCreated { origin, settings } => {
                *self = Self {
                    settings: Some(settings),
                    origin,
                    ..Self::default()
                };
            }
            Event::FunctionUpdated { settings, .. } => self.settings = Some(settings),
            Event::FunctionDeleted {} => *self = Self::default(),
            Event::DeploymentActivated {
                deployment,
                queued_at,
            } => {
                self.active = Some(deployment);
                self.newest_activated = self.newest_activated.max(queued_at.unwrap_or(0));
            }
            Event::VariableCreated { id, variable } | Event::VariableUpdated { id, variable } => {
                self.variables.insert(id, variable);
            }
            Event::VariableDeleted { id } => {
                self.variables.remove(&id);
            }
        }
    }
}
