//! Integrations, connections, syncs and dry runs.

pub mod check;
mod directed;
mod history;
mod lists;
pub mod naive;
