//! The Nango dialect, as its clients see it.
//!
//! What is compared with comes from the published description of the API (codes, texts, schemas);
//! where Strata adds something of its own, the test says so.

mod api;
mod bed;
mod sources;
mod standin;
mod told;

mod access;
mod bundles;
mod compile;
mod corpus;
mod definitions;
mod mutations;
mod rules;
mod types;
