//! An integration: a provider as it is configured in a project.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Sealed;
use crate::aggregate::{aggregate, kinds};

/// What can be asked of an integration.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes it.
    Create {
        /// What it is to be.
        settings: Settings,
    },
    /// Replaces settings.
    Update {
        /// The new settings, some of which may be left as they are.
        change: Change,
    },
    /// Ends it, with its connections and their syncs.
    Delete,
}

/// What an integration is configured to be. Limits and formats are those of
/// the dialect that accepted them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Entry of the provider catalogue.
    pub provider: String,
    /// Shown to people; none: the provider's own.
    pub display_name: Option<String>,
    /// Whether webhooks of the provider are passed on.
    pub forward_webhooks: bool,
    /// What the provider's templates are filled with.
    pub config: BTreeMap<String, String>,
    /// What else the provider's sort of credentials needs.
    pub custom: BTreeMap<String, String>,
    /// The credentials of the client; none where the provider needs none.
    pub credentials: Option<Credentials>,
}

/// Credentials of a client that acts for many users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Authentication mode, for example `OAUTH2`.
    pub kind: String,
    /// What may be shown: `client_id`, `scopes`, `app_id`, `app_link`.
    pub public: BTreeMap<String, String>,
    /// A JSON object of the other parts.
    pub secret: Sealed,
}

/// A replacement of settings in which all may be left as they are (`None`).
/// The provider stays for good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of `Settings`")]
pub struct Change {
    pub display_name: Option<String>,
    pub forward_webhooks: Option<bool>,
    pub config: Option<BTreeMap<String, String>>,
    pub custom: Option<BTreeMap<String, String>>,
    pub credentials: Option<Credentials>,
}

impl Change {
    /// The settings after this change of `current`.
    pub fn apply_to(self, current: &Settings) -> Settings {
        let now = current.clone();
        Settings {
            provider: now.provider,
            display_name: self.display_name.or(now.display_name),
            forward_webhooks: self.forward_webhooks.unwrap_or(now.forward_webhooks),
            config: self.config.unwrap_or(now.config),
            custom: self.custom.unwrap_or(now.custom),
            credentials: self.credentials.or(now.credentials),
        }
    }
}

/// What happened to an integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The integration exists.
    IntegrationCreated {
        /// What it is.
        settings: Settings,
    },
    /// All settings as they are now.
    IntegrationUpdated {
        /// What it is.
        settings: Settings,
    },
    /// The integration, its connections and their syncs are gone.
    IntegrationDeleted {},
}

kinds!(Event: IntegrationCreated, IntegrationUpdated, IntegrationDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such integration.
    #[error("the integration does not exist")]
    NotFound,
    /// The unique key is taken.
    #[error("an integration with this unique key exists already")]
    AlreadyExists,
}

/// The state of an integration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Its settings; none: it does not exist.
    pub settings: Option<Settings>,
}

aggregate!(Integration, "integration", fold 1);

impl Integration {
    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let event = match (command, &self.settings) {
            (Command::Create { settings }, None) => Event::IntegrationCreated { settings },
            (Command::Create { .. }, Some(_)) => return Err(Error::AlreadyExists),
            (_, None) => return Err(Error::NotFound),
            (Command::Update { change }, Some(current)) => Event::IntegrationUpdated {
                settings: change.apply_to(current),
            },
            (Command::Delete, Some(_)) => Event::IntegrationDeleted {},
        };
        Ok(vec![event])
    }

    fn fold(&mut self, event: Event) {
        self.settings = match event {
            Event::IntegrationCreated { settings } | Event::IntegrationUpdated { settings } => {
                Some(settings)
            }
            Event::IntegrationDeleted {} => None,
        };
    }
}
