//! Strata: an event-sourced control plane for serverless functions.

fn main() {}
