//! The PubNub dialect, as its clients see it.
//!
//! What is compared with comes from the reference of the wire format; where Strata adds something
//! of its own, the test says so.

mod bed;

mod answering;
mod blueprints;
mod browsing;
mod catalogue;
mod chains;
mod contract;
mod deployments;
mod frame;
mod inputs;
mod intervals;
mod keysets;
mod kv;
mod letters;
mod modules;
mod moving;
mod nodes;
mod packages;
mod past;
mod published;
mod revisions;
mod rolling;
mod scheduled;
mod secrets;
mod sending;
mod stage;
mod subscribing;
mod trying;
mod watching;
