//! Whole builds: a tree goes in, and what the bundle does in Node is looked at.

mod archives;
mod errors;
mod handler;
mod harness;
mod modules;
mod npm;
mod packages;
mod properties;
mod registry;
mod script;
