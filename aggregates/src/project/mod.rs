//! A project: tenant, owner of API keys, functions and everything below.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::KeyId;
use crate::aggregate::{aggregate, kinds};

/// What can be asked of a project.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes the project.
    Create {
        /// Shown to people.
        name: String,
        /// Names the key that seals the project's secrets. The key itself is
        /// never part of an event.
        data_key: String,
    },
    /// Ends the project and everything in it.
    Delete,
    /// Adds an API key.
    CreateKey {
        /// Chosen by the caller of the bus.
        id: KeyId,
        /// What it is and may do.
        key: Key,
    },
    /// Makes an API key unusable.
    RevokeKey {
        /// Which.
        id: KeyId,
    },
}

/// An API key as it is remembered: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Shown to people.
    pub name: String,
    /// Lower-case hexadecimal SHA-256 of the secret.
    pub hash: String,
    /// What it may do; `*` for everything.
    pub scopes: Vec<String>,
    /// Milliseconds since the Unix epoch; none: never.
    pub expires_at: Option<i64>,
}

/// What happened to a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The project exists.
    ProjectCreated { name: String, data_key: String },
    /// The project and everything in it is gone.
    ProjectDeleted {},
    /// A key may be used.
    KeyCreated { id: KeyId, key: Key },
    /// A key may not be used any more.
    KeyRevoked { id: KeyId },
}

kinds!(Event: ProjectCreated, ProjectDeleted, KeyCreated, KeyRevoked);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such project.
    #[error("the project does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a project with this id exists already")]
    AlreadyExists,
    /// There is no such key.
    #[error("the key {0} does not exist")]
    KeyNotFound(KeyId),
    /// The key id is taken.
    #[error("a key with the id {0} exists already")]
    KeyAlreadyExists(KeyId),
}

/// The state of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Created and not deleted.
    pub exists: bool,
    /// Shown to people.
    pub name: String,
    /// Names the key that seals the project's secrets.
    pub data_key: String,
    /// The keys that may be used.
    pub keys: BTreeMap<KeyId, Key>,
}

aggregate!(Project, "project", fold 1);

impl Project {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        match command {
            Command::Create { name, data_key } if !self.exists => {
                Ok(vec![Event::ProjectCreated { name, data_key }])
            }
            Command::Create { .. } => Err(Error::AlreadyExists),
            _ if !self.exists => Err(Error::NotFound),
            Command::Delete => Ok(vec![Event::ProjectDeleted {}]),
            Command::CreateKey { id, .. } if self.keys.contains_key(&id) => {
                Err(Error::KeyAlreadyExists(id))
            }
            Command::CreateKey { id, key } => Ok(vec![Event::KeyCreated { id, key }]),
            Command::RevokeKey { id } if self.keys.contains_key(&id) => {
                Ok(vec![Event::KeyRevoked { id }])
            }
            Command::RevokeKey { id } => Err(Error::KeyNotFound(id)),
        }
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::ProjectCreated { name, data_key } => {
                *self = Self {
                    exists: true,
                    name,
                    data_key,
                    keys: BTreeMap::new(),
                };
            }
            Event::ProjectDeleted {} => *self = Self::default(),
            Event::KeyCreated { id, key } => {
                self.keys.insert(id, key);
            }
            Event::KeyRevoked { id } => {
                self.keys.remove(&id);
            }
        }
    }
}
