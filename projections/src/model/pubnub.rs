//! Rows of packages, keysets, package deployments, and what functions share.
//!
//! Where `updated_at` is shown to clients it is later than before after every
//! change, whatever the clock does: by at least a millisecond.

use aggregates::keyset::Settings as KeysetSettings;
use aggregates::package::{self, TestInput as Input};
use aggregates::pkgdeploy::{Scheduled, Status};
use aggregates::{
    AssignmentKey, EntryId, Handler, HandlerId, HandlerRevisionId, PackageDeploymentId, PackageId,
    RevisionId, ScheduledEventId, TestInputId, entry,
};
use serde::{Deserialize, Serialize};

/// A package as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Package {
    pub id: PackageId,
    /// Insertion order: the position of the event that created it.
    pub sequence: u64,
    pub created_at: i64,
    /// When its settings last changed.
    pub updated_at: i64,
    pub settings: package::Settings,
    pub api_managed: bool,
    pub blueprint: Option<String>,
    pub revisions_total: u32,
    /// Revisions of which at least one deployment runs.
    pub revisions_running: u32,
    /// Of all revisions.
    pub deployments_total: u32,
    /// Of all revisions.
    pub deployments_running: u32,
}

/// A revision of a package as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PackageRevision {
    pub id: RevisionId,
    pub sequence: u64,
    pub package: PackageId,
    pub created_at: i64,
    /// When its name or description last changed.
    pub updated_at: i64,
    pub name: String,
    pub description: Option<String>,
    /// In the order of `sort_order` and name.
    pub handlers: Vec<Handler>,
    pub deployments_total: u32,
    pub deployments_running: u32,
}

/// A function at one revision of its package, as of some position. It never
/// changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct HandlerRow {
    /// Of this function at this revision.
    pub id: HandlerRevisionId,
    pub sequence: u64,
    pub handler: Handler,
    pub package: PackageId,
    pub revision: RevisionId,
    pub created_at: i64,
    pub updated_at: i64,
}

impl HandlerRow {
    /// The id of the function, the same in all revisions.
    pub fn function(&self) -> &HandlerId {
        &self.handler.id
    }
}

/// A test input as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TestInput {
    pub id: TestInputId,
    pub sequence: u64,
    pub handler: HandlerRevisionId,
    pub revision: RevisionId,
    pub package: PackageId,
    pub created_at: i64,
    pub updated_at: i64,
    pub input: Input,
}

/// A keyset as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Keyset {
    /// The number in decimal.
    pub id: String,
    pub number: u64,
    pub sequence: u64,
    pub created_at: i64,
    pub updated_at: i64,
    pub name: String,
    pub publish_key: String,
    pub subscribe_key: String,
    pub settings: KeysetSettings,
    /// Names of its secrets, ascending.
    pub secrets: Vec<String>,
    /// Deployments whose functions take part, in order.
    pub connected: Vec<PackageDeploymentId>,
}

/// A revision of a package on a keyset, as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PackageDeployment {
    pub id: PackageDeploymentId,
    /// Of its stream.
    pub key: AssignmentKey,
    pub sequence: u64,
    pub package: PackageId,
    pub revision: RevisionId,
    pub keyset: u64,
    /// The functions of the revision, in order.
    pub handlers: Vec<HandlerRevisionId>,
    pub status: Status,
    /// Counts starts and stops.
    pub operation: u32,
    /// The deployment whose place it takes, while it starts.
    pub replacing: Option<PackageDeploymentId>,
    /// It starts again when it has stopped.
    pub restart: bool,
    /// Code and reason of the last start, if that failed.
    pub failure: Option<(String, String)>,
    /// Since when it runs; none: it does not.
    pub running_since: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A window of time in which a package deployment is to run, as of some
/// position. It outlives its deployment, canceled if it was not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ScheduledEvent {
    pub id: ScheduledEventId,
    pub sequence: u64,
    pub deployment: PackageDeploymentId,
    /// Of the deployment's stream.
    pub key: AssignmentKey,
    pub keyset: u64,
    pub package: PackageId,
    pub revision: RevisionId,
    pub event: Scheduled,
    pub created_at: i64,
    pub updated_at: i64,
    /// When the action at its begin last changed.
    pub start_updated_at: i64,
    /// When the action at its end last changed.
    pub stop_updated_at: i64,
}

/// A value that the functions of a keyset share, as of some position. It may
/// have expired: nothing tells of that when it comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Entry {
    pub id: EntryId,
    pub sequence: u64,
    pub key: String,
    pub keyset: u64,
    pub value: entry::Value,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A counter of a keyset as of some position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counter {
    pub id: EntryId,
    pub sequence: u64,
    pub key: String,
    pub keyset: u64,
    pub value: i64,
    pub created_at: i64,
    pub updated_at: i64,
}
