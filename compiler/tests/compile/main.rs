//! Whole builds: a tree goes in, and what the bundle does in Node is looked at.

mod errors;
mod harness;
mod modules;
