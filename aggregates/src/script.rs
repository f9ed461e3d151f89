//! A function of the Nango dialect: a script of an integration.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Text;

/// Which script a function is. Set once, when the function is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The integration it belongs to, by its unique key.
    pub integration: String,
    /// What it does.
    pub kind: ScriptKind,
    /// Unique among the scripts of its integration and kind.
    pub name: String,
}

/// What a script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptKind {
    /// Called on demand, from an input to an output.
    Action,
    /// Runs by a schedule and writes records.
    Sync,
    /// Runs when something happens to a connection.
    OnEvent,
    /// Made with the experimental `createFunction`.
    Function,
}

impl ScriptKind {
    /// The kind as it is stored and shown: `action`, `sync`, `on-event`, `function`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Sync => "sync",
            Self::OnEvent => "on-event",
            Self::Function => "function",
        }
    }
}

impl fmt::Display for ScriptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the source of a deployed script comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptSource {
    /// Given to the deployments endpoint as code.
    Standalone,
    /// A template of the catalogue.
    Catalog,
    /// A repository, deployed with the command line.
    Repo,
}

impl ScriptSource {
    /// The source as it is stored and shown: `standalone`, `catalog`, `repo`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Catalog => "catalog",
            Self::Repo => "repo",
        }
    }
}

impl fmt::Display for ScriptSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a deployment of a script is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptPlan {
    /// The integration, by its unique key.
    pub integration: String,
    /// The provider of the integration at that time.
    pub provider: String,
    /// The kind that was asked for; a source of another kind fails the build.
    pub kind: ScriptKind,
    /// The name of the script.
    pub name: String,
    /// The version that was asked for; none: that of the source, or the next.
    pub version: Option<String>,
    /// Where the source comes from.
    pub source: ScriptSource,
}

/// What a build found out about a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptArtefact {
    /// The version that is deployed.
    pub version: String,
    /// The definition that was read out of the bundle, as JSON.
    pub definition: Text,
}

/// The script that an execution calls, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptCall {
    /// The integration, by its unique key.
    pub integration: String,
    /// The connection, by the id its integration knows it by.
    pub connection: String,
    /// What kind of script it is.
    pub kind: ScriptKind,
    /// The name of the script.
    pub name: String,
}

/// Why something failed, as it is told to whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The dialect's code, for example `compilation_error` or `timeout`.
    pub code: String,
    /// For people.
    pub message: Text,
    /// What the code that failed adds; a JSON null is a payload too.
    #[serde(
        default,
        deserialize_with = "crate::aggregate::given",
        skip_serializing_if = "Option::is_none"
    )]
    pub payload: Option<serde_json::Value>,
}
