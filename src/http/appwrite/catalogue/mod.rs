//! What the server offers, as tables: runtimes, specifications, templates.

pub mod runtimes;
pub mod specifications;
pub mod templates;
