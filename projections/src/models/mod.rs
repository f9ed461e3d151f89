//! The projections, one file each.

mod audit;
mod deployment;
mod entry;
mod execution;
mod function;
mod integration;
mod project;
mod pubnub;
mod variable;

pub(crate) use audit::{Audits, backwards, line, passes, positions};
pub(crate) use deployment::{BUILD_LOGS, DeploymentRow, UNACTIVATED, UNFINISHED};
pub(crate) use entry::{Entries, end_of, place};
pub(crate) use execution::{DeadLetter, Executions};
pub(crate) use function::{FunctionRow, Functions};
pub(crate) use integration::{EVERY, Integrations};
pub(crate) use project::Projects;
pub(crate) use pubnub::{
    EVERY_KEYSET, FUNCTIONS as FUNCTIONS_OF_REVISION, NamedPackage, NumberedKeyset, OPEN_EVENT,
    Packages, RUNNING, TRANSITIONAL, folded,
};

use crate::projection::Definition;

/// Index of each projection in [`DEFINITIONS`].
pub(crate) const PROJECTS: usize = 0;
pub(crate) const FUNCTIONS: usize = 1;
pub(crate) const EXECUTIONS: usize = 2;
pub(crate) const AUDIT: usize = 3;
pub(crate) const INTEGRATIONS: usize = 4;
pub(crate) const PACKAGES: usize = 5;
pub(crate) const ENTRIES: usize = 6;

/// Every projection.
///
/// What must agree with each other at every position is one projection: a
/// function shows its newest deployment and a deployment's activation depends
/// on its siblings, so functions, their variables and their deployments are one.
/// So are integrations, their connections, and the syncs of these; and packages,
/// keysets, and deployments of the ones on the others. What functions of a
/// keyset share changes much more often, and is one of its own.
pub(crate) const DEFINITIONS: [Definition; 7] = [
    Definition {
        name: "projects",
        version: 1,
        make: |generation, ready| Box::new(Projects::new(generation, ready)),
    },
    Definition {
        name: "functions",
        version: 2,
        make: |generation, ready| Box::new(Functions::new(generation, ready)),
    },
    Definition {
        name: "executions",
        version: 3,
        make: |generation, ready| Box::new(Executions::new(generation, ready)),
    },
    Definition {
        name: "audit",
        version: 3,
        make: |generation, _| Box::new(Audits::new(generation)),
    },
    Definition {
        name: "integrations",
        version: 1,
        make: |generation, ready| Box::new(Integrations::new(generation, ready)),
    },
    Definition {
        name: "packages",
        version: 1,
        make: |generation, ready| Box::new(Packages::new(generation, ready)),
    },
    Definition {
        name: "entries",
        version: 1,
        make: |generation, ready| Box::new(Entries::new(generation, ready)),
    },
];
