//! The projections, one file each.

mod audit;
mod deployment;
mod execution;
mod function;
mod integration;
mod project;
mod variable;

pub(crate) use audit::{Audits, backwards, line, passes, positions};
pub(crate) use deployment::{BUILD_LOGS, DeploymentRow, UNACTIVATED, UNFINISHED};
pub(crate) use execution::Executions;
pub(crate) use function::{FunctionRow, Functions};
pub(crate) use integration::{EVERY, Integrations};
pub(crate) use project::Projects;

use crate::projection::Definition;

/// Index of each projection in [`DEFINITIONS`].
pub(crate) const PROJECTS: usize = 0;
pub(crate) const FUNCTIONS: usize = 1;
pub(crate) const EXECUTIONS: usize = 2;
pub(crate) const AUDIT: usize = 3;
pub(crate) const INTEGRATIONS: usize = 4;

/// Every projection.
///
/// What must agree with each other at every position is one projection: a
/// function shows its newest deployment and a deployment's activation depends
/// on its siblings, so functions, their variables and their deployments are one.
/// So are integrations, their connections, and the syncs of these.
pub(crate) const DEFINITIONS: [Definition; 5] = [
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
        version: 2,
        make: |generation, ready| Box::new(Executions::new(generation, ready)),
    },
    Definition {
        name: "audit",
        version: 2,
        make: |generation, _| Box::new(Audits::new(generation)),
    },
    Definition {
        name: "integrations",
        version: 1,
        make: |generation, ready| Box::new(Integrations::new(generation, ready)),
    },
];
