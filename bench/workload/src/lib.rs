//! What both sides of the benchmarks do. Plain cqrs-es and Strata decide with
//! the very same aggregates, on the same commands in the same order, and are
//! counted by the same code, so that a ratio compares only what lies below.

mod arguments;
mod commands;
mod history;
mod random;
mod timings;

pub use arguments::Arguments;
pub use commands::{Client, SETTINGS_NAME, Step, settings};
pub use history::{History, Stored};
pub use random::Random;
pub use timings::{Clock, Timings, report};

/// The project that everything belongs to.
pub const PROJECT: &str = "default";
