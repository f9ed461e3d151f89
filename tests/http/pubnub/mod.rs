//! The PubNub dialect, as its clients see it.
//!
//! What is compared with comes from the reference of the wire format; where Strata adds something
//! of its own, the test says so.

mod bed;
mod stage;

mod deployments;
mod intervals;
mod nodes;
mod rolling;
mod scheduled;
mod sending;
mod watching;
