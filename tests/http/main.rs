//! Black-box tests: the real binary, over HTTP, as clients see it.
//!
//! Modules mirror what they ask of the server. [`server`] starts one and
//! [`client`] talks to it.

mod client;
mod server;

mod access;
mod crash;
mod deployments;
mod description;
mod executions;
mod formats;
mod functions;
mod history;
mod operations;
mod postgres;
mod repeats;
mod sdk;
mod steps;
mod variables;
