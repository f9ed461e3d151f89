//! Black-box tests: the real binary, over HTTP, as clients see it.
//!
//! Modules mirror what they ask of the server. [`server`] starts one and
//! [`client`] talks to it.

mod client;
#[path = "../../journal/tests/journal/server.rs"]
#[expect(dead_code, reason = "the tests of the journal ask more of it")]
mod postgresql;
mod server;

mod access;
mod cluster;
mod crash;
mod deployments;
mod description;
mod executions;
mod foreign;
mod formats;
mod functions;
mod history;
#[cfg(feature = "kurrentdb")]
mod kurrentdb;
mod nango;
mod operations;
mod postgres;
mod pubnub;
mod repeats;
mod sdk;
mod steps;
mod transfer;
mod variables;
