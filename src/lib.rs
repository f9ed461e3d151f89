//! Strata: an event-sourced control plane for serverless functions.
//!
//! `docs/ARCHITECTURE.md` is the map. This crate is the server and the command
//! line; what can stand alone is in the other members of the workspace.

pub mod app;
pub mod auth;
pub mod blobs;
pub mod bus;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod execution;
pub mod http;
mod installation;
pub mod nango;
pub mod pubnub;
pub mod sagas;
pub mod telemetry;
pub mod transfer;
pub mod vault;

/// What the server allocates is small, short-lived and made on many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
