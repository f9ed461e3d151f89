//! Read models of Strata and the runner that feeds them from the journal.

pub mod model;
pub mod query;
