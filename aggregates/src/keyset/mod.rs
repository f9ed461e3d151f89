//! A keyset: what publishes and subscribes with one pair of keys, its secrets, and which
//! functions are connected to it. What is connected changes in one event, so that whoever sends
//! meets the functions before a change or those after it, never some of both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::{Handler, PackageDeploymentId, PackageId, RevisionId, Sealed, route};

/// What can be asked of a keyset.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes it.
    Create {
        /// Its number, unique in the installation.
        number: u64,
        /// Its name.
        name: String,
        /// `pub-c-…`, unique.
        publish_key: String,
        /// `sub-c-…`, unique.
        subscribe_key: String,
        /// How it behaves.
        settings: Settings,
    },
    /// Changes name or settings.
    Update {
        /// The new name; none: as it is.
        name: Option<String>,
        /// The new settings; none: as they are.
        settings: Option<Settings>,
    },
    /// Ends it. Refused while functions are connected.
    Delete,
    /// Sets a secret that its functions may read.
    SetSecret {
        /// Its name.
        name: String,
        /// Its value.
        value: Sealed,
    },
    /// Takes a secret away. Nothing happens when there is none.
    DeleteSecret {
        /// Its name.
        name: String,
    },
    /// Connects the functions of a deployment; they come after those that are connected, also
    /// when they were connected already: a deployment that is started again is the youngest.
    Connect {
        /// The deployment with its functions.
        connected: Connected,
    },
    /// Disconnects the functions of a deployment. Nothing happens when it is not connected.
    Disconnect {
        /// The deployment.
        deployment: PackageDeploymentId,
    },
    /// Puts a deployment into the place of another.
    Switch {
        /// The one that goes.
        from: PackageDeploymentId,
        /// The one that comes.
        to: Connected,
    },
}

/// How a keyset behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What becomes of a message when a function before it fails.
    pub on_function_error: OnError,
    /// How often a function after a message is tried again when it fails.
    pub after_retries: u32,
    /// Milliseconds before the first further try; each one after waits twice as long.
    pub retry_delay_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            on_function_error: OnError::Block,
            after_retries: 0,
            retry_delay_ms: 1000,
        }
    }
}

/// What becomes of a message when a function before it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// It is not delivered: fail closed.
    #[default]
    Block,
    /// It is delivered as it was before that function: fail open.
    Pass,
}

/// A deployment whose functions are connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// The deployment.
    pub deployment: PackageDeploymentId,
    /// Its package.
    pub package: PackageId,
    /// The revision of the package.
    pub revision: RevisionId,
    /// Its functions, in the order of `sort_order` and name.
    pub handlers: Vec<Handler>,
}

impl Connected {
    fn paths(&self) -> impl Iterator<Item = &str> {
        let handlers = self.handlers.iter();
        handlers.filter_map(|handler| handler.trigger.path.as_deref())
    }
}

/// What happened to a keyset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The keyset exists.
    KeysetCreated {
        number: u64,
        name: String,
        publish_key: String,
        subscribe_key: String,
        settings: Settings,
    },
    /// Name and settings as they are now.
    KeysetUpdated { name: String, settings: Settings },
    /// The keyset is gone, with its secrets and its store.
    KeysetDeleted {},
    /// The secret has this value.
    SecretSet { name: String, value: Sealed },
    /// The secret is gone.
    SecretDeleted { name: String },
    /// These functions take part, after those that do already.
    FunctionsConnected { connected: Connected },
    /// The functions of this deployment do not take part any more.
    FunctionsDisconnected { deployment: PackageDeploymentId },
    /// From now on the new functions take part, in the place of the old.
    FunctionsSwitched {
        from: PackageDeploymentId,
        to: Connected,
    },
}

kinds!(Event: KeysetCreated, KeysetUpdated, KeysetDeleted, SecretSet, SecretDeleted,
    FunctionsConnected, FunctionsDisconnected, FunctionsSwitched);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such keyset.
    #[error("the keyset does not exist")]
    NotFound,
    /// The number is taken.
    #[error("a keyset with this number exists already")]
    AlreadyExists,
    /// Functions are connected.
    #[error("functions are running on the keyset")]
    InUse,
    /// Another deployment answers some of the same paths.
    #[error("the path '{path}' overlaps with '{other}' of deployment {deployment}")]
    RouteConflict {
        /// The path that cannot be connected.
        path: String,
        /// The path that is.
        other: String,
        /// Its deployment.
        deployment: PackageDeploymentId,
    },
    /// The deployment that is to go is not connected.
    #[error("deployment {0} is not connected")]
    NotConnected(PackageDeploymentId),
}

/// The state of a keyset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Keyset {
    /// Its number; none: it does not exist.
    pub number: Option<u64>,
    /// Its name.
    pub name: String,
    /// Who publishes names this.
    pub publish_key: String,
    /// Who subscribes names this.
    pub subscribe_key: String,
    /// How it behaves.
    pub settings: Settings,
    /// Secrets by name.
    pub secrets: BTreeMap<String, Sealed>,
    /// What takes part, in the order in which it came.
    pub connected: Vec<Connected>,
}

aggregate!(Keyset, "keyset", fold 1);

impl Keyset {
    /// The deployment, if it is connected.
    pub fn connected(&self, deployment: &PackageDeploymentId) -> Option<&Connected> {
        self.connected
            .iter()
            .find(|have| have.deployment == *deployment)
    }

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        if self.number.is_none() {
            return match command {
                Command::Create {
                    number,
                    name,
                    publish_key,
                    subscribe_key,
                    settings,
                } => Ok(vec![Event::KeysetCreated {
                    number,
                    name,
                    publish_key,
                    subscribe_key,
                    settings,
                }]),
                _ => Err(Error::NotFound),
            };
        }
        let event = match command {
            Command::Create { .. } => return Err(Error::AlreadyExists),
            Command::Update { name, settings } => {
                let name = name.unwrap_or_else(|| self.name.clone());
                let settings = settings.unwrap_or_else(|| self.settings.clone());
                if name == self.name && settings == self.settings {
                    return Ok(vec![]);
                }
                Event::KeysetUpdated { name, settings }
            }
            Command::Delete if !self.connected.is_empty() => return Err(Error::InUse),
            Command::Delete => Event::KeysetDeleted {},
            Command::SetSecret { name, value } => Event::SecretSet { name, value },
            Command::DeleteSecret { name } => match self.secrets.contains_key(&name) {
                true => Event::SecretDeleted { name },
                false => return Ok(vec![]),
            },
            Command::Connect { connected } => {
                if self.connected.last() == Some(&connected) {
                    return Ok(vec![]);
                }
                self.free(&connected, &connected.deployment)?;
                Event::FunctionsConnected { connected }
            }
            Command::Disconnect { deployment } => match self.connected(&deployment) {
                Some(_) => Event::FunctionsDisconnected { deployment },
                None => return Ok(vec![]),
            },
            Command::Switch { from, to } => {
                if self.connected(&from).is_none() {
                    return match self.connected.contains(&to) {
                        // The same switch was made before.
                        true => Ok(vec![]),
                        false => Err(Error::NotConnected(from)),
                    };
                }
                self.free(&to, &from)?;
                Event::FunctionsSwitched { from, to }
            }
        };
        Ok(vec![event])
    }

    /// Whether the paths of a deployment are free, but for those of another.
    fn free(&self, coming: &Connected, going: &PackageDeploymentId) -> Result<(), Error> {
        let staying = self
            .connected
            .iter()
            .filter(|have| have.deployment != *going && have.deployment != coming.deployment);
        for have in staying {
            for path in coming.paths() {
                if let Some(other) = have.paths().find(|other| route::overlap(path, other)) {
                    return Err(Error::RouteConflict {
                        path: path.to_owned(),
                        other: other.to_owned(),
                        deployment: have.deployment.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::KeysetCreated {
                number,
                name,
                publish_key,
                subscribe_key,
                settings,
            } => {
                *self = Self {
                    number: Some(number),
                    name,
                    publish_key,
                    subscribe_key,
                    settings,
                    ..Self::default()
                };
            }
            Event::KeysetUpdated { name, settings } => {
                self.name = name;
                self.settings = settings;
            }
            Event::KeysetDeleted {} => *self = Self::default(),
            Event::SecretSet { name, value } => {
                self.secrets.insert(name, value);
            }
            Event::SecretDeleted { name } => {
                self.secrets.remove(&name);
            }
            Event::FunctionsConnected { connected } => {
                self.connected
                    .retain(|have| have.deployment != connected.deployment);
                self.connected.push(connected);
            }
            Event::FunctionsDisconnected { deployment } => {
                self.connected.retain(|have| have.deployment != deployment);
            }
            Event::FunctionsSwitched { from, to } => {
                self.connected
                    .retain(|have| have.deployment != to.deployment);
                for have in &mut self.connected {
                    if have.deployment == from {
                        *have = to.clone();
                    }
                }
            }
        }
    }
}
