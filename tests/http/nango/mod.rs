//! The Nango dialect, as its clients see it.
//!
//! What is compared with comes from the published description of the API (codes, texts, schemas);
//! where Strata adds something of its own, the test says so.

mod api;
mod bed;
mod sources;
pub mod standin;
mod told;
mod world;

mod access;
mod actions;
mod bundles;
mod compile;
mod connections;
mod corpus;
mod definitions;
mod deployed;
mod deployments;
mod dryruns;
mod durability;
mod integrations;
mod moves;
mod mutations;
mod proxy;
mod records;
mod rules;
mod saving;
mod sdk;
mod sets;
mod stacks;
mod stops;
mod syncs;
mod takeovers;
mod turns;
mod types;
mod visible;
