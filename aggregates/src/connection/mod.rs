//! A connection: the credentials of one end user for an integration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::aggregate::{aggregate, kinds};
use crate::{IntegrationId, Sealed};

/// What can be asked of a connection.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes it. That the integration exists is known to whoever sends this.
    Create {
        /// The integration it is for.
        integration: IntegrationId,
        /// The id it is known by, unique in its integration.
        connection_id: String,
        /// The provider of the integration.
        provider: String,
        /// What it is to be.
        settings: Settings,
    },
    /// Replaces all of it: the same id was posted again.
    Replace {
        /// What it is to be.
        settings: Settings,
    },
    /// Replaces the credentials, after a refresh. A failure that was noted is over.
    SetCredentials {
        /// A JSON object.
        credentials: Sealed,
        /// Milliseconds since the Unix epoch; none: never.
        expires_at: Option<i64>,
    },
    /// Notes that the credentials do not do. The same failure twice is noted once.
    NoteFailure {
        /// One sentence, without secrets.
        error: String,
    },
    /// Replaces the metadata.
    SetMetadata {
        /// Any JSON.
        metadata: Value,
    },
    /// Replaces these fields of the metadata, and leaves the others. Metadata
    /// that is no object is replaced as a whole.
    MergeMetadata {
        /// Fields of the top level.
        metadata: Map<String, Value>,
    },
    /// Replaces what describes it.
    Update {
        /// The new values, some of which may be left as they are.
        change: Change,
    },
    /// Ends it, with its syncs.
    Delete,
}

/// What a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Authentication mode, for example `OAUTH2` or `API_KEY`.
    pub kind: String,
    /// A JSON object.
    pub credentials: Sealed,
    /// When the credentials end, in milliseconds since the Unix epoch; none: never.
    pub expires_at: Option<i64>,
    /// What the provider's templates are filled with.
    pub config: BTreeMap<String, String>,
    /// Any JSON, for the functions to read.
    pub metadata: Value,
    /// For whoever made it to find it by.
    pub tags: BTreeMap<String, String>,
    /// The person it belongs to, as given.
    pub end_user: Option<Value>,
    /// Where webhooks about it go, in place of the project's own address.
    pub webhook_url_override: Option<String>,
}

/// New values of what describes a connection; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of `Settings`")]
pub struct Change {
    pub config: Option<BTreeMap<String, String>>,
    pub tags: Option<BTreeMap<String, String>>,
    /// The inner `None` takes it away.
    pub end_user: Option<Option<Value>>,
    /// The inner `None` takes it away.
    pub webhook_url_override: Option<Option<String>>,
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The connection exists.
    ConnectionCreated {
        integration: IntegrationId,
        connection_id: String,
        provider: String,
        settings: Settings,
    },
    /// All of it as it is now.
    ConnectionReplaced { settings: Settings },
    /// The credentials as they are now.
    CredentialsRefreshed {
        credentials: Sealed,
        expires_at: Option<i64>,
    },
    /// The credentials do not do.
    RefreshFailed { error: String },
    /// The whole metadata as it is now.
    MetadataSet { metadata: Value },
    /// What describes it, as it is now.
    ConnectionUpdated {
        config: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
        end_user: Option<Value>,
        webhook_url_override: Option<String>,
    },
    /// The connection and its syncs are gone.
    ConnectionDeleted {},
}

kinds!(Event: ConnectionCreated, ConnectionReplaced, CredentialsRefreshed, RefreshFailed,
    MetadataSet, ConnectionUpdated, ConnectionDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such connection.
    #[error("the connection does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a connection with this id exists already")]
    AlreadyExists,
}

/// The state of a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The integration it is for.
    pub integration: IntegrationId,
    /// The id it is known by.
    pub connection_id: String,
    /// The provider of the integration.
    pub provider: String,
    /// What it is; none: it does not exist.
    pub settings: Option<Settings>,
    /// Why the credentials do not do, if they do not.
    pub failure: Option<String>,
}

aggregate!(Connection, "connection", fold 1);

impl Connection {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let Some(current) = &self.settings else {
            return match command {
                Command::Create {
                    integration,
                    connection_id,
                    provider,
                    settings,
                } => Ok(vec![Event::ConnectionCreated {
                    integration,
                    connection_id,
                    provider,
                    settings,
                }]),
                _ => Err(Error::NotFound),
            };
        };
        let event = match command {
            Command::Create { .. } => return Err(Error::AlreadyExists),
            Command::Replace { settings } => Event::ConnectionReplaced { settings },
            Command::SetCredentials {
                credentials,
                expires_at,
            } => Event::CredentialsRefreshed {
                credentials,
                expires_at,
            },
            Command::NoteFailure { error } if self.failure.as_ref() == Some(&error) => {
                return Ok(vec![]);
            }
            Command::NoteFailure { error } => Event::RefreshFailed { error },
            Command::SetMetadata { metadata } => return Ok(set(current, metadata)),
            Command::MergeMetadata { metadata } => {
                let mut merged = match &current.metadata {
                    Value::Object(fields) => fields.clone(),
                    _ => Map::new(),
                };
                merged.extend(metadata);
                return Ok(set(current, Value::Object(merged)));
            }
            Command::Update { change } => Event::ConnectionUpdated {
                config: change.config.unwrap_or_else(|| current.config.clone()),
                tags: change.tags.unwrap_or_else(|| current.tags.clone()),
                end_user: change.end_user.unwrap_or_else(|| current.end_user.clone()),
                webhook_url_override: change
                    .webhook_url_override
                    .unwrap_or_else(|| current.webhook_url_override.clone()),
            },
            Command::Delete => Event::ConnectionDeleted {},
        };
        Ok(vec![event])
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::ConnectionCreated {
                integration,
                connection_id,
                provider,
                settings,
            } => {
                *self = Self {
                    integration,
                    connection_id,
                    provider,
                    settings: Some(settings),
                    failure: None,
                };
            }
            Event::ConnectionReplaced { settings } => {
                self.settings = Some(settings);
                self.failure = None;
            }
            Event::RefreshFailed { error } => self.failure = Some(error),
            Event::ConnectionDeleted {} => *self = Self::default(),
            change => {
                if matches!(change, Event::CredentialsRefreshed { .. }) {
                    self.failure = None;
                }
                if let Some(settings) = &mut self.settings {
                    settings.fold(change);
                }
            }
        }
    }
}

/// Metadata that is there already is not set again: functions do so in every run.
fn set(current: &Settings, metadata: Value) -> Vec<Event> {
    if current.metadata == metadata {
        return vec![];
    }
    vec![Event::MetadataSet { metadata }]
}

impl Settings {
    /// Applies an event that changes a part of them; the others do nothing.
    /// Read models fold with it as well.
    pub fn fold(&mut self, event: Event) {
        match event {
            Event::CredentialsRefreshed {
                credentials,
                expires_at,
            } => {
                self.credentials = credentials;
                self.expires_at = expires_at;
            }
            Event::MetadataSet { metadata } => self.metadata = metadata,
            Event::ConnectionUpdated {
                config,
                tags,
                end_user,
                webhook_url_override,
            } => {
                self.config = config;
                self.tags = tags;
                self.end_user = end_user;
                self.webhook_url_override = webhook_url_override;
            }
            _ => {}
        }
    }
}
