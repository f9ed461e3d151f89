//! Read models of Strata and the runner that feeds them from the journal.
//!
//! A projection (`models`) is a pure function from an event to row changes.
//! Its rows live in system-versioned tables (`table`), so that every read can
//! be asked of now or of any position in the past with the same statement
//! (`list`). One thread (`runner`) applies every event once, to all projections
//! in one transaction. [`View`] is how everybody else reads.
//!
//! They are kept in a file by one process, or in a schema of a PostgreSQL
//! database by many nodes (`store`); either holds nothing that the journal does
//! not hold.

pub mod model;
pub mod query;

mod append;
mod audits;
mod counts;
mod db;
mod entries;
mod error;
mod few;
mod integrations;
mod list;
mod models;
mod packages;
mod projection;
mod read_models;
mod readers;
mod runner;
mod search;
mod state;
mod store;
mod table;
mod versions;
mod view;

pub use error::Error;
pub use read_models::{Options, ReadModels};
pub use state::{Leader, Progress, Status};
pub use store::Location;
pub use view::{InProject, View};

/// What to show of the audit log. All that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Id of the project.
    pub project: Option<String>,
    /// Name of the stream, for example `function-default:hello`.
    pub stream: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Type of the event.
    pub event: Option<String>,
    /// What follows from one request.
    pub correlation: Option<String>,
    /// Only what comes after this position.
    pub after: Option<u64>,
    /// Only what comes before this position; when nothing is said about
    /// `after`, the newest ones of these.
    pub before: Option<u64>,
    /// Most rows to return.
    pub limit: u32,
}
