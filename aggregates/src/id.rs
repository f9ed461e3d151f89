//! A type per kind of id, so that one is never taken for another.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Arc::from(""))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

/// An id inside a project: its stream key is `{project}:{id}`.
macro_rules! in_project {
    ($($name:ident),+) => {$(
        impl $name {
            /// The key of this aggregate's stream.
            pub fn key(&self, project: &ProjectId) -> String {
                format!("{project}:{self}")
            }
        }
    )+};
}

id!(
    /// A project: tenant, owner of keys and of everything below it. Its own
    /// stream key.
    ProjectId
);
id!(
    /// A function, unique in its project.
    FunctionId
);
id!(
    /// A deployment, unique in its project.
    DeploymentId
);
id!(
    /// An execution, unique in its project.
    ExecutionId
);
id!(
    /// A variable, unique in its function.
    VariableId
);
id!(
    /// An API key, unique in its project. Not the secret.
    KeyId
);

id!(
    /// An integration, unique in its project: its `unique_key`.
    IntegrationId
);
id!(
    /// A connection, unique in its project: a hash of connection id and
    /// integration, made by the caller. Read models end connections with their
    /// integration and the streams do not, so what is hashed should name one
    /// life of the integration (the position that created it).
    ConnectionKey
);
id!(
    /// The state of one script on one connection and variant, unique in its
    /// project: a hash of these, made by the caller. As with [`ConnectionKey`],
    /// it should name one life of the connection.
    SyncKey
);
id!(
    /// A dry run, unique in its project.
    DryRunId
);

id!(
    /// A package of the PubNub dialect, unique in its project: a UUID.
    PackageId
);
id!(
    /// A revision of a package, unique in its project: a UUID.
    RevisionId
);
id!(
    /// A function of a package, the same in all its revisions: a UUID.
    HandlerId
);
id!(
    /// A function at one revision of its package: a UUID.
    HandlerRevisionId
);
id!(
    /// A test input of a function at one revision: a UUID.
    TestInputId
);
id!(
    /// A revision of a package on a keyset, as clients name it: a UUID. Its stream is named by
    /// [`AssignmentKey`].
    PackageDeploymentId
);
id!(
    /// The one deployment of a revision on a keyset: `{revision}@{keyset}`. There cannot be two,
    /// as there cannot be two streams of one name.
    AssignmentKey
);
id!(
    /// A window of time in which a package deployment runs: a UUID.
    ScheduledEventId
);
id!(
    /// A keyset, by its number in decimal; unique in the installation.
    KeysetId
);
id!(
    /// A key of the store that functions of a keyset share: `{subscribe key}/{hash of the key}`,
    /// made by the caller. Of a value, or of a counter: these do not meet.
    EntryId
);

impl AssignmentKey {
    /// The key of this revision on this keyset.
    pub fn new(revision: &RevisionId, keyset: u64) -> Self {
        Self::from(format!("{revision}@{keyset}"))
    }
}

in_project!(
    PackageId,
    AssignmentKey,
    KeysetId,
    EntryId,
    FunctionId,
    DeploymentId,
    ExecutionId,
    IntegrationId,
    ConnectionKey,
    SyncKey,
    DryRunId
);

/// Splits a stream key `{project}:{id}` into its parts.
pub fn split_key(key: &str) -> Option<(&str, &str)> {
    key.split_once(':')
}

/// The wire format a thing was created through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Appwrite Functions.
    #[default]
    Appwrite,
    /// Nango Functions.
    Nango,
    /// PubNub Functions.
    Pubnub,
    /// Strata's own API and command line.
    Strata,
}

impl Dialect {
    /// The dialect as it is stored: `appwrite`, `nango`, `pubnub`, `strata`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appwrite => "appwrite",
            Self::Nango => "nango",
            Self::Pubnub => "pubnub",
            Self::Strata => "strata",
        }
    }
}
