//! Whole executions, from bundle to outcome.

mod contract;
mod harness;
mod limits;
mod outbound;
mod tiers;
