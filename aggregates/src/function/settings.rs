//! What a function is configured to be.

use serde::{Deserialize, Serialize};

use crate::Script;

/// The settings of a function. Limits and formats are those of the dialect
/// that accepted them; a stored setting is always valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Shown to people.
    pub name: String,
    /// Runtime id, for example `node-22`.
    pub runtime: String,
    /// Roles that may execute the function without a key.
    pub execute: Vec<String>,
    /// Event patterns that would trigger it.
    pub events: Vec<String>,
    /// Cron expression in UTC, or empty.
    pub schedule: String,
    /// Longest execution, in seconds.
    pub timeout: u32,
    /// Off: only keys may execute it.
    pub enabled: bool,
    /// Off: executions keep no logs.
    pub logging: bool,
    /// Path of the entry file in the source, or empty.
    pub entrypoint: String,
    /// Build commands, or empty.
    pub commands: String,
    /// Scopes of the key that an execution is given.
    pub scopes: Vec<String>,
    /// Connection to a source repository.
    pub provider: Provider,
    /// Slug of the machine size for builds.
    pub build_specification: String,
    /// Slug of the machine size for executions.
    pub runtime_specification: String,
    /// Days after which inactive deployments are removed; 0 keeps them.
    pub deployment_retention: u32,
    /// Which script of the Nango dialect it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
}

/// A function's connection to a source repository; empty when unused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "stored and returned as given")]
pub struct Provider {
    pub installation_id: String,
    pub repository_id: String,
    pub branch: String,
    pub root_directory: String,
    pub silent_mode: bool,
    pub branches: Vec<String>,
    pub paths: Vec<String>,
}

/// A replacement of settings in which some may be left as they are (`None`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of `Settings`")]
pub struct Change {
    pub name: String,
    pub runtime: Option<String>,
    pub execute: Vec<String>,
    pub events: Vec<String>,
    pub schedule: String,
    pub timeout: u32,
    pub enabled: bool,
    pub logging: bool,
    pub entrypoint: Option<String>,
    pub commands: String,
    pub scopes: Vec<String>,
    pub provider: ProviderChange,
    pub provider_branches: Option<Vec<String>>,
    pub provider_paths: Option<Vec<String>>,
    pub build_specification: Option<String>,
    pub runtime_specification: Option<String>,
    pub deployment_retention: u32,
}

/// What becomes of the connection to a source repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderChange {
    /// It stays, but for the silent mode.
    Keep {
        /// The new silent mode.
        silent_mode: bool,
    },
    /// It ends.
    Disconnect,
    /// It is replaced; branches and paths are ruled by the change's own fields.
    Connect(Provider),
}

impl Change {
    /// The settings after this change of `current`.
    pub fn apply_to(self, current: &Settings) -> Settings {
        let mut provider = match self.provider {
            ProviderChange::Keep { silent_mode } => Provider {
                silent_mode,
                ..current.provider.clone()
            },
            ProviderChange::Disconnect => Provider {
                silent_mode: true,
                ..Provider::default()
            },
            ProviderChange::Connect(provider) => Provider {
                branches: current.provider.branches.clone(),
                paths: current.provider.paths.clone(),
                ..provider
            },
        };
        if let Some(branches) = self.provider_branches {
            provider.branches = branches;
        }
        if let Some(paths) = self.provider_paths {
            provider.paths = paths;
        }
        Settings {
            name: self.name,
            runtime: self.runtime.unwrap_or_else(|| current.runtime.clone()),
            execute: self.execute,
            events: self.events,
            schedule: self.schedule,
            timeout: self.timeout,
            enabled: self.enabled,
            logging: self.logging,
            entrypoint: self
                .entrypoint
                .unwrap_or_else(|| current.entrypoint.clone()),
            commands: self.commands,
            scopes: self.scopes,
            provider,
            build_specification: self
                .build_specification
                .unwrap_or_else(|| current.build_specification.clone()),
            runtime_specification: self
                .runtime_specification
                .unwrap_or_else(|| current.runtime_specification.clone()),
            deployment_retention: self.deployment_retention,
            script: current.script.clone(),
        }
    }
}

impl Settings {
    /// Whether a change from `self` to `other` asks for a new build.
    pub fn needs_build(&self, other: &Self) -> bool {
        self.name != other.name
            || self.entrypoint != other.entrypoint
            || self.commands != other.commands
            || self.runtime != other.runtime
            || self.provider.root_directory != other.provider.root_directory
    }
}
