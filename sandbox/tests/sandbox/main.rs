//! Whole executions, from bundle to outcome.

mod components;
mod contract;
mod guest;
mod harness;
mod limits;
mod outbound;
mod prelude;
mod seam;
mod tiers;
