//! Whole executions, from bundle to outcome.

mod components;
mod contract;
mod guest;
mod harness;
mod limits;
mod outbound;
mod prelude;
mod pubnub;
mod seam;
mod tiers;
