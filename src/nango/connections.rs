//! Connections as they are used: opened, and with credentials that have not expired.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use aggregates::connection::{self, Command, Connection};
use aggregates::integration::{self, Integration};
use aggregates::project::Project;
use aggregates::{ConnectionKey, IntegrationId, ProjectId, Sealed};
use connectors::{Catalogue, Client, Credentials, Fresh, Provider, Target, token};
use serde_json::{Map, Value};

use super::keys;
use super::transport::{self, Outbound};
use crate::bus::{self, Bus, Context};
use crate::vault::Vault;

/// Sent with calls whose provider asks for no other.
pub const USER_AGENT: &str = concat!("strata/", env!("CARGO_PKG_VERSION"));

/// Why a connection cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such integration.
    #[error("Integration '{0}' was not found")]
    Integration(String),
    /// There is no such connection.
    #[error("Connection '{connection}' was not found for integration '{integration}'")]
    Connection {
        /// Its id.
        connection: String,
        /// The integration's.
        integration: String,
    },
    /// The catalogue has no such provider any more.
    #[error("the provider {0} is not in the catalogue")]
    Provider(String),
    /// The user must connect again.
    #[error("{0}")]
    Credentials(String),
    /// The provider of tokens could not be asked.
    #[error("{0}")]
    Refresh(String),
    /// Something below is not there right now.
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl<E: std::error::Error> From<bus::Error<E>> for Error {
    fn from(error: bus::Error<E>) -> Self {
        match error {
            bus::Error::Unavailable(error) => Self::Unavailable(error.to_string()),
            error => Self::Internal(error.to_string()),
        }
    }
}

impl From<crate::vault::Error> for Error {
    fn from(error: crate::vault::Error) -> Self {
        match error {
            crate::vault::Error::Database(error) => Self::Unavailable(error.to_string()),
            error => Self::Internal(error.to_string()),
        }
    }
}

/// An integration and what the catalogue says about its provider.
#[derive(Clone)]
pub struct Configured {
    /// Its unique key.
    pub id: String,
    /// What it is configured to be.
    pub settings: integration::Settings,
    /// How to call it.
    pub provider: Arc<Provider>,
    /// Its client, opened.
    pub client: Option<Client>,
}

/// A connection that can be called.
#[derive(Clone)]
pub struct Live {
    /// Its integration.
    pub integration: Configured,
    /// Its stream.
    pub key: ConnectionKey,
    /// The id it is known by.
    pub id: String,
    /// What it is.
    pub settings: connection::Settings,
    /// Opened, not expired.
    pub credentials: Credentials,
    /// `settings.config` as templates take it.
    pub config: Map<String, Value>,
}

impl Live {
    /// What requests are built for.
    pub fn target(&self) -> Target<'_> {
        Target {
            provider: &self.integration.provider,
            credentials: &self.credentials,
            connection_config: &self.config,
            metadata: self.settings.metadata.as_object(),
            client: self.integration.client.as_ref(),
            user_agent: USER_AGENT,
        }
    }
}

/// Opens connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

struct Inner {
    bus: Bus,
    vault: Vault,
    catalogue: Catalogue,
    outbound: Outbound,
    /// One renewal of a connection at a time.
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Connections {
    /// With these parts.
    pub fn new(bus: Bus, vault: Vault, catalogue: Catalogue, outbound: Outbound) -> Self {
        Self {
            inner: Arc::new(Inner {
                bus,
                vault,
                catalogue,
                outbound,
                turns: Mutex::default(),
            }),
        }
    }

    /// What is known about providers.
    pub fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    /// The way to them.
    pub fn outbound(&self) -> &Outbound {
        &self.inner.outbound
    }

    /// An integration.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn integration(&self, project: &ProjectId, id: &str) -> Result<Configured, Error> {
        let (settings, provider) = self.configured(project, id).await?;
        let client = self.client(&settings).await?;
        Ok(Configured {
            id: id.to_owned(),
            provider,
            client,
            settings,
        })
    }

    /// The provider of an integration, and its name: for those who do not call it. No secret is
    /// opened.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn provider(
        &self,
        project: &ProjectId,
        id: &str,
    ) -> Result<(String, Arc<Provider>), Error> {
        let (settings, provider) = self.configured(project, id).await?;
        Ok((settings.provider, provider))
    }

    async fn configured(
        &self,
        project: &ProjectId,
        id: &str,
    ) -> Result<(integration::Settings, Arc<Provider>), Error> {
        let key = IntegrationId::from(id).key(project);
        let loaded = self.inner.bus.load::<Integration>(&key).await?;
        let Some(settings) = loaded.state.settings.clone() else {
            return Err(Error::Integration(id.to_owned()));
        };
        let provider = self.inner.catalogue.get(&settings.provider);
        let provider = provider.ok_or_else(|| Error::Provider(settings.provider.clone()))?;
        let provider = provider.clone();
        Ok((settings, provider))
    }

    /// The client of an integration, opened.
    pub async fn client(&self, settings: &integration::Settings) -> Result<Option<Client>, Error> {
        let Some(kept) = &settings.credentials else {
            return Ok(None);
        };
        let secret = self.inner.vault.open(&kept.secret).await?;
        let mut parts: Map<String, Value> = serde_json::from_str(&secret)
            .map_err(|_| Error::Internal("stored credentials are damaged".to_owned()))?;
        parts.insert("type".to_owned(), kept.kind.as_str().into());
        for (name, value) in &kept.public {
            parts.insert(name.clone(), value.as_str().into());
        }
        let client = serde_json::from_value(Value::Object(parts));
        client
            .map(Some)
            .map_err(|_| Error::Internal("stored credentials are damaged".to_owned()))
    }

    /// Seals something with the key of a project.
    ///
    /// # Errors
    /// When the key is not there.
    pub async fn seal(&self, project: &ProjectId, value: &Value) -> Result<Sealed, Error> {
        self.seal_text(project, &value.to_string()).await
    }

    /// Seals a text with the key of a project.
    ///
    /// # Errors
    /// When the key is not there.
    pub async fn seal_text(&self, project: &ProjectId, text: &str) -> Result<Sealed, Error> {
        let loaded = self.inner.bus.load::<Project>(project.as_str()).await?;
        let data_key = &loaded.state.data_key;
        Ok(self.inner.vault.seal(data_key, text).await?)
    }

    /// The credentials of a connection, opened, whatever their age.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub async fn credentials(&self, settings: &connection::Settings) -> Result<Credentials, Error> {
        let text = self.inner.vault.open(&settings.credentials).await?;
        serde_json::from_str(&text)
            .map_err(|_| Error::Internal("stored credentials are damaged".to_owned()))
    }

    /// A connection with credentials that have not expired. `force`: with new ones in any case.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(
        &self,
        project: &ProjectId,
        integration: &str,
        id: &str,
        force: bool,
    ) -> Result<Live, Error> {
        let live = self.look(project, integration, id).await?;
        if !self.is_due(&live, force) {
            return Ok(live);
        }
        let turn = self.turn(&live.key.key(project));
        let _turn = turn.lock().await;
        // Somebody else may have done it meanwhile.
        let fresh = self.look(project, integration, id).await?;
        let renewed = fresh.credentials != live.credentials;
        if renewed || !self.is_due(&fresh, force) {
            return Ok(fresh);
        }
        self.refresh(project, fresh).await
    }

    fn is_due(&self, live: &Live, force: bool) -> bool {
        let credentials = &live.credentials;
        credentials.refreshable()
            && (force
                || credentials
                    .refresh_needed(transport::now(), live.integration.provider.refresh_before()))
    }

    fn turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self
            .inner
            .turns
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        turns.insert(key.to_owned(), Arc::downgrade(&turn));
        turn
    }

    async fn look(&self, project: &ProjectId, integration: &str, id: &str) -> Result<Live, Error> {
        let configured = self.integration(project, integration).await?;
        let key = keys::connection(integration, id);
        let loaded = self.inner.bus.load::<Connection>(&key.key(project)).await?;
        let Some(settings) = loaded.state.settings.clone() else {
            return Err(Error::Connection {
                connection: id.to_owned(),
                integration: integration.to_owned(),
            });
        };
        let credentials = self.credentials(&settings).await?;
        Ok(Live {
            integration: configured,
            key,
            id: id.to_owned(),
            config: config(&settings),
            settings,
            credentials,
        })
    }

    async fn refresh(&self, project: &ProjectId, live: Live) -> Result<Live, Error> {
        let key = live.key.key(project);
        let now = transport::now();
        let target = live.target();
        let work = token::refresh(&self.inner.outbound, &target, now);
        let asked = tokio::time::timeout(Duration::from_secs(30), work).await;
        let context = Context::once("saga:refresh", project.as_str());
        match asked {
            Ok(Ok(fresh)) => self.keep(project, live, fresh, &context).await,
            Ok(Err(error)) if error.is_invalid_credentials() => {
                let command = Command::NoteFailure {
                    error: error.to_string(),
                };
                let noted = self
                    .inner
                    .bus
                    .execute::<Connection>(&key, command, &context);
                noted.await?;
                Err(Error::Credentials(error.to_string()))
            }
            // A token that is still good does.
            other => match live.credentials.expired(now) {
                false => Ok(live),
                true => Err(Error::Refresh(match other {
                    Ok(Err(error)) => error.to_string(),
                    _ => "the provider did not answer in time".to_owned(),
                })),
            },
        }
    }

    /// Keeps what a renewal brought.
    async fn keep(
        &self,
        project: &ProjectId,
        live: Live,
        fresh: Fresh,
        context: &Context,
    ) -> Result<Live, Error> {
        let key = live.key.key(project);
        let credentials = self.seal(project, &fresh.credentials.to_json()).await?;
        let expires_at = fresh.credentials.expires_at().map(|at| at.as_millisecond());
        let bus = &self.inner.bus;
        let command = Command::SetCredentials {
            credentials,
            expires_at,
        };
        bus.execute::<Connection>(&key, command, context).await?;
        let mut live = Live {
            credentials: fresh.credentials,
            ..live
        };
        if !fresh.connection_config.is_empty() {
            let mut config = live.settings.config.clone();
            for (name, value) in fresh.connection_config {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                config.insert(name, text);
            }
            let change = connection::Change {
                config: Some(config.clone()),
                ..connection::Change::default()
            };
            let context = Context::once("saga:refresh", project.as_str());
            let command = Command::Update { change };
            bus.execute::<Connection>(&key, command, &context).await?;
            live.settings.config = config;
            live.config = self::config(&live.settings);
        }
        Ok(live)
    }
}

fn config(settings: &connection::Settings) -> Map<String, Value> {
    let config = settings.config.iter();
    config
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect()
}
